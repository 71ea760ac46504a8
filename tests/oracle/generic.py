"""SAM's ways to bill, reckoned quarter by quarter in fractions for one made-up rate. Imports nothing of ours.

The rate: peak from 16 to 21 by the clock on the wall, summer from June to September, two tiers by kWh a day of the
days of a season in the bill. A reading that comes late has its energy spread evenly over the quarters before it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from fractions import Fraction
from itertools import pairwise

QUARTER = timedelta(minutes=15)
Reading = tuple[datetime, int, int]
"""Instant, import and export register in watt-hours."""


@dataclass(frozen=True)
class Rate:
    """By bucket (`summer_peak`): price below and above the limit, the same for exports."""

    price: Mapping[str, tuple[Fraction, Fraction]]
    export: Mapping[str, tuple[Fraction, Fraction]]
    limit_a_day: Mapping[str, Fraction]
    """By season."""


@dataclass(frozen=True)
class Quarter:
    """Local day, bucket, kWh taken and given."""

    day: date
    bucket: str
    taken: Fraction
    given: Fraction

    @property
    def season(self) -> str:
        return self.bucket.split("_", 1)[0]


def quarters(readings: Sequence[Reading], zone: tzinfo) -> Iterator[Quarter]:
    for (at, taken, given), (later, taken_later, given_later) in pairwise(readings):
        count = (later - at) // QUARTER
        for number in range(count):
            local = (at + number * QUARTER).astimezone(zone)
            season = "summer" if 6 <= local.month <= 9 else "winter"
            bucket = f"{season}_{'peak' if 16 <= local.hour < 21 else 'off_peak'}"
            kwh = Fraction(taken_later - taken, 1000 * count), Fraction(given_later - given, 1000 * count)
            yield Quarter(local.date(), bucket, *kwh)


def seasons(first: date, last: date) -> dict[str, int]:
    """Days of each season in a bill."""
    days: dict[str, int] = defaultdict(int)
    for number in range((last - first).days + 1):
        days["summer" if 6 <= (first + timedelta(days=number)).month <= 9 else "winter"] += 1
    return days


def in_order(bill: Sequence[Quarter], rate: Rate, days: Mapping[str, int]) -> tuple[Fraction, Fraction]:
    """Charges and credits where each quarter is priced in the tier that the season's energy had come to."""
    charge = credit = Fraction(0)
    taken: dict[str, Fraction] = defaultdict(Fraction)
    given: dict[str, Fraction] = defaultdict(Fraction)
    for one in bill:
        limit = rate.limit_a_day[one.season] * days[one.season]
        charge += _priced(taken[one.season], one.taken, limit, rate.price[one.bucket])
        credit += _priced(given[one.season], one.given, limit, rate.export[one.bucket])
        taken[one.season] += one.taken
        given[one.season] += one.given
    return charge, credit


def _priced(before: Fraction, kwh: Fraction, limit: Fraction, prices: tuple[Fraction, Fraction]) -> Fraction:
    below = max(Fraction(0), min(kwh, limit - before))
    return below * prices[0] + (kwh - below) * prices[1]


def nets(bill: Sequence[Quarter]) -> dict[str, Fraction]:
    """By bucket, taken less given."""
    found: dict[str, Fraction] = defaultdict(Fraction)
    for one in bill:
        found[one.bucket] += one.taken - one.given
    return found


def by_share(
    amounts: Mapping[str, Fraction],
    prices: Mapping[str, tuple[Fraction, Fraction]],
    rate: Rate,
    days: Mapping[str, int],
) -> Fraction:
    """What amounts by bucket cost, each season's tiers shared over its buckets in proportion."""
    worth = Fraction(0)
    for season, count in days.items():
        own = {bucket: kwh for bucket, kwh in amounts.items() if bucket.startswith(season) and kwh > 0}
        whole = sum(own.values(), Fraction(0))
        if not whole:
            continue
        below = min(Fraction(1), rate.limit_a_day[season] * count / whole)
        worth += sum((kwh * (below * prices[b][0] + (1 - below) * prices[b][1]) for b, kwh in own.items()), Fraction(0))
    return worth
