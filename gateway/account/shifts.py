"""Energy that may have flowed in another cell than it was booked in, and energy that may not have flowed at all.

At an edge of a price what one cell has too much its neighbour lacks: it costs the difference of their prices, and of
the cycle's energy nothing is off. Only where the cycle begins and ends, and beside time without a row, is energy off
in all. So a sum of lines is known better than its lines. (docs/account.md, "Uncertain")
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from .doubts.ranges import NOTHING, Range
from .energy import Column, Flow
from .gaps import Gap, part_ends_milliwh
from .money import ZERO, worth


@dataclass(frozen=True, slots=True)
class Shift:
    """What cells may truly have had beyond what was booked: each so much less or more, and all of them together.

    `cells` by number: of a cycle's cells, their positions. `less_milliwh` and `more_milliwh`: one for each.
    """

    cells: tuple[int, ...]
    less_milliwh: tuple[int, ...]
    more_milliwh: tuple[int, ...]
    open_less_milliwh: int
    open_more_milliwh: int

    def __bool__(self) -> bool:
        return any(self.less_milliwh) or any(self.more_milliwh)

    def worth(self, per_kwh: Mapping[int, Decimal]) -> Range:
        """What it can add to a sum that counts each cell's energy at a price; a cell without one at nothing."""
        prices = [per_kwh.get(cell, ZERO) for cell in self.cells]
        if not any(prices):
            return NOTHING
        limits = (self.open_less_milliwh, self.open_more_milliwh)
        most = _most(prices, self.less_milliwh, self.more_milliwh, limits)
        if self.less_milliwh == self.more_milliwh and limits[0] == limits[1]:
            return Range(-most, most)
        return Range(-_most([-one for one in prices], self.less_milliwh, self.more_milliwh, limits), most)


def _most(prices: Sequence[Decimal], less: Sequence[int], more: Sequence[int], limits: tuple[int, int]) -> Decimal:
    """The greatest sum of price x energy: each cell at its better end, and then back to what all may be off by, where
    that costs least."""
    if len(prices) == 1:
        return worth(min(more[0], limits[1]) if prices[0] > 0 else -min(less[0], limits[0]), prices[0])
    moved = [up if price > 0 else -down if price < 0 else 0 for price, down, up in zip(prices, less, more, strict=True)]
    cheap_first = sorted(range(len(prices)), key=lambda at: prices[at])
    over, under = sum(moved) - limits[1], -limits[0] - sum(moved)
    for at in cheap_first if over > 0 else ():
        back = min(over, moved[at] + less[at])
        moved[at] -= back
        over -= back
    for at in reversed(cheap_first) if under > 0 else ():
        back = min(under, more[at] - moved[at])
        moved[at] += back
        under -= back
    return sum((worth(milliwh, price) for milliwh, price in zip(moved, prices, strict=True)), ZERO)


def worth_of_shifts(shifts: Iterable[Shift], per_kwh: Mapping[int, Decimal]) -> Range:
    """What they can add together."""
    made = NOTHING
    for one in shifts:
        made = made + one.worth(per_kwh)
    return made


def open_milliwh(shifts: Iterable[Shift]) -> int:
    """What all cells together may be off by."""
    held = list(shifts)
    return max(sum(one.open_less_milliwh for one in held), sum(one.open_more_milliwh for one in held))


def shifts_of(rows: slice, flow: Flow, cells: Column, breaks: Column, gaps: Sequence[Gap]) -> tuple[Shift, ...]:
    """Of one direction. `cells`: the number of each row's; `breaks`: rows that do not go on from the one before;
    `gaps`: those over an edge of a price."""
    doubts = flow.uncertain_milliwh[rows]
    if not doubts.any():
        return ()
    opened: dict[int, int] = {}
    moved: dict[tuple[int, int], int] = {}
    broken = np.zeros(len(doubts) + 1, dtype=bool)
    broken[[*breaks.tolist(), 0, len(doubts)]] = True
    in_gap = np.zeros(len(doubts), dtype=bool)
    for gap in gaps:
        in_gap[gap.rows] = True
        broken[[gap.first, gap.last + 1]] = True
    for row in np.flatnonzero(~in_gap & (broken[:-1] | broken[1:])).tolist():
        ends = 1 if broken[row] and broken[row + 1] else int(broken[row]) + int(broken[row + 1])
        opened[int(cells[row])] = opened.get(int(cells[row]), 0) + ends * int(doubts[row])
    for row in (np.flatnonzero((cells[1:] != cells[:-1]) & ~broken[1:-1]) + 1).tolist():
        if not (in_gap[row] and in_gap[row - 1]):
            first, last = sorted((int(cells[row - 1]), int(cells[row])))
            moved[first, last] = moved.get((first, last), 0) + int(min(doubts[row - 1], doubts[row]))
    made = [_of_gap(gap, flow, rows, cells[gap.rows]) for gap in gaps]
    made += [Shift(key, (one, one), (one, one), 0, 0) for key, one in moved.items()]
    made += [open_shift(cell, off) for cell, off in opened.items()]
    return tuple(one for one in made if one)


def open_shift(cell: int, off_milliwh: int) -> Shift:
    """One cell's, whatever the others have."""
    return Shift((cell,), (off_milliwh,), (off_milliwh,), off_milliwh, off_milliwh)


def _of_gap(gap: Gap, flow: Flow, rows: slice, cells: Column) -> Shift:
    """What one cell has too much of a gap the others lack."""
    own, off = np.unique(cells).tolist(), gap.off_milliwh(flow)
    ends = [part_ends_milliwh(gap, cells == one, flow, rows) for one in own]
    return Shift(tuple(own), tuple(one[0] for one in ends), tuple(one[1] for one in ends), off, off)


def within(shifts: Iterable[Shift], positions: Mapping[int, int]) -> tuple[Shift, ...]:
    """Those of one cycle, its cells by position: what goes to another cycle's cell is off in all."""
    found = (_within(one, positions) for one in shifts if not positions.keys().isdisjoint(one.cells))
    return tuple(one for one in found if one)


def _within(one: Shift, positions: Mapping[int, int]) -> Shift:
    here = [at for at, cell in enumerate(one.cells) if cell in positions]
    less, more = ([ends[at] for at in here] for ends in (one.less_milliwh, one.more_milliwh))
    from_others = sum(one.less_milliwh) - sum(less), sum(one.more_milliwh) - sum(more)
    return Shift(
        tuple(positions[one.cells[at]] for at in here),
        tuple(less),
        tuple(more),
        min(sum(less), one.open_less_milliwh + from_others[1]),
        min(sum(more), one.open_more_milliwh + from_others[0]),
    )
