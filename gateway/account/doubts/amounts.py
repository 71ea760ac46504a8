"""The energy lines of a bill with what each can be, and those that are not there and may be.

A line may be off by the doubt of its energy; a tier's by that of all hours, which move it across its limits. What would
be there if hours without energy had as much as they may have, or a tier as much as may reach it, the programme itself
says. What has no price, because nothing was ever metered of it, is left out.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ...tariff.calendar import UNASSIGNED_NAME
from ..cells import Cell, CycleEnergy
from ..charges import PriceError
from ..lines import Line, LineKind
from ..money import ZERO, worth
from ..period import Programme
from .baseline import baseline_amounts
from .ranges import NOTHING, Range, around, hull, sure
from .told import OF_ENERGY, Amount, Step, own_range

Fill = Callable[[CycleEnergy], CycleEnergy]
_IN_ORDER = re.compile(r"\.tier\d+$")
_BY_SHARE = re.compile(r"^tier\.")


def amounts_of(programme: Programme[Any], step: Step, *, nets: bool) -> Iterator[Amount]:
    """All of them. `nets`: a line's energy is that of both directions."""
    would_be: dict[str, tuple[Line, Range]] = {}
    for key, (line, more) in _would_be(programme, step, nets=nets):
        would_be[key] = (line, would_be.get(key, (line, NOTHING))[1] + more)
    yield from baseline_amounts(programme, step, nets=nets)
    for line in step.bill.settled.lines:
        if line.kind in OF_ENERGY and line.kind is not LineKind.BASELINE:
            _, more = would_be.pop(line.key, (line, NOTHING))
            yield Amount(line, own_range(line, nets=nets) + more + _of_tiers(step, line, nets=nets))
    for line, more in (one for one in would_be.values() if one[0].kind is not LineKind.BASELINE):
        yield Amount(replace(line, exact=ZERO, amount=ZERO), more)


def _of_tiers(step: Step, line: Line, *, nets: bool) -> Range:
    """What other hours may have too much moves this one's energy across the limits of its tier.

    In order of time each limit is reached sooner or later by no more than all hours are off: the lowest tier has one,
    and its own doubt is in the line already; any other has two ends.
    """
    if line.rate is None:
        return NOTHING
    if _BY_SHARE.search(line.key):
        return around(ZERO, abs(worth(sum(_off(cell, line, nets=nets) for cell in step.energy.cells), line.rate)))
    if nets or not _IN_ORDER.search(line.key):
        return NOTHING
    own = step.energy.cells[line.cells[0]]
    others = [cell for cell in step.energy.cells if cell.block is own.block and cell is not own]
    off = sum(_off(cell, line, nets=False) for cell in others)
    if not off and not any(_flowed(cell, line) for cell in others):
        return NOTHING  # alone it fills its tiers one after the other, and is off by its own doubt
    is_lowest = line.key.endswith(".tier1")
    return around(ZERO, abs(worth(off if is_lowest else 2 * off + _off(own, line, nets=False), line.rate)))


def _flowed(cell: Cell, line: Line) -> int:
    return cell.export_milliwh if line.kind is LineKind.CREDIT else cell.import_milliwh


def _off(cell: Cell, line: Line, *, nets: bool) -> int:
    if nets:
        return cell.uncertain_milliwh
    return cell.export_uncertain_milliwh if line.kind is LineKind.CREDIT else cell.import_uncertain_milliwh


def _would_be(programme: Programme[Any], step: Step, *, nets: bool) -> Iterator[tuple[str, tuple[Line, Range]]]:
    """By key; one direction after the other."""
    printed = {line.key: line.exact for line in step.bill.settled.lines}
    for fill in (_net,) if nets else (_import, _export):
        for line in _settled_with(programme, step, _each(fill)):
            moved = line.exact - printed.get(line.key, ZERO)
            if moved and line.kind in OF_ENERGY:
                # Prices by the hour may be below zero, and what they are where nothing flowed is not told.
                both_ways = line.rate is None or (nets and line.kind is not LineKind.NON_BYPASSABLE)
                yield line.key, (line, around(ZERO, abs(moved)) if both_ways else hull((NOTHING, sure(moved))))
    if not any(cell.parts.limits_milliwh for cell in step.energy.cells):
        return
    raises = (_more_net, _less_net) if nets else (_more_import,)
    for raised in (_in_order, *map(_each, raises)):
        for line in _settled_with(programme, step, raised):
            if line.key not in printed and (_IN_ORDER.search(line.key) or _BY_SHARE.search(line.key)):
                yield line.key, (line, hull((NOTHING, sure(line.exact))))


def _settled_with(programme: Programme[Any], step: Step, fill: Fill) -> tuple[Line, ...]:
    period = step.bill.period
    energy, beside = fill(period.energy), None if period.beside is None else fill(period.beside)
    if energy == period.energy and beside == period.beside:
        return ()
    try:
        return programme.settle(step.before, replace(period, energy=energy, beside=beside))[1].lines
    except PriceError:
        return ()


def _each(fill: Callable[[Cell], Cell]) -> Fill:
    """Cell by cell."""

    def filled(energy: CycleEnergy) -> CycleEnergy:
        cells = (cell if cell.bucket == UNASSIGNED_NAME else fill(cell) for cell in energy.cells)
        return replace(energy, cells=tuple(cells))

    return filled


def _net(cell: Cell) -> Cell:
    """A cell of no energy with as much as it may have: where both directions net, in one of them."""
    if not cell.positive_net_milliwh:
        cell = replace(cell, positive_net_milliwh=cell.positive_net_uncertain_milliwh)
    if not cell.import_milliwh and not cell.export_milliwh:
        cell = replace(cell, import_milliwh=cell.uncertain_milliwh)
    return cell


def _import(cell: Cell) -> Cell:
    milliwh, parts = cell.import_uncertain_milliwh, cell.parts
    if cell.import_milliwh or not milliwh:
        return cell
    step_worth = None if parts.import_worth is None else parts.import_step_doubt
    parts = replace(parts, import_tiers_milliwh=_in_last(parts.import_tiers_milliwh, milliwh), import_worth=step_worth)
    return replace(cell, import_milliwh=milliwh, parts=parts)


def _export(cell: Cell) -> Cell:
    milliwh, parts = cell.export_uncertain_milliwh, cell.parts
    if cell.export_milliwh or not milliwh:
        return cell
    step_worth = None if parts.export_worth is None else parts.export_step_doubt
    parts = replace(
        parts,
        export_tiers_milliwh=_in_last(parts.export_tiers_milliwh, milliwh),
        export_worth=step_worth,
        export_parts=tuple(replace(one, worth=one.uncertain_worth) for one in parts.export_parts),
    )
    return replace(cell, export_milliwh=milliwh, parts=parts)


def _more_import(cell: Cell) -> Cell:
    return replace(cell, import_milliwh=cell.import_milliwh + cell.import_uncertain_milliwh)


def _more_net(cell: Cell) -> Cell:
    """As if more had been taken, and less given too."""
    return replace(cell, import_milliwh=cell.import_milliwh + cell.uncertain_milliwh)


def _less_net(cell: Cell) -> Cell:
    return replace(cell, export_milliwh=cell.export_milliwh + cell.uncertain_milliwh)


def _in_last(tiers: Sequence[int], milliwh: int) -> tuple[int, ...]:
    """In the dearest tier, as far as prices rise."""
    return (*(0 for _ in tiers[1:]), milliwh) if tiers else ()


def _in_order(energy: CycleEnergy) -> CycleEnergy:
    """Each tier in which a cell has nothing, and that its block may reach, with all that the block may be off."""
    cells: list[Cell] = []
    for cell in energy.cells:
        own, parts = [one for one in energy.cells if one.block is cell.block], cell.parts
        taken = (sum(one.import_milliwh for one in own), sum(one.import_uncertain_milliwh for one in own))
        given = (sum(one.export_milliwh for one in own), sum(one.export_uncertain_milliwh for one in own))
        made = replace(
            parts,
            import_tiers_milliwh=_reached(parts.import_tiers_milliwh, parts.limits_milliwh, *taken),
            export_tiers_milliwh=_reached(parts.export_tiers_milliwh, parts.limits_milliwh, *given),
        )
        cells.append(replace(cell, parts=made))
    return replace(energy, cells=tuple(cells))


def _reached(tiers: Sequence[int], limits: Sequence[int], whole: int, off: int) -> tuple[int, ...]:
    edges = (0, *limits)
    return tuple(one or (off if whole + off > edge else 0) for one, edge in zip(tiers, edges, strict=False))
