"""A daemon that SIGSTOP halts over edges: a real process in real time, judged by the meters' truth files.

Monotonic time, the meters and the broker all go on while it stands, and nothing in it can notice. 65 seconds here,
which is beyond `max_gap_s` and the broker's patience; NETMETER_SIGSTOP_S=600 stops it for ten minutes.
"""

import itertools
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hil.broker import BrokerKind, find_mosquitto
from hil.house import DAY_START_US, House
from hil.house_time import monotonic_us
from hil.watcher import Watcher

from .booked import METERS
from .rig import MICRO, ROOT, SESSION, Reader, Truth, assert_law, assert_true_within_told

pytestmark = pytest.mark.whole

STOP_S = int(os.environ.get("NETMETER_SIGSTOP_S", "65"))
MAX_GAP_S = 20
PEAK_US = DAY_START_US + 600 * MICRO
START_US = PEAK_US - 25 * MICRO
FIVE_MIN_US = 300 * MICRO
LAG_US = 3 * MICRO
"""A meter's registers can be that old when they are read: its window begins so much before the question."""


@dataclass
class Stopped:
    """A house in real time whose daemon stood from 10 s before the peak hours on, and what was heard of it."""

    house: House
    reader: Reader
    stopped_us: int
    went_on_us: int


def wait_until(house: House, house_us: int) -> None:
    while house.anchor.house_us(monotonic_us()) < house_us:
        time.sleep(0.05)


def real_time_house(folder: Path, gap: str) -> House:
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed: `./tests/run --setup` as root installs it")
    house = House(
        folder,
        speed=1,
        start_utc_us=START_US,
        broker_kind=BrokerKind.MOSQUITTO,
        broker_persistent=True,
        interval_min=5,
    )
    house.broker.start()
    house.start_meters()
    text = house.config.read_text(encoding="utf-8")
    interval = "interval_min = 5\n"
    assert interval in text
    house.config.write_text(text.replace(interval, f'{interval}gap = "{gap}"\nmax_gap_s = {MAX_GAP_S}\n'))
    return house


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stopped]:
    house = real_time_house(tmp_path_factory.mktemp("house"), "unassigned")
    watcher = None
    try:
        watcher = Watcher(house.broker.host, house.broker.port, "netmeter", SESSION)
        reader = Reader(watcher)
        child = house.start_daemon()
        reader.until(lambda r: bool(r.of("state", "grid") and r.of("state", "array")), "a first state of both meters")
        wait_until(house, PEAK_US - 10 * MICRO)
        stopped_us = house.anchor.house_us(monotonic_us())
        os.kill(child.pid, signal.SIGSTOP)
        wait_until(house, stopped_us + STOP_S * MICRO)
        heard = len(reader.records)
        went_on_us = house.anchor.house_us(monotonic_us())
        os.kill(child.pid, signal.SIGCONT)
        last_edge_us = went_on_us // FIVE_MIN_US * FIVE_MIN_US
        reader.until(
            lambda r: all(r.intervals(m) and r.intervals(m)[-1]["end_utc_us"] >= last_edge_us for m in METERS),
            "the intervals that ended meanwhile",
        )
        reader.until(lambda r: {x.meter for x in r.records[heard:] if x.kind == "state"} >= set(METERS), "new states")
        house.stop_child("gateway")
        reader.rest()
        house.stop()
        yield Stopped(house, reader, stopped_us, went_on_us)
    finally:
        if watcher is not None:
            watcher.close()
        house.stop()


def state_of(stopped: Stopped, meter: str) -> dict[str, Any]:
    return stopped.reader.of("state", meter)[-1].content


@pytest.mark.parametrize("meter", METERS)
def test_the_law_holds_in_every_state(stopped: Stopped, meter: str) -> None:
    states = [record.content for record in stopped.reader.of("state", meter)]
    assert all(assert_law(state) >= 1 for state in states)
    silent = [one for one in states if stopped.stopped_us + MICRO < one["time_utc_us"] < stopped.went_on_us]
    assert not silent


@pytest.mark.parametrize("meter", METERS)
def test_intervals_touch_and_none_comes_twice(stopped: Stopped, meter: str) -> None:
    intervals = stopped.reader.intervals(meter)
    assert [one["seq"] for one in intervals] == list(range(1, len(intervals) + 1))
    assert [one["revision"] for one in intervals] == [0] * len(intervals)
    assert intervals[0]["end_utc_us"] == PEAK_US
    for earlier, later in itertools.pairwise(intervals):
        assert later["start_utc_us"] == earlier["end_utc_us"]
        assert later["end_utc_us"] == later["start_utc_us"] + FIVE_MIN_US
    assert len(intervals) == 1 + (stopped.went_on_us - PEAK_US) // FIVE_MIN_US


@pytest.mark.parametrize("meter", METERS)
def test_each_interval_is_true_within_what_it_tells(stopped: Stopped, meter: str) -> None:
    truth = Truth(stopped.house.truth(meter))
    for interval in stopped.reader.intervals(meter):
        assert_true_within_told(interval, truth)
        in_the_gap = interval["start_utc_us"] < stopped.went_on_us and interval["end_utc_us"] > stopped.stopped_us
        assert interval["quality"] == ("estimated" if in_the_gap else "measured")


@pytest.mark.parametrize("meter", METERS)
def test_the_stop_is_told_as_a_gap_and_as_nothing_else(stopped: Stopped, meter: str) -> None:
    events = [record.content for record in stopped.reader.of("event", meter)]
    gaps = [one for one in events if one["event"] == "gap"]
    assert len(gaps) == 1
    assert gaps[0]["over_edge"] == 1
    assert gaps[0]["from_utc_us"] <= stopped.stopped_us + MICRO
    assert stopped.went_on_us - LAG_US <= gaps[0]["to_utc_us"]
    others = [one for one in events if one["event"] not in ("gap", "epoch") and one.get("reason") != "first_reading"]
    assert others == []


@pytest.mark.parametrize("meter", METERS)
def test_no_energy_is_lost_and_that_of_the_gap_is_in_no_bucket(stopped: Stopped, meter: str) -> None:
    """The gap lay over a price edge and was longer than `max_gap_s`, by a config that gives no hour to such energy."""
    gap = next(one.content for one in stopped.reader.of("event", meter) if one.content["event"] == "gap")
    state, truth, (_, register) = state_of(stopped, meter), Truth(stopped.house.truth(meter)), METERS[meter]
    slack = register.below_milliwh + register.above_milliwh
    for direction in ("import", "export"):
        if state[f"{direction}_register_milliwh"] is None:
            continue
        grown = gap[f"reading_{direction}_milliwh"] - gap[f"previous_{direction}_milliwh"]
        assert state[f"{direction}_unassigned_milliwh"] == grown
        least, _ = truth.bounds(direction, state["time_utc_us"] - state["window_us"])
        _, most = truth.bounds(direction, state["time_utc_us"])
        first_least, first_most = truth.bounds(direction, stopped.house.anchor.start_utc_us)
        counted = state[f"{direction}_register_milliwh"] - state[f"{direction}_epoch_first_milliwh"]
        # The account began within the first ten seconds of the house's life.
        began_most = truth.bounds(direction, stopped.house.anchor.start_utc_us + 10 * MICRO)[1] - first_least
        assert least - first_most - began_most - slack <= counted <= most - first_least + slack


def test_the_broker_gave_the_daemon_up_and_has_it_back(stopped: Stopped) -> None:
    said = [record.payload for record in stopped.reader.records if record.topic == f"{ROOT}/status"]
    online, offline = b"online", b"offline"
    # At the end the daemon leaves by itself.
    assert [word for word, _ in itertools.groupby(said)] == [online, offline, online, offline]
