"""Stretches of intervals whose edges nobody read: what flowed in them is known in all, and not when.

An interval in a gap is told no more uncertain than its own time carries (docs/accounting.md), so the two ends of a run
inside a gap do not bound it. What does: of all that flowed in the gap a part of its time has at least nothing, and at
most all of it. Only gaps that lie over an edge of a price matter: in any other the ends of the run are read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .energy import Column, EnergyTable, Flags, Flow


@dataclass(frozen=True, slots=True)
class Gap:
    """Rows `first` to `last`, counted within the rows that were asked for."""

    first: int
    last: int
    beside: tuple[int, ...]
    """The rows, in the whole table, by whose doubt all that flowed in it may be off."""
    is_cut: bool
    """Whether it goes on beyond the rows that were asked for."""

    @property
    def rows(self) -> slice:
        return slice(self.first, self.last + 1)

    def off_milliwh(self, flow: Flow) -> int:
        """What all that flowed in it may be off by."""
        return sum(int(flow.uncertain_milliwh[at]) for at in self.beside)


def gaps_in(table: EnergyTable, rows: slice) -> list[Gap]:
    """The gaps that have rows among them, in order."""
    unread = _unread_edges(table)
    if not unread.any():
        return []
    begins, ends = np.flatnonzero(~unread[:-1] & unread[1:]), np.flatnonzero(unread & ~np.append(unread[1:], False))
    return [
        _gap(table, first, last, rows)
        for first, last in zip(begins.tolist(), ends.tolist(), strict=True)
        if last >= rows.start and first < rows.stop
    ]


def over_edges(gaps: Sequence[Gap], begins: Column) -> list[Gap]:
    """Those within which a run begins, or that are cut."""
    return [one for one in gaps if one.is_cut or ((begins > one.first) & (begins <= one.last)).any()]


def cut_at(gaps: Sequence[Gap], begins: Column, count: int) -> tuple[Column, Flags]:
    """Where runs begin if each gap is a run of its own; and which of them are a gap's."""
    if not gaps:
        return begins, np.zeros(len(begins), dtype=bool)
    edges = [at for one in gaps for at in (one.first, one.last + 1) if at < count]
    cuts = np.unique(np.append(begins, edges))
    inside = np.zeros(len(cuts), dtype=bool)
    for one in gaps:
        inside |= (cuts >= one.first) & (cuts <= one.last)
    return cuts, inside


def part_off_milliwh(gap: Gap, here: Flags, flow: Flow, rows: slice) -> int:
    """What a part of a gap may be off by, to either side."""
    return max(part_ends_milliwh(gap, here, flow, rows))


def part_ends_milliwh(gap: Gap, here: Flags, flow: Flow, rows: slice) -> tuple[int, int]:
    """How much less, and how much more, than booked a part of a gap may have had; `here`: which of its rows.

    Never below zero and never above all that flowed; never more than its intervals, nor than all the others, say.
    """
    milliwh, doubts = flow.milliwh[rows][gap.rows], flow.uncertain_milliwh[rows][gap.rows]
    part, whole, off = int(milliwh[here].sum()), int(milliwh.sum()), gap.off_milliwh(flow)
    most = min(int(doubts[here].sum()), int(doubts[~here].sum()) + off)
    return min(most, part), min(most, whole + off - part)


def _unread_edges(table: EnergyTable) -> Flags:
    """For each row whether the edge before it is one that nobody read: between two estimated ones in a row."""
    made = np.zeros(len(table), dtype=bool)
    if len(table) > 1:
        made[1:] = table.estimated[1:] & table.estimated[:-1] & (table.start_us[1:] == table.end_us[:-1])
        if table.alone is not None:
            made[1:] &= ~(table.alone[1:] | table.alone[:-1])
    return made


def _gap(table: EnergyTable, first: int, last: int, rows: slice) -> Gap:
    """Of rows of the whole table. A row beside a read edge tells its doubt; where there is none, the gap's own does."""
    before = first > 0 and table.end_us[first - 1] == table.start_us[first]
    after = last + 1 < len(table) and table.end_us[last] == table.start_us[last + 1]
    inner = (max(first, rows.start), min(last, rows.stop - 1))
    outside = [*range(first, inner[0]), *range(inner[1] + 1, last + 1)]
    beside = (first - before, *outside, last + after)
    return Gap(inner[0] - rows.start, inner[1] - rows.start, beside, bool(outside))
