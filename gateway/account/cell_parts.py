"""Parts of a cell that only some tariffs ask for: its energy by tier, and what its exports are worth step by step.

Gathered from the same rows as the cell itself. Integers and exact Decimals; no programme here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from ..tariff.calendar import UNASSIGNED
from ..tariff.cycles import Block, Cycle
from .energy import Column, EnergyError, EnergyTable
from .price_series import PriceSeries, worth_of
from .tiers import TierError, in_order, limits_of


@dataclass(frozen=True, slots=True)
class ExportWorth:
    """One component of a cell's exports, in the tariff's currency."""

    component: str
    worth: Decimal
    uncertain_worth: Decimal
    """What all doubt about these exports is worth at the most."""


@dataclass(frozen=True, slots=True)
class CellParts:
    """Of one cell. The tiers' energies are empty where its block has no tiers."""

    limits_milliwh: tuple[int, ...] = ()
    import_tiers_milliwh: tuple[int, ...] = ()
    export_tiers_milliwh: tuple[int, ...] = ()
    export_worth: Decimal | None = None
    import_worth: Decimal | None = None
    import_step_doubt: Decimal = Decimal(0)
    """What all doubt about imports at time-step prices is worth at the most; exports likewise."""
    export_step_doubt: Decimal = Decimal(0)
    export_parts: tuple[ExportWorth, ...] = ()
    """By component, where exports have prices of several."""

    @property
    def is_uncertain(self) -> bool:
        """Whether what its energy is worth may be off."""
        worths = (one.uncertain_worth for one in self.export_parts)
        return any((self.import_step_doubt, self.export_step_doubt, *worths))


NO_PARTS = CellParts()


@dataclass(frozen=True, slots=True)
class Gathered:
    """Rows with the number of their block and of their bucket, in order of time."""

    table: EnergyTable
    rows: slice
    block_of: Column
    bucket_of: Column

    def rows_of(self, number: int) -> tuple[int, int]:
        """Where the rows of a block begin and end, counted within `rows`. Time between cycles has number 0."""
        inside = np.flatnonzero(self.block_of == number)
        return (int(inside[0]), int(inside[-1]) + 1) if len(inside) else (0, 0)


def parts_of(
    gathered: Gathered,
    blocks: Sequence[tuple[Block, Cycle]],
    bucket_names: Sequence[str],
    export_prices: PriceSeries | None,
) -> dict[tuple[int, int], CellParts]:
    """By number of block (counted from 1) and of bucket; without an entry where a cell has nothing of the kind.

    Raises EnergyError for tiers that contradict each other, and for exports without a price.
    """
    limits = _limits(gathered, blocks, bucket_names)
    if not limits and export_prices is None:
        return {}
    prices = None if export_prices is None else export_prices.prices_of(gathered.table, gathered.rows)
    found: dict[tuple[int, int], CellParts] = {}
    for number in range(1, len(blocks) + 1) if prices is not None else limits:
        first, last = gathered.rows_of(number)
        inside = slice(gathered.rows.start + first, gathered.rows.start + last)
        price = None if prices is None else prices[first:last]
        parts = _parts_of_block(gathered.table, inside, gathered.bucket_of[first:last], limits.get(number, ()), price)
        found.update({(number, bucket): part for bucket, part in parts.items()})
    return found


def _limits(
    gathered: Gathered, blocks: Sequence[tuple[Block, Cycle]], bucket_names: Sequence[str]
) -> dict[int, tuple[int, ...]]:
    """The limits of blocks with tiers, by the buckets that occur in them."""
    limits: dict[int, tuple[int, ...]] = {}
    for number, (block, cycle) in enumerate(blocks, start=1):
        if block.version is None or not block.version.tier:
            continue
        first, last = gathered.rows_of(number)
        buckets = np.unique(gathered.bucket_of[first:last]).tolist()
        occurring = [bucket_names[bucket] for bucket in buckets if bucket != UNASSIGNED]
        try:
            limits[number] = limits_of(block, cycle, occurring)
        except TierError as error:
            raise EnergyError(f"{gathered.table.meter}: {error}") from error
    return {number: one for number, one in limits.items() if one}


def _parts_of_block(
    table: EnergyTable, rows: slice, buckets: Column, limits_milliwh: Sequence[int], price_nano: Column | None
) -> dict[int, CellParts]:
    taken, given = table.flow_import.milliwh[rows], table.flow_export.milliwh[rows]
    by_tier = [in_order(flow, limits_milliwh) if limits_milliwh else () for flow in (taken, given)]
    found: dict[int, CellParts] = {}
    for bucket in np.unique(buckets).tolist():
        here = buckets == bucket
        sums = [tuple(int(one[here].sum()) for one in tiers) for tiers in by_tier]
        worth = None if price_nano is None else worth_of(given[here], price_nano[here])
        found[bucket] = CellParts(tuple(limits_milliwh), sums[0], sums[1], worth)
    return found
