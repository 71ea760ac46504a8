"""What is billed or stored of a bucket that nets over the cycle, laid on its cells and tiers: as ranges of money.

A cell bears its part by its own net, a tier by its part of the whole: with ranges, the most that one can have is where
it has most itself and the others least. Not told finer than 1e-12, outwards. (programmes.generic_netting)
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from ...tariff.calendar import UNASSIGNED_NAME
from ..cells import Cell, CycleEnergy
from ..charges import PriceError, by_block, key_of
from ..money import ZERO, divided, kwh, to_step
from ..shifts import worth_of_shifts
from ..tiers import NO_LIMIT
from .ranges import NOTHING, Range, around, both, monotone, sum_of, sure

GroupOf = Callable[[Cell], str]
_FINE = Decimal("1e-12")
ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Priced:
    """How a line is called and what a kilowatt-hour of it costs in a tier, below zero where it earns."""

    prefix: str
    per_kwh: Callable[[Cell, int], Decimal]


def bucket_of(cell: Cell) -> str:
    """A `GroupOf`."""
    return cell.bucket


def net_of(cell: Cell) -> Range:
    """Import less export, kWh."""
    return around(kwh(cell.net_milliwh), kwh(cell.uncertain_milliwh))


def nets_of(energy: CycleEnergy, group: GroupOf) -> dict[str, Range]:
    """The net of each group (a bucket, a period of the day) over the cycle, kWh."""
    places: dict[str, list[int]] = {}
    for at, cell in enumerate(energy.cells):
        places.setdefault(group(cell), []).append(at)
    return {name: net_of_cells(energy, own) for name, own in places.items()}


def net_of_cells(energy: CycleEnergy, places: Iterable[int], *, given: bool = True) -> Range:
    """Import less export of some cells together, kWh; without `given` import alone.

    No further off than the cells are, nor than energy booked in a wrong one makes it.
    """
    own = dict.fromkeys(places, ONE)
    cells = [energy.cells[at] for at in own]
    booked = sum(one.net_milliwh if given else one.import_milliwh for one in cells)
    off = sum(one.uncertain_milliwh if given else one.import_uncertain_milliwh for one in cells)
    moved = worth_of_shifts(energy.import_shifts, own)
    if given:
        moved = moved - worth_of_shifts(energy.export_shifts, own)
    net = both(around(kwh(booked), kwh(off)), sure(kwh(booked)) + moved)
    return net if given else net.not_below_zero


def shared_lines(
    energy: CycleEnergy, whole: Mapping[str, Range], group: GroupOf, sign: int, priced: Priced
) -> dict[str, Range]:
    """By a line's key what it can come to. `whole`: kWh of each group; `sign`: on which side of zero they lie."""
    amounts = share_by_cell(energy.cells, whole, group, sign)
    lines: dict[str, Range] = {}
    for block, cells in by_block(energy):
        limits = cells[0][1].parts.limits_milliwh
        parts = _by_tier([amounts[at] for at, _ in cells], limits) if limits else [(amounts[at],) for at, _ in cells]
        for (_, cell), tiers in zip(cells, parts, strict=True):
            for tier, part in enumerate(tiers):
                price = None if part == NOTHING else _maybe_price(cell, tier, priced)
                if price is not None:
                    name = (f"tier{tier + 1}",) if limits else ()
                    lines[key_of(priced.prefix, block, cell.bucket, *name)] = part.times(price)
    return lines


def _maybe_price(cell: Cell, tier: int, priced: Priced) -> Decimal | None:
    """None: there is none, as nothing was metered that needed it."""
    if cell.bucket == UNASSIGNED_NAME:
        return None
    try:
        return priced.per_kwh(cell, tier)
    except PriceError:
        return None


def share_by_cell(cells: Sequence[Cell], whole: Mapping[str, Range], group: GroupOf, sign: int) -> list[Range]:
    """Each cell's part of its group's amount, by its own net on that side of zero; kWh."""
    sides = [(net_of(cell) if sign > 0 else -net_of(cell)).not_below_zero for cell in cells]
    made: list[Range] = []
    for at, cell in enumerate(cells):
        amount = whole.get(group(cell), NOTHING)
        others = [sides[other] for other, one in enumerate(cells) if other != at and group(one) == group(cell)]
        made.append(_part(amount, sides[at], sum_of(others)) if others else amount)
    return made


def _part(amount: Range, own: Range, others: Range) -> Range:
    """amount x own / (own + others); never more than its own."""
    part = monotone(_share, (amount, own), (others,))
    return Range(max(ZERO, part.low - _FINE), min(part.high + _FINE, own.high))


def _share(amount: Decimal, own: Decimal, others: Decimal) -> Decimal:
    if not own:
        return ZERO
    return to_step(divided(amount * own, own + others), _FINE)


def _by_tier(amounts: Sequence[Range], limits_milliwh: Sequence[int]) -> list[tuple[Range, ...]]:
    """Each amount's part of each tier, whose width is that of all amounts together."""
    whole = sum_of(amounts)
    edges = [kwh(one) for one in (0, *limits_milliwh, NO_LIMIT)]
    widths = [(_width(whole.low, low, high), _width(whole.high, low, high)) for low, high in pairwise(edges)]
    return [tuple(_tier_part(amount, whole, width) for width in widths) for amount in amounts]


def _tier_part(amount: Range, whole: Range, width: tuple[Decimal, Decimal]) -> Range:
    """amount x width / whole: of one amount alone the tier itself."""
    if amount == whole:
        return Range(*width)
    least = to_step(divided(amount.low * width[0], whole.high), _FINE) - _FINE if whole.high else ZERO
    most = min(amount.high, width[1])
    return Range(min(most, max(ZERO, least)), most)


def _width(amount: Decimal, low: Decimal, high: Decimal) -> Decimal:
    return max(ZERO, min(amount, high) - low)
