"""What a whole account may say: the true energy of every interval and bucket, and the largest doubt that may be told.

From a truth file, the history of the wall clock, the tariff's edges, and the readings that were booked. Each thing
that cannot be is a complaint in words; an honest account has none. Imports nothing of the program under test.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

from tests.oracle.etouc import edges, stretches
from tests.oracle.truth import (
    MILLIW_US_IN_A_MILLIWH,
    Poll,
    Register,
    Truth,
    WallClock,
    bucket_energy,
    most_doubt_at_edge,
)

DIRECTIONS = ("import", "export")
Row = Mapping[str, int]


@dataclass(frozen=True)
class Spell:
    """From a true instant on: how far the wall clock was off, and whether that was known to be the time."""

    from_us: int
    offset_us: int
    known: bool


def clock_of(spells: Sequence[Spell]) -> WallClock:
    """The clock that the account lives by: what was read before the time was known is placed by the first known."""
    first = next(index for index, spell in enumerate(spells) if spell.known)
    later = [(spell.from_us, spell.offset_us) for spell in spells[first + 1 :] if spell.known]
    return WallClock(((0, spells[first].offset_us), *later))


@dataclass(frozen=True)
class Kept:
    """A reading that was booked: the window that the books gave it, the true one, and what the registers showed."""

    wall: Poll
    true: Poll
    shown: Row

    @property
    def true_instant_us(self) -> int:
        """The middle, at which it is booked."""
        return self.true.earliest_us + (self.true.latest_us - self.true.earliest_us) // 2


@dataclass(frozen=True)
class Account:
    """What one meter's books came to: closed intervals in order, and the last live account."""

    intervals: Sequence[Mapping[str, int]]
    buckets: Mapping[tuple[str, str], int]
    """(direction, bucket): what is booked in it."""
    uncertain: Mapping[tuple[str, str], int]


@dataclass(frozen=True)
class Oracle:
    """Knows one meter's truth and the clock by which it was read."""

    truth: Truth
    register: Register
    clock: WallClock
    kept: Sequence[Kept]
    interval_min: int = 15
    slack_us: int = 5_000_000
    """How far two looks at the clock, one for the wall and one for the truth, can lie apart."""

    def complaints(self, account: Account) -> list[str]:
        """All that cannot be, if truth, clock and readings are what was given."""
        found = [*self._of_clock(), *self._of_registers()]
        if found:
            return found  # with wrong times every sum is wrong: the cause alone is told
        for direction in DIRECTIONS:
            found += self._of_intervals(direction, account.intervals)
            found += self._of_buckets(direction, account)
        return found

    def _of_clock(self) -> list[str]:
        """Every reading stands where the wall clock was, or would have been."""
        return [
            f"a reading of true {one.true.latest_us} stands at {one.wall.latest_us},"
            f" the clock showed {self.clock.shown(one.true.latest_us)}"
            for one in self.kept
            if abs(one.wall.latest_us - self.clock.shown(one.true.latest_us)) > self.slack_us
        ]

    def _of_registers(self) -> list[str]:
        """Between the first reading and any later one no more and no less was shown than truly flowed."""
        first, slack = self.kept[0], self.register.below_milliwh + self.register.above_milliwh
        found = []
        for one in self.kept[1:]:
            for direction in DIRECTIONS:
                grown = one.shown[direction] - first.shown[direction]
                from_us = max(one.true.earliest_us, first.true.latest_us)
                least = self.truth.energy(direction, first.true.latest_us, from_us) - slack
                most = self.truth.energy(direction, first.true.earliest_us, one.true.latest_us) + slack
                if not least <= grown <= most:
                    found.append(f"{direction} grew by {grown} until {one.true.latest_us}: not the truth's")
        return found

    def _true_us(self, wall_us: int) -> int:
        """When the clock first showed that."""
        return min(start_us for start_us, _ in self.clock.spans(wall_us, wall_us + 1))

    def _step_doubt(self) -> int:
        """The most that flows in the longest time by which the clock was set."""
        offsets = [offset_us for _, offset_us in self.clock.offsets]
        longest_us = max((abs(b - a) for a, b in pairwise(offsets)), default=0)
        slack_us = self.slack_us if longest_us else 0
        return ceil(Fraction(self.register.limit_milliw * (longest_us + slack_us), MILLIW_US_IN_A_MILLIWH))

    def _start_doubt(self) -> int:
        """The first register of all: its digit, and what the service can carry within its window."""
        window_us = self.kept[0].true.latest_us - self.kept[0].true.earliest_us
        flow = Fraction(self.register.limit_milliw * window_us, MILLIW_US_IN_A_MILLIWH)
        return self.register.resolution_milliwh + self.register.rounding_milliwh + ceil(flow)

    def _edge_doubt(self, direction: str, wall_us: int) -> Fraction:
        """Of an edge; of one that the clock showed more than once, each time."""
        polls = [one.true for one in self.kept]
        shown_us = [start_us for start_us, _ in self.clock.spans(wall_us, wall_us + 1)]
        return sum(
            (most_doubt_at_edge(self.truth, direction, at_us, polls, self.register) for at_us in shown_us), Fraction(0)
        )

    def _was_set_in(self, start_us: int, end_us: int) -> bool:
        """Whether a reading by another offset than at the start can have closed or begun a stretch of true time."""
        reach_us = max(one.true.latest_us - one.true.earliest_us for one in self.kept) * 2
        return any(start_us <= from_us <= end_us + reach_us for from_us, _ in self.clock.offsets[1:])

    def _of_intervals(self, direction: str, intervals: Sequence[Row]) -> list[str]:
        """An interval is judged by the clock as it was: where its time came twice, by what flowed each time."""
        found = []
        expected = [at for at, _ in edges(intervals[0]["start_utc_us"], intervals[-1]["end_utc_us"], self.interval_min)]
        if [one["end_utc_us"] for one in intervals] != expected:
            found.append(f"intervals end at {[one['end_utc_us'] for one in intervals]}, not at {expected}")
        for index, one in enumerate(intervals):
            start_us, end_us = self._true_us(one["start_utc_us"]), self._true_us(one["end_utc_us"])
            spans = self.clock.spans(one["start_utc_us"], one["end_utc_us"])
            flowed = [self.truth.energy(direction, from_us, to_us) for from_us, to_us in spans]
            true = floor(sum(flowed, Fraction(0)) + Fraction(1, 2))
            booked, told = one[f"{direction}_milliwh"], one[f"{direction}_uncertain_milliwh"]
            start = self._edge_doubt(direction, one["start_utc_us"]) if index else self._start_doubt()
            largest = floor(start + self._edge_doubt(direction, one["end_utc_us"]))
            largest += self._step_doubt() if self._was_set_in(start_us, end_us) else 0
            if len(spans) > 1:  # by the right clock, what flowed the first time or the second belongs elsewhere
                largest += ceil(max(flowed)) + 2 * self._step_doubt()
            if not abs(booked - true) <= told <= largest:
                found.append(
                    f"{direction} interval {index + 1}: booked {booked}, true {true}, told {told} of {largest}"
                )
        return found

    def _of_buckets(self, direction: str, account: Account) -> list[str]:
        """A bucket is judged by true time: what a wrong clock put elsewhere must be told in it."""
        first, last = self.kept[0], self.kept[-1]
        start_us = first.true_instant_us
        least, most = (
            bucket_energy(self.truth, direction, stretches(start_us, end_us))
            for end_us in (last.true.earliest_us, last.true.latest_us)
        )
        bucket_edges = [pieces[0] for pieces in stretches(start_us, last.true.latest_us)][1:]
        doubt = sum(floor(self._edge_doubt(direction, at)) + self._step_doubt() for at in bucket_edges)
        found = []
        for bucket in most:
            booked, told = account.buckets[direction, bucket], account.uncertain[direction, bucket]
            # What the last reading leaves open by itself is its digit and its window: nobody tells that.
            running = bucket == stretches(start_us, last.true.latest_us)[-1][2]
            low = floor(least[bucket]) - (self.register.below_milliwh if running else 0)
            high = ceil(most[bucket]) + (self.register.above_milliwh if running else 0)
            begins = bucket == stretches(start_us, last.true.latest_us)[0][2]
            largest = doubt + (self._start_doubt() if begins else 0)
            if not (low - told <= booked <= high + told and told <= largest):
                found.append(f"{direction} {bucket}: booked {booked}, true {low}..{high}, told {told} of {largest}")
        return found
