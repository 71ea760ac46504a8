"""How far a bucket's energy can be from the true one because of a run of edges: never more than flowed meanwhile.

Edges that one reading confirms together lie in a gap, and each alone may be wrong by all that flowed in it. Their
errors do not add up without end: a register never falls, so along the run it goes from at least `low` at a bucket's
first edge to at most `high` at its last, and a bucket takes turns: it ends, begins, ends. What it truly got is

    T(its ends) - T(its beginnings), in turn, which lies in   [low if it ends first, less high if it begins last,
                                                               high if it ends last, less low if it begins first]

T the true register. The same sum of the booked registers is what was booked. Pure integers, milliwatt-hours.
"""

from dataclasses import dataclass

from ..clock import DRIFT_PPM
from ..clock_steps import STEP_US
from ..uncertainty import MICROWATT_HOUR_DIVISOR


@dataclass(slots=True)
class Swing:
    """The edges of one bucket in a run, in order of time. `booked_milliwh`: ends less beginnings."""

    low_milliwh: int
    ends_first: bool
    high_milliwh: int = 0
    ends_last: bool = True
    booked_milliwh: int = 0
    told_milliwh: int = 0

    def add(self, ends: bool, booked_milliwh: int, high_milliwh: int, doubt_milliwh: int) -> None:
        """The bucket ends (or begins) at the next edge, at which this register is booked, and so much in doubt."""
        self.high_milliwh, self.ends_last = high_milliwh, ends
        self.booked_milliwh += booked_milliwh if ends else -booked_milliwh
        self.told_milliwh += doubt_milliwh

    @property
    def uncertain_milliwh(self) -> int:
        """What is to be told of the bucket."""
        least = (self.low_milliwh if self.ends_first else 0) - (0 if self.ends_last else self.high_milliwh)
        most = (self.high_milliwh if self.ends_last else 0) - (0 if self.ends_first else self.low_milliwh)
        return min(self.told_milliwh, max(most - self.booked_milliwh, self.booked_milliwh - least, 0))


def swing_through(
    swings: dict[str, Swing],
    sides: tuple[str, str],
    booked_milliwh: int,
    bounds_milliwh: tuple[int, int],
    doubt_milliwh: int,
) -> None:
    """Pass an edge of a run: the bucket before it ends, the one after it begins; nothing where both are one."""
    low_milliwh, high_milliwh = bounds_milliwh
    for bucket, ends in zip(sides, (True, False), strict=True) if sides[0] != sides[1] else ():
        swing = swings.get(bucket)
        if swing is None:
            swing = swings[bucket] = Swing(low_milliwh, ends)
        swing.add(ends, booked_milliwh, high_milliwh, doubt_milliwh)


def most_in_interval_milliwh(milliwh: int, length_us: int, unread_us: int, limit_milliw: int) -> int:
    """How wrong an interval's energy can be at all: between nothing and what the service carries in its time.

    `unread_us`: from the reading before its end to the one after it. So long a clock can have run wrong unnoticed.
    """
    carried_us = length_us + 2 * STEP_US + unread_us * DRIFT_PPM // 1_000_000
    return max(milliwh, -(-limit_milliw * carried_us // MICROWATT_HOUR_DIVISOR) - milliwh)
