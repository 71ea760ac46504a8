"""Which days are holidays: the rules of a list laid out year by year, and moved where they fall on a weekend.

Utilities differ from each other and from any library's "US", so every list is data with its own observance
(config/holidays, or [[holiday]] in a tariff). Pure dates; knows no tariff and no zone.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from .dates import parse_rule
from .types import Holiday, Observance

_SATURDAY, _SUNDAY = 5, 6
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class HolidayDay:
    """One day that is a holiday, and why."""

    day: date
    name: str
    named: date
    """The day that the rule names; another than `day` where the holiday is observed for it."""
    rule: Holiday

    def __str__(self) -> str:
        if self.day == self.named:
            return self.name
        return f"{self.name}, observed for {self.named:%A} {self.named.isoformat()}"


class Holidays:
    """The holidays of one list, by date. Years are laid out when they are first asked for, and kept."""

    def __init__(self, rules: Iterable[Holiday]) -> None:
        self.rules = tuple(rules)
        self._parsed = tuple(None if one.date is not None else parse_rule(one.on) for one in self.rules)
        self._years: dict[int, dict[date, HolidayDay]] = {}

    def on(self, day: date) -> HolidayDay | None:
        """The holiday of a day; of two on one day the first in the list."""
        if not self.rules:
            return None
        known = self._years.get(day.year)
        if known is None:
            known = self._years[day.year] = self._laid_out(day.year)
        return known.get(day)

    def in_year(self, year: int) -> tuple[HolidayDay, ...]:
        """All of a year, in order."""
        self.on(date(year, 1, 1))
        return tuple(sorted(self._years.get(year, {}).values(), key=lambda one: one.day))

    def _laid_out(self, year: int) -> dict[date, HolidayDay]:
        """The years before and after are laid out too: a holiday of 1 January can be observed on 31 December."""
        named = [pair for one in (year - 1, year, year + 1) for pair in self._named_in(one)]
        taken = {day for _, day in named}
        found: dict[date, HolidayDay] = {}
        for rule, day in named:
            observed = _observed(rule.observed or Observance.NONE, day, taken)
            taken.add(observed)
            for one in (day, observed) if rule.keep_day else (observed,):
                if one.year == year:
                    found.setdefault(one, HolidayDay(one, rule.name, day, rule))
        return found

    def _named_in(self, year: int) -> Iterator[tuple[Holiday, date]]:
        for rule, parsed in zip(self.rules, self._parsed, strict=True):
            if not (rule.first_year or year) <= year <= (rule.last_year or year):
                continue
            day = rule.date if parsed is None else parsed.in_year(year)
            if day is not None and (parsed is not None or day.year == year):
                yield rule, day


def _observed(observance: Observance, day: date, taken: set[date]) -> date:
    """The day on which a holiday that falls on `day` is observed."""
    weekday = day.weekday()
    if weekday < _SATURDAY or observance is Observance.NONE:
        return day
    if observance is Observance.NEXT_WORKDAY:
        later = day + _ONE_DAY
        while later.weekday() >= _SATURDAY or later in taken:
            later += _ONE_DAY
        return later
    to_friday = observance in (Observance.SATURDAY_TO_FRIDAY, Observance.NEAREST_WEEKDAY)
    to_monday = observance in (Observance.SUNDAY_TO_MONDAY, Observance.NEAREST_WEEKDAY)
    if weekday == _SATURDAY:
        return day - _ONE_DAY if to_friday else day
    return day + _ONE_DAY if to_monday else day
