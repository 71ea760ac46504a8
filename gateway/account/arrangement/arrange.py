"""From an arrangement and its meters to the statements of all its members: share out, then reckon each as any account.

The plant's part of a member is added to its own meter's energy as exports; what an account's own programme makes of
them is its own business. Same input, same statements; nothing here asks for the time or writes. (A-12, A-13)
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta, tzinfo
from functools import lru_cache
from pathlib import Path

import numpy as np

from ...tariff.calendar import Calendar
from ...tariff.types import Tariff
from ...tariff.walltime import to_datetime, wall_to_us
from ..account_file import AccountFile
from ..energy import Column, EnergyError, EnergyTable, Flow, joined
from ..interval_csv import read_intervals
from ..money import kwh_text
from ..reckon import make_statements
from ..rows import added
from ..slices import table_between
from ..sold_apart import production_alone
from ..sources import Energy, Fetch, ReadFile, energy_of, files_of, tables_of
from ..statement import Statements
from ..timeline import NoBillYetError, Spell, timeline
from ..trouble import NotReckonedError, placed
from .allocation import Allocation
from .arrangement_file import ArrangementFile
from .by_cycle import Site, Span, by_cumulative_use, by_cumulative_use_per_bucket, by_host_first, spans_of
from .fixed_shares import allocated_by_shares
from .lease import LeaseLine, lease_lines
from .remarks import (
    of_beginning,
    of_cut,
    of_file,
    of_lost,
    of_no_bill,
    of_own_exports,
    of_plant,
    of_running,
    of_unknown_use,
)
from .shares_off import with_shares_off
from .sizes import size_notes
from .terms import AggregatedUse, ArrangementTerms, Kind

Told = Callable[[str, int, int], None]
"""Progress: what is done, how many members of it, of how many."""
Fetchers = Callable[[Path], Fetch]
"""By the folder beside which files are named: how meters that are no CSV file are asked."""
SHARE_NOTE = "kWh are this account's share of"
_ONE_DAY = timedelta(days=1)


def silently(_doing: str, _done: int, _total: int) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Arranged:
    """The allocation and the statements of every member, in the listed order."""

    file: ArrangementFile
    allocation: Allocation
    statements: Mapping[str, Statements]
    energies: Mapping[str, Energy]
    """What each member's statements are made of: its own meter and its share."""
    used_milliwh: Mapping[str, int]
    """What each member's own meter took in all the time there is energy of, while it lived there."""
    notes: tuple[str, ...]
    lease: tuple[LeaseLine, ...] = ()

    def is_whole_of(self, members: Iterable[str]) -> bool:
        """Whether all energy is known that their statements need."""
        return all(one.is_whole for name in members for one in self.statements[name].statements)


@dataclass(frozen=True, slots=True)
class _Read:
    """All energy of an arrangement. `members`: each one's own; `meters`: the plant's own, where it has any.

    `cut`: what each member's meter has, where a share by use takes only the time that all have.
    """

    members: Mapping[str, Energy]
    plant: EnergyTable
    meters: Sequence[EnergyTable] = ()
    cut: Mapping[str, EnergyTable] = field(default_factory=dict)

    @property
    def tables(self) -> dict[str, EnergyTable]:
        return {name: one.table for name, one in self.members.items()}


def arranged(file: ArrangementFile, fetch: Fetchers, as_of: date | None = None, told: Told = silently) -> Arranged:
    """All statements; `told` hears of every member. Raises what `reckon.make_statements` does, with the member."""
    read = _read(file, fetch, told)
    calendars = _calendars(file.accounts)
    calendar = calendars[file.terms.member[0].id]
    last_day = _days(read.plant, calendar)[1]
    spells = _spells(file, read.plant, calendar)
    hosts = spells.get(file.terms.host, ())
    allocation = _allocation(file, read.tables, read.plant, calendars, spells)
    unknown = tuple(of_unknown_use(file, read.tables))
    made: dict[str, Statements] = {}
    shared: dict[str, Energy] = {}
    for at, (name, account) in enumerate(file.accounts.items()):
        told("reckoning", at + 1, len(file.accounts))
        shared[name] = _with_share(file, read.members[name], allocation, at, unknown)
        try:
            made[name] = _statements(file, account, shared[name], min(as_of or last_day, last_day), calendars[name])
        except NotReckonedError as error:
            raise _of_member(name, account, error) from error
    own = _lived_in(file, read.tables, calendar.zone)
    used = {name: int(one.flow_import.milliwh.sum()) for name, one in own.items()}
    notes = [
        *of_file(file),
        *of_plant(read.meters),
        *of_lost(allocation),
        *of_no_bill(file, allocation, made, calendar.zone),
        *of_cut(read.cut),
        *of_beginning(file, hosts),
        *of_running(file, hosts, read.plant, calendar.zone),
        *unknown,
        *of_own_exports(file, own),
        *size_notes(file.terms, read.plant, list(own.values())),
    ]
    lease = tuple(lease_lines(file.terms, allocation, made, calendar.zone))
    return Arranged(file, allocation, made, shared, used, tuple(notes), lease)


def _statements(
    file: ArrangementFile, account: AccountFile, energy: Energy, last_day: date, calendar: Calendar
) -> Statements:
    """A member's. None yet of who has just moved in, or left before: nobody else's bills wait for that (vnem)."""
    customer = account.terms.customer
    try:
        found = make_statements(account, energy, last_day, calendar)
        return with_shares_off(found) if file.terms.kind is Kind.NEM_A else found
    except NoBillYetError:
        if file.terms.kind is not Kind.VNEM or (customer.moved_in is None and customer.moved_out is None):
            raise
        when = f"moved in on {customer.moved_in}" if customer.moved_in else f"moved out on {customer.moved_out}"
        note = f"no billing cycle of it ends by {last_day} ({when}): it has no bill"
        return Statements(account, (), energy.table.source, (note,))


def _read(file: ArrangementFile, fetch: Fetchers, told: Told) -> _Read:
    energies: dict[str, Energy] = {}
    elsewhere = _of_two_meters(file)
    read_file = lru_cache(maxsize=1)(read_intervals)  # all meters of a building may stand in one file
    for number, (name, account) in enumerate(file.accounts.items(), start=1):
        told("reading", number, len(file.accounts))
        try:
            energies[name] = _energy(account, fetch, read_file, elsewhere)
        except EnergyError as error:
            raise EnergyError(f"member {name}: {error}", at=("member", number - 1)) from error
    if file.terms.kind is not Kind.VNEM:
        common = _common(energies)
        cut = {name: one.table for name, one in energies.items()}
        return _Read(common, common[file.terms.host].table, cut=cut)
    meters = tables_of(file.terms.meter, file.folder, fetch(file.folder), read_file, elsewhere)
    return _Read(energies, added([production_alone(one) for one in meters]), meters)


def _of_two_meters(file: ArrangementFile) -> set[Path]:
    """Files that meters of two names are read from: each must stand in them by its name, or one would be billed twice.

    Two accounts that name one meter are one after the other in its place, which the arrangement's file is checked for.
    """
    names: dict[Path, set[str]] = {}
    members = ((one.terms.meter, one.folder) for one in file.accounts.values())
    for meters, folder in ((file.terms.meter, file.folder), *members):
        for meter in meters:
            for path in files_of(meter, folder):
                names.setdefault(path, set()).add(meter.name)
    return {path for path, its in names.items() if len(its) > 1}


def _energy(account: AccountFile, fetch: Fetchers, read_file: ReadFile, elsewhere: set[Path]) -> Energy:
    terms = account.terms
    return energy_of(
        terms.meter,
        account.folder,
        fetch(account.folder),
        export_prices=terms.export_prices,
        import_prices=terms.import_prices,
        read_file=read_file,
        elsewhere=elsewhere,
    )


def _calendars(accounts: Mapping[str, AccountFile]) -> dict[str, Calendar]:
    """By member; one for each tariff, because what it has compiled serves all who have it."""
    made: list[tuple[Tariff, Calendar]] = []
    found: dict[str, Calendar] = {}
    for name, account in accounts.items():
        calendar = next((one for tariff, one in made if tariff == account.tariff), None)
        if calendar is None:
            calendar = Calendar(account.tariff)
            made.append((account.tariff, calendar))
        found[name] = calendar
    return found


def _common(energies: Mapping[str, Energy]) -> dict[str, Energy]:
    """Cut to the time that every meter has: a share by use needs the use of all."""
    ends = [one.table.first_and_last_us() for one in energies.values()]
    first_us, last_us = max(first for first, _ in ends), min(last for _, last in ends)
    if first_us >= last_us:
        raise EnergyError("there is no time of which all members' meters have energy; a share by use needs all of them")
    return {name: replace(one, table=table_between(one.table, first_us, last_us)) for name, one in energies.items()}


def _lived_in(file: ArrangementFile, tables: Mapping[str, EnergyTable], zone: tzinfo) -> dict[str, EnergyTable]:
    """Each member's own energy while it lived there: one meter may have had two tenants, one after the other (vnem)."""
    found = dict(tables)
    for name, account in file.accounts.items():
        came, left = account.terms.customer.moved_in, account.terms.customer.moved_out
        if file.terms.kind is Kind.VNEM and (came is not None or left is not None):
            since_us = None if came is None else wall_to_us(came, 0, zone)
            until_us = tables[name].first_and_last_us()[1] if left is None else wall_to_us(left + _ONE_DAY, 0, zone)
            found[name] = table_between(tables[name], since_us, until_us)
    return found


def _days(table: EnergyTable, calendar: Calendar) -> tuple[date, date]:
    first_us, last_us = table.first_and_last_us()
    last = to_datetime(last_us, calendar.zone).date()
    return to_datetime(first_us, calendar.zone).date(), last - _ONE_DAY


def _allocation(
    file: ArrangementFile,
    tables: Mapping[str, EnergyTable],
    plant: EnergyTable,
    calendars: Mapping[str, Calendar],
    spells: Mapping[str, Sequence[Spell]],
) -> Allocation:
    terms, calendar = file.terms, calendars[file.terms.member[0].id]
    if terms.kind is Kind.VNEM:
        return allocated_by_shares(terms, plant, lambda day: wall_to_us(day, 0, calendar.zone))
    site = Site(tuple(tables.values()), list(tables).index(terms.host))
    spans = spans_of(spells[terms.host], list(spells.values()), calendar.zone)
    found = _by_cycle(terms, site, spans, calendar.zone, calendars[terms.host])
    # A share by use is of everybody's: where one's use is not known, nobody's share is.
    first_us, last_us = plant.first_and_last_us()
    unknown = joined(hole for one in tables.values() for hole in one.holes(first_us, last_us))
    return replace(found, plant=replace(found.plant, unknown=unknown))


def _by_cycle(terms: ArrangementTerms, site: Site, spans: Sequence[Span], zone: tzinfo, hosts: Calendar) -> Allocation:
    if terms.kind is Kind.PA_VIRTUAL:
        return by_host_first(site, spans)
    if terms.nem_a_use is AggregatedUse.WHOLE:
        return by_cumulative_use(site, spans, zone)
    return by_cumulative_use_per_bucket(site, spans, zone, lambda table: _buckets(table, hosts))


def _buckets(table: EnergyTable, calendar: Calendar) -> Column:
    """The bucket in which each row begins."""
    edges = calendar.edges(*table.first_and_last_us())
    places = np.searchsorted(edges.edges_us, table.start_us, side="right") - 1
    found: Column = np.array(edges.bucket_ids, dtype=np.int64)[places]
    return found


def _spells(file: ArrangementFile, plant: EnergyTable, calendar: Calendar) -> Mapping[str, Sequence[Spell]]:
    """The bills of each member, by which energy is shared; none where fixed shares need none."""
    if file.terms.kind is Kind.VNEM:
        return {}
    days = _days(plant, calendar)
    spells: dict[str, Sequence[Spell]] = {}
    for name, one in file.accounts.items():
        try:
            spells[name] = timeline(one.terms, one.programmes, *days)
        except NotReckonedError as error:
            raise _of_member(name, one, error) from error
    _refuse_other_cycles(file.terms.host, spells)
    return spells


def _of_member(name: str, account: AccountFile, error: NotReckonedError) -> NotReckonedError:
    """Whose it is, and where in that account's own file."""
    return type(error)(f"member {name}: {placed(account.document, error)}", None)


def _refuse_other_cycles(host: str, spells: Mapping[str, Sequence[Spell]]) -> None:
    """All meters share one Relevant Period (A-12), and one set of read dates."""
    wanted = _ends(spells[host])
    for name, one in spells.items():
        differing = sorted(set(_ends(one)) ^ set(wanted))
        if differing:
            raise EnergyError(
                f"members {host} and {name} are not billed together: only one of them has a bill of {differing[0][0]} "
                f"to {differing[0][1]} that ends a year or not as the other's; give all the same [billing]"
            )


def _ends(spells: Sequence[Spell]) -> list[tuple[date, date, bool]]:
    return [(one.cycle.first_day, one.cycle.last_day, one.closes_year) for spell in spells for one in spell.slots]


def _with_share(
    file: ArrangementFile, energy: Energy, allocation: Allocation, at: int, unknown: Sequence[str]
) -> Energy:
    """The member's own imports and its part of the plant's energy. Exports of its own are the host's, or nobody's.

    `unknown`: whose use nobody knows, which each member's own pages tell.
    """
    own, name = energy.table, file.terms.member[at].id
    if file.terms.kind is not Kind.PA_VIRTUAL or name == file.terms.host:
        own = replace(own, flow_export=Flow.none(len(own)))
    joined = added([own, allocation.table(at, name)])
    share = int(allocation.of_member(at).sum())
    note = f"{kwh_text(share)} {SHARE_NOTE} {file.terms.name}, in all the time there is energy of"
    return replace(energy, table=joined, notes=(*energy.notes, note, *unknown))
