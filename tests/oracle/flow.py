"""The truth: how much energy has flowed, at any instant, in exact fractions of a milliwatt-hour.

Slow and obvious on purpose. Imports nothing of the program under test, so that it cannot share its mistakes.
"""

from dataclasses import dataclass
from fractions import Fraction

MICROSECONDS_IN_AN_HOUR = 3_600_000_000


@dataclass(frozen=True)
class Flow:
    """Energy in one direction. `steps`: (from_us, power_milliw) in order; nothing flows before the first."""

    steps: tuple[tuple[int, int], ...]

    def energy_until(self, utc_us: Fraction | int) -> Fraction:
        """What has flowed up to an instant, milliwatt-hours."""
        total = Fraction(0)
        for index, (from_us, power_milliw) in enumerate(self.steps):
            until: Fraction | int = utc_us
            if index + 1 < len(self.steps):
                until = min(until, self.steps[index + 1][0])
            if until > from_us:
                total += Fraction(power_milliw) * (Fraction(until) - from_us) / MICROSECONDS_IN_AN_HOUR
        return total

    def energy_between(self, start_us: int, end_us: int) -> Fraction:
        """What flowed in [start, end), milliwatt-hours."""
        return self.energy_until(end_us) - self.energy_until(start_us)
