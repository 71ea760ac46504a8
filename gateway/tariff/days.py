"""Which bucket each minute of one local day has, by the tariff's rules. Pure dates and minutes; no UTC here.

Version and season go by the date of the minute itself, so they change at local midnight; a period that runs
over midnight keeps the weekday class of the day on which it began.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from .types import MINUTES_A_DAY, DayClass, Period, Season, Tariff, Version, bucket_name, month_day_of

_WEEKDAYS = tuple(DayClass)[4:]
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Piece:
    """From `minute` of `day` on holds `bucket` (empty: unassigned), decided by the other fields."""

    day: date
    minute: int
    bucket: str
    version: Version | None
    season: Season | None
    period: Period | None


class DayRules:
    """The rules of one tariff, looked up by date."""

    def __init__(self, tariff: Tariff) -> None:
        self.tariff = tariff
        self._effective = [version.effective for version in tariff.version]
        self._holidays = {holiday.date: holiday.name for holiday in tariff.holiday}

    def version_on(self, day: date) -> Version | None:
        """The version in force on a local day; None before the first."""
        position = bisect_right(self._effective, day)
        return self.tariff.version[position - 1] if position else None

    def season_on(self, day: date) -> Season | None:
        """The season of a local day; None where no rule covers it."""
        version = self.version_on(day)
        if version is None:
            return None
        return next((one for one in self.tariff.seasons_of(version) if in_season(one, day)), None)

    def classes_of(self, day: date) -> tuple[DayClass, ...]:
        """The classes a local day belongs to."""
        if day in self._holidays:
            return DayClass.EVERY, DayClass.HOLIDAY
        kind = DayClass.WEEKDAY if day.weekday() < 5 else DayClass.WEEKEND
        return DayClass.EVERY, kind, _WEEKDAYS[day.weekday()]

    def holiday_name(self, day: date) -> str | None:
        """The name of a holiday; None on other days."""
        return self._holidays.get(day)

    def pieces(self, day: date) -> Iterator[Piece]:
        """The day in order of the clock, a piece for each stretch between two limits; the first begins at 0."""
        version, season = self.version_on(day), self.season_on(day)
        periods = () if version is None else self.tariff.periods_of(version)
        if version is not None and season is None and self.tariff.seasons_of(version):
            periods = ()
        limits = {0, *(one.start_minute for one in periods), *(one.end_minute for one in periods)}
        today, yesterday = self.classes_of(day), self.classes_of(day - _ONE_DAY)
        for minute in sorted(limits - {MINUTES_A_DAY}):
            period = next(
                (one for one in periods if _fits(one, season, minute, today, yesterday)),
                None,
            )
            bucket = "" if period is None else bucket_name(season.name if season else "", period.name)
            yield Piece(day, minute, bucket, version, season, period)


def in_season(season: Season, day: date) -> bool:
    """Whether a date lies in a season, both ends included."""
    first, last, here = month_day_of(season.first), month_day_of(season.last), (day.month, day.day)
    return first <= here <= last if first <= last else here >= first or here <= last


def _fits(
    period: Period, season: Season | None, minute: int, today: tuple[DayClass, ...], yesterday: tuple[DayClass, ...]
) -> bool:
    if period.seasons and (season is None or season.name not in period.seasons):
        return False
    start, end = period.start_minute, period.end_minute
    began_today = minute >= start and (minute < end or end <= start)
    began_yesterday = end <= start and minute < end
    return (began_today and any(one in today for one in period.days)) or (
        began_yesterday and any(one in yesterday for one in period.days)
    )
