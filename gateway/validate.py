"""The validate step: is this reading the same meter, counting on? Pure: (state, reading, limits) -> (state, decision).

Neither wrong rule of the field is used here: a fallen register is never taken as the new baseline at once
(one momentary zero would book the lifetime total), and never refused for ever (a swapped meter would stop
the account). It is quarantined, and becomes a new register epoch only when further readings count on from it.
One that stands still where it fell to proves nothing, and one that returns to its old line has never been another.
A rejected reading costs no energy: the register is cumulative, and the next good one carries it all.
A wall clock that leaps ahead or is set back is held in the same way: one wrong time must not close the intervals of
years, nor repeat them.
The words it speaks are in `decision`; whether one reading counts on from another is in `follow` and `register_step`,
the row of held readings in `quarantine`, what stays open in `undecided`, and who comes back in `returned`.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

import msgspec

from .classify import found_in
from .clock import LAST_CREDIBLE_US
from .clock_steps import is_behind
from .decision import (
    Accepted,
    Basis,
    Class,
    Decision,
    Limits,
    NewEpoch,
    Note,
    NoteKind,
    Opened,
    Quarantined,
    Reason,
    RegisterMemory,
    Rejected,
    Rollover,
    Rule,
    ValidatorState,
    Waiting,
)
from .energy import Direction, registers_of
from .follow import CLOCK_JUMP_US, SAME_REGISTERS, Followed, changed_basis, clock_jumped, follow
from .quarantine import (
    JUMPS,
    begun_with,
    in_question,
    is_long_enough,
    let_go,
    longer_by,
    next_in_row,
    proves_nothing,
    released,
    with_serial_of,
)
from .read import Reading
from .returned import maybe_returned
from .undecided import either_way, of_absence, of_beginning, of_doubted, of_rollover, of_the_others, of_woken, of_zeros

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
    reading = _without(reading, _doubted(state, reading))
    if not limits.first_credible_us <= reading.instant_us < LAST_CREDIBLE_US:
        return state, Rejected(Reason.CLOCK_NOT_SET, state.last, reading)
    if not registers_of(reading.snapshot):
        return state, Rejected(Reason.NOT_AVAILABLE, state.last, reading)
    if state.last is None:
        return _confirm_first(state, reading, limits)
    if reading.instant_us <= state.last.instant_us:
        if is_behind(state.last, reading):
            return _hold(state, Reason.TIME_NOT_ADVANCED, reading, limits)
        return state, Rejected(Reason.TIME_NOT_ADVANCED, state.last, reading)
    if clock_jumped(state.last, reading):
        return _hold(state, Reason.CLOCK_JUMPED, reading, limits)
    changed = changed_basis(state.basis, limits.basis)
    if changed is not None:
        return _hold(state, changed, reading, limits)
    line = follow(state.last, state.memories, reading, limits, state.lost)
    if line.objection is None:
        return _accept(state, line), _accepted(state, line, reading, limits)
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


def _without(reading: Reading, directions: Collection[Direction]) -> Reading:
    snapshot = reading.snapshot
    if Direction.IMPORT in directions:
        snapshot = replace(snapshot, energy_import=None)
    if Direction.EXPORT in directions:
        snapshot = replace(snapshot, energy_export=None)
    return replace(reading, snapshot=snapshot)


def _accept(state: ValidatorState, line: Followed) -> ValidatorState:
    reading = line.reading
    reading = with_serial_of(reading, state.last)
    had = {} if state.last is None else dict.fromkeys(registers_of(state.last.snapshot), state.last)
    has = registers_of(reading.snapshot)
    lost = {direction: last for direction, last in {**state.lost, **had}.items() if direction not in has}
    doubted = {direction: milliwh for direction, milliwh in state.doubted.items() if direction not in has}
    return msgspec.structs.replace(released(state), last=reading, lost=lost, memories=line.memories, doubted=doubted)


def _accepted(state: ValidatorState, line: Followed, reading: Reading, limits: Limits) -> Accepted:
    """The decision to book a reading on the old line, and what it leaves open."""
    doubts, found, rule = either_way(state, line, reading, limits)
    notes, frozen = tuple(line.notes), frozenset(line.frozen)
    return Accepted(
        line.reading, notes, frozen, (*line.doubts, *doubts, *of_doubted(state, line, reading, limits)), found, rule
    )


def _confirm_first(state: ValidatorState, reading: Reading, limits: Limits) -> tuple[ValidatorState, Decision]:
    """The first reading of a meter needs a second that agrees; it is asked for at once."""
    reason, first = Reason.FIRST_READING, state.held_first
    if first is None or reading.instant_us <= first.instant_us:
        return begun_with(state, reason, reading, limits), Quarantined(reason, None, reading)
    line = next_in_row(state, reading, limits)
    if line is None:
        return begun_with(state, reason, reading, limits), Rejected(Reason.UNCONFIRMED, first, reading)
    found, rule = Class.FIRST_READING, Rule.SECOND_READING_AGREES
    decision = NewEpoch(reason, state.register_epoch + 1, None, first, line.reading, found, rule)
    return _begun(decision, line, limits, state), decision


def _begun(decision: NewEpoch, line: Followed, limits: Limits, before: ValidatorState) -> ValidatorState:
    """The state with which a register epoch begins."""
    opened = None
    if decision.previous is not None:
        opened = Opened(decision.previous, decision.first, before.memories, basis=before.basis)
    return ValidatorState(
        register_epoch=decision.register_epoch,
        last=decision.reading,
        memories=_settled(line.memories),
        basis=limits.basis,
        opened=opened,
    )


def _settled(memories: Mapping[Direction, RegisterMemory]) -> dict[Direction, RegisterMemory]:
    """What held registers hand on. That one is frozen was told to nobody yet: it is with the next reading."""
    found = dict(memories)
    for direction, memory in memories.items():
        if memory.still is not None and memory.still.frozen:
            still = msgspec.structs.replace(memory.still, frozen=False)
            found[direction] = msgspec.structs.replace(memory, still=still)
    return found


def _hold(state: ValidatorState, reason: Reason, reading: Reading, limits: Limits) -> tuple[ValidatorState, Decision]:
    """Quarantine a reading; enough of them that count on from each other, over enough time, are believed."""
    line = next_in_row(state, reading, limits)
    if line is None:
        return begun_with(state, reason, reading, limits), Quarantined(reason, state.last, reading)
    held = longer_by(state, line, reason, limits)
    if is_long_enough(held, limits):
        if not proves_nothing(held, limits):
            return _believe(held, line, reading, limits)
        without = _accept_without(held, reading, limits)
        if without is not None:
            return without
    return held, Quarantined(held.held_reason or reason, state.last, reading)


def _accept_without(state: ValidatorState, reading: Reading, limits: Limits) -> tuple[ValidatorState, Decision] | None:
    """Go on without the registers that stand still where they fell to, if there are others that count on."""
    asked, shown = in_question(state, limits), registers_of(reading.snapshot)
    rest = _without(reading, asked)
    if state.last is None or not asked or not registers_of(rest.snapshot):
        return None
    line = follow(state.last, state.memories, rest, limits, state.lost)
    if line.objection not in SAME_REGISTERS and state.held_first is not None:
        began = _without(state.held_first, asked)
        if _gives_at_once(state, began, limits) not in SAME_REGISTERS:
            return None
        line = follow(state.last, state.memories, rest, limits, state.lost, asleep=True)
    if line.objection not in SAME_REGISTERS:
        return None
    doubted = {**state.doubted, **{direction: shown[direction].milliwh for direction in asked if direction in shown}}
    decision = Accepted(
        line.reading,
        tuple(line.notes),
        frozenset(line.frozen),
        (*line.doubts, *of_the_others(state, line, limits), *of_doubted(state, line, rest, limits)),
        Class.STOOD_STILL,
        Rule.STANDS_WHERE_IT_FELL,
    )
    return msgspec.structs.replace(_accept(state, line), doubted=doubted), decision


def _believe(
    state: ValidatorState, confirming: Followed, reading: Reading, limits: Limits
) -> tuple[ValidatorState, Decision]:
    """What was held is so: registers that count on from the last accepted ones are booked, others begin anew."""
    if state.last is None or state.held_first is None or state.held_reason is None:
        raise ValueError("nothing is held")
    reason, held_reason = changed_basis(state.basis, limits.basis), state.held_reason
    held_jumps = (Reason.WENT_BACKWARDS, Reason.IMPOSSIBLE_JUMP)
    if reason is None:
        line = follow(state.last, state.memories, reading, limits, state.lost)
        asleep = _asleep(state, reading, limits) if held_reason in held_jumps else None
        if line.objection in held_jumps and asleep is not None:
            line = asleep
        if line.objection in SAME_REGISTERS:
            return _accept(state, line), _accepted(state, line, reading, limits)
        # That zero is within reach by now proves nothing: it had to be when the register fell.
        if line.objection is Reason.ROLLED_OVER and (held_reason not in held_jumps or asleep is not None):
            notes, frozen = tuple(line.notes), frozenset(line.frozen)
            widths, doubts = line.widths_milliwh, (*line.doubts, *of_rollover(state, line, limits))
            return _accept(state, line), Rollover(state.last, line.reading, reading, widths, notes, frozen, doubts)
        reason = line.objection or held_reason
        if reason is not Reason.METER_REPLACED and held_reason in held_jumps:
            reason = held_reason
    return _begin_anew(state, reason, confirming, reading, limits)


def _asleep(state: ValidatorState, reading: Reading, limits: Limits) -> Followed | None:
    """The line if the registers stood still and gave all at once, and the service can have carried that since."""
    if state.last is None or state.held_first is None:
        return None
    first = follow(state.last, state.memories, state.held_first, limits, state.lost, asleep=True)
    if first.objection not in (*SAME_REGISTERS, Reason.ROLLED_OVER):
        return None
    shown = registers_of(state.held_first.snapshot)
    if any(shown[direction].milliwh == 0 for direction in first.objections):
        return None  # a rollover that stood still until it shows 0 is rather a reset
    return follow(state.last, state.memories, reading, limits, state.lost, asleep=True)


def _gives_at_once(state: ValidatorState, first: Reading, limits: Limits) -> Reason | None:
    """What is against it that registers which had stood still gave all at once with `first`."""
    if state.last is None:
        return None
    return follow(state.last, state.memories, first, limits, state.lost, asleep=True).objection


def _begin_anew(
    state: ValidatorState, reason: Reason, confirming: Followed, reading: Reading, limits: Limits
) -> tuple[ValidatorState, Decision]:
    """A new register epoch, which begins where the row began to move; or the line before the last goes on."""
    first = state.held_first
    if state.held_reason in JUMPS and state.held_moved is not None:
        first = state.held_standing or first
    if state.last is None or first is None:
        raise ValueError("nothing is held")
    returned = _go_on_with_returned(state, reason, first, reading, limits)
    if returned is not None:
        return returned
    found, rule = found_in(reason, state.last, first, limits)
    last = with_serial_of(confirming.reading, state.held_latest)
    doubts = (
        *confirming.doubts,
        *of_beginning(state, first, limits),
        *of_absence(state, first, limits),
        *of_zeros(state, first, limits),
        *of_woken(state),
    )
    decision = NewEpoch(reason, state.register_epoch + 1, state.last, first, last, found, rule, doubts)
    return _begun(decision, confirming, limits, state), decision


def _go_on_with_returned(
    state: ValidatorState, reason: Reason, first: Reading, reading: Reading, limits: Limits
) -> tuple[ValidatorState, Decision] | None:
    """The line before the last, where the row that begins with `first` is that; else None."""
    back = maybe_returned(state, first, limits) if reason in JUMPS else None
    if back is None:
        return None
    line = follow(back.first, back.memories, reading, limits)
    if line.objection is not None:
        return None
    decision = NewEpoch(
        reason,
        state.register_epoch + 1,
        state.last,
        back.first,
        line.reading,
        Class.RETURNED,
        Rule.BACK_ON_THE_OLD_LINE,
        doubts=(*line.doubts, *back.doubts),
        returned_from=back.previous,
    )
    return _begun(decision, line, limits, state), decision
