"""The judge of a history of jumping registers and of clocks that are set: the law, the integers, the truth. No gateway.

The law after every step. The truth of each bucket by true time, wherever the clock is right, and of each interval by
the clock that it was kept by, within what is told. Of a meter that was always the same nothing is lost, whatever the
clock did, and none is taken for another because it stood. Where every booked register is booked as it was shown, the
oracle's integers of every bucket and interval. Excused is what no register has ever shown (`jump_excuse`), and truth
where the clock was set while the machine was off.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from ..soak.history import Verdict
from .hidden import Hidden
from .judge import booked_milliwh, judge_integers, judge_law, judge_series
from .jump_excuse import asleep, hidden_times
from .jump_judge import NOT_ONE_LINE, judge_truth, open_end_milliwh
from .jump_low import low_displays
from .jump_plan import DISPLAYS, Jump, JumpHistory
from .mix_plan import offs_us, set_back_us
from .mix_row import as_held
from .oracle import Oracle
from .record import DIRECTIONS, Content, Fate, Played, Taken
from .tariff import NAMES
from .truth import MILLIWH

LAWS = ("law", "bucket", "truth", "interval", "interval_truth", "series", "sum", "whole", "taken", "step")
AS_SHOWN = {"epoch", "resumed", "gap", "clock_step", "frozen", "moves_again", "rejected", "quarantined"}
"""Events of a history in which every booked register is booked as it was shown."""
ONLY_STANDS = (Jump.FREEZE, Jump.NOTHING, Jump.ONE_NOTHING)


def judge(history: JumpHistory, played: Played) -> Verdict:
    """The verdict on one history."""
    verdict = Verdict()
    kept = [one for one in played.taken if one.fate is not Fate.NOT_BOOKED]
    for name, found in (("readings", played.taken), ("intervals", played.intervals), ("events", played.events)):
        verdict.counts[name] += len(found)
    verdict.counts["booked"] += len(kept)
    oracle = MixedOracle(history)
    exact = is_as_shown(history, played, kept)
    verdict.counts["exact"] += exact
    hidden = [_by_any_clock(history, one, kept) for one in hidden_times(history, played.taken)]
    verdict.counts["hidden"] += bool(hidden)
    unsaid = hidden + [_by_any_clock(history, one, kept) for one in low_displays(history, played.taken)]
    for one in kept:
        if one.state is not None:
            judge_law(one.state, verdict)
    held = [one for one in as_held(history, played.taken) if one.fate is not Fate.NOT_BOOKED]
    for _, after in oracle.walk(held, played.taken):
        if after.fate is Fate.OPENED:
            continue
        if exact:
            judge_integers(oracle, after, verdict)
        if after.quiet and not after.clock_off_us and not oracle.reckoning.has_hidden_step:
            without = asleep(history, after, played.taken) | _lost(played.events[: after.told])
            judge_truth(history, kept[0], after, without, unsaid, verdict)
    newest = _judge_series(history, kept, played, verdict)
    _judge_intervals(oracle, _whole_words(kept, newest), unsaid, exact, verdict)
    _judge_steps(oracle, played, verdict)
    if kept:
        _judge_sum(kept, newest, verdict)
    if kept and not oracle.reckoning.has_hidden_step:
        _judge_whole(history, played, kept, hidden, verdict)
    return verdict


def _judge_series(history: JumpHistory, kept: Sequence[Taken], played: Played, verdict: Verdict) -> list[Content]:
    """The series; of an account that ends in a time that it had before, intervals of that time may still be missing."""
    found = Verdict()
    newest = judge_series(history.base, played.intervals, found)
    is_behind = bool(kept) and kept[-1].wall_us < max(one.wall_us for one in kept)
    verdict.findings += [one for one in found.findings if not (is_behind and one.detail.endswith("a hole or twice"))]
    return newest


def _whole_words(kept: Sequence[Taken], newest: list[Content]) -> list[Content]:
    """The words that hold, without that on the interval in which an account ends that had its time before: what flowed
    in it when its time came again is in the revision that its end would make."""
    last_us = kept[-1].wall_us if kept else 0
    return [one for one in newest if not one["start_utc_us"] <= last_us < one["end_utc_us"]]


class MixedOracle(Oracle):
    """The oracle, where a reading may lack a register: then its integers are asked of nobody."""

    def __init__(self, history: JumpHistory) -> None:
        super().__init__(history.base)

    def _leave_unassigned(self, before: Taken, after: Taken) -> None:
        if len(before.shown) == len(after.shown) == len(DIRECTIONS):
            super()._leave_unassigned(before, after)

    def _split(self, before: Taken, after: Taken, from_us: int) -> None:
        if len(before.shown) == len(after.shown) == len(DIRECTIONS):
            super()._split(before, after, from_us)


def is_as_shown(history: JumpHistory, played: Played, kept: Sequence[Taken]) -> bool:
    """Whether every booked register was booked as it was shown, so that the oracle can reckon it."""
    events = played.events
    told = {one["event"] for one in events} <= AS_SHOWN
    whole = all(len(one.shown) == len(DIRECTIONS) for one in kept)
    whole = whole and all(one.jump not in (Jump.BACK, Jump.COARSE) for one in history.faults)
    return told and whole and not any(one.get("classified") == "returned" for one in events)


def _by_any_clock(history: JumpHistory, one: Hidden, kept: Sequence[Taken]) -> Hidden:
    """A hidden time, as wide as the clocks of it have shown it, and that of the reading with which it was booked: from
    the one booked before, all is placed by that."""
    booked_us = next((each.true_latest_us for each in kept if each.true_latest_us >= one.until_us), one.until_us)
    low_us, high_us = offs_us(history, one.from_us, booked_us)
    from_us, until_us = one.from_us + min(low_us, 0), one.until_us + max(high_us, 0)
    return replace(one, from_us=from_us, until_us=until_us, again_us=set_back_us(history, one.from_us, booked_us))


def _lost(events: Sequence[Content]) -> frozenset[str]:
    """The directions that are told as lost."""
    found: set[str] = set()
    for one in events:
        if one["event"] in ("direction_lost", "direction_found"):
            found.symmetric_difference_update([one["direction"]])
    return frozenset(found)


def _judge_intervals(
    oracle: Oracle, newest: list[Content], hidden: list[Hidden], exact: bool, verdict: Verdict
) -> None:
    """Each newest word: in integers where they can be reckoned, and the truth by the clock as it was."""
    verdict.counts["revisions"] += sum(one["revision"] for one in newest)
    for one in newest:
        for direction in DIRECTIONS:
            milliwh, told = one[f"{direction}_milliwh"], one[f"{direction}_uncertain_milliwh"]
            if milliwh is None:
                continue
            share = oracle.reckoning.share(direction, one["end_utc_us"])
            name = f"{direction} interval {one['seq']} ({one['quality']}) to {one['end_utc_us']}"
            booked = milliwh, one[f"{direction}_unassigned_milliwh"] or 0
            if exact and booked != (share.milliwh, share.unassigned_milliwh):
                verdict.find("interval", f"{name}: {booked}, reckoned {(share.milliwh, share.unassigned_milliwh)}")
            if oracle.reckoning.has_unplaced or oracle.reckoning.has_hidden_step:
                continue
            told += sum(each.of(direction, one["start_utc_us"], one["end_utc_us"]) for each in hidden)
            if not (milliwh - told) * MILLIWH <= share.true <= (milliwh + told) * MILLIWH:
                verdict.find("interval_truth", f"{name}: {milliwh}, true {share.true // MILLIWH}, told {told}")


def _judge_sum(kept: Sequence[Taken], newest: list[Content], verdict: Verdict) -> None:
    """What is in the newest words on all intervals, and has grown since the last of them, is what is booked."""
    last = kept[-1]
    if (
        last.state is None
        or not newest
        or not last.quiet
        or newest[-1]["register_epoch"] != last.state["register_epoch"]
    ):
        return
    end_us = newest[-1]["end_utc_us"]
    if any(after.wall_us < before.wall_us and before.wall_us > end_us for before, after in pairwise(kept)):
        return  # the open interval has a part from before the clock was set back, which nobody can see yet
    for direction in DIRECTIONS:
        edge_milliwh, register = (
            newest[-1][f"{direction}_register_milliwh"],
            last.state[f"{direction}_register_milliwh"],
        )
        if edge_milliwh is None or register is None:
            continue
        told = sum(one[f"{direction}_milliwh"] or 0 for one in newest) + register - edge_milliwh
        verdict.counts["sums"] += 1
        if told != booked_milliwh(last.state, direction):
            words = f"{direction}: {told} mWh in intervals, {booked_milliwh(last.state, direction)} in buckets"
            verdict.find("sum", words)


def _judge_steps(oracle: Oracle, played: Played, verdict: Verdict) -> None:
    """Each time that the clock was set under booked readings is told once, with its step."""
    told = [one["step_us"] for one in played.events if one["event"] == "clock_step"]
    verdict.counts["steps"] += len(told)
    if told != oracle.reckoning.steps_us:
        verdict.find("step", f"told {told}, were {oracle.reckoning.steps_us}")


def _judge_whole(
    history: JumpHistory, played: Played, kept: list[Taken], hidden: list[Hidden], verdict: Verdict
) -> None:
    """Of a meter that was never reset nor exchanged nothing is lost or doubled beyond what is told, whatever the clock
    did; one that only stood, or could not be read, is never taken for another."""
    last, jumps = kept[-1], {one.jump for one in history.faults}
    if history.base.swaps_us or last.state is None or not jumps <= set(DISPLAYS):
        return
    opened = [one for one in played.events if one["event"] == "epoch"][1:]
    # One that stood until it had passed its width, and shows a 0 then, may be taken for one that was reset.
    if opened and jumps <= set(ONLY_STANDS) and history.width_milliwh is None:
        verdict.find("taken", f"taken for another meter: {opened[0]}")
    if hidden or last.glitch or history.fault_at(last.true_earliest_us) is not None:
        return
    verdict.counts["wholes"] += 1
    one_line = not NOT_ONE_LINE & {event.get("classified") for event in played.events}
    for direction in set(DIRECTIONS) - _lost(played.events):
        true = oracle_true(history, direction, kept[0], last)
        open_milliwh = open_end_milliwh(history, last) + open_end_milliwh(history, kept[0])
        if not one_line:
            open_milliwh += sum(int(last.state.get(f"{direction}_uncertain_{name}_milliwh") or 0) for name in NAMES[1:])
        off = booked_milliwh(last.state, direction) - true
        verdict.lost_milliwh += max(-off - open_milliwh, 0)
        verdict.doubled_milliwh += max(off - open_milliwh, 0)
        if abs(off) > open_milliwh:
            verdict.find("whole", f"{direction}: booked {off:+d} mWh beside the truth, {open_milliwh} are open")


def oracle_true(history: JumpHistory, direction: str, first: Taken, last: Taken) -> int:
    """What truly flowed between two readings, milliwatt-hours."""
    meters = history.base.imports if direction == "import" else history.base.exports
    return meters[0].flow.between(first.true_us, last.true_us) // MILLIWH
