"""A tariff as a compiled calendar: sorted UTC edges with the bucket that holds from each.

Bucket 0 is always `unassigned`: hours that no rule covers, and energy whose hour is not known. Compiled on demand
(`edges`) from the rules of local days (`days`), a stretch at a time, and kept. Never asks for the time.
"""

from datetime import date, timedelta, tzinfo

from .days import DayRules
from .edges import EdgeTable, Span, compile_span
from .reasons import reason_at
from .types import MINUTES_A_DAY, DayClass, Tariff, Version
from .walltime import FIRST_YEAR, LAST_YEAR, to_datetime, wall_to_us, zone_of

UNASSIGNED = 0
UNASSIGNED_NAME = "unassigned"
NO_EDGE_US = 2**63 - 1
"""What `Calendar.next_edge_us` answers where no edge is left, as in a tariff with one price for all hours."""

_DAY_US = 86_400_000_000
_STRETCH_US = 64 * _DAY_US
_FAR_US = 366 * _DAY_US  # further away than this it is cheaper to compile anew than to fill the years between
# After the last dated rule everything comes round: 29 February after 8 years at most, a holiday on each weekday,
# moved or not, after 40 (a fixed day falls on each weekday within 12 years, around 2100 too; Easter's weekday is one).
_RULES_REPEAT = timedelta(days=366 * 8 + 8)
_HOLIDAYS_REPEAT = timedelta(days=366 * 40)

__all__ = ["NO_EDGE_US", "UNASSIGNED", "UNASSIGNED_NAME", "Calendar", "EdgeTable"]


class Calendar:
    """The buckets of one tariff. Times are UTC microseconds of the years 1970 to 2199 (else ValueError)."""

    def __init__(self, tariff: Tariff) -> None:
        self.tariff = tariff
        self.zone: tzinfo = zone_of(tariff.zone, tariff.clock, tariff.version[0].effective.year)
        names = dict.fromkeys(name for version in tariff.version for name in tariff.bucket_names_of(version))
        self.bucket_names: tuple[str, ...] = (UNASSIGNED_NAME, *names)
        self._ids = {name: position for position, name in enumerate(self.bucket_names)} | {"": UNASSIGNED}
        self.rules = DayRules(tariff)
        self._first_us = wall_to_us(date(FIRST_YEAR, 1, 1), 0, self.zone)
        self._end_us = wall_to_us(date(LAST_YEAR, 12, 31), 24 * 60, self.zone)
        start_us = wall_to_us(tariff.version[0].effective, 0, self.zone)
        self._span = Span(start_us, start_us)
        self._last_version_us = wall_to_us(tariff.version[-1].effective, 24 * 60, self.zone)
        self._is_flat = _is_flat(tariff, tariff.version[-1])

    @property
    def tariff_id(self) -> str:
        """The tariff's own id, such as `pge-e-tou-c`."""
        return self.tariff.id

    def edges(self, start_us: int, end_us: int) -> EdgeTable:
        """The calendar from `start_us` to `end_us`. Raises ValueError for an empty stretch."""
        if not start_us < end_us:
            raise ValueError(f"empty stretch {start_us} .. {end_us}")
        span = self._covering(start_us, end_us)
        first, last = span.position(start_us), span.position(end_us - 1)
        edges_us, bucket_ids = span.edges_us[first - 1 : last], span.bucket_ids[first - 1 : last]
        edges_us[0] = start_us
        return EdgeTable(edges_us, bucket_ids, end_us)

    def bucket_at(self, utc_us: int) -> int:
        """The bucket that holds at an instant."""
        span = self._covering(utc_us, utc_us + 1)
        return span.bucket_ids[span.position(utc_us) - 1]

    def next_edge_us(self, utc_us: int) -> int:
        """The first instant after `utc_us` at which the bucket changes; `NO_EDGE_US` where it never does."""
        span = self._covering(utc_us, utc_us + 1)
        position = span.position(utc_us)
        if position < len(span.edges_us):
            return span.edges_us[position]
        if self._is_flat and utc_us >= self._last_version_us:
            return NO_EDGE_US
        horizon_us = self._last_change_us(utc_us)
        while span.end_us < horizon_us:
            span = self._covering(utc_us, min(span.end_us + _STRETCH_US, horizon_us))
            position = span.position(utc_us)
            if position < len(span.edges_us):
                return span.edges_us[position]
        return NO_EDGE_US

    def version_at(self, utc_us: int) -> str:
        """The id (effective date) of the version in force; empty where none is."""
        version = self.version_in_force(utc_us)
        return version.id if version else ""

    def version_in_force(self, utc_us: int) -> Version | None:
        """The version in force at an instant, with its prices; None before the first and after one that ended."""
        return self.rules.version_on(to_datetime(utc_us, self.zone).date())

    def version_edges(self) -> tuple[tuple[int, Version | None], ...]:
        """Each change of version with the instant from which it holds, in order; None where one ends with no other."""
        changes: list[tuple[int, Version | None]] = []
        versions = self.tariff.version
        for one, following in zip(versions, (*versions[1:], None), strict=True):
            changes.append((wall_to_us(one.effective, 0, self.zone), one))
            if one.last_day is not None and (
                following is None or one.last_day + timedelta(days=1) < following.effective
            ):
                changes.append((wall_to_us(one.last_day, 24 * 60, self.zone), None))
        return tuple(changes)

    def explain(self, utc_us: int) -> str:
        """Why an instant has its bucket: the version, season, day class and period that decided."""
        return str(reason_at(self, utc_us))

    def _last_change_us(self, utc_us: int) -> int:
        """After this instant nothing new can come: all rules have come round since the last dated one."""
        tariff = self.tariff
        holidays = [one for version in tariff.version for one in tariff.holidays_of(version)]
        dated = [to_datetime(utc_us, self.zone).date(), tariff.version[-1].effective]
        dated += [one.date for one in holidays if one.date is not None]
        dated += [date(one.first_year, 12, 31) for one in holidays if one.first_year is not None]
        dated += [one.last_day for one in tariff.version if one.last_day is not None]
        repeat = _HOLIDAYS_REPEAT if any(one.on for one in holidays) else _RULES_REPEAT
        last = min(max(dated), date(LAST_YEAR, 12, 31) - repeat) + repeat
        return min(wall_to_us(last, 0, self.zone), self._end_us)

    def _covering(self, start_us: int, end_us: int) -> Span:
        """What is compiled, extended so that it begins at or before `start_us` and ends at or after `end_us`."""
        span = self._span
        if span.start_us <= start_us and end_us <= span.end_us:
            return span
        if start_us < self._first_us or end_us > self._end_us:
            outside_us = start_us if start_us < self._first_us else end_us
            raise ValueError(f"{outside_us} us is outside the years {FIRST_YEAR} to {LAST_YEAR}")
        if start_us - span.end_us > _FAR_US or span.start_us - end_us > _FAR_US:
            span = Span(start_us, start_us)
        if start_us < span.start_us:
            before_us = max(start_us - _STRETCH_US, self._first_us)
            span = compile_span(self.rules, self._ids, self.zone, before_us, span.start_us).joined(span)
        if end_us > span.end_us:
            after_us = min(end_us + _STRETCH_US, self._end_us)
            span = span.joined(compile_span(self.rules, self._ids, self.zone, span.end_us, after_us))
        self._span = span
        return span


def _is_flat(tariff: Tariff, version: Version) -> bool:
    """Whether one bucket holds for ever: then nobody needs to look through decades for an edge."""
    periods = tariff.periods_of(version)
    if tariff.seasons_of(version) or version.last_day is not None or not periods:
        return False
    first = periods[0]
    whole_day = first.start_minute == 0 and first.end_minute == MINUTES_A_DAY
    return whole_day and DayClass.EVERY in first.days and not first.months
