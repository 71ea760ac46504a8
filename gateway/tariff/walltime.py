"""The clock on the wall to UTC and back, in microseconds. Daylight saving time by zoneinfo, never by offsets of ours.

Where a person writes a wall time: one that the clock jumps over means the instant of the jump; one that comes twice
means the first time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

from .types import ClockKind

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MINUTE_US = 60_000_000
FIRST_YEAR, LAST_YEAR = 1970, 2199
_DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class ClockChange:
    """The clock is set at `at_us`: what it would have shown then, and what it shows."""

    at_us: int
    before: datetime
    after: datetime
    """Both without zone."""

    def __str__(self) -> str:
        gained = self.before - self.after
        way = "goes back" if gained > timedelta(0) else "jumps"
        hours = (timedelta(days=1) + gained) / timedelta(hours=1)
        return f"the clock {way} from {_clock(self.before)} to {_clock(self.after)}: a day of {hours:g} hours"


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


def offset_stretches(start_us: int, end_us: int, zone: tzinfo) -> Iterator[tuple[int, int, int]]:
    """[start_us, end_us) cut where the zone's offset from UTC changes: (from, to, offset), all in microseconds.

    Changes are looked for day by day; no zone has two within one day that undo each other.
    """
    from_us, offset_us, known_us = start_us, _offset_us(start_us, zone), start_us
    if zone.utcoffset(None) is not None:  # a zone whose offset never changes
        known_us = end_us
    while known_us < end_us:
        probe_us = min(known_us + _DAY_US, end_us - 1)
        if _offset_us(probe_us, zone) == offset_us:
            known_us = probe_us + (probe_us == end_us - 1)
            continue
        at_us = _change_between(known_us, probe_us, offset_us, zone)
        yield from_us, at_us, offset_us
        from_us, offset_us, known_us = at_us, _offset_us(at_us, zone), at_us
    yield from_us, end_us, offset_us


def clock_changes(start_us: int, end_us: int, zone: tzinfo) -> tuple[ClockChange, ...]:
    """Each time that the clock is set in [start_us, end_us)."""
    stretches = list(offset_stretches(start_us, end_us, zone))
    return tuple(
        ClockChange(at_us, _shown(at_us + old_us), _shown(at_us + new_us))
        for (_, _, old_us), (at_us, _, new_us) in pairwise(stretches)
    )


def which_time(utc_us: int, zone: tzinfo) -> int:
    """1 or 2 where the clock shows the time of this instant twice; 0 where it shows it once."""
    local = to_datetime(utc_us, zone)
    if local.fold:
        return 2
    return 1 if local.utcoffset() != local.replace(fold=1).utcoffset() else 0


def _change_between(before_us: int, after_us: int, offset_us: int, zone: tzinfo) -> int:
    """The first whole second whose offset is no longer `offset_us`."""
    low, high = before_us // 1_000_000 + 1, -(-after_us // 1_000_000)
    while low < high:
        middle = (low + high) // 2
        if _offset_us(middle * 1_000_000, zone) != offset_us:
            high = middle
        else:
            low = middle + 1
    return low * 1_000_000


def _offset_us(utc_us: int, zone: tzinfo) -> int:
    offset = (EPOCH + utc_us * MICROSECOND).astimezone(zone).utcoffset()
    return 0 if offset is None else offset // MICROSECOND


def _shown(wall_us: int) -> datetime:
    return EPOCH.replace(tzinfo=None) + wall_us * MICROSECOND


def _clock(wall: datetime) -> str:
    return f"{wall:%H:%M}" if wall.second == 0 else f"{wall:%H:%M:%S}"


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


def written_twice(text: str, zone: tzinfo) -> str:
    """What a person should know who wrote a time without offset that comes twice or never; mostly empty."""
    wall = datetime.fromisoformat(text)
    if wall.tzinfo is not None:
        return ""
    first, second = wall.replace(tzinfo=zone), wall.replace(tzinfo=zone, fold=1)
    if first.utcoffset() == second.utcoffset():
        return ""
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != wall:
        return f"the clock jumps over {text}: the instant of the jump is meant"
    return f"{text} comes twice: the first is meant; the second is {second.isoformat()}"


def iso_local(utc_us: int, zone: tzinfo) -> str:
    """`2026-07-01T17:00:00-07:00`."""
    return to_datetime(utc_us, zone).isoformat()


def iso_utc(utc_us: int) -> str:
    """`2026-07-02T00:00:00Z`."""
    return to_datetime(utc_us, UTC).isoformat().replace("+00:00", "Z")
