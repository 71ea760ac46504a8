"""A register that comes back to the line before the last: what was taken for another register was a fault of this one.

A meter may show other registers for longer than anybody waits, counting on, and then its own again. Those tell what
flowed meanwhile; of that, what the other registers counted is booked already, and no more can be missing than the
service carries while nobody read either, or while one of the others stood still. Within a day only. It may have lost
one of its registers meanwhile: of that what it may have kept back is told. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ..decision import Doubt, Limits, Opened, RegisterMemory, ValidatorState
from ..energy import Direction, registers_of
from ..reading.read import Reading
from ..uncertainty import most_energy_milliwh
from .follow import SAME_REGISTERS, follow
from .passed import changed_basis, elapsed_us, may_stand_since_us
from .placed import opening_of

WITHIN_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Returned:
    """The old line goes on with `first`, a held reading that counts on from `previous`, that line's last."""

    previous: Reading
    first: Reading
    memories: dict[Direction, RegisterMemory]
    """Of the registers at `first`."""
    doubts: tuple[Doubt, ...]
    """Where one of them stood still when the other registers came, or is not there any more."""


def maybe_returned(state: ValidatorState, first: Reading, limits: Limits) -> Returned | None:
    """Whether a row that begins with `first` is the line before the last; None: it is not known to be."""
    opened, last = opening_of(state), state.last
    if opened is None or last is None or _is_proven(opened) or changed_basis(opened.basis, limits.basis):
        return None
    if not 0 < first.latest_us - opened.previous.latest_us <= WITHIN_US:
        return None
    had, has = _directions(opened.previous), _directions(first)
    if had != _directions(last) or not has or not has <= had:
        return None
    line = follow(opened.previous, opened.memories, first, limits, asleep=True)
    if line.objection not in SAME_REGISTERS:
        return None
    digits_milliwh = 4 * max(register.resolution_milliwh for register in registers_of(first.snapshot).values())
    counted, back = counted_milliwh(opened, last), _back_milliwh(opened, last)
    missing = missing_milliwh(opened.previous, line.reading, counted)
    for direction, milliwh in back.items():
        if missing.get(direction, 0) < -digits_milliwh:  # more was booked than the line has grown by: it fell back in
            counted[direction] -= milliwh
            missing[direction] += milliwh
    unread_us = elapsed_us(opened.previous, opened.first) + elapsed_us(last, first)
    awake_milliwh = most_energy_milliwh(limits.limit_milliw, unread_us) + digits_milliwh
    if min(missing.values()) < -digits_milliwh:
        return None
    stood = max(missing.values()) > awake_milliwh
    since_us = opened.previous.earliest_us
    doubts = [Doubt(one, milliwh + digits_milliwh, milliwh + digits_milliwh, since_us) for one, milliwh in back.items()]
    for direction in registers_of(opened.previous.snapshot):
        since_us = may_stand_since_us(opened.memories.get(direction), opened.previous)
        asleep_milliwh = most_energy_milliwh(limits.limit_milliw, opened.previous.latest_us - since_us)
        if not counted.get(direction):  # it stood all the time that the other registers were there: it may be a wrong 0
            asleep_milliwh += most_energy_milliwh(limits.limit_milliw, elapsed_us(opened.first, last))
        if direction not in has:
            doubts.append(Doubt(direction, asleep_milliwh, asleep_milliwh, since_us))
        if direction not in has or not stood:
            continue
        milliwh = missing[direction]
        if milliwh > awake_milliwh + asleep_milliwh:
            return None
        if milliwh > 0:
            doubts.append(Doubt(direction, milliwh + digits_milliwh, milliwh + digits_milliwh, since_us))
    return Returned(opened.previous, line.reading, line.memories, tuple(doubts))


def counted_milliwh(opened: Opened, last: Reading) -> dict[Direction, int]:
    """What the registers that came in between have counted."""
    first = registers_of(opened.first.snapshot)
    return {
        one: register.milliwh - first[one].milliwh
        for one, register in registers_of(last.snapshot).items()
        if one in first
    }


def _back_milliwh(opened: Opened, last: Reading) -> dict[Direction, int]:
    """Of registers that fell when the epoch was opened, and can have come back to their old line within it: by how
    much. That was booked as if it had flowed."""
    before, fell = registers_of(opened.previous.snapshot), registers_of(opened.first.snapshot)
    return {
        one: before[one].milliwh - fell[one].milliwh
        for one, register in registers_of(last.snapshot).items()
        if one in before and one in fell and fell[one].milliwh < before[one].milliwh <= register.milliwh
    }


def _directions(reading: Reading) -> set[Direction]:
    return set(registers_of(reading.snapshot))


def missing_milliwh(
    returned_from: Reading, first: Reading, counted_milliwh: Mapping[Direction, int]
) -> dict[Direction, int]:
    """What the old line has grown by meanwhile, less what the other registers counted and is booked."""
    before = registers_of(returned_from.snapshot)
    return {
        direction: register.milliwh - before[direction].milliwh - counted_milliwh.get(direction, 0)
        for direction, register in registers_of(first.snapshot).items()
        if direction in before
    }


def _is_proven(opened: Opened) -> bool:
    """Whether the exchange that opened the epoch was one by its serial numbers."""
    old, new = opened.previous.serial, opened.first.serial
    return old is not None and new is not None and old != new
