"""What keeping a meter's account takes beside its readings: the service limit, and the owner's choices. Types only."""

from dataclasses import dataclass

from ..config.types import GapPolicy

EDGE_TOLERANCE_US = 9_000_000  # 1 % of 15 min (PTB-A 50.8): an edge read farther off is not "measured"
INTERVALS_MOST = 40_000
"""More than a year of quarter hours. Time without a reading that is longer is told whole, not interval by interval."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the accumulator needs to know of its meter and of the owner's choices."""

    limit_milliw: int
    gap: GapPolicy
    max_gap_us: int
    edge_tolerance_us: int = EDGE_TOLERANCE_US
    intervals_most: int = INTERVALS_MOST
