"""The validate step: is this reading the same meter, counting on? Pure: (state, reading, limits) -> (state, decision).

Neither wrong rule of the field is used here: a fallen register is never taken as the new baseline at once
(one momentary zero would book the lifetime total), and never refused for ever (a swapped meter would stop
the account). It is quarantined, and becomes a new register epoch only when further readings count on from it.
A rejected reading costs no energy: the register is cumulative, and the next good one carries it all.
A wall clock that leaps ahead or is set back is held in the same way: one wrong time must not close the intervals of
years, nor repeat them.
The words it speaks are in `decision`; whether one reading counts on from another is in `follow`.
"""

from collections.abc import Mapping
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
from .follow import CLOCK_JUMP_US, ORDINARY, Followed, changed_basis, clock_jumped, follow
from .read import Reading

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

SAME_REGISTERS = (None, Reason.NOT_AVAILABLE)
"""Objections under which what is there counts on from the last accepted reading."""


def validate(state: ValidatorState, reading: Reading, limits: Limits) -> tuple[ValidatorState, Decision]:
    """Decide on one reading. The returned state belongs to the decision and is stored with it."""
    reading = replace(reading, snapshot=replace(reading.snapshot, others={}))
    state = _by_basis(state, limits.basis)
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
        return _accept(state, line), Accepted(line.reading, tuple(line.notes), frozenset(line.frozen))
    return _hold(state, line.objection, reading, limits)


def _by_basis(state: ValidatorState, basis: Basis | None) -> ValidatorState:
    """The state under the config that holds now: what was held by another one proves nothing."""
    if basis is None:
        return state
    if state.basis is None:
        state = msgspec.structs.replace(state, basis=basis)
    return state if state.held_first is None or state.held_basis == basis else _released(state)


def _released(state: ValidatorState) -> ValidatorState:
    """The state with an empty quarantine."""
    return msgspec.structs.replace(
        state, held_reason=None, held_first=None, held_latest=None, held_count=0, held_memories={}, held_basis=None
    )


def _accept(state: ValidatorState, line: Followed) -> ValidatorState:
    reading = line.reading
    if reading.serial is None and state.last is not None:
        # The identity block could not be read this time: who it was is still known.
        reading = replace(reading, serial=state.last.serial)
    had = {} if state.last is None else dict.fromkeys(registers_of(state.last.snapshot), state.last)
    has = registers_of(reading.snapshot)
    lost = {direction: last for direction, last in {**state.lost, **had}.items() if direction not in has}
    return msgspec.structs.replace(_released(state), last=reading, lost=lost, memories=line.memories)


def _watched_us(first: Reading, reading: Reading) -> int:
    """How long a row of held readings has lasted; no wall clock can shorten it within one boot."""
    if first.boot_id == reading.boot_id:
        return reading.monotonic_us - first.monotonic_us
    return reading.latest_us - first.latest_us


def _next_held(state: ValidatorState, reading: Reading, limits: Limits) -> Followed | None:
    """The reading behind the newest held one, if it is by the same clock and of the same registers; else None."""
    latest = state.held_latest
    if latest is None or reading.instant_us <= latest.instant_us or clock_jumped(latest, reading):
        return None
    line = follow(latest, state.held_memories, reading, limits)
    return line if line.objection is None and _same_directions(latest, reading) else None


def _confirm_first(state: ValidatorState, reading: Reading, limits: Limits) -> tuple[ValidatorState, Decision]:
    """The first reading of a meter needs a second that agrees; it is asked for at once."""
    first = state.held_first
    if first is None or reading.instant_us <= first.instant_us:
        return _held(state, Reason.FIRST_READING, reading, limits), Quarantined(Reason.FIRST_READING, None, reading)
    line = _next_held(state, reading, limits)
    if line is None:
        return _held(state, Reason.FIRST_READING, reading, limits), Rejected(Reason.UNCONFIRMED, first, reading)
    decision = NewEpoch(
        Reason.FIRST_READING,
        state.register_epoch + 1,
        None,
        first,
        line.reading,
        Class.FIRST_READING,
        Rule.SECOND_READING_AGREES,
    )
    return _begun(decision, line, limits, state), decision


def _begun(decision: NewEpoch, line: Followed, limits: Limits, before: ValidatorState) -> ValidatorState:
    """The state with which a register epoch begins."""
    opened = None
    if decision.previous is not None:
        opened = Opened(decision.previous, decision.first, before.memories, basis=before.basis)
    return ValidatorState(
        register_epoch=decision.register_epoch,
        last=line.reading,
        memories=_settled(line.memories),
        basis=limits.basis,
        opened=opened,
    )


def _settled(memories: Mapping[Direction, RegisterMemory]) -> dict[Direction, RegisterMemory]:
    """What held registers hand on: whether they stood still was told to nobody, and is watched anew."""
    moved = {direction: msgspec.structs.replace(memory, still=None) for direction, memory in memories.items()}
    return {direction: memory for direction, memory in moved.items() if memory != ORDINARY}


def _hold(state: ValidatorState, reason: Reason, reading: Reading, limits: Limits) -> tuple[ValidatorState, Decision]:
    """Quarantine a reading; enough of them that count on from each other, over enough time, are believed."""
    first, line = state.held_first, _next_held(state, reading, limits)
    if first is None or line is None:
        return _held(state, reason, reading, limits), Quarantined(reason, state.last, reading)
    held = msgspec.structs.replace(
        state,
        held_reason=state.held_reason or reason,
        held_latest=line.reading,
        held_count=state.held_count + 1,
        held_memories=line.memories,
    )
    if held.held_count >= limits.confirm_readings and _watched_us(first, reading) >= limits.confirm_span_us:
        return _believe(held, line, reading, limits)
    return held, Quarantined(held.held_reason or reason, state.last, reading)


def _believe(
    state: ValidatorState, confirming: Followed, reading: Reading, limits: Limits
) -> tuple[ValidatorState, Decision]:
    """What was held is so: registers that count on from the last accepted ones are booked, others begin anew."""
    if state.last is None or state.held_first is None or state.held_reason is None:
        raise ValueError("nothing is held")
    reason, held_reason = changed_basis(state.basis, limits.basis), state.held_reason
    if reason is None:
        line = follow(state.last, state.memories, reading, limits, state.lost)
        if line.objection in SAME_REGISTERS:
            return _accept(state, line), Accepted(line.reading, tuple(line.notes), frozenset(line.frozen))
        # That zero is within reach by now proves nothing: it had to be when the register fell.
        if line.objection is Reason.ROLLED_OVER and held_reason not in (Reason.WENT_BACKWARDS, Reason.IMPOSSIBLE_JUMP):
            notes, frozen = tuple(line.notes), frozenset(line.frozen)
            rolled = Rollover(state.last, line.reading, reading, line.widths_milliwh, notes, frozen)
            return _accept(state, line), rolled
        reason = line.objection or held_reason
        if reason is not Reason.METER_REPLACED and held_reason in (Reason.WENT_BACKWARDS, Reason.IMPOSSIBLE_JUMP):
            reason = held_reason
    found, rule = found_in(reason, state.last, state.held_first, limits)
    epoch = state.register_epoch + 1
    decision = NewEpoch(reason, epoch, state.last, state.held_first, confirming.reading, found, rule)
    return _begun(decision, confirming, limits, state), decision


def _held(state: ValidatorState, reason: Reason, reading: Reading, limits: Limits) -> ValidatorState:
    """The state with this reading as the first in quarantine."""
    held = msgspec.structs.replace(_released(state), held_reason=reason, held_count=1, held_basis=limits.basis)
    return msgspec.structs.replace(held, held_first=reading, held_latest=reading)


def _same_directions(one: Reading, other: Reading) -> bool:
    directions: set[Direction] = set(registers_of(one.snapshot))
    return directions == set(registers_of(other.snapshot))
