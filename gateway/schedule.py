"""The schedule step: when a meter is read next. Pure; all times UTC microseconds of the pipeline.

A meter is read on its poll grid, and besides that just before each edge and once its registers can no longer
show a moment before the edge, so that every bucket and interval edge is bracketed as tightly as the meter allows.
"""

from dataclasses import dataclass
from typing import Protocol

LEAD_US = 500_000
"""How long before an edge the last reading is begun: a slow serial transaction must end before it."""
SETTLE_US = 20_000
"""How long past the meter's update lag the first reading after an edge is begun."""
MOST_BACK_OFF = 12


class Edges(Protocol):
    """What is asked of a timeline."""

    def next_edge_us(self, utc_us: int) -> int: ...


@dataclass(frozen=True, slots=True)
class Schedule:
    """One meter's rhythm. `rate` widens the wire's real times to the pipeline's."""

    poll_us: int
    update_lag_us: int
    rate: int = 1

    def next_read_us(self, after_us: int, edges: Edges, failures: int = 0, clock_error_us: int = 0) -> int:
        """The first moment after `after_us` at which the meter is to be read.

        Each failure in a row doubles the poll interval, up to 12 of them; edges are always tried, and a clock that
        can be wrong is given that much room on either side of them.
        """
        poll_us = self.poll_us * min(1 << min(failures, 8), MOST_BACK_OFF)
        lead_us = LEAD_US * self.rate + clock_error_us
        settle_us = (self.update_lag_us + SETTLE_US) * self.rate + clock_error_us
        before_us = edges.next_edge_us(after_us + lead_us) - lead_us
        behind_us = edges.next_edge_us(after_us - settle_us) + settle_us
        return min((after_us // poll_us + 1) * poll_us, before_us, behind_us)
