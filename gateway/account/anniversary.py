"""Which billing cycle begins with the anniversary of the Relevant Period, also where no read date goes so far yet.

A year has twelve cycles of 28 to 33 days, so how many lie between the last known one and a day ahead is counted from
the days between. The one rule of a statement and of the running account. Never moves the day itself.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from ..tariff.cycles import LONGEST_DAYS, SHORTEST_DAYS, Cycle

_ONE_DAY = timedelta(days=1)


def position_of(anniversary: date, cycles: Sequence[Cycle]) -> int | None:
    """Of the cycle that begins with it, counted on beyond the last that is known; None where none can begin then."""
    known = next((at for at, one in enumerate(cycles) if one.first_day == anniversary), None)
    if known is not None or not cycles:
        return known
    days = (anniversary - cycles[-1].last_day - _ONE_DAY).days
    count = (days * 48 + 730) // 1461  # the nearest number of twelfths of 365.25 days
    usual = days >= 0 and SHORTEST_DAYS * count <= days <= LONGEST_DAYS * count
    return len(cycles) + count if usual else None
