"""What tenants owe the owner for their share by the lease (vnem): a memo beside the bills, on no utility's.

Never in a statement and never in what is due: it is between owner and tenant, and only told. Goes by each bill's last
day, as other charges do; days without net metering have no credited share. (document 001: the solar surcharge in the
lease; corrections B.3)
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from decimal import Decimal

from ..money import ZERO, Rounding, exactly, kwh, rounded
from ..registry import PLAIN
from ..statement import Statement, Statements
from .allocation import Allocation
from .terms import ArrangementTerms, Lease


@dataclass(frozen=True, slots=True)
class LeaseLine:
    """One bill's memo. `share_milliwh`: what the bill was credited of the plant."""

    member: str
    name: str
    first_day: date
    last_day: date
    share_milliwh: int
    amount: Decimal


def lease_lines(
    terms: ArrangementTerms, allocation: Allocation, made: Mapping[str, Statements], zone: tzinfo
) -> Iterator[LeaseLine]:
    """A line for each bill and each lease that holds on its last day; none of the owner."""
    for at, (member, statements) in enumerate(made.items()):
        parts, rounding = allocation.of_member(at), statements.account.terms.billing.rounding
        for bill in statements.statements:
            rows = allocation.plant.rows_in(*bill.slot.cycle.edges_us(zone))
            for lease in _leases(terms, member, bill):
                yield _line(lease, member, bill, int(parts[rows].sum()), rounding)


def _leases(terms: ArrangementTerms, member: str, bill: Statement) -> Sequence[Lease]:
    day = bill.slot.cycle.last_day
    if member == terms.owner or bill.slot.programme == PLAIN:
        return ()
    return [
        one
        for one in terms.lease
        if (not one.member or member in one.member)
        and one.first <= day
        and (one.last_day is None or day <= one.last_day)
    ]


def _line(lease: Lease, member: str, bill: Statement, milliwh: int, rounding: Rounding) -> LeaseLine:
    with exactly():
        exact = kwh(milliwh) * (lease.per_kwh or ZERO)
        if lease.per_month is not None and bill.slot.ends_cycle:
            exact += lease.per_month
    cycle = bill.slot.cycle
    return LeaseLine(member, lease.name, cycle.first_day, cycle.last_day, milliwh, rounded(exact, rounding))
