"""What a running year will come to: the account's own bills, reckoned on with energy of days that were measured before.

Three methods, each by name: `to_date` (nothing is assumed: the bills that have ended), `same_days_last_year` (the days
to come are those of 52 weeks before, at today's tariff), `profile` (a year of the user's own). Never linear, in dollars
or in days: the sign changes with the season. What cannot be projected says why. (corrections C.4)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from ..config.types import ProjectionMethod
from ..tariff.calendar import Calendar
from ..tariff.walltime import to_datetime, wall_to_us
from .account_file import AccountFile
from .charges import PriceError
from .dates_to_come import LONGEST_YEAR, assumed_dates, with_dates_to_come
from .energy import EnergyError, EnergyTable
from .lines import Due, LineKind
from .money import total
from .programmes.vintage import years_after
from .reckon import make_statements
from .same_days import lacks, with_days
from .slices import table_between
from .slots import TimelineError
from .sources import Energy
from .statement import Statement
from .timeline import NoBillYetError, timeline
from .year_bills import bills_of_year, lacking

WEEKS_52 = timedelta(days=364)
_ONE_DAY = timedelta(days=1)
_ONE_WEEK = timedelta(days=7)


Method = ProjectionMethod


@dataclass(frozen=True, slots=True)
class Projection:
    """Money in the tariff's currency. `why_not`: the reason where there is none; else empty."""

    method: Method
    as_of: date
    why_not: str = ""
    first_day: date | None = None
    """Of the running Relevant Period, as far as the account knows it."""
    closes: date | None = None
    """Its last day; by last year's reading days where this year's are not known yet."""
    year_due: Decimal | None = None
    """All that is to pay in it, the true-up included; with `to_date`, so far."""
    true_up_due: Decimal | None = None
    """What the closing bill will ask."""
    energy_charges: Decimal | None = None
    """E of the period: all energy lines, whenever due."""
    non_bypassable: Decimal | None = None
    low: Decimal | None = None
    """Of `year_due`, by each earlier year that is known, where there are two; `high` likewise."""
    high: Decimal | None = None
    days_estimated: int = 0
    days: int = 0
    notes: tuple[str, ...] = ()
    bills: tuple[Statement, ...] = ()
    """What it is made of: the year's bills, oldest first."""

    @property
    def is_whole(self) -> bool:
        """Whether all energy of its bills is known; what is lacking is in no sum, and among the notes."""
        return not any(one.holes for one in self.bills)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a projected year did come to. `year_due`: None where it is not known, and `why_not` where it has ended."""

    year_due: Decimal | None = None
    why_not: str = ""


def project(
    account: AccountFile,
    energy: Energy,
    as_of: date,
    method: Method,
    profile: EnergyTable | None = None,
    on: date | None = None,
) -> Projection:
    """The Relevant Period that runs on the day `on`, seen at the end of `as_of`. `on`: the day after it, unless given.

    So a year is projected up to its last evening; seen at the end of its last day the next one runs.
    """
    on = as_of + _ONE_DAY if on is None else on
    calendar = Calendar(account.tariff)
    table = table_between(energy.table, None, wall_to_us(as_of + _ONE_DAY, 0, calendar.zone))
    known = replace(energy, table=table)
    if not len(table):
        return Projection(method, as_of, f"no energy is known of {as_of} or before: it begins with the first whole day")
    try:
        if method is Method.TO_DATE:
            return _to_date(account, known, as_of, calendar, on)
        if method is Method.PROFILE and profile is None:
            return Projection(method, as_of, "no profile: a file with a year of intervals is needed")
        other = replace(account, terms=with_dates_to_come(account.terms, on))
        year = _running_year(other, known.table, on, calendar)
        found = _filled(other, known, as_of, method, calendar, year, profile)
        assumed = assumed_dates(account.terms, year[1])
        return replace(found, notes=(*found.notes, assumed)) if assumed and not found.why_not else found
    except (EnergyError, TimelineError, PriceError) as error:
        return Projection(method, as_of, str(error))


def _to_date(account: AccountFile, energy: Energy, as_of: date, calendar: Calendar, on: date) -> Projection:
    """The bills of the running year that have ended. A year that ended before `on` is none that runs."""
    try:
        year = bills_of_year(make_statements(account, energy, as_of, calendar).statements)
    except NoBillYetError:
        year = []
    if year and year[-1].slot.closes_year and year[-1].slot.cycle.last_day < on:
        year = []
    if not year:
        return Projection(Method.TO_DATE, as_of, f"no bill of a running year has ended by {as_of}")
    return _of_bills(Method.TO_DATE, as_of, year, 0)


def year_on(account: AccountFile, energy: Energy, day: date) -> tuple[date, date] | None:
    """(first day, last day) of the Relevant Period that a day is in; None where its end is not known."""
    calendar = Calendar(account.tariff)
    try:
        other = replace(account, terms=with_dates_to_come(account.terms, day))
        return _running_year(other, energy.table, day, calendar)
    except (EnergyError, TimelineError):
        return None


def _running_year(account: AccountFile, table: EnergyTable, day: date, calendar: Calendar) -> tuple[date, date]:
    """(first day, last day) of the Relevant Period that a day is in. Raises TimelineError where none closes."""
    first_us, _ = table.first_and_last_us()
    first_day = to_datetime(first_us, calendar.zone).date()
    spells = timeline(account.terms, account.programmes, first_day, day + LONGEST_YEAR)
    began: date | None = None
    for spell in spells:
        began, whole = None if spell.opening is None else spell.opening.last_true_up, spell.whole
        for slot in spell.slots:
            began = began or slot.cycle.first_day
            if began > day:
                break  # what runs on that day has no year, as before permission to operate
            if slot.closes_year and slot.cycle.last_day >= day and whole:
                return began, slot.cycle.last_day
            if slot.closes_year:
                began, whole = None, True
    raise TimelineError(
        f"no Relevant Period that runs on {day} is known to its end: give read_dates of a whole year in [billing], "
        "and what was before it in [opening]"
    )


def _filled(
    account: AccountFile,
    energy: Energy,
    as_of: date,
    method: Method,
    calendar: Calendar,
    year: tuple[date, date],
    profile: EnergyTable | None,
) -> Projection:
    first, closes = year
    days = [as_of + timedelta(days=number) for number in range(1, (closes - as_of).days + 1)]
    source = energy.table if profile is None else profile
    found: list[Projection] = []
    for models in _models(days, method, source, calendar):
        missing = lacks(source, models, calendar.zone)
        if missing is not None and not found:
            what = "the twelve months before" if method is Method.SAME_DAYS_LAST_YEAR else "a whole year"
            return Projection(method, as_of, f"needs {what}, and not all energy of {missing} is known")
        if missing is not None:
            break
        table = with_days(energy.table, source, zip(days, models, strict=True), calendar.zone)
        bills = make_statements(account, replace(energy, table=table), calendar=calendar).statements
        own = [one for one in bills if one.slot.cycle.last_day <= closes and one.slot.cycle.first_day >= first]
        found.append(_of_bills(method, as_of, own, len(days)))
    dues = [one.year_due for one in found if one.year_due is not None]
    spread = (min(dues), max(dues)) if len(dues) > 1 else (None, None)
    notes = [*found[0].notes, *_notes(account, as_of, (first, closes), method, len(dues))]
    return replace(found[0], closes=closes, low=spread[0], high=spread[1], notes=tuple(notes))


def _models(days: Sequence[date], method: Method, source: EnergyTable, calendar: Calendar) -> Iterator[list[date]]:
    """Days to copy for the days to come, the best first: 52 weeks before, then 104 ..., while there may be any."""
    first_us, last_us = source.first_and_last_us()
    first, last = (to_datetime(one, calendar.zone).date() for one in (first_us, last_us))
    if method is Method.PROFILE:
        yield [_same_day(day, first, last) for day in days]
        return
    back = 1
    while back == 1 or (days and days[0] - back * WEEKS_52 >= first):
        # A year is longer than 52 weeks: on its first day the models of its last ones have not been yet.
        models = (day - back * WEEKS_52 for day in days)
        yield [one if one < days[0] else one - _ONE_WEEK for one in models]
        back += 1


def _same_day(day: date, first: date, last: date) -> date:
    """The profile's day with the same month and day; where it has none, that of its first year, which is then told."""
    for year in range(first.year, last.year + 1):
        found = years_after(day, year - day.year)
        if first <= found < last:
            return found
    return years_after(day, first.year - day.year)


def _of_bills(method: Method, as_of: date, bills: Sequence[Statement], estimated: int) -> Projection:
    lines = [line for one in bills for line in one.bill.settled.lines]
    kinds = (LineKind.ENERGY, LineKind.BASELINE)
    first, last = bills[0].slot.cycle.first_day, bills[-1].slot.cycle.last_day
    closing = bills[-1] if bills[-1].slot.closes_year else None
    return Projection(
        method,
        as_of,
        first_day=first,
        closes=None if closing is None else last,
        year_due=total(one.due_now for one in bills),
        true_up_due=None if closing is None else closing.due_now,
        energy_charges=total(line.amount for line in lines if line.kind in kinds and line.due is not Due.NOTED),
        non_bypassable=total(line.amount for line in lines if line.kind is LineKind.NON_BYPASSABLE),
        days_estimated=estimated,
        days=(last - first).days + 1,
        notes=(*lacking(bills), *(() if closing is None else _closing_notes(closing))),
        bills=tuple(bills),
    )


def _closing_notes(closing: Statement) -> Iterator[str]:
    """What the true-up names without an amount, such as a surplus whose month has no published rate yet, and says."""
    said = () if closing.bill.true_up is None else closing.bill.true_up.notes
    for line in closing.true_up_lines:
        what = line.label.removesuffix(": pending")
        if line.kind is LineKind.NOT_INCLUDED and not any(note.startswith(what) for note in said):
            yield f"not in it: {line.label}"
    yield from (f"at the true-up: {note}" for note in said)


def _notes(account: AccountFile, as_of: date, year: tuple[date, date], method: Method, years: int) -> Iterator[str]:
    """What is assumed."""
    first, closes = year
    newest = next((one for one in reversed(account.tariff.version) if one.effective <= as_of), None)
    later = [one for one in account.tariff.version if as_of < one.effective <= closes]
    if newest is not None and not later:
        yield f"prices are assumed to stay as version {newest.id} of {account.tariff.id} has them"
    opening = account.terms.opening
    if opening is not None and opening.cycles and opening.last_true_up == first:
        before = "what was billed in this year before is in [opening], and in its true-up"
        yield f"sums count from {opening.as_of} on: {before}"
    if years < 2 and method is Method.SAME_DAYS_LAST_YEAR:
        yield "one earlier year is known, so no range is given"


def last_day_of(account: AccountFile, energy: Energy) -> date:
    """The last local day that the energy covers to its end."""
    zone = Calendar(account.tariff).zone
    return to_datetime(energy.table.first_and_last_us()[1], zone).date() - _ONE_DAY


def came_to(account: AccountFile, energy: Energy, one: Projection) -> Outcome:
    """What the projected year did come to, where the energy reaches its end. For judging a method.

    A year with a hole has no such sum: what is lacking is in none of its bills.
    """
    if one.closes is None or one.first_day is None or last_day_of(account, energy) < one.closes:
        return Outcome()
    bills = make_statements(account, energy, one.closes).statements
    own = [bill for bill in bills if bill.slot.cycle.first_day >= one.first_day]
    if not own or own[-1].slot.cycle.last_day != one.closes:
        return Outcome(why_not=f"no bill of this account ended on {one.closes}")
    holes = lacking(own)
    return Outcome(why_not="; ".join(holes)) if holes else Outcome(total(bill.due_now for bill in own))
