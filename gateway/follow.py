"""Whether a reading is of the same registers counting on from the one before it, and how it is then booked.

A booked register never falls and never rolls over: a step back within a last digit is held at the old value, with the
truth inside its bounds; a rollover of the declared width is unrolled. Everything is bounded by what the service can
carry. Nothing here decides to begin anew: it objects, and `validate` decides. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec

from drivers import EnergyRegister

from .clock import DRIFT_PPM
from .clock_steps import UNKNOWN_US, is_behind
from .decision import Basis, Limits, Note, NoteKind, Reason, RegisterMemory
from .energy import Direction, registers_of
from .frozen import watch_still
from .read import Reading
from .uncertainty import most_energy_milliwh

CLOCK_JUMP_US = 600_000_000
"""A wall clock that moves this far against monotonic time, beyond slewing, has to be confirmed."""
ROUNDED_UP = 100
"""A display that loses a place may round up; a digit coarser than that, with more energy, may be a wrong scale."""
ORDINARY = RegisterMemory()
GRAVEST = (Reason.METER_REPLACED, Reason.WENT_BACKWARDS, Reason.IMPOSSIBLE_JUMP, Reason.ROLLED_OVER)
NO_READINGS: Mapping[Direction, Reading] = {}


@dataclass(slots=True)
class Followed:
    """One reading held against the line before it. Where `objection` is none of `GRAVEST`, it can be booked."""

    reading: Reading
    memories: dict[Direction, RegisterMemory]
    objection: Reason | None = None
    notes: list[Note] = field(default_factory=list)
    frozen: set[Direction] = field(default_factory=set)
    widths_milliwh: dict[Direction, int] = field(default_factory=dict)
    """Of the registers that rolled over."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One register's way from one reading to the next."""

    now: EnergyRegister
    """As booked, if it is."""
    memory: RegisterMemory
    objection: Reason | None = None
    notes: tuple[tuple[NoteKind, dict[str, int]], ...] = ()


def follow(
    previous: Reading,
    memories: Mapping[Direction, RegisterMemory],
    reading: Reading,
    limits: Limits,
    lost: Mapping[Direction, Reading] = NO_READINGS,
) -> Followed:
    """Hold `reading` against `previous`. A direction that is back is held against its last reading, in `lost`."""
    shown, had = registers_of(reading.snapshot), registers_of(previous.snapshot)
    result = Followed(reading, dict(memories))
    objections: set[Reason] = set()
    if previous.serial is not None and reading.serial is not None and previous.serial != reading.serial:
        objections.add(Reason.METER_REPLACED)
    booked = dict(shown)
    passed_us = elapsed_us(previous, reading)
    for direction, register in shown.items():
        if direction in had:
            before, most_us = had[direction], passed_us
        elif direction in lost:
            before = registers_of(lost[direction].snapshot)[direction]
            most_us = elapsed_us(lost[direction], reading)
        else:
            continue
        memory = memories.get(direction, ORDINARY)
        most_milliwh = most_energy_milliwh(limits.limit_milliw, most_us)
        step = _step(before, memory, register, most_milliwh)
        if step.objection is not None:
            objections.add(step.objection)
        if step.objection is Reason.ROLLED_OVER and register.modulus_milliwh is not None:
            result.widths_milliwh[direction] = register.modulus_milliwh
        result.notes += [Note(kind, direction, detail) for kind, detail in step.notes]
        booked[direction] = step.now
        if step.memory is not ORDINARY or direction in result.memories:
            _remember(result, direction, step.memory)
    watch_still(result, previous, had, booked, limits)
    result.reading = _with_registers(reading, booked)
    missing = had.keys() - shown.keys()
    worst = next((reason for reason in GRAVEST if reason in objections), None)
    result.objection = worst or (Reason.NOT_AVAILABLE if missing else None)
    return result


def clock_jumped(previous: Reading, reading: Reading) -> bool:
    """Whether the wall clock leapt ahead of the monotonic clock between two readings of one boot."""
    if previous.boot_id != reading.boot_id:
        return False
    monotonic_us = reading.monotonic_us - previous.monotonic_us
    slewed_us = max(monotonic_us, 0) * DRIFT_PPM // 1_000_000
    return reading.latest_us - previous.latest_us - monotonic_us > CLOCK_JUMP_US + slewed_us


def changed_basis(old: Basis | None, new: Basis | None) -> Reason | None:
    """Why the registers cannot be compared with those before: the config reads them in another way."""
    if old is None or new is None or old == new:
        return None
    return Reason.PROFILE_CHANGED if old.profile != new.profile else Reason.RATIO_CHANGED


def elapsed_us(previous: Reading, reading: Reading) -> int:
    """The longest time between two latches. In one boot the longer of both clocks, because a virtual machine that
    is paused stops the monotonic one; a wall clock that leapt ahead is held before it is asked here.
    """
    if previous.boot_id == reading.boot_id:
        passed_us = max(reading.monotonic_us - previous.monotonic_us, reading.latest_us - previous.latest_us)
        return passed_us + previous.latest_us - previous.earliest_us
    if is_behind(previous, reading):
        return UNKNOWN_US
    return reading.latest_us + reading.clock_error_us - previous.earliest_us + previous.clock_error_us


def _step(before: EnergyRegister, memory: RegisterMemory, shown: EnergyRegister, most_milliwh: int) -> _Step:
    """One register's step; `most_milliwh` is what the service can have carried meanwhile."""
    now = shown
    if memory.rolled_over_milliwh:
        now = replace(shown, milliwh=shown.milliwh + memory.rolled_over_milliwh)
    digit_milliwh = memory.digit_milliwh or before.resolution_milliwh
    changed = shown.resolution_milliwh >= 2 * digit_milliwh or digit_milliwh >= 2 * shown.resolution_milliwh
    notes: list[tuple[NoteKind, dict[str, int]]] = []
    if changed:
        detail = {"previous_digit_milliwh": digit_milliwh, "digit_milliwh": shown.resolution_milliwh}
        notes.append((NoteKind.RESOLUTION_CHANGED, detail))
    top_milliwh = before.milliwh + before.resolution_milliwh + most_milliwh
    if changed:  # a coarser digit may have been rounded up
        top_milliwh += min(shown.resolution_milliwh, ROUNDED_UP * digit_milliwh)
    plain = memory
    if memory.digit_milliwh or memory.top_digit_milliwh:
        plain = msgspec.structs.replace(memory, digit_milliwh=0, top_digit_milliwh=0)
    tolerance_milliwh = max(memory.top_digit_milliwh or digit_milliwh, shown.resolution_milliwh)
    if now.milliwh >= before.milliwh:
        if now.milliwh - now.rounding_milliwh >= top_milliwh:
            return _Step(now, memory, Reason.IMPOSSIBLE_JUMP)
        return _Step(now, plain, None, (*notes, *_possible_rollovers(now, top_milliwh)))
    if before.milliwh - now.milliwh <= tolerance_milliwh:
        if not memory.top_digit_milliwh:
            notes.append((NoteKind.STEPPED_BACK, {"by_milliwh": before.milliwh - now.milliwh}))
        held = msgspec.structs.replace(
            memory,
            digit_milliwh=shown.resolution_milliwh,
            top_digit_milliwh=memory.top_digit_milliwh or digit_milliwh,
        )
        return _Step(_held_at(before.milliwh, now), held, None, tuple(notes))
    width_milliwh = shown.modulus_milliwh
    unrolled = replace(now, milliwh=now.milliwh + (width_milliwh or 0))
    fits = before.milliwh <= unrolled.milliwh and unrolled.milliwh - unrolled.rounding_milliwh < top_milliwh
    if width_milliwh is None or not fits:
        return _Step(now, memory, Reason.WENT_BACKWARDS)
    rolled = msgspec.structs.replace(
        plain,
        rollovers=memory.rollovers + 1,
        rolled_over_milliwh=memory.rolled_over_milliwh + width_milliwh,
    )
    return _Step(unrolled, rolled, Reason.ROLLED_OVER, (*notes, *_possible_rollovers(unrolled, top_milliwh)))


def _held_at(high_milliwh: int, now: EnergyRegister) -> EnergyRegister:
    """A register that shows less than is booked, booked at the old value: the truth still lies in its bounds."""
    below_milliwh = high_milliwh - now.milliwh
    return replace(
        now,
        milliwh=high_milliwh,
        resolution_milliwh=max(1, now.resolution_milliwh - below_milliwh),
        rounding_milliwh=now.rounding_milliwh + below_milliwh,
    )


def _possible_rollovers(now: EnergyRegister, top_milliwh: int) -> list[tuple[NoteKind, dict[str, int]]]:
    """Nobody looked for so long that the register may have rolled over unseen: the least is booked, and told."""
    if now.modulus_milliwh is None or (times := (top_milliwh - 1 - now.milliwh) // now.modulus_milliwh) < 1:
        return []
    return [(NoteKind.ROLLOVER_POSSIBLE, {"width_milliwh": now.modulus_milliwh, "times_at_most": times})]


def _remember(result: Followed, direction: Direction, memory: RegisterMemory) -> None:
    if memory == ORDINARY:
        result.memories.pop(direction, None)
    else:
        result.memories[direction] = memory


def _with_registers(reading: Reading, booked: Mapping[Direction, EnergyRegister]) -> Reading:
    energy_import, energy_export = booked.get(Direction.IMPORT), booked.get(Direction.EXPORT)
    snapshot = reading.snapshot
    if energy_import is snapshot.energy_import and energy_export is snapshot.energy_export:
        return reading
    return replace(reading, snapshot=replace(snapshot, energy_import=energy_import, energy_export=energy_export))
