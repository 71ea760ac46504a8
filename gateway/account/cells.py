"""Intervals gathered into cells: what flowed in one bucket during the days of one block of a billing cycle.

A block has one tariff version and one season (`tariff.cycles`), so a cell has one price. Sums are exact int64; a row
that crosses the edge of a bucket or of a day with another price is refused, as nobody can take it apart.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..tariff.calendar import UNASSIGNED, Calendar
from ..tariff.cycles import Block, Cycle, blocks_of
from ..tariff.walltime import iso_utc
from .cell_parts import NO_PARTS, CellParts, Gathered, parts_of
from .cell_sums import CellSums, Placed, sums_of
from .doubt import run_begins
from .energy import Column, EnergyError, EnergyTable, Flags, Stretch
from .export_worth import NO_SERIES, with_export_parts
from .gaps import gaps_in, over_edges
from .netting import NettingInterval
from .price_series import PriceSeries
from .shifts import Shift, open_milliwh, shifts_of, within
from .step_worth import with_steps


@dataclass(frozen=True, slots=True)
class Cell:
    """The energy of one bucket in one block, milliwatt-hours.

    `positive_net`: the sum over netting intervals of max(0, import - export), the base of non-bypassable charges.
    `bucket` is `unassigned` where no rule of the tariff covers the hours. `export` is below zero where more of earlier
    hours' is taken back than flowed (a share by use that falls).
    """

    block: Block
    bucket: str
    import_milliwh: int
    export_milliwh: int
    positive_net_milliwh: int
    import_uncertain_milliwh: int
    export_uncertain_milliwh: int
    estimated_rows: int
    positive_net_uncertain_milliwh: int = 0
    """By how much `positive_net` may be off: edges between intervals count, unless both sides take beyond doubt."""
    parts: CellParts = NO_PARTS
    """Its energy by tier, and what its exports are worth at time-step prices, where there are such."""

    @property
    def net_milliwh(self) -> int:
        """Import less export."""
        return self.import_milliwh - self.export_milliwh

    @property
    def uncertain_milliwh(self) -> int:
        """By how much the net may be off."""
        return self.import_uncertain_milliwh + self.export_uncertain_milliwh

    @property
    def is_uncertain(self) -> bool:
        """Whether any of it may be off: all of a gap may be sure, and what it took net or was worth by the hour not."""
        return bool(self.uncertain_milliwh or self.positive_net_uncertain_milliwh or self.parts.is_uncertain)


@dataclass(frozen=True, slots=True)
class CycleEnergy:
    """One meter's energy in one billing cycle: its cells in order of block and bucket, and what is not in them."""

    meter: str
    source: str
    cycle: Cycle
    blocks: tuple[Block, ...]
    """All days of the cycle, whether energy flowed in them or not."""
    cells: tuple[Cell, ...]
    import_unassigned_milliwh: int
    """Inside the cells' sums too: its hour is not known, so its bucket is not sure."""
    export_unassigned_milliwh: int
    holes: tuple[Stretch, ...]
    ends_cycle: bool = True
    """False: a piece of a cut billing cycle before its last one."""
    cut_from: Cycle | None = None
    """The whole billing cycle, of a piece of one that is cut."""
    adjusted_milliwh: int = 0
    """Inside the cells' exports: what is credited, or below zero taken back, of earlier hours."""
    import_shifts: tuple[Shift, ...] = ()
    """What of the imports may be another cell's, and what may not have flowed; `export_shifts` likewise."""
    export_shifts: tuple[Shift, ...] = ()
    positive_shifts: tuple[Shift, ...] = ()
    """What the cells' `positive_net` may be off by."""

    @property
    def whole_cycle(self) -> Cycle:
        return self.cut_from or self.cycle

    @property
    def import_milliwh(self) -> int:
        return sum(cell.import_milliwh for cell in self.cells)

    @property
    def export_milliwh(self) -> int:
        return sum(cell.export_milliwh for cell in self.cells)

    @property
    def net_milliwh(self) -> int:
        return self.import_milliwh - self.export_milliwh

    @property
    def import_uncertain_milliwh(self) -> int:
        """By how much all imports together may be off: what one bucket has too much another one lacks."""
        return min(open_milliwh(self.import_shifts), sum(cell.import_uncertain_milliwh for cell in self.cells))

    @property
    def export_uncertain_milliwh(self) -> int:
        return min(open_milliwh(self.export_shifts), sum(cell.export_uncertain_milliwh for cell in self.cells))

    @property
    def uncertain_milliwh(self) -> int:
        """By how much the net may be off."""
        return self.import_uncertain_milliwh + self.export_uncertain_milliwh


def energy_of_cycles(
    table: EnergyTable,
    cycles: Sequence[Cycle],
    calendar: Calendar,
    netting: NettingInterval,
    export_prices: PriceSeries | None = None,
    import_prices: PriceSeries | None = None,
    export_parts: Mapping[str, PriceSeries] = NO_SERIES,
) -> tuple[CycleEnergy, ...]:
    """The cells of every cycle; `cycles` are in order and do not overlap. Raises EnergyError with the row."""
    if not cycles:
        return ()
    plan = _plan_of(cycles, calendar)
    rows = table.rows_in(int(plan.edges_us[0]), int(plan.edges_us[-1]))
    marks = np.searchsorted(table.start_us[rows], plan.edges_us)
    segments = np.repeat(np.arange(len(plan.edges_us) - 1), np.diff(marks))
    _refuse_crossing(table, rows, plan.edges_us[segments + 1], calendar)
    cells: list[list[Cell]] = [[] for _ in cycles]
    gathered = Gathered(table, rows, plan.block_of[segments], plan.bucket_of[segments])
    dated = [(block, cycles[position]) for position, block in plan.blocks]
    parts = parts_of(gathered, dated, calendar.bucket_names, export_prices)
    if import_prices is not None or export_prices is not None:
        parts = with_steps(parts, gathered, len(dated), import_prices, export_prices)
    if export_parts:
        parts = with_export_parts(parts, gathered, len(dated), export_parts)
    places: list[dict[int, int]] = [{} for _ in cycles]
    sums = _sums(table, rows, segments, plan, calendar, netting)
    for position, pair, cell in _cells(sums, plan, calendar.bucket_names, parts):
        places[position][pair] = len(cells[position])
        cells[position].append(cell)
    shifts = _shifts(table, rows, plan, segments, len(calendar.bucket_names))
    blocks = [tuple(block for at, block in plan.blocks if at == position) for position in range(len(cycles))]
    return tuple(
        replace(
            _energy_of(table, cycle, own_blocks, tuple(own), calendar),
            import_shifts=within(shifts[0], place),
            export_shifts=within(shifts[1], place),
            positive_shifts=() if sums is None else within(sums[1].positive_shifts, place),
        )
        for cycle, own_blocks, own, place in zip(cycles, blocks, cells, places, strict=True)
    )


def _shifts(
    table: EnergyTable, rows: slice, plan: "_Plan", segments: Column, buckets: int
) -> tuple[tuple[Shift, ...], tuple[Shift, ...]]:
    """Of imports and of exports, by the number of block and bucket."""
    pairs = plan.block_of[segments] * buckets + plan.bucket_of[segments]
    breaks = run_begins(table, rows, np.zeros(len(segments), dtype=np.int64))
    gaps = over_edges(gaps_in(table, rows), np.flatnonzero(np.diff(segments, prepend=-1)))
    imported, exported = (shifts_of(rows, flow, pairs, breaks, gaps) for flow in (table.flow_import, table.flow_export))
    return imported, exported


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where the price may change: segment i is [edges_us[i], edges_us[i + 1]), its block and bucket by number.

    Block 0 stands for the time between cycles. `block_of`, `bucket_of` are one shorter than `edges_us`.
    """

    edges_us: Column
    block_of: Column
    bucket_of: Column
    blocks: tuple[tuple[int, Block], ...]
    """(position of the cycle, block), from block 1 on."""


def _plan_of(cycles: Sequence[Cycle], calendar: Calendar) -> _Plan:
    edges_us: list[int] = []
    block_of: list[int] = []
    bucket_of: list[int] = []
    blocks: list[tuple[int, Block]] = []
    end_us = 0
    calendar.edges(cycles[0].edges_us(calendar.zone)[0], cycles[-1].edges_us(calendar.zone)[1])  # compiled at once
    for position, cycle in enumerate(cycles):
        start_us, next_us = cycle.edges_us(calendar.zone)
        if position and start_us < end_us:
            raise ValueError(f"billing cycle {cycle.first_day} begins before the one before it has ended")
        if position and start_us > end_us:
            edges_us.append(end_us)
            block_of.append(0)
            bucket_of.append(UNASSIGNED)
        end_us = next_us
        for block in blocks_of(cycle, calendar.rules):
            blocks.append((position, block))
            table = calendar.edges(*Cycle(block.first_day, block.last_day).edges_us(calendar.zone))
            edges_us.extend(table.edges_us)
            bucket_of.extend(table.bucket_ids)
            block_of.extend([len(blocks)] * len(table.edges_us))
    edges_us.append(end_us)
    return _Plan(
        np.array(edges_us, dtype=np.int64),
        np.array(block_of, dtype=np.int64),
        np.array(bucket_of, dtype=np.int64),
        tuple(blocks),
    )


def _energy_of(
    table: EnergyTable, cycle: Cycle, blocks: tuple[Block, ...], cells: tuple[Cell, ...], calendar: Calendar
) -> CycleEnergy:
    start_us, end_us = cycle.edges_us(calendar.zone)
    rows = table.rows_in(start_us, end_us)
    return CycleEnergy(
        meter=table.meter,
        source=table.source,
        cycle=cycle,
        blocks=blocks,
        cells=cells,
        import_unassigned_milliwh=int(table.flow_import.unassigned_milliwh[rows].sum()),
        export_unassigned_milliwh=int(table.flow_export.unassigned_milliwh[rows].sum()),
        holes=table.holes(start_us, end_us),
        adjusted_milliwh=0 if table.adjusted_milliwh is None else int(table.adjusted_milliwh[rows].sum()),
    )


def _refuse_crossing(table: EnergyTable, rows: slice, limits_us: Column, calendar: Calendar) -> None:
    """An interval without energy may lie over an edge: there is nothing to take apart."""
    crossing: Flags = table.end_us[rows] > limits_us
    flowing = (table.flow_import.milliwh[rows] > 0) | (table.flow_export.milliwh[rows] > 0)
    flowing |= table.credited_milliwh[rows] != 0
    wrong = crossing & flowing
    if not wrong.any():
        return
    at = int(np.argmax(wrong))
    raise EnergyError(
        f"{table.place(rows.start + at)}: crosses {iso_utc(int(limits_us[at]))}, where the price of tariff "
        f"{calendar.tariff_id} or the billing cycle changes, and cannot be taken apart; "
        "run `netmeter recompute` or `netmeter replay` under this tariff first"
    )


def _sums(
    table: EnergyTable, rows: slice, segments: Column, plan: _Plan, calendar: Calendar, netting: NettingInterval
) -> tuple[list[int], CellSums] | None:
    """The cells' numbers, of block and bucket, and their sums; None without a row."""
    if not len(segments):
        return None
    begins = np.flatnonzero(np.diff(segments, prepend=-1))
    pairs = plan.block_of[segments[begins]] * len(calendar.bucket_names) + plan.bucket_of[segments[begins]]
    return np.unique(pairs).tolist(), sums_of(Placed(table, rows, segments, begins, pairs), netting, calendar.zone)


def _cells(
    found: tuple[list[int], CellSums] | None,
    plan: _Plan,
    names: Sequence[str],
    parts: Mapping[tuple[int, int], CellParts],
) -> Iterator[tuple[int, int, Cell]]:
    """Sums by (block, bucket), with the position of each one's cycle and its number."""
    if found is None:
        return
    numbers, sums = found
    for pair in numbers:
        number, bucket = divmod(pair, len(names))
        if not number:
            continue
        position, block = plan.blocks[number - 1]
        yield (
            position,
            pair,
            Cell(
                block,
                names[bucket],
                import_milliwh=int(sums.imported[pair]),
                export_milliwh=int(sums.exported[pair]),
                positive_net_milliwh=int(sums.positive[pair]),
                import_uncertain_milliwh=int(sums.import_uncertain[pair]),
                export_uncertain_milliwh=int(sums.export_uncertain[pair]),
                estimated_rows=int(sums.estimated_rows[pair]),
                positive_net_uncertain_milliwh=int(sums.positive_uncertain[pair]),
                parts=parts.get((number, bucket), NO_PARTS),
            ),
        )


def unassigned_cells(energy: CycleEnergy, calendar: Calendar) -> tuple[Cell, ...]:
    """The cells of hours that no rule of the tariff covers and that have energy: they have no price."""
    name = calendar.bucket_names[UNASSIGNED]
    return tuple(one for one in energy.cells if one.bucket == name and (one.import_milliwh or one.export_milliwh))
