"""Replay a table: every reading through validate and accumulate, meter by meter, to a frozen result.

Pure, given its readings: no file, no store, no clock.
"""

from ..kernels import Build, load_kernel
from ..timeline import Calendar, Timeline
from .digits import usual_step_us
from .feed import Feed, feeds
from .fields import FIRST_US
from .result import Replay
from .table import TELL_EVERY_ROWS, Readings, Tell
from .terms import Terms
from .total import sum_up
from .walk import Walk


def replay(readings: Readings, calendar: Calendar, terms: Terms, *, tell: Tell | None = None) -> Replay:
    """Book a table's readings under a tariff. Raises `accumulate.LawBrokenError`: a fault of this program."""
    step_us = usual_step_us(readings.time_us)
    meters = []
    for feed in feeds(readings, terms):
        timeline = Timeline(calendar, terms.interval_min, FIRST_US)
        walk = Walk(feed.meter, terms, timeline, load_kernel(Build.PYTHON), terms.gap_us(step_us))
        _walk_through(walk, feed, tell)
        meters.append(sum_up(walk, feed))
    return Replay(readings, terms, step_us, tuple(meters))


def _walk_through(walk: Walk, feed: Feed, tell: Tell | None) -> None:
    count = len(feed.readings)
    for row in range(count):
        walk.step(feed.reading(row))
        if tell is not None and row % TELL_EVERY_ROWS == 0:
            tell(f"booking {feed.meter}", row, count)
    walk.finish()
