"""Any tariff by a walk over the minutes: what the clock shows decides, asked anew for each minute.

Slow and obvious: a day's 1440 minutes are painted, last rule first, so that the first one shows. Holidays are found by
counting the days of a month on one's fingers. The zone rules are the machine's. Imports nothing of the program.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cached_property

ONE_DAY = timedelta(days=1)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
UNASSIGNED = "unassigned"


@dataclass(frozen=True)
class Hours:
    """`name` from minute to minute of the day, over midnight where the end is not after the start."""

    name: str
    start: int
    end: int
    days: tuple[str, ...]
    seasons: tuple[str, ...] = ()
    months: tuple[int, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """One version: its first day, its last (or None), seasons as (name, first, last) of MM-DD, hours, holidays."""

    first: date
    last: date | None
    seasons: tuple[tuple[str, str, str], ...]
    hours: tuple[Hours, ...]
    holidays: frozenset[date] = frozenset()

    def paint(self, day: date) -> list[str]:
        season = ""
        for name, first, last in self.seasons:
            here = f"{day:%m-%d}"
            inside = first <= here <= last if first <= last else (here >= first or here <= last)
            season = name if inside else season
        minutes = [UNASSIGNED] * 1440
        if self.seasons and not season:
            return minutes
        for one in reversed(self.hours):
            if (one.seasons and season not in one.seasons) or (one.months and day.month not in one.months):
                continue
            name = f"{season}_{one.name}" if season else one.name
            for minute in range(1440):
                if self._holds(one, day, minute):
                    minutes[minute] = name
        return minutes

    def _holds(self, one: Hours, day: date, minute: int) -> bool:
        if one.start < one.end:
            return one.start <= minute < one.end and self._is_of(day, one.days)
        return (minute >= one.start and self._is_of(day, one.days)) or (
            minute < one.end and self._is_of(day - ONE_DAY, one.days)
        )

    def _is_of(self, day: date, named: tuple[str, ...]) -> bool:
        if "every" in named:
            return True
        if day in self.holidays:
            return "holiday" in named
        weekday = WEEKDAYS[day.weekday()]
        return weekday in named or ("weekend" if weekday in ("sat", "sun") else "weekday") in named


@dataclass(frozen=True)
class SlowTariff:
    """Versions in order of time, and the clock they go by."""

    clock: tzinfo
    sheets: tuple[Sheet, ...]

    @cached_property
    def _days(self) -> dict[date, list[str]]:
        return {}

    def bucket(self, minute: int) -> str:
        """The bucket of a minute, counted in UTC since 1970."""
        local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)).astimezone(self.clock)
        day = local.date()
        if day not in self._days:
            begun = [one for one in self.sheets if one.first <= day]
            holds = begun and (begun[-1].last is None or day <= begun[-1].last)
            self._days[day] = begun[-1].paint(day) if holds else [UNASSIGNED] * 1440
        return self._days[day][local.hour * 60 + local.minute]


def nth_weekday(year: int, month: int, weekday: str, nth: int) -> date | None:
    """The nth weekday of a month, from 1; -1 is the last. Counted day by day."""
    found = []
    for day in range(1, monthrange(year, month)[1] + 1):
        if WEEKDAYS[date(year, month, day).weekday()] == weekday:
            found.append(date(year, month, day))
    if nth == -1:
        return found[-1]
    return found[nth - 1] if nth <= len(found) else None


def moved(day: date, saturday: int, sunday: int) -> date:
    """A day moved by so many days where it is a Saturday or a Sunday."""
    return day + timedelta(days={5: saturday, 6: sunday}.get(day.weekday(), 0))
