"""What the judge of jumping registers may not ask for: energy of which no register has told anybody, and how much.

A register that stood still and gave no more than the service carries since the reading before it; one that showed 0
and never gave; another meter that shows what the old one could have come to, without a number. Excused is what flowed
in that time and what the registers grew by, and nothing else: an excuse that is wider hides books that are wrong.
Knows nothing of the gateway. Times are true UTC microseconds, energy milliwatt-hours.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .jump_plan import COARSER, REREADS, WRONG, Fault, Jump, JumpHistory
from .plan import LIMIT_MILLIW
from .record import DIRECTIONS, Fate, Taken
from .tariff import Tariff
from .truth import MILLIWH, Flow

WEEK_US = 7 * 86_400_000_000
CLOSE_US = 30_000_000
"""Readings so close together tell nothing of the time between them, where the meter ends with the later one."""
STANDS = (Jump.FREEZE, Jump.ZEROS, Jump.ONE_ZERO)


@dataclass(frozen=True, slots=True)
class Hidden:
    """A time of which no register tells what flowed, and how far off a total may be by it, in each direction: no more
    than the service carries in the part of it that is asked for, and a digit."""

    from_us: int
    until_us: int
    milliwh: dict[str, int]
    digits_milliwh: int
    again_us: int = 0
    """How far the clock was set back in it: so much longer than it shows a part of it can have been."""

    def of(self, direction: str, from_us: int, until_us: int) -> int:
        """How far off the energy of a stretch may be by this."""
        if not (self.from_us < until_us and from_us <= self.until_us):
            return 0
        return self._at_most(direction, min(until_us, self.until_us) - max(from_us, self.from_us))

    def of_bucket(self, direction: str, bucket: int, tariff: Tariff, now_us: int) -> int:
        """How far off a bucket's energy may be by this: nothing, where it did not hold at any time of it until now."""
        at_us, until_us = self.from_us, min(self.until_us, now_us)
        held_us = -1
        while at_us <= until_us:
            next_us = tariff.next_change_us(at_us)
            if tariff.bucket(at_us) == bucket:
                held_us = max(held_us, 0) + min(next_us, until_us) - at_us
            at_us = next_us
        return 0 if held_us < 0 else self._at_most(direction, held_us)

    def _at_most(self, direction: str, held_us: int) -> int:
        carried_milliwh = LIMIT_MILLIW * (held_us + self.again_us) // MILLIWH + 1
        return min(self.milliwh.get(direction, 0), carried_milliwh + self.digits_milliwh)


def hidden_times(history: JumpHistory, taken: Sequence[Taken]) -> list[Hidden]:
    """The times that no register tells of."""
    whole = [one for one in taken if len(one.shown) == len(DIRECTIONS)]
    found = []
    right = [one for one in taken if one.shown and not one.glitch]
    for before, after in [*pairwise(right), *_over_another(taken)]:
        unnumbered = history.base.imports[before.meter].serial == history.base.imports[after.meter].serial
        known = not unnumbered or _is_read_anew(history, before, after)
        if before.meter != after.meter and not known and _is_possible(history, before, after):
            sound = [one for one in whole if not one.glitch]
            from_us, until_us = before.true_earliest_us, after.true_earliest_us
            first = [one for one in sound if one.true_earliest_us <= from_us][-1:]
            then = [one for one in sound if one.true_earliest_us >= until_us][:1]
            found.append(_between(history, [*first, before, after, *then], DIRECTIONS))
            found += _dead_before(history, before, after, taken)
    for fault in history.faults:
        found += _unseen(history, fault, whole)
    return found + _dead_and_held(history, taken)


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


def flow_of(history: JumpHistory, direction: str) -> Flow:
    """What flows in a direction, whichever meter hangs there."""
    return (history.base.imports if direction == "import" else history.base.exports)[0].flow


def digit_milliwh(history: JumpHistory, one: Taken) -> int:
    """The last digit of what a reading shows."""
    coarse = shows(history, one, Jump.COARSE)
    return history.base.imports[one.meter].step_milliwh * (COARSER if coarse else 1)


def shows(history: JumpHistory, one: Taken, jump: Jump) -> bool:
    """Whether a reading can have been latched while this was wrong."""
    earliest_us, latest_us = one.true_earliest_us, one.true_latest_us
    return any(each.jump is jump and each.at_us <= latest_us and earliest_us < each.until_us for each in history.faults)


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
    if fault.jump is Jump.FROM_ZERO and _is_possible(history, before[-1], during[0]):
        return [_between(history, way, _of(fault))]
    frozen = next((one for one in history.faults if one.jump is Jump.FREEZE and one.until_us == fault.at_us), None)
    if fault.jump is Jump.FROM_ZERO and frozen is not None:
        since = [one for one in before if one.true_latest_us < frozen.at_us]
        young = {one for one in DIRECTIONS if _is_possible(history, before[-1], during[0], [one])}
        if since and young:
            return [_between(history, [*since[-1:], *way], young)]
        return _back_on_their_line(history, fault, before[-1], during, after[:1])
    if not after or after[0].meter != during[-1].meter:
        if fault.jump is Jump.FREEZE:
            return [_at_the_end(history, fault, during[0])] if _moved_at_the_end(before[-1], during) else []
        unseen = not _was_seen(history, before[-1], during)
    else:
        # What was shown in between would have told a fall from places that the display lost.
        until_us = after[0].true_latest_us
        next_one = not any(during[-1].true_latest_us < one.true_latest_us < until_us for one in whole)
        unseen = _is_possible(history, during[-1], after[0], lost_places=next_one)
        unseen = unseen and not _was_seen(history, before[-1], during)
    return [_between(history, way, _of(fault))] if unseen else []


def _back_on_their_line(
    history: JumpHistory, fault: Fault, before: Taken, during: list[Taken], after: list[Taken]
) -> list[Hidden]:
    """What registers that had begun at 0 jump by as they come back, where that may as well have flowed: all that they
    had come to before, or through the width what was left of it."""
    last = during[-1]
    if not any(one.meter == last.meter and _is_possible(history, last, one) for one in after):
        return []
    if _was_seen(history, before, during):
        return []
    meters = {"import": history.base.imports[last.meter], "export": history.base.exports[last.meter]}
    jumped = {one: meter.shown(fault.at_us) for one, meter in meters.items()}
    if (width_milliwh := history.width_milliwh) is not None:
        jumped = {one: min(each % width_milliwh, -each % width_milliwh) for one, each in jumped.items()}
    digits_milliwh = digit_milliwh(history, last) + digit_milliwh(history, after[0])
    off = {one: each + digits_milliwh for one, each in jumped.items()}
    return [Hidden(last.true_earliest_us, after[0].true_latest_us, off, digits_milliwh)]


def _moved_at_the_end(before: Taken, during: Sequence[Taken]) -> bool:
    """Whether a meter that froze before it was exchanged was read once more, soon, and had moved until it froze."""
    soon = during[0].true_latest_us - before.true_earliest_us <= CLOSE_US
    return len(during) == 1 and soon and during[0].shown != before.shown


def _at_the_end(history: JumpHistory, fault: Fault, last: Taken) -> Hidden:
    """What flowed until the last reading of a meter since it froze: a time that no register tells of."""
    flowed = {one: flow_of(history, one).between(fault.at_us, last.true_latest_us) // MILLIWH + 1 for one in DIRECTIONS}
    return Hidden(fault.at_us, last.true_latest_us, flowed, 0)


def _dead_before(history: JumpHistory, last: Taken, first: Taken, taken: Sequence[Taken]) -> list[Hidden]:
    """What flowed while a meter without a power register was dead, until its last reading, where the next reading is of
    another meter and was booked as the same one, counted on: it stood, and then a load was switched on."""
    between = any(one.shown and last.true_us < one.true_us < first.true_us for one in taken)
    if history.has_power or between or first.fate is not Fate.BOOKED:
        return []
    dead = [one for one in history.faults if one.jump is Jump.FREEZE and one.at_us <= last.true_earliest_us]
    dead = [one for one in dead if last.true_latest_us < one.until_us <= first.true_earliest_us]
    return [_at_the_end(history, one, last) for one in dead]


def _dead_and_held(history: JumpHistory, taken: Sequence[Taken]) -> list[Hidden]:
    """What flowed while a meter without a power register was dead, until its last reading, where its successor is held
    to the very end: registers that have not moved yet prove nothing, and tell nobody that the meter before was dead."""
    at = max((number for number, one in enumerate(taken) if one.fate is not Fate.NOT_BOOKED), default=None)
    if history.has_power or at is None:
        return []
    last, held = taken[at], [one for one in taken[at + 1 :] if one.shown]
    if not held or held[-1].meter == last.meter or not _proves_nothing(history, last, held):
        return []
    dead = [one for one in history.faults if one.jump is Jump.FREEZE]
    dead = [one for one in dead if one.at_us <= last.true_earliest_us < one.until_us]
    return [_at_the_end(history, one, last) for one in dead]


def _proves_nothing(history: JumpHistory, last: Taken, held: Sequence[Taken]) -> bool:
    """Whether registers stand where they fell or jumped to; by another number, or through the width, at a 0."""
    first, meters = held[0], history.base.imports
    if any(one.shown != first.shown or one.meter != first.meter for one in held):
        return False
    if meters[first.meter].serial != meters[last.meter].serial:
        return not any(first.shown.values())
    least_milliwh = digit_milliwh(history, last)
    fell_to_0 = any(not milliwh and last.shown.get(one, 0) > least_milliwh for one, milliwh in first.shown.items())
    return fell_to_0 or not _is_possible(history, last, first)


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


def longest_us(before: Taken, after: Taken) -> int:
    """The longest time that anybody can take to have passed between two readings: by the wall clock too, where that was
    set on; after another boot with a clock that is behind, a week.
    """
    if before.boot != after.boot and after.wall_us <= before.wall_us:
        return WEEK_US
    passed_us = after.true_latest_us - before.true_earliest_us
    return max(passed_us, after.wall_latest_us - before.wall_earliest_us)


def _is_read_anew(history: JumpHistory, before: Taken, after: Taken) -> bool:
    """Whether the config was changed between two readings: then nobody takes the one for the other, counted on."""
    changes_us = [one.at_us for one in history.faults if one.jump in REREADS]
    return any(before.true_latest_us < at_us <= after.true_latest_us for at_us in changes_us)


def _was_seen(history: JumpHistory, before: Taken, during: list[Taken]) -> bool:
    """Whether the begin was a jump, and nothing of what came then was booked."""
    return not _is_possible(history, before, during[0]) and all(one.fate is Fate.NOT_BOOKED for one in during)


def _is_possible(
    history: JumpHistory,
    before: Taken,
    after: Taken,
    directions: Sequence[str] = DIRECTIONS,
    *,
    lost_places: bool = False,
) -> bool:
    """Whether the later registers can be the earlier ones, counted on, by the coarser digit of both displays.

    By that, because a fall of less than a coarse digit is none: nobody can see it. `lost_places`: also where the
    registers have a width, and the display lost places in between.
    """
    most = LIMIT_MILLIW * longest_us(before, after) // MILLIWH
    digits_milliwh = digit_milliwh(history, before) + digit_milliwh(history, after)
    shown = [one for one in directions if one in before.shown and one in after.shown]
    grown = [after.shown[one] - before.shown[one] for one in shown]
    if history.width_milliwh is not None:
        # Of one meter a fall is through its width, but within its finest digit, or in places that it lost, it is none;
        # another one may begin a coarse digit below.
        lost_milliwh = digit_milliwh(history, after) - digit_milliwh(history, before) if lost_places else 0
        own_milliwh = max(history.base.imports[0].step_milliwh, lost_milliwh)
        below_milliwh = digits_milliwh if before.meter != after.meter else own_milliwh
        grown = [(each + below_milliwh) % history.width_milliwh - below_milliwh for each in grown]
    return all(-digits_milliwh <= each <= most + digits_milliwh for each in grown)
