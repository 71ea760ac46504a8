"""A tariff as a compiled calendar: sorted UTC edges with the bucket that holds from each.

Bucket 0 is always `unassigned`: hours that no rule covers, and energy whose hour is not known. Compiled day by
day in local time (`days`), placed in UTC (`walltime`), kept, and extended on demand. Never asks for the time.
"""

from array import array
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo

from .days import DayRules, Piece
from .types import Tariff, Version
from .walltime import LAST_YEAR, to_datetime, wall_to_us, zone_of

UNASSIGNED = 0
UNASSIGNED_NAME = "unassigned"
NO_EDGE_US = 2**63 - 1
"""What `Calendar.next_edge_us` answers where no edge is left, as in a tariff with one price for all hours."""

_STRETCH = timedelta(days=64)
_FAR = timedelta(days=366)  # further away than this it is cheaper to compile anew than to fill the years between
_RULES_REPEAT = timedelta(days=366 * 4 + 8)  # seasons, weekdays and 29 February have all come round
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class EdgeTable:
    """A stretch of compiled calendar.

    `bucket_ids[i]` holds from `edges_us[i]` (inclusive) to `edges_us[i + 1]` (exclusive), the last one to
    `end_us`. `edges_us[0]` is the start asked for, which need not be a true edge. UTC microseconds, int64.
    """

    edges_us: "array[int]"
    bucket_ids: "array[int]"
    end_us: int


@dataclass(frozen=True, slots=True)
class _Compiled:
    """Local days [first, end) as edges; neighbours always differ. Replaced whole, so that threads may share it."""

    first: date
    end: date
    edges_us: "array[int]"
    bucket_ids: "array[int]"


class Calendar:
    """The buckets of one tariff. Times are UTC microseconds of the years 1970 to 2199 (else ValueError)."""

    def __init__(self, tariff: Tariff) -> None:
        self.tariff = tariff
        self.zone: tzinfo = zone_of(tariff.zone, tariff.clock, tariff.version[0].effective.year)
        names = dict.fromkeys(name for version in tariff.version for name in tariff.bucket_names_of(version))
        self.bucket_names: tuple[str, ...] = (UNASSIGNED_NAME, *names)
        self._ids = {name: position for position, name in enumerate(self.bucket_names)} | {"": UNASSIGNED}
        self._rules = DayRules(tariff)
        start = tariff.version[0].effective
        self._compiled = _Compiled(start, start, array("q"), array("q"))

    @property
    def tariff_id(self) -> str:
        """The tariff's own id, such as `pge-e-tou-c`."""
        return self.tariff.id

    def edges(self, start_us: int, end_us: int) -> EdgeTable:
        """The calendar from `start_us` to `end_us`. Raises ValueError for an empty stretch."""
        if not start_us < end_us:
            raise ValueError(f"empty stretch {start_us} .. {end_us}")
        compiled = self._covering(start_us, end_us)
        first = bisect_right(compiled.edges_us, start_us)
        last = bisect_right(compiled.edges_us, end_us - 1)
        return EdgeTable(
            array("q", [start_us, *compiled.edges_us[first:last]]),
            array("q", compiled.bucket_ids[first - 1 : last]),
            end_us,
        )

    def bucket_at(self, utc_us: int) -> int:
        """The bucket that holds at an instant."""
        compiled = self._covering(utc_us, utc_us + 1)
        return compiled.bucket_ids[bisect_right(compiled.edges_us, utc_us) - 1]

    def next_edge_us(self, utc_us: int) -> int:
        """The first instant after `utc_us` at which the bucket changes; `NO_EDGE_US` where it never does."""
        horizon = self._last_change(to_datetime(utc_us, self.zone).date())
        compiled = self._covering(utc_us, utc_us + 1)
        while True:
            position = bisect_right(compiled.edges_us, utc_us)
            if position < len(compiled.edges_us):
                return compiled.edges_us[position]
            if compiled.end > horizon:
                return NO_EDGE_US
            compiled = self._compile(compiled, compiled.first, compiled.end + _STRETCH)

    def version_at(self, utc_us: int) -> str:
        """The id (effective date) of the version in force; empty before the first."""
        version = self.version_in_force(utc_us)
        return version.id if version else ""

    def version_in_force(self, utc_us: int) -> Version | None:
        """The version in force at an instant, with its prices; None before the first."""
        return self._piece_at(utc_us).version

    def version_edges(self) -> tuple[tuple[int, Version], ...]:
        """Each version with the instant from which it holds, in order."""
        return tuple((wall_to_us(one.effective, 0, self.zone), one) for one in self.tariff.version)

    def explain(self, utc_us: int) -> str:
        """Why an instant has its bucket: the version, season, day class and period that decided."""
        piece = self._piece_at(utc_us)
        if piece.version is None:
            return f"unassigned: the tariff's first version begins on {self.tariff.version[0].id}"
        words = [f"version {piece.version.id}"]
        if piece.season is not None:
            words.append(f"season {piece.season.name} ({piece.season.first} to {piece.season.last})")
        elif self.tariff.seasons_of(piece.version):
            return f"unassigned: {words[0]} has no season for {piece.day:%m-%d}"
        words.append(self._day_words(piece))
        if piece.period is None:
            return "unassigned: no period covers this hour of " + ", ".join(words)
        words.append(f"period {piece.period.name} ({piece.period.start} to {piece.period.end})")
        return f"{piece.bucket}: " + ", ".join(words)

    def _day_words(self, piece: Piece) -> str:
        holiday = self._rules.holiday_name(piece.day)
        day = f"{piece.day:%A}" if holiday is None else f"{piece.day:%A}, holiday {holiday}"
        classes = "" if piece.period is None else f" (days: {', '.join(piece.period.days)})"
        return day + classes

    def _piece_at(self, utc_us: int) -> Piece:
        day = to_datetime(utc_us, self.zone).date()
        found: Piece | None = None
        for one in (day - _ONE_DAY, day, day + _ONE_DAY):
            for piece in self._rules.pieces(one):
                if wall_to_us(piece.day, piece.minute, self.zone) <= utc_us:
                    found = piece
        assert found is not None  # the day before has begun
        return found

    def _last_change(self, day: date) -> date:
        """After this local day nothing new can come: all rules have come round since the last dated one."""
        dated = [day, self.tariff.version[-1].effective, *(holiday.date for holiday in self.tariff.holiday)]
        return min(max(dated) + _RULES_REPEAT, date(LAST_YEAR, 12, 31))

    def _covering(self, start_us: int, end_us: int) -> _Compiled:
        """What is compiled, extended so that it begins before `start_us` and ends after `end_us`."""
        first = to_datetime(start_us, self.zone).date() - _ONE_DAY
        end = to_datetime(end_us, self.zone).date() + 2 * _ONE_DAY
        compiled = self._compiled
        if compiled.first <= first and end <= compiled.end:
            return compiled
        if first - compiled.end > _FAR or compiled.first - end > _FAR:
            compiled = _Compiled(first, first, array("q"), array("q"))
        return self._compile(compiled, min(first, compiled.first), max(end, compiled.end))

    def _compile(self, old: _Compiled, first: date, end: date) -> _Compiled:
        """Extends `old` to local days [first, end) at least, and keeps the result."""
        if first < old.first:
            first -= _STRETCH
        if end > old.end:
            end += _STRETCH
        edges_us, bucket_ids = array("q"), array("q")
        self._append_days(edges_us, bucket_ids, first, old.first)
        for edge_us, bucket in zip(old.edges_us, old.bucket_ids, strict=True):
            _append(edges_us, bucket_ids, edge_us, bucket)
        self._append_days(edges_us, bucket_ids, old.end, end)
        compiled = _Compiled(min(first, old.first), max(end, old.end), edges_us, bucket_ids)
        self._compiled = compiled
        return compiled

    def _append_days(self, edges_us: "array[int]", bucket_ids: "array[int]", first: date, end: date) -> None:
        day = first
        while day < end:
            for piece in self._rules.pieces(day):
                edge_us = wall_to_us(piece.day, piece.minute, self.zone)
                _append(edges_us, bucket_ids, edge_us, self._ids[piece.bucket])
            day += _ONE_DAY


def _append(edges_us: "array[int]", bucket_ids: "array[int]", edge_us: int, bucket: int) -> None:
    """Adds an edge; one of no length gives way to the next, and one without a change is left out."""
    if edges_us and edge_us <= edges_us[-1]:
        edges_us.pop()
        bucket_ids.pop()
    if not bucket_ids or bucket_ids[-1] != bucket:
        edges_us.append(edge_us)
        bucket_ids.append(bucket)
