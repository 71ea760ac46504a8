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
from .gaps import Gap, cut_at, gaps_in, over_edges, part_off_milliwh
from .netting import NettingInterval, netting_keys


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
    else:
        positive, doubts = _by_netting_interval(placed, netting, zone, runs_at, gaps)
    estimated = placed.whole(placed.table.estimated[rows].astype(np.int64))
    # What is credited or taken back of earlier hours is in the net alone: no netting interval took or gave it.
    given = placed.whole(placed.table.credited_milliwh[rows])
    return CellSums(taken, given, positive, uncertain[0], uncertain[1], doubts, estimated)


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
) -> tuple[Column, Column]:
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
    net_by_segment = np.add.reduceat(np.maximum(taken - given, 0), np.searchsorted(cuts, placed.begins))
    positive = placed.by_pair(placed.begins, net_by_segment)
    if not taken_doubt.any() and not given_doubt.any():
        return positive, np.zeros_like(positive)
    connected = ~np.isin(cuts, runs_at)
    doubts = positive_uncertain(Sides(taken, given, taken_doubt, given_doubt), connected)
    return positive, placed.by_pair(cuts, _no_more_than_taken(placed, cuts, taken, doubts, gaps))


def _no_more_than_taken(placed: Placed, cuts: Column, taken: Column, doubts: Column, gaps: Sequence[Gap]) -> Column:
    """What a gap takes net is not less than nothing, and no more than all that it may have taken."""
    ends, made, flow = np.append(cuts[1:], len(placed.segments)), doubts.copy(), placed.table.flow_import
    for gap in gaps:
        inside = (cuts >= gap.first) & (ends <= gap.last + 1)
        pairs = placed.pairs_at(cuts)
        for pair in np.unique(pairs[inside]).tolist():
            here = inside & (pairs == pair)
            own = placed.pairs_at(np.arange(gap.first, gap.last + 1)) == pair
            most = int(taken[here].sum()) + part_off_milliwh(gap, own, flow, placed.rows)
            most = min(most, int(flow.milliwh[placed.rows][gap.rows].sum()) + gap.off_milliwh(flow))
            if made[here].sum() > most:
                made[here] = 0
                made[np.flatnonzero(here)[0]] = most
    return made
