"""A register that stands still while the meter itself says that power flows.

It is told, its readings are booked as they are (nothing is invented), and its doubt grows by what the service can have
carried since the reading before the one that showed it first, so that no edge in that time claims to be known, and what
it then gives at once is no impossible jump. Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Protocol

import msgspec

from drivers import EnergyRegister

from ..decision import Limits, Note, NoteKind, RegisterMemory, Still
from ..energy import Direction
from ..reading.read import Reading
from ..uncertainty import MICROWATT_HOUR_DIVISOR, most_energy_milliwh

FROZEN_DIGITS = 10
"""It should have moved by so many of its last digits."""
OVERDUE_DIGITS = 2
"""From so many on it is in doubt already: an edge may pass, or it may give all at once, before it is called frozen."""
FROZEN_US = 60_000_000
LEAST_SHARE = 500
"""Power below a five-hundredth of the service limit says nothing: below its starting current a meter counts nothing."""
LONGEST_STEP_US = 600_000_000
"""Between two readings farther apart nobody knows what power flowed."""
CLOSE_US = 30_000_000
"""Readings closer than that say well enough when a register last moved."""
ORDINARY = RegisterMemory()
OTHER = {Direction.IMPORT: Direction.EXPORT, Direction.EXPORT: Direction.IMPORT}


class Line(Protocol):
    """What `follow` has gathered of a reading."""

    memories: dict[Direction, RegisterMemory]
    notes: list[Note]
    frozen: set[Direction]
    reading: Reading


def watch_still(
    line: Line,
    previous: Reading,
    had: Mapping[Direction, EnergyRegister],
    booked: dict[Direction, EnergyRegister],
    limits: Limits,
) -> None:
    """Note registers that are frozen or move again, and widen those in `booked` that are frozen.

    `had`: the registers of `previous`.
    """
    for direction, before in had.items():
        now, memory = booked.get(direction), line.memories.get(direction, ORDINARY)
        if now is None or (now.milliwh != before.milliwh and memory.still is None):
            continue
        digit_milliwh = memory.digit_milliwh or now.resolution_milliwh + now.rounding_milliwh
        other = booked.get(OTHER[direction])
        other_milliwh = None if other is None else other.milliwh
        if now.milliwh != before.milliwh:
            still = None
            if memory.still is not None and memory.still.frozen:
                detail = {"since_utc_us": memory.still.since_us, "grown_milliwh": now.milliwh - before.milliwh}
                line.notes.append(Note(NoteKind.MOVES_AGAIN, direction, detail))
        else:
            still = _still(memory.still, previous, line.reading, direction, other_milliwh, limits)
            still = _judged(still, line, direction, digit_milliwh, other_milliwh)
        doubt_milliwh = 0
        if still is not None and still.frozen:
            line.frozen.add(direction)
            stood_us = line.reading.latest_us - may_be_frozen_since_us(memory, still)
            doubt_milliwh = most_energy_milliwh(limits.limit_milliw, stood_us)
        elif still is not None and still.expected_milliwh >= OVERDUE_DIGITS * digit_milliwh:
            doubt_milliwh = 2 * still.expected_milliwh
        if doubt_milliwh:
            booked[direction] = replace(now, resolution_milliwh=now.resolution_milliwh + doubt_milliwh)
            digit_milliwh = memory.digit_milliwh or now.resolution_milliwh
            memory = msgspec.structs.replace(memory, digit_milliwh=digit_milliwh)
        if still is not memory.still:
            memory = msgspec.structs.replace(memory, still=still)
        if memory == ORDINARY:
            line.memories.pop(direction, None)
        else:
            line.memories[direction] = memory


def _still(
    still: Still | None,
    previous: Reading,
    reading: Reading,
    direction: Direction,
    other_milliwh: int | None,
    limits: Limits,
) -> Still | None:
    """What should have been counted meanwhile, by the lesser of both powers; None while no power says so.

    It begins with the reading before the first power: until then none flowed, or nobody was there to see.
    """
    now_milliw = _flow_milliw(reading, direction)
    flow_milliw = min(_flow_milliw(previous, direction), now_milliw)
    passed_us = reading.monotonic_us - previous.monotonic_us
    known = previous.boot_id == reading.boot_id and 0 < passed_us <= LONGEST_STEP_US
    expected_milliwh = 0
    if known and flow_milliw * LEAST_SHARE >= limits.limit_milliw:
        expected_milliwh = flow_milliw * passed_us // MICROWATT_HOUR_DIVISOR
    if still is not None:
        return msgspec.structs.replace(still, expected_milliwh=still.expected_milliwh + expected_milliwh)
    if now_milliw * LEAST_SHARE < limits.limit_milliw:
        return None
    return Still(min(previous.latest_us, reading.latest_us), expected_milliwh, other_milliwh)


def _judged(
    still: Still | None, line: Line, direction: Direction, digit_milliwh: int, other_milliwh: int | None
) -> Still | None:
    if still is None or still.frozen:
        return still
    reading = line.reading
    patience_us = FROZEN_US + 2 * (reading.latest_us - reading.earliest_us)
    if still.expected_milliwh < FROZEN_DIGITS * digit_milliwh or reading.latest_us - still.since_us < patience_us:
        return still
    grown_milliwh = 0 if still.other_milliwh is None or other_milliwh is None else other_milliwh - still.other_milliwh
    if 2 * grown_milliwh > still.expected_milliwh:
        return None  # the other direction counts it: the sign of the power is the wrong one
    detail = {"since_utc_us": still.since_us, "expected_milliwh": still.expected_milliwh}
    line.notes.append(Note(NoteKind.FROZEN, direction, detail))
    return msgspec.structs.replace(still, frozen=True)


def all_stand_since_us(directions: Iterable[Direction], memories: Mapping[Direction, RegisterMemory]) -> int:
    """Since when none of a meter's registers may have moved; 0: one has. As long as one moves, another that stands does
    so rightly (export, all night): a meter is frozen as a whole, or its power says so."""
    stood_us = [memories.get(direction, ORDINARY).stood_since_us for direction in directions]
    return max(stood_us) if all(stood_us) else 0


def may_be_frozen_since_us(memory: RegisterMemory, still: Still) -> int:
    """Since when a frozen register may have stood: since the reading before the one that showed it first. One that had
    stood for longer than between two readings stood rightly, until power flowed."""
    stood_us = min(memory.stood_since_us or still.since_us, still.since_us)
    return stood_us if still.since_us - stood_us <= LONGEST_STEP_US + CLOSE_US else still.since_us - 2 * CLOSE_US


def _flow_milliw(reading: Reading, direction: Direction) -> int:
    """Power in this direction; 0 where it flows the other way or is not known."""
    power_milliw = reading.snapshot.power_milliw or 0
    return max(power_milliw if direction is Direction.IMPORT else -power_milliw, 0)
