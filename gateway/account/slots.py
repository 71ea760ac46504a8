"""What bills are made of: billing cycles, cut where the programme, the supplier or the credits begin, or a year does.

From the account's dates alone: read dates or calendar months, moves, permission to operate. Never looks at energy, and
never invents a cycle. How they count within their years is `timeline`'s.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise

from ..tariff.cycles import Cycle, cycle_on, cycles_of, month_of
from .programme_file import ProgrammeFile
from .registry import PLAIN
from .terms import AccountTerms
from .trouble import NotReckonedError
from .year_ends import YearEnd, cuts_of

NEM_START = "nem_start"
_ONE_DAY = timedelta(days=1)


class TimelineError(NotReckonedError):
    """The account's dates do not go together, or not with its energy; the message says the mend."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One bill to be. `number` counts from 1 within the Relevant Period; 0: a cut cycle before its first whole one."""

    cycle: Cycle
    programme: str
    supplier: str
    pcia_vintage: str
    number: int = 0
    closes_year: bool = False
    ends_cycle: bool = True
    """Whether the billing cycle ends with it; False for the earlier pieces of one that is cut."""
    cut_from: Cycle | None = None
    """The whole billing cycle, of a piece of one that is cut."""
    why: str = ""
    """Why it begins or ends where no read date is, or its year ends early; else empty."""


def slots_of(
    terms: AccountTerms, programmes: Mapping[str, ProgrammeFile], days: tuple[date, date], ends: Mapping[str, YearEnd]
) -> tuple[list[Slot], date | None]:
    """The pieces of all cycles up to the last of the `days` that energy covers, and the day on which credits begin."""
    first_day, last_day = days
    read = cycles_known(terms, first_day, last_day)
    cycles = _lived_in(terms, read)
    begins = _credits_begin(terms, programmes, cycles)
    slots = [
        replace(piece, cut_from=whole if piece.cycle != whole else None)
        for cycle in cycles
        for whole in (cycle_on(read, cycle.first_day),)
        for piece in _pieces(terms, cycle, begins, first_day, ends)
    ]
    return slots, begins


def _credits_begin(
    terms: AccountTerms, programmes: Mapping[str, ProgrammeFile], cycles: Sequence[Cycle]
) -> date | None:
    """The first day whose exports are credited (A-15); None where the account does not say when that was."""
    pto = terms.generator.pto if terms.generator else None
    credited = [programmes[one.name] for one in terms.programme if one.name != PLAIN]
    if pto is None or not credited:
        return None
    chosen = credited[0].has_option(NEM_START)
    rule = credited[0].choice(NEM_START, terms.customer.utility, terms.choices) if chosen else "pto"
    cycle = cycle_on(cycles, pto)
    if rule == "pto" or cycle is None or cycle.first_day == pto:
        return pto
    return cycle.first_day if rule == "read_before_pto" else cycle.last_day + _ONE_DAY


def cycles_known(terms: AccountTerms, first_day: date, last_day: date) -> tuple[Cycle, ...]:
    """The billing cycles that the account states; calendar months go up to that of `last_day`, or of an anniversary
    that is ahead."""
    billing = terms.billing
    if not billing.months:
        assert billing.read_day is not None
        return cycles_of(billing.read_dates, billing.read_day)
    pto = terms.generator.pto if terms.generator else None
    since = None if pto is None else max(pto, terms.programme[0].first)
    begin = min(one for one in (first_day, billing.anniversary, since) if one is not None)
    months = [month_of(begin)]
    while months[-1].last_day < max(last_day, billing.anniversary or last_day):
        months.append(month_of(months[-1].last_day + _ONE_DAY))
    return tuple(months)


def _lived_in(terms: AccountTerms, cycles: Sequence[Cycle]) -> tuple[Cycle, ...]:
    """Cut to the days between moving in and moving out."""
    first = terms.customer.moved_in or date.min
    last = terms.customer.moved_out or date.max
    kept = [one for one in cycles if one.last_day >= first and one.first_day <= last]
    return tuple(Cycle(max(one.first_day, first), min(one.last_day, last)) for one in kept)


def _pieces(
    terms: AccountTerms, cycle: Cycle, begins: date | None, first_day: date, ends: Mapping[str, YearEnd]
) -> Iterator[Slot]:
    """A cycle cut where another programme or supplier begins, or credits or a year do; without the days before the
    account."""
    years = {cut for one in terms.programme for cut in cuts_of(cycle, ends, one.name)}
    days = [*changes_of(terms), *([] if begins is None else [begins]), *years]
    cuts = sorted({one for one in days if cycle.first_day < one <= cycle.last_day})
    held: list[Slot] = []
    for first, following in pairwise([cycle.first_day, *cuts, cycle.last_day + _ONE_DAY]):
        if first < terms.programme[0].first and following <= first_day:
            continue
        piece = _slot_on(terms, Cycle(first, following - _ONE_DAY), begins)
        begins_year = first in years and piece.programme in ends
        if held and under(held[-1]) == under(piece) and not begins_year:
            piece = replace(piece, cycle=Cycle(held.pop().cycle.first_day, piece.cycle.last_day))
        held.append(piece)
    for piece in held:
        why = "" if piece.cycle == cycle else f"the billing cycle {cycle.first_day} to {cycle.last_day} is cut"
        yield replace(
            piece,
            number=1 if piece.cycle.first_day == cycle.first_day else 0,
            ends_cycle=piece.cycle.last_day == cycle.last_day,
            why=why,
        )


def _slot_on(terms: AccountTerms, cycle: Cycle, begins: date | None) -> Slot:
    day = cycle.first_day
    stint = next((one for one in reversed(terms.programme) if one.first <= day), None)
    if stint is None:
        first = terms.programme[0].first
        raise TimelineError(
            f"no [[programme]] holds on {day}, and a billing cycle begins then; the first one begins {first}: "
            'write one before it, such as name = "plain" for the days without net metering',
            at=("programme", 0, "from"),
        )
    gated = begins is not None and day < begins
    supplier = next((one for one in reversed(terms.supplier) if one.first <= day), None)
    customer = terms.customer
    name, vintage = (
        (customer.supplier, customer.pcia_vintage) if supplier is None else (supplier.name, supplier.pcia_vintage)
    )
    return Slot(cycle, PLAIN if gated else stint.name, name, vintage)


def changes_of(terms: AccountTerms) -> list[date]:
    """The days on which a programme or a supplier begins."""
    return [one.first for one in terms.programme] + [one.first for one in terms.supplier]


def under(slot: Slot) -> tuple[str, str, str]:
    """The programme, supplier and vintage of a slot."""
    return slot.programme, slot.supplier, slot.pcia_vintage
