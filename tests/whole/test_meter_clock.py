"""A gateway whose own clock stands in 1970 for ever, beside a meter that tells the time: `clock = "meter"`.

The array's meter has a clock, three seconds slow; the grid's has none and is read by the same time.
"""

import pytest

from drivers.profile_find import SHIPPED
from hil.house import House

from .booked import METERS, kept_readings
from .rig import MICRO, Reader, Truth, assert_law, assert_true_within_told

pytestmark = pytest.mark.whole

IN_1970 = -1_752_619_000  # the house's start, 2025-07-15 22:50 UTC, becomes 1970-01-01 00:13
SLOW_S = 3
STATED_S = 9
OPEN_S = 8
"""What one question leaves open: the clock shows whole seconds, and a question takes a tenth of a real second."""
PROFILE_CLOCK = """
[clock]
function = 3
address = 0xF800
format = "unix"
zone = "utc"
source = "hil.meters.sdm630_rtu"
confirmed = true
"""


def with_clock(house: House, *changes: tuple[str, str]) -> None:
    """Give the array's meter a profile that tells its clock, and change the config so besides."""
    profile = house.folder / "sdm630-with-clock.toml"
    profile.write_text((SHIPPED / "eastron-sdm630.toml").read_text(encoding="utf-8") + PROFILE_CLOCK, encoding="utf-8")
    text = house.config.read_text(encoding="utf-8")
    for old, new in (*changes, ('profile = "eastron-sdm630"', f'profile = "{profile.name}"')):
        assert old in text
        text = text.replace(old, new)
    house.config.write_text(text, encoding="utf-8")


def start(house: House) -> None:
    port = int(house.start_grid_meter().rpartition(":")[2])
    house.start_production_meter(f"--clock-off={-SLOW_S}")
    house.config.write_text(house._config_text(port), encoding="utf-8")
    with_clock(house, ('clock = "ntp"', 'clock = "meter"'))
    house.start_daemon(f"--clock-spell=0:{IN_1970}:unsynced")


def test_a_gateway_with_a_dead_clock_books_by_the_time_of_a_meter(house: House, reader: Reader) -> None:
    start(house)
    reader.until(lambda r: all(len(r.intervals(meter)) >= 2 for meter in METERS), "the 16:15 interval of both meters")
    seen = len(reader.records)
    reader.until(lambda r: any(x.topic.endswith("/health") for x in r.records[seen:]), "health")
    house.stop_child("gateway")
    reader.rest()
    house.stop()
    start_us = house.anchor.start_utc_us
    health = [record.content for record in reader.records if record.topic.endswith("/health")][-1]
    assert health["clock"] == "synced"
    assert STATED_S * MICRO < health["clock_error_us"] <= (STATED_S + OPEN_S) * MICRO
    for meter in METERS:
        states = [record.content for record in reader.of("state", meter)]
        assert all(assert_law(state) >= 1 for state in states)
        assert min(state["time_utc_us"] for state in states) >= start_us - SLOW_S * MICRO
        first, second = reader.intervals(meter)[:2]
        assert (first["bucket"], first["end_utc_us"]) == ("summer_off_peak", start_us + 600 * MICRO)
        assert (second["bucket"], second["end_utc_us"]) == ("summer_peak", start_us + 1500 * MICRO)
        # Where the books place each reading, against the machine's monotonic time: three seconds early.
        kept = kept_readings(house, meter)
        off_us = [one.wall.latest_us - one.true.latest_us + SLOW_S * MICRO for one in kept]
        assert all(abs(one) < OPEN_S * MICRO for one in off_us), off_us
        truth = Truth(house.truth(meter))
        for interval in (first, second):
            assert_true_within_told(interval, truth)
