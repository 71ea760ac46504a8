"""Lines outside the tariff's figures that the owner has written down: taxes, credits by date, fees (C.3).

They come after a bill's own lines and see only those: no tax is due on a tax. What neither tariff nor programme
models is a named line without an amount, never silently zero.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal

from ..tariff.flags import REASONS, Flag
from ..tariff.types import Tariff, Version
from .cells import Cell
from .lines import Due, Line, LineKind, energy_line, money_line
from .money import ZERO, Rounding, total
from .period import PeriodStatement
from .programme_file import ProgrammeFile
from .terms import KwhBase, OtherCharge

PERCENT = Decimal("0.01")
"""Of one."""
_TOLD_FLAGS = frozenset(
    {
        Flag.NO_CUSTOMER_CHARGE,
        Flag.NO_MINIMUM_CHARGE,
        Flag.NO_BASELINE_CREDIT,
        Flag.NO_DEMAND_CHARGES,
        Flag.DELIVERY_ONLY,
        Flag.GENERATION_ONLY,
        Flag.ONE_TIER_ONLY,
    }
)
YEAR_MINIMUM = "year_minimum_at"
"""The option of the programmes that hold a year's bills against a minimum."""
_DOUBTS = frozenset({Flag.ESTIMATE, Flag.HOLIDAYS_UNSETTLED, Flag.ALLOWANCE_UNSETTLED})
"""The figures are there, and may be off."""


def other_lines(
    charges: Sequence[OtherCharge],
    bill: PeriodStatement,
    year_net_milliwh: int | None,
    rounding: Rounding,
    year_uncertain_milliwh: int = 0,
) -> Iterator[Line]:
    """The account's own charges on one bill. `year_net_milliwh`: of the Relevant Period up to this bill; None where
    not all of its energy is known. `year_uncertain_milliwh`: by how much it may be off."""
    cycle = bill.period.cycle
    for number, charge in enumerate(charges, 1):
        key = f"other.{number}"
        if charge.amount is not None:
            if cycle.first_day <= charge.first <= cycle.last_day:
                yield _fee(key, charge, charge.amount, rounding)
        elif not _holds_on(charge, cycle.last_day):
            continue
        elif charge.per_month is not None:
            if bill.period.energy.ends_cycle:
                yield _fee(key, charge, charge.per_month, rounding)
        elif charge.percent is not None:
            base = max(ZERO, total(line.amount for line in taxed_lines(bill)))
            label = f"{charge.name}: {charge.percent:f} % of {base:f}"
            exact = base * charge.percent * PERCENT
            yield money_line(key, label, exact, rounding, kind=LineKind.TAX, due=Due.NOW, source=charge.source)
        elif charge.of is KwhBase.YEAR_NET and year_net_milliwh is None:
            if bill.period.closes_year:
                yield _pending(key, charge)
        elif charge.per_kwh is not None:
            milliwh = _base_milliwh(charge, bill, year_net_milliwh)
            cells, of_year = bill.period.energy.cells, charge.of is KwhBase.YEAR_NET
            if milliwh is not None:
                yield energy_line(
                    key,
                    charge.name,
                    milliwh,
                    charge.per_kwh,
                    rounding,
                    kind=LineKind.TAX,
                    due=Due.NOW,
                    source=charge.source,
                    uncertain_milliwh=year_uncertain_milliwh if of_year else _uncertain_milliwh(charge, cells),
                    cells=() if of_year else tuple(range(len(cells))),
                )


def _fee(key: str, charge: OtherCharge, amount: Decimal, rounding: Rounding) -> Line:
    kind = LineKind.CREDIT if amount < 0 else LineKind.FEE
    return money_line(key, charge.name, amount, rounding, kind=kind, due=Due.NOW, source=charge.source)


def _holds_on(charge: OtherCharge, day: date) -> bool:
    """A bill's last day decides for all of it: of two rates, one after the other, never both."""
    return charge.first <= day and (charge.last_day is None or day <= charge.last_day)


def taxed_lines(bill: PeriodStatement) -> list[Line]:
    """What a percentage is of: all that is due now but for the payment for a year's surplus, which is no charge."""
    lines = (*bill.settled.lines, *(bill.true_up.lines if bill.true_up else ()))
    return [line for line in lines if line.due is Due.NOW and line.kind is not LineKind.SURPLUS]


def _uncertain_milliwh(charge: OtherCharge, cells: Iterable[Cell]) -> int:
    if charge.of is KwhBase.IMPORT:
        return sum(cell.import_uncertain_milliwh for cell in cells)
    return sum(cell.uncertain_milliwh for cell in cells)


def _pending(key: str, charge: OtherCharge) -> Line:
    """A charge on a year of which this account knows a part."""
    return Line(
        key=key,
        label=f"{charge.name}: pending, not all energy of the year is known (import_kwh, export_kwh in [opening])",
        kind=LineKind.NOT_INCLUDED,
        due=Due.NOTED,
        exact=ZERO,
        amount=ZERO,
        source=charge.source,
    )


def _base_milliwh(charge: OtherCharge, bill: PeriodStatement, year_net_milliwh: int | None) -> int | None:
    energy = bill.period.energy
    if charge.of is KwhBase.IMPORT:
        return energy.import_milliwh
    if charge.of is KwhBase.NET:
        return max(0, energy.net_milliwh)
    return None if year_net_milliwh is None or not bill.period.closes_year else max(0, year_net_milliwh)


def not_included_lines(tariff: Tariff, bill: PeriodStatement, file: ProgrammeFile) -> Iterator[Line]:
    """What such a bill has besides and these figures do not."""
    versions = {one.version.id: one.version for one in bill.period.energy.blocks if one.version is not None}
    told: dict[str, str] = {}
    for version in versions.values():
        here = f"{tariff.id}, version {version.id}"
        for text in (*_yearly(version, file), *version.not_included):
            told.setdefault(f"Not included: {text}", here)
        for flag in tariff.flags_of(version):
            if flag in _TOLD_FLAGS:
                told.setdefault(f"Not included: {REASONS[flag]}", here)
            elif flag in _DOUBTS:
                told.setdefault(f"In doubt: {REASONS[flag]}", here)
    for text in file.not_included:
        told.setdefault(f"Not included: {text}", file.name)
    for number, (text, source) in enumerate(told.items(), 1):
        yield Line(
            key=f"not_included.{number}",
            label=text,
            kind=LineKind.NOT_INCLUDED,
            due=Due.NOTED,
            exact=ZERO,
            amount=ZERO,
            source=source,
        )


def _yearly(version: Version, file: ProgrammeFile) -> Iterator[str]:
    """Charges by the year: they are in the tariff and on no bill here, but for a minimum that the programme holds."""
    charges = dict(version.fixed_per_year)
    if not any(option.name == YEAR_MINIMUM for option in file.option):
        charges.update(version.minimum_per_year)
    for name, rate in charges.items():
        yield f"{name.replace('_', ' ')}, {rate:f} a year: when it is billed the tariff does not say"


def due_of(lines: Iterable[Line]) -> Decimal:
    """The printed amounts due now."""
    return total(line.amount for line in lines if line.due is Due.NOW)
