"""NEM 1.0 and 2.0: dollars at retail by time of use, settled by the year.

Month: each bucket's net times its price, signed. Under NEM 2.0 the non-bypassable part is charged on the positive net
of each netting interval and taken out of the price that nets. Year: credits never pay a non-bypassable charge, minimum
charges already billed are given back, leftover dollars are lost, surplus kilowatt-hours are paid for.
(net-metering 1.1, 1.2; corrections A-1 to A-6, A-9, A-14, F)
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from ..cells import CycleEnergy
from ..charges import Prices, baseline_lines, days_of, fixed_lines, key_of, minimum_lines, printed_total
from ..lines import BankMove, BankUnit, Due, Line, LineKind, energy_line, money_line
from ..money import ZERO, total
from ..netting import NettingInterval
from ..period import Period, Settled
from .surplus import SurplusRule, Year, surplus_lines

ENERGY_BANK = "energy_credit"


class EnergyDue(StrEnum):
    """When energy is paid (A-5): it differs by utility and by customer."""

    ANNUAL = "annual"
    """Charges and credits add up until the true-up."""
    MONTHLY = "monthly"
    """A month's charge is due, its credit goes to a bank that pays later months; the rest pays back earlier ones."""


class MinimumCredit(StrEnum):
    """Which minimum charges a true-up gives back (A-2)."""

    PREVIOUS_CYCLES = "previous_cycles"
    """Those of the cycles before the closing one."""
    ALL_CYCLES = "all_cycles"


@dataclass(frozen=True, slots=True)
class NemRules:
    """What an account's choices and its utility decide."""

    name: str
    netting: NettingInterval
    has_non_bypassable: bool
    energy_due: EnergyDue
    non_bypassable_due: Due
    minimum_credit: MinimumCredit
    surplus: SurplusRule
    source: str


@dataclass(frozen=True, slots=True)
class NemState:
    """What a cycle hands to the next. Money as printed; `whole`: the Relevant Period is known from its first day."""

    whole: bool = True
    cycles: int = 0
    energy: Decimal = ZERO
    """The sum of the energy lines, non-bypassable charges not among them."""
    non_bypassable: Decimal = ZERO
    minimums: Decimal = ZERO
    """Of all cycles but the last one settled."""
    last_minimums: Decimal = ZERO
    import_milliwh: int = 0
    export_milliwh: int = 0
    bank: Decimal = ZERO
    paid: Decimal = ZERO
    """Energy charges paid in money in this Relevant Period, where they are due monthly."""
    carried_milliwh: int = 0
    """A surplus that was rolled over into this Relevant Period."""


class Nem:
    """A programme (`period.Programme`)."""

    def __init__(self, rules: NemRules, prices: Prices) -> None:
        self.name = rules.name
        self.netting = rules.netting
        self.rules = rules
        self.prices = prices

    def settle(self, state: NemState, period: Period) -> tuple[NemState, Settled]:
        """One cycle: energy and non-bypassable lines, what is due of them, and the month's own charges."""
        energy = period.energy
        energy_lines = [*self._energy(energy), *baseline_lines(energy, self.prices, self._energy_due)]
        charged = list(self._non_bypassable(energy)) if self.rules.has_non_bypassable else []
        minimums = list(minimum_lines(energy, self.prices))
        energy_total, charged_total = printed_total(energy_lines), printed_total(charged)
        after = replace(
            state,
            cycles=state.cycles + 1,
            energy=state.energy + energy_total,
            non_bypassable=state.non_bypassable + charged_total,
            minimums=state.minimums + state.last_minimums,
            last_minimums=printed_total(minimums),
            import_milliwh=state.import_milliwh + energy.import_milliwh,
            export_milliwh=state.export_milliwh + energy.export_milliwh,
        )
        after, moved, banks = self._pay_monthly(after, energy_total)
        lines = (*energy_lines, *charged, *moved, *minimums, *fixed_lines(energy, self.prices))
        return after, Settled(lines, banks)

    def true_up(self, state: NemState, period: Period) -> tuple[NemState, Settled]:
        """The end of the Relevant Period. Without its beginning there is none: that is told, and nothing is settled."""
        fresh = NemState()
        if not state.whole:
            note = "no true-up: this account does not know the Relevant Period from its first day (see [opening])"
            return fresh, Settled((), notes=(note,))
        lines: list[Line] = []
        banks: tuple[BankMove, ...] = ()
        if self.rules.energy_due is EnergyDue.ANNUAL:
            lines.append(self._adjustment(state))
        else:
            paid_back = min(state.bank, state.paid)
            move = BankMove(
                ENERGY_BANK, BankUnit.MONEY, state.bank, paid_out=paid_back, forfeited=state.bank - paid_back
            )
            banks = (move,)
            lines.append(self._money("true_up.paid_back", "Energy charges paid back from credits", -paid_back))
            if self.rules.non_bypassable_due is Due.TRUE_UP:
                lines.append(self._money("true_up.non_bypassable", "Non-bypassable charges", state.non_bypassable))
        year = Year(state.import_milliwh, state.export_milliwh, state.carried_milliwh, state.cycles, period.cycle)
        paid = surplus_lines(self.rules.surplus, year, self.prices.rounding)
        lines.extend(paid.lines)
        return replace(fresh, carried_milliwh=paid.carried_milliwh), Settled(tuple(lines), banks, paid.notes)

    @property
    def _energy_due(self) -> Due:
        return Due.TRUE_UP if self.rules.energy_due is EnergyDue.ANNUAL else Due.NOW

    def _energy(self, energy: CycleEnergy) -> Iterator[Line]:
        """Net of each bucket and block at the price that nets."""
        for position, cell in enumerate(energy.cells):
            if not cell.import_milliwh and not cell.export_milliwh:
                continue
            rate = self.prices.retail(cell)
            if self.rules.has_non_bypassable:
                rate -= self.prices.non_bypassable(cell)
            yield energy_line(
                key_of("energy", cell.block, cell.bucket),
                f"Net energy {cell.bucket.replace('_', ' ')}, {days_of(cell.block)}",
                cell.net_milliwh,
                rate,
                self.prices.rounding,
                due=self._energy_due,
                source=self.prices.source(cell.block),
                uncertain_milliwh=cell.uncertain_milliwh,
                cells=(position,),
            )

    def _non_bypassable(self, energy: CycleEnergy) -> Iterator[Line]:
        """Charged on what each netting interval took, whatever another one gave (A-1)."""
        for position, cell in enumerate(energy.cells):
            if not cell.positive_net_milliwh:
                continue
            yield energy_line(
                key_of("non_bypassable", cell.block, cell.bucket),
                f"Non-bypassable charges {cell.bucket.replace('_', ' ')}, {days_of(cell.block)}",
                cell.positive_net_milliwh,
                self.prices.non_bypassable(cell),
                self.prices.rounding,
                kind=LineKind.NON_BYPASSABLE,
                due=self.rules.non_bypassable_due,
                source=self.prices.source(cell.block),
                uncertain_milliwh=cell.uncertain_milliwh,
                cells=(position,),
            )

    def _pay_monthly(self, state: NemState, energy_total: Decimal) -> tuple[NemState, list[Line], tuple[BankMove, ...]]:
        """Where energy is due monthly: a credit goes into the bank, a charge is paid out of it first."""
        if self.rules.energy_due is EnergyDue.ANNUAL:
            return state, [], ()
        earned, used = max(ZERO, -energy_total), min(state.bank, max(ZERO, energy_total))
        move = BankMove(ENERGY_BANK, BankUnit.MONEY, state.bank, earned=earned, used=used)
        paid = state.paid + max(ZERO, energy_total) - used
        line = self._money("bank.energy_credit", "To (+) and from (-) the energy credit", earned - used, LineKind.BANK)
        return replace(state, bank=move.after, paid=paid), [line] if line.amount else [], (move,)

    def _adjustment(self, state: NemState) -> Line:
        """max(0, N + max(0, energy) - minimums): credits never pay a non-bypassable charge (A-2, A-4)."""
        owed = state.non_bypassable if self.rules.non_bypassable_due is Due.TRUE_UP else ZERO
        basis = max(ZERO, owed + max(ZERO, state.energy))
        minimums = state.minimums
        if self.rules.minimum_credit is MinimumCredit.ALL_CYCLES:
            minimums += state.last_minimums
        adjustment = max(ZERO, basis - minimums)
        label = (
            f"True-up adjustment: energy {state.energy:f}, non-bypassable {owed:f}, "
            f"basis {basis:f} less minimum charges billed {minimums:f}"
        )
        return self._money("true_up.adjustment", label, adjustment)

    def _money(self, key: str, label: str, amount: Decimal, kind: LineKind = LineKind.ADJUSTMENT) -> Line:
        return money_line(key, label, amount, self.prices.rounding, kind=kind, due=Due.NOW, source=self.rules.source)


def summary_of(settled: Settled) -> Decimal:
    """E of a cycle, as the summary of charges prints it: all energy lines and non-bypassable charges."""
    kinds = (LineKind.ENERGY, LineKind.BASELINE, LineKind.NON_BYPASSABLE)
    return total(line.amount for line in settled.lines if line.kind in kinds)
