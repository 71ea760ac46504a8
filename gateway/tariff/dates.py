"""A day of every year as tariff sheets name it: `07-04`, `third mon of feb`, `last mon of may`, `easter - 2`.

Pure dates of the Gregorian calendar; no zone, no observance (`holidays` moves what falls on a weekend). The grammar:

    MM-DD | NTH DAY of MONTH | DAY on or before MM-DD | DAY on or after MM-DD | easter     each with  + N  or  - N  days

NTH is first .. fifth or last, DAY mon .. sun, MONTH jan .. dec. Easter is the Western one.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum

from .types import month_day_of

NTH = ("first", "second", "third", "fourth", "fifth", "last")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MOST_DAYS_OFF = 60
_LAST = NTH.index("last")
_OFFSET = re.compile(r"(.*?)(?: ([+-]) (\d{1,2}))?")
_NTH_RULE = re.compile(rf"({'|'.join(NTH)}) ({'|'.join(WEEKDAYS)}) of ({'|'.join(MONTHS)})")
_NEAR_RULE = re.compile(rf"({'|'.join(WEEKDAYS)}) on or (before|after) (\d\d-\d\d)")
_FIXED_RULE = re.compile(r"\d\d-\d\d")


class Anchor(Enum):
    """What a rule counts from."""

    FIXED = "a day of the year"
    NTH = "a weekday of a month"
    ON_OR_BEFORE = "the weekday on or before a day of the year"
    ON_OR_AFTER = "the weekday on or after a day of the year"
    EASTER = "Easter Sunday"


@dataclass(frozen=True, slots=True)
class DateRule:
    """One rule. `weekday` counts from 0 (Monday), `nth` from 0 (first), 5 is the last; what a kind lacks is 0."""

    anchor: Anchor
    month: int = 0
    day: int = 0
    nth: int = 0
    weekday: int = 0
    offset_days: int = 0

    @property
    def is_fixed(self) -> bool:
        """Whether the day of the week differs from year to year."""
        return self.anchor is Anchor.FIXED

    def in_year(self, year: int) -> date | None:
        """The day that the rule names in `year`; None where it has none, such as 02-29 in 2027."""
        found = self._anchor_in(year)
        return None if found is None else found + timedelta(days=self.offset_days)

    def _anchor_in(self, year: int) -> date | None:
        if self.anchor is Anchor.EASTER:
            return easter(year)
        if self.anchor is Anchor.NTH:
            return _nth_weekday(year, self.month, self.nth, self.weekday)
        try:
            named = date(year, self.month, self.day)
        except ValueError:
            return None
        if self.anchor is Anchor.ON_OR_BEFORE:
            return named - timedelta(days=(named.weekday() - self.weekday) % 7)
        if self.anchor is Anchor.ON_OR_AFTER:
            return named + timedelta(days=(self.weekday - named.weekday()) % 7)
        return named


def parse_rule(text: str) -> DateRule:
    """A rule as a person writes it. Raises ValueError that says what can be written."""
    split = _OFFSET.fullmatch(text)
    base, sign, days = (split[1], split[2], split[3]) if split else (text, None, None)
    offset_days = (-1 if sign == "-" else 1) * int(days or 0)
    if abs(offset_days) > MOST_DAYS_OFF:
        raise ValueError(f'"{text}" is more than {MOST_DAYS_OFF} days from what it names')
    if base == "easter":
        return DateRule(Anchor.EASTER, offset_days=offset_days)
    if nth := _NTH_RULE.fullmatch(base):
        month, weekday = MONTHS.index(nth[3]) + 1, WEEKDAYS.index(nth[2])
        return DateRule(Anchor.NTH, month, nth=NTH.index(nth[1]), weekday=weekday, offset_days=offset_days)
    near = _NEAR_RULE.fullmatch(base)
    if near is None and not _FIXED_RULE.fullmatch(base):
        raise ValueError(f'"{text}" names no day of the year')
    month, day = month_day_of(near[3] if near else base)
    if near is None:
        return DateRule(Anchor.FIXED, month, day, offset_days=offset_days)
    anchor = Anchor.ON_OR_BEFORE if near[2] == "before" else Anchor.ON_OR_AFTER
    return DateRule(anchor, month, day, weekday=WEEKDAYS.index(near[1]), offset_days=offset_days)


def easter(year: int) -> date:
    """Western Easter Sunday: the anonymous Gregorian algorithm (Nature, 20 April 1876, 487)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    weekday = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * weekday) // 451
    month, day = divmod(h + weekday - 7 * m + 114, 31)
    return date(year, month, day + 1)


def _nth_weekday(year: int, month: int, nth: int, weekday: int) -> date | None:
    """The nth weekday of a month (from 0; 5 is the last); None where the month has no fifth."""
    first = date(year, month, 1)
    found = first + timedelta(days=(weekday - first.weekday()) % 7)
    if nth != _LAST:
        found += timedelta(weeks=nth)
        return found if found.month == month else None
    while (found + timedelta(weeks=1)).month == month:
        found += timedelta(weeks=1)
    return found
