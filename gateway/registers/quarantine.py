"""The readings that are held: a row that counts on from itself, until it is long enough to be believed, or is gone.

A register that fell, or jumped, and stands still there proves nothing: a meter that shows 0 shows it whatever flows.
So such a row is not believed before it has moved. What is remembered of it is in the `held_` fields of the state. Pure.
"""

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from drivers import EnergyRegister

from ..clock_steps import step_back_us
from ..decision import Limits, Reason, RegisterMemory, ValidatorState
from ..energy import Direction, registers_of
from ..reading.read import Reading
from ..uncertainty import most_energy_milliwh
from .follow import SAME_REGISTERS, Followed, clock_jumped, elapsed_us, follow
from .placed import bare, moved, moved_memories
from .returned import maybe_returned

JUMPS = (Reason.WENT_BACKWARDS, Reason.IMPOSSIBLE_JUMP, Reason.ROLLED_OVER)
"""Reasons for which a register itself is in question."""
CLOCKS = (Reason.TIME_NOT_ADVANCED, Reason.CLOCK_JUMPED)
MAY_JUMP = (*JUMPS, *CLOCKS)
"""Reasons of a row whose registers may be in question: one that is held for its clock is not asked for them first."""
Woken = dict[Direction, tuple[int, int]]
"""What registers had kept back at the last accepted reading, and what of their growth can have flowed since."""
OTHERS = (Reason.METER_REPLACED, Reason.PROFILE_CHANGED, Reason.RATIO_CHANGED)
"""Reasons for which registers are others, whatever they show."""


def released(state: ValidatorState) -> ValidatorState:
    """The state with an empty quarantine."""
    if state.held_first is None and not state.held_woken and not state.held_fallen:
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
        held_moved=None,
        held_ends={},
        held_again=False,
        held_woken={},
        held_flowed={},
        held_fallen={},
    )


def let_go(state: ValidatorState, limits: Limits) -> ValidatorState:
    """The state with an empty quarantine, though nothing is booked yet: what the row has shown is remembered."""
    row = _woken(state, limits)
    free = msgspec.structs.replace(released(state), held_fallen=state.held_fallen)
    return _remembering(free, state.held_woken, state.held_flowed, row)


def _remembering(
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
    woken, was_held = _woken_in_row(state, reading, limits), state.held_first is not None
    fallen = {**state.held_fallen, **fallen_milliwh(state, reading, limits)}
    state = let_go(state, limits)
    state = _remembering(state, state.held_woken, state.held_flowed, woken)
    return msgspec.structs.replace(
        state,
        held_fallen=fallen,
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


def _woken(state: ValidatorState, limits: Limits) -> Woken:
    """Of a row that is let go: what the registers had kept back at the last accepted reading, if they had stood still
    then and the row was them, awake again. What grew more than can have flowed in between; and all of one beside it
    that had stood as well."""
    last, first = state.last, state.held_first
    if last is None or first is None or state.held_reason not in MAY_JUMP:
        return {}
    if state.held_reason in CLOCKS and follow(last, state.memories, first, limits, state.lost).objection is None:
        return {}
    line = follow(last, state.memories, first, limits, state.lost, asleep=True)
    if line.objection not in (*SAME_REGISTERS, Reason.ROLLED_OVER):
        return {}
    now = registers_of(line.reading.snapshot)
    flowed_milliwh = most_energy_milliwh(limits.limit_milliw, _between_us(last, first))
    found = _kept_back(state, _grown(registers_of(last.snapshot), now), flowed_milliwh)
    for direction, lost in state.lost.items():
        flowed_milliwh = most_energy_milliwh(limits.limit_milliw, _between_us(lost, first))
        kept_milliwh = _grown(registers_of(lost.snapshot), now).get(direction, 0) - flowed_milliwh
        if kept_milliwh > 0:
            found[direction] = kept_milliwh, flowed_milliwh
    return found


def _between_us(last: Reading, first: Reading) -> int:
    """The least time from one answer to the next question; in one boot whatever the wall clock did meanwhile."""
    if last.boot_id != first.boot_id:
        return first.earliest_us - last.latest_us
    return first.monotonic_us - last.monotonic_us - (first.latest_us - first.earliest_us)


def _woken_in_row(state: ValidatorState, reading: Reading, limits: Limits) -> Woken:
    """The same of a row that is held for its clock, and still stood where the last accepted reading did: `reading`,
    which begins another, gives more than can have flowed since the newest of it."""
    last, latest = state.last, state.held_latest
    if last is None or latest is None or state.held_reason not in CLOCKS or latest.boot_id != reading.boot_id:
        return {}
    had, stood = registers_of(last.snapshot), registers_of(latest.snapshot)
    before = {one: register for one, register in stood.items() if one in had and had[one].milliwh == register.milliwh}
    line = follow(last, state.memories, reading, limits, state.lost, asleep=True)
    jumped = follow(latest, state.held_memories, reading, limits).objection is Reason.IMPOSSIBLE_JUMP
    if line.objection not in SAME_REGISTERS or not jumped:
        return {}
    passed_us = reading.monotonic_us - latest.monotonic_us + latest.latest_us - latest.earliest_us
    flowed_milliwh = most_energy_milliwh(limits.limit_milliw, passed_us)
    return _kept_back(state, _grown(before, registers_of(reading.snapshot)), flowed_milliwh)


def _grown(before: Mapping[Direction, EnergyRegister], now: Mapping[Direction, EnergyRegister]) -> dict[Direction, int]:
    """The most that each register can have counted."""
    return {
        one: register.milliwh + register.resolution_milliwh - before[one].milliwh
        for one, register in now.items()
        if one in before
    }


def _kept_back(state: ValidatorState, grown: Mapping[Direction, int], flowed_milliwh: int) -> Woken:
    found = {
        direction: (milliwh - flowed_milliwh, flowed_milliwh)
        for direction, milliwh in grown.items()
        if milliwh > flowed_milliwh
    }
    for direction, memory in state.memories.items() if found else ():
        if memory.stood_since_us and direction in grown:
            found.setdefault(direction, (grown[direction], 0))
    return found


def fallen_milliwh(state: ValidatorState, reading: Reading, limits: Limits) -> dict[Direction, int]:
    """Of a row that is held for its clock and had counted on from the last accepted reading, where `reading` shows less
    again: what is in no register, if they were reset behind it. None believed the row, but it may have been true."""
    last, latest = state.last, state.held_latest
    if last is None or latest is None or state.held_reason not in CLOCKS or state.held_basis != limits.basis:
        return {}
    had, held, now = registers_of(last.snapshot), registers_of(latest.snapshot), registers_of(reading.snapshot)
    known = [one for one in now if one in held and one in had]
    fell = any(
        held[one].milliwh - now[one].milliwh > held[one].resolution_milliwh + now[one].resolution_milliwh
        for one in known
    )
    either = (latest, reading) if fell else ()
    lines = [follow(last, state.memories, one, limits, state.lost) for one in either]
    if not fell or any(line.objection not in SAME_REGISTERS for line in lines):
        return {}
    behind_milliwh = most_energy_milliwh(limits.limit_milliw, elapsed_us(latest, reading))
    digits_milliwh = {one: held[one].resolution_milliwh + now[one].resolution_milliwh for one in known}
    found = {one: held[one].milliwh - now[one].milliwh + behind_milliwh + digits_milliwh[one] for one in known}
    return {direction: milliwh for direction, milliwh in found.items() if milliwh > 0}


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
    objections, registers = _objections(state, limits), registers_of(state.held_first.snapshot)
    if state.held_reason in OTHERS:
        return not any(register.milliwh for register in registers.values())
    if state.held_reason in MAY_JUMP and maybe_returned(state, state.held_first, limits) is not None:
        return False  # what the line before the last counted is known
    if set(objections.values()) == {Reason.ROLLED_OVER} or state.held_reason is Reason.ROLLED_OVER:
        return any(registers[direction].milliwh == 0 for direction in objections)
    return bool(objections)


def in_question(state: ValidatorState, limits: Limits) -> frozenset[Direction]:
    """The registers of the row that cannot be those before, counted on; none where only clock or config is in doubt."""
    return frozenset(_objections(state, limits))


def _objections(state: ValidatorState, limits: Limits) -> dict[Direction, Reason]:
    if state.last is None or state.held_first is None or state.held_basis not in (None, state.basis):
        return {}
    return follow(state.last, state.memories, state.held_first, limits, state.lost, asleep=True).objections


def with_serial_of(reading: Reading, before: Reading | None) -> Reading:
    """The identity block could not be read this time: who it was is still known."""
    if reading.serial is not None or before is None or before.serial is None:
        return reading
    return replace(reading, serial=before.serial)


def _has_moved(state: ValidatorState, first: Reading, reading: Reading, limits: Limits) -> bool:
    before, now = registers_of(first.snapshot), registers_of(reading.snapshot)
    asked = in_question(state, limits) or before.keys()
    return any(now[direction].milliwh != before[direction].milliwh for direction in asked if direction in before)


def _watched_us(first: Reading, reading: Reading) -> int:
    """How long a row of held readings has lasted; no wall clock can shorten it within one boot."""
    if first.boot_id == reading.boot_id:
        return reading.monotonic_us - first.monotonic_us
    return reading.latest_us - first.latest_us
