"""The end of MCE's own year: what a surplus of kilowatt-hours earns, by cheque or as credit, and what is zeroed.

The year is MCE's, April to March, by cycles: the one that holds 31 March ends it, whenever PG&E's ends. Surplus is a
test of kilowatt-hours; the payment is rounded to cents before it is held against threshold and most. A rate that is not
published is pending, never zero. (net-metering 1.4; corrections A-10, F.7)
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from ...tariff.cycles import Cycle
from ..cashout import CashoutRule, Pays, RetailLeft
from ..cells import CycleEnergy
from ..lines import Due, Line, LineKind, Scope, energy_line, money_line
from ..money import ZERO, Rounding, kwh_text
from ..programme_file import Figure, NotKnownError, ProgrammeFile
from .surplus import RATE

BY_DATE = "by_date"


@dataclass(frozen=True, slots=True)
class MceYear:
    """MCE's year to date. `known`: from its first day, or from the enrolment in it."""

    import_milliwh: int = 0
    export_milliwh: int = 0
    known: bool = True
    uncertain_milliwh: int = 0
    has_holes: bool = False
    """Whether some of its energy is not known."""

    @property
    def surplus_milliwh(self) -> int:
        return max(0, self.export_milliwh - self.import_milliwh)

    def with_energy(self, energy: CycleEnergy) -> "MceYear":
        """After one more cycle."""
        return replace(
            self,
            import_milliwh=self.import_milliwh + energy.import_milliwh,
            export_milliwh=self.export_milliwh + energy.export_milliwh,
            uncertain_milliwh=self.uncertain_milliwh + energy.uncertain_milliwh,
            has_holes=self.has_holes or bool(energy.holes),
        )


@dataclass(frozen=True, slots=True)
class Cashout:
    """The rules as the account chose them. `left`: None as the rule has it."""

    file: ProgrammeFile
    utility: str
    chosen: str
    left: RetailLeft | None
    by_march: bool
    """Whether the wholesale rate is that of March, whenever the closing cycle ends."""

    def rule_on(self, day: date) -> CashoutRule:
        """The rule of a day, or the one that was chosen."""
        if self.chosen != BY_DATE:
            return next(one for one in self.file.cashout if one.name == self.chosen)
        begun = [one for one in self.file.cashout if one.first <= day]
        return max(begun, key=lambda one: one.first) if begun else self.file.cashout[0]

    def zeroes_on(self, day: date) -> bool:
        """Whether the retail dollars left in the bank are lost then."""
        rule = self.rule_on(day)
        return rule.pays is Pays.SURPLUS and (self.left or rule.left) is RetailLeft.ZEROED

    def wholesale(self, closing: Cycle) -> Figure:
        """Raises NotKnownError."""
        return self.file.figure_on(RATE, self.utility, _march_in(closing) if self.by_march else closing.last_day)


@dataclass(frozen=True, slots=True)
class CashedOut:
    """Lines, what goes into the bank and out of it, sentences."""

    lines: tuple[Line, ...] = ()
    credited: Decimal = ZERO
    paid_out: Decimal = ZERO
    forfeited: Decimal = ZERO
    notes: tuple[str, ...] = ()


def ends_mce_year(cycle: Cycle) -> bool:
    """Whether it holds a 31 March."""
    return any(cycle.first_day <= date(year, 3, 31) <= cycle.last_day for year in _years(cycle))


def cash_out(out: Cashout, year: MceYear, bank: Decimal, closing: Cycle, rounding: Rounding) -> CashedOut:
    """What the year comes to, `bank` being what the closing cycle left in it."""
    rule = out.rule_on(closing.last_day)
    said = f"MCE's year ends; its rule {rule.name} holds from {rule.first} ({rule.dated})"
    if rule.pays is Pays.BANK:
        return _bank_paid(rule, bank, rounding, said)
    lost = bank if out.zeroes_on(closing.last_day) else ZERO
    notes = (said, f"{lost:f} of retail credit are left in MCE's bank and zeroed") if lost else (said,)
    if not year.known:
        why = "MCE's year is not known from its first day: state mce_import_kwh and mce_export_kwh in [opening.banks]"
        return CashedOut((_pending("MCE: surplus of the year", why),), forfeited=lost, notes=(*notes, why))
    if year.has_holes:
        notes = (*notes, "MCE's cash-out is incomplete: not all energy of its year is known")
    if not year.surplus_milliwh:
        return CashedOut(forfeited=lost, notes=notes)
    label = f"MCE: surplus of the year, {kwh_text(year.surplus_milliwh)} kWh"
    try:
        figure = out.wholesale(closing)
    except NotKnownError as error:
        return CashedOut((_pending(label, str(error)),), forfeited=lost, notes=(*notes, f"{label} is pending: {error}"))
    return replace(_surplus_paid(rule, figure, year, label, rounding, notes), forfeited=lost)


def _surplus_paid(
    rule: CashoutRule, figure: Figure, year: MceYear, label: str, rounding: Rounding, notes: tuple[str, ...]
) -> CashedOut:
    rate = figure.value * rule.wholesale_factor + rule.wholesale_adder
    source = f"{rule.source}; wholesale rate: {figure.source}"
    line = energy_line(
        "mce.cashout",
        label,
        -year.surplus_milliwh,
        rate,
        Rounding.CENT,
        kind=LineKind.SURPLUS,
        due=Due.NOW,
        scope=Scope.GENERATION,
        source=source,
        uncertain_milliwh=year.uncertain_milliwh,
    )
    lines, paid = [line], -line.amount
    if rule.most is not None and paid > rule.most:
        over = paid - rule.most
        lines.append(_line("mce.cashout.most", f"MCE: no more than {rule.most:f} a year", over, rounding, source))
        notes = (*notes, f"{over:f} beyond the most of {rule.most:f} are lost: no source says otherwise")
        paid = rule.most
    if rule.is_cheque(paid):
        told = f"{paid:f} is paid by MCE's cheque, apart from this bill"
        return CashedOut(tuple(lines), notes=(*notes, told))
    noted = tuple(replace(one, due=Due.NOTED) for one in lines)
    told = f"{paid:f} is too little for a cheque: it is credited in MCE's bank and pays the bills that follow"
    return CashedOut(noted, credited=paid, notes=(*notes, told))


def _bank_paid(rule: CashoutRule, bank: Decimal, rounding: Rounding, said: str) -> CashedOut:
    if not rule.is_cheque(bank):
        return CashedOut(notes=(said,))
    line = _line("mce.cashout", "MCE: the credit bank, at its retail value", -bank, rounding, rule.source)
    return CashedOut((line,), paid_out=bank, notes=(said, f"{bank:f} is paid by MCE's cheque, apart from this bill"))


def _line(key: str, label: str, amount: Decimal, rounding: Rounding, source: str) -> Line:
    kind, due, scope = LineKind.SURPLUS, Due.NOW, Scope.GENERATION
    return money_line(key, label, amount, rounding, kind=kind, due=due, scope=scope, source=source)


def _pending(label: str, why: str) -> Line:
    return Line(
        key="mce.cashout",
        label=f"{label}: pending",
        kind=LineKind.NOT_INCLUDED,
        due=Due.NOTED,
        exact=ZERO,
        amount=ZERO,
        scope=Scope.GENERATION,
        source=why,
    )


def _march_in(closing: Cycle) -> date:
    return next(
        date(year, 3, 31) for year in _years(closing) if closing.first_day <= date(year, 3, 31) <= closing.last_day
    )


def _years(cycle: Cycle) -> range:
    return range(cycle.first_day.year, cycle.last_day.year + 1)
