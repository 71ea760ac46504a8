"""The judge accepts a true history and refuses every one that is wrong in one way.

The history is made by hand: 3600 W of import (1 mWh a millisecond, 1000 a second), 360 W of export, two hours around
the 16:00 edge. Hashes are reckoned here from the contract's words. The judge must not know the judged.
"""

import copy
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hil.soak.history import Digits, Received, Verdict
from hil.soak.judge import judge_meter
from hil.soak.price_hours import bucket_at, stretches
from hil.soak.true_count import TrueCount

ROOT = Path(__file__).resolve().parents[2]
PEAK_S = 1_752_620_400  # 2025-07-15 16:00:00 PDT
FIRST_S = PEAK_S - 1200
MICRO = 1_000_000
INTERVAL_US = 300 * MICRO
IMPORT_MW_S, EXPORT_MW_S = 1000, 100  # milliwatt-hours in a second
OPEN = {"import": 5_000_000, "export": 70_000_000}
RATE = {"import": IMPORT_MW_S, "export": EXPORT_MW_S}

Content = dict[str, Any]


def register(direction: str, second: int) -> int:
    return OPEN[direction] + RATE[direction] * (second - FIRST_S)


TRUTH = TrueCount({s: (register("import", s), register("export", s)) for s in range(FIRST_S, FIRST_S + 7201)})


def canonical(content: Content) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def chained(bodies: list[Content]) -> list[Content]:
    """Put the hashes on, as docs/messages.md says."""
    if not bodies:
        return []
    head = canonical({"meter": bodies[0]["meter"], "store_epoch": bodies[0]["store_epoch"]})
    previous = hashlib.sha256(b"netmeter chain v1\0" + head).hexdigest()
    done = []
    for body in bodies:
        link = hashlib.sha256(b"netmeter interval v1\0" + bytes.fromhex(previous) + canonical(body)).hexdigest()
        done.append({**body, "previous_hash": previous, "hash": link})
        previous = link
    return done


def interval(seq: int, start_s: int, end_s: int) -> Content:
    """A true record: told is 50 mWh."""
    body: Content = {"meter": "grid", "store_epoch": "e1", "seq": seq, "bucket": "summer_peak"}
    body |= {"start_utc_us": start_s * MICRO, "end_utc_us": end_s * MICRO}
    if end_s <= PEAK_S:
        body["bucket"] = "summer_off_peak"
    for direction in ("import", "export"):
        body |= {
            f"{direction}_milliwh": RATE[direction] * (end_s - start_s),
            f"{direction}_register_milliwh": register(direction, end_s),
            f"{direction}_uncertain_milliwh": 50,
        }
    return body


SINCE_S = FIRST_S + 100
EDGES_S = [FIRST_S + 300 * i for i in range(1, 9)]


def intervals() -> list[Content]:
    starts = [SINCE_S, *EDGES_S]
    return [interval(i + 1, starts[i], end_s) for i, end_s in enumerate(EDGES_S)]


def state(second: int) -> Content:
    """A true state, read in the two seconds before `second`, booked in its middle."""
    at_s = second - 1
    content: Content = {"meter": "grid", "store_epoch": "e1", "register_epoch": 1}
    content |= {"time_utc_us": second * MICRO, "window_us": 2 * MICRO}
    for direction in ("import", "export"):
        off = RATE[direction] * (min(at_s, PEAK_S) - SINCE_S)
        peak = RATE[direction] * max(at_s - PEAK_S, 0)
        content |= {
            f"{direction}_register_milliwh": register(direction, at_s),
            f"{direction}_epoch_first_milliwh": register(direction, SINCE_S),
            f"{direction}_earlier_epochs_milliwh": 0,
            f"{direction}_unassigned_milliwh": 0,
            f"{direction}_bucket_summer_off_peak_milliwh": off,
            f"{direction}_bucket_summer_peak_milliwh": peak,
            f"{direction}_uncertain_summer_off_peak_milliwh": 50,
            f"{direction}_uncertain_summer_peak_milliwh": 50,
        }
    return content


def event(seq: int) -> Content:
    return {"meter": "grid", "store_epoch": "e1", "seq": seq, "event": "gap"}


def verdict_on(bodies: list[Content], states: list[Content], extra: list[Received] | None = None) -> Verdict:
    return verdict_on_chain(chained(bodies), states, extra)


def verdict_on_chain(records: list[Content], states: list[Content], extra: list[Received] | None = None) -> Verdict:
    received = [Received("grid", "interval", canonical(record)) for record in records]
    received += [Received("grid", "state", canonical(one)) for one in states]
    received += [Received("grid", "event", canonical(event(seq))) for seq in (1, 2)]
    received += extra or []
    return judge_meter(received, TRUTH, Digits(10, 0), interval_us=INTERVAL_US, unread_us=100 * MICRO)


STATES_S = [FIRST_S + 200, PEAK_S - 20, PEAK_S + 30, PEAK_S + 1000]


def test_a_true_history_is_accepted() -> None:
    verdict = verdict_on(intervals(), [state(s) for s in STATES_S])
    assert verdict.findings == []
    assert (verdict.lost_milliwh, verdict.doubled_milliwh, verdict.misplaced_milliwh) == (0, 0, 0)
    assert verdict.uncertain_told == 8 * 2 * 50
    assert verdict.counts["intervals"] == 8


def test_a_record_that_comes_twice_with_the_same_bytes_is_one() -> None:
    again = [Received("grid", "interval", canonical(record)) for record in chained(intervals())[3:5]]
    verdict = verdict_on(intervals(), [state(s) for s in STATES_S], again)
    assert verdict.findings == []
    assert verdict.counts["intervals_received"] == 10
    assert verdict.counts["intervals"] == 8


def test_the_truth_is_allowed_to_lie_anywhere_within_what_is_told() -> None:
    bodies = intervals()
    move(bodies, 3, "import", 49)
    assert verdict_on(bodies, [state(s) for s in STATES_S]).findings == []


def move(bodies: list[Content], index: int, direction: str, milliwh: int) -> None:
    """Book some energy of the interval behind `index` to it: the edge between them is off by so much."""
    bodies[index][f"{direction}_milliwh"] += milliwh
    bodies[index][f"{direction}_register_milliwh"] += milliwh
    bodies[index + 1][f"{direction}_milliwh"] -= milliwh


def changed(index: int, **figures: Any) -> Callable[[list[Content]], None]:
    return lambda bodies: bodies[index].update(figures)


def drop_and_renumber(bodies: list[Content]) -> None:
    del bodies[3]
    for seq, body in enumerate(bodies, 1):
        body["seq"] = seq


def twice_and_renumber(bodies: list[Content]) -> None:
    bodies.insert(3, copy.deepcopy(bodies[3]))
    for seq, body in enumerate(bodies, 1):
        body["seq"] = seq


def one_missing(bodies: list[Content]) -> None:
    del bodies[3]


def numbered_from_two(bodies: list[Content]) -> None:
    for body in bodies:
        body["seq"] += 1


def off_by(index: int, milliwh: int) -> Callable[[list[Content]], None]:
    def spoil(bodies: list[Content]) -> None:
        bodies[index]["import_milliwh"] += milliwh

    return spoil


def edge_a_second_late(bodies: list[Content]) -> None:
    bodies[2]["end_utc_us"] += MICRO
    bodies[3]["start_utc_us"] += MICRO


SILENT = {"export_milliwh": None, "export_register_milliwh": None, "export_uncertain_milliwh": None}
WRONG_RECORDS: dict[str, tuple[Callable[[list[Content]], None], str, str]] = {
    "a record never came": (one_missing, "hole", "lost"),
    "a record is missing and the numbers hide it": (drop_and_renumber, "gap_in_time", "lost"),
    "a record is there twice under two numbers": (twice_and_renumber, "overlap", "doubled"),
    "numbers do not begin at 1": (numbered_from_two, "hole", ""),
    "more was moved over an edge than is told": (lambda bodies: move(bodies, 3, "import", 60), "untrue", "misplaced"),
    "the same in the other direction": (lambda bodies: move(bodies, 5, "export", -60), "untrue", "misplaced"),
    "energy without a register": (off_by(4, 1), "doubled", "doubled"),
    "a register without its energy": (off_by(4, -1), "lost", "lost"),
    "peak energy in the off-peak bucket": (changed(4, bucket="summer_off_peak"), "wrong_bucket", "misplaced"),
    "a record of another store": (changed(7, store_epoch="e2", seq=1), "other_store", ""),
    "an interval that ends off the grid": (edge_a_second_late, "off_grid", "misplaced"),
    "a doubt that explains everything": (changed(5, import_uncertain_milliwh=10**9), "told_too_much", ""),
    "a direction that says nothing": (changed(2, **SILENT), "untrue", "misplaced"),
}


@pytest.mark.parametrize("wrong", WRONG_RECORDS)
def test_records_that_are_wrong_in_one_way_are_refused(wrong: str) -> None:
    spoil, finding, figure = WRONG_RECORDS[wrong]
    bodies = intervals()
    spoil(bodies)
    verdict = verdict_on(bodies, [state(s) for s in STATES_S])
    assert finding in {one.what for one in verdict.findings}
    if figure:
        assert getattr(verdict, f"{figure}_milliwh") > 0


def test_another_content_under_the_same_identity_is_refused() -> None:
    other = chained(intervals())[3]
    other["import_milliwh"] += 7
    again = [Received("grid", "interval", canonical(other))]
    verdict = verdict_on(intervals(), [state(s) for s in STATES_S], again)
    assert [one.what for one in verdict.findings] == ["other_content"]
    assert "import_milliwh" in verdict.findings[0].detail
    assert verdict.doubled_milliwh == 7


def test_an_event_that_comes_again_otherwise_or_never_is_refused() -> None:
    other = [Received("grid", "event", canonical({**event(2), "event": "epoch"}))]
    late = [Received("grid", "event", canonical(event(4)))]
    states = [state(s) for s in STATES_S]
    assert [one.what for one in verdict_on(intervals(), states, other).findings] == ["other_content"]
    assert [one.what for one in verdict_on(intervals(), states, late).findings] == ["hole"]


@pytest.mark.parametrize("index", [0, 3, 7])
def test_a_broken_chain_is_refused(index: int) -> None:
    for spoil in ({"hash": "00" * 32}, {"previous_hash": "00" * 32}, {"quality": "measured"}):
        records = chained(intervals())
        records[index].update(spoil)
        verdict = verdict_on_chain(records, [state(s) for s in STATES_S])
        assert {one.what for one in verdict.findings} == {"chain"}


WRONG_STATES: dict[str, tuple[dict[str, int], str, str]] = {
    "a register behind the truth": ({"import_register_milliwh": -1500}, "lost", "lost"),
    "a register ahead of the truth": ({"export_register_milliwh": 150}, "doubled", "doubled"),
    "buckets that hold less than the register": ({"import_bucket_summer_peak_milliwh": -1}, "lost", "lost"),
    "buckets that hold more": ({"export_bucket_summer_off_peak_milliwh": 1}, "doubled", "doubled"),
    "energy in the neighbouring bucket": (
        {"import_bucket_summer_peak_milliwh": -1200, "import_bucket_summer_off_peak_milliwh": 1200},
        "untrue_bucket",
        "misplaced",
    ),
    "an opening that changes": ({"import_epoch_first_milliwh": 1, "import_register_milliwh": 1}, "other_opening", ""),
    "another register epoch": ({"register_epoch": 1}, "other_epoch", ""),
}


@pytest.mark.parametrize("wrong", WRONG_STATES)
def test_states_that_are_wrong_in_one_way_are_refused(wrong: str) -> None:
    changes, finding, figure = WRONG_STATES[wrong]
    states = [state(s) for s in STATES_S]
    for key, by in changes.items():
        states[3][key] += by
    verdict = verdict_on(intervals(), states)
    assert finding in {one.what for one in verdict.findings}
    if figure:
        assert getattr(verdict, f"{figure}_milliwh") > 0


def test_an_opening_that_was_taken_late_has_lost_what_came_before() -> None:
    states = [state(s) for s in STATES_S]
    for one in states:
        one["import_epoch_first_milliwh"] += 5000
        one["import_bucket_summer_off_peak_milliwh"] -= 5000
    bodies = intervals()
    bodies[0]["import_milliwh"] -= 5000
    verdict = verdict_on(bodies, states)
    assert verdict.lost_milliwh > 1000
    assert any("opening" in one.detail for one in verdict.findings)


def test_a_history_without_records_is_refused() -> None:
    assert [one.what for one in verdict_on([], [state(s) for s in STATES_S]).findings] == ["nothing"]
    assert "nothing" in {one.what for one in verdict_on(intervals(), []).findings}


def test_a_truth_with_a_hole_is_no_truth() -> None:
    with pytest.raises(ValueError, match="holes"):
        TrueCount({1: (0, 0), 3: (0, 0)})


def test_price_hours_by_the_schedule() -> None:
    winter_us = 1_736_985_600 * MICRO  # 2025-01-15 16:00 PST
    assert bucket_at(PEAK_S * MICRO - 1) == "summer_off_peak"
    assert bucket_at(PEAK_S * MICRO) == "summer_peak"
    assert bucket_at(winter_us - 1) == "winter_off_peak"
    assert bucket_at(winter_us) == "winter_peak"
    assert stretches((PEAK_S - 60) * MICRO, (PEAK_S + 60) * MICRO) == [
        ((PEAK_S - 60) * MICRO, PEAK_S * MICRO, "summer_off_peak"),
        (PEAK_S * MICRO, (PEAK_S + 60) * MICRO, "summer_peak"),
    ]


@pytest.mark.parametrize("module", ["hil.soak.judge", "hil.soak.kill_round", "hil.soak.runner"])
def test_who_judges_shares_no_code_with_the_judged(module: str) -> None:
    code = f"import {module}, sys\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {"gateway", "drivers"}.isdisjoint(done.stdout.split())
