"""The judge of a history: the law after every step, the oracle's integers, the truth within what was told. No gateway.

A finding names the law that was broken. What the judge takes on trust from the books is which readings they booked, and
that too is held against what truly hung there.
"""

from itertools import pairwise

from ..soak.history import Verdict
from .oracle import Oracle, is_hidden, measured_step_us, seen_between
from .plan import LIMIT_MILLIW, History
from .record import DIRECTIONS, Content, Fate, Played, Taken
from .tariff import NAMES
from .truth import MILLIWH

LAWS = ("law", "bucket", "truth", "interval", "interval_truth", "series", "register", "step")
TRUTH_EVERY = 7
"""The truth of the buckets is asked for after each seventh booked reading, and after the last."""


def judge(history: History, played: Played) -> Verdict:
    """The verdict on one history."""
    verdict = Verdict()
    verdict.counts["readings"] += len(played.taken)
    verdict.counts["intervals"] += len(played.intervals)
    verdict.counts["events"] += len(played.events)
    kept = [one for one in played.taken if one.fate is not Fate.NOT_BOOKED]
    verdict.counts["booked"] += len(kept)
    _judge_registers(kept, played.taken, verdict)
    for one in kept:
        if one.state is not None:
            judge_law(one.state, verdict)
    oracle = Oracle(history)
    for number, (_, after) in enumerate(oracle.walk(kept, played.taken)):
        if after.fate is Fate.OPENED or (number % TRUTH_EVERY and after is not kept[-1]):
            continue
        judge_integers(oracle, after, verdict)
        _judge_truth(history, oracle, kept[0], after, verdict)
    newest = judge_series(history, played.intervals, verdict)
    _judge_intervals(oracle, newest, verdict)
    judge_events(oracle, played, verdict)
    return verdict


def _judge_registers(kept: list[Taken], taken: list[Taken], verdict: Verdict) -> None:
    """No wrong reading was booked, and an epoch is a meter."""
    if not kept or kept[0].fate is not Fate.OPENED:
        verdict.find("register", "nothing was booked")
    for one in kept:
        if one.glitch:
            verdict.find("register", f"a wrong answer was booked at {one.wall_us}: {one.shown}")
    for before, after in pairwise(kept):
        # Where the clock was set while the machine was off, more can seem to have flowed than the service carries.
        step_us = measured_step_us(before, after, seen_between(taken, before, after))
        hidden = is_hidden(before, after, step_us)
        if (before.meter != after.meter) is not (after.fate is Fate.OPENED) and not hidden:
            verdict.find("register", f"meter {before.meter}, then {after.meter} at {after.wall_us}: {after.fate}")


def judge_law(state: Content, verdict: Verdict) -> None:
    """Buckets and unassigned are earlier epochs, register and first register: any reader can say that."""
    for one in DIRECTIONS:
        if state[f"{one}_register_milliwh"] is None:
            continue
        grown = state[f"{one}_earlier_epochs_milliwh"] + state[f"{one}_register_milliwh"]
        off = booked_milliwh(state, one) - grown + state[f"{one}_epoch_first_milliwh"]
        if off:
            verdict.find("law", f"{one} at {state['time_utc_us']}: {off} mWh")


def booked_milliwh(state: Content, direction: str) -> int:
    """All that a state has of a direction: in its buckets and in none."""
    unassigned_milliwh = int(state[f"{direction}_unassigned_milliwh"] or 0)
    return unassigned_milliwh + sum(_bucket(state, direction, name) for name in NAMES[1:])


def _bucket(state: Content, direction: str, name: str, what: str = "bucket") -> int:
    return int(state.get(f"{direction}_{what}_{name}_milliwh") or 0)


def judge_integers(oracle: Oracle, after: Taken, verdict: Verdict) -> None:
    if after.state is None:
        return
    for direction in DIRECTIONS:
        grown, found = 0, 0
        for number, name in enumerate(NAMES):
            expected = oracle.reckoning.totals.get((direction, number), 0)
            key = f"{direction}_unassigned_milliwh" if number == 0 else f"{direction}_bucket_{name}_milliwh"
            booked = int(after.state[key] or 0)
            grown, found = grown + expected, found + booked
            if booked != expected:
                verdict.misplaced_milliwh += abs(booked - expected)
                verdict.find("bucket", f"{direction} {name} at {after.wall_us}: {booked}, reckoned {expected}")
        verdict.lost_milliwh += max(grown - found, 0)
        verdict.doubled_milliwh += max(found - grown, 0)


def _judge_truth(history: History, oracle: Oracle, first: Taken, after: Taken, verdict: Verdict) -> None:
    """By true time, wherever the clock is right: what a wrong clock put elsewhere must be told."""
    state = after.state
    if state is None or not after.quiet or after.clock_off_us or oracle.reckoning.has_hidden_step:
        return
    verdict.counts["truths"] += 1
    running = history.tariff.bucket(after.true_us)
    half_us = (after.true_latest_us - after.true_earliest_us) // 2 + 1 + history.error_us
    for direction in DIRECTIONS:
        nowhere = int(state[f"{direction}_unassigned_milliwh"] or 0)
        # What the last reading leaves open by itself is its digit and its window: no edge has told that yet.
        open_end = history.imports[0].step_milliwh + LIMIT_MILLIW * half_us // MILLIWH + 1
        for number, name in enumerate(NAMES[1:], 1):
            true = oracle.true_bucket(direction, number, first.true_us, after.true_us)
            told = _bucket(state, direction, name, "uncertain") + (open_end if number == running else 0)
            booked = _bucket(state, direction, name)
            verdict.uncertain_told += told
            if not (booked - told) * MILLIWH <= true <= (booked + told + nowhere) * MILLIWH:
                words = f"booked {booked}, true {true // MILLIWH}, told {told}, unassigned {nowhere}"
                verdict.find("truth", f"{direction} {name} at {after.true_us}: {words}")


def judge_series(history: History, intervals: list[Content], verdict: Verdict) -> list[Content]:
    """Numbers without a hole; the words that hold neither overlap nor leave time out; each in its bucket."""
    newest: dict[int, Content] = {}
    for number, one in enumerate(intervals, 1):
        old = newest.get(one["end_utc_us"])
        expected = (number, 0, None) if old is None else (number, old["revision"] + 1, old["seq"])
        if (one["seq"], one["revision"], one["supersedes"]) != expected:
            verdict.find("series", f"interval {one['seq']}, {one['revision']}, {one['supersedes']}, not {expected}")
        if history.tariff.edges(one["start_utc_us"], one["end_utc_us"]) != (one["end_utc_us"],):
            verdict.find("series", f"interval {one['seq']} is no interval: {one['start_utc_us']}, {one['end_utc_us']}")
        if NAMES[history.tariff.bucket(one["start_utc_us"])] != one["bucket"]:
            verdict.find("series", f"interval {one['seq']} is not {one['bucket']}")
        newest[one["end_utc_us"]] = one
    words = [newest[end_us] for end_us in sorted(newest)]
    for before, after in pairwise(words):
        if before["end_utc_us"] != after["start_utc_us"]:
            verdict.find("series", f"{before['end_utc_us']}, then {after['start_utc_us']}: a hole or twice")
    return words


def _judge_intervals(oracle: Oracle, newest: list[Content], verdict: Verdict) -> None:
    """Each in integers, and the truth by the clock as it was within what is told."""
    verdict.counts["revisions"] += sum(one["revision"] for one in newest)
    for one in newest:
        for direction in DIRECTIONS:
            share = oracle.reckoning.share(direction, one["end_utc_us"])
            milliwh, told = one[f"{direction}_milliwh"] or 0, one[f"{direction}_uncertain_milliwh"] or 0
            booked = milliwh, one[f"{direction}_unassigned_milliwh"] or 0
            name = f"{direction} interval {one['seq']} ({one['quality']}) to {one['end_utc_us']}"
            if booked != (share.milliwh, share.unassigned_milliwh):
                words = f"{booked}, reckoned {(share.milliwh, share.unassigned_milliwh)}"
                verdict.find("interval", f"{name}: {words}")
            if oracle.reckoning.has_unplaced or oracle.reckoning.has_hidden_step:
                continue
            if not (milliwh - told) * MILLIWH <= share.true <= (milliwh + told) * MILLIWH:
                words = f"{milliwh}, true {share.true // MILLIWH}, told {told}"
                verdict.find("interval_truth", f"{name}: {words}")


def judge_events(oracle: Oracle, played: Played, verdict: Verdict) -> None:
    """Each time that the clock was set under booked readings is told once, with its step."""
    told = [one["step_us"] for one in played.events if one["event"] == "clock_step"]
    verdict.counts["steps"] += len(told)
    if told != oracle.reckoning.steps_us:
        verdict.find("step", f"told {told}, were {oracle.reckoning.steps_us}")
    if [one["seq"] for one in played.events] != list(range(1, len(played.events) + 1)):
        verdict.find("step", "the events' numbers have a hole")
