"""A house that loses its daemon over an edge, against the oracle: what is booked is true, what is told is not too much.

The polls are taken from the store's readings and are first held against the truth themselves.
"""

import sqlite3
import time
from pathlib import Path

import pytest

from hil.house import House
from tests.oracle.etouc import stretches
from tests.oracle.truth import Poll, Register, Truth, bucket_energy, most_doubt_at_edge, read_truth

from .booked import METERS
from .rig import MICRO, Reader, start_all_but_broker

pytestmark = pytest.mark.whole

PEAK_US = 1_752_620_400 * MICRO  # 2025-07-15 16:00:00 PDT


def polls_of(store: Path, meter: str) -> list[tuple[Poll, dict[str, int]]]:
    """The readings that were booked: their windows, their registers."""
    connection = sqlite3.connect(store)
    rows = connection.execute(
        "SELECT earliest_us, latest_us, import_milliwh, export_milliwh FROM reading JOIN meter USING (meter_id)"
        " WHERE name = ? AND decision IN ('accepted', 'newepoch: first_reading') ORDER BY reading_id",
        (meter,),
    ).fetchall()
    connection.close()
    return [(Poll(earliest, latest), {"import": i, "export": e}) for earliest, latest, i, e in rows]


def assert_windows_true(polls: list[tuple[Poll, dict[str, int]]], truth: Truth, register: Register) -> None:
    """Between any two polls no more and no less was shown than truly flowed between their windows."""
    first, shown_first = polls[0]
    slack = register.below_milliwh + register.above_milliwh
    for poll, shown in polls[1:]:
        for direction in ("import", "export"):
            grown = shown[direction] - shown_first[direction]
            least = truth.energy(direction, first.latest_us, max(poll.earliest_us, first.latest_us))
            assert least - slack <= grown <= truth.energy(direction, first.earliest_us, poll.latest_us) + slack


def test_what_is_booked_is_true_and_what_is_told_is_honest(house: House, reader: Reader) -> None:
    start_all_but_broker(house)
    reader.until(lambda r: bool(r.of("state", "grid") and r.of("state", "array")), "a first state of both meters")
    # Gone from a little before the peak hours until a little after; the house lives a minute a second.
    started = time.monotonic()
    reader.until(lambda r: r.of("state", "grid")[-1].content["time_utc_us"] > PEAK_US - 90 * MICRO, "15:58:30")
    house.child("gateway").kill()
    reader.until(lambda _r: time.monotonic() - started > 11, "16:01")
    house.start_daemon()
    reader.until(lambda r: all(len(r.intervals(meter)) >= 2 for meter in METERS), "the 16:15 interval")
    seen = len(reader.records)
    reader.until(lambda r: {x.meter for x in r.records[seen:] if x.kind == "state"} >= set(METERS), "one state more")
    house.stop_child("gateway")
    reader.rest()
    house.stop()

    for meter, (feed, register) in METERS.items():
        truth = read_truth(house.truth(meter), feed)
        polls = polls_of(house.folder / "ledger.sqlite", meter)
        assert_windows_true(polls, truth, register)
        windows = [poll for poll, _ in polls]
        first, second = reader.intervals(meter)[:2]
        assert (first["end_utc_us"], second["start_utc_us"], second["end_utc_us"]) == (
            PEAK_US,
            PEAK_US,
            PEAK_US + 900 * MICRO,
        )
        state = reader.of("state", meter)[-1].content
        latest_us, earliest_us = state["time_utc_us"], state["time_utc_us"] - state["window_us"]
        for direction in ("import", "export"):
            doubts = [
                most_doubt_at_edge(truth, direction, one["end_utc_us"], windows, register) for one in (first, second)
            ]
            for interval in (first, second):
                true = truth.energy(direction, interval["start_utc_us"], interval["end_utc_us"])
                told = interval[f"{direction}_uncertain_milliwh"]
                assert abs(interval[f"{direction}_milliwh"] - true) <= told
            assert second[f"{direction}_uncertain_milliwh"] <= sum(doubts)

            least = bucket_energy(truth, direction, stretches(first["start_utc_us"], earliest_us))
            most = bucket_energy(truth, direction, stretches(first["start_utc_us"], latest_us))
            assert set(most) == {"summer_off_peak", "summer_peak"}
            for bucket in most:
                booked = state[f"{direction}_bucket_{bucket}_milliwh"]
                told = state[f"{direction}_uncertain_{bucket}_milliwh"]
                low, high = least[bucket] - register.below_milliwh, most[bucket] + register.above_milliwh
                assert low - told <= booked <= high + told
            assert state[f"{direction}_uncertain_summer_peak_milliwh"] <= doubts[0]
