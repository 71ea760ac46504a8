"""Netting, once, at the programme's own interval: which stored rows make one netting interval.

Boundaries go by the local clock; an hour that the clock shows twice is two. A stored interval that is longer than
the netting interval, or crosses one of its boundaries, is refused: it cannot be taken apart. A change of price inside
cuts a netting interval. (net-metering-corrections A-1)
"""

from datetime import tzinfo
from enum import StrEnum

import numpy as np

from ..tariff.walltime import offset_stretches
from .energy import Column, EnergyError, EnergyTable

MINUTE_US = 60_000_000


class NettingInterval(StrEnum):
    """Over what import and export are set against each other before a price sees them."""

    NONE = "none"
    """Not at all: each stored interval's import and export are priced as metered."""
    QUARTER = "15min"
    HOUR = "60min"
    MONTH = "month"
    """Over the whole billing cycle, in each bucket."""

    @property
    def step_us(self) -> int | None:
        """The length of one, UTC microseconds; None for `none` and `month`."""
        return {NettingInterval.QUARTER: 15 * MINUTE_US, NettingInterval.HOUR: 60 * MINUTE_US}.get(self)


def netting_keys(table: EnergyTable, rows: slice, netting: NettingInterval, zone: tzinfo) -> Column:
    """For each row a number that its netting interval has alone, ascending. Raises EnergyError with the row.

    `none` gives every row its own; `month` gives all the same (the caller cuts by bucket and cycle).
    """
    count = rows.stop - rows.start
    step_us = netting.step_us
    if netting is NettingInterval.NONE:
        return np.arange(count, dtype=np.int64)
    if step_us is None or not count:
        return np.zeros(count, dtype=np.int64)
    start_us, end_us = table.start_us[rows], table.end_us[rows]
    keys = np.empty(count, dtype=np.int64)
    given = 0
    for from_us, to_us, offset_us in offset_stretches(int(start_us[0]), int(end_us[-1]), zone):
        here = slice(*(int(one) for one in np.searchsorted(start_us, [from_us, to_us], side="left")))
        if here.start == here.stop:
            continue
        first = (start_us[here] + offset_us) // step_us
        last = (np.minimum(end_us[here], to_us) + offset_us - 1) // step_us
        wrong = (first != last) | (end_us[here] > to_us)
        if wrong.any():
            row = rows.start + here.start + int(np.argmax(wrong))
            raise EnergyError(
                f"{table.place(row)}: does not lie within one {netting} netting interval by the local clock; "
                f"store intervals whose length divides {netting}, or choose another netting_interval"
            )
        keys[here] = first - first[0] + given
        given = int(keys[here.stop - 1]) + 1
    return keys
