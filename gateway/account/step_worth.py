"""What a cell's energy is worth at time-step prices, and the dearest of them, which values what is uncertain.

Gathered from the same rows as the cell itself; integers until the last digit is placed. No programme here.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import numpy as np

from .cell_parts import NO_PARTS, CellParts, Gathered
from .energy import Column
from .price_series import PRICE_PLACES, PriceSeries, worth_of

Parts = dict[tuple[int, int], CellParts]
"""By number of block (counted from 1) and of bucket."""


def with_steps(
    parts: Mapping[tuple[int, int], CellParts],
    gathered: Gathered,
    blocks: int,
    import_prices: PriceSeries | None,
    export_prices: PriceSeries | None,
) -> Parts:
    """The parts with what imports are worth, where they have such prices. Raises EnergyError for one without."""
    table, rows, made = gathered.table, gathered.rows, dict(parts)
    buying = None if import_prices is None else import_prices.prices_of(table, rows, table.flow_import)
    selling = None if export_prices is None else export_prices.prices_of(table, rows)
    for number in range(1, blocks + 1):
        first, last = gathered.rows_of(number)
        buckets = gathered.bucket_of[first:last]
        taken = table.flow_import.milliwh[rows][first:last]
        for bucket in np.unique(buckets).tolist():
            here, part = buckets == bucket, made.get((number, bucket), NO_PARTS)
            if buying is not None:
                price = buying[first:last][here]
                part = replace(part, import_worth=worth_of(taken[here], price), import_dearest=_dearest(price))
            if selling is not None:
                part = replace(part, export_dearest=_dearest(selling[first:last][here]))
            made[number, bucket] = part
    return made


def _dearest(price_nano: Column) -> Decimal:
    """Per kWh; of prices below zero the lowest counts as dear as it is low."""
    return Decimal(int(np.abs(price_nano).max())).scaleb(-PRICE_PLACES) if len(price_nano) else Decimal(0)
