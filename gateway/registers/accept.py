"""Readings that are booked on the old line: all their registers, or without those that stand where they fell to.

What each leaves open is told with it. Whether a reading is believed is not decided here. Pure.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

import msgspec

from drivers import EnergyRegister

from ..decision import (
    Accepted,
    Class,
    Decision,
    Doubt,
    Limits,
    Reason,
    Rule,
    ValidatorState,
)
from ..energy import Direction, registers_of
from ..reading.read import Reading
from .follow import SAME_REGISTERS, Followed, follow
from .gone import lost_as_gone, of_fell, of_gone
from .leapt import of_seen_leap
from .placed import placed_before
from .quarantine import released, remembering, with_serial_of
from .row import in_question, woken_in_row
from .standing import of_standing, of_unseen_begin, of_unseen_reset
from .undecided import (
    either_way,
    of_doubted,
    of_fallen,
    of_kept_back,
    of_the_others,
)
from .zeros import of_frozen, of_zeros


def accept(state: ValidatorState, line: Followed) -> ValidatorState:
    """The state after a reading is booked on the old line."""
    reading = line.reading
    reading = with_serial_of(reading, state.last)
    last = None if state.last is None else placed_before(state.last, line.reading)
    had = {} if last is None else dict.fromkeys(registers_of(last.snapshot), last)
    has = registers_of(reading.snapshot)
    lost = {direction: last for direction, last in {**state.lost, **had}.items() if direction not in has}
    doubted = {direction: milliwh for direction, milliwh in state.doubted.items() if direction not in has}
    doubted |= lost_as_gone(state, has)
    woken = {direction: milliwh for direction, milliwh in state.held_woken.items() if direction in lost}
    flowed = {direction: milliwh for direction, milliwh in state.held_flowed.items() if direction in lost}
    state = msgspec.structs.replace(released(state), seen=None, seen_steps=[], held_woken=woken, held_flowed=flowed)
    return msgspec.structs.replace(state, last=reading, lost=lost, memories=line.memories, doubted=doubted)


def accepted(state: ValidatorState, line: Followed, reading: Reading, limits: Limits) -> Accepted:
    """The decision to book a reading on the old line, and what it leaves open."""
    doubts, found, rule = either_way(state, line, reading, limits)
    notes, frozen = tuple(line.notes), frozenset(line.frozen)
    let_go = of_let_go(state, line, reading, limits)
    woken = {one.direction for one in let_go if one.earlier_milliwh}
    doubts = (
        *line.doubts,
        *doubts,
        *of_frozen(state, line, limits),
        *of_unseen_reset(state, line, reading, limits),
        *of_unseen_begin(state, line, limits),
        *(one for one in of_seen_leap(state, line, limits) if one.direction not in woken),
        *of_gone(state, line, limits),
        *of_doubted(state, line, reading, limits),
        *let_go,
    )
    return Accepted(line.reading, notes, frozen, doubts, found, rule)


def go_on(state: ValidatorState, line: Followed, reading: Reading, limits: Limits) -> tuple[ValidatorState, Accepted]:
    """Book a reading on the old line. Where a register turns out to have stood, one that is lost may have stood too."""
    after, decision = accept(state, line), accepted(state, line, reading, limits)
    if decision.found is not Class.STOOD_STILL:
        return after, decision
    return _with_lost_asleep(after), decision


def _with_lost_asleep(state: ValidatorState) -> ValidatorState:
    """The state that remembers of lost registers that they may have stood, as one beside them had."""
    stood = {one: 0 for one in state.lost if one in state.memories and state.memories[one].stood_since_us}
    return msgspec.structs.replace(state, held_woken={**stood, **state.held_woken})


def of_let_go(state: ValidatorState, line: Followed, shown: Reading, limits: Limits) -> tuple[Doubt, ...]:
    """What rows that were let go before leave open of registers that are booked on the old line."""
    woken = remembering(state, state.held_woken, state.held_flowed, woken_in_row(state, shown, limits))
    fallen = of_fallen(state, line, shown, limits)
    return *of_kept_back(woken, line, shown, limits), *fallen, *of_fell(state, line, limits)


def without(reading: Reading, directions: Collection[Direction]) -> Reading:
    """A reading as if the meter had not told these directions."""
    snapshot = reading.snapshot
    if Direction.IMPORT in directions:
        snapshot = replace(snapshot, energy_import=None)
    if Direction.EXPORT in directions:
        snapshot = replace(snapshot, energy_export=None)
    return replace(reading, snapshot=snapshot)


def accept_without(state: ValidatorState, reading: Reading, limits: Limits) -> tuple[ValidatorState, Decision] | None:
    """Go on without the registers that stand still where they fell to, if there are others that count on."""
    asked, shown = in_question(state, limits), registers_of(reading.snapshot)
    rest = without(reading, asked)
    if state.last is None or not asked or not _have_others(state, registers_of(rest.snapshot)):
        return None
    line = follow(state.last, state.memories, rest, limits, state.lost)
    gave_at_once = line.objection not in SAME_REGISTERS
    if gave_at_once and state.held_first is not None:
        began = without(state.held_first, asked)
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
        (
            *line.doubts,
            *of_the_others(state, line, limits),
            *of_standing(state.last, state.memories, {}, limits),
            *of_doubted(state, line, rest, limits),
            *of_zeros(state, reading, limits),
            *of_let_go(state, line, rest, limits),
        ),
        Class.STOOD_STILL,
        Rule.STANDS_WHERE_IT_FELL,
    )
    after = msgspec.structs.replace(accept(state, line), doubted=doubted)
    return _with_lost_asleep(after) if gave_at_once else after, decision


def _have_others(state: ValidatorState, rest: Mapping[Direction, EnergyRegister]) -> bool:
    """Whether one of the others has a count. A 0 of one that was never read counts on from nothing, and may be the same
    fault of the display that the fallen one is."""
    had = registers_of(state.last.snapshot).keys() | state.lost.keys() if state.last is not None else set()
    return any(direction in had or register.milliwh for direction, register in rest.items())


def _gives_at_once(state: ValidatorState, first: Reading, limits: Limits) -> Reason | None:
    """What is against it that registers which had stood still gave all at once with `first`."""
    if state.last is None:
        return None
    return follow(state.last, state.memories, first, limits, state.lost, asleep=True).objection
