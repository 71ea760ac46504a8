"""What a tariff file says it leaves out, and who may not use it for that reason.

A file with less than the whole tariff is useful (its hours are right, its totals are right) as long as nobody
takes it for the whole. So a flag names the part that is missing; whatever needs that part asks here first and is
refused with the flag's reason. Nothing here looks at prices: that is in `prices`.
"""

from collections.abc import Iterable
from enum import StrEnum


class Flag(StrEnum):
    """One thing that the figures of a tariff leave out or leave open."""

    DELIVERY_ONLY = "delivery_only"
    GENERATION_ONLY = "generation_only"
    TOTAL_ONLY = "total_only"
    NO_CUSTOMER_CHARGE = "no_customer_charge"
    NO_MINIMUM_CHARGE = "no_minimum_charge"
    NO_BASELINE_CREDIT = "no_baseline_credit"
    ALLOWANCE_UNSETTLED = "allowance_unsettled"
    NO_DEMAND_CHARGES = "no_demand_charges"
    NO_OTHER_CHARGES = "no_other_charges"
    ONE_TIER_ONLY = "one_tier_only"
    ESTIMATE = "estimate"
    HOLIDAYS_UNSETTLED = "holidays_unsettled"


class Need(StrEnum):
    """What somebody wants to reckon with. The value completes the sentence "... is needed"."""

    RETAIL = "the full price of a kilowatt-hour"
    SUPPLY = "the supply part (generation) of a price"
    DELIVERY = "the delivery part of a price"
    PRICE_TO_COMPARE = "the price to compare (supply and transmission)"
    NON_BYPASSABLE = "the non-bypassable part of a price"
    FIXED_CHARGES = "what is due without any energy"
    WHOLE_BILL = "the whole bill"


REASONS = {
    Flag.DELIVERY_ONLY: "delivery only: what the supplier charges is not in these figures",
    Flag.GENERATION_ONLY: "generation only: delivery, and all that the utility bills, is not in these figures",
    Flag.TOTAL_ONLY: "total only: the figures do not say which part is supply, delivery or non-bypassable",
    Flag.NO_CUSTOMER_CHARGE: "no customer charge: the fixed charge is not in these figures",
    Flag.NO_MINIMUM_CHARGE: "no minimum charge: the least that is billed is not in these figures",
    Flag.NO_BASELINE_CREDIT: "no baseline credit: what is cheaper within the allowance is not in these figures",
    Flag.ALLOWANCE_UNSETTLED: "allowance unsettled: sources disagree on how much energy has the baseline credit",
    Flag.NO_DEMAND_CHARGES: "no demand charges: what is billed per kilowatt is not in these figures",
    Flag.NO_OTHER_CHARGES: "no other charges: what stands in not_included is billed, and not in these figures",
    Flag.ONE_TIER_ONLY: "one tier only: the price depends on the energy used, and one tier's price stands for all",
    Flag.ESTIMATE: "estimate: the figures were worked out from a tariff's parts, not printed by the utility",
    Flag.HOLIDAYS_UNSETTLED: "holidays unsettled: the utility's own pages disagree on which days are holidays",
}

_BILL = {Need.WHOLE_BILL}
_SPLIT = {Need.SUPPLY, Need.DELIVERY, Need.PRICE_TO_COMPARE, Need.NON_BYPASSABLE}
LEAVES_OUT: dict[Flag, set[Need]] = {
    Flag.DELIVERY_ONLY: _BILL | {Need.RETAIL, Need.SUPPLY, Need.PRICE_TO_COMPARE},
    Flag.GENERATION_ONLY: _BILL | (set(Need) - {Need.SUPPLY}),
    Flag.TOTAL_ONLY: _SPLIT,
    Flag.NO_CUSTOMER_CHARGE: _BILL | {Need.FIXED_CHARGES},
    Flag.NO_MINIMUM_CHARGE: _BILL | {Need.FIXED_CHARGES},
    Flag.NO_BASELINE_CREDIT: _BILL,
    Flag.ALLOWANCE_UNSETTLED: _BILL,
    Flag.NO_DEMAND_CHARGES: _BILL,
    Flag.NO_OTHER_CHARGES: _BILL,
    Flag.ONE_TIER_ONLY: _BILL | _SPLIT | {Need.RETAIL},
    # These two are told with every answer, and refuse none: the figures are there, and may be a little off.
    Flag.ESTIMATE: set(),
    Flag.HOLIDAYS_UNSETTLED: set(),
}


def refusals(flags: Iterable[Flag], need: Need) -> tuple[str, ...]:
    """The reasons why `need` cannot be served by figures with these flags; empty where it can."""
    return tuple(REASONS[flag] for flag in flags if need in LEAVES_OUT[flag])
