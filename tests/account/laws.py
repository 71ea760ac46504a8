"""What must hold for every NEM account whose lines are given: complaints in words; an honest account has none.

The year's sum is in closed form (net-metering 1.1 and 1.2, corrections A-2 to A-5), not by walking its bills: paid in
all = fixed + minimum + what energy and non-bypassable charges come to beyond the minimum charges given back.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain

from gateway.account.lines import Line, LineKind
from gateway.account.statement import Statement

from .house import Row
from .reckon import lines_of

ZERO = Decimal(0)


@dataclass(frozen=True)
class Choices:
    """The options that decide the sum of a year."""

    energy_due: str = "annual"
    non_bypassable_due: str = "true_up"
    minimum_credit: str = "previous_cycles"
    payout: str = "credit"


def complaints(bills: Sequence[Statement], rows: Sequence[Row], choices: Choices, rate: Decimal) -> list[str]:
    """All that cannot be. `bills`: a whole Relevant Period and perhaps bills after it; `rate` of its surplus."""
    return [
        *energy_complaints(bills, rows),
        *bank_complaints(bills),
        *_of_surplus(bills, rate),
        *_of_year(bills, choices),
        *_of_each_bill(bills),
    ]


def energy_complaints(bills: Sequence[Statement], rows: Sequence[Row]) -> Iterator[str]:
    """Buckets in sum are what the registers grew by."""
    for name, column, of_cell in (("import", 1, "import_milliwh"), ("export", 2, "export_milliwh")):
        booked = sum(getattr(cell, of_cell) for bill in bills for cell in bill.energy.cells)
        grown = rows[-1][column] - rows[0][column]
        if booked != grown:
            yield f"{name}: buckets hold {booked}, the register grew by {grown}"


def bank_complaints(bills: Sequence[Statement]) -> Iterator[str]:
    """Each bank goes on with what it held, and adds up."""
    held: dict[str, Decimal] = {}
    for move in chain.from_iterable(bill.banks for bill in bills):
        if move.before != held.get(move.name, ZERO):
            yield f"bank {move.name} begins with {move.before}, and held {held.get(move.name, ZERO)}"
        if move.after != move.before + move.earned - move.used - move.paid_out - move.forfeited or move.after < 0:
            yield f"bank {move.name} does not add up: {move}"
        held[move.name] = move.after


def _of_surplus(bills: Sequence[Statement], rate: Decimal) -> Iterator[str]:
    """Paid once, at the year's end, at its rate, for the year's kilowatt-hours and no dollar more."""
    year = bills[:12]
    over = sum(cell.export_milliwh - cell.import_milliwh for bill in year for cell in bill.energy.cells)
    wanted = (Decimal(max(0, over)) / 1_000_000 * rate).quantize(Decimal("0.01"), "ROUND_HALF_UP")
    paid = -sum((one.amount for one in _lines(bills, LineKind.SURPLUS) if one.key == "true_up.surplus"), ZERO)
    if paid not in (wanted, ZERO) or (paid == 0) != (wanted == 0):
        yield f"{paid} was paid for a surplus that is worth {wanted}"


def _of_year(bills: Sequence[Statement], choices: Choices) -> Iterator[str]:
    year = bills[:12]
    energy = _sum(year, LineKind.ENERGY) + _sum(year, LineKind.BASELINE)
    charges, fixed = _sum(year, LineKind.NON_BYPASSABLE), _sum(year, LineKind.FIXED)
    minimums = [_sum([bill], LineKind.MINIMUM) for bill in year]
    back = {"previous_cycles": sum(minimums[:-1], ZERO), "all_cycles": sum(minimums, ZERO), "none": ZERO}
    owed = charges if choices.non_bypassable_due == "true_up" else ZERO
    already = charges - owed
    usage = max(energy + owed, owed, ZERO)
    wanted = fixed + sum(minimums, ZERO) + already + max(ZERO, usage - back[choices.minimum_credit])
    surplus = _sum(year, LineKind.SURPLUS)
    due = sum((bill.due_now for bill in year), ZERO)
    if due != wanted + surplus:
        yield f"the year is billed {due}; its charges come to {wanted} and its surplus to {surplus}"


def _of_each_bill(bills: Sequence[Statement]) -> Iterator[str]:
    """No bill pays money out, but for a year's surplus and for energy charges paid back."""
    for number, bill in enumerate(bills, start=1):
        named = {"true_up.surplus", "true_up.paid_back", "true_up.minimum_credit"}
        out = sum((one.amount for one in bill.true_up_lines if one.key in named), ZERO)
        if bill.due_now < min(ZERO, out):
            yield f"bill {number} pays {-bill.due_now}, and its rules name {-out}"
        if any(one.amount < 0 for one in _lines([bill], LineKind.NON_BYPASSABLE)):
            yield f"bill {number} has a non-bypassable credit"


def _lines(bills: Sequence[Statement], kind: LineKind) -> Iterator[Line]:
    return chain.from_iterable(lines_of(bill, kind).values() for bill in bills)


def _sum(bills: Sequence[Statement], kind: LineKind) -> Decimal:
    return sum((one.amount for one in _lines(bills, kind)), ZERO)
