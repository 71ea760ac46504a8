"""What two readings say of the clock between them: whether it was set, by how much, and whether time went on at all.

Monotonic time of one boot is the judge. Between two boots nothing can be measured: None, never a guess, unless a
reading that was held meanwhile, of the first boot still, had shown the step. Pure.
"""

from collections.abc import Sequence

from .clock import DRIFT_PPM
from .reading.read import Reading

STEP_US = 500_000
"""A wall clock that moves this far against monotonic time, beyond the slew that NTP may give it, was set."""

UNKNOWN_US = 7 * 86_400_000_000
"""How long a machine is taken to have been off at the most where its clock was set back meanwhile: nobody knows."""

STEPS_KEPT = 16
"""Between two booked readings; a clock that is set more often is none: of the oldest two the sum is kept."""


def measured_step_us(previous: Reading, reading: Reading) -> int | None:
    """How far the wall clock was set between two readings; 0 for what slewing explains; None after another boot."""
    if previous.boot_id != reading.boot_id:
        return None
    step_us, monotonic_us = _against_monotonic_us(previous, reading), reading.monotonic_us - previous.monotonic_us
    return step_us if abs(step_us) > STEP_US + drift_us(monotonic_us) else 0


def witness_of(previous: Reading, reading: Reading, held: Reading | None) -> Reading:
    """The reading that tells how the clock was set since `previous`: `reading`; after another boot, one that was held
    before it and is of the boot of `previous`, where that had seen a step and `reading` is not behind even so.
    """
    if held is None or reading.boot_id == previous.boot_id:
        return reading
    step_us = measured_step_us(previous, held)
    seen = step_us and reading.instant_us > previous.instant_us + min(step_us, 0)
    return held if seen else reading


def chained(steps_us: Sequence[int], step_us: int) -> list[int]:
    """The steps and one more: of one sign behind each other they are one, and two that undo each other are none."""
    chain = [*steps_us, step_us] if step_us else list(steps_us)
    while len(chain) > 1:
        both_us, is_on = chain[-2] + chain[-1], (chain[-2] > 0) is (chain[-1] > 0)
        if not is_on and abs(both_us) > STEP_US:
            break
        chain[-2:] = [both_us] if is_on else []
    return chain


def kept(steps: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The steps, each with its time, that are remembered."""
    if len(steps) <= STEPS_KEPT:
        return steps
    (_, first_us), (at_us, second_us) = steps[:2]
    return [(at_us, first_us + second_us), *steps[2:]]


def drift_us(duration_us: int) -> int:
    """How far a clock can have been slewed, or can have drifted, in that time."""
    return max(duration_us, 0) * DRIFT_PPM // 1_000_000


def is_behind(previous: Reading, reading: Reading) -> bool:
    """Whether time has gone on since `previous`, but the wall clock shows that it has not.

    After another boot only the wall clock is there to ask.
    """
    if reading.instant_us > previous.instant_us:
        return False
    return previous.boot_id != reading.boot_id or _monotonic_instant_us(reading) > _monotonic_instant_us(previous)


def is_of_unknown_age(previous: Reading, reading: Reading) -> bool:
    """Whether the machine was off in between for a time that nobody knows: the clock was set back over it, unseen."""
    return previous.boot_id != reading.boot_id and is_behind(previous, reading)


def step_back_us(previous: Reading, reading: Reading) -> int:
    """By how much `previous` has to be moved to stand before `reading` by the clock that holds now; 0: it does.

    Measured by monotonic time; after another boot the least that is possible.
    """
    step_us = measured_step_us(previous, reading)
    if reading.instant_us <= previous.instant_us:
        if step_us is None:
            return reading.instant_us - previous.instant_us - 1
        return _against_monotonic_us(previous, reading)
    return min(step_us or 0, 0)


def _against_monotonic_us(previous: Reading, reading: Reading) -> int:
    return reading.latest_us - previous.latest_us - (reading.monotonic_us - previous.monotonic_us)


def _monotonic_instant_us(reading: Reading) -> int:
    """The window's middle by monotonic time."""
    return reading.monotonic_us - (reading.latest_us - reading.instant_us)
