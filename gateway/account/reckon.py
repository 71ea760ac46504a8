"""From energy and an account's terms to its statements: the one way to money for every programme.

Lay out the bills (`timeline`), gather energy (`cells`), settle (`period`), add the account's own charges. Same input,
same statements; nothing here asks for the time or writes.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np

from ..tariff.calendar import Calendar
from ..tariff.cycles import blocks_of
from ..tariff.walltime import to_datetime
from .account_file import AccountFile
from .cells import CycleEnergy, energy_of_cycles
from .charges import MonthlyCharges, PriceError, Prices
from .doubts.ranges import Range
from .doubts.spell import with_ranges
from .energy import EnergyError, EnergyTable
from .export_worth import NO_SERIES
from .money import ZERO, exactly
from .notes import idle_banks, not_billed, notes_of, one_way, unused_payments, warned
from .other_charges import not_included_lines, other_lines
from .period import Account, Period, settle_all
from .price_series import PriceSeries
from .registry import make_programme, sells_transmission
from .setting import Ready, Setting
from .slots import TimelineError
from .sources import Energy
from .statement import Statement, Statements, uncertain_of
from .timeline import Spell, timeline
from .year_to_date import YearToDate, year_from

MONTHLY_CHARGES = "monthly_charges"
_ONE_DAY = timedelta(days=1)


def make_statements(
    account: AccountFile, energy: Energy, as_of: date | None = None, calendar: Calendar | None = None
) -> Statements:
    """Every bill up to the energy's end, or to the end of the day `as_of`.

    `calendar`: the tariff's, where the caller keeps one; what it has compiled is not compiled again.

    Raises EnergyError, TimelineError, PriceError, ProgrammeError: each message says the mend.
    """
    calendar = calendar or Calendar(account.tariff)
    first_day, last_day = _days_of(energy.table, calendar)
    if as_of is not None:
        if as_of < first_day:
            raise TimelineError(f"{as_of} is before the first energy there is, of {first_day}; name a day after it")
        last_day = min(last_day, as_of)
    spells = timeline(account.terms, account.programmes, first_day, last_day)
    made: list[Statement] = []
    notes = [*energy.notes, *one_way(account, energy.table), *warned(account, last_day)]
    ready: Ready[Any] | None = None
    before: Spell | None = None
    ranges: dict[str, Range] = {}
    for spell, following in zip(spells, (*spells[1:], None), strict=True):
        notes += [spell.note] if spell.note else []
        notes += idle_banks(account.programmes[spell.programme], spell.slots[0], _held(made))
        ready = _ready(account, calendar, spell, before, ready, _held(made))
        parts = _export_parts(account, calendar, spell, ready)
        ends = _leaves(account, spell, following), _changes_supplier(spell, following)
        settled = _settled(energy, calendar, spell, ready, parts, *ends)
        ready = Ready(ready.programme, settled.state)
        bills = _statements_of(account, energy.table, calendar, spell, settled, len(made))
        bills = with_ranges(bills, ready.programme, settled, account.terms.charge, ranges)
        made += [replace(one, export_parts=parts) for one in bills] if parts else bills
        before = spell
    notes += unused_payments(account, made)
    notes += not_billed(account, made, energy.table, calendar, last_day)
    return Statements(account, tuple(made), energy.table.source, tuple(dict.fromkeys(notes)))


def _days_of(table: EnergyTable, calendar: Calendar) -> tuple[date, date]:
    """The first local day that has energy, and the last that is covered to its end."""
    first_us, last_us = table.first_and_last_us()
    last = to_datetime(last_us, calendar.zone).date()
    return to_datetime(first_us, calendar.zone).date(), last - _ONE_DAY


def _held(made: Sequence[Statement]) -> dict[str, Decimal]:
    """What each bank holds after the bills made so far."""
    return {move.name: move.after for one in made for move in one.banks}


def _ready(
    account: AccountFile,
    calendar: Calendar,
    spell: Spell,
    before: Spell | None,
    ready: Ready[Any] | None,
    held: Mapping[str, Decimal],
) -> Ready[Any]:
    """The spell's programme. One that goes on with another supplier goes on with what it holds."""
    slot, terms = spell.slots[0], account.terms
    customer = msgspec.structs.replace(terms.customer, supplier=slot.supplier, pcia_vintage=slot.pcia_vintage)
    file, monthly = account.programmes[slot.programme], MonthlyCharges.BY_DAY
    if file.has_option(MONTHLY_CHARGES):
        monthly = MonthlyCharges(file.choice(MONTHLY_CHARGES, customer.utility, terms.choices, customer.kind))
    prices = Prices(account.tariff, customer, terms.billing.rounding, monthly, sells_transmission(terms))
    made = make_programme(
        Setting(
            terms,
            file,
            prices,
            spell.whole,
            spell.opening,
            calendar.rules,
            held,
            account.folder,
            account.supplier_tariff,
        )
    )
    if before is not None and ready is not None and before.programme == spell.programme:
        return replace(made, state=ready.state)
    return made


def _leaves(account: AccountFile, spell: Spell, following: Spell | None) -> bool:
    """Whether the spell's programme ends with it."""
    if following is not None:
        return following.programme != spell.programme
    return spell.slots[-1].cycle.last_day == account.terms.customer.moved_out


def _changes_supplier(spell: Spell, following: Spell | None) -> bool:
    return following is not None and following.slots[0].supplier != spell.slots[-1].supplier


def _export_parts(
    account: AccountFile, calendar: Calendar, spell: Spell, ready: Ready[Any]
) -> Mapping[str, PriceSeries]:
    """What exports of the spell are paid by component, where its programme has a table. Every day has a price."""
    cycles = [one.cycle for one in spell.slots]
    for cycle in cycles:
        for block in blocks_of(cycle, calendar.rules):
            if block.version is None:
                raise PriceError(
                    f"tariff {account.tariff.id} has no price for {block.first_day} to {block.last_day}; "
                    "add the version that held then to the tariff, see `netmeter tariff check`; the bills before it "
                    f"are told with --as-of {block.first_day - _ONE_DAY} (`netmeter account`: --at)",
                    at=("tariff",),
                )
    if ready.export_parts is None:
        return NO_SERIES
    return ready.export_parts(cycles[0].edges_us(calendar.zone)[0], cycles[-1].edges_us(calendar.zone)[1])


def _settled(
    energy: Energy,
    calendar: Calendar,
    spell: Spell,
    ready: Ready[Any],
    parts: Mapping[str, PriceSeries],
    leaves: bool,
    changes_supplier: bool,
) -> Account[Any]:
    table = energy.table
    cycles = [one.cycle for one in spell.slots]
    netting = ready.programme.netting
    energies = energy_of_cycles(table, cycles, calendar, netting, energy.export_prices, energy.import_prices, parts)
    _refuse_empty(energies, table)
    beside: Sequence[CycleEnergy | None] = [None] * len(cycles)
    if ready.beside is not None:
        beside = energy_of_cycles(table, cycles, Calendar(ready.beside), netting)
    periods = [
        Period(
            replace(one, ends_cycle=slot.ends_cycle, cut_from=slot.cut_from),
            slot.number,
            slot.closes_year,
            leaves=leaves and slot is spell.slots[-1],
            changes_supplier=changes_supplier and slot is spell.slots[-1],
            beside=other,
        )
        for one, other, slot in zip(energies, beside, spell.slots, strict=True)
    ]
    return settle_all(ready.programme, ready.state, periods)


def _refuse_empty(energies: Sequence[CycleEnergy], table: EnergyTable) -> None:
    for energy in energies:
        if not energy.cells:
            raise EnergyError(
                f"{table.source}, {table.meter}: there is no interval in the billing cycle {energy.cycle.first_day} to "
                f"{energy.cycle.last_day}, and there are before and after it; give its energy (earlier = FILE, or "
                "`netmeter replay` over the utility's interval data), or begin the account after it"
            )


def _statements_of(
    account: AccountFile,
    table: EnergyTable,
    calendar: Calendar,
    spell: Spell,
    settled: Account[Any],
    already: int,
) -> list[Statement]:
    file, rounding = account.programmes[spell.programme], account.terms.billing.rounding
    made: list[Statement] = []
    with exactly():
        year, doubt = year_from(spell.opening, whole=spell.whole), ZERO
        for slot, bill in zip(spell.slots, settled.statements, strict=True):
            year = year.with_bill(bill)
            other = tuple(other_lines(account.terms.charge, bill, year.net_milliwh, rounding, year.uncertain_milliwh))
            missing = tuple(not_included_lines(account.tariff, bill, file))
            digest = _digest(table, *slot.cycle.edges_us(calendar.zone))
            notes = tuple(notes_of(account, slot, bill))
            doubt += uncertain_of((*bill.settled.lines, *other))
            number = already + len(made) + 1
            lacks = year.incomplete if slot.closes_year else ()
            if lacks:
                bills = ", ".join(map(str, lacks))
                notes += (f"the true-up is incomplete: not all energy of bill {bills} of this year is known",)
            made.append(Statement(number, slot, bill, other, missing, notes, digest, year.carried, doubt, lacks))
            if bill.period.energy.holes:
                year = replace(year, incomplete=(*year.incomplete, number))
            if slot.closes_year:
                year, doubt = YearToDate(), ZERO
    return made


def _digest(table: EnergyTable, start_us: int, end_us: int) -> str:
    rows = table.rows_in(start_us, end_us)
    whole = hashlib.sha256()
    flows = table.flow_import, table.flow_export
    columns = [column for flow in flows for column in (flow.milliwh, flow.uncertain_milliwh)]
    columns += [] if table.adjusted_milliwh is None else [table.adjusted_milliwh]
    for column in (*columns, table.start_us, table.end_us):
        whole.update(np.ascontiguousarray(column[rows], dtype="<i8").data)
    return whole.hexdigest()
