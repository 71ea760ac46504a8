"""A bill reckoned the slow and obvious way: quarter by quarter of an hour, in fractions. Imports nothing of ours.

E-TOU-C's hours alone: peak from 16 to 21 by the clock on the wall, summer from June to September. A reading that comes
later than a quarter of an hour has its energy spread evenly over the quarters since the one before.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from fractions import Fraction
from itertools import pairwise
from math import floor

QUARTER = timedelta(minutes=15)


@dataclass(frozen=True)
class Sheet:
    """Prices from a day on."""

    first: date
    price: Mapping[str, Fraction]
    non_bypassable: Fraction
    baseline_credit: Fraction
    fixed_a_day: Fraction
    allowance_a_day: Mapping[str, Fraction]


@dataclass
class Sums:
    """One bucket during the days of one price, kWh."""

    taken: Fraction = Fraction(0)
    given: Fraction = Fraction(0)
    beyond: Fraction = Fraction(0)
    """Taken beyond what was given, each quarter for itself."""

    @property
    def net(self) -> Fraction:
        return self.taken - self.given


@dataclass
class Bill:
    """A bill's days, and what they came to: (sheet's first day, season, bucket) -> energy; season -> days."""

    first: date
    last: date
    credited: bool
    energy: dict[tuple[date, str, str], Sums] = field(default_factory=lambda: defaultdict(Sums))
    days: dict[tuple[date, str], int] = field(default_factory=lambda: defaultdict(int))


Reading = tuple[datetime, int, int]
"""Instant, import and export register in watt-hours."""


def reckon(readings: Sequence[Reading], bills: Sequence[Bill], sheets: Sequence[Sheet], zone: tzinfo) -> None:
    """Fills the bills."""
    for bill in bills:
        day = bill.first
        while day <= bill.last:
            bill.days[sheet_on(sheets, day).first, season_of(day)] += 1
            day += timedelta(days=1)
    for at, taken, given in quarters(readings):
        local = at.astimezone(zone)
        for bill in bills:
            if bill.first <= local.date() <= bill.last:
                season = season_of(local.date())
                bucket = "peak" if 16 <= local.hour < 21 else "off_peak"
                sums = bill.energy[sheet_on(sheets, local.date()).first, season, bucket]
                sums.taken += taken
                sums.given += given
                sums.beyond += max(Fraction(0), taken - given)


def quarters(readings: Sequence[Reading]) -> Iterator[tuple[datetime, Fraction, Fraction]]:
    """Each quarter's beginning and its energy, kWh."""
    for before, after in pairwise(readings):
        count = (after[0] - before[0]) // QUARTER
        for number in range(count):
            shares = (Fraction(after[side] - before[side], count * 1000) for side in (1, 2))
            yield before[0] + number * QUARTER, *shares


def lines_of(bill: Bill, sheets: Sequence[Sheet]) -> dict[str, list[Fraction]]:
    """Exact lines by kind: energy, baseline, non_bypassable, fixed."""
    lines: dict[str, list[Fraction]] = {"energy": [], "baseline": [], "non_bypassable": [], "fixed": []}
    by_first = {sheet.first: sheet for sheet in sheets}
    for (first, season, bucket), sums in bill.energy.items():
        sheet = by_first[first]
        price = sheet.price[f"{season}_{bucket}"]
        if bill.credited:
            lines["energy"].append(sums.net * (price - sheet.non_bypassable))
        else:
            lines["energy"].append(sums.taken * price)
    for first, season in bill.days:  # one price for all hours: one line for the days of a sheet and season
        beyond = sum((one.beyond for key, one in bill.energy.items() if key[:2] == (first, season)), Fraction(0))
        lines["non_bypassable"].append(beyond * by_first[first].non_bypassable if bill.credited else Fraction(0))
    sign = 1 if sum(block_net(bill, key) for key in bill.days) > 0 else -1
    for (first, season), days in bill.days.items():
        sheet = by_first[first]
        within = min(max(Fraction(0), sign * block_net(bill, (first, season))), sheet.allowance_a_day[season] * days)
        lines["baseline"].append(-sign * within * sheet.baseline_credit)
    for sheet in sheets:
        days = sum(count for (first, _), count in bill.days.items() if first == sheet.first)
        if sheet.fixed_a_day and days:
            lines["fixed"].append(sheet.fixed_a_day * days)
    return lines


def block_net(bill: Bill, key: tuple[date, str]) -> Fraction:
    """The net of the days of one price; what counts before credits is what was taken."""
    sums = [one for (first, season, _), one in bill.energy.items() if (first, season) == key]
    return sum((one.net if bill.credited else one.taken for one in sums), Fraction(0))


def cents(exact: Fraction) -> Fraction:
    """To the cent, half up, away from zero below it."""
    size = Fraction(floor(abs(exact) * 100 + Fraction(1, 2)), 100)
    return size if exact >= 0 else -size


def sheet_on(sheets: Sequence[Sheet], day: date) -> Sheet:
    return max((sheet for sheet in sheets if sheet.first <= day), key=lambda sheet: sheet.first)


def season_of(day: date) -> str:
    return "summer" if 6 <= day.month <= 9 else "winter"
