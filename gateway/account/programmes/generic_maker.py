"""The generic five from an account's terms: its choices as rules, its opening as the first state. No reckoning.

Every choice is the account's own or the default of the programme's file (config/programmes).
"""

from typing import Any

from ...config.types import Role
from ...tariff.days import DayRules
from ..charges import PriceError
from ..money import MILLIWH_PER_KWH_PLACES, ZERO
from ..setting import Ready, Setting
from .carry import SameClockHour
from .generic import IMPORT_PRICE, MONEY_BANK, ExportPrice, GenericRules, ImportPrice, YearMinimumAt
from .generic_billing import BillingState, CarryoverRules, NetBilling, NetBillingCarryover
from .generic_kwh import KWH_BANK, SURPLUS_BANK, KwhRules, KwhState, NetMeteringKwh, YearSurplus
from .generic_usd import NetMeteringUsd


def make_kwh(setting: Setting) -> Ready[Any]:
    """`net_metering_kwh`."""
    same_hour = setting.choice("surplus_to") == "same_clock_hour"
    rules = KwhRules(
        YearSurplus(setting.choice("year_surplus")),
        january_is_counted=setting.choice("january_net") == "counted",
        carrier=SameClockHour(setting.rules or DayRules(setting.prices.tariff)) if same_hour else None,
    )
    programme = NetMeteringKwh(generic_rules(setting, priced=False), rules, setting.prices)
    return Ready(programme, _kwh_state(setting))


def make_usd(setting: Setting) -> Ready[Any]:
    """`net_metering_usd`."""
    twice = setting.choice("leftover") == "paid_out_and_kept"
    return Ready(
        NetMeteringUsd(generic_rules(setting), setting.prices, carries_what_it_pays=twice), generic_state(setting)
    )


def make_billing(setting: Setting) -> Ready[Any]:
    """`net_billing`."""
    return Ready(NetBilling(generic_rules(setting), setting.prices), generic_state(setting))


def make_carryover(setting: Setting) -> Ready[Any]:
    """`net_billing_carryover`."""
    carryover = CarryoverRules(
        same_cycle=setting.choice("credit_from") == "same_cycle", expires=setting.choice("leftover") == "lost"
    )
    return Ready(NetBillingCarryover(generic_rules(setting), carryover, setting.prices), generic_state(setting))


def make_buy_all(setting: Setting) -> Ready[Any]:
    """`buy_all_sell_all`. Raises PriceError without a meter of the production: a net meter cannot tell (A-16)."""
    if not any(one.role is Role.PRODUCTION for one in setting.terms.meter):
        raise PriceError(
            "buy_all_sell_all bills the whole load and pays the whole production, and the account has no meter with "
            'role = "production"; with a net meter alone the programme is net_billing',
            at=("programme",),
        )
    return Ready(NetBilling(generic_rules(setting), setting.prices, sold_apart=True), generic_state(setting))


def generic_rules(setting: Setting, *, priced: bool = True) -> GenericRules:
    """What the account's choices decide for all of them."""
    return GenericRules(
        name=setting.file.id,
        source=setting.file.source,
        export_price=ExportPrice(setting.choice("export_price")) if priced else ExportPrice.TARIFF,
        year_minimum_at=YearMinimumAt(setting.choice("year_minimum_at")),
        import_price=ImportPrice(setting.choice(IMPORT_PRICE))
        if setting.file.has_option(IMPORT_PRICE)
        else ImportPrice.TARIFF,
    )


def generic_state(setting: Setting) -> BillingState:
    """What the first cycle of a programme with a money bank begins with."""
    bank = ZERO if setting.opening is None else setting.opening.banks.get(MONEY_BANK, ZERO)
    return BillingState(whole=setting.whole, bank=bank)


def _kwh_state(setting: Setting) -> KwhState:
    if setting.opening is None:
        return KwhState(whole=setting.whole)
    banks = {name: int(held.scaleb(MILLIWH_PER_KWH_PLACES)) for name, held in setting.opening.banks.items()}
    prefix = f"{KWH_BANK}."
    return KwhState(
        whole=setting.whole,
        started=True,
        fresh=setting.opening.cycles == 0,
        banks_milliwh={name.removeprefix(prefix): held for name, held in banks.items() if name.startswith(prefix)},
        surplus_milliwh=banks.get(SURPLUS_BANK, 0),
        bank=setting.opening.banks.get(MONEY_BANK, ZERO),
    )
