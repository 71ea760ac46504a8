"""Money: exact Decimals, rounded once for each printed line, half up and away from zero below it.

Inside `exactly()` every operation that would lose a digit raises decimal.Inexact, so nothing is rounded by accident;
an average is made by `divided`, which says that it rounds. Never binary float. (DESIGN 5, "Energy"; facts: half up
away from zero is what bills print.)
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow, localcontext
from enum import StrEnum

ZERO = Decimal(0)
CENT = Decimal("0.01")
DIGITS = 60
"""Room for a fleet's milliwatt-hours times prices of twelve places, twice over."""
MILLIWH_PER_KWH_PLACES = 6
_SHARE = Decimal("1e-12")
"""Where nothing is rounded, so far a share of a charge is told."""
_EXACT = Context(prec=DIGITS, rounding=ROUND_HALF_UP, traps=[InvalidOperation, DivisionByZero, Overflow, Inexact])
_ROUNDED = Context(prec=DIGITS, rounding=ROUND_HALF_UP, traps=[InvalidOperation, DivisionByZero, Overflow])


class Rounding(StrEnum):
    """How a printed line is settled."""

    CENT = "cent"
    """To the cent, half up, away from zero below it; totals add rounded lines."""
    NONE = "none"
    """Not at all: to lay beside an engine that never rounds."""


def exactly() -> AbstractContextManager[Context]:
    """A stretch of code in which decimal arithmetic is exact or raises decimal.Inexact."""
    return localcontext(_EXACT)


def rounded(amount: Decimal, rounding: Rounding) -> Decimal:
    """An amount as its line prints it."""
    if rounding is Rounding.NONE:
        return amount
    return _ROUNDED.add(amount.quantize(CENT, context=_ROUNDED), ZERO)  # no bill prints -0.00


def divided(amount: Decimal, by: Decimal) -> Decimal:
    """A quotient to 60 digits, for averages. Raises decimal.DivisionByZero."""
    return _ROUNDED.divide(amount, by)


def to_step(amount: Decimal, finest: Decimal) -> Decimal:
    """A quotient as it can be told and gone on with: half up to `finest`."""
    return amount.quantize(finest, context=_ROUNDED)


def share(amount: Decimal, first: int, last: int, of: int, rounding: Rounding) -> Decimal:
    """What the parts `first` up to `last` (not included) of `of` equal ones bear, as it can be printed.

    Rounded is what all parts up to one bear, so that together they bear `amount` and no cent more or less.
    """
    finest = CENT if rounding is Rounding.CENT else _SHARE
    until, since = (divided(amount * at, Decimal(of)).quantize(finest, context=_ROUNDED) for at in (last, first))
    return until - since


def kwh(milliwh: int) -> Decimal:
    """Milliwatt-hours as kilowatt-hours, exactly."""
    return _EXACT.scaleb(Decimal(milliwh), -MILLIWH_PER_KWH_PLACES)


def kwh_text(milliwh: int) -> str:
    """Kilowatt-hours for a sentence: all their digits and no zeros behind them."""
    return f"{kwh(milliwh).normalize(_EXACT):f}"


def worth(milliwh: int, price_per_kwh: Decimal) -> Decimal:
    """What energy costs at a price, exactly."""
    return _EXACT.multiply(kwh(milliwh), price_per_kwh)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum."""
    whole = ZERO
    for amount in amounts:
        whole = _EXACT.add(whole, amount)
    return whole
