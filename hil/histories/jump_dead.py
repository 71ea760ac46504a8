"""What a dead meter did not count, where nothing that anybody reads tells that it was dead. No gateway.

Excused is what flowed since it froze, until it was read last. Times are true UTC microseconds, energy milliwatt-hours.
"""

from collections.abc import Sequence

from .hidden import Hidden, digit_milliwh, flow_of, is_possible
from .jump_plan import Fault, Jump, JumpHistory
from .plan import LIMIT_MILLIW
from .record import DIRECTIONS, Fate, Taken
from .truth import MILLIWH


def at_the_end(history: JumpHistory, fault: Fault, last: Taken) -> Hidden:
    """What flowed until the last reading of a meter since it froze, or showed what it had: a time that no register
    tells of."""
    refresh_us = history.base.imports[0].refresh_us
    from_us = fault.at_us - refresh_us
    flowed = {one: flow_of(history, one).between(from_us, last.true_latest_us) // MILLIWH + 1 for one in DIRECTIONS}
    return Hidden(fault.at_us, last.true_latest_us, flowed, LIMIT_MILLIW * refresh_us // MILLIWH)


def dead_before(history: JumpHistory, last: Taken, first: Taken, taken: Sequence[Taken]) -> list[Hidden]:
    """What flowed while a meter without a power register was dead, until its last reading, where the next reading is of
    another meter and was booked as the same one, counted on: it stood, and then a load was switched on."""
    between = any(one.shown and last.true_us < one.true_us < first.true_us for one in taken)
    if history.has_power or between or not _is_booked_on(history, last, first, taken):
        return []
    dead = [one for one in history.faults if one.jump is Jump.FREEZE and one.at_us <= last.true_earliest_us]
    dead = [one for one in dead if last.true_latest_us < one.until_us <= first.true_earliest_us]
    return [at_the_end(history, one, last) for one in dead]


def _is_booked_on(history: JumpHistory, last: Taken, first: Taken, taken: Sequence[Taken]) -> bool:
    """Whether a reading was booked; or was held as a way through a width, until the row of its meter was booked so."""
    if first.fate is not Fate.NOT_BOOKED or history.width_milliwh is None:
        return first.fate is Fate.BOOKED
    row = [one for one in taken if one.shown and one.true_us >= first.true_us]
    at = next((number for number, one in enumerate(row) if one.fate is not Fate.NOT_BOOKED), None)
    if at is None or any(one.meter != first.meter or one.glitch for one in row[: at + 1]):
        return False
    both = first.shown.keys() & last.shown.keys()
    fell = [first.shown[one] for one in both if first.shown[one] < last.shown[one]]
    return row[at].fate is Fate.BOOKED and bool(fell) and all(fell)  # a 0 may have been no count, and is told


def dead_and_held(history: JumpHistory, taken: Sequence[Taken]) -> list[Hidden]:
    """What flowed while a meter without a power register was dead, until its last reading, where its successor is held
    to the very end: registers that have not moved yet prove nothing, and tell nobody that the meter before was dead.
    Nor does a wrong display that is held before them."""
    at = max((number for number, one in enumerate(taken) if one.fate is not Fate.NOT_BOOKED), default=None)
    if history.has_power or at is None:
        return []
    last, held = taken[at], [one for one in taken[at + 1 :] if one.shown and not one.glitch]
    if not held or held[-1].meter == last.meter or not _proves_nothing(history, last, held):
        return []
    dead = [one for one in history.faults if one.jump is Jump.FREEZE]
    dead = [one for one in dead if one.at_us <= last.true_earliest_us < one.until_us]
    return [at_the_end(history, one, last) for one in dead]


def _proves_nothing(history: JumpHistory, last: Taken, held: Sequence[Taken]) -> bool:
    """Whether registers stand where they fell or jumped to; by another number, or through the width, at a 0."""
    first, meters = held[0], history.base.imports
    if any(one.shown != first.shown or one.meter != first.meter for one in held):
        return False
    if meters[first.meter].serial != meters[last.meter].serial:
        return not any(first.shown.values())
    least_milliwh = digit_milliwh(history, last)
    fell_to_0 = any(not milliwh and last.shown.get(one, 0) > least_milliwh for one, milliwh in first.shown.items())
    return fell_to_0 or not is_possible(history, last, first)
