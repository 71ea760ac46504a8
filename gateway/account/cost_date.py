"""A date that costs money: what happens, on which day, with what at stake. Types alone: `cost_dates` finds them."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

PROTECTION_DAYS = 365
"""A vintage, a price lock, a bonus: time for a battery, or for another contract."""


class What(StrEnum):
    """What happens on the day."""

    TRUE_UP = "true_up"
    CREDIT_ZEROED = "credit_zeroed"
    SUPPLIER_CREDIT_ZEROED = "supplier_credit_zeroed"
    """A kind of its own: it may fall on the day of the utility's, and an event is known by its kind and day."""
    VINTAGE_ENDS = "vintage_ends"
    PRICE_LOCK_ENDS = "price_lock_ends"
    BONUS_ENDS = "bonus_ends"
    TARIFF_ENDS = "tariff_ends"
    SUPPLIER_TARIFF_ENDS = "supplier_tariff_ends"
    EXPORT_PRICES_END = "export_prices_end"
    IMPORT_PRICES_END = "import_prices_end"


@dataclass(frozen=True, slots=True)
class CostDate:
    """`day` is the last one on which things are as they were. `amount`: what is at stake; None where nobody knows."""

    what: What
    day: date
    why: str
    amount: Decimal | None = None
    """In the tariff's currency."""
    kwh: Decimal | None = None


def is_near(today: date, day: date, within_days: int) -> bool:
    """Whether a day is today or one of so many after it."""
    return timedelta() <= day - today <= timedelta(days=within_days)
