"""MCE beside PG&E: two ledgers in one account, each with its own year.

PG&E's is net metering on delivery (`nem`), with its true-up on the anniversary. MCE's is generation: each month's net
is priced at MCE's own rates, a credit goes to a bank, a charge is paid out of it first and the rest is due; the cycle
that holds 31 March ends MCE's year (`mce_cashout`). No dollar of one ledger ever pays the other's charges.
(net-metering 1.4; corrections A-10, F.7)
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from ..cashout import CashoutRule
from ..cells import Cell, CycleEnergy
from ..charges import Prices, days_of, key_of, printed_total
from ..lines import BankMove, BankUnit, Due, Line, LineKind, Scope, energy_line, money_line
from ..money import ZERO, kwh_text, total
from ..period import Period, Settled
from .mce_cashout import Cashout, MceYear, cash_out, ends_mce_year
from .nem import Nem
from .nem_state import NemState

MCE_BANK = "mce_credit"
DEEP_GREEN = "deep_green"


@dataclass(frozen=True, slots=True)
class MceRules:
    """What the account's choices decide of MCE's ledger."""

    cashout: Cashout
    product: str
    """`light_green`, or an option that MCE's tariff has."""
    source: str


@dataclass(frozen=True, slots=True)
class MceState:
    """What a cycle hands to the next: both ledgers apart."""

    delivery: NemState
    bank: Decimal = ZERO
    year: MceYear = field(default_factory=MceYear)
    settled: bool = False
    """Whether a cycle was settled before."""


class Mce:
    """A programme (`period.Programme`). `prices`: of MCE's own tariff."""

    name = "mce"

    def __init__(self, delivery: Nem, rules: MceRules, prices: Prices, begins: Mapping[date, bool]) -> None:
        self.delivery = delivery
        self.netting = delivery.netting
        self.rules = rules
        self.prices = prices
        self._begins = begins
        """Days on which MCE's year is known from its first day, whatever the calendar says."""

    def settle(self, state: MceState, period: Period) -> tuple[MceState, Settled]:
        """One cycle of both ledgers; MCE's year ends within it, PG&E's in `true_up`."""
        delivery, utility = self.delivery.settle(state.delivery, period)
        assert period.beside is not None
        rule = self.rules.cashout.rule_on(period.cycle.last_day)
        lines = [*self._energy(period.beside), *self._premium(period.beside, rule)]
        charge = printed_total(lines)
        earned, used = max(ZERO, -charge), min(state.bank, max(ZERO, charge))
        if earned or used:
            label = "MCE: to (+) and from (-) the credit bank"
            lines.append(self._money(f"bank.{MCE_BANK}", label, earned - used, LineKind.BANK, Due.NOW))
        bank = state.bank + earned - used
        year = self.year_with(state, period)
        move = BankMove(MCE_BANK, BankUnit.MONEY, state.bank, earned=earned, used=used)
        notes: tuple[str, ...] = ()
        if ends_mce_year(period.cycle):
            out = cash_out(self.rules.cashout, year, bank, period.cycle, self.prices.rounding)
            lines.extend(out.lines)
            move = replace(move, earned=earned + out.credited, paid_out=out.paid_out, forfeited=out.forfeited)
            year, notes = MceYear(), out.notes
        elif period.leaves:
            notes = tuple(self._left_behind(move.after, year))
        lines.append(self._due(lines))
        moves = (move,) if move.before or move.earned else ()
        after = MceState(delivery, move.after, year, settled=True)
        joined = Settled((*utility.lines, *lines), (*utility.banks, *moves), (*utility.notes, *notes))
        return after, joined

    def true_up(self, state: MceState, period: Period) -> tuple[MceState, Settled]:
        """PG&E's year, on delivery alone; MCE's goes on."""
        delivery, settled = self.delivery.true_up(state.delivery, period)
        return replace(state, delivery=delivery), settled

    def year_with(self, state: MceState, period: Period) -> MceYear:
        """MCE's year to date with this cycle; also where the cycle ends it."""
        year = state.year
        if not state.settled and not year.known:
            first = period.cycle.first_day
            year = replace(year, known=self._begins.get(first, False) or follows_mce_year(first))
        return year.with_energy(period.energy)

    def _energy(self, energy: CycleEnergy) -> Iterator[Line]:
        """Net of each period at MCE's price of that period, whichever sign it has."""
        for position, cell in enumerate(energy.cells):
            if not (cell.import_milliwh or cell.export_milliwh):
                continue
            line = energy_line(
                key_of("mce.energy", cell.block, cell.bucket),
                f"MCE: net generation {cell.bucket.replace('_', ' ')}, {days_of(cell.block)}",
                cell.net_milliwh,
                self.prices.generation(cell) + self._product(cell),
                self.prices.rounding,
                due=Due.NOW,
                scope=Scope.GENERATION,
                source=self.prices.source(cell.block),
                uncertain_milliwh=cell.uncertain_milliwh,
                cells=(position,),
            )
            yield replace(line, beside=True)

    def _product(self, cell: Cell) -> Decimal:
        if self.rules.product != DEEP_GREEN:
            return ZERO
        assert cell.block.version is not None
        return cell.block.version.options_per_kwh[DEEP_GREEN]

    def _premium(self, energy: CycleEnergy, rule: CashoutRule) -> Iterator[Line]:
        """What a period earns besides that gave more than it took, by a rule that has such an addition."""
        given = sum(max(0, -cell.net_milliwh) for cell in energy.cells)
        if given and rule.monthly_adder:
            yield energy_line(
                "mce.premium",
                "MCE: addition for what periods gave beyond what they took",
                -given,
                rule.monthly_adder,
                self.prices.rounding,
                due=Due.NOW,
                scope=Scope.GENERATION,
                source=rule.source,
                uncertain_milliwh=sum(cell.uncertain_milliwh for cell in energy.cells),
            )

    def _left_behind(self, bank: Decimal, year: MceYear) -> Iterator[str]:
        """Leaving before the spring: no source says that a part of a year is cashed out."""
        if bank:
            yield (
                f"MCE holds {bank:f} of credit, which no bill here uses any more: a customer who moves to MCE's Solar "
                "Billing Plan keeps it; who leaves MCE otherwise asks MCE for it"
            )
        if year.surplus_milliwh:
            yield (
                f"{kwh_text(year.surplus_milliwh)} kWh of surplus since the last cash-out are not paid for here: MCE's "
                "year has not ended"
            )

    def _due(self, lines: list[Line]) -> Line:
        due = total(line.amount for line in lines if line.due is Due.NOW and line.kind is not LineKind.SURPLUS)
        return self._money("mce.due", "MCE's part of what is due", due, LineKind.ADJUSTMENT, Due.NOTED)

    def _money(self, key: str, label: str, amount: Decimal, kind: LineKind, due: Due) -> Line:
        source, rounding = self.rules.source, self.prices.rounding
        return money_line(key, label, amount, rounding, kind=kind, due=due, scope=Scope.GENERATION, source=source)


def follows_mce_year(first: date) -> bool:
    """Whether the cycle before one that begins on that day held 31 March for certain: a cycle has 28 days or more."""
    return date(first.year, 4, 1) <= first <= date(first.year, 4, 28)
