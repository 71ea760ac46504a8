"""A register that gives all at once behind a clock that was set on, and a machine that was started anew since then.

Over a restart nothing can be measured, and the wall clock alone would allow the register to have counted for as long as
it was set on. A reading that was held before the restart had seen the step: so long it was not. Pure.
"""

from collections.abc import Iterator

from ..clock_steps import measured_step_us
from ..decision import Doubt, Limits, ValidatorState
from .follow import Followed, of_more_than_passed
from .passed import elapsed_us


def of_seen_leap(state: ValidatorState, line: Followed, limits: Limits) -> Iterator[Doubt]:
    """Of registers that grew by more than can have flowed since the last booked reading, by the time until the step was
    seen and from there on."""
    last, seen, reading = state.last, state.seen, line.reading
    if last is None or seen is None or reading.boot_id == last.boot_id:
        return
    step_us = measured_step_us(last, seen)
    if step_us is None or step_us <= 0:
        return
    until_us = seen.monotonic_us - last.monotonic_us + last.latest_us - last.earliest_us
    yield from of_more_than_passed(last, state.memories, reading, until_us + elapsed_us(seen, reading), limits)
