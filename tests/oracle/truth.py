"""What truly flowed in a simulated house, and how much doubt about it is honest, in exact fractions.

From a truth file, the history of the wall clock, and a tariff's edges: the energy of every bucket; from a pattern of
polls: the largest uncertainty that may be told at an edge. Slow and obvious. Imports nothing of the program under test.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

MICRO = 1_000_000
MILLIW_US_IN_A_MILLIWH = 3_600_000_000


@dataclass(frozen=True)
class Truth:
    """A meter's true powers, second by second: (second, import_milliw, export_milliw), none left out."""

    seconds: tuple[tuple[int, int, int], ...]

    def __post_init__(self) -> None:
        first_s = self.seconds[0][0]
        assert [row[0] for row in self.seconds] == list(range(first_s, first_s + len(self.seconds)))

    def energy(self, direction: str, from_us: Fraction | int, to_us: Fraction | int) -> Fraction:
        """What flowed in [from, to), milliwatt-hours; nothing before the first second. The power holds for a second."""
        column = {"import": 1, "export": 2}[direction]
        first_s, last_s = self.seconds[0][0], self.seconds[-1][0]
        start, end = max(Fraction(from_us), Fraction(first_s * MICRO)), Fraction(to_us)
        assert end <= (last_s + 1) * MICRO, "the truth ends before that"
        total = Fraction(0)
        at = start
        while at < end:
            second = at // MICRO
            until = min(Fraction((second + 1) * MICRO), end)
            total += self.seconds[second - first_s][column] * (until - at) / MILLIW_US_IN_A_MILLIWH
            at = until
        return total


def read_truth(path: Path, feed: str) -> Truth:
    """The truth of the meter at `feed`: "grid" (load less array), "production" (the array, as export), "load"."""
    seconds = []
    with path.open(encoding="ascii", newline="") as source:
        for row in csv.DictReader(source):
            if row["pv_milliw"] is None:
                break  # the last row, cut off
            load, array = int(row["load_milliw"]), int(row["pv_milliw"])
            power = {"grid": load - array, "production": -array, "load": load}[feed]
            seconds.append((int(row["utc_s"]), max(power, 0), max(-power, 0)))
    return Truth(tuple(seconds))


@dataclass(frozen=True)
class WallClock:
    """What the wall clock showed: (from true time on, offset), in order; wall = true + offset. Microseconds."""

    offsets: tuple[tuple[int, int], ...] = ((0, 0),)

    def shown(self, true_us: int) -> int:
        """The wall clock at a true instant."""
        offset_us = self.offsets[0][1]
        for from_us, each_us in self.offsets:
            if from_us <= true_us:
                offset_us = each_us
        return true_us + offset_us

    def spans(self, wall_from_us: int, wall_to_us: int) -> list[tuple[int, int]]:
        """The true time in which the clock showed [from, to): no span where it was skipped, two where it came twice."""
        found = []
        for index, (from_us, offset_us) in enumerate(self.offsets):
            start_us = wall_from_us - offset_us
            if index > 0:
                start_us = max(start_us, from_us)
            end_us = wall_to_us - offset_us
            if index + 1 < len(self.offsets):
                end_us = min(end_us, self.offsets[index + 1][0])
            if start_us < end_us:
                found.append((start_us, end_us))
        return found


def bucket_energy(
    truth: Truth, direction: str, stretches: Sequence[tuple[int, int, str]], clock: WallClock | None = None
) -> dict[str, Fraction]:
    """The true energy of each bucket, over stretches (from, to, bucket) of UTC.

    With `clock`, the stretches are what that clock showed: the energy that a house living by it had in each bucket.
    """
    clock = clock or WallClock()
    totals: dict[str, Fraction] = {}
    for from_us, to_us, bucket in stretches:
        for start_us, end_us in clock.spans(from_us, to_us):
            totals[bucket] = totals.get(bucket, Fraction(0)) + truth.energy(direction, start_us, end_us)
    return totals


@dataclass(frozen=True)
class Poll:
    """A reading that was kept: the true time within which the meter latched what it answered."""

    earliest_us: int
    latest_us: int


@dataclass(frozen=True)
class Register:
    """How a meter shows its count: how far it may stand below and above the truth, and what its reader assumes."""

    below_milliwh: int
    above_milliwh: int
    resolution_milliwh: int
    """One step of the display, as the reader takes it."""
    rounding_milliwh: int
    """How much of a step the reader takes to be rounded up."""
    limit_milliw: int
    """The most that the service carries."""


def most_doubt_at_edge(
    truth: Truth, direction: str, edge_us: int, polls: Sequence[Poll], register: Register
) -> Fraction:
    """The largest uncertainty that may be told at an edge that polls enclose.

    The register was R0 before and R1 after. It rises, so no booking between the two is off by more than their distance
    and a step; and no service carries more than its limit in the time between.
    """
    before = max((poll for poll in polls if poll.latest_us <= edge_us), key=lambda poll: poll.latest_us)
    after = min((poll for poll in polls if poll.earliest_us >= edge_us), key=lambda poll: poll.earliest_us)
    shown_apart = truth.energy(direction, before.earliest_us, after.latest_us) + (
        register.below_milliwh + register.above_milliwh
    )
    by_register = shown_apart + register.resolution_milliwh + register.rounding_milliwh
    reach = max(edge_us - before.earliest_us, after.latest_us - edge_us)
    by_service = (
        Fraction(register.limit_milliw * reach, MILLIW_US_IN_A_MILLIWH)
        + register.resolution_milliwh
        + register.rounding_milliwh
    )
    return min(by_register, by_service) + 1  # told in whole milliwatt-hours, rounded up
