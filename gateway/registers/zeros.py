"""A register that shows 0: no display says less. It may count from there, or not tell its count at all.

Where registers begin anew, or give all at once, behind a 0 that may have been a fault, what the other case leaves open
is told. One that has stood at 0 for more than a day stands there rightly: the panels are not connected yet. Pure.
"""

from collections.abc import Iterator

from drivers import EnergyRegister

from ..decision import Doubt, Limits, Reason, RegisterMemory, ValidatorState
from ..energy import registers_of
from ..reading.read import Reading
from ..uncertainty import most_energy_milliwh
from .follow import Followed
from .passed import elapsed_us, may_stand_since_us
from .returned import WITHIN_US
from .row import in_question


def of_beginning(state: ValidatorState, begins: Reading, limits: Limits) -> tuple[Doubt, ...]:
    """Of an epoch that begins with a 0: that may have been the old meter's fault, until another hung there."""
    moved = state.held_moved
    if moved is None or state.held_reason is Reason.METER_REPLACED:
        return ()
    registers, later = registers_of(begins.snapshot), registers_of(moved.snapshot)
    if not any(registers[direction].milliwh == 0 for direction in in_question(state, limits) if direction in registers):
        return ()
    most_milliwh = most_energy_milliwh(limits.limit_milliw, elapsed_us(begins, moved))
    return tuple(
        Doubt(direction, max(most_milliwh - later[direction].milliwh + register.milliwh, 0))
        for direction, register in registers.items()
    )


def of_zeros(state: ValidatorState, first: Reading, limits: Limits) -> tuple[Doubt, ...]:
    """Of registers that begin anew where others did not count on from a 0 at which they had stood for less than a day:
    that may have been no count, whatever flowed."""
    found: list[Doubt] = []
    if state.last is None or state.held_reason is Reason.METER_REPLACED:
        return ()
    last, shown = state.last, registers_of(state.last.snapshot)
    for direction in in_question(state, limits) & shown.keys():
        since_us = may_stand_since_us(state.memories.get(direction), last)
        if not shown[direction].milliwh and first.latest_us - since_us <= WITHIN_US:
            most_milliwh = most_energy_milliwh(limits.limit_milliw, first.latest_us - since_us)
            found.append(Doubt(direction, 0, most_milliwh, since_us))
    return tuple(found)


def of_frozen(state: ValidatorState, line: Followed, limits: Limits) -> Iterator[Doubt]:
    """Of registers that were called frozen at a 0, at which they had stood for less than a day, and give more at once
    than can have flowed since they were read last: that 0 may have been no count, and what they give need not have
    flowed. Each edge has told when it can have flowed, and not how much."""
    if state.last is None:
        return
    before_each = {**state.lost, **dict.fromkeys(registers_of(state.last.snapshot), state.last)}
    for direction, now in registers_of(line.reading.snapshot).items():
        last, memory = before_each.get(direction), state.memories.get(direction)
        if last is None or memory is None or memory.still is None or not memory.still.frozen:
            continue
        before, since_us = registers_of(last.snapshot)[direction], may_stand_since_us(memory, last)
        is_young = before.milliwh == memory.rolled_over_milliwh and line.reading.latest_us - since_us <= WITHIN_US
        digits_milliwh = memory.digit_milliwh + now.resolution_milliwh + now.rounding_milliwh
        grown_milliwh = now.milliwh - before.milliwh
        awake_milliwh = most_energy_milliwh(limits.limit_milliw, elapsed_us(last, line.reading))
        if is_young and grown_milliwh > awake_milliwh + digits_milliwh:
            beyond_milliwh = beyond_zero_milliwh(before, now, memory, line.reading, since_us, limits)
            open_milliwh = max(grown_milliwh, beyond_milliwh) + digits_milliwh
            yield Doubt(direction, open_milliwh, open_milliwh, since_us)


def beyond_zero_milliwh(
    before: EnergyRegister,
    now: EnergyRegister,
    memory: RegisterMemory | None,
    reading: Reading,
    since_us: int,
    limits: Limits,
) -> int:
    """Of a register that gives all at once with `reading`, from a 0 at which it may stand `since_us`: what may have
    flowed beside what it grew by. It may have counted elsewhere, near its width too, and shown 0."""
    shown_milliwh = before.milliwh - (0 if memory is None else memory.rolled_over_milliwh)
    stood_us = reading.latest_us - since_us
    if shown_milliwh or stood_us > WITHIN_US:
        return 0
    return most_energy_milliwh(limits.limit_milliw, stood_us) - (now.milliwh - before.milliwh)
