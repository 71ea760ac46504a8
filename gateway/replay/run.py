"""Replay a table: every reading through validate and accumulate, meter by meter, to a frozen result.

Pure, given its readings: no file, no store, no clock.
"""

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from ..kernels import kernel_for_rows
from ..registers.validate import Accepted
from ..timeline import Calendar, Timeline
from .digits import usual_step_us
from .feed import Feed, feeds
from .fields import FIRST_US
from .leap import Leaper
from .plain import plain_rows
from .result import Replay
from .table import TELL_EVERY_ROWS, Readings, Tell
from .terms import Terms
from .total import sum_up
from .walk import Walk

ROWS_BEHIND = 4096


@dataclass(frozen=True, slots=True)
class Pace:
    """When plain rows are booked in bulk. No choice of these changes the result."""

    least_rows: int = 16
    """Fewer are stepped through."""
    most_rows: int = 65_536
    """So many at once: what is held in memory, and how often progress is told."""
    patience_rows: int = 4
    """So many are stepped through before a leap that was declined is tried again."""


STEP_BY_STEP = Pace(least_rows=2**62)


def replay(
    readings: Readings, calendar: Calendar, terms: Terms, *, pace: Pace = Pace(), tell: Tell | None = None
) -> Replay:
    """Book a table's readings under a tariff. Raises `accumulate.LawBrokenError`: a fault of this program."""
    meters = [sum_up(walk_through(feed, calendar, pace, tell), feed) for feed in feeds(readings, terms)]
    return Replay(readings, terms, tuple(meters))


def walk_through(feed: Feed, calendar: Calendar, pace: Pace, tell: Tell | None = None) -> Walk:
    """One meter's books after all its rows: plain ones in leaps, the others, and a few around them, step by step."""
    gap_us = feed.terms.gap_us(usual_step_us(feed.time_us))
    count, course = len(feed), _Course(feed, gap_us, pace)
    timeline = Timeline(calendar, feed.terms.interval_min, FIRST_US)
    kernel = kernel_for_rows(count)
    walk = Walk(feed.meter, feed.terms, timeline, kernel, gap_us)
    leaper = Leaper(walk, feed, timeline, kernel)
    row, told, try_from = 0, 0, 0
    while row < count:
        ahead = course.leap_from(row) if row >= try_from else None
        if ahead is not None and leaper.leap(ahead[0], row - 1, ahead[1]):
            row = ahead[1] + 1
        else:
            try_from = try_from if ahead is None else row + pace.patience_rows
            decision = walk.step(feed.reading(row))
            course.note(row, isinstance(decision, Accepted) and walk.is_booked_as_shown)
            row += 1
        if tell is not None and row - told >= TELL_EVERY_ROWS:
            tell(f"booking {feed.meter}", row, count)
            told = row
    walk.finish()
    return walk


class _Course:
    """Where a walk stands: which rows lie plainly ahead, and since when every row counted plainly on from the last."""

    def __init__(self, feed: Feed, gap_us: int, pace: Pace) -> None:
        self._pace = pace
        self._count = len(feed)
        self._plain = plain_rows(feed, gap_us)
        self._not_plain = np.flatnonzero(~self._plain).tolist()
        self._plain_since: int | None = None

    def note(self, row: int, is_booked: bool) -> None:
        """A row was stepped through; `is_booked`: with the registers that it shows."""
        if not is_booked:
            self._plain_since = None
        elif self._plain_since is None or not self._plain[row]:
            self._plain_since = row

    def leap_from(self, row: int) -> tuple[int, int] | None:
        """The first row that may be relied on and the last that lies plainly ahead; None: step."""
        if self._plain_since is None:
            return None
        position = bisect_left(self._not_plain, row)
        end = self._not_plain[position] if position < len(self._not_plain) else self._count
        last = min(end, row + self._pace.most_rows) - 1
        return (max(self._plain_since, row - ROWS_BEHIND), last) if last - row >= self._pace.least_rows else None
