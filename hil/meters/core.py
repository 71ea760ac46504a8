"""What every simulated house meter shares: its place in the house, its latch and its truth file.

A meter shows what it latched last. The latch falls every `update_lag_us` of real time at a phase of the meter's own and
is reckoned, not timed: the value shown is never older than the lag, however busy the machine is.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

from ..chance import between, name_key, roll
from ..counters import Count, Counters, Opening
from ..house_time import US_PER_S, Anchor, add_options, from_options, monotonic_us
from ..household import Feed, Household
from ..truth import TruthFile

# At most what some years have left on the registers, import and export, kWh.
_YEARS_KWH = {Feed.GRID: (14_000, 14_000), Feed.PRODUCTION: (90, 40_000), Feed.LOAD: (40_000, 1)}


@dataclass(frozen=True, slots=True)
class Placement:
    """Which meter this is: the house (seed), the place in it, the house's time, and where the truth goes."""

    seed: int
    feed: Feed
    anchor: Anchor
    truth: Path | None
    update_lag_us: int = 1_000_000
    turnaround_us: int = 30_000


class MeterCore:
    """The counters behind one meter's registers."""

    def __init__(self, placement: Placement) -> None:
        household, feed = Household(placement.seed), placement.feed
        self.placement = placement
        self.serial = 10_000_000 + roll(placement.seed, name_key(f"serial {feed}")) % 80_000_000
        self._origin_s = placement.anchor.start_utc_us // US_PER_S
        self._phase_us = between(0, placement.update_lag_us - 1, placement.seed, name_key(f"latch {feed}"))
        opening = Opening.from_seed(placement.seed, feed, *_YEARS_KWH[feed])
        self._counters = Counters(lambda second: household.flow_milliw(feed, second), self._origin_s, opening)
        self._truth = (
            None if placement.truth is None else TruthFile(placement.truth, household, feed, self._origin_s, opening)
        )

    def shown(self) -> Count:
        """What the registers show now: the counters at the latest latch."""
        return self._counters.at(self.latched_us())

    def latched_us(self) -> int:
        """The house time of the latest latch."""
        lag_us = self.placement.update_lag_us
        latched_us = (monotonic_us() - self._phase_us) // lag_us * lag_us + self._phase_us
        return max(self.placement.anchor.house_us(latched_us), self._origin_s * US_PER_S)

    def counted_at(self, house_us: int) -> Count:
        """The counters at an instant that no later one was asked for before."""
        return self._counters.at(house_us)

    def house_us(self) -> int:
        """The house's time now, UTC microseconds."""
        return self.placement.anchor.house_us(monotonic_us())

    def clock_s(self, ahead_s: int, gains_ppm: int) -> int:
        """What a clock shows that was so far ahead when the house began and runs fast since: whole UTC seconds."""
        anchor = self.placement.anchor
        house_us = self.house_us()
        return (house_us + ahead_s * US_PER_S + (house_us - anchor.start_utc_us) * gains_ppm // 1_000_000) // US_PER_S

    def write_truth(self) -> None:
        """Bring the truth file up to the present. Call it several times a second."""
        if self._truth is not None:
            self._truth.write_until(self.placement.anchor.house_us(monotonic_us()))

    def close(self) -> None:
        if self._truth is not None:
            self._truth.close()


def placement_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of a house meter on `parser`."""
    add_options(parser)
    parser.add_argument("--seed", type=int, default=1, help="which house")
    parser.add_argument("--feed", type=Feed, choices=list(Feed), default=Feed.GRID, help="where in the house")
    parser.add_argument("--truth", type=Path, default=None, help="file for the truth of every house second")


def placement_from(options: argparse.Namespace) -> Placement:
    """The placement that the parsed options name."""
    return Placement(options.seed, options.feed, from_options(options), options.truth)
