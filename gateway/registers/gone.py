"""Registers that fell in a row of held readings that ends before it was believed, or was not: another row begins.

Those that are not shown any more are lost by what they showed last, as those are that stand where they fell to: when
they are found, that may have been where they began. Of those that are back on their old line, and can have come there
from where they fell to as well, what is in none of them if they were reset is told as they are booked. Pure.
"""

from collections.abc import Iterator, Mapping

from ..decision import Doubt, Limits, ValidatorState
from ..energy import Direction, registers_of
from ..reading.read import Reading
from ..uncertainty import most_energy_milliwh
from .follow import Followed
from .passed import elapsed_us
from .row import JUMPS, MAY_JUMP, in_question
from .standing import of_standing, untold
from .undecided import of_the_others


def gone_with(state: ValidatorState, reading: Reading, limits: Limits) -> dict[Direction, int]:
    """What the registers in question that are gone with `reading`, which begins another row, showed in the row before,
    milliwatt-hours; and those of rows before it, as long as none shows them."""
    shown, latest = registers_of(reading.snapshot), state.held_latest
    found = dict(state.held_gone)
    if latest is not None and state.held_reason in JUMPS and state.held_basis == limits.basis:
        held = registers_of(latest.snapshot)
        found |= {one: held[one].milliwh for one in in_question(state, limits) if one in held}
    return {direction: milliwh for direction, milliwh in found.items() if direction not in shown}


def lost_as_gone(state: ValidatorState, has: Mapping[Direction, object]) -> dict[Direction, int]:
    """Those that are lost with a reading that `has` others."""
    return {one: milliwh for one, milliwh in state.held_gone.items() if one not in has and one not in state.lost}


def of_gone(state: ValidatorState, line: Followed, limits: Limits) -> Iterator[Doubt]:
    """Of registers that count on while one is lost so: they may be of another meter, and the one before was dead."""
    if state.last is not None and lost_as_gone(state, registers_of(line.reading.snapshot)):
        # What was held already tells as much of those beside it.
        yield from (one for one in of_the_others(state, line, limits) if one.direction not in state.held_fallen)
        yield from of_standing(state.last, state.memories, {}, limits)


def fell_before(state: ValidatorState, reading: Reading, limits: Limits) -> dict[Direction, int]:
    """Of a row that showed that registers fell, and that `reading`, which begins another row, can go on as well as it
    goes on from what is booked: what is in no register if they were reset, milliwatt-hours; also of one beside them
    that is not shown any more."""
    last, first, latest = state.last, state.held_first, state.held_latest
    if last is None or first is None or latest is None or state.held_basis != limits.basis:
        return {}
    asked = in_question(state, limits)
    if state.held_reason not in MAY_JUMP or not asked or not asked <= registers_of(reading.snapshot).keys():
        return {}
    had, fell, now = _as_shown(last, state), registers_of(first.snapshot), registers_of(reading.snapshot)
    both = had.keys() & fell.keys() & now.keys()
    held, digits_milliwh = registers_of(latest.snapshot), {one: 2 * now[one].resolution_milliwh for one in both}
    passed_us = elapsed_us(last, reading)
    for one in both:
        # A register that stands in all of the row may stand since the last booked reading.
        stands = one not in held or held[one].milliwh == fell[one].milliwh
        since_row_us = passed_us if stands else elapsed_us(latest, reading)
        for shown_milliwh, most_us in ((had[one], passed_us), (held.get(one, fell[one]).milliwh, since_row_us)):
            grown_milliwh = now[one].milliwh - shown_milliwh
            most_milliwh = most_energy_milliwh(limits.limit_milliw, most_us)
            if not -digits_milliwh[one] <= grown_milliwh <= most_milliwh + digits_milliwh[one]:
                return {}
    before_milliwh = most_energy_milliwh(limits.limit_milliw, elapsed_us(last, first))
    fell_milliwh = {one: had[one] - fell[one].milliwh for one in had.keys() & fell.keys()}
    # Of a display that lost places since, the coarser digit hides as much.
    coarser_milliwh = {one: max(fell[one].resolution_milliwh, digits_milliwh.get(one, 0) // 2) for one in fell_milliwh}
    return {
        one: max(before_milliwh + milliwh, -milliwh, 0) + 2 * coarser_milliwh[one]
        for one, milliwh in fell_milliwh.items()
    }


def _as_shown(last: Reading, state: ValidatorState) -> dict[Direction, int]:
    """Registers as the meter showed them: booked, they may be ahead by their rollovers."""
    registers, memories = registers_of(last.snapshot), state.memories
    return {
        one: register.milliwh - (memories[one].rolled_over_milliwh if one in memories else 0)
        for one, register in registers.items()
    }


def of_fell(state: ValidatorState, line: Followed, limits: Limits) -> Iterator[Doubt]:
    """Of registers that are booked on their old line, and may have been reset: the meter may have been dead before."""
    booked = registers_of(line.reading.snapshot)
    fell = {one: milliwh for one, milliwh in state.held_fell.items() if one in booked}
    if state.last is None or not fell:
        return
    for direction, milliwh in fell.items():
        yield Doubt(direction, milliwh)
    back = {one: had for one, had in untold(state).items() if one in booked}
    yield from of_standing(state.last, state.memories, back, limits)
