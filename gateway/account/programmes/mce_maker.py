"""MCE beside PG&E from an account's terms: PG&E's net metering on delivery, MCE's ledger, where each begins.

No reckoning. (net-metering 1.4; corrections A-10)
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from ..billed_as import utility_programme
from ..cashout import RetailLeft
from ..charges import PriceError, Prices
from ..money import MILLIWH_PER_KWH_PLACES, ZERO
from ..programme_file import load_programme
from ..registry import MCE
from ..setting import Ready, Setting
from .mce import DEEP_GREEN, MCE_BANK, Mce, MceRules, MceState
from .mce_cashout import Cashout, MceYear
from .nem import Nem
from .nem_maker import nem_opening, nem_rules

IMPORT_BANK, EXPORT_BANK = "mce_import_kwh", "mce_export_kwh"


def make_mce(setting: Setting) -> Ready[Any]:
    """The maker. Raises PriceError with what the account lacks."""
    tariff = setting.supplier_tariff
    if tariff is None or setting.prices.customer.supplier.casefold() != MCE:
        raise PriceError('mce needs the supplier "mce" and its supplier_tariff, such as mce-e-tou-c, in the account')
    behind = utility_programme(setting.terms)
    if behind is None:
        raise PriceError(
            "mce: whether PG&E's part is nem1 or nem2 depends on the application, and the account has no [generator] "
            "with application or pto; state it, or choose utility_programme in [choices]"
        )
    rules = MceRules(cashout_of(setting), setting.choice("mce_product"), f"{MCE}: {setting.file.source}")
    if rules.product == DEEP_GREEN and any(DEEP_GREEN not in one.options_per_kwh for one in tariff.version):
        raise PriceError(f"tariff {tariff.id} has no {DEEP_GREEN} in its options_per_kwh, and mce_product chooses it")
    utility = replace(setting, file=load_programme(behind))
    opening = nem_opening(setting.opening, setting.held, setting.terms.payment, whole=setting.whole)
    prices = Prices(tariff, setting.prices.customer, setting.prices.rounding)
    programme = Mce(Nem(nem_rules(utility), setting.prices), rules, prices, _enrolments(setting))
    return Ready(programme, replace(_ledger(setting), delivery=opening), beside=tariff)


def cashout_of(setting: Setting) -> Cashout:
    """MCE's rules as the account chose them."""
    left = setting.choice("retail_left")
    return Cashout(
        setting.file,
        setting.prices.customer.utility,
        setting.choice("cashout_rule"),
        None if left == "by_rule" else RetailLeft(left),
        by_march=setting.choice("cashout_rate") == "march",
    )


def _ledger(setting: Setting) -> MceState:
    """MCE's ledger at the first cycle; whether its year is known there the cycle's first day tells."""
    empty = MceState(nem_opening(None, {}, (), whole=True))
    opening = setting.opening
    if opening is None:
        # That the utility's year begins with the energy says nothing of MCE's, which began in April (`_enrolments`).
        return replace(empty, bank=setting.held.get(MCE_BANK, ZERO), year=MceYear(known=False))
    banks = opening.banks
    year = MceYear(
        _milliwh(banks.get(IMPORT_BANK, ZERO)),
        _milliwh(banks.get(EXPORT_BANK, ZERO)),
        known=IMPORT_BANK in banks or EXPORT_BANK in banks,
    )
    return replace(empty, bank=banks.get(MCE_BANK, ZERO), year=year)


def _enrolments(setting: Setting) -> dict[date, bool]:
    """Days on which a customer's year with MCE begins: its enrolment, moving in, the first day with credits."""
    terms = setting.terms
    days = [one.first for one in terms.programme if one.name == MCE]
    days += [one.first for one in terms.supplier if one.name.casefold() == MCE]
    if terms.customer.moved_in is not None:
        days.append(terms.customer.moved_in)
    if terms.generator is not None and terms.generator.pto is not None:
        days.append(terms.generator.pto)
    return dict.fromkeys(days, True)


def _milliwh(kwh: Decimal) -> int:
    return int(kwh.scaleb(MILLIWH_PER_KWH_PLACES))
