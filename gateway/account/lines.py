"""What a statement is made of: lines (quantity x rate = amount) and what moved in each bank.

A line keeps its exact amount beside the printed one; a bank's movement adds up or cannot be made. Which lines are due
now, at the true-up, or only noted is said on each, because utilities differ in nothing more. No arithmetic of
programmes here.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from .money import ZERO, Rounding, kwh, rounded, worth


class LineKind(StrEnum):
    """What a line is. `minimum` and `fixed` are not alike: only the first is given back at the true-up (A-3)."""

    ENERGY = "energy"
    NON_BYPASSABLE = "non_bypassable"
    BASELINE = "baseline"
    MINIMUM = "minimum"
    """A placeholder, credited at the true-up against what energy cost."""
    FIXED = "fixed"
    """Due whatever flows, never given back."""
    FEE = "fee"
    TAX = "tax"
    CREDIT = "credit"
    """Money the utility gives by date or by rule, not for energy."""
    BANK = "bank"
    """Credit taken out of a bank, or put into it."""
    ADJUSTMENT = "adjustment"
    """The true-up's own line."""
    SURPLUS = "surplus"
    """What the utility pays for a year's surplus kilowatt-hours."""
    NOT_INCLUDED = "not_included"
    """The utility bills it and these figures do not have it: named, never silently zero."""


class Scope(StrEnum):
    """Whose charge it is: a bank may pay one scope and not another."""

    GENERATION = "generation"
    DELIVERY = "delivery"
    OTHER = "other"
    ALL = "all"
    """Not taken apart: the programme does not need to."""


class Due(StrEnum):
    """When a line's amount is to be paid."""

    NOW = "now"
    TRUE_UP = "true_up"
    """Carried in the summary of charges until the Relevant Period ends."""
    NOTED = "noted"
    """Told, and in no sum."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `key` is unique within its statement and what `--explain` takes; amounts in the tariff's currency."""

    key: str
    label: str
    kind: LineKind
    due: Due
    exact: Decimal
    amount: Decimal
    """`exact` as printed: rounded once, or not at all."""
    scope: Scope = Scope.ALL
    quantity: Decimal | None = None
    unit: str = ""
    rate: Decimal | None = None
    source: str = ""
    """Where the rate, or the rule, stands."""
    uncertain_milliwh: int = 0
    """By how much the energy in it may be off."""
    cells: tuple[int, ...] = ()
    """Which cells of the period's energy it is made of, by position."""
    uncertain_worth: Decimal | None = None
    """What the doubt about its energy is worth, where no one rate says that."""
    beside: bool = False
    """Whether `cells` are those of the other supplier's ledger (`Period.beside`)."""

    def __post_init__(self) -> None:
        if not self.key or not self.label:
            raise ValueError("a line needs a key and a label")

    @property
    def uncertain_amount(self) -> Decimal:
        """What the doubt about its energy is worth at its rate."""
        if self.uncertain_worth is not None:
            return self.uncertain_worth
        return ZERO if self.rate is None else abs(worth(self.uncertain_milliwh, self.rate))


def energy_line(
    key: str,
    label: str,
    milliwh: int,
    rate: Decimal,
    rounding: Rounding,
    *,
    kind: LineKind = LineKind.ENERGY,
    due: Due,
    scope: Scope = Scope.ALL,
    source: str,
    uncertain_milliwh: int = 0,
    cells: tuple[int, ...] = (),
) -> Line:
    """Energy at a price per kWh; negative energy is a credit."""
    exact = worth(milliwh, rate)
    return Line(
        key=key,
        label=label,
        kind=kind,
        due=due,
        exact=exact,
        amount=rounded(exact, rounding),
        scope=scope,
        quantity=kwh(milliwh),
        unit="kWh",
        rate=rate,
        source=source,
        uncertain_milliwh=uncertain_milliwh,
        cells=cells,
    )


def counted_line(
    key: str,
    label: str,
    count: int,
    unit: str,
    rate: Decimal,
    rounding: Rounding,
    *,
    kind: LineKind,
    due: Due,
    scope: Scope = Scope.ALL,
    source: str,
) -> Line:
    """So many days or months at a price each."""
    exact = rate * count
    return Line(
        key=key,
        label=label,
        kind=kind,
        due=due,
        exact=exact,
        amount=rounded(exact, rounding),
        scope=scope,
        quantity=Decimal(count),
        unit=unit,
        rate=rate,
        source=source,
    )


def money_line(
    key: str,
    label: str,
    exact: Decimal,
    rounding: Rounding,
    *,
    kind: LineKind,
    due: Due,
    scope: Scope = Scope.ALL,
    source: str,
) -> Line:
    """An amount that no quantity and rate make."""
    amount = rounded(exact, rounding)
    return Line(key=key, label=label, kind=kind, due=due, exact=exact, amount=amount, scope=scope, source=source)


class BankUnit(StrEnum):
    """What a bank holds."""

    MONEY = "money"
    """In the tariff's currency."""
    KWH = "kWh"


@dataclass(frozen=True, slots=True)
class BankMove:
    """What happened to one bank in one period: after == before + earned - used - paid_out - forfeited."""

    name: str
    unit: BankUnit
    before: Decimal
    earned: Decimal = ZERO
    used: Decimal = ZERO
    paid_out: Decimal = ZERO
    forfeited: Decimal = ZERO

    def __post_init__(self) -> None:
        for what in ("earned", "used", "paid_out", "forfeited"):
            if getattr(self, what) < 0:
                raise ValueError(f"bank {self.name}: {what} is {getattr(self, what)}, below zero")

    @property
    def after(self) -> Decimal:
        return self.before + self.earned - self.used - self.paid_out - self.forfeited
