"""One year of an account's energy under several programmes, each with a tariff of its own: what each would have billed.

A column that cannot be reckoned says why and stops no other. The energy is what was measured: nobody would have used
less or more, so a comparison is no forecast, and no offer either. Only a year of twelve whole billing cycles with all
their energy is compared. (net-metering rows 26, 27, 39; corrections C.5, A-16)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from ..config.problem import ProblemsError
from ..config.rules import resolved
from ..tariff.calendar import Calendar
from ..tariff.tariff_file import is_path, load_tariff
from ..tariff.walltime import wall_to_us
from .account_file import AccountFile
from .charges import PriceError
from .compare_terms import terms_for, without_programme
from .energy import EnergyError, EnergyTable
from .money import exactly, kwh_text, total
from .programme_file import NotKnownError, load_programme
from .reckon import make_statements
from .registry import ALIASES, PLAIN, SOLD_APART
from .savings import House, Savings, savings_of
from .slices import table_between
from .slots import TimelineError
from .sources import Energy
from .statement import Statement, Statements, ranges_of
from .timeline import CYCLES_A_YEAR

_ONE_DAY = timedelta(days=1)
NO_CHOICE = (
    "The year as it was measured, priced under each programme: nobody would have used less or more. "
    "A vintage cannot be chosen: the application's date decides it, and a programme that is closed takes nobody back."
)
REASONS = (EnergyError, TimelineError, PriceError, ProblemsError, NotKnownError)


class CompareError(Exception):
    """There is no whole year to compare; the message says the mend."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A column: a programme, and the tariff that goes with it, by name or path."""

    programme: str
    tariff: str


@dataclass(frozen=True, slots=True)
class Column:
    """What one programme makes of the year. `why_not`: the reason where it could not be reckoned; else empty."""

    wanted: Wanted
    why_not: str = ""
    bills: tuple[Statement, ...] = ()
    savings: Savings | None = None
    why_no_savings: str = ""
    notes: tuple[str, ...] = ()

    @property
    def due(self) -> Decimal:
        """All that was to pay in the year, the true-up included; below zero: was paid out."""
        return total(one.due_now for one in self.bills)

    @property
    def uncertain(self) -> Decimal:
        """What all doubt about the energy is worth at the most, that of the true-up included."""
        off = ((one.uncertain_amount, ranges_of(one).due_now.furthest_from(one.due_now)) for one in self.bills)
        return total(map(max, off))

    @property
    def left(self) -> Mapping[str, Decimal]:
        """What each bank holds at the year's end, in its own unit."""
        held = {move.name: move.after for one in self.bills for move in one.banks}
        return {name: amount for name, amount in held.items() if amount}


@dataclass(frozen=True, slots=True)
class Comparison:
    """The year and its columns, in the order in which they were asked for."""

    account: AccountFile
    first_day: date
    last_day: date
    source: str
    import_milliwh: int
    export_milliwh: int
    production_milliwh: int | None
    """None without a production meter."""
    columns: tuple[Column, ...]
    notes: tuple[str, ...]

    @property
    def self_consumed_milliwh(self) -> int | None:
        """What was made and not given away; None where nobody knows, or the two meters contradict each other."""
        if self.production_milliwh is None or self.production_milliwh < self.export_milliwh:
            return None
        return self.production_milliwh - self.export_milliwh


def compare(
    account: AccountFile,
    energy: Energy,
    wanted: Sequence[Wanted],
    production: EnergyTable | None = None,
    as_of: date | None = None,
) -> Comparison:
    """The newest whole year under each programme. `production`: what the plant made, as exports of its own meter.

    Raises CompareError, and what `make_statements` raises where the account's own energy or tariff cannot be used.
    """
    bills = _whole_year(account, energy, as_of)
    first, last = bills[0].slot.cycle.first_day, bills[-1].slot.cycle.last_day
    _refuse_other_supplier(account, first, last)
    year = replace(energy, table=_cut(account, energy.table, first, last))
    made, notes = _production(account, production, first, last)
    with exactly():
        columns = tuple(_column(account, year, one, first, made) for one in wanted)
    given = int(year.table.flow_export.milliwh.sum())
    if made is not None:
        notes += _contradiction(made, given)
    return Comparison(
        account,
        first,
        last,
        energy.table.source,
        int(year.table.flow_import.milliwh.sum()),
        given,
        None if made is None else int(made.flow_export.milliwh.sum()),
        columns,
        (NO_CHOICE, *notes, *energy.notes),
    )


def _whole_year(account: AccountFile, energy: Energy, as_of: date | None) -> list[Statement]:
    """The newest twelve whole cycles one after the other of which all energy is known, as without net metering."""
    plain = replace(account, terms=without_programme(account.terms), programmes={PLAIN: load_programme(PLAIN)})
    bills = [one for one in make_statements(plain, energy, as_of).statements if not one.slot.why]
    whole: list[Statement] = []
    for one in reversed(bills):
        follows = not whole or one.slot.cycle.last_day + _ONE_DAY == whole[0].slot.cycle.first_day
        whole = [one, *(whole if follows else [])] if one.is_whole else []
        if len(whole) == CYCLES_A_YEAR:
            return whole
    lacking = [one for one in bills if one.holes]
    mend = f"; not all energy of {lacking[-1].holes[-1]} is known" if lacking else ""
    raise CompareError(
        f"a comparison needs {CYCLES_A_YEAR} whole billing cycles one after the other with all their energy, and there "
        f"are {len(bills)} with any{mend}: add months before (earlier = FILE), or wait for the year to be whole"
    )


def _refuse_other_supplier(account: AccountFile, first: date, last: date) -> None:
    change = next((one.first for one in account.terms.supplier if first < one.first <= last), None)
    if change is not None:
        raise CompareError(f"the supplier changes on {change}, within the year {first} to {last}: it is not one year")


def _column(account: AccountFile, year: Energy, one: Wanted, first: date, production: EnergyTable | None) -> Column:
    name = ALIASES.get(one.programme, one.programme)
    if name in SOLD_APART:
        return Column(one, why_not="it needs the load and the production on meters of their own, not a net meter")
    try:
        tariff = load_tariff(
            str(resolved(account.document.folder, one.tariff)) if is_path(one.tariff) else one.tariff,
            (account.document.folder,),
        )
        file = load_programme(name)
        calendar = Calendar(tariff)
        other = replace(
            account,
            terms=terms_for(account.terms, file, one.tariff, first, _longest_us(year.table)),
            tariff=tariff,
            programmes={PLAIN: load_programme(PLAIN), name: file},
            warnings=(),
        )
        _refuse_zone(account, other)
        made = make_statements(other, year, calendar=calendar)
    except REASONS as error:
        return Column(one, why_not=str(error))
    savings, why = _savings(other, made, calendar, production)
    return Column(one, "", made.statements, savings, why, _notes(made.statements))


def _longest_us(table: EnergyTable) -> int:
    """The longest interval with energy; 0 where nothing flowed."""
    flowing = (table.flow_import.milliwh > 0) | (table.flow_export.milliwh > 0)
    return int((table.end_us - table.start_us)[flowing].max(initial=0))


def _notes(bills: Sequence[Statement]) -> tuple[str, ...]:
    """What every bill says, and what the true-up does; and whose charges are in none of them."""
    seller = bills[0].slot.supplier if bills[0].bill.period.beside is None else ""
    other = (f"what {seller} charges is on its own bill, and in no sum of this column",) if seller else ()
    common = [note for note in bills[0].bill.settled.notes if all(note in one.bill.settled.notes for one in bills)]
    closing = bills[-1].bill.true_up
    return (*other, *common, *(closing.notes if closing else ()))


def _refuse_zone(account: AccountFile, other: AccountFile) -> None:
    """Cycles are local days: under another zone they would be other energy."""
    if other.tariff.zone != account.tariff.zone:
        raise PriceError(f"tariff {other.tariff.id} goes by the clock of {other.tariff.zone}, the account by another")


def _savings(
    other: AccountFile, made: Statements, calendar: Calendar, production: EnergyTable | None
) -> tuple[Savings | None, str]:
    if production is None:
        return None, "no production meter"
    try:
        return savings_of(House(other, made, calendar, production)), ""
    except REASONS as error:
        return None, str(error)


def _production(
    account: AccountFile, production: EnergyTable | None, first: date, last: date
) -> tuple[EnergyTable | None, list[str]]:
    """The plant's own energy of the year, or why there is none."""
    if production is None:
        return None, ["no production meter: what the house used of its own production is not known, and not zero"]
    cut = _cut(account, production, first, last)
    start_us, end_us = _edges_us(account, first, last)
    holes = cut.holes(start_us, end_us)
    if holes:
        return None, [f"the production meter {production.meter} has no energy of {holes[0]}: its year is not whole"]
    return cut, []


def _contradiction(production: EnergyTable, given_milliwh: int) -> list[str]:
    """More was given to the grid than was made: a ratio of that would be below zero."""
    produced = int(production.flow_export.milliwh.sum())
    if given_milliwh <= produced:
        return []
    return [
        f"the production meter {production.meter} counted {kwh_text(produced)} kWh, and {kwh_text(given_milliwh)} kWh "
        "were exported: one of the two meters is wrong, or the production meter does not see all that gives, such as a "
        "battery or a second plant; what the house used of its own production is not known"
    ]


def _cut(account: AccountFile, table: EnergyTable, first: date, last: date) -> EnergyTable:
    """The rows of the year's days."""
    return table_between(table, *_edges_us(account, first, last))


def _edges_us(account: AccountFile, first: date, last: date) -> tuple[int, int]:
    zone = Calendar(account.tariff).zone
    return wall_to_us(first, 0, zone), wall_to_us(last + _ONE_DAY, 0, zone)


def ratio(part_milliwh: int | None, whole_milliwh: int | None) -> Decimal | None:
    """Self-consumed over produced, to four places; None where either is not known, or nothing was made.

    Raises ValueError where it is no share: that contradiction is told before (`Comparison.self_consumed_milliwh`).
    """
    if part_milliwh is None or not whole_milliwh:
        return None
    if not 0 <= part_milliwh <= whole_milliwh:
        raise ValueError(f"{part_milliwh} of {whole_milliwh} milliwatt-hours is no share")
    return (Decimal(part_milliwh) / Decimal(whole_milliwh)).quantize(Decimal("0.0001"))
