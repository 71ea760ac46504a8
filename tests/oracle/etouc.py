"""PG&E E-TOU-C by a walk over the minutes of the wall clock: peak 16:00 to 21:00 every day, summer June to September.

From the schedule's words (ELEC_SCHEDS_E-TOU-C, "Time periods"), not from the program's tariff file. The zone rules
are the machine's. Imports nothing of the program under test.
"""

from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo

MINUTE_US = 60_000_000
ZONE = ZoneInfo("America/Los_Angeles")


@cache
def bucket_of_minute(minute: int) -> str:
    """The bucket of a minute, counted in UTC since 1970."""
    local = datetime.fromtimestamp(minute * 60, UTC).astimezone(ZONE)
    season = "summer" if 6 <= local.month <= 9 else "winter"
    return f"{season}_peak" if 16 <= local.hour < 21 else f"{season}_off_peak"


@cache
def is_interval_edge(minute: int, interval_min: int) -> bool:
    """Whether an interval begins with this minute: the wall clock shows a whole quarter (half, hour)."""
    local = datetime.fromtimestamp(minute * 60, UTC).astimezone(ZONE)
    return (local.hour * 60 + local.minute) % interval_min == 0


def edges(start_us: int, end_us: int, interval_min: int) -> list[tuple[int, str]]:
    """Every interval or bucket edge in (start, end] with the bucket that holds from it."""
    found = []
    for minute in range(start_us // MINUTE_US + 1, end_us // MINUTE_US + 1):
        bucket = bucket_of_minute(minute)
        if is_interval_edge(minute, interval_min) or bucket != bucket_of_minute(minute - 1):
            found.append((minute * MINUTE_US, bucket))
    return found


def stretches(start_us: int, end_us: int) -> list[tuple[int, int, str]]:
    """[start, end) cut where the bucket changes: (from, to, bucket)."""
    pieces = []
    from_us, bucket = start_us, bucket_of_minute(start_us // MINUTE_US)
    for minute in range(start_us // MINUTE_US + 1, -(-end_us // MINUTE_US)):
        if bucket_of_minute(minute) != bucket:
            pieces.append((from_us, minute * MINUTE_US, bucket))
            from_us, bucket = minute * MINUTE_US, bucket_of_minute(minute)
    pieces.append((from_us, end_us, bucket))
    return pieces
