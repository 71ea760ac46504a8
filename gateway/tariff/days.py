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


class DayRules:
    """The rules of one tariff, looked up by date."""

    def __init__(self, tariff: Tariff) -> None:
        self.tariff = tariff
        self._effective = [version.effective for version in tariff.version]
        self._holidays = [Holidays(tariff.holidays_of(version)) for version in tariff.version]
        self._by_month = [any(one.months for one in tariff.periods_of(version)) for version in tariff.version]
        self._pieces: dict[DayKind, tuple[Piece, ...]] = {}

    def version_on(self, day: date) -> Version | None:
        """The version in force on a local day; None before the first, and after one that ended."""
        position = self._version_position(day)
        return None if position < 0 else self.tariff.version[position]

    def season_on(self, day: date) -> Season | None:
        """The season of a local day; None where no rule covers it."""
        version = self.version_on(day)
        if version is None:
            return None
        return next((one for one in self.tariff.seasons_of(version) if in_season(one, day)), None)

    def changes_in(self, first: date, last: date) -> bool:
        """Whether the version or the season can change between two days; false only where neither does."""
        position = self._version_position(first)
        if position != self._version_position(last):
            return True
        return position >= 0 and bool(self.tariff.seasons_of(self.tariff.version[position]))

    def holiday_on(self, day: date, asked_on: date | None = None) -> HolidayDay | None:
        """Which holiday a local day is, by the list of the version in force (on `asked_on`, else on the day)."""
        position = self._version_position(asked_on or day)
        return None if position < 0 else self._holidays[position].on(day)

    def kind_of(self, day: date) -> DayKind:
        """What a local day's buckets depend on."""
        position = self._version_position(day)
        if position < 0:
            return DayKind(-1, -1, 0, 0, False, False)
        seasons = self.tariff.seasons_of(self.tariff.version[position])
        season = next((place for place, one in enumerate(seasons) if in_season(one, day)), -1)
        holidays = self._holidays[position]
        holiday, after = holidays.on(day) is not None, holidays.on(day - _ONE_DAY) is not None
        month = day.month if self._by_month[position] else 0
        return DayKind(position, season, month, day.weekday(), holiday, after)

    def pieces(self, day: date) -> tuple[Piece, ...]:
        """The day in order of the clock, a piece for each stretch between two limits; the first begins at 0."""
        kind = self.kind_of(day)
        found = self._pieces.get(kind)
        if found is None:
            found = self._pieces[kind] = tuple(self._laid_out(kind))
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


def _exists(period: Period, season: str, month: int) -> bool:
    return (not period.seasons or season in period.seasons) and (not period.months or month in period.months)


def _classes(weekday: int, holiday: bool) -> tuple[DayClass, ...]:
    if holiday:
        return DayClass.EVERY, DayClass.HOLIDAY
    return DayClass.EVERY, DayClass.WEEKDAY if weekday < 5 else DayClass.WEEKEND, _WEEKDAYS[weekday]
