"""What a cell's energy is worth at time-step prices, and what its doubt is: each step's at its own price.

Gathered from the same rows as the cell itself; integers until the last digit is placed. No programme here.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import numpy as np

from .cell_parts import NO_PARTS, CellParts, Gathered
from .export_worth import doubts_by_price
from .price_series import PriceSeries, worth_of

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
        buckets, inside = gathered.bucket_of[first:last], slice(rows.start + first, rows.start + last)
        doubts = [
            {} if price is None else doubts_by_price(table, inside, flow, buckets, price[first:last])
            for flow, price in ((table.flow_import, buying), (table.flow_export, selling))
        ]
        taken = table.flow_import.milliwh[inside]
        for bucket in np.unique(buckets).tolist():
            here, part = buckets == bucket, made.get((number, bucket), NO_PARTS)
            if buying is not None:
                part = replace(part, import_worth=worth_of(taken[here], buying[first:last][here]))
            made[number, bucket] = replace(
                part,
                import_step_doubt=doubts[0].get(bucket, Decimal(0)),
                export_step_doubt=doubts[1].get(bucket, Decimal(0)),
            )
    return made
