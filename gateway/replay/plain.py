"""Which rows of a table are plain: nothing about them is for `validate` to object to, and nothing for an event.

Only a hint to go fast. A row that is called plain here has to be accepted by `validate` after the row before it; one
that is not is stepped through, whatever it turns out to be.
"""

import numpy as np

from ..config.types import GapPolicy
from ..uncertainty import MICROWATT_HOUR_DIVISOR
from .doubt import Column, Flags
from .feed import Feed
from .table import ABSENT

LARGEST = 2**62
"""Products and registers up to here leave room for the sums they go into."""


def plain_rows(feed: Feed, gap_us: int) -> Flags:
    """For each row, whether it counts on from the row before it as any good reading does. The first never does."""
    terms = feed.terms
    limit_milliw = terms.rules(feed.meter).limit_milliw
    reach_us = terms.half_window_us + terms.clock_error_us
    steps_us = _steps(np.frombuffer(feed.time_us, dtype=np.int64))
    longest_us = LARGEST // limit_milliw - 4 * reach_us - 1
    plain: Flags = (steps_us > 0) & (steps_us - 2 * terms.half_window_us < gap_us) & (steps_us < longest_us)
    if terms.gap is GapPolicy.UNASSIGNED:
        plain &= steps_us <= terms.max_gap_us
    elapsed_us = np.clip(steps_us, 0, max(longest_us, 0)) + 2 * terms.half_window_us
    most_milliwh = -(-(limit_milliw * elapsed_us) // MICROWATT_HOUR_DIVISOR)
    for direction, column in feed.registers.items():
        registers: Column = np.frombuffer(column, dtype=np.int64)
        growth = _steps(registers)
        leeway_milliwh = feed.digits[direction].milliwh + feed.rounding_milliwh(direction)
        known = (registers != ABSENT) & (registers < LARGEST)
        plain &= known & np.concatenate(([False], known[:-1]))
        plain &= (growth >= 0) & (growth < leeway_milliwh + most_milliwh)
    plain[:1] = False
    if not feed.registers:
        plain[:] = False
    return plain


def _steps(column: Column) -> Column:
    """Each item less the one before; 0 for the first."""
    steps: Column = np.zeros(len(column), dtype=np.int64)
    steps[1:] = column[1:] - column[:-1]
    return steps
