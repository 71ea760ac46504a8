"""PG&E E-TOU-C for the judge, from the schedule's words: peak 16:00 to 21:00 every day, summer June to September.

Written anew: shares nothing with the tariff file or the calendar of the program under test.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/Los_Angeles")
QUARTER_US = 900_000_000


@lru_cache(maxsize=4096)
def _bucket_of_quarter(quarter: int) -> str:
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=15 * quarter)).astimezone(ZONE)
    season = "summer" if local.month in (6, 7, 8, 9) else "winter"
    return f"{season}_peak" if 16 <= local.hour <= 20 else f"{season}_off_peak"


def bucket_at(utc_us: int) -> str:
    """The bucket that holds at an instant. Prices and clocks change on quarters of an hour only."""
    return _bucket_of_quarter(utc_us // QUARTER_US)


def stretches(from_us: int, to_us: int) -> list[tuple[int, int, str]]:
    """[from, to) cut where the bucket changes."""
    pieces: list[tuple[int, int, str]] = []
    at_us = from_us
    while at_us < to_us:
        until_us, bucket = min((at_us // QUARTER_US + 1) * QUARTER_US, to_us), bucket_at(at_us)
        if pieces and pieces[-1][2] == bucket:
            pieces[-1] = (pieces[-1][0], until_us, bucket)
        else:
            pieces.append((at_us, until_us, bucket))
        at_us = until_us
    return pieces
