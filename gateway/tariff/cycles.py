"""Billing cycles from the dates on which the utility read the meter: 28 to 33 days, and what changes within one.

Read dates are a customer's data (the account keeps them), never guessed from a month. Pure local dates, both ends
included as bills print them; instants come from the zone, so a cycle over a change of the clock is an hour shorter.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from enum import StrEnum
from itertools import pairwise

from .days import DayRules
from .types import Season, Version
from .walltime import wall_to_us

SHORTEST_DAYS, LONGEST_DAYS = 28, 33
"""What utilities call a normal cycle; first and closing bills are shorter, a missed read makes a long one."""

_ONE_DAY = timedelta(days=1)


class ReadDay(StrEnum):
    """What a read date means. Bills differ, so it must be chosen."""

    FIRST_DAY = "first_day"
    """The day begins the new cycle."""
    LAST_DAY = "last_day"
    """The day ends the old cycle, as in `06/08/2026 - 07/07/2026 (30 billing days)`."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """Local days of one bill, both included."""

    first_day: date
    last_day: date

    def __post_init__(self) -> None:
        if self.last_day < self.first_day:
            raise ValueError(f"empty billing cycle {self.first_day} .. {self.last_day}")

    @property
    def days(self) -> int:
        """How many days a daily charge is due."""
        return (self.last_day - self.first_day).days + 1

    @property
    def is_usual(self) -> bool:
        """Whether its length is what utilities promise; another is worth a word, not an error."""
        return SHORTEST_DAYS <= self.days <= LONGEST_DAYS

    def edges_us(self, zone: tzinfo) -> tuple[int, int]:
        """From local midnight of the first day to that after the last, UTC microseconds."""
        return wall_to_us(self.first_day, 0, zone), wall_to_us(self.last_day + _ONE_DAY, 0, zone)


@dataclass(frozen=True, slots=True)
class Block:
    """Days of one cycle with the same version and season: a bill prints them apart."""

    first_day: date
    last_day: date
    version: Version | None
    season: Season | None

    @property
    def days(self) -> int:
        return (self.last_day - self.first_day).days + 1


def cycles_of(read_dates: Sequence[date], meaning: ReadDay) -> tuple[Cycle, ...]:
    """The whole cycles between read dates. Raises ValueError where they are not in order, or one comes twice."""
    for earlier, later in pairwise(read_dates):
        if later <= earlier:
            raise ValueError(f"read dates must be in order: {later} follows {earlier}")
    firsts = [one + _ONE_DAY if meaning is ReadDay.LAST_DAY else one for one in read_dates]
    return tuple(Cycle(first, following - _ONE_DAY) for first, following in pairwise(firsts))


def cycle_on(cycles: Sequence[Cycle], day: date) -> Cycle | None:
    """The cycle that a local day belongs to; None before the first and after the last."""
    position = bisect_right(cycles, day, key=lambda one: one.first_day) - 1
    if position < 0 or day > cycles[position].last_day:
        return None
    return cycles[position]


def expected_last_days(first_day: date) -> tuple[date, date]:
    """The earliest and the latest last day of a cycle that has begun and is not read yet."""
    return first_day + timedelta(days=SHORTEST_DAYS - 1), first_day + timedelta(days=LONGEST_DAYS - 1)


def month_of(day: date) -> Cycle:
    """The calendar month of a day, for accounts that are settled by months."""
    first = day.replace(day=1)
    return Cycle(first, (first + timedelta(days=31)).replace(day=1) - _ONE_DAY)


def blocks_of(cycle: Cycle, rules: DayRules) -> tuple[Block, ...]:
    """The cycle cut where the version (its prices) or the season changes, in order."""
    return tuple(_blocks(cycle, rules))


def _blocks(cycle: Cycle, rules: DayRules) -> Iterator[Block]:
    first = day = cycle.first_day
    held = rules.version_on(day), rules.season_on(day)
    while (last := rules.run_of(day).last) < cycle.last_day:
        day = last + _ONE_DAY
        here = rules.version_on(day), rules.season_on(day)
        if here[0] is not held[0] or here[1] is not held[1]:
            yield Block(first, day - _ONE_DAY, *held)
            first, held = day, here
    yield Block(first, cycle.last_day, *held)
