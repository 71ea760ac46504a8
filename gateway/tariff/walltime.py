"""The clock on the wall to UTC and back, in microseconds. Daylight saving time by zoneinfo, never by offsets of ours.

A wall time that the clock jumps over means the instant of the jump; one that comes twice means the first time.
"""

from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from .types import ClockKind

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
FIRST_YEAR, LAST_YEAR = 1970, 2199


def zone_of(name: str, clock: ClockKind, year: int) -> tzinfo:
    """The zone, or its standard time alone: the smaller of its offsets on 1 January and 1 July of `year`."""
    zone = ZoneInfo(name)
    if clock is ClockKind.LOCAL:
        return zone
    offsets = (datetime(year, month, 1, 12, tzinfo=zone).utcoffset() for month in (1, 7))
    return timezone(min(offset for offset in offsets if offset is not None))


def to_datetime(utc_us: int, zone: tzinfo) -> datetime:
    """UTC microseconds -> aware local time. Raises ValueError outside the years that a calendar can have."""
    try:
        local = (EPOCH + utc_us * MICROSECOND).astimezone(zone)
    except OverflowError:
        local = None
    if local is None or not FIRST_YEAR <= local.year <= LAST_YEAR:
        raise ValueError(f"{utc_us} us is outside the years {FIRST_YEAR} to {LAST_YEAR}")
    return local


def to_us(instant: datetime) -> int:
    """An aware time -> UTC microseconds, exact."""
    return (instant - EPOCH) // MICROSECOND


def wall_to_us(day: date, minute: int, zone: tzinfo) -> int:
    """`minute` minutes on the clock after midnight of `day` (1440 = the next midnight) -> UTC microseconds."""
    wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)
    # fold=0 takes the first of two occurrences, and in a gap the offset that held before the jump.
    instant = wall.replace(tzinfo=zone).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == wall:
        return to_us(instant)
    return _jump_before(instant, wall, zone)


def _jump_before(instant: datetime, wall: datetime, zone: tzinfo) -> int:
    """The first second at which the clock of `zone` shows more than the skipped time `wall`."""
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)  # the offset after the jump: too early by the gap
    low, high = to_us(before) // 1_000_000, to_us(instant) // 1_000_000
    while low < high:
        middle = (low + high) // 2
        shown = (EPOCH + timedelta(seconds=middle)).astimezone(zone).replace(tzinfo=None)
        if shown > wall:
            high = middle
        else:
            low = middle + 1
    return low * 1_000_000


def parse_time(text: str, zone: tzinfo) -> int:
    """ISO 8601 as a person writes it -> UTC microseconds; without offset it is the wall's time. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time: write 2026-07-01T17:00 or 2026-07-02T00:00:00Z") from None
    if not FIRST_YEAR < moment.year < LAST_YEAR:
        raise ValueError(f"{text!r} is outside the years {FIRST_YEAR + 1} to {LAST_YEAR - 1}")
    if moment.tzinfo is not None:
        return to_us(moment)
    minute_us = wall_to_us(moment.date(), moment.hour * 60 + moment.minute, zone)
    return minute_us + moment.second * 1_000_000 + moment.microsecond


def iso_local(utc_us: int, zone: tzinfo) -> str:
    """`2026-07-01T17:00:00-07:00`."""
    return to_datetime(utc_us, zone).isoformat()


def iso_utc(utc_us: int) -> str:
    """`2026-07-02T00:00:00Z`."""
    return to_datetime(utc_us, UTC).isoformat().replace("+00:00", "Z")
