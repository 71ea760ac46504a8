"""What a twin gets of a bill and what it tells of it; and the doubt that a bill's energy lines bring along.

A line may be off by the doubt of its energy. One that is not there, because nothing was metered in its hours, may be
off too: the programme itself says what it would be (`amounts_of`). A true-up is settled by the programme itself, with
each state that can be (`settled_within`). (docs/account.md, "Uncertain")
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Protocol

from ...tariff.calendar import UNASSIGNED_NAME
from ..cells import Cell, CycleEnergy
from ..charges import PriceError
from ..lines import Due, Line, LineKind
from ..money import ZERO, total, worth
from ..period import Period, PeriodStatement, Programme, Settled
from ..shifts import worth_of_shifts
from .ranges import NOTHING, Range, around, both, hull, sum_of, sure

_TIERED = re.compile(r"^tier\.|\.tier\d+$")
"""Keys of lines that are a tier's: another cell's energy moves them too."""
OF_ENERGY = (LineKind.ENERGY, LineKind.NON_BYPASSABLE, LineKind.BASELINE, LineKind.CREDIT)


@dataclass(frozen=True, slots=True)
class Amount:
    """One energy line and what it can be; `line` is there, or would be."""

    line: Line
    range: Range


@dataclass(frozen=True, slots=True)
class Step:
    """One bill as a twin gets it: the programme's own states before it and, before a true-up, after it."""

    bill: PeriodStatement
    before: Any
    after: Any
    amounts: tuple[Amount, ...] = ()
    nets: bool = False
    """Whether a line's energy is that of both directions."""

    @property
    def energy(self) -> CycleEnergy:
        return self.bill.period.energy

    def sum_of(self, *kinds: LineKind, prefix: str = "") -> Range:
        """Energy lines of some kinds together."""
        return self.together([x for x in self.amounts if x.line.kind in kinds and x.line.key.startswith(prefix)])

    def together(self, amounts: Sequence[Amount]) -> Range:
        """Their sum: no further off than its lines together, nor than energy booked in a wrong cell makes it."""
        whole = sum_of(one.range for one in amounts)
        plain = [one for one in amounts if _is_linear(one, nets=self.nets)]
        if len(plain) < 2:
            return whole
        off = sum((_off_together(self.bill.period, plain, beside=each, nets=self.nets) for each in (False, True)), ZERO)
        known = around(total(one.line.amount for one in plain), off)
        rest = sum_of(one.range for one in amounts if not _is_linear(one, nets=self.nets))
        return both(whole, known + rest)


def _is_linear(one: Amount, *, nets: bool) -> bool:
    """Whether it is energy of its cells, all of it, at one price."""
    line = one.line
    return bool(
        line.amount
        and line.rate is not None
        and line.uncertain_worth is None
        and line.cells
        and line.kind in (LineKind.ENERGY, LineKind.CREDIT)
        and not _TIERED.search(line.key)
        and one.range == own_range(line, nets=nets)
    )


def _off_together(period: Period, amounts: Sequence[Amount], *, beside: bool, nets: bool) -> Decimal:
    """What shifts can change a sum of lines by, of one ledger's cells."""
    energy = period.beside if beside else period.energy
    if energy is None:
        return ZERO
    taken: dict[int, Decimal] = {}
    given: dict[int, Decimal] = {}
    for line in (one.line for one in amounts if one.line.beside is beside):
        rate = ZERO if line.rate is None else line.rate
        is_import = line.quantity is not None and line.quantity > 0
        for at in line.cells:
            if nets or is_import:
                taken[at] = taken.get(at, ZERO) + rate
            if nets or not is_import:
                given[at] = given.get(at, ZERO) - rate
    return worth_of_shifts(energy.import_shifts, taken) + worth_of_shifts(energy.export_shifts, given)


@dataclass(frozen=True, slots=True)
class Told:
    """Of a cycle, or of a true-up."""

    due: Range
    """Now."""
    taxed: Range
    """Of it what is a charge: all but the payment for a surplus and what that pays."""
    lines: Mapping[str, Range] = field(default_factory=dict)
    """By key; a line that is not in it is as sure as its own energy."""
    after: Mapping[str, Range] = field(default_factory=dict)
    """What banks hold then."""


class Twin(Protocol):
    """A programme's twin. `banks`: what each can hold as the next bill begins."""

    banks: dict[str, Range]

    def cycle(self, step: Step) -> Told:
        """A bill's own lines."""
        ...

    def close(self, step: Step) -> Told:
        """Its true-up's."""
        ...


def held_or(held: Mapping[str, Range], name: str, amount: Decimal) -> Range:
    """What a bank can hold as a programme takes it over with that amount; only that, where it begins it anew."""
    found = held.get(name)
    return found if found is not None and found.holds(amount) else sure(amount)


def own_range(line: Line, *, nets: bool) -> Range:
    """What a line can be by its own energy. `nets`: both directions are in it, so it may have either sign."""
    made = around(line.amount, line.uncertain_amount)
    if nets or line.rate is None or not line.amount:
        return made
    return made.not_below_zero if line.amount > 0 else made.not_above_zero


def amounts_of(programme: Programme[Any], step: Step, *, nets: bool) -> Iterator[Amount]:
    """A bill's energy lines, with those that would be there if hours without energy had as much as they may have."""
    would_be: dict[str, tuple[Line, Range]] = {}
    for key, (line, more) in _would_be(programme, step, nets=nets):
        would_be[key] = (line, would_be.get(key, (line, NOTHING))[1] + more)
    for line in step.bill.settled.lines:
        if line.kind in OF_ENERGY:
            _, more = would_be.pop(line.key, (line, NOTHING))
            yield Amount(line, own_range(line, nets=nets) + more + _of_tiers(step, line, nets=nets))
    for line, more in would_be.values():
        yield Amount(replace(line, exact=ZERO, amount=ZERO), more)


def _of_tiers(step: Step, line: Line, *, nets: bool) -> Range:
    """Where energy is priced in order, what other cells have too much moves this one's across a tier's two limits."""
    if nets or not re.search(r"\.tier\d+$", line.key) or line.rate is None:
        return NOTHING
    block = step.energy.cells[line.cells[0]].block
    cells = [cell for cell in step.energy.cells if cell.block is block]
    is_import = line.kind is not LineKind.CREDIT
    milliwh = sum(cell.import_uncertain_milliwh if is_import else cell.export_uncertain_milliwh for cell in cells)
    return around(ZERO, abs(worth(2 * milliwh, line.rate)))


def _would_be(programme: Programme[Any], step: Step, *, nets: bool) -> Iterator[tuple[str, tuple[Line, Range]]]:
    """By key; one direction after the other. What has no price, because nothing was ever metered of it, is left out."""
    printed = {line.key: line.exact for line in step.bill.settled.lines}
    for fill in (_filled_net,) if nets else (_filled_import, _filled_export):
        for line in _settled_with(programme, step, fill):
            moved = line.exact - printed.get(line.key, ZERO)
            if moved and line.kind in OF_ENERGY:
                both_ways = nets and line.kind is not LineKind.NON_BYPASSABLE
                yield line.key, (line, around(ZERO, abs(moved)) if both_ways else hull((NOTHING, sure(moved))))


def _settled_with(programme: Programme[Any], step: Step, fill: Callable[[Cell], Cell]) -> tuple[Line, ...]:
    period = step.bill.period
    energy, beside = _filled(period.energy, fill), None if period.beside is None else _filled(period.beside, fill)
    if energy is period.energy and beside is period.beside:
        return ()
    try:
        return programme.settle(step.before, replace(period, energy=energy, beside=beside))[1].lines
    except PriceError:
        return ()


def _filled(energy: CycleEnergy, fill: Callable[[Cell], Cell]) -> CycleEnergy:
    """With as much as cells of no energy may have."""
    cells = tuple(cell if cell.bucket == UNASSIGNED_NAME else fill(cell) for cell in energy.cells)
    return energy if cells == energy.cells else replace(energy, cells=cells)


def _filled_net(cell: Cell) -> Cell:
    """Where both directions net: in one of them."""
    if not cell.positive_net_milliwh:
        cell = replace(cell, positive_net_milliwh=cell.positive_net_uncertain_milliwh)
    if not cell.import_milliwh and not cell.export_milliwh:
        cell = replace(cell, import_milliwh=cell.uncertain_milliwh)
    return cell


def _filled_import(cell: Cell) -> Cell:
    milliwh, parts = cell.import_uncertain_milliwh, cell.parts
    if cell.import_milliwh or not milliwh:
        return cell
    step_worth = None if parts.import_worth is None else worth(milliwh, parts.import_dearest)
    parts = replace(parts, import_tiers_milliwh=_in_last(parts.import_tiers_milliwh, milliwh), import_worth=step_worth)
    return replace(cell, import_milliwh=milliwh, parts=parts)


def _filled_export(cell: Cell) -> Cell:
    milliwh, parts = cell.export_uncertain_milliwh, cell.parts
    if cell.export_milliwh or not milliwh:
        return cell
    step_worth = None if parts.export_worth is None else worth(milliwh, parts.export_dearest)
    parts = replace(
        parts,
        export_tiers_milliwh=_in_last(parts.export_tiers_milliwh, milliwh),
        export_worth=step_worth,
        export_parts=tuple(replace(one, worth=one.uncertain_worth) for one in parts.export_parts),
    )
    return replace(cell, export_milliwh=milliwh, parts=parts)


def _in_last(tiers: Sequence[int], milliwh: int) -> tuple[int, ...]:
    """In the dearest tier, as far as prices rise."""
    return (*(0 for _ in tiers[1:]), milliwh) if tiers else ()


def settled_within(programme: Programme[Any], states: Iterable[Any], step: Step) -> Told:
    """A true-up over all states that can be, each line moving one way with each figure of the state.

    A bank that a state does not move is empty with it.
    """
    made = [one for state in states if (one := _settled(programme, state, step)) is not None]
    keys = dict.fromkeys(line.key for one in made for line in one.lines)
    names = dict.fromkeys(move.name for one in made for move in one.banks)
    closing = () if step.bill.true_up is None else step.bill.true_up.lines
    lines = as_printed({key: hull(sure(_amount(one, key)) for one in made) for key in keys}, closing)
    after = {name: hull(sure(_after(one, name)) for one in made) for name in names}
    due = hull(sure(total(line.exact for line in one.lines if line.due is Due.NOW)) for one in made)
    taxed = hull(sure(total(line.exact for line in one.lines if is_taxed(line))) for one in made)
    return Told(
        due + sure(total(_cents(line) for line in closing if line.due is Due.NOW)),
        taxed + sure(total(_cents(line) for line in closing if is_taxed(line))),
        lines,
        after,
    )


def as_printed(ranges: Mapping[str, Range], lines: Iterable[Line]) -> dict[str, Range]:
    """Ranges of exact amounts by key, each moved by what its printing rounded off or on: it holds what is printed."""
    moved = {line.key: _cents(line) for line in lines}
    return {key: one + sure(moved.get(key, ZERO)) for key, one in ranges.items()}


def _cents(line: Line) -> Decimal:
    return line.amount - line.exact


def _settled(programme: Programme[Any], state: Any, step: Step) -> Settled | None:
    """None: there would be something to pay for that has no price, such as a surplus where none was ever."""
    try:
        return programme.true_up(state, step.bill.period)[1]
    except PriceError:
        return None


def _amount(settled: Settled, key: str) -> Decimal:
    """Not rounded: less than a cent of doubt is told too."""
    return next((line.exact for line in settled.lines if line.key == key), ZERO)


def _after(settled: Settled, name: str) -> Decimal:
    return next((move.after for move in reversed(settled.banks) if move.name == name), ZERO)


def is_taxed(line: Line) -> bool:
    """As `other_charges.taxed_lines`."""
    return line.due is Due.NOW and line.kind is not LineKind.SURPLUS


def standing_of(step: Step, *also: str) -> Range:
    """What is due now whatever flows, those of `also` (keys) left out: charges by the day, minimums, fees."""
    kinds = (*OF_ENERGY, LineKind.BANK, LineKind.SURPLUS, LineKind.ADJUSTMENT)
    return sum_of(
        sure(line.amount)
        for line in step.bill.settled.lines
        if line.due is Due.NOW and line.kind not in kinds and line.key not in also
    )
