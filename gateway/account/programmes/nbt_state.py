"""What decides a Net Billing account, and what one of its cycles hands to the next. Values only.

Money in the state is as printed. (net-metering 1.3; corrections A-7, A-8, F.2)
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from ..lines import Due
from ..money import ZERO
from ..programme_file import Figure
from ..terms import ExportAdder
from .nbt_banks import EMPTY, NOTHING, SCOPES, Charges, Purse
from .surplus import SurplusRule


class Leftover(StrEnum):
    """What becomes of the scoped banks at the end of a year (A-7). The bonus stays in either case."""

    ROLLOVER = "rollover"
    FORFEIT = "forfeit"


class PayBack(StrEnum):
    """Which banks pay back, at the year's end, what was paid in cash earlier in it (A-7, step 2)."""

    ALL_BANKS = "all_banks"
    SCOPED_BANKS = "scoped_banks"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class NbtRules:
    """What an account's choices, its utility, its application and its permission to operate decide."""

    name: str
    source: str
    leftover: Leftover
    pay_back: PayBack
    reverses: bool
    """Whether the credit for a year's surplus kilowatt-hours is taken back before they are paid for."""
    surplus: SurplusRule
    price_source: str
    """Whose export prices, for the lines of credits."""
    bonus_scopes: tuple[str, ...] = SCOPES
    acc_plus: Figure | None = None
    acc_plus_until: date | None = None
    """The last local day on which it is earned."""
    adders: tuple[ExportAdder, ...] = ()
    pto: date | None = None
    fee: Figure | None = None
    fee_due: Due = Due.NOTED
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NbtState:
    """`whole`: the Relevant Period is known from its first day."""

    whole: bool = True
    is_first: bool = False
    """Whether no bill of the programme was settled before."""
    cycles: int = 0
    purse: Purse = EMPTY
    earned: Purse = EMPTY
    """In this Relevant Period."""
    paid: Charges = NOTHING
    """In cash, in this Relevant Period: what no bank has paid, by scope."""
    knows_paid: bool = True
    """Whether `paid` is that of the whole period: an opening within it may not tell it. `knows_earned` likewise."""
    knows_earned: bool = True
    import_milliwh: int = 0
    export_milliwh: int = 0
    knows_energy: bool = True
    carried_milliwh: int = 0
    """A surplus that was rolled over into this Relevant Period."""
    bill_credit: Decimal = ZERO
    """Money of the customer's that pays whatever is due on the next bills."""
    last_due: Decimal = ZERO
    """What the last settled cycle left to pay."""
