"""Sums of rows by cell: energy of both directions, its positive net by netting interval, and what is uncertain of each.

Exact int64, never through floating point. A cell is a number here (`pairs`); which block and bucket it stands for is
`cells`' business, and what an edge's doubt does to a sum is `doubt`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

import numpy as np

from .doubt import Sides, positive_uncertain, run_begins, run_uncertain
from .energy import Column, EnergyTable, Flow
from .gaps import Gap, cut_at, gaps_in, over_edges, part_ends_milliwh, part_off_milliwh
from .netting import NettingInterval, netting_keys
from .shifts import Shift, open_shift


@dataclass(frozen=True, slots=True)
class CellSums:
    """By the number of the cell, milliwatt-hours."""

    imported: Column
    exported: Column
    positive: Column
    import_uncertain: Column
    export_uncertain: Column
    positive_uncertain: Column
    estimated_rows: Column
    positive_shifts: tuple[Shift, ...]
    """What `positive` may be off by, cells of a gap together."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Rows of a table, in order of time, each in a segment of one cell. There is at least one."""

    table: EnergyTable
    rows: slice
    segments: Column
    """Of each row; rising."""
    begins: Column
    """The rows with which segments begin."""
    pairs: Column
    """The cell of each segment that has rows."""

    def pairs_at(self, places: Column) -> Column:
        """The cells of some rows."""
        found: Column = self.pairs[np.searchsorted(self.begins, places, side="right") - 1]
        return found

    def by_pair(self, places: Column, milliwh: Column) -> Column:
        """Sums by cell of what stands at some rows. Not bincount with weights: that adds in floating point."""
        sums = np.zeros(int(self.pairs.max()) + 1, dtype=np.int64)
        np.add.at(sums, self.pairs_at(places), milliwh)
        return sums

    def whole(self, column: Column) -> Column:
        """Sums by cell of one column of the rows."""
        return self.by_pair(self.begins, np.add.reduceat(column, self.begins))


def sums_of(placed: Placed, netting: NettingInterval, zone: tzinfo) -> CellSums:
    """All sums. Raises EnergyError for a row that no netting interval holds."""
    rows, imported, exported = placed.rows, placed.table.flow_import, placed.table.flow_export
    runs_at = run_begins(placed.table, rows, placed.segments)
    gaps = gaps_in(placed.table, rows)
    split = over_edges(gaps, runs_at)
    uncertain = [_uncertain(placed, one, runs_at, split) for one in (imported, exported)]
    taken, given = placed.whole(imported.milliwh[rows]), placed.whole(exported.milliwh[rows])
    if netting is NettingInterval.MONTH:
        positive, doubts = np.maximum(taken - given, 0), uncertain[0] + uncertain[1]
        shifts = _open_shifts(doubts)
    else:
        positive, doubts, shifts = _by_netting_interval(placed, netting, zone, runs_at, gaps)
    estimated = placed.whole(placed.table.estimated[rows].astype(np.int64))
    # What is credited or taken back of earlier hours is in the net alone: no netting interval took or gave it.
    given = placed.whole(placed.table.credited_milliwh[rows])
    return CellSums(taken, given, positive, uncertain[0], uncertain[1], doubts, estimated, shifts)


def _uncertain(placed: Placed, flow: Flow, runs_at: Column, gaps: Sequence[Gap]) -> Column:
    """By cell: of each run its two ends; of a gap over an edge of a price what each cell may have of it."""
    runs_at, inside = cut_at(gaps, runs_at, len(placed.segments))
    made = np.where(inside, 0, run_uncertain(flow.uncertain_milliwh[placed.rows], runs_at))
    sums = placed.by_pair(runs_at, made)
    for gap in gaps:
        pairs = placed.pairs_at(np.arange(gap.first, gap.last + 1))
        for pair in np.unique(pairs).tolist():
            sums[pair] += part_off_milliwh(gap, pairs == pair, flow, placed.rows)
    return sums


def _by_netting_interval(
    placed: Placed, netting: NettingInterval, zone: tzinfo, runs_at: Column, gaps: Sequence[Gap]
) -> tuple[Column, Column, tuple[Shift, ...]]:
    """The sum of max(0, import - export) over netting intervals, a price's edge cutting them; and its doubt."""
    rows, imported, exported = placed.rows, placed.table.flow_import, placed.table.flow_export
    columns = [imported.milliwh, exported.milliwh, imported.uncertain_milliwh, exported.uncertain_milliwh]
    taken, given, taken_doubt, given_doubt = (one[rows] for one in columns)
    if netting is NettingInterval.NONE:
        cuts = np.arange(len(placed.segments))
    else:
        keys = netting_keys(placed.table, rows, netting, zone)
        cuts = np.flatnonzero((np.diff(placed.segments, prepend=-1) != 0) | (np.diff(keys, prepend=-1) != 0))
        taken, given = np.add.reduceat(taken, cuts), np.add.reduceat(given, cuts)
        taken_doubt, given_doubt = np.add.reduceat(taken_doubt, cuts), np.add.reduceat(given_doubt, cuts)
    net = np.maximum(taken - given, 0)
    positive = placed.by_pair(placed.begins, np.add.reduceat(net, np.searchsorted(cuts, placed.begins)))
    if not taken_doubt.any() and not given_doubt.any():
        return positive, np.zeros_like(positive), ()
    doubts = positive_uncertain(Sides(taken, given, taken_doubt, given_doubt), ~np.isin(cuts, runs_at))
    netted = _Netted(cuts, taken, net, doubts)
    shifts = [one for gap in gaps for one in _of_gap(placed, gap, netted)]
    alone = placed.by_pair(cuts, doubts)
    whole = alone.copy()
    for one in shifts:
        for pair, less, more in zip(one.cells, one.less_milliwh, one.more_milliwh, strict=True):
            whole[pair] += max(less, more)
    return positive, whole, (*shifts, *_open_shifts(alone))


def _open_shifts(doubts: Column) -> tuple[Shift, ...]:
    return tuple(open_shift(pair, int(doubts[pair])) for pair in np.flatnonzero(doubts).tolist())


@dataclass(frozen=True, slots=True)
class _Netted:
    """Netting intervals: where each begins, what it took, its max(0, import - export), and the doubt of that."""

    cuts: Column
    taken: Column
    net: Column
    doubts: Column
    """Without those of a gap, once they are told together."""


def _of_gap(placed: Placed, gap: Gap, netted: _Netted) -> list[Shift]:
    """What the netting intervals of a gap take net: a cell's not less than nothing and no more than it may have taken;
    all of them no more than the gap took, and no less than what it took beyond what it gave."""
    rows, imported, exported = placed.rows, placed.table.flow_import, placed.table.flow_export
    ends = np.append(netted.cuts[1:], len(placed.segments))
    inside = (netted.cuts >= gap.first) & (ends <= gap.last + 1)
    if not netted.doubts[inside].any():
        return []
    most = int(imported.milliwh[rows][gap.rows].sum()) + gap.off_milliwh(imported)
    least = most - 2 * gap.off_milliwh(imported)
    least -= int(exported.milliwh[rows][gap.rows].sum()) + gap.off_milliwh(exported)
    pairs, row_pairs = placed.pairs_at(netted.cuts), placed.pairs_at(np.arange(gap.first, gap.last + 1))
    own, less, more = np.unique(pairs[inside]).tolist(), [], []
    for pair in own:
        here = inside & (pairs == pair)
        booked, doubt = int(netted.net[here].sum()), int(netted.doubts[here].sum())
        _, open_more = part_ends_milliwh(gap, row_pairs == pair, imported, rows)
        less.append(min(doubt, booked))
        more.append(min(doubt, most - booked, int(netted.taken[here].sum()) + open_more - booked))
    whole = int(netted.net[inside].sum())
    is_all = int((ends - netted.cuts)[inside].sum()) == gap.last + 1 - gap.first
    netted.doubts[inside] = 0
    return [Shift(tuple(own), tuple(less), tuple(more), whole - max(0, least) if is_all else whole, most - whole)]
