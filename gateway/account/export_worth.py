"""What a cell's exports are worth at prices that change within it, by component, and what their doubt is worth.

Each interval at its own price, exact. Doubt: of intervals one after the other at one price only the two ends of their
run count (`doubt`); where the price changes between two, what one takes from the other changes the worth, and counts.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType

import numpy as np

from .cell_parts import NO_PARTS, CellParts, ExportWorth, Gathered
from .doubt import run_begins, run_uncertain
from .energy import Column, EnergyTable, Flags, Flow
from .gaps import Gap, cut_at, gaps_in, over_edges
from .price_series import PriceSeries, worth_of

NO_SERIES: Mapping[str, PriceSeries] = MappingProxyType({})


def with_export_parts(
    parts: Mapping[tuple[int, int], CellParts], gathered: Gathered, blocks: int, series: Mapping[str, PriceSeries]
) -> dict[tuple[int, int], CellParts]:
    """The parts with what exports are worth by component. Raises EnergyError for an export without a price."""
    table, made = gathered.table, dict(parts)
    prices = {name: one.prices_of(table, gathered.rows) for name, one in sorted(series.items())}
    for number in range(1, blocks + 1):
        first, last = gathered.rows_of(number)
        rows = slice(gathered.rows.start + first, gathered.rows.start + last)
        columns = {name: one[first:last] for name, one in prices.items()}
        for bucket, worths in _worths_of(table, rows, gathered.bucket_of[first:last], columns).items():
            made[number, bucket] = replace(made.get((number, bucket), NO_PARTS), export_parts=worths)
    return made


def _worths_of(
    table: EnergyTable, rows: slice, buckets: Column, price_nano: Mapping[str, Column]
) -> dict[int, tuple[ExportWorth, ...]]:
    """By bucket number, the components by name. `buckets` and the prices are one for each of `rows`."""
    given = table.flow_export.milliwh[rows]
    found: dict[int, list[ExportWorth]] = {bucket: [] for bucket in np.unique(buckets).tolist()}
    for name, price in price_nano.items():
        doubts = doubts_by_price(table, rows, table.flow_export, buckets, price)
        for bucket, made in found.items():
            here = buckets == bucket
            made.append(ExportWorth(name, worth_of(given[here], price[here]), doubts.get(bucket, Decimal(0))))
    return {bucket: tuple(made) for bucket, made in found.items()}


def doubts_by_price(
    table: EnergyTable, rows: slice, flow: Flow, buckets: Column, price_nano: Column
) -> dict[int, Decimal]:
    """By bucket: the doubt of each run of one price, times that price; of a gap what it can be worth there."""
    if not len(buckets):
        return {}
    changes = (np.diff(price_nano, prepend=price_nano[0]) != 0) | (np.diff(buckets, prepend=buckets[0]) != 0)
    runs_at = run_begins(table, rows, np.cumsum(changes).astype(np.int64))
    gaps = over_edges(gaps_in(table, rows), runs_at)
    begins, inside = cut_at(gaps, runs_at, len(buckets))
    doubt_milliwh = np.where(inside, 0, run_uncertain(flow.uncertain_milliwh[rows], begins))
    run_buckets, run_prices = buckets[begins], np.abs(price_nano[begins])
    made = {
        bucket: worth_of(doubt_milliwh[run_buckets == bucket], run_prices[run_buckets == bucket])
        for bucket in np.unique(run_buckets).tolist()
    }
    for gap in gaps:
        for bucket in np.unique(buckets[gap.rows]).tolist():
            here = buckets[gap.rows] == bucket
            made[bucket] += _of_gap(gap, here, flow, rows, price_nano[gap.rows])
    return made


def _of_gap(gap: Gap, here: Flags, flow: Flow, rows: slice, price_nano: Column) -> Decimal:
    """Of what flowed in a gap a bucket has nothing or all, at its lowest or at its highest price."""
    milliwh, doubts = flow.milliwh[rows][gap.rows], flow.uncertain_milliwh[rows][gap.rows]
    booked = worth_of(milliwh[here], price_nano[here])
    whole = np.array([int(milliwh.sum()) + gap.off_milliwh(flow)], dtype=np.int64)
    ends = [min(0, int(price_nano[here].min())), max(0, int(price_nano[here].max()))]
    low, high = (worth_of(whole, np.array([price], dtype=np.int64)) for price in ends)
    return min(worth_of(doubts[here], np.abs(price_nano[here])), max(high - booked, booked - low))
