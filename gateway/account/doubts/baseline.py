"""What baseline lines can be: each block's net between its ends, against the allowance of its days.

Energy that may have flowed in another cell of the block changes nothing of it. Blocks of unlike sign share the month's
net, so another block's doubt moves this one's line. Mirrors `account.baseline`; changes no amount. (A-6, F.9)
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from ..baseline import baseline_line, baseline_of
from ..charges import Prices, by_block
from ..lines import Due, LineKind
from ..money import ZERO, kwh
from ..period import Programme
from ..programmes.mce import Mce
from ..programmes.nbt import Nbt
from ..programmes.nem import Nem
from ..programmes.plain import Plain
from .ranges import Range, sure
from .shares import net_of_cells
from .told import Amount, Step


def baseline_amounts(programme: Programme[Any], step: Step, *, nets: bool) -> Iterator[Amount]:
    """Of every block that has an allowance, its line there or not. `nets`: what was given counts."""
    prices, energy = _prices_of(programme), step.energy
    if prices is None or not energy.cells:
        return
    blocks = [(block, cells, one) for block, cells in by_block(energy) if (one := baseline_of(block, prices))]
    parts = [net_of_cells(energy, [at for at, _ in cells], given=nets) for _, cells, _ in blocks]
    whole = net_of_cells(energy, range(len(energy.cells)), given=nets)
    covered = covered_of(parts, [kwh(one.allowed_milliwh) for _, _, one in blocks], whole)
    printed = {line.key: line for line in step.bill.settled.lines}
    due = next((line.due for line in printed.values() if line.kind is LineKind.ENERGY), Due.NOW)
    for (block, _, one), part in zip(blocks, covered, strict=True):
        empty = baseline_line(block, one, 0, prices, due)
        line, amount = printed.get(empty.key, empty), part.times(-one.credit_per_kwh)
        if empty.key in printed or not amount.is_sure:
            yield Amount(line, amount + sure(line.amount - line.exact))


def covered_of(nets: Sequence[Range], allowed_kwh: Sequence[Decimal], whole: Range) -> list[Range]:
    """What is within each block's allowance, kWh; below zero in a month that gives. Together never beyond its net."""
    takes = _covered(nets, allowed_kwh, whole.not_below_zero)
    gives = _covered([-one for one in nets], allowed_kwh, (-whole).not_below_zero)
    if whole.low >= ZERO:
        return takes
    if whole.high <= ZERO:
        return [-one for one in gives]
    return [Range(-given.high, taken.high) for taken, given in zip(takes, gives, strict=True)]


def _covered(nets: Sequence[Range], allowed_kwh: Sequence[Decimal], left: Range) -> list[Range]:
    """Block after block, of what the ones before it have left."""
    made: list[Range] = []
    for net, allowed in zip(nets, allowed_kwh, strict=True):
        own = net.not_below_zero
        one = Range(min(own.low, allowed, left.low), min(own.high, allowed, left.high))
        left = Range(max(ZERO, left.low - one.high), left.high - one.low)
        made.append(one)
    return made


def _prices_of(programme: Programme[Any]) -> Prices | None:
    """Of a programme with a baseline."""
    if isinstance(programme, Mce):
        return programme.delivery.prices
    return programme.prices if isinstance(programme, Nem | Nbt | Plain) else None
