"""A gap's energy, distributed by what the meter itself recorded of it: a load profile gives weights, never energy.

The register's growth over the gap is a fact and stays; the profile only says how it lay in time. Largest remainder, so
that the sum is exact. A profile that differs from the register by more than (n + 1) resolutions is another meter's, or
another time's: nothing is corrected by it (DESIGN 5, Gap over an edge). Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import lcm

from ..energy import Direction


@dataclass(frozen=True, slots=True)
class ProfileEntry:
    """What one direction of a meter counted in [start_us, end_us), by its own record. UTC microseconds."""

    start_us: int
    end_us: int
    milliwh: int

    def __post_init__(self) -> None:
        if self.start_us >= self.end_us or self.milliwh < 0:
            raise ValueError(f"no profile entry: {self.start_us} .. {self.end_us}, {self.milliwh} mWh")


@dataclass(frozen=True, slots=True)
class Told:
    """One direction of a stretch by the meter's profile, in our time. `shift_milliwh`: by its clock it can be off."""

    direction: Direction
    from_us: int
    to_us: int
    entries: tuple[ProfileEntry, ...]
    resolution_milliwh: int
    shift_milliwh: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Two edges at which a register is known, and the edges between them, at which it is not well. Milliwatt-hours."""

    from_us: int
    to_us: int
    first_milliwh: int
    last_milliwh: int
    inner_us: tuple[int, ...]

    def __post_init__(self) -> None:
        order = (self.from_us, *self.inner_us, self.to_us)
        if not all(one < other for one, other in pairwise(order)) or self.first_milliwh > self.last_milliwh:
            raise ValueError(f"no gap: {self}")

    @property
    def grown_milliwh(self) -> int:
        """What flowed in it."""
        return self.last_milliwh - self.first_milliwh


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Why a profile corrects nothing; for an event."""

    reason: str
    profile_milliwh: int
    register_milliwh: int
    tolerance_milliwh: int


NOT_CLOSED = Disagreement("not_closed_intervals", 0, 0, 0)


def registers_at_edges(
    gap: Gap, entries: Sequence[ProfileEntry], resolution_milliwh: int, shift_milliwh: int = 0
) -> tuple[int, ...] | Disagreement:
    """The register at each inner edge, as the profile has it. `resolution_milliwh`: of one of its entries.

    `shift_milliwh`: what can have flowed between an edge of ours and the same edge by the meter's clock.

    The entries must begin and end with the gap and leave no hole. An edge inside an entry has its share in time.
    """
    inside = [one for one in entries if one.end_us > gap.from_us and one.start_us < gap.to_us]
    tolerance_milliwh = (len(inside) + 1) * resolution_milliwh + shift_milliwh
    covered = inside and inside[0].start_us == gap.from_us and inside[-1].end_us == gap.to_us
    if not covered or any(one.end_us != other.start_us for one, other in pairwise(inside)):
        return Disagreement("profile_has_a_hole", 0, gap.grown_milliwh, tolerance_milliwh)
    bounds_us = (gap.from_us, *gap.inner_us, gap.to_us)
    scale = lcm(*(one.end_us - one.start_us for one in inside))
    weights = [_weight(inside, from_us, to_us, scale) for from_us, to_us in pairwise(bounds_us)]
    told = sum(weights)
    if abs(told - gap.grown_milliwh * scale) > tolerance_milliwh * scale:
        return Disagreement("profile_differs", told // scale, gap.grown_milliwh, tolerance_milliwh)
    registers = [gap.first_milliwh]
    for milliwh in shares_of(gap.grown_milliwh, weights)[:-1]:
        registers.append(registers[-1] + milliwh)
    return tuple(registers[1:])


def edge_uncertain_milliwh(
    edge_us: int, entries: Sequence[ProfileEntry], resolution_milliwh: int, shift_milliwh: int = 0
) -> int:
    """How far the register that `entries`, all of a gap's, give at an edge can be from the true one."""
    across = sum(one.milliwh for one in entries if one.start_us < edge_us < one.end_us)
    # A clock that is off moves all edges one way, the ends of the gap too: so much at the edge, so much in the weights.
    return (len(entries) + 1) * resolution_milliwh + across + 2 * shift_milliwh


def shares_of(total_milliwh: int, weights: Sequence[int]) -> list[int]:
    """`total_milliwh` by weight: floors first, then one each to the largest remainders, of equal ones to the earlier.

    Without any weight all of it is the last one's.
    """
    whole = sum(weights)
    if not whole:
        return [0] * (len(weights) - 1) + [total_milliwh]
    shares = [total_milliwh * weight // whole for weight in weights]
    remainders = [total_milliwh * weight % whole for weight in weights]
    first = sorted(range(len(weights)), key=lambda place: (-remainders[place], place))
    for place in first[: total_milliwh - sum(shares)]:
        shares[place] += 1
    return shares


def _weight(entries: Sequence[ProfileEntry], from_us: int, to_us: int, scale: int) -> int:
    """What the entries have in a stretch, times `scale`, which every entry's length divides."""
    total = 0
    for one in entries:
        overlap_us = min(one.end_us, to_us) - max(one.start_us, from_us)
        if overlap_us > 0:
            total += one.milliwh * overlap_us * (scale // (one.end_us - one.start_us))
    return total
