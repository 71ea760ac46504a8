"""Banks of kilowatt-hours, one a period of the day: what a cycle takes from them, bills, and puts into them.

A period nets over the whole cycle, whatever season or price changes in it; what is left is laid on its cells in
proportion to their own net, each at its own days' price. Milliwatt-hours only; nothing here knows a price.
(net-metering 1.5; corrections F.4)
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...tariff.types import Tariff, bucket_name
from ..cells import Cell, CycleEnergy
from ..lines import BankMove, BankUnit
from ..money import kwh


@dataclass(frozen=True, slots=True)
class Part:
    """Milliwatt-hours of one cell, by its position."""

    position: int
    cell: Cell
    milliwh: int


@dataclass(frozen=True, slots=True)
class Netted:
    """One period of one cycle."""

    period: str
    held_milliwh: int
    net_milliwh: int
    billed: tuple[Part, ...]
    """What the bank did not cover."""
    stored: tuple[Part, ...]
    """What went into it."""

    @property
    def used_milliwh(self) -> int:
        return min(self.held_milliwh, max(0, self.net_milliwh))

    @property
    def after_milliwh(self) -> int:
        return self.held_milliwh - self.used_milliwh + max(0, -self.net_milliwh)

    def move(self, bank: str) -> BankMove:
        """As a statement prints it."""
        earned, used = kwh(max(0, -self.net_milliwh)), kwh(self.used_milliwh)
        return BankMove(f"{bank}.{self.period}", BankUnit.KWH, kwh(self.held_milliwh), earned=earned, used=used)


def periods_by_bucket(tariff: Tariff) -> Mapping[str, str]:
    """Bucket -> the period of the day that it is of, in whatever season."""
    return {
        bucket_name(season, period): period for version in tariff.version for season, period in tariff.pairs_of(version)
    }


def netted(energy: CycleEnergy, periods: Mapping[str, str], held: Mapping[str, int]) -> Iterator[Netted]:
    """Each period that has energy or something in its bank. `held`: milliwatt-hours by period."""
    cells: dict[str, list[tuple[int, Cell]]] = {period: [] for period in held}
    for position, cell in enumerate(energy.cells):
        cells.setdefault(periods.get(cell.bucket, cell.bucket), []).append((position, cell))
    for period, own in cells.items():
        net, bank = sum(cell.net_milliwh for _, cell in own), held.get(period, 0)
        billed = max(0, net) - min(bank, max(0, net))
        yield Netted(period, bank, net, tuple(_laid(own, billed, 1)), tuple(_laid(own, max(0, -net), -1)))


def _laid(cells: Sequence[tuple[int, Cell]], milliwh: int, sign: int) -> Iterator[Part]:
    """An amount on cells by their own net of that sign; the last that has any bears the rest."""
    weighted = [(position, cell, max(0, sign * cell.net_milliwh)) for position, cell in cells]
    weighted = [one for one in weighted if one[2]]
    whole, left = sum(weight for _, _, weight in weighted), milliwh
    for number, (position, cell, weight) in enumerate(weighted, 1):
        part = left if number == len(weighted) else milliwh * weight // whole
        left -= part
        if part:
            yield Part(position, cell, part)
