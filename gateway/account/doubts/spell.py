"""The ranges of all bills of a spell: each programme's twin walks its bills, and statements get what it tells.

A bill without doubt, after bills without doubt, has no ranges. Never an amount is changed. Every programme
has a twin: one without is a fault of ours, and is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, Decimal
from typing import Any

from ..lines import BankMove, Due, Line
from ..money import MILLIWH_PER_KWH_PLACES, ZERO, divided, exactly, kwh, total
from ..other_charges import PERCENT, taxed_lines
from ..period import Account, Period, Programme
from ..programmes.generic_billing import NetBilling, NetBillingCarryover
from ..programmes.generic_kwh import NetMeteringKwh
from ..programmes.generic_usd import NetMeteringUsd
from ..programmes.mce import Mce
from ..programmes.nbt import Nbt
from ..programmes.nem import Nem
from ..programmes.nem_fc import NemFuelCell
from ..programmes.pa import Pennsylvania
from ..programmes.plain import Plain
from ..statement import Statement, StatementRanges
from ..terms import KwhBase, OtherCharge
from .amounts import amounts_of
from .billing import BillingTwin, CreditTwin, PlainTwin
from .kwh import KwhTwin
from .mce import MceTwin
from .nbt import NbtTwin
from .nem import NemTwin
from .pa import PaTwin
from .ranges import NOTHING, Range, around, hull, sum_of, sure
from .shares import net_of_cells
from .told import Step, Told, Twin, as_printed, own_range

_BOTH_WAYS = (NetMeteringKwh, NetMeteringUsd, Nem, Mce, Pennsylvania)
"""Programmes that net before they price: a line's energy has both directions."""

_KWH = "kwh"
"""In the name of every bank that holds no money (config/programmes)."""


def with_ranges(
    made: Sequence[Statement],
    programme: Programme[Any],
    settled: Account[Any],
    charges: Sequence[OtherCharge],
    held: dict[str, Range],
) -> list[Statement]:
    """The bills of one spell with their ranges. `held`: what banks can hold as it begins; and then as it ends."""
    if all(_is_sure(one.bill.period) for one in made) and all(one.is_sure for one in held.values()):
        return list(made)
    with exactly():
        walk = _Walk(programme, settled, charges, held)
        told = [walk.bill(one, states) for one, states in zip(made, settled.states, strict=True)]
    held.update(walk.twin.banks)
    return told


def _is_sure(period: Period) -> bool:
    """Whether nothing of it is in doubt: how much flowed in each bucket, and what of it at which price."""
    energies = [period.energy, *([] if period.beside is None else [period.beside])]
    return not any(cell.is_uncertain for energy in energies for cell in energy.cells)


class _Walk:
    """Bill after bill."""

    def __init__(
        self, programme: Programme[Any], settled: Account[Any], charges: Sequence[OtherCharge], held: dict[str, Range]
    ) -> None:
        self._programme = programme
        self._charges = charges
        self._nets = isinstance(programme, _BOTH_WAYS) and not isinstance(programme, NemFuelCell)
        self.twin = twin_of(programme, settled.states[0][0], held)
        self._carried_off = NOTHING
        self._asked_off = ZERO
        self._booked: dict[str, Decimal] = {}
        """What each bank holds as reckoned."""

    def bill(self, one: Statement, states: tuple[Any, Any]) -> Statement:
        """One statement with its ranges."""
        step = Step(one.bill, *states, nets=self._nets)
        step = replace(step, amounts=tuple(amounts_of(self._programme, step, nets=self._nets)))
        before = dict(self.twin.banks)
        held_off = self._banks_off({move.name: move.before for move in reversed(one.bill.settled.banks)})
        cycle = self.twin.cycle(step)
        between = dict(self.twin.banks)
        left_off = self._banks_off({move.name: move.after for move in one.bill.settled.banks})
        closing = Told(NOTHING, NOTHING) if one.bill.true_up is None else self.twin.close(step)
        self._booked |= {move.name: move.after for move in _closing(one)}
        found = {amount.line.key: step.together([amount]) for amount in step.amounts}
        found |= {**cycle.lines, **closing.lines}
        found |= self._other(one, cycle.taxed + closing.taxed) | self._by_energy(step, one)
        lines = {line.key: found.get(line.key, own_range(line, nets=True)) for line in one.lines}
        due = cycle.due + closing.due + sum_of(lines[line.key] for line in one.other if line.due is Due.NOW)
        carried = _carried(step, lines)
        self._carried_off = self._carried_off + carried - sure(one.carried)
        asked_off = self._cycle_off(one, cycle, lines) + carried.furthest_from(one.carried)
        self._asked_off += asked_off
        banks = (_moved(one.bill.settled.banks, before, between), _moved(_closing(one), between, closing.after))
        ranges = StatementRanges(
            lines,
            tuple(first for each in banks for first, _ in each),
            tuple(last for each in banks for _, last in each),
            due,
            carried,
            sure(one.carried_in_year) + self._carried_off,
            asked_off + max(ZERO, left_off - held_off),
        )
        made = replace(_with_doubts(one, lines), ranges=ranges, uncertain_in_year=self._asked_off + left_off)
        if one.slot.closes_year:
            self._carried_off, self._asked_off = NOTHING, ZERO
        return made

    def _banks_off(self, booked: Mapping[str, Decimal]) -> Decimal:
        """By how much the money in banks may be off; `booked`: of those that move, what they hold as reckoned."""
        self._booked |= booked
        held = ((one, self._booked.get(name)) for name, one in self.twin.banks.items() if _KWH not in name)
        return total(one.high - one.low if amount is None else one.furthest_from(amount) for one, amount in held)

    def _other(self, one: Statement, taxed: Range) -> dict[str, Range]:
        """The account's own percentages, of what is due now."""
        charges = taxed.not_below_zero
        exact = {key: charges.times(percent * PERCENT) for key, percent in self._percents(one).items()}
        return as_printed(exact, one.other)

    def _by_energy(self, step: Step, one: Statement) -> dict[str, Range]:
        """The account's own charges by the kilowatt-hour: never on less than nothing."""
        own = {line.key: line for line in one.other}
        found: dict[str, Range] = {}
        for key, charge in self._by_key.items():
            line, whole = own.get(key), range(len(step.energy.cells))
            if line is None or charge.per_kwh is None or line.rate is None:
                continue
            if charge.of is KwhBase.YEAR_NET:
                ends = around(line.quantity or ZERO, kwh(line.uncertain_milliwh)).not_below_zero
            else:
                ends = net_of_cells(step.energy, whole, given=charge.of is KwhBase.NET).not_below_zero
            found[key] = ends.times(charge.per_kwh) + sure(line.amount - line.exact)
        return found

    @property
    def _by_key(self) -> dict[str, OtherCharge]:
        return {f"other.{number}": charge for number, charge in enumerate(self._charges, 1)}

    def _percents(self, one: Statement) -> dict[str, Decimal]:
        """Of each of the account's own lines that is a percentage."""
        by_key = self._by_key
        return {line.key: percent for line in one.other if (percent := by_key[line.key].percent) is not None}

    def _cycle_off(self, one: Statement, cycle: Told, lines: Mapping[str, Range]) -> Decimal:
        """By how much what is due now may be off, a true-up and the charges on it left out."""
        bill, percents = replace(one.bill, true_up=None), self._percents(one)
        taxed = cycle.taxed.furthest_from(total(line.amount for line in taxed_lines(bill)))
        charged = total(abs(percent) * PERCENT * taxed for percent in percents.values())
        charged += total(lines[line.key].furthest_from(line.amount) for line in one.other if line.key not in percents)
        return cycle.due.furthest_from(bill.due_now) + charged


def _carried(step: Step, lines: Mapping[str, Range]) -> Range:
    """What goes to the true-up, lines among it that are not there and may be."""
    of_energy = [one for one in step.amounts if one.line.due is Due.TRUE_UP]
    keys = {one.line.key for one in of_energy}
    others = [line.key for line in step.bill.settled.lines if line.due is Due.TRUE_UP and line.key not in keys]
    return step.together(of_energy) + sum_of(lines[key] for key in others)


def _closing(one: Statement) -> Sequence[BankMove]:
    return one.bill.true_up.banks if one.bill.true_up else ()


def _moved(
    moves: Sequence[BankMove], before: Mapping[str, Range], after: Mapping[str, Range]
) -> list[tuple[Range, Range]]:
    """What each bank can hold before and after; one that moves twice, in between as before or as after."""
    made: list[tuple[Range, Range]] = []
    for at, move in enumerate(moves):
        first, last = before.get(move.name, sure(move.before)), after.get(move.name, sure(move.after))
        began = any(one.name == move.name for one in moves[:at])
        goes_on = any(one.name == move.name for one in moves[at + 1 :])
        made.append((hull((first, last)) if began else first, hull((first, last)) if goes_on else last))
    return made


def _with_doubts(one: Statement, lines: Mapping[str, Range]) -> Statement:
    """The same lines, each with by how much it may be off at the most."""
    bill = one.bill
    closing = None if bill.true_up is None else replace(bill.true_up, lines=_doubted(bill.true_up.lines, lines))
    cycle = replace(bill.settled, lines=_doubted(bill.settled.lines, lines))
    return replace(one, bill=replace(bill, settled=cycle, true_up=closing), other=_doubted(one.other, lines))


def _doubted(own: Sequence[Line], lines: Mapping[str, Range]) -> tuple[Line, ...]:
    return tuple(_line_with(line, lines[line.key].furthest_from(line.amount)) for line in own)


def _line_with(line: Line, off: Decimal) -> Line:
    """A line that may be off by so much; one of energy by as many kilowatt-hours as that is worth, rounded up."""
    if not off or not line.rate or line.unit != "kWh":
        return replace(line, uncertain_worth=off)
    milliwh = int((divided(off, abs(line.rate)) * 10**MILLIWH_PER_KWH_PLACES).to_integral_value(ROUND_CEILING))
    return replace(line, uncertain_worth=off, uncertain_milliwh=milliwh)


def twin_of(programme: Programme[Any], state: Any, held: dict[str, Range]) -> Twin:
    """The twin that a programme's spell begins with. `held`: what banks can hold after the spells before."""
    made: Twin
    if isinstance(programme, Nem):
        made = NemTwin(programme, state, held)
    elif isinstance(programme, Mce):
        made = MceTwin(programme, state, held)
    elif isinstance(programme, Nbt):
        made = NbtTwin(programme, state, held)
    elif isinstance(programme, Pennsylvania):
        made = PaTwin(programme, state, held)
    elif isinstance(programme, NetMeteringKwh):
        made = KwhTwin(programme, state, held)
    elif isinstance(programme, NetBillingCarryover | NetMeteringUsd):
        made = CreditTwin(programme, state, held)
    elif isinstance(programme, NetBilling):
        made = BillingTwin(programme, state)
    elif isinstance(programme, Plain):
        made = PlainTwin(programme.prices)
    else:
        raise TypeError(f"{programme.name} has no twin in account/doubts: what its lines may be off by cannot be told")
    return made
