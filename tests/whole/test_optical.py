"""The daemon on an optical port: each mode of IEC 62056-21 into buckets and to the broker, and what recovers by itself.

Judged by the broker and by the truth file of the simulated meter, which was written from the standard and shares
nothing with what reads it. The house lives thirty times as fast as we do: two seconds of a session leave a minute open.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.broker import BrokerKind, find_mosquitto
from hil.house import DAY_START_US, GRID, House
from hil.optical_house import OpticalHouse
from hil.watcher import Watcher
from tests.contract import check

from .rig import BASE_TOPIC, MICRO, Reader, Truth, assert_law, assert_true_within_told

pytestmark = pytest.mark.whole

DIGIT_MILLIWH = 1000
OPENING_MS = 400
"""`/?!`, CR, LF and the shortest identification, `/XYZ0`, CR, LF: twelve characters of ten bits at 300 Bd."""
ENOUGH = 3
SECRET = "marker-7391"
MODES = {
    "A": (("--mode=A", "--short"), 'profile = "optical-a"'),
    "B": (("--mode=B",), 'profile = "optical-b"'),
    "C": (("--mode=C",), 'profile = "optical-c"'),
    "C by registers": (("--mode=C",), 'profile = "optical-c-registers"'),
    "D": (("--mode=D", "--baud=9600"), 'profile = "optical-d"'),
}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[OpticalHouse]:
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed: `./tests/run --setup` as root installs it")
    # The edge of 16:00, where the bucket changes, is twelve seconds away: a daemon that starts in time crosses it, and
    # for one that does not the next interval closes at 16:05.
    start_us = DAY_START_US + 4 * 60 * MICRO
    made = OpticalHouse(tmp_path, speed=30, start_utc_us=start_us, interval_min=5, broker_kind=BrokerKind.MOSQUITTO)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def reader(house: OpticalHouse) -> Iterator[Reader]:
    house.broker.start()
    watcher = Watcher(house.broker.host, house.broker.port, BASE_TOPIC)
    try:
        yield Reader(watcher)
    finally:
        watcher.close()


def start(house: House) -> None:
    house.start_meters()
    house.start_daemon()


def in_the_next_bucket(reader: Reader) -> bool:
    """A closed interval, and three states at least, one of which the other bucket has energy of."""
    states = [one.content for one in reader.of("state", GRID)]
    return (
        bool(reader.intervals(GRID))
        and len(states) >= ENOUGH
        and any(
            one.get("import_bucket_summer_peak_milliwh", 0) + one.get("export_bucket_summer_peak_milliwh", 0) > 0
            for one in states
        )
    )


def judge(house: House, reader: Reader) -> None:
    """End all, and hold what came against the truth."""
    house.stop_child("gateway")
    reader.rest()
    house.stop()
    truth = Truth(house.truth(GRID))
    states = [one.content for one in reader.of("state", GRID)]
    assert sum(assert_law(one) for one in states) == 2 * len(states) >= 2 * ENOUGH
    for interval in reader.intervals(GRID):
        assert_true_within_told(interval, truth)
    for one in states:  # each register was the meter's within its window
        low, _ = truth.bounds("import", one["time_utc_us"] - one["window_us"])
        _, high = truth.bounds("import", one["time_utc_us"])
        assert low - DIGIT_MILLIWH <= one["import_register_milliwh"] <= high, one


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_goes_into_buckets_and_to_the_broker(house: OpticalHouse, reader: Reader, mode: str) -> None:
    house.meter_options, house.way = MODES[mode]
    start(house)
    reader.until(in_the_next_bucket, f"an interval and the next bucket in mode {mode}")
    judge(house, reader)
    assert "refused" not in house.log("meter-grid").read_text()
    for told in (one.content for one in reader.of("state", GRID)):
        check("state", told)
        assert told["smallest_interval_ms"] >= (1 if mode == "D" else OPENING_MS)


FAULTS = ("lost-bcc=3", "wrong-baud=4")


def test_faults_on_the_head_recover_by_themselves(house: OpticalHouse, reader: Reader) -> None:
    """Light echo all the time, and each fault in its turn; then the head is pulled out and put back."""
    house.meter_options = ("--mode=C", "--echo", *(f"--fault={one}" for one in FAULTS))
    house.way = 'profile = "optical-c"'
    start(house)
    log = house.log("meter-grid")
    reader.until(
        lambda r: all(f"fault {one.partition('=')[0]} 1" in log.read_text() for one in FAULTS),
        "each fault once",
        patience_s=180,
    )
    before = len(reader.of("state", GRID))
    reader.until(lambda r: len(r.of("state", GRID)) >= before + 2, "readings after all faults")

    house.stop_child(GRID)
    daemon_log = house.log("gateway")
    reader.until(lambda _: "lost during" in daemon_log.read_text(), "the head missed")
    before = len(reader.of("state", GRID))
    house.meter_options = ("--mode=C",)
    house.start_grid_meter()
    reader.until(lambda r: len(r.of("state", GRID)) >= before + 2, "readings of the head that is back")
    reader.until(in_the_next_bucket, "an interval and the next bucket")
    judge(house, reader)
