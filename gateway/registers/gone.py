"""Registers that fell in a row of held readings, and then are not shown any more: they are lost as they fell.

Nobody will know whether they stood there rightly. They are lost by what they showed last, as those are that stand where
they fell to: when they are found, that may have been where they began. Pure.
"""

from collections.abc import Iterator, Mapping

from ..decision import Doubt, Limits, ValidatorState
from ..energy import Direction, registers_of
from ..reading.read import Reading
from .follow import Followed
from .row import JUMPS, in_question
from .standing import of_standing
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
        yield from of_the_others(state, line, limits)
        yield from of_standing(state.last, state.memories, {}, limits)
