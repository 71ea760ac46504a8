"""What a booked reading says of the wall clock, done to the accumulator and put into words for an event. No time asked.

The step is measured against the last booked reading, which the store keeps: a daemon that was away while the clock was
set sees it too. A wrong time of which nothing was booked leaves nothing in doubt.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..buckets.accumulate import Accumulator
from ..clock_steps import measured_step_us, step_back_us, witness_of
from ..energy import Interval
from ..ledger.records import Record
from ..reading.read import Reading


@dataclass(frozen=True, slots=True)
class ClockNews:
    """A step of the clock: what closed by it, and the event's detail."""

    closed: list[Interval]
    detail: Record


def follow_clock(
    accumulator: Accumulator,
    previous: Reading | None,
    reading: Reading,
    counts_on: bool,
    held: Reading | None = None,
    steps_us: Sequence[int] = (),
) -> Iterator[ClockNews]:
    """Before `reading` is booked: tell the accumulator how the clock was set since `previous`, step by step.

    `counts_on`: its registers count on from the previous ones. `held`: the newest reading between the two, not booked.
    `steps_us`: where they are not to be told as their sum.
    """
    if previous is None or not accumulator.started:
        return
    if steps_us:
        passed_us = reading.latest_us - previous.latest_us - sum(min(one, 0) for one in steps_us)
        yield from (_set(accumulator, one, min(one, 0), passed_us) for one in steps_us)
        return
    seen = witness_of(previous, reading, held)
    step_us, back_us = measured_step_us(previous, seen), step_back_us(previous, seen)
    if step_us is not None:
        passed_us = seen.monotonic_us - previous.monotonic_us + reading.latest_us - seen.latest_us
        if step_us or back_us:
            yield _set(accumulator, step_us, back_us, passed_us)
    elif back_us:
        yield _set(accumulator, None, back_us, None)
        if counts_on:
            accumulator.book_unplaced(reading)


def _set(accumulator: Accumulator, step_us: int | None, back_us: int, passed_us: int | None) -> ClockNews:
    """The clock was set; `step_us` None: nobody knows by how much, `back_us` is the least."""
    accumulator.doubt_clock_step(step_us or back_us, passed_us)
    detail: Record = {"step_us": step_us}
    if step_us is None:
        detail["at_least_us"] = back_us
    if not back_us:
        return ClockNews([], detail)
    detail["repeats_until_utc_us"] = accumulator.state.instant_us
    closed = accumulator.go_back(back_us)
    detail["repeats_from_utc_us"] = accumulator.state.instant_us
    return ClockNews(closed, detail)
