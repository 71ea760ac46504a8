"""What the bill that runs has come to, at an instant: its energy to that instant, its charges to the end of that day.

It is `reckon` over an account whose meter is read that evening, so that the running bill and the one that will be
printed come out of one way to money. What is left of the day has no energy and is no hole. Never guesses what comes:
that is `projection`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta, tzinfo

import msgspec
import numpy as np

from ..tariff.calendar import NO_EDGE_US, Calendar
from ..tariff.cycles import LONGEST_DAYS, Cycle, ReadDay
from ..tariff.walltime import iso_local, iso_utc, to_datetime, wall_to_us
from .account_file import AccountFile
from .anniversary import position_of
from .energy import EnergyError, EnergyTable, Flow
from .lines import LineKind
from .reckon import make_statements
from .slices import table_between
from .slots import TimelineError, cycles_known
from .sources import Energy
from .statement import Statement
from .terms import AccountTerms
from .timeline import CYCLES_A_YEAR, no_cycle_begins
from .year_bills import bills_of_year, lacking

STEP_US = 300_000_000
"""Five minutes: the shortest interval that is kept, so that it lies within one of every programme and price."""
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Running:
    """The bill that runs, and the one before. `until_us`: energy is counted up to it; `day`: the last one charged."""

    until_us: int
    day: date
    bill: Statement
    """As if the meter had been read on the evening of `day`. Its true-up, where it has one, is of the year to date."""
    last: Statement | None
    """The newest bill that has ended; None before the first."""
    notes: tuple[str, ...] = ()
    lacks: tuple[int, ...] = ()
    """The earlier bills of the running year of which not all energy is known, by number."""


def running(account: AccountFile, energy: Energy, until_us: int | None = None) -> Running:
    """The bill that runs when energy is known up to `until_us` (None: all there is).

    Raises EnergyError, TimelineError, PriceError, ProgrammeError: each message says the mend.
    """
    calendar = Calendar(account.tariff)
    table = energy.table if until_us is None else known_until(energy.table, until_us)
    first_us, last_us = table.first_and_last_us()
    day = to_datetime(last_us - 1, calendar.zone).date()
    first_day = to_datetime(first_us, calendar.zone).date()
    padded = _to_midnight(table, wall_to_us(day + _ONE_DAY, 0, calendar.zone), calendar)
    terms = _read_on(account, first_day, day)
    made = make_statements(replace(account, terms=terms), replace(energy, table=padded), calendar=calendar)
    bill = made.statements[-1]
    if bill.slot.cycle.last_day != day:
        raise EnergyError(f"no bill runs on {day}: the last one ended on {bill.slot.cycle.last_day}")
    last = made.statements[-2] if len(made.statements) > 1 else None
    earlier = bills_of_year(made.statements)[:-1]
    notes = (*_notes(account, bill, calendar.zone), *lacking(earlier))
    return Running(last_us, day, bill, last, notes, tuple(one.number for one in earlier if one.holes))


def known_until(table: EnergyTable, until_us: int) -> EnergyTable:
    """The rows that have ended by an instant."""
    rows = int(np.searchsorted(table.end_us, until_us, side="right"))
    if not rows:
        first = f"; the first ended at {iso_utc(int(table.end_us[0]))}" if len(table) else ""
        raise EnergyError(f"{table.source}: there is no interval of {table.meter} in it that had ended by then{first}")
    return table_between(table, None, int(table.start_us[rows - 1]) + 1)


def _read_on(account: AccountFile, first_day: date, day: date) -> AccountTerms:
    """The account as if its meter had been read on the evening of `day`."""
    terms = account.terms
    cycles = cycles_known(terms, first_day, day)
    firsts = [one.first_day for one in cycles if one.first_day <= day]
    if cycles and cycles[-1].last_day < day:
        firsts.append(cycles[-1].last_day + _ONE_DAY)
    if not firsts:
        raise TimelineError(
            f"no billing cycle has begun by {day}, the last day with energy: see read_dates in [billing]",
            at=("billing",),
        )
    dates = (*firsts, day + _ONE_DAY)
    billing = msgspec.structs.replace(
        terms.billing,
        months=False,
        read_dates=dates,
        read_day=ReadDay.FIRST_DAY,
        anniversary=_anniversary_by(terms, cycles, firsts, day),
    )
    return msgspec.structs.replace(terms, billing=billing)


def _anniversary_by(terms: AccountTerms, cycles: Sequence[Cycle], firsts: Sequence[date], day: date) -> date | None:
    """One that is ahead is no first day of a bill up to `day`: the one twelve bills before it, if that is known."""
    anniversary = terms.billing.anniversary
    if anniversary is None or anniversary <= day:
        return anniversary
    at = position_of(anniversary, cycles)
    if at is None:
        raise no_cycle_begins("[billing] anniversary", anniversary, cycles)
    while at >= len(firsts):
        at -= CYCLES_A_YEAR
    return firsts[at] if at >= 0 else None


def _to_midnight(table: EnergyTable, midnight_us: int, calendar: Calendar) -> EnergyTable:
    """The table with rows without energy for what is left of its last day, cut at each edge of a bucket."""
    at_us = int(table.end_us[-1])
    if at_us >= midnight_us:
        return table
    edges_us = [at_us]
    while at_us < midnight_us:
        edge_us = calendar.next_edge_us(at_us)
        on_grid_us = (at_us // STEP_US + 1) * STEP_US
        at_us = min(midnight_us, on_grid_us, edge_us if edge_us != NO_EDGE_US else midnight_us)
        edges_us.append(at_us)
    count = len(edges_us) - 1
    return EnergyTable(
        meter=table.meter,
        source=table.source,
        start_us=np.append(table.start_us, np.array(edges_us[:-1], dtype=np.int64)),
        end_us=np.append(table.end_us, np.array(edges_us[1:], dtype=np.int64)),
        flow_import=_followed_by_nothing(table.flow_import, count),
        flow_export=_followed_by_nothing(table.flow_export, count),
        estimated=np.append(table.estimated, np.zeros(count, dtype=bool)),
        alone=None if table.alone is None else np.append(table.alone, np.zeros(count, dtype=bool)),
        unknown=table.unknown,
        adjusted_milliwh=None
        if table.adjusted_milliwh is None
        else np.append(table.adjusted_milliwh, np.zeros(count, dtype=np.int64)),
    )


def _followed_by_nothing(flow: Flow, count: int) -> Flow:
    nothing = np.zeros(count, dtype=np.int64)
    return Flow(*(np.append(getattr(flow, name), nothing) for name in Flow.__slots__))


def _notes(account: AccountFile, bill: Statement, zone: tzinfo) -> Iterator[str]:
    if bill.holes:
        first, more = bill.holes[0], len(bill.holes) - 1
        others = f" and in {more} other {'stretch' if more == 1 else 'stretches'}" if more else ""
        from_, to = iso_local(first.start_us, zone), iso_local(first.end_us, zone)
        yield f"energy of the running bill is not known from {from_} to {to}{others}: it is in no sum"
    for line in (*bill.bill.settled.lines, *bill.true_up_lines):
        if line.kind is LineKind.NOT_INCLUDED:  # a true-up of 0.00 is none whose payment is not known yet
            yield f"in no sum: {line.label}"
    if bill.slot.cycle.days > LONGEST_DAYS:
        yield (
            f"the running bill has {bill.slot.cycle.days} days: add the days on which the meter was read since "
            f"{bill.slot.cycle.first_day} to read_dates in [billing] of {account.document.file}"
        )
