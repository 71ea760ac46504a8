"""What decides a Pennsylvanian account, and what one of its cycles hands to the next. Values only.

(net-metering 1.5; corrections A-11)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from ..money import ZERO

KWH_BANK = "kwh_bank"
DISTRIBUTION_BANK = "distribution_kwh"
GENERATION_BANK = "generation_kwh"


class PtcMethod(StrEnum):
    """At what price to compare the year's rest is paid."""

    WEIGHTED = "weighted"
    AT_YEAR_END = "at_year_end"
    """That of 31 May, or of the day on which the year ends early."""
    AT_CLOSING_DAY = "at_closing_day"
    """That of the last day of the bill that closes the year, which may be in June."""


class Stranded(StrEnum):
    """Whether a share of stranded cost can be asked of a customer class."""

    NOT_OF_RESIDENTIAL = "not_of_residential"
    FLAGGED = "flagged"


@dataclass(frozen=True, slots=True)
class PaRules:
    """What the account's choices and its supplier decide."""

    name: str
    source: str
    supplier: str
    """The electric generation supplier; empty: the utility supplies by default."""
    ptc_method: PtcMethod
    stranded: Stranded
    stranded_percent: Decimal
    base_year_milliwh: int | None
    """What was purchased in the annualised period before the first one here."""
    stranded_share: Decimal

    @property
    def bank(self) -> str:
        return DISTRIBUTION_BANK if self.supplier else KWH_BANK


@dataclass(frozen=True, slots=True)
class Excess:
    """Surplus put into a period's bank this year, and what it would be worth at each month's price to compare."""

    milliwh: int = 0
    worth: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class PaState:
    """`whole`: the year is known from its first day. Banks are milliwatt-hours by period."""

    whole: bool = True
    banks: Mapping[str, int] = field(default_factory=dict)
    excess: Mapping[str, Excess] = field(default_factory=dict)
    unweighted: str = ""
    """Why there is no weighted price; empty where there is one."""
    generation: Mapping[str, int] = field(default_factory=dict)
    import_milliwh: int = 0
    """Purchased in this year."""
    before_milliwh: int | None = None
    """Purchased in the year before; 0: that was no whole year; None: no year was closed here yet."""
    uncertain_milliwh: int = 0
    has_holes: bool = False
