"""A stretch of closed intervals, told anew by the meter's load profile: new revisions, and what moves between buckets.

The registers at both its ends stay, and so does the sum; only the registers between them are booked anew. Where the
stretch is not one gap of one register epoch, or the profile does not fit, nothing is corrected. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec

from ..energy import Direction, Interval, Part, Quality
from ..reading.load_profile import Disagreement, Gap, ProfileEntry, edge_uncertain_milliwh, registers_at_edges
from ..tariff.calendar import UNASSIGNED_NAME


@dataclass(frozen=True, slots=True)
class Correction:
    """The new words, in order; what each bucket gains, and what its edges leave open now. Milliwatt-hours."""

    intervals: tuple[Interval, ...]
    gains_milliwh: dict[str, int]
    doubts_milliwh: dict[str, int]


def correct(
    before: Interval,
    stretch: Sequence[Interval],
    direction: Direction,
    entries: Sequence[ProfileEntry],
    resolution_milliwh: int,
    shift_milliwh: int = 0,
) -> Correction | Disagreement:
    """Tell `stretch` anew; `before` is the interval that ends where it begins. `resolution_milliwh`: of an entry.

    `shift_milliwh`: what can have flowed between an edge and the same edge by the meter's clock.
    """
    parts = [one.part(direction) for one in (before, *stretch)]
    known = [part for part in parts if part is not None]
    grown_milliwh = known[-1].register_milliwh - known[0].register_milliwh if known else 0
    if len(stretch) < 2 or len(known) != len(parts) or not _is_whole(before, stretch, known):
        return Disagreement("not_one_gap", 0, grown_milliwh, 0)
    inner_us = tuple(one.end_us for one in stretch[:-1])
    gap = Gap(stretch[0].start_us, stretch[-1].end_us, known[0].register_milliwh, known[-1].register_milliwh, inner_us)
    registers = registers_at_edges(gap, entries, resolution_milliwh, shift_milliwh)
    if isinstance(registers, Disagreement):
        return registers
    inside = [one for one in entries if gap.from_us <= one.start_us < gap.to_us]
    doubts = [edge_uncertain_milliwh(at_us, inside, resolution_milliwh, shift_milliwh) for at_us in inner_us]
    # Of the stretch's own two ends no more is uncertain than was told of the intervals beside them.
    doubts = [min(known[0].uncertain_milliwh, known[1].uncertain_milliwh), *doubts, known[-1].uncertain_milliwh]
    booked = pairwise((gap.first_milliwh, *registers, gap.last_milliwh))
    parts_now = [
        Part(high - low, 0, sum(both), high) for (low, high), both in zip(booked, pairwise(doubts), strict=True)
    ]
    told_milliwh, now_milliwh = (sum(part.uncertain_milliwh for part in some) for some in (known[1:], parts_now))
    if now_milliwh > told_milliwh:
        # It knows less than was known: a meter's clock that is far off, a profile of coarse digits.
        return Disagreement("profile_knows_less", now_milliwh, gap.grown_milliwh, told_milliwh)
    return Correction(
        tuple(_with_part(one, direction, part) for one, part in zip(stretch, parts_now, strict=True)),
        _gains(stretch, known[1:], parts_now),
        _bucket_doubts(stretch, doubts[1:-1]),
    )


def _gains(stretch: Sequence[Interval], old: Sequence[Part], new: Sequence[Part]) -> dict[str, int]:
    gains = {UNASSIGNED_NAME: -sum(part.unassigned_milliwh for part in old)}
    for one, was, now in zip(stretch, old, new, strict=True):
        gains[one.bucket] = gains.get(one.bucket, 0) + now.milliwh - was.milliwh + was.unassigned_milliwh
    return gains


def _bucket_doubts(stretch: Sequence[Interval], doubts_milliwh: Sequence[int]) -> dict[str, int]:
    """At the edges where the bucket changes, for both its sides."""
    told: dict[str, int] = {}
    for (earlier, later), milliwh in zip(pairwise(stretch), doubts_milliwh, strict=True):
        if earlier.bucket != later.bucket:
            for bucket in (earlier.bucket, later.bucket):
                told[bucket] = told.get(bucket, 0) + milliwh
    return told


def _is_whole(before: Interval, stretch: Sequence[Interval], parts: Sequence[Part]) -> bool:
    """Whether the intervals touch, and each one's energy is its register's growth, in one epoch."""
    return all(
        earlier.end_us == later.start_us
        and earlier.register_epoch == later.register_epoch
        # The other direction may have been corrected a moment ago.
        and later.quality in (Quality.MEASURED, Quality.ESTIMATED, Quality.CORRECTED)
        and part.milliwh == part.register_milliwh - old.register_milliwh
        for (earlier, later), (old, part) in zip(pairwise((before, *stretch)), pairwise(parts), strict=True)
    )


def _with_part(interval: Interval, direction: Direction, part: Part) -> Interval:
    field = {Direction.IMPORT: "energy_import", Direction.EXPORT: "energy_export"}[direction]
    return msgspec.structs.replace(interval, quality=Quality.CORRECTED, **{field: part})
