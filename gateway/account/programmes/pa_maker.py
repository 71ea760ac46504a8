"""Net metering in Pennsylvania from an account's terms: choices as rules, the opening as the first state. No reckoning.

(net-metering 1.5; corrections A-11)
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from ..charges import PriceError, Prices
from ..money import MILLIWH_PER_KWH_PLACES, ZERO
from ..setting import Ready, Setting
from ..terms import CustomerClass
from .pa import Pennsylvania
from .pa_bank import periods_by_bucket
from .pa_state import GENERATION_BANK, Excess, PaRules, PaState, PtcMethod, Stranded
from .pa_supplier import Contract, EgsSwitch


def make_pennsylvania(setting: Setting) -> Ready[Any]:
    """The maker. Raises PriceError with what the account lacks."""
    rules, contract = _rules(setting), _contract(setting)
    state = _state(setting, rules)
    if contract is None and any(state.generation.values()):
        raise PriceError(
            "[opening.banks] states generation_kwh, and no supplier nets kilowatt-hours then: leave it out, or see "
            "supplier in [customer] and egs_generation in [choices]"
        )
    programme = Pennsylvania(rules, setting.prices, contract)
    return Ready(programme, state, beside=None if contract is None else contract.prices.tariff)


def _contract(setting: Setting) -> Contract | None:
    """Of a supplier that nets kilowatt-hours; None where its part is on its own bill, or the utility supplies."""
    prices, tariff = setting.prices, setting.supplier_tariff
    if not prices.customer.supplier or setting.choice("egs_generation") != "kwh_bank":
        return None
    if tariff is None:
        raise PriceError(
            "egs_generation = kwh_bank nets kilowatt-hours at the supplier's price: name it as supplier_tariff in "
            "the account, or leave the supplier to its own bill (none)"
        )
    return Contract(
        supplier=prices.customer.supplier,
        prices=Prices(tariff, prices.customer, prices.rounding),
        periods=periods_by_bucket(tariff),
        left_is_zeroed=setting.choice("egs_left") == "zeroed",
        switch=EgsSwitch(setting.choice("egs_switch")),
    )


def _rules(setting: Setting) -> PaRules:
    customer, stated = setting.prices.customer, setting.terms.pennsylvania
    residential = customer.kind is CustomerClass.RESIDENTIAL
    base = None if stated is None else stated.base_year_kwh
    return PaRules(
        name=setting.file.id,
        source=setting.file.source,
        supplier=customer.supplier,
        ptc_method=PtcMethod(setting.choice("ptc_method")),
        stranded=Stranded.NOT_OF_RESIDENTIAL if residential else Stranded.FLAGGED,
        stranded_percent=setting.file.figure_on("stranded_percent", customer.utility, date.max).value,
        base_year_milliwh=None if base is None else _milliwh(base),
        stranded_share=ZERO if stated is None else stated.stranded_share,
    )


def _state(setting: Setting, rules: PaRules) -> PaState:
    if setting.opening is None:
        return PaState(whole=setting.whole)
    banks = setting.opening.banks
    held = _of(banks, rules.bank)
    excess = {name: Excess(one) for name, one in _of(banks, "excess_kwh").items()}
    for name, one in excess.items():
        excess[name] = replace(one, worth=banks.get(f"excess_worth.{name}", ZERO))
    lacking = [name for name, one in held.items() if one and name not in excess]
    why = ""
    if lacking and not rules.supplier and rules.ptc_method is PtcMethod.WEIGHTED:
        names = ", ".join(f"excess_kwh.{one}, excess_worth.{one}" for one in lacking)
        why = f"[opening.banks] states kilowatt-hours, and not of which months they are: state {names}"
    return PaState(
        whole=setting.whole,
        banks=held,
        excess=excess,
        unweighted=why,
        generation=_of(banks, GENERATION_BANK),
        import_milliwh=_milliwh(banks.get("year_import_kwh", ZERO)),
    )


def _of(banks: Mapping[str, Decimal], bank: str) -> dict[str, int]:
    prefix = f"{bank}."
    return {name.removeprefix(prefix): _milliwh(held) for name, held in banks.items() if name.startswith(prefix)}


def _milliwh(kwh: Decimal) -> int:
    return int(kwh.scaleb(MILLIWH_PER_KWH_PLACES))
