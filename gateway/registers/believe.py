"""What becomes of readings that are believed: booked on the old line, or a new register epoch, and what is left open.

A row of held readings that is long enough was so. Registers that count on from the last accepted ones are booked, in
their epoch; others begin anew, where the row began to move; or the line before the last goes on. Which reading is held
and when a row is long enough is not decided here. Pure.
"""

from collections.abc import Collection, Iterator, Mapping

import msgspec

from ..decision import (
    Class,
    Decision,
    Doubt,
    Limits,
    NewEpoch,
    Opened,
    Reason,
    RegisterMemory,
    Rollover,
    Rule,
    ValidatorState,
)
from ..energy import Direction, registers_of
from ..reading.read import Reading
from .accept import accept, go_on, of_let_go
from .classify import found_in
from .follow import SAME_REGISTERS, Followed, follow
from .frozen import ORDINARY
from .passed import changed_basis
from .quarantine import with_serial_of
from .returned import maybe_returned
from .row import CLOCKS, JUMPS, MAY_JUMP, of_frozen_in_row
from .standing import of_standing, untold
from .stepped_back import told_first, told_with_row
from .undecided import (
    of_absence,
    of_doubted,
    of_rollover,
    of_woken,
    wider,
)
from .zeros import of_beginning, of_zeros


def begun(decision: NewEpoch, line: Followed, limits: Limits, before: ValidatorState) -> ValidatorState:
    """The state with which a register epoch begins."""
    opened = None
    if decision.previous is not None:
        opened = Opened(decision.previous, decision.first, before.memories, basis=before.basis)
    return ValidatorState(
        register_epoch=decision.register_epoch,
        last=decision.reading,
        memories=_settled(line.memories, {one.direction for one in decision.doubts if one.once}),
        basis=limits.basis,
        opened=opened,
    )


def _settled(
    memories: Mapping[Direction, RegisterMemory], told: Collection[Direction]
) -> dict[Direction, RegisterMemory]:
    """What held registers hand on. What is open of them was told to nobody yet, but of those `told` as reset with the
    epoch: it is with the next reading."""
    found: dict[Direction, RegisterMemory] = {}
    for direction, memory in memories.items():
        still = memory.still
        if still is not None and still.frozen:
            still = msgspec.structs.replace(still, frozen=False)
        settled = msgspec.structs.replace(memory, still=still, reset_told=memory.reset_told and direction in told)
        if settled != ORDINARY:
            found[direction] = settled
    return found


def believe(
    state: ValidatorState, confirming: Followed, reading: Reading, limits: Limits
) -> tuple[ValidatorState, Decision]:
    """What was held is so: registers that count on from the last accepted ones are booked, others begin anew."""
    if state.last is None or state.held_first is None or state.held_reason is None:
        raise ValueError("nothing is held")
    reason, held_reason = changed_basis(state.basis, limits.basis), state.held_reason
    held_jumps = (Reason.WENT_BACKWARDS, Reason.IMPOSSIBLE_JUMP)
    if reason is None:
        line = follow(state.last, state.memories, reading, limits, state.lost)
        asleep = _asleep(state, reading, limits) if held_reason in (*held_jumps, *CLOCKS) else None
        if line.objection in held_jumps and asleep is not None:
            line = asleep
        if line.objection in SAME_REGISTERS:
            return go_on(state, line, reading, limits)
        # That zero is within reach by now proves nothing: it had to be when the register fell.
        if line.objection is Reason.ROLLED_OVER and (held_reason not in held_jumps or asleep is not None):
            notes, frozen = tuple(line.notes), frozenset(line.frozen)
            widths, doubts = (
                line.widths_milliwh,
                (
                    *line.doubts,
                    *_of_rolled_over(state, line, reading, limits),
                    *of_let_go(state, line, reading, limits),
                ),
            )
            return accept(state, line), Rollover(state.last, line.reading, reading, widths, notes, frozen, doubts)
        reason = line.objection or held_reason
        if reason is not Reason.METER_REPLACED and held_reason in held_jumps:
            reason = held_reason
    return _begin_anew(state, reason, confirming, reading, limits)


def _of_rolled_over(state: ValidatorState, line: Followed, reading: Reading, limits: Limits) -> list[Doubt]:
    """Of registers through their width, one of which can have been lost before: the most that either rule tells. If it
    was a reset, the meter may have been dead before."""
    undecided = of_rollover(state, line, limits)
    found = {one.direction: one for one in undecided}
    for one in of_doubted(state, line, reading, limits):
        other = found.get(one.direction)
        found[one.direction] = one if other is None else wider(one, other)
    if state.last is None or not undecided:
        return list(found.values())
    return [*found.values(), *of_standing(state.last, state.memories, untold(state), limits)]


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


def _begin_anew(
    state: ValidatorState, reason: Reason, confirming: Followed, reading: Reading, limits: Limits
) -> tuple[ValidatorState, Decision]:
    """A new register epoch, which begins where the row began to move; or the line before the last goes on."""
    first = state.held_first
    if state.held_reason in MAY_JUMP and state.held_moved is not None:
        first = state.held_standing or first
    if state.last is None or first is None:
        raise ValueError("nothing is held")
    returned = _go_on_with_returned(state, reason, first, reading, limits)
    if returned is not None:
        return returned
    found, rule = found_in(reason, state.last, first, limits)
    last = with_serial_of(confirming.reading, state.held_latest)
    doubts = (
        *told_with_row(state.held_reset, confirming.doubts),
        *of_beginning(state, first, limits),
        *of_frozen_in_row(state, first, reading, limits),
        *_of_the_old(state, state.last, first, limits),
    )
    epoch, seen = state.register_epoch + 1, state.held_ends.get(first.boot_id)
    decision = NewEpoch(reason, epoch, state.last, first, last, found, rule, doubts, seen=seen)
    return begun(decision, confirming, limits, state), decision


def _of_the_old(state: ValidatorState, last: Reading, first: Reading, limits: Limits) -> Iterator[Doubt]:
    """What flowed before `last` and may be in none of its registers: told once of each that stood, by what tells most.

    What it was seen to have kept back is all of that.
    """
    woken = of_woken(state)
    kept_back = {direction for direction, milliwh in state.held_woken.items() if milliwh}
    stood = list(of_standing(last, state.memories, untold(state), limits))
    nested = {one.direction: one for one in stood if one.direction not in state.lost}
    yield from (*woken, *(one for one in stood if one.direction in state.lost.keys() - kept_back))
    for one in (*of_absence(state, first, limits), *of_zeros(state, first, limits)):
        other = nested.pop(one.direction, None)
        yield one if other is None else wider(one, other)
    yield from (one for direction, one in nested.items() if direction not in kept_back)


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
        doubts=(*told_first(line.doubts), *back.doubts),
        returned_from=back.previous,
        seen=state.held_ends.get(first.boot_id),
    )
    return begun(decision, line, limits, state), decision
