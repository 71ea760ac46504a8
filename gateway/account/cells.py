"""Intervals gathered into cells: what flowed in one bucket during the days of one block of a billing cycle.

A block has one tariff version and one season (`tariff.cycles`), so a cell has one price. Sums are exact int64; a row
that crosses the edge of a bucket or of a day with another price is refused, as nobody can take it apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..tariff.calendar import UNASSIGNED, Calendar
from ..tariff.cycles import Block, Cycle, blocks_of
from ..tariff.walltime import iso_utc
from .energy import Column, EnergyError, EnergyTable, Flags, Stretch
from .netting import NettingInterval, netting_keys


@dataclass(frozen=True, slots=True)
class Cell:
    """The energy of one bucket in one block, milliwatt-hours.

    `positive_net`: the sum over netting intervals of max(0, import - export), the base of non-bypassable charges.
    `bucket` is `unassigned` where no rule of the tariff covers the hours.
    """

    block: Block
    bucket: str
    import_milliwh: int
    export_milliwh: int
    positive_net_milliwh: int
    import_uncertain_milliwh: int
    export_uncertain_milliwh: int
    estimated_rows: int

    @property
    def net_milliwh(self) -> int:
        """Import less export."""
        return self.import_milliwh - self.export_milliwh

    @property
    def uncertain_milliwh(self) -> int:
        """By how much the net may be off."""
        return self.import_uncertain_milliwh + self.export_uncertain_milliwh


@dataclass(frozen=True, slots=True)
class CycleEnergy:
    """One meter's energy in one billing cycle: its cells in order of block and bucket, and what is not in them."""

    meter: str
    source: str
    cycle: Cycle
    cells: tuple[Cell, ...]
    import_unassigned_milliwh: int
    """Inside the cells' sums too: its hour is not known, so its bucket is not sure."""
    export_unassigned_milliwh: int
    holes: tuple[Stretch, ...]

    @property
    def import_milliwh(self) -> int:
        return sum(cell.import_milliwh for cell in self.cells)

    @property
    def export_milliwh(self) -> int:
        return sum(cell.export_milliwh for cell in self.cells)

    @property
    def net_milliwh(self) -> int:
        return self.import_milliwh - self.export_milliwh


def energy_of_cycles(
    table: EnergyTable, cycles: Sequence[Cycle], calendar: Calendar, netting: NettingInterval
) -> tuple[CycleEnergy, ...]:
    """The cells of every cycle; `cycles` are in order and do not overlap. Raises EnergyError with the row."""
    return tuple(_energy_of(table, cycle, calendar, netting) for cycle in cycles)


def _energy_of(table: EnergyTable, cycle: Cycle, calendar: Calendar, netting: NettingInterval) -> CycleEnergy:
    start_us, end_us = cycle.edges_us(calendar.zone)
    rows = table.rows_in(start_us, end_us)
    blocks = blocks_of(cycle, calendar.rules)
    edges_us, block_of, bucket_of = _segments(blocks, calendar, end_us)
    segments = np.searchsorted(edges_us, table.start_us[rows], side="right") - 1
    limits_us = np.append(edges_us[1:], end_us)
    crossing = table.end_us[rows] > limits_us[segments]
    _refuse_crossing(table, rows, crossing, limits_us[segments], calendar)
    keys = netting_keys(table, rows, netting, calendar.zone)
    pairs = block_of[segments] * len(calendar.bucket_names) + bucket_of[segments]
    cells = _cells(table, rows, pairs, (segments, keys), netting, blocks, calendar.bucket_names)
    return CycleEnergy(
        meter=table.meter,
        source=table.source,
        cycle=cycle,
        cells=cells,
        import_unassigned_milliwh=int(table.flow_import.unassigned_milliwh[rows].sum()),
        export_unassigned_milliwh=int(table.flow_export.unassigned_milliwh[rows].sum()),
        holes=table.holes(start_us, end_us),
    )


def _segments(blocks: Sequence[Block], calendar: Calendar, end_us: int) -> tuple[Column, Column, Column]:
    """Sorted edges of buckets and blocks, with the block and the bucket that hold from each."""
    edges_us: list[int] = []
    block_of: list[int] = []
    bucket_of: list[int] = []
    for number, block in enumerate(blocks):
        table = calendar.edges(*Cycle(block.first_day, block.last_day).edges_us(calendar.zone))
        edges_us.extend(table.edges_us)
        bucket_of.extend(table.bucket_ids)
        block_of.extend([number] * len(table.edges_us))
    assert edges_us[-1] < end_us
    return (
        np.array(edges_us, dtype=np.int64),
        np.array(block_of, dtype=np.int64),
        np.array(bucket_of, dtype=np.int64),
    )


def _refuse_crossing(table: EnergyTable, rows: slice, crossing: Flags, limits_us: Column, calendar: Calendar) -> None:
    flows = [flow.milliwh[rows] for flow in (table.flow_import, table.flow_export)]
    wrong = crossing & ((flows[0] > 0) | (flows[1] > 0))
    if not wrong.any():
        return
    at = int(np.argmax(wrong))
    raise EnergyError(
        f"{table.place(rows.start + at)}: crosses {iso_utc(int(limits_us[at]))}, where the price of tariff "
        f"{calendar.tariff_id} or the billing cycle changes, and cannot be taken apart; "
        "run `netmeter recompute` or `netmeter replay` under this tariff first"
    )


def _cells(
    table: EnergyTable,
    rows: slice,
    pairs: Column,
    cuts: tuple[Column, Column],
    netting: NettingInterval,
    blocks: Sequence[Block],
    names: Sequence[str],
) -> tuple[Cell, ...]:
    """Sums by (block, bucket): `pairs` is the number of each row's; rows of one netting interval have equal cuts."""
    if not len(pairs):
        return ()
    size = int(pairs.max()) + 1
    imported = _by_pair(pairs, table.flow_import.milliwh[rows], size)
    exported = _by_pair(pairs, table.flow_export.milliwh[rows], size)
    positive = _positive_net(table, rows, pairs, cuts, netting, size)
    doubts = [_by_pair(pairs, flow.uncertain_milliwh[rows], size) for flow in (table.flow_import, table.flow_export)]
    estimated = _by_pair(pairs, table.estimated[rows].astype(np.int64), size)
    return tuple(
        Cell(
            block=blocks[pair // len(names)],
            bucket=names[pair % len(names)],
            import_milliwh=int(imported[pair]),
            export_milliwh=int(exported[pair]),
            positive_net_milliwh=int(positive[pair]),
            import_uncertain_milliwh=int(doubts[0][pair]),
            export_uncertain_milliwh=int(doubts[1][pair]),
            estimated_rows=int(estimated[pair]),
        )
        for pair in np.unique(pairs).tolist()
    )


def _by_pair(pairs: Column, milliwh: Column, size: int) -> Column:
    """Sums of a column by pair. Not bincount with weights: that sums in floating point."""
    sums = np.zeros(size, dtype=np.int64)
    runs = np.flatnonzero(np.diff(pairs, prepend=-1))
    np.add.at(sums, pairs[runs], np.add.reduceat(milliwh, runs))
    return sums


def _positive_net(
    table: EnergyTable,
    rows: slice,
    pairs: Column,
    cuts: tuple[Column, Column],
    netting: NettingInterval,
    size: int,
) -> Column:
    net = table.flow_import.milliwh[rows] - table.flow_export.milliwh[rows]
    if netting is NettingInterval.MONTH:
        return np.maximum(_by_pair(pairs, net, size), 0)
    segments, keys = cuts
    begins = np.flatnonzero((np.diff(segments, prepend=-1) != 0) | (np.diff(keys, prepend=-1) != 0))
    nets = np.maximum(np.add.reduceat(net, begins), 0)
    return _by_pair(pairs[begins], nets, size)


def unassigned_cells(energy: CycleEnergy, calendar: Calendar) -> tuple[Cell, ...]:
    """The cells of hours that no rule of the tariff covers and that have energy: they have no price."""
    name = calendar.bucket_names[UNASSIGNED]
    return tuple(one for one in energy.cells if one.bucket == name and (one.import_milliwh or one.export_milliwh))
