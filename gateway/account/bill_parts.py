"""What a bill asks for its own cycle, and what its true-up adds: together what the statement asks, to the cent.

The account's own charges see all that a closing bill makes due: a percentage is of the true-up's adjustment too, and a
charge on the year's kilowatt-hours comes with the true-up alone. So they are reckoned once more, for the cycle without
it, and the rest is the true-up's. Rounds nothing else. (corrections A-2, C.3)
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from .lines import Due, Line
from .money import Rounding, exactly
from .other_charges import due_of, other_lines
from .statement import Statement
from .terms import AccountTerms


def due_of_cycle(terms: AccountTerms, bill: Statement) -> Decimal:
    """What a bill asks for its own cycle, with the account's charges on that; a true-up left out."""
    return bill.bill.settled.due(Due.NOW) + due_of(_own_charges(terms, bill))


def due_of_true_up(terms: AccountTerms, bill: Statement) -> Decimal | None:
    """What the true-up adds, with the account's charges on it; None for a bill without one, or with one of no line."""
    if bill.bill.true_up is None:
        return None
    added = bill.due_now - due_of_cycle(terms, bill)
    return added if added or bill.true_up_lines else None


def uncertain_of_cycle(terms: AccountTerms, bill: Statement) -> Decimal:
    """What all doubt about the cycle's energy is worth at the most, what it carries to the true-up included."""
    return bill.cycle_off((*bill.bill.settled.lines, *_own_charges(terms, bill)))


def _own_charges(terms: AccountTerms, bill: Statement) -> Sequence[Line]:
    if bill.bill.true_up is None:
        return bill.other
    rounding: Rounding = terms.billing.rounding
    with exactly():
        return tuple(other_lines(terms.charge, replace(bill.bill, true_up=None), None, rounding))
