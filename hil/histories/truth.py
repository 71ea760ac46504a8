"""What truly flows, and what a meter shows of it: integers, no float. Exact energy is in milliwatt-microseconds.

Knows nothing of the gateway. Times are true UTC microseconds.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise

MILLIWH = 3_600_000_000
"""Milliwatt-microseconds in a milliwatt-hour."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Power in steps: (from_us, power_milliw) in order; the last one holds for ever, before the first nothing flows."""

    steps: tuple[tuple[int, int], ...]
    _starts_us: tuple[int, ...] = field(init=False, repr=False)
    _sums: tuple[int, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        sums = [0]
        for (from_us, power_milliw), (to_us, _) in pairwise(self.steps):
            sums.append(sums[-1] + power_milliw * (to_us - from_us))
        object.__setattr__(self, "_starts_us", tuple(from_us for from_us, _ in self.steps))
        object.__setattr__(self, "_sums", tuple(sums))

    def until(self, utc_us: int) -> int:
        """What has flowed up to an instant, milliwatt-microseconds."""
        index = bisect_right(self._starts_us, utc_us) - 1
        if index < 0:
            return 0
        return self._sums[index] + self.steps[index][1] * (utc_us - self._starts_us[index])

    def between(self, from_us: int, to_us: int) -> int:
        """What flows in [from, to), milliwatt-microseconds."""
        return self.until(to_us) - self.until(from_us)


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter that counts a flow from `since_us` on and shows whole steps, refreshed every `refresh_us`, cut off."""

    flow: Flow
    since_us: int
    first_milliwh: int
    step_milliwh: int
    refresh_us: int
    serial: str | None = None

    def shown(self, utc_us: int) -> int:
        """The register that a question meets at an instant, milliwatt-hours."""
        refreshed_us = max(utc_us - utc_us % self.refresh_us if self.refresh_us else utc_us, self.since_us)
        counted = self.first_milliwh + self.flow.between(self.since_us, refreshed_us) // MILLIWH
        return counted // self.step_milliwh * self.step_milliwh
