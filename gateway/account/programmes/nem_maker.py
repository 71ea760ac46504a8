"""NEM 1.0 and 2.0 from an account's terms: its choices as rules, its opening as the first state. No reckoning."""

from typing import Any

from ..lines import Due
from ..money import ZERO
from ..netting import NettingInterval
from ..setting import Ready, Setting
from ..terms import Opening
from .nem import ENERGY_BANK, EnergyDue, MinimumCredit, Nem, NemRules, NemState
from .surplus import Payout, SurplusRule

MILLIWH_PER_KWH = 1_000_000


def make_nem(setting: Setting) -> Ready[Any]:
    """The maker of both."""
    customer, second = setting.prices.customer, setting.file.id == "nem2"
    surplus = SurplusRule(
        file=setting.file,
        utility=customer.utility,
        payout=Payout(setting.choice("surplus_payout")),
        pays=not customer.supplier,
        why_not=f"the utility owes none to a customer of {customer.supplier}" if customer.supplier else "",
    )
    by_month = second and setting.choice("non_bypassable_due") == "monthly"
    rules = NemRules(
        name=setting.file.id,
        netting=NettingInterval(setting.choice("netting_interval")) if second else NettingInterval.MONTH,
        has_non_bypassable=second,
        energy_due=EnergyDue(setting.choice("energy_due")),
        non_bypassable_due=Due.NOW if by_month else Due.TRUE_UP,
        minimum_credit=MinimumCredit(setting.choice("minimum_credit")),
        surplus=surplus,
        source=setting.file.source,
    )
    return Ready(Nem(rules, setting.prices), _opened(setting.opening, setting.whole))


def _opened(opening: Opening | None, whole: bool) -> NemState:
    if opening is None:
        return NemState(whole=whole)
    return NemState(
        whole=whole,
        cycles=opening.cycles,
        energy=opening.energy_charges,
        non_bypassable=opening.non_bypassable_charges,
        minimums=opening.minimums_billed,
        import_milliwh=int(opening.import_kwh * MILLIWH_PER_KWH),
        export_milliwh=int(opening.export_kwh * MILLIWH_PER_KWH),
        bank=opening.banks.get(ENERGY_BANK, ZERO),
        paid=opening.energy_paid,
    )
