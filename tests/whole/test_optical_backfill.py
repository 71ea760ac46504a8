"""An outage over the edge of two prices: the daemon reads the meter's load profile and corrects what it had to guess.

The daemon is away for six minutes of the house; the meter is not. Judged by the broker and the meter's truth file. The
house lives eight times as fast as we do, and so eight times as much of a clock is open.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from hil.broker import BrokerKind, find_mosquitto
from hil.house import GRID
from hil.house_time import monotonic_us
from hil.household import ZONE
from hil.optical_house import OpticalHouse
from hil.watcher import Watcher

from .rig import BASE_TOPIC, MICRO, Reader, Truth, assert_law, assert_true_within_told

pytestmark = pytest.mark.whole

START_US = int(datetime(2025, 7, 15, 15, 51, tzinfo=ZONE).timestamp()) * MICRO
MINUTE_US = 60 * MICRO
DIRECTIONS = ("import", "export")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[OpticalHouse]:
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed: `./tests/run --setup` as root installs it")
    made = OpticalHouse(
        tmp_path,
        speed=8,
        start_utc_us=START_US,
        interval_min=5,
        broker_kind=BrokerKind.MOSQUITTO,
        broker_persistent=True,
    )
    made.way = 'profile = "optical-c-registers"'  # whose clock is asked for in a quarter of a second
    made.meter_options = ("--mode=C", "--baud=19200", "--profile-min=5")
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


def newest(intervals: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """By their ends, the last word on each."""
    return {one["end_utc_us"]: one for one in sorted(intervals, key=lambda one: int(one["seq"]))}


def test_an_outage_over_a_price_edge_is_told_anew_by_the_load_profile(house: OpticalHouse, reader: Reader) -> None:
    house.start_meters()
    limited = house.config.read_text(encoding="utf-8").replace("service_amps = 100", "service_amps = 60")
    house.config.write_text(limited, encoding="utf-8")
    house.start_daemon()
    # A closed interval; in good time that of 15:55, and then the edge of 16:00 is the one that nobody reads.
    reader.until(lambda r: bool(r.intervals(GRID)), "a closed interval")
    house.stop_child("gateway")
    back_us = house.anchor.house_us(monotonic_us()) + 6 * MINUTE_US + MINUTE_US // 2
    reader.until(lambda _: house.anchor.house_us(monotonic_us()) > back_us, "an outage over an edge")
    house.start_daemon()
    corrected = ("corrected", "profile_refused", "profile_not_read")
    reader.until(
        lambda r: sum(one.content["event"] in corrected for one in r.of("event", GRID)) >= 2,
        "both directions told anew",
        patience_s=420,  # a session that failed is tried again only after the rest that the meter must have
    )
    house.stop_child("gateway")
    reader.rest()
    house.stop()

    events = [one.content for one in reader.of("event", GRID)]
    told_anew = {one["direction"] for one in events if one["event"] == "corrected"}
    assert told_anew, events
    every, truth = reader.intervals(GRID), Truth(house.truth(GRID))
    for interval in every:
        assert_true_within_told(interval, truth)
    last = newest(every)
    first = {one["end_utc_us"]: one for one in every if one["revision"] == 0}
    anew = [end_us for end_us, one in last.items() if one["quality"] == "corrected"]
    assert len(anew) >= 2
    assert all(last[end_us]["supersedes"] is not None and last[end_us]["revision"] >= 1 for end_us in anew)
    for direction in DIRECTIONS:
        energy, uncertain = f"{direction}_milliwh", f"{direction}_uncertain_milliwh"
        assert sum(last[end_us][energy] for end_us in anew) == sum(first[end_us][energy] for end_us in anew)
        if direction in told_anew:
            assert sum(last[end_us][uncertain] for end_us in anew) < sum(first[end_us][uncertain] for end_us in anew)
    states = reader.of("state", GRID)
    assert states
    assert sum(assert_law(one.content) for one in states) == len(DIRECTIONS) * len(states)
