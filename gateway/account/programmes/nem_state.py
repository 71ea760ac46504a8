"""What decides a NEM account, and what one of its cycles hands to the next. Values only.

Money in the state is as printed. (net-metering 1.1, 1.2; corrections A-2, A-5, C.1)
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from ..lines import Due
from ..money import ZERO
from ..netting import NettingInterval
from ..programme_file import Figure
from ..terms import Payment
from .surplus import SurplusRule


class EnergyDue(StrEnum):
    """When energy is paid (A-5): it differs by utility and by customer."""

    ANNUAL = "annual"
    """Charges and credits add up until the true-up."""
    MONTHLY = "monthly"
    """A month's charge is due, its credit goes to a bank that pays later months; the rest pays back earlier ones."""


class MinimumCredit(StrEnum):
    """Which minimum charges a true-up gives back (A-2)."""

    PREVIOUS_CYCLES = "previous_cycles"
    """Those of the cycles before the closing one."""
    ALL_CYCLES = "all_cycles"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class NemRules:
    """What an account's choices and its utility decide."""

    name: str
    netting: NettingInterval
    has_non_bypassable: bool
    needs_time_of_use: bool
    energy_due: EnergyDue
    non_bypassable_due: Due
    minimum_credit: MinimumCredit
    surplus: SurplusRule
    source: str
    pto: date | None = None
    fee: Figure | None = None
    """Once, with the programme's first bill after permission to operate."""
    fee_due: Due = Due.NOTED
    payments: tuple[Payment, ...] = ()


@dataclass(frozen=True, slots=True)
class NemState:
    """`whole`: the Relevant Period is known from its first day."""

    whole: bool = True
    is_first: bool = False
    """Whether no bill of the programme was settled before."""
    cycles: int = 0
    energy: Decimal = ZERO
    """The sum of the energy lines, non-bypassable charges not among them."""
    non_bypassable: Decimal = ZERO
    minimums: Decimal = ZERO
    """Of all cycles but the last one settled."""
    last_minimums: Decimal = ZERO
    lacks_minimums: bool = False
    """Whether a bill's minimum charge is not in the tariff's figures."""
    payments: Decimal = ZERO
    """What the customer paid towards the true-up of his own accord."""
    import_milliwh: int = 0
    export_milliwh: int = 0
    knows_energy: bool = True
    """Whether these two are those of the whole Relevant Period."""
    bank: Decimal = ZERO
    paid: Decimal = ZERO
    """Energy charges paid in money in this Relevant Period, where they are due monthly."""
    carried_milliwh: int = 0
    """A surplus that was rolled over into this Relevant Period."""
    bill_credit: Decimal = ZERO
    """Money of the customer's that pays whatever is due on the next bills."""
    last_due: Decimal = ZERO
    """What the last settled cycle left to pay."""
