"""Netting by the cycle: each bucket's net, and the tiers shared over the buckets. For SAM's options 0 and 1.

A bucket nets over the whole cycle; where a season or price changes inside, what is left to bill or to credit is laid
on its cells in proportion to their own net. Tiers are shared in proportion over the buckets of a block.
(net-metering 3.1: "options 0/1 pro-rate tiers over periods by share of the month")
"""

from collections.abc import Iterator, Mapping, Sequence

from ..cells import Cell, CycleEnergy
from ..charges import by_block
from ..tiers import by_share
from .generic import Share


def net_by_bucket(energy: CycleEnergy) -> dict[str, int]:
    """Import less export of each bucket over the cycle, milliwatt-hours."""
    nets: dict[str, int] = {}
    for cell in energy.cells:
        nets[cell.bucket] = nets.get(cell.bucket, 0) + cell.net_milliwh
    return nets


def shares_of(energy: CycleEnergy, milliwh_by_bucket: Mapping[str, int], sign: int) -> Iterator[Share]:
    """What is billed (`sign` 1) or credited (-1) of each bucket, on its cells and tiers."""
    by_cell = _by_cell(energy.cells, milliwh_by_bucket, sign)
    for _, cells in by_block(energy):
        amounts = [by_cell[position] for position, _ in cells]
        limits = cells[0][1].parts.limits_milliwh
        for (position, cell), parts in zip(cells, by_share(amounts, limits), strict=True):
            for tier, part in enumerate(parts):
                if part:
                    yield Share(position, cell, tier, part, is_net=True)


def _by_cell(cells: Sequence[Cell], milliwh_by_bucket: Mapping[str, int], sign: int) -> list[int]:
    """A bucket's amount on its cells, by their own net on that side; the last of them has the rest."""
    amounts = [0] * len(cells)
    for bucket, milliwh in milliwh_by_bucket.items():
        if not milliwh:
            continue
        own = [at for at, cell in enumerate(cells) if cell.bucket == bucket]
        weights = {at: max(0, sign * cells[at].net_milliwh) for at in own}
        whole = sum(weights.values())
        left = milliwh
        for at in own[:-1]:
            amounts[at] = milliwh * weights[at] // whole if whole else 0
            left -= amounts[at]
        last = max((at for at in own if weights[at]), default=own[-1])
        amounts[last] += left
    return amounts
