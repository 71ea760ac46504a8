"""A reading that was not read but told: registers by an operator's word, with the digits of the meter's own.

Pure. Whether it can be true is `exchange`'s to judge.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from drivers import EnergyRegister, RegisterSnapshot

from ..clock import Clock, ClockState
from ..decision import RegisterMemory
from ..energy import Direction, registers_of
from ..reading.read import Reading


@dataclass(frozen=True, slots=True)
class Moment:
    """When it was said, by the pipeline's clocks."""

    wall_us: int
    monotonic_us: int
    boot_id: str
    clock_state: ClockState
    error_us: int

    @classmethod
    def now(cls, clock: Clock) -> "Moment":
        return cls(clock.wall_us(), clock.monotonic_us(), clock.boot_id, clock.state(), clock.error_us())


def stated(
    like: Reading,
    milliwh: Mapping[Direction, int],
    memories: Mapping[Direction, RegisterMemory],
    window: tuple[int, int],
    moment: Moment,
) -> Reading:
    """A reading of the meter `like` that was not read but told."""
    return Reading(
        meter=like.meter,
        snapshot=registers_like(like, milliwh, memories),
        earliest_us=window[0],
        latest_us=window[1],
        monotonic_us=moment.monotonic_us - (moment.wall_us - window[1]),
        boot_id=moment.boot_id,
        clock_state=ClockState.SYNCED,
        clock_error_us=moment.error_us,
    )


def registers_like(
    like: Reading, milliwh: Mapping[Direction, int], memories: Mapping[Direction, RegisterMemory]
) -> RegisterSnapshot:
    """Registers with the last digits of `like`'s."""
    found: dict[Direction, EnergyRegister] = {}
    for direction, register in registers_of(like.snapshot).items():
        memory = memories.get(direction)
        digit_milliwh = register.resolution_milliwh if memory is None else memory.digit_milliwh
        found[direction] = EnergyRegister(
            milliwh[direction],
            digit_milliwh or register.resolution_milliwh,
            unproven=register.unproven and milliwh[direction] == 0,
            modulus_milliwh=register.modulus_milliwh,
        )
    return RegisterSnapshot(found.get(Direction.IMPORT), found.get(Direction.EXPORT), None, True, {})
