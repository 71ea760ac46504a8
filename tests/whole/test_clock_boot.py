"""A board without a battery: boots in 1970 beside a living house, gets the time, has it set back, loses its power.

The meters live on in true house time; only the daemon's wall clock is wrong. Judged by the meters' truth files.
"""

import itertools
import json

import pytest

from hil.house import House

from .rig import MICRO, Reader, Truth, assert_law, assert_true_within_told, start_all_but_broker

pytestmark = pytest.mark.whole

EDGE_S = 600  # 16:00 is ten minutes after the house's start
SET_AT_S = 900
STEP_AT_S = 1530  # half a minute after 16:15
KNOWN_AT_1970 = -1_752_619_000  # the house's start, 2025-07-15 22:50 UTC, becomes 1970-01-01 00:13


def test_a_boot_in_1970_over_a_price_edge_books_every_hour_right(house: House, reader: Reader) -> None:
    spells = (f"0:{KNOWN_AT_1970}:unsynced", f"{SET_AT_S}:0")
    start_all_but_broker(house, daemon=False)
    house.start_daemon(*(f"--clock-spell={spell}" for spell in spells))
    reader.until(
        lambda r: all(len(r.intervals(meter)) >= 2 for meter in ("grid", "array")), "the 16:15 interval of both meters"
    )
    house.stop_child("gateway")
    reader.rest()
    start_us = house.anchor.start_utc_us
    for meter in ("grid", "array"):
        # Nothing was said of any hour before the time was known.
        states = [record.content for record in reader.of("state", meter)]
        assert all(assert_law(state) >= 1 for state in states)
        assert min(state["time_utc_us"] for state in states) >= start_us + SET_AT_S * MICRO
        (told,) = [r.content for r in reader.of("event", meter) if r.content["event"] == "clock_set"]
        assert told["placed"] >= 3
        assert start_us - 120 * MICRO <= told["from_utc_us"] <= start_us + SET_AT_S * MICRO
        truth = Truth(house.truth(meter))
        first, second = reader.intervals(meter)[:2]
        assert (first["bucket"], first["end_utc_us"]) == ("summer_off_peak", start_us + EDGE_S * MICRO)
        assert (second["bucket"], second["end_utc_us"]) == ("summer_peak", start_us + 1500 * MICRO)
        for interval in (first, second):
            assert_true_within_told(interval, truth)


def test_a_clock_set_back_over_an_edge_and_a_power_cut_leave_no_hole_and_no_overlap(
    house: House, reader: Reader
) -> None:
    start_all_but_broker(house, daemon=False)
    house.start_daemon(f"--clock-spell={STEP_AT_S}:-90")
    reader.until(
        lambda r: all(any(x.content["event"] == "clock_step" for x in r.of("event", m)) for m in ("grid", "array")),
        "the step told by both meters",
    )
    house.child("gateway").kill()
    house.start_daemon("--clock-spell=0:-90", "--boot-id=another-boot")
    reader.until(
        lambda r: all(len(r.intervals(meter)) >= 3 for meter in ("grid", "array")), "the 16:30 interval of both meters"
    )
    house.stop_child("gateway")
    reader.rest()
    for meter in ("grid", "array"):
        states = [record.content for record in reader.of("state", meter)]
        assert all(assert_law(state) >= 1 for state in states)
        assert len({state["export_epoch_first_milliwh"] for state in states}) == 1
        # The kill can have come before the acknowledgement: the same event comes again, and is the same.
        told = {r.payload for r in reader.of("event", meter) if r.content["event"] == "clock_step"}
        (step,) = (json.loads(payload)["step_us"] for payload in told)
        # As the two clocks were looked at one after the other, the difference is not sharp.
        assert abs(step + 90 * MICRO) < 5 * MICRO
        intervals = reader.intervals(meter)
        assert [interval["seq"] for interval in intervals] == list(range(1, len(intervals) + 1))
        for earlier, later in itertools.pairwise(intervals):
            assert earlier["end_utc_us"] == later["start_utc_us"]
            assert earlier["hash"] == later["previous_hash"]
        # What lies wholly before the step was booked by a clock that was right.
        truth = Truth(house.truth(meter))
        assert_true_within_told(intervals[0], truth)
