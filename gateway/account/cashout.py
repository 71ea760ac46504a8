"""The rules by which a supplier pays for a year's surplus, as a programme's file has them: dated, each with a source.

Values only. How a year is settled by one is in `programmes.mce_cashout`. (net-metering 1.4; corrections A-10)
"""

import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec


class Pays(StrEnum):
    """What is paid out when the year ends."""

    SURPLUS = "surplus"
    """The kilowatt-hours that were given beyond those taken, at a price made from the wholesale rate."""
    BANK = "bank"
    """The credit bank, as it stands."""


class ChequeFrom(StrEnum):
    """When a payment is a cheque; else it is a credit."""

    AT_LEAST = "at_least"
    ABOVE = "above"


class RetailLeft(StrEnum):
    """What becomes of the dollars that are left in the credit bank."""

    ZEROED = "zeroed"
    KEPT = "kept"


class CashoutRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"first": "from"}):
    """One rule, from a local day on until the next; `dated` says where that day comes from."""

    name: str
    first: datetime.date
    dated: str
    source: str
    pays: Pays
    threshold: Decimal
    cheque: ChequeFrom
    left: RetailLeft
    wholesale_factor: Decimal = Decimal(1)
    wholesale_adder: Decimal = Decimal(0)
    """Price of a surplus kilowatt-hour = factor x the month's net surplus compensation + adder."""
    monthly_adder: Decimal = Decimal(0)
    """What each kilowatt-hour earns besides that a period of a month gave beyond what it took."""
    most: Decimal | None = None
    """The most that a year is paid; None: the source names none."""

    def is_cheque(self, amount: Decimal) -> bool:
        """Whether a payment, rounded to cents, is sent as a cheque (F.7)."""
        return amount > self.threshold or (self.cheque is ChequeFrom.AT_LEAST and amount == self.threshold)
