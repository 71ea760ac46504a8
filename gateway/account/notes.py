"""What is told beside the figures of statements: what is missing, odd, not billed yet, or a choice that a rule left.

Sentences for a person, each with its mend where there is one. Reckons nothing that is paid.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from ..tariff.calendar import Calendar
from ..tariff.walltime import wall_to_us
from .account_file import AccountFile
from .billed_as import stints_by_right
from .energy import EnergyTable
from .money import kwh
from .period import PeriodStatement
from .programme_file import ProgrammeFile
from .programmes.vintage import vintage_notes
from .registry import PAID_AHEAD, PLAIN
from .slots import Slot
from .statement import Statement

ENDED_CYCLES_ONLY = "a statement comes when the cycle has ended"
_ONE_DAY = timedelta(days=1)


def warned(account: AccountFile, last_day: date) -> list[str]:
    """What is odd in the account itself, and what its dates leave without a credit."""
    terms = account.terms
    pto = terms.generator.pto if terms.generator else None
    notes = [f"{one.message}; {one.mend}" if one.mend else one.message for one in account.warnings]
    if pto is not None and pto > last_day and any(one.name != PLAIN for one in terms.programme):
        notes.append(
            f"permission to operate ({pto}) is after the last day with energy ({last_day}): no export is credited; "
            "see pto in [generator] if that is a slip"
        )
    if terms.generator is not None:
        by_right = stints_by_right(terms)
        notes += vintage_notes(terms.generator, terms.customer.utility, by_right, last_day)
    return notes


def one_way(account: AccountFile, table: EnergyTable) -> Iterator[str]:
    """A direction in which nothing ever flowed is more often one that is not read than one that is not there."""
    if all(one.name == PLAIN for one in account.terms.programme):
        return
    for what, flow in (("imported", table.flow_import), ("exported", table.flow_export)):
        if not flow.milliwh.any():
            yield f"{table.meter}: nothing was {what} in all this time; is that register of the meter read?"


def idle_banks(file: ProgrammeFile, slot: Slot, held: Mapping[str, Decimal]) -> Iterator[str]:
    """What the customer has in store as another programme begins, and that one has no use for."""
    for name, amount in held.items():
        if amount and not file.has_bank(name):
            yield (
                f"{file.id}, from {slot.cycle.first_day} on, has no use for the bank {name}, which holds {amount:f}: "
                "the utility owes it, or says what becomes of it"
            )


def notes_of(account: AccountFile, slot: Slot, bill: PeriodStatement) -> Iterator[str]:
    """What one bill has beside its lines: why it is cut, what of its energy is not known, which choices it rests on."""
    if slot.why:
        yield slot.why
    energy = bill.period.energy
    for hole in energy.holes:
        yield f"incomplete: not all energy of {hole} is known; what is not is not in this statement"
    estimated = sum(cell.estimated_rows for cell in energy.cells)
    if estimated:
        yield f"{estimated} intervals have an edge that nobody read: their energy is split by time"
    if energy.adjusted_milliwh:
        how = "credited" if energy.adjusted_milliwh > 0 else "taken back"
        yield f"of earlier months' exports {kwh(abs(energy.adjusted_milliwh)):f} kWh are {how} here: the share changed"
    if slot.supplier and bill.period.beside is None:
        yield f"energy is sold by {slot.supplier}: its lines are on its own bill, these are the utility's"
    yield from bill.settled.notes
    if bill.true_up is None:
        return
    yield from bill.true_up.notes
    file, terms = account.programmes[slot.programme], account.terms
    for option in file.option:
        chosen = file.choice(option.name, terms.customer.utility, terms.choices, terms.customer.kind)
        yield f"{option.name} = {chosen}: {option.note}"


def unused_payments(account: AccountFile, made: Sequence[Statement]) -> Iterator[str]:
    """Payments towards a true-up up to the last bill that no bill and no opening counts."""
    opening = account.terms.opening
    counted = [(one.slot.cycle.first_day, one.slot.cycle.last_day) for one in made if one.slot.programme in PAID_AHEAD]
    if opening is not None:
        counted.append((opening.last_true_up, opening.as_of - _ONE_DAY))
    for one in account.terms.payment:
        if one.day <= made[-1].slot.cycle.last_day and not any(first <= one.day <= last for first, last in counted):
            yield f"the payment of {one.amount:f} on {one.day} is in no bill that a true-up here follows: not counted"


def not_billed(
    account: AccountFile, made: Sequence[Statement], table: EnergyTable, calendar: Calendar, last_day: date
) -> list[str]:
    """A cycle that has not ended has no statement: what flowed in it is told."""
    moved_out, begin = account.terms.customer.moved_out, made[-1].slot.cycle.last_day + _ONE_DAY
    if begin > last_day:
        return []
    rows = table.rows_in(wall_to_us(begin, 0, calendar.zone), wall_to_us(last_day + _ONE_DAY, 0, calendar.zone))
    has_left = moved_out is not None and moved_out < begin
    imported, exported = (kwh(int(one.milliwh[rows].sum())) for one in (table.flow_import, table.flow_export))
    where = "" if account.terms.billing.months else " (read_dates in [billing])"
    return [
        f"not billed{'' if has_left else ' yet'}: {begin} to {last_day}, {imported:f} kWh imported and {exported:f} "
        f"exported; {f'moved out on {moved_out}' if has_left else ENDED_CYCLES_ONLY + where}"
    ]
