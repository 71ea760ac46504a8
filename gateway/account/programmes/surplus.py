"""Net surplus compensation: a year's surplus kilowatt-hours, not dollars, are paid for at the month's own rate.

Earned only over a complete period of twelve cycles, all buckets together; set first against what is due on the closing
bill. Without a published rate it is pending, never zero; the utility owes none to a customer of another supplier.
(net-metering 1.1; corrections A-9, A-14, F.8)
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from ...tariff.cycles import Cycle
from ..lines import BankMove, BankUnit, Due, Line, LineKind, energy_line, money_line
from ..money import ZERO, Rounding, kwh, kwh_text
from ..programme_file import Figure, NotKnownError, ProgrammeFile

CYCLES_A_YEAR = 12
RATE = "net_surplus_compensation"
BILL_CREDIT = "bill_credit"
SURPLUS_BANK = "surplus_kwh"


class Payout(StrEnum):
    """What the customer chose to have the surplus turned into."""

    CHECK = "check"
    CREDIT = "credit"
    ROLLOVER_KWH = "rollover_kwh"
    NONE = "none"
    """The utility keeps it: NEM aggregation, fuel cells (A-12, A-16)."""


@dataclass(frozen=True, slots=True)
class SurplusRule:
    """Who pays, and how. `pays`: False for a customer of another supplier, and under programmes that pay none."""

    file: ProgrammeFile
    utility: str
    payout: Payout
    pays: bool
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Year:
    """A Relevant Period at its end. `carried_milliwh`: surplus rolled over from the one before; `due`: of the bill,
    without the payment and what it gives back."""

    import_milliwh: int
    export_milliwh: int
    carried_milliwh: int
    cycles: int
    closing: Cycle
    due: Decimal = ZERO
    bill_credit: Decimal = ZERO
    """What the bank of that name holds already."""
    knows_energy: bool = True
    """Whether import and export are those of all its cycles."""
    taken_back: Decimal = ZERO
    """What the payment itself gives back before it pays anything: credit for the surplus, under net billing."""

    @property
    def surplus_milliwh(self) -> int:
        return max(0, self.export_milliwh + self.carried_milliwh - self.import_milliwh)


@dataclass(frozen=True, slots=True)
class Surplus:
    """Lines, movements, sentences, and what goes over into the next Relevant Period."""

    lines: tuple[Line, ...] = ()
    banks: tuple[BankMove, ...] = ()
    notes: tuple[str, ...] = ()
    carried_milliwh: int = 0
    bill_credit: Decimal = ZERO
    """What was added to that bank."""


def surplus_lines(rule: SurplusRule, year: Year, rounding: Rounding) -> Surplus:
    """What a year's surplus earns, and where that goes."""
    surplus = year.surplus_milliwh
    if rule.pays and rule.payout is not Payout.NONE and not year.knows_energy:
        note = "net surplus is not known: [opening] states bills before, and not their import_kwh and export_kwh"
        return Surplus((_pending("Net surplus compensation", note),), _rolled_over(year, 0), (note,))
    if not surplus:
        return Surplus(banks=_rolled_over(year, 0))
    unpaid = _why_unpaid(rule, year)
    if unpaid:
        note = f"{kwh_text(surplus)} kWh of surplus are not paid for: {unpaid}"
        return Surplus(banks=_rolled_over(year, 0), notes=(note,))
    if rule.payout is Payout.ROLLOVER_KWH:
        note = (
            f"{kwh_text(surplus)} kWh of surplus go over into the next period: they count there as exported when its "
            "surplus is worked out, and set off no price"
        )
        return Surplus(banks=_rolled_over(year, surplus), notes=(note,), carried_milliwh=surplus)
    label = f"Net surplus compensation for {kwh_text(surplus)} kWh"
    try:
        figure = rule.file.figure_on(RATE, rule.utility, year.closing.last_day)
    except NotKnownError as error:
        note = f"{label} is pending: {error}"
        return Surplus((_pending(label, str(error)),), _rolled_over(year, 0), (note,))
    return _paid(rule.payout, year, figure, label, rounding)


def _why_unpaid(rule: SurplusRule, year: Year) -> str:
    if rule.payout is Payout.NONE:
        return "the customer's arrangement earns none (surplus_payout = none)"
    if not rule.pays:
        return rule.why_not
    if year.cycles < CYCLES_A_YEAR:
        return f"the period has {year.cycles} of {CYCLES_A_YEAR} cycles"
    return ""


def _paid(payout: Payout, year: Year, figure: Figure, label: str, rounding: Rounding) -> Surplus:
    """The payment pays this bill first (F.8); what is left is a cheque, or a credit on the bills that follow."""
    line = energy_line(
        "true_up.surplus",
        label,
        -year.surplus_milliwh,
        figure.value,
        rounding,
        kind=LineKind.SURPLUS,
        due=Due.NOW,
        source=figure.source,
    )
    paid = -line.amount - year.taken_back
    left = paid - min(paid, max(ZERO, year.due))
    if payout is Payout.CHECK or not left:
        notes = (f"{left:f} is paid by cheque",) if left else ()
        return Surplus((line,), _rolled_over(year, 0), notes)
    kept = money_line(
        "true_up.bill_credit",
        "What this bill does not use of the compensation, credited on the bills that follow",
        left,
        rounding,
        kind=LineKind.SURPLUS,
        due=Due.NOW,
        source=figure.source,
    )
    move = BankMove(BILL_CREDIT, BankUnit.MONEY, year.bill_credit, earned=left)
    return Surplus((line, kept), (move, *_rolled_over(year, 0)), bill_credit=left)


def _rolled_over(year: Year, now_milliwh: int) -> tuple[BankMove, ...]:
    """What came over from the year before is used up in this one's test; `now_milliwh` goes over into the next."""
    if not year.carried_milliwh and not now_milliwh:
        return ()
    before = kwh(year.carried_milliwh)
    return (BankMove(SURPLUS_BANK, BankUnit.KWH, before, earned=kwh(now_milliwh), used=before),)


def _pending(label: str, why: str) -> Line:
    return Line(
        key="true_up.surplus",
        label=f"{label}: pending",
        kind=LineKind.NOT_INCLUDED,
        due=Due.NOTED,
        exact=ZERO,
        amount=ZERO,
        source=why,
    )
