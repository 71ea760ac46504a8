"""NEM 1.0 and 2.0 from an account's terms: its choices as rules, its opening as the first state. No reckoning.

Every choice is the account's own, else the default of its utility or class.
(net-metering-corrections A-1, A-5, A-14, C.1, F)
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ..lines import Due
from ..money import MILLIWH_PER_KWH_PLACES, ZERO, total
from ..netting import NettingInterval
from ..programme_file import Figure, NotKnownError
from ..setting import Ready, Setting
from ..terms import Opening, Payment
from .nem import Nem
from .nem_state import EnergyDue, MinimumCredit, NemRules, NemState
from .nem_year import ENERGY_BANK
from .surplus import BILL_CREDIT, SURPLUS_BANK, Payout, SurplusRule


def make_nem(setting: Setting) -> Ready[Any]:
    """The maker of both."""
    return Ready(
        Nem(nem_rules(setting), setting.prices),
        nem_opening(setting.opening, setting.held, setting.terms.payment, whole=setting.whole),
    )


def nem_rules(setting: Setting) -> NemRules:
    """What the account's choices, its utility and its class decide."""
    customer, second = setting.prices.customer, setting.file.id == "nem2"
    charges_by_month = second and setting.choice("non_bypassable_due") == "monthly"
    fee_on_bill = second and setting.choice("interconnection_fee_due") == "first_bill"
    return NemRules(
        name=setting.file.id,
        netting=NettingInterval(setting.choice("netting_interval")) if second else NettingInterval.MONTH,
        has_non_bypassable=second,
        needs_time_of_use=setting.file.time_of_use,
        energy_due=EnergyDue(setting.choice("energy_due")),
        non_bypassable_due=Due.NOW if charges_by_month else Due.TRUE_UP,
        minimum_credit=MinimumCredit(setting.choice("minimum_credit")),
        surplus=SurplusRule(
            file=setting.file,
            utility=customer.utility,
            payout=Payout(setting.choice("surplus_payout")),
            pays=not customer.supplier,
            why_not=f"the utility owes none to a customer of {customer.supplier}" if customer.supplier else "",
        ),
        source=setting.file.source,
        pto=None if setting.terms.generator is None else setting.terms.generator.pto,
        fee=_fee(setting),
        fee_due=Due.NOW if fee_on_bill else Due.NOTED,
        payments=setting.terms.payment,
    )


def nem_opening(
    opening: Opening | None, held: Mapping[str, Decimal], payments: Sequence[Payment], *, whole: bool
) -> NemState:
    """What the first cycle begins with. Of the banks of another programme only the credit on the account goes over.

    `payments`: those of the running year before the opening are part of it.
    """
    if opening is None:
        return NemState(whole=whole, is_first=whole, bill_credit=held.get(BILL_CREDIT, ZERO))
    return NemState(
        whole=whole,
        cycles=opening.cycles,
        knows_energy=opening.knows_energy,
        energy=opening.energy_charges,
        non_bypassable=opening.non_bypassable_charges,
        minimums=opening.minimums_billed,
        payments=total(one.amount for one in payments if opening.last_true_up <= one.day < opening.as_of),
        import_milliwh=_milliwh(opening.import_kwh),
        export_milliwh=_milliwh(opening.export_kwh),
        bank=opening.banks.get(ENERGY_BANK, ZERO),
        paid=opening.energy_paid,
        carried_milliwh=_milliwh(opening.banks.get(SURPLUS_BANK, ZERO)),
        bill_credit=opening.banks.get(BILL_CREDIT, ZERO),
    )


def _fee(setting: Setting) -> Figure | None:
    """The fee that held when the application was made."""
    generator = setting.terms.generator
    day = None if generator is None else generator.application or generator.pto
    if day is None:
        return None
    try:
        return setting.file.figure_on("interconnection_fee", setting.prices.customer.utility, day)
    except NotKnownError:
        return None


def _milliwh(kwh: Decimal) -> int:
    return int(kwh.scaleb(MILLIWH_PER_KWH_PLACES))
