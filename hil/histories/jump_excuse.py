"""What the judge of jumping registers may not ask for: energy of which no register has told anybody, and how much.

A register that stood still and gave no more than the service carries since the reading before it; one that showed 0
and never gave; another meter that shows what the old one could have come to, without a number. Excused is what flowed
in that time and what the registers grew by, and nothing else: an excuse that is wider hides books that are wrong.
Knows nothing of the gateway. Times are true UTC microseconds, energy milliwatt-hours.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from .hidden import Hidden, digit_milliwh, flow_of, is_possible, longest_us
from .jump_dead import at_the_end, dead_and_held, dead_before
from .jump_plan import REREADS, WRONG, Fault, Jump, JumpHistory
from .plan import LIMIT_MILLIW
from .record import DIRECTIONS, Fate, Taken
from .truth import MILLIWH

CLOSE_US = 30_000_000
"""Readings so close together tell nothing of the time between them, where the meter ends with the later one."""
STANDS = (Jump.FREEZE, Jump.ZEROS, Jump.ONE_ZERO)


def hidden_times(history: JumpHistory, taken: Sequence[Taken]) -> list[Hidden]:
    """The times that no register tells of."""
    whole = [one for one in taken if len(one.shown) == len(DIRECTIONS)]
    found = []
    right = [one for one in taken if one.shown and not one.glitch]
    for before, after in [*pairwise(right), *_over_another(taken)]:
        unnumbered = history.base.imports[before.meter].serial == history.base.imports[after.meter].serial
        known = not unnumbered or _is_read_anew(history, before, after)
        if before.meter != after.meter and not known and is_possible(history, before, after):
            sound = [one for one in whole if not one.glitch]
            from_us, until_us = before.true_earliest_us, after.true_earliest_us
            first = [one for one in sound if one.true_earliest_us <= from_us][-1:]
            then = [one for one in sound if one.true_earliest_us >= until_us][:1]
            found.append(_between(history, [*first, before, after, *then], DIRECTIONS))
            found += dead_before(history, before, after, taken)
    for before, after, direction in _beside_a_zero(history, whole):
        if not _is_read_anew(history, before, after) and is_possible(history, before, after, [direction]):
            found.append(_between(history, [before, after], [direction]))
    for fault in history.faults:
        found += _unseen(history, fault, whole)
        found += _back_alone(history, fault, whole, right)
        found += _woke_alone(history, fault, whole, right)
    return found + dead_and_held(history, taken)


def _over_another(taken: Sequence[Taken]) -> list[tuple[Taken, Taken]]:
    """Booked readings of two meters, between which nothing of the second was read, but what was not believed: another
    line. That may as well have been a meter that answers wrongly for a while."""
    found = []
    between: set[int] = set()
    last: Taken | None = None
    for one in taken:
        if one.fate is Fate.NOT_BOOKED:
            between |= {one.meter} if one.shown else set()
            continue
        if last is not None and last.meter != one.meter and between and one.meter not in between:
            found.append((last, one))
        last, between = one, set()
    return found


def _beside_a_zero(history: JumpHistory, whole: Sequence[Taken]) -> Iterator[tuple[Taken, Taken, str]]:
    """The last reading of a meter, one register of which shows a wrong 0, and the first of the next one without another
    number, which was booked and shows that 0 rightly: the other direction is all that anybody can hold against it."""
    serials = [one.serial for one in history.base.imports]
    for before, after in pairwise(whole):
        fault = history.fault_at(before.true_earliest_us)
        if before.meter == after.meter or fault is None or fault.jump is not Jump.ONE_ZERO:
            continue
        zero, other = DIRECTIONS[fault.direction], DIRECTIONS[1 - fault.direction]
        if serials[before.meter] == serials[after.meter] and after.fate is Fate.BOOKED and not after.shown[zero]:
            yield before, after, other


def asleep(history: JumpHistory, one: Taken, taken: Sequence[Taken]) -> frozenset[str]:
    """The directions whose register has not been right since it stood still, or at a 0: what is open is told then."""
    found: set[str] = set()
    for fault in history.faults:
        if fault.jump not in STANDS or fault.at_us > one.true_latest_us:
            continue
        since = [each for each in taken if fault.until_us <= each.true_earliest_us <= one.true_earliest_us]
        if any(len(each.shown) == len(DIRECTIONS) and not each.glitch for each in since):
            continue
        found |= _of(fault)
    return frozenset(found)


def _of(fault: Fault) -> set[str]:
    """The directions whose register is wrong."""
    return {DIRECTIONS[fault.direction]} if fault.jump is Jump.ONE_ZERO else set(DIRECTIONS)


def _unseen(history: JumpHistory, fault: Fault, whole: list[Taken]) -> list[Hidden]:
    """Registers that stand still, or begin at 0, and come back in a way that may as well have flowed. One that stood
    near 0 until it began there again hides what it had kept back."""
    if fault.jump not in (*STANDS, Jump.FROM_ZERO):
        return []
    before = [one for one in whole if one.true_latest_us < fault.at_us]
    during = [one for one in whole if fault.at_us <= one.true_latest_us and one.true_earliest_us < fault.until_us]
    # The window of the last one may reach into the time of the next meter, which is wrong in its own way.
    during = [one for one in during if one.glitch is (fault.jump in WRONG) and one.meter == during[0].meter]
    after = [one for one in whole if fault.until_us <= one.true_earliest_us and not one.glitch]
    if not before or not during:
        return []
    sound = max((one for one in before if not one.glitch), key=lambda one: one.true_earliest_us)
    way = [sound, *during, *after[:1]]
    if fault.jump is Jump.FROM_ZERO and is_possible(history, before[-1], during[0]):
        return [_between(history, way, _of(fault))]
    # What was read in between, and held, says nothing where the one booked before can have counted on to there.
    booked = [one for one in before if one.fate is not Fate.NOT_BOOKED][-1:]
    serials = [one.serial for one in history.base.imports]
    booked = [one for one in booked if serials[one.meter] == serials[during[0].meter]]
    if fault.jump is Jump.FROM_ZERO and any(is_possible(history, one, during[0]) for one in booked):
        return [_between(history, [*booked, *during, *after[:1]], _of(fault))]
    frozen = next((one for one in history.faults if one.jump is Jump.FREEZE and one.until_us == fault.at_us), None)
    if fault.jump is Jump.FROM_ZERO and frozen is not None:
        since = [one for one in before if one.true_latest_us < frozen.at_us]
        young = {one for one in DIRECTIONS if is_possible(history, before[-1], during[0], [one])}
        if since and young:
            return [_between(history, [*since[-1:], *way], young)]
        return _back_on_their_line(history, fault, before[-1], during, after[:1])
    if not after or after[0].meter != during[-1].meter:
        if fault.jump is Jump.FREEZE:
            return [at_the_end(history, fault, during[0])] if _moved_at_the_end(before[-1], during) else []
        unseen = not _was_seen(history, before[-1], during)
    else:
        # What was shown in between would have told a fall from places that the display lost.
        until_us = after[0].true_latest_us
        next_one = not any(during[-1].true_latest_us < one.true_latest_us < until_us for one in whole)
        unseen = is_possible(history, during[-1], after[0], lost_places=next_one)
        unseen = unseen and not _was_seen(history, before[-1], during)
    return [_between(history, way, _of(fault))] if unseen else []


def _back_alone(history: JumpHistory, fault: Fault, whole: list[Taken], right: list[Taken]) -> list[Hidden]:
    """Of registers that had begun at 0, one that is back on its line while the other is not shown: what it jumps by."""
    before = [one for one in whole if one.true_latest_us < fault.at_us]
    during = [one for one in whole if fault.at_us <= one.true_earliest_us and one.true_latest_us < fault.until_us]
    after = [one for one in right if fault.until_us <= one.true_earliest_us][:1]
    if fault.jump is not Jump.FROM_ZERO or not before or not during or any(len(one.shown) > 1 for one in after):
        return []
    return _back_on_their_line(history, fault, before[-1], during, after)


def _woke_alone(history: JumpHistory, fault: Fault, whole: list[Taken], right: list[Taken]) -> list[Hidden]:
    """Of registers that stood without a power beside them, one that gives no more than may as well have flowed since,
    while the other is not shown."""
    before = [one for one in whole if one.true_latest_us < fault.at_us and not one.glitch][-1:]
    during = [one for one in whole if fault.at_us <= one.true_earliest_us and one.true_latest_us < fault.until_us]
    after = [one for one in right if fault.until_us <= one.true_earliest_us][:1]
    if fault.jump is not Jump.FREEZE or history.has_power or not before or not during:
        return []
    alone = [one for one in after if len(one.shown) == 1 and one.meter == during[-1].meter]
    possible = any(is_possible(history, during[-1], one) for one in alone)
    return [_between(history, [*before, *during, *alone], list(alone[0].shown))] if possible else []


def _back_on_their_line(
    history: JumpHistory, fault: Fault, before: Taken, during: list[Taken], after: list[Taken]
) -> list[Hidden]:
    """What registers that had begun at 0 jump by as they come back, where that may as well have flowed: all that they
    had come to before, or through the width what was left of it."""
    last = during[-1]
    if not any(one.meter == last.meter and is_possible(history, last, one) for one in after):
        return []
    if _was_seen(history, before, during):
        return []
    meters = {"import": history.base.imports[last.meter], "export": history.base.exports[last.meter]}
    jumped = {one: meter.shown(fault.at_us) for one, meter in meters.items() if one in after[0].shown}
    if (width_milliwh := history.width_milliwh) is not None:
        jumped = {one: min(each % width_milliwh, -each % width_milliwh) for one, each in jumped.items()}
    digits_milliwh = digit_milliwh(history, last) + digit_milliwh(history, after[0])
    off = {one: each + digits_milliwh for one, each in jumped.items()}
    return [Hidden(last.true_earliest_us, after[0].true_latest_us, off, digits_milliwh)]


def _moved_at_the_end(before: Taken, during: Sequence[Taken]) -> bool:
    """Whether a meter that froze before it was exchanged was read once more, soon, and had moved until it froze."""
    soon = during[0].true_latest_us - before.true_earliest_us <= CLOSE_US
    return len(during) == 1 and soon and during[0].shown != before.shown


def _between(history: JumpHistory, way: list[Taken], directions: Iterable[str]) -> Hidden:
    """What may be off by the readings on a way: what flowed, or what the registers gave."""
    from_us, until_us = way[0].true_earliest_us, way[-1].true_latest_us
    found: dict[str, int] = {}
    digits = [digit_milliwh(history, one) for one in way]
    for direction in directions:
        shown = [one.shown[direction] for one in way if direction in one.shown]
        grown = [_grown(history, before, after) for before, after in pairwise(shown)]
        grown_milliwh = sum(milliwh for milliwh in grown if _can_flow(milliwh, way))
        flowed_milliwh = flow_of(history, direction).between(from_us, until_us) // MILLIWH + 1
        # A fall within the coarsest digit is held until the register has passed it again.
        digits_milliwh = sum(digits[-2:]) + max(digits) - max(digits[-2:])
        found[direction] = max(grown_milliwh, flowed_milliwh) + digits_milliwh
    return Hidden(from_us, until_us, found, sum(digits[-2:]) + max(digits) - max(digits[-2:]))


def _grown(history: JumpHistory, before: int, after: int) -> int:
    """What a register seems to have grown by, through its width where it has one."""
    if history.width_milliwh is not None:
        return (after - before) % history.width_milliwh
    return max(after - before, 0)


def _can_flow(milliwh: int, way: list[Taken]) -> bool:
    """Whether the service carries that in the time of a way: more is never booked."""
    return milliwh * MILLIWH <= LIMIT_MILLIW * longest_us(way[0], way[-1])


def _is_read_anew(history: JumpHistory, before: Taken, after: Taken) -> bool:
    """Whether the config was changed between two readings: then nobody takes the one for the other, counted on."""
    changes_us = [one.at_us for one in history.faults if one.jump in REREADS]
    return any(before.true_latest_us < at_us <= after.true_latest_us for at_us in changes_us)


def _was_seen(history: JumpHistory, before: Taken, during: list[Taken]) -> bool:
    """Whether the begin was a jump, and nothing of what came then was booked."""
    return not is_possible(history, before, during[0]) and all(one.fate is Fate.NOT_BOOKED for one in during)
