"""The judge of a history of jumping registers: the law after every step, the truth within what was told. No gateway.

The truth is what flowed by true time. It is asked of each bucket after each booked reading at which no edge is waiting
and the direction is not told as lost, and of the newest word on each interval. It is not asked for what no register
has ever shown to anybody (`hidden_from_us`).
"""

from itertools import pairwise

from ..soak.history import Verdict
from .jump_plan import COARSER, DISPLAYS, REREADS, WRONG, Fault, Jump, JumpHistory
from .plan import LIMIT_MILLIW
from .record import DIRECTIONS, Content, Fate, Played, Taken
from .tariff import NAMES
from .truth import MILLIWH, Flow

NEVER_US = 2**63 - 1
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
    hidden_us = hidden_from_us(history, played.taken)
    verdict.counts["hidden"] += hidden_us < NEVER_US
    lost: set[str] = set()
    turns = [one for one in played.events if one["event"] in ("direction_lost", "direction_found")]
    for one in kept:
        while turns and turns[0]["time_utc_us"] <= one.wall_latest_us:
            lost.symmetric_difference_update([turns.pop(0)["direction"]])
        if one.state is not None:
            _judge_law(one.state, verdict)
            if one.quiet and one.true_latest_us < hidden_us and not _is_asleep(history, one, played.taken):
                _judge_truth(history, kept[0], one, frozenset(lost), verdict)
    _judge_intervals(history, kept[0], played.intervals, hidden_us, verdict)
    found = {event.get("classified") for event in played.events}
    if hidden_us == NEVER_US and not found & NOT_ONE_LINE:
        _judge_whole(history, kept, frozenset(lost), verdict)
    return verdict


def hidden_from_us(history: JumpHistory, taken: list[Taken]) -> int:
    """From when on no register tells what flowed; `NEVER_US`: all the time one does.

    A register that stood still and gave no more than the service carries since the reading before it; one that stood
    still and never gave; another meter that shows what the old one could have come to, without a number.
    """
    base = history.base
    whole = [one for one in taken if len(one.shown) == len(DIRECTIONS)]
    sound = [one for one in whole if not one.glitch]
    found = [NEVER_US]
    for before, after in pairwise(one for one in taken if one.shown and not one.glitch):
        unnumbered = base.imports[before.meter].serial == base.imports[after.meter].serial
        known = not unnumbered or _is_read_anew(history, before, after)
        if before.meter != after.meter and not known and _is_possible(history, before, after):
            found.append(before.true_earliest_us)
    for fault in history.faults:
        if _is_unseen(history, fault, whole):
            found.append(max(one.true_earliest_us for one in sound if one.true_earliest_us < fault.at_us))
    return min(found)


def _is_read_anew(history: JumpHistory, before: Taken, after: Taken) -> bool:
    """Whether the config was changed between two readings: then nobody takes the one for the other, counted on."""
    changes_us = [one.at_us for one in history.faults if one.jump in REREADS]
    return any(before.true_latest_us < at_us <= after.true_latest_us for at_us in changes_us)


def _is_unseen(history: JumpHistory, fault: Fault, whole: list[Taken]) -> bool:
    """Whether registers that stand still, or begin at 0, come back in a way that may as well have flowed."""
    if fault.jump not in (Jump.FREEZE, Jump.ZEROS, Jump.ONE_ZERO, Jump.FROM_ZERO):
        return False
    before = [one for one in whole if one.true_latest_us < fault.at_us]
    during = [one for one in whole if fault.at_us <= one.true_latest_us and one.true_earliest_us < fault.until_us]
    during = [one for one in during if one.glitch is (fault.jump in WRONG)]
    after = [one for one in whole if fault.until_us <= one.true_earliest_us and not one.glitch]
    if not before or not during:
        return False
    if fault.jump is Jump.FROM_ZERO and _is_possible(history, before[-1], during[0]):
        return True
    if not after or after[0].meter != during[-1].meter:
        return fault.jump is Jump.FREEZE or not _was_seen(history, before[-1], during)
    if _is_possible(history, during[-1], after[0]):
        return not _was_seen(history, before[-1], during)
    return False


def _was_seen(history: JumpHistory, before: Taken, during: list[Taken]) -> bool:
    """Whether the begin was a jump, and nothing of what came then was booked."""
    return not _is_possible(history, before, during[0]) and all(one.fate is Fate.NOT_BOOKED for one in during)


def _is_asleep(history: JumpHistory, one: Taken, taken: list[Taken]) -> bool:
    """Whether no register has been right since one stood still, or at the 0 that it had: what is open is told then."""
    for fault in history.faults:
        if fault.jump in (Jump.FREEZE, Jump.ZEROS, Jump.ONE_ZERO) and fault.at_us <= one.true_latest_us:
            since = [each for each in taken if fault.until_us <= each.true_earliest_us <= one.true_earliest_us]
            if not any(len(each.shown) == len(DIRECTIONS) and not each.glitch for each in since):
                return True
    return False


def _is_possible(history: JumpHistory, before: Taken, after: Taken) -> bool:
    """Whether the later registers can be the earlier ones, counted on, by the coarser digit of both displays.

    By that, because a fall of less than a coarse digit is none: nobody can see it.
    """
    most = LIMIT_MILLIW * (after.true_latest_us - before.true_earliest_us) // MILLIWH
    digit_milliwh = _digit_milliwh(history, before) + _digit_milliwh(history, after)
    grown = [milliwh - before.shown[one] for one, milliwh in after.shown.items() if one in before.shown]
    if history.width_milliwh is not None:
        grown = [each % history.width_milliwh for each in grown]
    return all(-digit_milliwh <= each <= most + digit_milliwh for each in grown)


def _digit_milliwh(history: JumpHistory, one: Taken) -> int:
    """The last digit of what a reading shows."""
    fault = history.fault_at(one.true_latest_us) or history.fault_at(one.true_earliest_us)
    coarse = fault is not None and fault.jump is Jump.COARSE
    return history.base.imports[one.meter].step_milliwh * (COARSER if coarse else 1)


def _judge_law(state: Content, verdict: Verdict) -> None:
    for one in DIRECTIONS:
        if state[f"{one}_register_milliwh"] is None:
            continue
        grown = state[f"{one}_earlier_epochs_milliwh"] + state[f"{one}_register_milliwh"]
        off = _booked(state, one) - grown + state[f"{one}_epoch_first_milliwh"]
        if off:
            verdict.find("law", f"{one} at {state['time_utc_us']}: {off} mWh")


def _booked(state: Content, direction: str) -> int:
    return int(state[f"{direction}_unassigned_milliwh"] or 0) + sum(
        int(state.get(f"{direction}_bucket_{name}_milliwh") or 0) for name in NAMES[1:]
    )


def _flow(history: JumpHistory, direction: str) -> Flow:
    return (history.base.imports if direction == "import" else history.base.exports)[0].flow


def _open_end_milliwh(history: JumpHistory, one: Taken) -> int:
    """What a reading leaves open by itself: its digit and its window. No edge has told that of the last one yet."""
    half_us = (one.true_latest_us - one.true_earliest_us) // 2 + 1 + history.base.error_us
    fault = history.fault_at(one.true_latest_us) or history.fault_at(one.true_earliest_us)
    digits = 2 if fault is not None and fault.jump is Jump.BACK else 1
    return _digit_milliwh(history, one) * digits + LIMIT_MILLIW * half_us // MILLIWH + 1


def _judge_truth(history: JumpHistory, first: Taken, after: Taken, lost: frozenset[str], verdict: Verdict) -> None:
    state, tariff = after.state, history.base.tariff
    if state is None:
        return
    verdict.counts["truths"] += 1
    running, open_milliwh = tariff.bucket(after.true_us), _open_end_milliwh(history, after)
    for direction in DIRECTIONS:
        if direction in lost or state[f"{direction}_register_milliwh"] is None:
            continue
        nowhere = int(state[f"{direction}_unassigned_milliwh"] or 0)
        true = [0] * len(NAMES)
        at_us = first.true_us
        while at_us < after.true_us:
            until_us = min(tariff.next_change_us(at_us), after.true_us)
            true[tariff.bucket(at_us)] += _flow(history, direction).between(at_us, until_us)
            at_us = until_us
        for number, name in enumerate(NAMES[1:], 1):
            booked = int(state.get(f"{direction}_bucket_{name}_milliwh") or 0)
            told = int(state.get(f"{direction}_uncertain_{name}_milliwh") or 0)
            told += open_milliwh if number == running else 0
            verdict.uncertain_told += told
            if not (booked - told) * MILLIWH <= true[number] <= (booked + told + nowhere) * MILLIWH:
                words = f"booked {booked}, true {true[number] // MILLIWH}, told {told}, unassigned {nowhere}"
                verdict.find("truth", f"{direction} {name} at {after.true_us}: {words}")


def _judge_intervals(
    history: JumpHistory, first: Taken, intervals: list[Content], hidden_us: int, verdict: Verdict
) -> None:
    """The newest word on each interval, by true time."""
    newest = {one["end_utc_us"]: one for one in intervals}
    verdict.counts["revisions"] += len(intervals) - len(newest)
    for one in newest.values():
        if one["end_utc_us"] >= hidden_us:
            continue
        for direction in DIRECTIONS:
            if one[f"{direction}_milliwh"] is None:
                continue
            from_us, to_us = max(one["start_utc_us"], first.true_us), one["end_utc_us"]
            true = _flow(history, direction).between(from_us, to_us) if from_us < to_us else 0
            milliwh, told = one[f"{direction}_milliwh"], one[f"{direction}_uncertain_milliwh"]
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
        true = _flow(history, direction).between(kept[0].true_us, last.true_us) // MILLIWH
        open_milliwh = _open_end_milliwh(history, last) + _open_end_milliwh(history, kept[0])
        off = _booked(last.state, direction) - true
        verdict.lost_milliwh += max(-off - open_milliwh, 0)
        verdict.doubled_milliwh += max(off - open_milliwh, 0)
        if abs(off) > open_milliwh:
            verdict.find("whole", f"{direction}: booked {off:+d} mWh beside the truth, {open_milliwh} are open")
