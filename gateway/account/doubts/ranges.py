"""A figure that is not known exactly: the lowest and the highest that it can be. Exact; no energy, no bill here.

A sum of ranges holds every sum of what may be in them. A function that never falls with one argument and never rises
with another is at its ends where they are (`monotone`): so no more is told than can be.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ..money import ZERO


@dataclass(frozen=True, slots=True)
class Range:
    """From `low` to `high`, both possible."""

    low: Decimal
    high: Decimal

    def __post_init__(self) -> None:
        if self.high < self.low:
            raise ValueError(f"empty range {self.low} .. {self.high}")

    def __add__(self, other: "Range") -> "Range":
        return Range(self.low + other.low, self.high + other.high)

    def __sub__(self, other: "Range") -> "Range":
        return Range(self.low - other.high, self.high - other.low)

    def __neg__(self) -> "Range":
        return Range(-self.high, -self.low)

    def times(self, factor: Decimal) -> "Range":
        ends = (self.low * factor, self.high * factor)
        return Range(min(ends), max(ends))

    @property
    def is_sure(self) -> bool:
        return self.low == self.high

    @property
    def not_below_zero(self) -> "Range":
        return Range(max(ZERO, self.low), max(ZERO, self.high))

    @property
    def not_above_zero(self) -> "Range":
        return Range(min(ZERO, self.low), min(ZERO, self.high))

    def furthest_from(self, amount: Decimal) -> Decimal:
        """How far off `amount` can be."""
        return max(ZERO, self.high - amount, amount - self.low)

    def holds(self, amount: Decimal) -> bool:
        return self.low <= amount <= self.high


def sure(amount: Decimal) -> Range:
    """Known exactly."""
    return Range(amount, amount)


def around(amount: Decimal, off: Decimal) -> Range:
    """At most `off` to either side."""
    return Range(amount - off, amount + off)


def hull(ranges: Iterable[Range]) -> Range:
    """All that may be in any of them; there is at least one."""
    every = list(ranges)
    return Range(min(one.low for one in every), max(one.high for one in every))


def both(one: Range, other: Range) -> Range:
    """What is in both, which there is: each holds the truth."""
    return Range(max(one.low, other.low), min(one.high, other.high))


def sum_of(ranges: Iterable[Range]) -> Range:
    """All together."""
    whole = NOTHING
    for one in ranges:
        whole = whole + one
    return whole


def monotone(function: Callable[..., Decimal], rising: Sequence[Range], falling: Sequence[Range] = ()) -> Range:
    """What a function can be that never falls with `rising` (its first arguments), never rises with `falling`."""
    return Range(
        function(*(one.low for one in rising), *(one.high for one in falling)),
        function(*(one.high for one in rising), *(one.low for one in falling)),
    )


NOTHING = sure(ZERO)


@dataclass(frozen=True, slots=True)
class Spent:
    """What a bank that holds so much pays of charges of so much, what it then holds, and what is left to pay."""

    used: Range
    after: Range
    left: Range


def spend(held: Range, charges: Range) -> Spent:
    """min(held, charges), where either is below zero nothing is paid."""
    return Spent(
        monotone(_used, (held, charges)),
        monotone(lambda bank, owed: bank - _used(bank, owed), (held,), (charges,)),
        monotone(lambda owed, bank: owed - _used(bank, owed), (charges,), (held,)),
    )


def _used(held: Decimal, charges: Decimal) -> Decimal:
    return max(ZERO, min(held, charges))
