"""What dearer tiers add to a cycle that nets: on its net energy, with the sign of the net (corrections A-6, F.9).

Each bucket's net is billed at the price below the first limit; here comes what the part above each limit costs more. So
an exported kilowatt-hour earns what it would have cost. Of several buckets each bears its share of the net (A).
"""

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from ..tariff.cycles import Block
from .cells import Cell, CycleEnergy
from .charges import Prices, by_block, days_of, key_of
from .lines import Due, Line, LineKind
from .money import kwh, rounded
from .tiers import NO_LIMIT, PARTS_PER_MILLIWH

_PART_PLACES = -len(str(PARTS_PER_MILLIWH)) + 1


def tier_lines(energy: CycleEnergy, prices: Prices, due: Due) -> Iterator[Line]:
    """A line for each block, bucket and tier above the first; none where the tariff has no tiers.

    The sign is that of the cycle's net; blocks of unlike sign together never have more than it.
    """
    sign = (energy.net_milliwh > 0) - (energy.net_milliwh < 0)
    left_milliwh = abs(energy.net_milliwh)
    for block, cells in by_block(energy):
        limits = cells[0][1].parts.limits_milliwh
        net = min(max(0, sign * sum(cell.net_milliwh for _, cell in cells)), left_milliwh)
        left_milliwh -= net
        on_that_side = [(position, cell) for position, cell in cells if sign * cell.net_milliwh > 0]
        for tier, (low, high) in enumerate(pairwise((*limits, NO_LIMIT)), start=1):
            above = min(net, high) - low
            if above > 0:
                yield from _lines_of(block, on_that_side, tier, sign * above, prices, due)


def _lines_of(
    block: Block, cells: list[tuple[int, Cell]], tier: int, milliwh: int, prices: Prices, due: Due
) -> Iterator[Line]:
    """`milliwh` of a tier on its buckets by their net; the last of them has the rest of a division."""
    whole = sum(cell.net_milliwh for _, cell in cells)
    left = milliwh * PARTS_PER_MILLIWH
    for number, (position, cell) in enumerate(cells, start=1):
        is_last = number == len(cells)
        parts = left if is_last else milliwh * PARTS_PER_MILLIWH * cell.net_milliwh // whole
        left -= parts
        rate = prices.retail_in_tier(cell, tier) - prices.retail_in_tier(cell, 0)
        quantity = kwh(parts).scaleb(_PART_PLACES).normalize()
        exact = quantity * rate
        yield Line(
            key=key_of("tier", block, cell.bucket, str(tier)),
            label=f"Above limit {tier}, net energy {cell.bucket.replace('_', ' ')}, {days_of(block)}",
            kind=LineKind.ENERGY,
            due=due,
            exact=exact,
            amount=rounded(exact, prices.rounding),
            quantity=quantity if quantity else Decimal(0),
            unit="kWh",
            rate=rate,
            source=prices.source(block),
            uncertain_milliwh=cell.uncertain_milliwh,
            cells=(position,),
        )
