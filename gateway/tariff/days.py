"""Which bucket each minute of one local day has, by the tariff's rules. Pure dates and minutes; no UTC here.

Version, season and months go by the date of the minute itself, so they change at local midnight; a period that runs
over midnight keeps the weekday class of the day on which it began.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, timedelta

from .holidays import HolidayDay, Holidays
from .types import MINUTES_A_DAY, DayClass, Period, Season, Tariff, Version, bucket_name, month_day_of

_WEEKDAYS = tuple(DayClass)[4:]
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Piece:
    """From `minute` on holds `bucket` (empty: unassigned), decided by the first of `claims`."""

    minute: int
    bucket: str
    claims: tuple[Period, ...]
    """Every period that fits, in order of precedence."""
    from_yesterday: bool = False
    """Whether the one that decides began on the day before."""

    @property
    def period(self) -> Period | None:
        """The period that decides."""
        return self.claims[0] if self.claims else None


@dataclass(frozen=True, slots=True)
class DayKind:
    """What the buckets of a day depend on: days of one kind are alike to the minute. Positions as in the tariff."""

    version: int
    """-1 where none is in force."""
    season: int
    """-1 where none holds."""
    month: int
    """0 where no period asks for it."""
    weekday: int
    holiday: bool
    after_holiday: bool


@dataclass(frozen=True, slots=True)
class DayRun:
    """Days one after the other, both included, with one version, season and month. Positions as in `DayKind`."""

    first: date
    last: date
    version: int
    season: int
    month: int


class DayRules:
    """The rules of one tariff, looked up by date."""

    def __init__(self, tariff: Tariff) -> None:
        self.tariff = tariff
        self._effective = [version.effective for version in tariff.version]
        self._holidays = [Holidays(tariff.holidays_of(version)) for version in tariff.version]
        self._by_month = [any(one.months for one in tariff.periods_of(version)) for version in tariff.version]
        self._pieces: dict[DayKind, tuple[Piece, ...]] = {}
        self._run = DayRun(date.max, date.min, -1, -1, 0)
        self._week: tuple[DayRun, dict[int, tuple[Piece, ...]]] = (self._run, {})
        """The last one looked up, and its weekdays where they decide: who asks day by day finds it again.

        Both are replaced whole, so that threads may share them.
        """

    def version_on(self, day: date) -> Version | None:
        """The version in force on a local day; None before the first, and after one that ended."""
        position = self.run_of(day).version
        return None if position < 0 else self.tariff.version[position]

    def season_on(self, day: date) -> Season | None:
        """The season of a local day; None where no rule covers it."""
        run = self.run_of(day)
        return None if run.season < 0 else self.tariff.seasons_of(self.tariff.version[run.version])[run.season]

    def run_of(self, day: date) -> DayRun:
        """Days around `day` that have its version, season and, where a period asks for it, month; not always all."""
        run = self._run
        if run.first <= day <= run.last:
            return run
        position = self._version_position(day)
        ends = [one - _ONE_DAY for one in self._effective if one > day][:1]
        if position < 0:
            run = DayRun(day, min(ends, default=date.max), -1, -1, 0)
        else:
            version = self.tariff.version[position]
            seasons = self.tariff.seasons_of(version)
            ends += [] if version.last_day is None else [version.last_day]
            ends += [_last_before_change(one, day) for one in seasons]
            ends += [_last_of_month(day)] if self._by_month[position] else []
            season = next((place for place, one in enumerate(seasons) if in_season(one, day)), -1)
            run = DayRun(
                day, min(ends, default=date.max), position, season, day.month if self._by_month[position] else 0
            )
        self._run = run
        return run

    def holiday_on(self, day: date, asked_on: date | None = None) -> HolidayDay | None:
        """Which holiday a local day is, by the list of the version in force (on `asked_on`, else on the day)."""
        position = self._version_position(asked_on or day)
        return None if position < 0 else self._holidays[position].on(day)

    def kind_of(self, day: date) -> DayKind:
        """What a local day's buckets depend on."""
        run = self.run_of(day)
        if run.version < 0:
            return DayKind(-1, -1, 0, 0, False, False)
        holidays = self._holidays[run.version]
        if not holidays.rules:
            return DayKind(run.version, run.season, run.month, day.weekday(), False, False)
        holiday, after = holidays.on(day) is not None, holidays.on(day - _ONE_DAY) is not None
        return DayKind(run.version, run.season, run.month, day.weekday(), holiday, after)

    def pieces(self, day: date) -> tuple[Piece, ...]:
        """The day in order of the clock, a piece for each stretch between two limits; the first begins at 0."""
        week = self._week
        if week[0] is self.run_of(day) and (known := week[1].get(day.weekday())) is not None:
            return known
        kind = self.kind_of(day)
        found = self._pieces.get(kind)
        if found is None:
            found = self._pieces[kind] = tuple(self._laid_out(kind))
        run = self.run_of(day)
        if run.version < 0 or not self._holidays[run.version].rules:  # then a weekday decides
            self._week = (run, {**(week[1] if week[0] is run else {}), day.weekday(): found})
        return found

    def _version_position(self, day: date) -> int:
        position = bisect_right(self._effective, day) - 1
        if position < 0:
            return -1
        last_day = self.tariff.version[position].last_day
        return -1 if last_day is not None and day > last_day else position

    def _laid_out(self, kind: DayKind) -> list[Piece]:
        if kind.version < 0:
            return [Piece(0, "", ())]
        version = self.tariff.version[kind.version]
        seasons, periods = self.tariff.seasons_of(version), self.tariff.periods_of(version)
        season = seasons[kind.season].name if kind.season >= 0 else ""
        if seasons and not season:
            return [Piece(0, "", ())]
        fitting = [one for one in periods if _exists(one, season, kind.month)]
        today = _classes(kind.weekday, kind.holiday)
        yesterday = _classes((kind.weekday - 1) % 7, kind.after_holiday)
        hours = [_Hours.of(one, today, yesterday) for one in fitting]
        limits = {0, *(one.start for one in hours), *(one.end for one in hours)}
        holding = [one for one in hours if one.today or one.yesterday]
        pieces = []
        for minute in sorted(limits - {MINUTES_A_DAY}):
            claims = [one for one in holding if one.began_today(minute) or one.began_yesterday(minute)]
            bucket = bucket_name(season, claims[0].period.name) if claims else ""
            from_yesterday = bool(claims) and not claims[0].began_today(minute)
            pieces.append(Piece(minute, bucket, tuple(one.period for one in claims), from_yesterday))
        return pieces


@dataclass(frozen=True, slots=True)
class _Hours:
    """A period's minutes, and whether it holds for what begins today and for what began yesterday."""

    period: Period
    start: int
    end: int
    today: bool
    yesterday: bool

    @staticmethod
    def of(period: Period, today: tuple[DayClass, ...], yesterday: tuple[DayClass, ...]) -> "_Hours":
        days = frozenset(period.days)
        return _Hours(
            period,
            period.start_minute,
            period.end_minute,
            today=not days.isdisjoint(today),
            yesterday=not days.isdisjoint(yesterday),
        )

    def began_today(self, minute: int) -> bool:
        return self.today and minute >= self.start and (minute < self.end or self.end <= self.start)

    def began_yesterday(self, minute: int) -> bool:
        return self.yesterday and minute < self.end <= self.start


def in_season(season: Season, day: date) -> bool:
    """Whether a date lies in a season, both ends included."""
    first, last, here = month_day_of(season.first), month_day_of(season.last), (day.month, day.day)
    return first <= here <= last if first <= last else here >= first or here <= last


def _last_before_change(season: Season, day: date) -> date:
    """The last day from `day` on before the season can begin or end."""
    changes = [one for year in (day.year, day.year + 1) for one in _changes_in(season, year) if one > day]
    return min(changes) - _ONE_DAY


def _changes_in(season: Season, year: int) -> tuple[date, date]:
    """The first day of a season and the first one after it. 29 February stands for 1 March where there is none."""
    first, last = month_day_of(season.first), month_day_of(season.last)
    return _first_from(year, *first), _first_from(year, last[0], last[1] + 1)


def _first_from(year: int, month: int, day: int) -> date:
    """The first day of a year at or after a day of the calendar that need not exist, such as 31 June."""
    try:
        return date(year, month, day)
    except ValueError:
        return date(year + month // 12, month % 12 + 1, 1)


def _last_of_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1) - _ONE_DAY


def _exists(period: Period, season: str, month: int) -> bool:
    return (not period.seasons or season in period.seasons) and (not period.months or month in period.months)


def _classes(weekday: int, holiday: bool) -> tuple[DayClass, ...]:
    if holiday:
        return DayClass.EVERY, DayClass.HOLIDAY
    return DayClass.EVERY, DayClass.WEEKDAY if weekday < 5 else DayClass.WEEKEND, _WEEKDAYS[weekday]
