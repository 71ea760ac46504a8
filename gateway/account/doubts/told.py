"""What a twin gets of a bill and what it tells of it.

Sums of energy lines are known better than the lines (`Step.together`). A true-up is settled by the programme itself,
with each state that can be (`settled_within`). (docs/account.md, "How far off a figure can be")
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from ..cells import CycleEnergy
from ..charges import PriceError
from ..lines import Due, Line, LineKind
from ..money import ZERO, total
from ..period import Period, PeriodStatement, Programme, Settled
from ..shifts import worth_of_shifts
from .ranges import NOTHING, Range, around, both, hull, sum_of, sure

_TIERED = re.compile(r"^tier\.|\.tier\d+$")
"""Keys of lines that are a tier's: another cell's energy moves them too."""
_BOTH = (LineKind.ENERGY, LineKind.CREDIT)
_ONE_WAY = (*_BOTH, LineKind.NON_BYPASSABLE)
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
        if not plain:
            return whole
        off = sum_of(_off_together(self.bill.period, plain, beside=each, nets=self.nets) for each in (False, True))
        known = sure(total(one.line.amount for one in plain)) + off
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
        and line.kind in _ONE_WAY
        and not _TIERED.search(line.key)
        and one.range == own_range(line, nets=nets)
    )


def _off_together(period: Period, amounts: Sequence[Amount], *, beside: bool, nets: bool) -> Range:
    """What shifts can add to a sum of lines, of one ledger's cells."""
    energy = period.beside if beside else period.energy
    if energy is None:
        return NOTHING
    taken: dict[int, Decimal] = {}
    given: dict[int, Decimal] = {}
    netted: dict[int, Decimal] = {}
    for line in (one.line for one in amounts if one.line.beside is beside):
        rate = ZERO if line.rate is None else line.rate
        is_import = line.quantity is not None and line.quantity > 0
        for at in line.cells:
            if nets and line.kind is LineKind.NON_BYPASSABLE:
                netted[at] = netted.get(at, ZERO) + rate
                continue
            if nets or is_import:
                taken[at] = taken.get(at, ZERO) + rate
            if nets or not is_import:
                given[at] = given.get(at, ZERO) - rate
    made = worth_of_shifts(energy.import_shifts, taken) + worth_of_shifts(energy.export_shifts, given)
    return made + worth_of_shifts(energy.positive_shifts, netted)


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
