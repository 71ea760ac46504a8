"""NEM 1.0 and 2.0: dollars at retail by time of use, settled by the year.

Month: each bucket's net times its price, signed. Under NEM 2.0 the non-bypassable part is charged on the positive net
of each netting interval and taken out of the price that nets. Year: see `nem_year`. Cycles before permission to operate
are not this programme's.
(net-metering 1.1, 1.2; corrections A-1 to A-6, A-9, A-14, F)
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from ...tariff.cycles import Block
from ...tariff.flags import Flag
from ..baseline import baseline_lines
from ..cells import Cell, CycleEnergy
from ..charges import (
    PriceError,
    Prices,
    by_block,
    days_of,
    fixed_lines,
    key_of,
    minimum_lines,
    printed_total,
)
from ..lines import BankMove, BankUnit, Due, Line, LineKind, energy_line, money_line
from ..money import ZERO, total
from ..period import Period, Settled
from ..tier_lines import tier_lines
from .nem_state import EnergyDue, NemRules, NemState
from .nem_year import ENERGY_BANK, close_year
from .surplus import BILL_CREDIT

FIRST_BILL = timedelta(days=35)
"""The programme may begin with the reading after permission to operate: so long before the bill that can lie."""

__all__ = ["Nem", "NemRules", "NemState"]


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
        self._refuse_flat_prices(energy)
        energy_lines = [
            *self._energy(energy),
            *tier_lines(self._by_quantity(energy), self.prices, self._energy_due),
            *baseline_lines(self._by_quantity(energy), self.prices, self._energy_due),
        ]
        charged = list(self._non_bypassable(energy)) if self.rules.has_non_bypassable else []
        minimums = list(minimum_lines(energy, self.prices))
        energy_total = printed_total(energy_lines)
        payments = [one for one in self.rules.payments if period.cycle.first_day <= one.day <= period.cycle.last_day]
        after = replace(
            state,
            is_first=False,
            # A cut cycle before the first whole one belongs to the period and is none of its twelve (F.6).
            cycles=state.cycles + (period.number > 0),
            energy=state.energy + energy_total,
            non_bypassable=state.non_bypassable + printed_total(charged),
            minimums=state.minimums + state.last_minimums,
            last_minimums=printed_total(minimums),
            lacks_minimums=state.lacks_minimums or self._lacks_minimum(energy),
            payments=state.payments + total(one.amount for one in payments),
            import_milliwh=state.import_milliwh + energy.import_milliwh,
            export_milliwh=state.export_milliwh + energy.export_milliwh,
        )
        after, moved, banks = self._pay_monthly(after, energy_total)
        own = (*minimums, *fixed_lines(energy, self.prices), *self._fee(state, period))
        lines = (*energy_lines, *charged, *moved, *own, *self._summary(after))
        return self._use_bill_credit(after, lines, banks)

    def true_up(self, state: NemState, period: Period) -> tuple[NemState, Settled]:
        """The end of the Relevant Period. Without its beginning there is none: that is told, and nothing is settled."""
        if not state.whole:
            note = "no true-up: this account does not know the Relevant Period from its first day (see [opening])"
            return NemState(bill_credit=state.bill_credit), Settled((), notes=(note,))
        return close_year(self.rules, self.prices.rounding, state, period.cycle)

    def _use_bill_credit(
        self, state: NemState, lines: tuple[Line, ...], banks: tuple[BankMove, ...]
    ) -> tuple[NemState, Settled]:
        """The credit on the account pays whatever is due."""
        due = total(line.amount for line in lines if line.due is Due.NOW)
        used = min(state.bill_credit, max(ZERO, due))
        if used:
            lines = (*lines, self._money("bank.bill_credit", "From the credit on the account", -used, LineKind.SURPLUS))
        if state.bill_credit:
            banks = (*banks, BankMove(BILL_CREDIT, BankUnit.MONEY, state.bill_credit, used=used))
        return replace(state, bill_credit=state.bill_credit - used, last_due=due - used), Settled(lines, banks)

    @property
    def _energy_due(self) -> Due:
        return Due.TRUE_UP if self.rules.energy_due is EnergyDue.ANNUAL else Due.NOW

    def _energy(self, energy: CycleEnergy) -> Iterator[Line]:
        """Net of each bucket and block at the price that nets."""
        for position, cell in _flowing(energy):
            rate = self.prices.retail_in_tier(cell, 0)
            if self.rules.has_non_bypassable:
                rate -= self.prices.non_bypassable(cell)
            yield self._line(cell, position, rate, self._energy_due, "Net energy")

    def _line(self, cell: Cell, position: int, rate: Decimal, due: Due, what: str) -> Line:
        return energy_line(
            key_of("energy", cell.block, cell.bucket),
            f"{what} {cell.bucket.replace('_', ' ')}, {days_of(cell.block)}",
            cell.net_milliwh,
            rate,
            self.prices.rounding,
            due=due,
            source=self.prices.source(cell.block),
            uncertain_milliwh=cell.uncertain_milliwh,
            cells=(position,),
        )

    def _non_bypassable(self, energy: CycleEnergy) -> Iterator[Line]:
        """Charged on what each netting interval took, whatever another one gave (A-1): a line a block and rate."""
        for block, cells in by_block(energy):
            by_rate: dict[Decimal, list[tuple[int, Cell]]] = {}
            for position, cell in cells:
                if cell.positive_net_milliwh:
                    by_rate.setdefault(self.prices.non_bypassable(cell), []).append((position, cell))
            for rate, held in by_rate.items():
                rest = () if len(by_rate) == 1 else (held[0][1].bucket,)
                yield self._charge(block, rate, held, rest)

    def _charge(self, block: Block, rate: Decimal, held: Sequence[tuple[int, Cell]], rest: tuple[str, ...]) -> Line:
        return energy_line(
            key_of("non_bypassable", block, *rest),
            f"Non-bypassable charges, {days_of(block)}",
            sum(cell.positive_net_milliwh for _, cell in held),
            rate,
            self.prices.rounding,
            kind=LineKind.NON_BYPASSABLE,
            due=self.rules.non_bypassable_due,
            source=self.prices.source(block),
            uncertain_milliwh=sum(cell.positive_net_uncertain_milliwh for _, cell in held),
            cells=tuple(position for position, _ in held),
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

    def _fee(self, state: NemState, period: Period) -> Iterator[Line]:
        """The interconnection fee, once: on the first bill of the programme, if it is that of the permission."""
        fee, pto, cycle = self.rules.fee, self.rules.pto, period.cycle
        if fee is None or pto is None or not state.is_first:
            return
        if cycle.first_day - FIRST_BILL <= pto <= cycle.last_day:
            line = self._money("fee.interconnection", "Interconnection fee, once", fee.value, LineKind.FEE)
            yield replace(line, due=self.rules.fee_due, source=fee.source)

    def _lacks_minimum(self, energy: CycleEnergy) -> bool:
        tariff = self.prices.tariff
        versions = [block.version for block in energy.blocks if block.version is not None]
        return any(Flag.NO_MINIMUM_CHARGE in tariff.flags_of(version) for version in versions)

    def _summary(self, state: NemState) -> Iterator[Line]:
        """The utility's table of the Relevant Period to date, this cycle included. Only told."""
        if not state.whole:
            return
        sums = {"energy": state.energy, "minimum": state.minimums + state.last_minimums}
        if self.rules.has_non_bypassable:
            sums["non_bypassable"] = state.non_bypassable
        for name, amount in sums.items():
            label = f"This Relevant Period to date, {name.replace('_', '-')} charges"
            yield replace(self._money(f"summary.{name}", label, amount), due=Due.NOTED)

    def _by_quantity(self, energy: CycleEnergy) -> CycleEnergy:
        """What tiers and the baseline's credit go by: the net."""
        return energy

    def _refuse_flat_prices(self, energy: CycleEnergy) -> None:
        """NEM 2.0 requires a time-of-use schedule (net-metering, row 10)."""
        if not self.rules.needs_time_of_use:
            return
        tariff = self.prices.tariff
        for block in energy.blocks:
            if block.version is not None and len({one.name for one in tariff.periods_of(block.version)}) < 2:
                raise PriceError(
                    f"tariff {tariff.id}, version {block.version.id}: {self.name} requires a time-of-use tariff, and "
                    f"this has one price at all hours ({days_of(block)}); name the schedule that the bill prints, "
                    "or the programme nem1 if the account is older than NEM 2.0"
                )

    def _money(self, key: str, label: str, amount: Decimal, kind: LineKind = LineKind.ADJUSTMENT) -> Line:
        return money_line(key, label, amount, self.prices.rounding, kind=kind, due=Due.NOW, source=self.rules.source)


def _flowing(energy: CycleEnergy) -> Iterator[tuple[int, Cell]]:
    """Cells with any energy, by position."""
    return ((at, cell) for at, cell in enumerate(energy.cells) if cell.import_milliwh or cell.export_milliwh)


def summary_of(settled: Settled) -> Decimal:
    """E of a cycle, as the summary of charges prints it: all energy lines and non-bypassable charges."""
    kinds = (LineKind.ENERGY, LineKind.BASELINE, LineKind.NON_BYPASSABLE)
    return total(line.amount for line in settled.lines if line.kind in kinds)
