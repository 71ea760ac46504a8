"""The schedule step: when a meter is read next. Pure; all times UTC microseconds of the pipeline.

A meter is read on its poll grid, and besides that just before each edge and once its registers can no longer
show a moment before the edge, so that every bucket and interval edge is bracketed as tightly as the meter allows.
Meters that share a line also wait for each other: that is in `bus`.
"""

import zlib
from dataclasses import dataclass
from typing import Protocol

LEAD_US = 500_000
"""How long before an edge the last reading is begun: a slow serial transaction must end before it."""
SETTLE_US = 20_000
"""How long past the meter's update lag the first reading after an edge is begun."""
MOST_BACK_OFF = 12
LONGEST_BACK_OFF_US = 300_000_000
"""No meter that is polled more often than this is left alone for longer."""
JITTER_PER_MILLE = 250
GOLDEN_32 = 2_654_435_769
"""2**32 over the golden ratio: its multiples, modulo 2**32, lie evenly spread however many there are (Weyl, Knuth)."""


GAP_LEAST_US = 30_000_000


class Edges(Protocol):
    """What is asked of a timeline."""

    def next_edge_us(self, utc_us: int) -> int: ...


def gap_us(poll_s: int, rate: int) -> int:
    """A silence of a meter that is longer is told as a gap."""
    return max(3 * poll_s * 1_000_000, GAP_LEAST_US * rate)


SLOT_US = 10_000
"""Polls come in slots of this, for a thread that is woken up for each one alone does a fifth more work."""


def phase_of(position: int, poll_us: int) -> int:
    """Where in its poll interval the meter at `position` among those read at the same time has its polls; the first: 0.

    Without it two thousand meters that are polled once a second would all be due in the same instant.
    """
    return ((position * GOLDEN_32 % 2**32) * (poll_us // SLOT_US) >> 32) * SLOT_US


@dataclass(frozen=True, slots=True)
class Schedule:
    """One meter's rhythm. `rate` widens the wire's real times to the pipeline's.

    The poll grid is counted from 1970 and moved on by `phase_us`; no edge is moved. `name` spreads the attempts of
    meters that fail together; without one they are not spread.
    """

    poll_us: int
    update_lag_us: int
    rate: int = 1
    name: str = ""
    phase_us: int = 0

    @property
    def settle_us(self) -> int:
        """How long after an edge the registers show a moment after it."""
        return (self.update_lag_us + SETTLE_US) * self.rate

    @property
    def lead_us(self) -> int:
        """How long before an edge the last reading is begun."""
        return LEAD_US * self.rate

    def poll_due_us(self, after_us: int, failures: int = 0) -> int:
        """The next poll after one that began at `after_us`: on the grid; later with each failure in a row."""
        if failures:
            return after_us + self.back_off_us(failures)
        return ((after_us - self.phase_us) // self.poll_us + 1) * self.poll_us + self.phase_us

    def back_off_us(self, failures: int) -> int:
        """Doubled by each failure in a row up to 12 polls or 5 minutes, and up to a quarter less by chance."""
        longest_us = max(self.poll_us, min(self.poll_us * MOST_BACK_OFF, LONGEST_BACK_OFF_US * self.rate))
        back_off_us = min(self.poll_us << min(failures, 8), longest_us)
        if not self.name:
            return back_off_us
        chance = zlib.crc32(f"{self.name} {failures}".encode()) % (JITTER_PER_MILLE + 1)
        return back_off_us - back_off_us * chance // 1000

    def next_read_us(self, after_us: int, edges: Edges, failures: int = 0, clock_error_us: int = 0) -> int:
        """The first moment after `after_us` at which a meter that is alone on its line is to be read.

        Edges are always tried, and a clock that can be wrong is given that much room on either side of them.
        """
        lead_us = self.lead_us + clock_error_us
        settle_us = self.settle_us + clock_error_us
        before_us = edges.next_edge_us(after_us + lead_us) - lead_us
        behind_us = edges.next_edge_us(after_us - settle_us) + settle_us
        return min(self.poll_due_us(after_us, failures), before_us, behind_us)
