"""What a reader of an arrangement's bills should know, as sentences: of plant, members, and shares nobody has.

Only tells; what decides an amount is elsewhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta, tzinfo

import numpy as np

from ...config.types import RegisterOwner
from ...tariff.walltime import iso_utc, wall_to_us
from ..energy import EnergyTable
from ..money import kwh_text
from ..registry import PLAIN
from ..rows import coarse_step_milliwh
from ..statement import Statements
from ..timeline import Spell
from .allocation import Allocation
from .arrangement_file import ArrangementFile
from .by_cycle import DAY_US
from .terms import Kind

_ONE_DAY = timedelta(days=1)


def of_file(file: ArrangementFile) -> Iterator[str]:
    """What is allowed but hardly meant, and whose register governs."""
    for one in file.warnings:
        yield f"{one.message}; {one.mend}" if one.mend else one.message
    if any(one.register is RegisterOwner.OWN for one in file.terms.meter):
        yield "the plant's meter is your own: the utility shares what its own register counts"


def of_plant(meters: Sequence[EnergyTable]) -> Iterator[str]:
    """What a reader should know of the plant's own meters (vnem)."""
    for table in meters:
        taken, step = int(table.flow_import.milliwh.sum()), coarse_step_milliwh(table)
        if taken:
            yield f"{table.meter} took {kwh_text(taken)} kWh itself, which are in no statement here"
        if step:
            yield f"{table.meter} counts in steps of {kwh_text(step)} kWh: shares of an interval are no finer than that"


def of_lost(allocation: Allocation) -> Iterator[str]:
    """Energy that is nobody's."""
    lost = int(allocation.lost.sum())
    if lost:
        yield f"{kwh_text(lost)} kWh are nobody's share (before the first [[shares]], or vacant) and in no statement"


def of_no_bill(
    file: ArrangementFile, allocation: Allocation, made: Mapping[str, Statements], zone: tzinfo
) -> Iterator[str]:
    """Shares of time before a member's first bill, or after it moved out: they are given, and in no statement."""
    for at, (name, statements) in enumerate(made.items()):
        customer, parts = file.accounts[name].terms.customer, allocation.of_member(at)
        first = statements.statements[0].slot.cycle.first_day if statements.statements else customer.moved_in
        left = customer.moved_out
        early = 0 if first is None else int(parts[: _row_at(allocation.plant, first, zone)].sum())
        late = 0 if left is None else int(parts[_row_at(allocation.plant, left + _ONE_DAY, zone) :].sum())
        if early and first is not None and customer.moved_in is not None and first <= customer.moved_in:
            yield (
                f"{name} moved in on {customer.moved_in}, and {kwh_text(early)} kWh of before that are its share and "
                f"in no statement{_mend(file, name, f'last_day = {customer.moved_in - _ONE_DAY}')}"
            )
        elif early:
            yield f"{name}: {kwh_text(early)} kWh of its share are of before its first bill ({first}): in no statement"
        if left is not None and late:
            yield (
                f"{name} moved out on {left} and has a share after that, {kwh_text(late)} kWh, which is in no statement"
                f"{_mend(file, name, f'from = {left + _ONE_DAY}')}"
            )


def _row_at(plant: EnergyTable, day: date, zone: tzinfo) -> int:
    """The first row of the plant that begins on a local day or after it."""
    return int(np.searchsorted(plant.start_us, wall_to_us(day, 0, zone), side="left"))


def _mend(file: ArrangementFile, name: str, days: str) -> str:
    """Who has the share of a flat that stands empty can be said of fixed shares alone."""
    return f': write [[vacant]] member = "{name}", {days}' if file.terms.kind is Kind.VNEM else ""


def of_cut(tables: Mapping[str, EnergyTable]) -> Iterator[str]:
    """Whose energy begins last and ends first by a day and more: no share or bill goes beyond (nem_a, pa_virtual)."""
    ends = {name: one.first_and_last_us() for name, one in tables.items()}
    if not ends:
        return
    late, early = max(ends, key=lambda name: ends[name][0]), min(ends, key=lambda name: ends[name][1])
    if ends[late][0] - min(first for first, _ in ends.values()) >= DAY_US:
        since = iso_utc(ends[late][0])
        yield f"the energy of {late} begins at {since}, that of others before: till then there is no share or bill"
    if max(last for _, last in ends.values()) - ends[early][1] >= DAY_US:
        until = iso_utc(ends[early][1])
        yield f"the energy of {early} ends at {until}, that of others later: the bills of all wait for it"


def of_beginning(file: ArrangementFile, spells: Sequence[Spell]) -> Iterator[str]:
    """Shares by use that do not begin with the Relevant Period (nem_a)."""
    if file.terms.kind is Kind.NEM_A and spells and not spells[0].whole and spells[0].programme != PLAIN:
        yield (
            f"shares go by use since {spells[0].slots[0].cycle.first_day}, where the energy begins, and not since the "
            "Relevant Period did: until the next one they are not the utility's"
        )


def of_running(file: ArrangementFile, spells: Sequence[Spell], plant: EnergyTable, zone: tzinfo) -> Iterator[str]:
    """Exports of a cycle that has not ended: nobody can share them yet (nem_a, pa_virtual)."""
    if not spells:
        return
    cycle = spells[-1].slots[-1].cycle
    rows = plant.rows_in(cycle.edges_us(zone)[1], plant.first_and_last_us()[1])
    waiting = int(plant.flow_export.milliwh[rows].sum())
    if waiting:
        yield (
            f"{kwh_text(waiting)} kWh since {cycle.last_day + _ONE_DAY} stand with {file.terms.host} until their "
            "billing cycle has ended"
        )


def of_unknown_use(file: ArrangementFile, tables: Mapping[str, EnergyTable]) -> Iterator[str]:
    """Shares by use are off for all members where the use of one is not known (nem_a, pa_virtual)."""
    if file.terms.kind is Kind.VNEM:
        return
    since = ", and until the Relevant Period ends" if file.terms.kind is Kind.NEM_A else ""
    for name, one in tables.items():
        for hole in one.holes(*one.first_and_last_us()):
            yield f"{name}: not all energy of {hole} is known, so the shares of all members are off then{since}"


def of_own_exports(file: ArrangementFile, tables: Mapping[str, EnergyTable]) -> Iterator[str]:
    """What members gave to the grid themselves and no share counts."""
    for name, one in tables.items():
        exported = int(one.flow_export.milliwh.sum())
        if exported and file.terms.kind is not Kind.PA_VIRTUAL and name != file.terms.host:
            yield (
                f"{name}: its own meter gave {kwh_text(exported)} kWh to the grid; {file.terms.kind.value} credits "
                "shares of the plant alone, so they are in no statement"
            )
