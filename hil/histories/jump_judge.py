"""The judge of a history of jumping registers: the law after every step, the truth within what was told. No gateway.

The truth is what flowed by true time. It is asked of each bucket after each booked reading at which no edge is waiting
and the direction is not told as lost, and of the newest word on each interval. Excused is what no register has ever
shown to anybody, by how much that is (`jump_excuse`), and nothing else.
"""

from ..soak.history import Verdict
from .hidden import Hidden, digit_milliwh, flow_of, shows
from .judge import booked_milliwh, judge_law
from .jump_excuse import asleep, hidden_times
from .jump_low import low_displays
from .jump_plan import DISPLAYS, Jump, JumpHistory
from .plan import LIMIT_MILLIW
from .record import DIRECTIONS, Content, Fate, Played, Taken
from .tariff import NAMES
from .truth import MILLIWH

NOT_ONE_LINE = {"undecided", "reset_to_zero", "other_registers", "meter_replaced"}
LAWS = ("law", "truth", "interval_truth", "whole")


def judge(history: JumpHistory, played: Played) -> Verdict:
    """The verdict on one history."""
    verdict = Verdict()
    kept = [one for one in played.taken if one.fate is not Fate.NOT_BOOKED]
    verdict.counts["readings"] += len(played.taken)
    verdict.counts["booked"] += len(kept)
    verdict.counts["events"] += len(played.events)
    verdict.counts["intervals"] += len(played.intervals)
    for event in played.events:
        if event["event"] in ("epoch", "resumed", "rollover", "frozen", "moves_again"):
            verdict.counts[f"{event['event']}_{event.get('classified', 'told')}"] += 1
    hidden = hidden_times(history, played.taken)
    verdict.counts["hidden"] += bool(hidden)
    unsaid = hidden + low_displays(history, played.taken)
    lost: set[str] = set()
    turns = [one for one in played.events if one["event"] in ("direction_lost", "direction_found")]
    for one in kept:
        while turns and turns[0]["time_utc_us"] <= one.wall_latest_us:
            lost.symmetric_difference_update([turns.pop(0)["direction"]])
        if one.state is not None:
            judge_law(one.state, verdict)
            if one.quiet:
                without = asleep(history, one, played.taken) | lost
                judge_truth(history, kept[0], one, without, unsaid, verdict)
    _judge_intervals(history, kept[0], played.intervals, unsaid, verdict)
    found = {event.get("classified") for event in played.events}
    if not hidden and not found & NOT_ONE_LINE:
        _judge_whole(history, kept, frozenset(lost), verdict)
    return verdict


def open_end_milliwh(history: JumpHistory, one: Taken) -> int:
    """What a reading leaves open by itself: its digit and its window. No edge has told that of the last one yet."""
    half_us = (one.true_latest_us - one.true_earliest_us) // 2 + 1 + history.base.error_us
    digits = 2 if shows(history, one, Jump.BACK) else 1
    return digit_milliwh(history, one) * digits + LIMIT_MILLIW * half_us // MILLIWH + 1


def judge_truth(
    history: JumpHistory,
    first: Taken,
    after: Taken,
    without: frozenset[str],
    hidden: list[Hidden],
    verdict: Verdict,
) -> None:
    state, tariff = after.state, history.base.tariff
    if state is None:
        return
    verdict.counts["truths"] += 1
    running, open_milliwh = tariff.bucket(after.true_us), open_end_milliwh(history, after)
    for direction in DIRECTIONS:
        if direction in without or state[f"{direction}_register_milliwh"] is None:
            continue
        nowhere = int(state[f"{direction}_unassigned_milliwh"] or 0)
        true = [0] * len(NAMES)
        at_us = first.true_us
        while at_us < after.true_us:
            until_us = min(tariff.next_change_us(at_us), after.true_us)
            true[tariff.bucket(at_us)] += flow_of(history, direction).between(at_us, until_us)
            at_us = until_us
        for number, name in enumerate(NAMES[1:], 1):
            booked = int(state.get(f"{direction}_bucket_{name}_milliwh") or 0)
            told = int(state.get(f"{direction}_uncertain_{name}_milliwh") or 0)
            told += open_milliwh if number == running else 0
            verdict.uncertain_told += told
            told += sum(one.of_bucket(direction, number, tariff, after.true_latest_us) for one in hidden)
            if not (booked - told) * MILLIWH <= true[number] <= (booked + told + nowhere) * MILLIWH:
                words = f"booked {booked}, true {true[number] // MILLIWH}, told {told}, unassigned {nowhere}"
                verdict.find("truth", f"{direction} {name} at {after.true_us}: {words}")


def _judge_intervals(
    history: JumpHistory, first: Taken, intervals: list[Content], hidden: list[Hidden], verdict: Verdict
) -> None:
    """The newest word on each interval, by true time."""
    newest = {one["end_utc_us"]: one for one in intervals}
    verdict.counts["revisions"] += len(intervals) - len(newest)
    for one in newest.values():
        for direction in DIRECTIONS:
            if one[f"{direction}_milliwh"] is None:
                continue
            from_us, to_us = max(one["start_utc_us"], first.true_us), one["end_utc_us"]
            true = flow_of(history, direction).between(from_us, to_us) if from_us < to_us else 0
            milliwh, told = one[f"{direction}_milliwh"], one[f"{direction}_uncertain_milliwh"]
            told += sum(each.of(direction, one["start_utc_us"], to_us) for each in hidden)
            if not (milliwh - told) * MILLIWH <= true <= (milliwh + told) * MILLIWH:
                words = f"{milliwh}, true {true // MILLIWH}, told {told}"
                verdict.find("interval_truth", f"{direction} interval {one['seq']} ({one['quality']}): {words}")


def _judge_whole(history: JumpHistory, kept: list[Taken], lost: frozenset[str], verdict: Verdict) -> None:
    """Where the meter was never reset nor exchanged, and was not taken to be, nothing is lost and nothing doubled."""
    last = kept[-1]
    if history.base.swaps_us or last.state is None or any(one.jump not in DISPLAYS for one in history.faults):
        return
    if last.glitch or history.fault_at(last.true_earliest_us) is not None:
        return
    verdict.counts["wholes"] += 1
    for direction in DIRECTIONS:
        if direction in lost or last.state[f"{direction}_register_milliwh"] is None:
            continue
        true = flow_of(history, direction).between(kept[0].true_us, last.true_us) // MILLIWH
        open_milliwh = open_end_milliwh(history, last) + open_end_milliwh(history, kept[0])
        off = booked_milliwh(last.state, direction) - true
        verdict.lost_milliwh += max(-off - open_milliwh, 0)
        verdict.doubled_milliwh += max(off - open_milliwh, 0)
        if abs(off) > open_milliwh:
            verdict.find("whole", f"{direction}: booked {off:+d} mWh beside the truth, {open_milliwh} are open")
