"""Energy that may have flowed in another cell than it was booked in, and energy that may not have flowed at all.

At an edge of a price what one cell has too much its neighbour lacks: it costs the difference of their prices, and of
the cycle's energy nothing is off. Only where the cycle begins and ends, and beside time without a row, is energy off
in all. So a sum of lines is known better than its lines. (docs/account.md, "Uncertain")
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from .energy import Column, Flow
from .gaps import Gap, part_off_milliwh
from .money import ZERO, worth


@dataclass(frozen=True, slots=True)
class Shift:
    """Up to `moved_milliwh` may belong to one of `cells` instead of another; all of them may be off by `open_milliwh`.

    `cells` by number: of a cycle's cells, their positions.
    """

    cells: tuple[int, ...]
    moved_milliwh: int
    open_milliwh: int


def worth_of_shifts(shifts: Iterable[Shift], per_kwh: Mapping[int, Decimal]) -> Decimal:
    """What they can change a sum by that counts each cell's energy at a price; a cell without one at nothing."""
    made = ZERO
    for one in shifts:
        prices = [per_kwh.get(cell, ZERO) for cell in one.cells]
        made += worth(one.moved_milliwh, max(prices) - min(prices)) + worth(one.open_milliwh, max(map(abs, prices)))
    return made


def open_milliwh(shifts: Iterable[Shift]) -> int:
    """What all cells together may be off by."""
    return sum(one.open_milliwh for one in shifts)


def shifts_of(rows: slice, flow: Flow, cells: Column, breaks: Column, gaps: Sequence[Gap]) -> tuple[Shift, ...]:
    """Of one direction. `cells`: the number of each row's; `breaks`: rows that do not go on from the one before;
    `gaps`: those over an edge of a price."""
    doubts = flow.uncertain_milliwh[rows]
    if not doubts.any():
        return ()
    made: dict[tuple[int, ...], list[int]] = {}
    broken = np.zeros(len(doubts) + 1, dtype=bool)
    broken[[*breaks.tolist(), 0, len(doubts)]] = True
    in_gap = np.zeros(len(doubts), dtype=bool)
    for gap in gaps:
        in_gap[gap.rows] = True
        broken[[gap.first, gap.last + 1]] = True
        _add(made, *_of_gap(gap, flow, rows, cells[gap.rows]))
    for row in np.flatnonzero(~in_gap & (broken[:-1] | broken[1:])).tolist():
        ends = 1 if broken[row] and broken[row + 1] else int(broken[row]) + int(broken[row + 1])
        _add(made, (int(cells[row]),), 0, ends * int(doubts[row]))
    for row in (np.flatnonzero((cells[1:] != cells[:-1]) & ~broken[1:-1]) + 1).tolist():
        if not (in_gap[row] and in_gap[row - 1]):
            both = tuple(sorted((int(cells[row - 1]), int(cells[row]))))
            _add(made, both, int(min(doubts[row - 1], doubts[row])), 0)
    return tuple(Shift(key, moved, off) for key, (moved, off) in made.items() if moved or off)


def _of_gap(gap: Gap, flow: Flow, rows: slice, cells: Column) -> tuple[tuple[int, ...], int, int]:
    """What one cell has too much of a gap the others lack: together at most half of what all of them may be off."""
    own = np.unique(cells).tolist()
    whole, off = int(flow.milliwh[rows][gap.rows].sum()), gap.off_milliwh(flow)
    each = sum(part_off_milliwh(gap, cells == one, flow, rows) for one in own)
    return tuple(own), min(whole + off, (each + off + 1) // 2), off


def _add(made: dict[tuple[int, ...], list[int]], cells: tuple[int, ...], moved: int, off: int) -> None:
    held = made.setdefault(cells, [0, 0])
    held[0] += moved
    held[1] += off


def within(shifts: Iterable[Shift], positions: Mapping[int, int]) -> tuple[Shift, ...]:
    """Those of one cycle, its cells by position: what goes to another cycle's cell is off in all."""
    made: dict[tuple[int, ...], list[int]] = {}
    for one in shifts:
        own = tuple(positions[cell] for cell in one.cells if cell in positions)
        if own:
            left = len(own) < len(one.cells)
            _add(made, own, one.moved_milliwh if len(own) > 1 else 0, one.open_milliwh + left * one.moved_milliwh)
    return tuple(Shift(cells, moved, off) for cells, (moved, off) in made.items())
