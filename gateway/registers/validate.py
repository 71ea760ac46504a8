"""The validate step: is this reading the same meter, counting on? Pure: (state, reading, limits) -> (state, decision).

Neither wrong rule of the field is used here: a fallen register is never taken as the new baseline at once
(one momentary zero would book the lifetime total), and never refused for ever (a swapped meter would stop
the account). It is quarantined, and becomes a new register epoch only when further readings count on from it.
One that stands still where it fell to proves nothing, and one that returns to its old line has never been another.
A rejected reading costs no energy: the register is cumulative, and the next good one carries it all.
A wall clock that leaps ahead or is set back is held in the same way: one wrong time must not close the intervals of
years, nor repeat them.
The words it speaks are in `decision`; whether one reading counts on from another is in `follow` and `register_step`,
the row of held readings in `quarantine`, what becomes of one that is believed in `believe`, what stays open in
`undecided`, and who comes back in `returned`.
"""

from dataclasses import replace

import msgspec

from ..clock import LAST_CREDIBLE_US
from ..clock_steps import is_behind
from ..decision import (
    Accepted,
    Basis,
    Class,
    Decision,
    Limits,
    NewEpoch,
    Note,
    NoteKind,
    Quarantined,
    Reason,
    Rejected,
    Rollover,
    Rule,
    ValidatorState,
    Waiting,
)
from ..energy import Direction, registers_of
from ..reading.read import Reading
from .accept import accept_without, go_on, without
from .believe import begun, believe
from .follow import follow
from .passed import CLOCK_JUMP_US, changed_basis, clock_jumped
from .placed import noted, placed_by, row_placed_by, unplaced
from .quarantine import begun_with, is_long_enough, let_go, longer_by, next_in_row, proves_nothing
from .stepped_back import told_first

__all__ = [
    "CLOCK_JUMP_US",
    "Accepted",
    "Basis",
    "Class",
    "Decision",
    "Limits",
    "NewEpoch",
    "Note",
    "NoteKind",
    "Quarantined",
    "Reason",
    "Rejected",
    "Rollover",
    "Rule",
    "ValidatorState",
    "Waiting",
    "clock_jumped",
    "validate",
]


def validate(state: ValidatorState, reading: Reading, limits: Limits) -> tuple[ValidatorState, Decision]:
    """Decide on one reading. The returned state belongs to the decision and is stored with it."""
    reading = replace(reading, snapshot=replace(reading.snapshot, others={}))
    limits = _limits_of(reading, limits)
    state = _by_basis(state, limits)
    placed, order = placed_by(state, reading)
    after, decision = _decide(placed, order, without(reading, _doubted(state, reading)), limits)
    if placed is not state:
        after, decision = unplaced(state, placed, after, decision)
    return noted(after, reading, decision), decision


def _decide(
    state: ValidatorState, order: Reading | None, reading: Reading, limits: Limits
) -> tuple[ValidatorState, Decision]:
    """The same with all that is remembered where it stands by the clock of `reading`; time must go on from `order`."""
    if not limits.first_credible_us <= reading.instant_us < LAST_CREDIBLE_US:
        return state, Rejected(Reason.CLOCK_NOT_SET, state.last, reading)
    if not registers_of(reading.snapshot):
        return state, Rejected(Reason.NOT_AVAILABLE, state.last, reading)
    if state.last is None or order is None:
        return _confirm_first(state, reading, limits)
    if reading.instant_us <= order.instant_us:
        if is_behind(order, reading):
            return _hold(state, Reason.TIME_NOT_ADVANCED, reading, limits)
        return state, Rejected(Reason.TIME_NOT_ADVANCED, state.last, reading)
    if clock_jumped(state.last, reading):
        return _hold(state, Reason.CLOCK_JUMPED, reading, limits)
    changed = changed_basis(state.basis, limits.basis)
    if changed is not None:
        return _hold(state, changed, reading, limits)
    line = follow(state.last, state.memories, reading, limits, state.lost)
    if line.objection is None:
        return go_on(state, line, reading, limits)
    return _hold(state, line.objection, reading, limits)


def _limits_of(reading: Reading, limits: Limits) -> Limits:
    """The limits, their basis by what the device itself was found to need: a config tells only what it may be."""
    if limits.basis is None or not reading.read_by:
        return limits
    return replace(limits, basis=msgspec.structs.replace(limits.basis, read_by=reading.read_by))


def _by_basis(state: ValidatorState, limits: Limits) -> ValidatorState:
    """The state under the config that holds now: what was held by another one proves nothing."""
    basis = limits.basis
    if basis is None:
        return state
    if state.basis is None:
        state = msgspec.structs.replace(state, basis=basis)
    elif changed_basis(state.basis, basis) is None:  # stored before all of it was kept
        known = state.basis.known_by(basis)
        state = state if known is state.basis else msgspec.structs.replace(state, basis=known)
    return state if state.held_first is None or state.held_basis == basis else let_go(state, limits)


def _doubted(state: ValidatorState, reading: Reading) -> frozenset[Direction]:
    """The registers that still stand where they fell to; one that has moved is looked at again."""
    if not state.doubted:
        return frozenset()
    shown = registers_of(reading.snapshot)
    return frozenset(one for one, milliwh in state.doubted.items() if one in shown and shown[one].milliwh == milliwh)


def _confirm_first(state: ValidatorState, reading: Reading, limits: Limits) -> tuple[ValidatorState, Decision]:
    """The first reading of a meter needs a second that agrees; it is asked for at once."""
    reason, first = Reason.FIRST_READING, state.held_first
    if first is None or reading.instant_us <= first.instant_us:
        return begun_with(state, reason, reading, limits), Quarantined(reason, None, reading)
    line = next_in_row(state, reading, limits)
    if line is None:
        return begun_with(state, reason, reading, limits), Rejected(Reason.UNCONFIRMED, first, reading)
    found, rule = Class.FIRST_READING, Rule.SECOND_READING_AGREES
    epoch, doubts = state.register_epoch + 1, told_first(line.doubts)
    decision = NewEpoch(reason, epoch, None, first, line.reading, found, rule, doubts)
    return begun(decision, line, limits, state), decision


def _hold(state: ValidatorState, reason: Reason, reading: Reading, limits: Limits) -> tuple[ValidatorState, Decision]:
    """Quarantine a reading; enough of them that count on from each other, over enough time, are believed."""
    line = next_in_row(state, reading, limits)
    if line is None:
        return begun_with(state, reason, reading, limits), Quarantined(reason, state.last, reading)
    held = longer_by(state, line, reason, limits)
    if is_long_enough(held, limits):
        held = row_placed_by(held, reading)
        if not proves_nothing(held, limits):
            return believe(held, line, reading, limits)
        rest = accept_without(held, reading, limits)
        if rest is not None:
            return rest
    return held, Quarantined(held.held_reason or reason, state.last, reading)
