"""A board without a battery: boots in 1970 beside a living house, gets the time, has it set back, loses its power.

The meters live on in true house time; only the daemon's wall clock is wrong. Judged by the meters' truth files.
"""

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest

from hil.disk import find_strace, power_cut, traced
from hil.house import House
from tests.oracle.account import Oracle, Spell, clock_of
from tests.oracle.truth import read_truth

from .booked import METERS, account_of, kept_readings
from .rig import MICRO, Reader, Truth, assert_law, assert_true_within_told, start_all_but_broker

pytestmark = pytest.mark.whole

EDGE_S = 600  # 16:00 is ten minutes after the house's start
SET_AT_S = 900
STEP_AT_S = 1490  # a clock that is 90 s fast shows 16:16:20, and 16:14:50 when it is set right: 16:15 comes twice
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


@pytest.mark.skipif(find_strace() is None, reason="strace is not installed (apt-get install strace)")
def test_1970_a_late_clock_a_step_back_over_an_edge_and_a_power_cut(house: House, reader: Reader) -> None:
    """The clock comes late and 90 s fast, is set right over the next edge, and then the power goes."""
    strace = find_strace()
    assert strace is not None
    trace = house.folder / "trace"
    spells = (f"0:{KNOWN_AT_1970}:unsynced", f"{SET_AT_S}:90", f"{STEP_AT_S}:0")
    start_all_but_broker(house, daemon=False)
    options = [f"--clock-spell={spell}" for spell in spells]
    house.start_daemon(*options, prefix=traced(strace, trace))
    reader.until(
        lambda r: all(any(x.content["event"] == "clock_step" for x in r.of("event", m)) for m in ("grid", "array")),
        "the step told by both meters",
    )
    house.child("gateway").kill()
    lost = power_cut(trace, house.folder)
    assert house.folder / "ledger.sqlite-wal" in lost  # the cut has looked at the store
    house.start_daemon("--boot-id=another-boot")
    reader.until(
        lambda r: all(len(words_that_hold(r.intervals(meter))) >= 3 for meter in METERS),
        "the 16:30 interval of both meters",
    )
    house.stop_child("gateway")
    reader.rest()
    house.stop()
    for meter in METERS:
        states = [record.content for record in reader.of("state", meter)]
        assert all(assert_law(state) >= 1 for state in states)
        assert len({state["export_epoch_first_milliwh"] for state in states}) == 1
        # A kill can come before the acknowledgement: the same event comes again, and is the same.
        told = {r.payload for r in reader.of("event", meter) if r.content["event"] == "clock_step"}
        (step,) = (json.loads(payload)["step_us"] for payload in told)
        # The two clocks are looked at one after the other, so the difference is not sharp.
        assert abs(step + 90 * MICRO) < 5 * MICRO
        intervals = reader.intervals(meter)
        assert [interval["seq"] for interval in intervals] == list(range(1, len(intervals) + 1))
        for earlier, later in itertools.pairwise(intervals):
            assert earlier["hash"] == later["previous_hash"]
        words, (event,) = words_that_hold(intervals), (json.loads(payload) for payload in told)
        # Of the quarter before 16:15 there is a second word, if the meter was read after 16:15 came for the first time.
        quarter_us = house.anchor.start_utc_us + 1500 * MICRO
        came_twice = event["repeats_from_utc_us"] < quarter_us <= event["repeats_until_utc_us"]
        of_it = [one for one in intervals if one["end_utc_us"] == quarter_us]
        assert [one["supersedes"] for one in intervals if one["revision"]] == ([of_it[0]["seq"]] if came_twice else [])
        assert of_it[-1]["quality"] == "repeated"
        for earlier, later in itertools.pairwise(words):
            assert earlier["end_utc_us"] == later["start_utc_us"]
        # The oracle's integers, by the clock as it was; and by a clock as it was not, which it must refuse.
        feed, register = METERS[meter]
        kept, truth = kept_readings(house, meter), read_truth(house.truth(meter), feed)
        account = account_of(words, states[-1])
        used = {bucket for (_, bucket), milliwh in [*account.buckets.items(), *account.uncertain.items()] if milliwh}
        # On a machine so busy that the first answer comes about 16:00, little or nothing is known of the hour before.
        known_before = kept[0].true.latest_us < quarter_us - 900 * MICRO - 60 * MICRO
        assert {"summer_peak"} <= used <= {"summer_off_peak", "summer_peak"}
        assert "summer_off_peak" in used or not known_before
        assert Oracle(truth, register, clock_of(true_spells(house)), kept).complaints(account) == []
        for history in wrong_histories(house):
            assert Oracle(truth, register, clock_of(history), kept).complaints(account) != [], history


def words_that_hold(intervals: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The newest record of each end, in order of time."""
    newest = {one["end_utc_us"]: one for one in intervals}
    return [newest[end_us] for end_us in sorted(newest)]


def true_spells(house: House) -> list[Spell]:
    """The clock's history in true time: 1970, then 90 s fast, then right."""
    start_us = house.anchor.start_utc_us
    return [
        Spell(start_us, KNOWN_AT_1970 * MICRO, False),
        Spell(start_us + SET_AT_S * MICRO, 90 * MICRO, True),
        Spell(start_us + STEP_AT_S * MICRO, 0, True),
    ]


def wrong_histories(house: House) -> list[list[Spell]]:
    """Clocks that were never fast, slow instead, never set back, and set back minutes too early."""
    unset, fast, right = true_spells(house)
    early_us = right.from_us - 450 * MICRO
    return [
        [unset, replace(fast, offset_us=0), right],
        [unset, replace(fast, offset_us=-90 * MICRO), right],
        [unset, fast],
        [unset, fast, replace(right, from_us=early_us)],
    ]
