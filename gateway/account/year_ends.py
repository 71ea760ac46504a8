"""Years that end with a day of the calendar, whatever the permission's anniversary: Pennsylvania's end with May.

A programme's option says by which: the bill that holds 31 May, or the day itself, which cuts a bill in two. Dates only.
(net-metering 1.5; corrections A-11)
"""

from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum

from ..tariff.cycles import Cycle
from .programme_file import ProgrammeFile
from .terms import AccountTerms

OPTION = "year_end"


class YearEnd(StrEnum):
    """How a year that ends with 31 May lies among the bills."""

    BILL = "cycle_containing_may31"
    DAY = "exact_june1"


def year_ends_of(terms: AccountTerms, programmes: Mapping[str, ProgrammeFile]) -> dict[str, YearEnd]:
    """Programme -> how its year ends, for those that have such a year."""
    customer = terms.customer
    return {
        name: YearEnd(file.choice(OPTION, customer.utility, terms.choices, customer.kind))
        for name, file in programmes.items()
        if file.has_option(OPTION)
    }


def cuts_of(cycle: Cycle, ends: Mapping[str, YearEnd], programme: str) -> Iterator[date]:
    """The firsts of June within a cycle, where the programme's year is cut there."""
    if ends.get(programme) is YearEnd.DAY:
        yield from (one for one in _days(cycle, 6, 1) if one > cycle.first_day)


def ends_year(cycle: Cycle) -> bool:
    """Whether it holds a 31 May."""
    return any(_days(cycle, 5, 31))


def last_day_of_year(closing: Cycle) -> date:
    """The 31 May within the cycle that closes a year; where the year ends early, that cycle's last day."""
    return next(_days(closing, 5, 31), closing.last_day)


def follows_year_end(first: date, end: YearEnd) -> bool:
    """Whether a year begins for certain with a bill of that first day: a cycle has 28 days or more."""
    last = 1 if end is YearEnd.DAY else 28
    return date(first.year, 6, 1) <= first <= date(first.year, 6, last)


def _days(cycle: Cycle, month: int, day: int) -> Iterator[date]:
    for year in range(cycle.first_day.year, cycle.last_day.year + 1):
        if cycle.first_day <= date(year, month, day) <= cycle.last_day:
            yield date(year, month, day)
