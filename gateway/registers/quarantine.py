"""The readings that are held: a row that counts on from itself, until it is long enough to be believed, or is gone.

A register that fell, or jumped, and stands still there proves nothing: a meter that shows 0 shows it whatever flows.
So such a row is not believed before it has moved. What is remembered of it is in the `held_` fields of the state. Pure.
"""

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from ..clock_steps import step_back_us
from ..decision import Limits, Reason, RegisterMemory, ValidatorState
from ..energy import Direction, registers_of
from ..reading.read import Reading
from .follow import Followed, follow
from .gone import fell_before, gone_with
from .passed import clock_jumped
from .placed import bare, moved, moved_memories
from .returned import maybe_returned
from .row import (
    MAY_JUMP,
    Woken,
    beside_gone_milliwh,
    fallen_milliwh,
    frozen_milliwh,
    in_question,
    objections_to_row,
    woken_by_row,
    woken_in_row,
)
from .stepped_back import reset_milliwh

OTHERS = (Reason.METER_REPLACED, Reason.PROFILE_CHANGED, Reason.RATIO_CHANGED)
"""Reasons for which registers are others, whatever they show."""


def released(state: ValidatorState) -> ValidatorState:
    """The state with an empty quarantine."""
    if state.held_first is None and not (state.held_woken or state.held_fallen or state.held_gone or state.held_fell):
        return state
    return msgspec.structs.replace(
        state,
        held_reason=None,
        held_first=None,
        held_latest=None,
        held_count=0,
        held_memories={},
        held_basis=None,
        held_standing=None,
        held_frozen={},
        held_reset={},
        held_moved=None,
        held_ends={},
        held_again=False,
        held_woken={},
        held_flowed={},
        held_fallen={},
        held_gone={},
        held_fell={},
    )


def let_go(state: ValidatorState, limits: Limits) -> ValidatorState:
    """The state with an empty quarantine, though nothing is booked yet: what the row has shown is remembered."""
    row = woken_by_row(state, limits)
    free = msgspec.structs.replace(
        released(state), held_fallen=state.held_fallen, held_gone=state.held_gone, held_fell=state.held_fell
    )
    return remembering(free, state.held_woken, state.held_flowed, row)


def remembering(
    state: ValidatorState, woken: Mapping[Direction, int], flowed: Mapping[Direction, int], row: Woken
) -> ValidatorState:
    """The state that remembers what rows before had shown, and then `row`."""
    if not woken and not row:
        return state
    kept = {direction: milliwh for direction, (milliwh, _) in row.items()}
    since = {direction: milliwh for direction, (_, milliwh) in row.items()}
    return msgspec.structs.replace(state, held_woken={**woken, **kept}, held_flowed={**flowed, **since})


def begun_with(state: ValidatorState, reason: Reason, reading: Reading, limits: Limits) -> ValidatorState:
    """The state with this reading as the first in quarantine."""
    memories = _carried(state, reading, limits)
    woken, was_held = woken_in_row(state, reading, limits), state.held_first is not None
    fallen = {**beside_gone_milliwh(state, reading, limits), **state.held_fallen}
    fallen |= fallen_milliwh(state, reading, limits)
    gone, fell = gone_with(state, reading, limits), {**state.held_fell, **fell_before(state, reading, limits)}
    state = let_go(state, limits)
    state = remembering(state, state.held_woken, state.held_flowed, woken)
    return msgspec.structs.replace(
        state,
        held_fallen=fallen,
        held_gone=gone,
        held_fell=fell,
        held_memories=memories,
        held_reason=reason,
        held_count=1,
        held_basis=limits.basis,
        held_first=reading,
        held_latest=reading,
        held_standing=reading,
        held_again=was_held,
    )


def _carried(state: ValidatorState, reading: Reading, limits: Limits) -> dict[Direction, RegisterMemory]:
    """What is remembered of the row before, if only the clock was set since, and `reading` counts on from it: since
    when a register stands."""
    latest = state.held_latest
    if latest is None or latest.boot_id != reading.boot_id or state.held_basis != limits.basis:
        return {}
    step_us = step_back_us(latest, reading)
    line = follow(moved(latest, step_us), moved_memories(state.held_memories, step_us), reading, limits)
    same_directions = registers_of(latest.snapshot).keys() == registers_of(reading.snapshot).keys()
    return line.memories if line.objection is None and same_directions else {}


def next_in_row(state: ValidatorState, reading: Reading, limits: Limits) -> Followed | None:
    """The reading behind the newest held one, if it is by the same clock and of the same registers; else None."""
    latest = state.held_latest
    if latest is None or reading.instant_us <= latest.instant_us or clock_jumped(latest, reading):
        return None
    line = follow(latest, state.held_memories, reading, limits)
    same_directions = registers_of(latest.snapshot).keys() == registers_of(reading.snapshot).keys()
    return line if line.objection is None and same_directions else None


def longer_by(state: ValidatorState, line: Followed, reason: Reason, limits: Limits) -> ValidatorState:
    """The state with one reading more in the row."""
    first, reading = state.held_first, with_serial_of(line.reading, state.held_latest)
    standing, moved = state.held_standing, state.held_moved
    if first is not None and moved is None:
        if _has_moved(state, first, reading, limits):
            moved = reading
        else:
            standing = reading
    return msgspec.structs.replace(
        state,
        held_reason=state.held_reason or reason,
        held_latest=reading,
        held_count=state.held_count + 1,
        held_memories=line.memories,
        held_frozen=frozen_milliwh(state, line, limits),
        held_reset=reset_milliwh(state.held_reset, line.doubts),
        held_standing=standing,
        held_moved=moved,
        held_ends=_ends(state, standing, reading),
    )


def _ends(state: ValidatorState, standing: Reading | None, reading: Reading) -> dict[str, Reading]:
    """How the boots ended with which an epoch may begin, now that `reading` is the newest of the row."""
    latest, ends = state.held_latest, state.held_ends
    if latest is None or latest.boot_id == reading.boot_id:
        return ends
    may_begin = {one.boot_id for one in (state.held_first, standing) if one is not None}
    refused = ends.get(latest.boot_id, latest)
    newest = max(latest, refused, key=lambda one: one.monotonic_us)
    ends = {**ends, latest.boot_id: bare(newest)}
    return {boot: one for boot, one in ends.items() if boot in may_begin}


def is_long_enough(state: ValidatorState, limits: Limits) -> bool:
    """Whether a row has enough readings over enough time."""
    first, latest = state.held_first, state.held_latest
    if first is None or latest is None or state.held_count < limits.confirm_readings:
        return False
    return _watched_us(first, latest) >= limits.confirm_span_us


def proves_nothing(state: ValidatorState, limits: Limits) -> bool:
    """Whether the row stands still where it fell or jumped to."""
    if state.held_moved is not None or state.held_first is None:
        return False
    objections, registers = objections_to_row(state, limits), registers_of(state.held_first.snapshot)
    if state.held_reason in MAY_JUMP and maybe_returned(state, state.held_first, limits) is not None:
        return False  # what the line before the last counted is known
    if _are_others(state):
        return not any(register.milliwh for register in registers.values())
    if set(objections.values()) == {Reason.ROLLED_OVER} or state.held_reason is Reason.ROLLED_OVER:
        return any(registers[direction].milliwh == 0 for direction in objections)
    return bool(objections)


def with_serial_of(reading: Reading, before: Reading | None) -> Reading:
    """The identity block could not be read this time: who it was is still known."""
    if reading.serial is not None or before is None or before.serial is None:
        return reading
    return replace(reading, serial=before.serial)


def _has_moved(state: ValidatorState, first: Reading, reading: Reading, limits: Limits) -> bool:
    before, now = registers_of(first.snapshot), registers_of(reading.snapshot)
    # Registers of another number are others: one that counts shows that the display is alive.
    asked = before.keys() if _are_others(state) else in_question(state, limits) or before.keys()
    return any(now[direction].milliwh != before[direction].milliwh for direction in asked if direction in before)


def _are_others(state: ValidatorState) -> bool:
    """Whether the registers of the row are others, whatever they show: by why it is held, or by their number, where it
    is held for its clock, or was before the number could be read."""
    if state.held_reason in OTHERS:
        return True
    had = None if state.last is None else state.last.serial
    shown = None if state.held_latest is None else state.held_latest.serial
    return had is not None and shown is not None and had != shown


def _watched_us(first: Reading, reading: Reading) -> int:
    """How long a row of held readings has lasted; no wall clock can shorten it within one boot."""
    if first.boot_id == reading.boot_id:
        return reading.monotonic_us - first.monotonic_us
    return reading.latest_us - first.latest_us
