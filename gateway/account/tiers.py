"""Tiers: which part of a cycle's energy lies above which limit of its tariff.

Limits belong to a block (days of one version and season): kilowatt-hours a day times its days, or those of a whole
cycle by its share of the cycle's days, floored to the milliwatt-hour. Energy is counted either in order of time
(`in_order`: each interval has a tier) or by share of the whole (`by_share`: SAM's metering options 0 and 1). Integers;
no price here. (net-metering 3.1)
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ..tariff.cycles import Block, Cycle
from ..tariff.types import Tier
from .energy import Column
from .money import MILLIWH_PER_KWH_PLACES

NO_LIMIT = 2**62
"""Above the last tier; no meter counts so far."""
PARTS_PER_MILLIWH = 10**12
"""A share of a share is told to this part of a milliwatt-hour: worth less than 1e-15 of a dollar."""


class TierError(ValueError):
    """The tiers of a tariff cannot be reckoned with; the message is for the user."""


def limits_of(block: Block, cycle: Cycle, buckets: Sequence[str]) -> tuple[int, ...]:
    """The rising limits that hold in a block for all of `buckets`, milliwatt-hours; empty without tiers.

    Raises TierError where two buckets of one block have unlike limits: nobody could say which counts.
    """
    if block.version is None or not block.version.tier:
        return ()
    version = block.version
    ladders = {bucket: tuple(_limit(one, block, cycle) for one in version.tiers_of(bucket)) for bucket in buckets}
    found = set(ladders.values())
    if len(found) > 1:
        told = "; ".join(f"{name}: {len(one)} tiers" for name, one in ladders.items())
        raise TierError(
            f"version {version.id}: hours from {block.first_day} to {block.last_day} have unlike tiers ({told}); "
            "all buckets that occur in one season need the same limits"
        )
    return found.pop() if found else ()


def _limit(tier: Tier, block: Block, cycle: Cycle) -> int:
    if tier.above_kwh_per_day is not None:
        return int((tier.above_kwh_per_day * block.days).scaleb(MILLIWH_PER_KWH_PLACES))
    assert tier.above_kwh is not None
    return int((tier.above_kwh * block.days).scaleb(MILLIWH_PER_KWH_PLACES)) // cycle.days


def in_order(milliwh: Column, limits_milliwh: Sequence[int]) -> tuple[Column, ...]:
    """For each tier how much of each interval lies in it; `milliwh` are the intervals of one block in order of time."""
    until = np.cumsum(milliwh)
    since = until - milliwh
    edges = (0, *limits_milliwh, NO_LIMIT)
    return tuple(np.clip(until, low, high) - np.clip(since, low, high) for low, high in pairwise(edges))


def by_share(milliwh: Sequence[int], limits_milliwh: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """For each amount how much of it lies in each tier, each tier being shared in proportion to the amounts.

    In `PARTS_PER_MILLIWH`; each amount's parts add up to it exactly: the highest tier that it reaches has the rest.
    """
    whole = sum(milliwh)
    edges = (0, *limits_milliwh, NO_LIMIT)
    widths = [max(0, min(whole, high) - low) for low, high in pairwise(edges)]
    reached = max((at for at, width in enumerate(widths) if width), default=0)
    shared: list[tuple[int, ...]] = []
    for one in milliwh:
        parts = [one * width * PARTS_PER_MILLIWH // whole if whole else 0 for width in widths]
        parts[reached] += one * PARTS_PER_MILLIWH - sum(parts)
        shared.append(tuple(parts))
    return tuple(shared)
