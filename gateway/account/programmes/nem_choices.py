"""NEM rules from an account's terms and the programme's file: who pays when, from which day, what an opening holds.

Every choice is the account's own, else the default of its utility or class; a default that decides money is told.
(net-metering-corrections A-1, A-5, A-14, A-15, C.1, F)
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from ...tariff.cycles import Cycle
from ..charges import PriceError, Prices
from ..lines import Due
from ..money import MILLIWH_PER_KWH_PLACES, ZERO
from ..netting import NettingInterval
from ..programme_file import Figure, NotKnownError, ProgrammeFile, load_programme
from ..terms import AccountTerms, Opening
from .nem import Nem
from .nem_state import EnergyDue, MinimumCredit, NemRules, NemState
from .nem_year import ENERGY_BANK
from .surplus import BILL_CREDIT, SURPLUS_BANK, Payout, SurplusRule

_TOLD = ("netting_interval", "energy_due", "non_bypassable_due", "minimum_credit", "nem_start")
_ONE_DAY = timedelta(days=1)


class NemStart(StrEnum):
    """From which day exports are credited (A-15)."""

    PTO = "pto"
    READ_BEFORE_PTO = "read_before_pto"
    READ_AFTER_PTO = "read_after_pto"


def nem_programme(name: str, terms: AccountTerms, prices: Prices, cycles: Sequence[Cycle]) -> Nem:
    """`nem1` or `nem2` for one account; `cycles` are the utility's, for the day on which exports begin to count."""
    return Nem(nem_rules(name, terms, cycles), prices)


def nem_rules(name: str, terms: AccountTerms, cycles: Sequence[Cycle]) -> NemRules:
    """What holds for an account. Raises ProgrammeError, PriceError for a netting interval that there is not."""
    file = load_programme(name)
    names = {one.name for one in file.option}

    def choice(option: str) -> str:
        return file.choice(option, terms.customer.utility, terms.choices, terms.customer.kind)

    has_charges = "non_bypassable_due" in names
    start = nem_start(terms, NemStart(choice("nem_start")), cycles)
    monthly_charges = has_charges and choice("non_bypassable_due") == "monthly"
    return NemRules(
        name=file.name,
        netting=_netting(file, terms) if has_charges else NettingInterval.MONTH,
        has_non_bypassable=has_charges,
        needs_time_of_use=has_charges,
        energy_due=EnergyDue(choice("energy_due")),
        non_bypassable_due=Due.NOW if monthly_charges else Due.TRUE_UP,
        minimum_credit=MinimumCredit(choice("minimum_credit")),
        surplus=SurplusRule(
            file,
            terms.customer.utility,
            Payout(choice("surplus_payout")),
            pays=not terms.customer.supplier,
            why_not=f"the surplus is that of {terms.customer.supplier}, not of the utility",
        ),
        source=file.source,
        start=start,
        fee=_fee(file, terms, start),
        fee_due=Due.NOW if has_charges and choice("interconnection_fee_due") == "first_bill" else Due.NOTED,
        payments=terms.payment,
        not_included=file.not_included,
        notes=tuple(_told(file, terms)),
    )


def nem_start(terms: AccountTerms, rule: NemStart, cycles: Sequence[Cycle]) -> date | None:
    """The first local day whose exports count; None where permission to operate is not stated."""
    pto = None if terms.generator is None else terms.generator.pto
    holding = next((one for one in cycles if pto is not None and one.first_day <= pto <= one.last_day), None)
    if pto is None or holding is None or rule is NemStart.PTO or holding.first_day == pto:
        return pto
    return holding.first_day if rule is NemStart.READ_BEFORE_PTO else holding.last_day + _ONE_DAY


def split_at(cycles: Sequence[Cycle], day: date | None) -> tuple[Cycle, ...]:
    """The cycles, the one that `day` lies within cut so that `day` begins a cycle of its own (F.6)."""
    parts: list[Cycle] = []
    for one in cycles:
        if day is not None and one.first_day < day <= one.last_day:
            parts.extend((Cycle(one.first_day, day - _ONE_DAY), Cycle(day, one.last_day)))
        else:
            parts.append(one)
    return tuple(parts)


def nem_opening(rules: NemRules, opening: Opening | None, *, cycles_before: int = 0, whole: bool = True) -> NemState:
    """What the first cycle begins with. `cycles_before`: of its Relevant Period; `whole`: it begins with this cycle."""
    if opening is None:
        return NemState(whole=whole)
    bank = opening.banks.get(ENERGY_BANK, ZERO)
    is_monthly = rules.energy_due is EnergyDue.MONTHLY
    return NemState(
        cycles=cycles_before,
        energy=opening.energy_charges,
        non_bypassable=opening.non_bypassable_charges,
        minimums=opening.minimums_billed,
        import_milliwh=_milliwh(opening.import_kwh),
        export_milliwh=_milliwh(opening.export_kwh),
        bank=bank,
        # What was charged less what was credited: paid less what the bank holds now.
        paid=max(ZERO, opening.energy_charges + bank) if is_monthly else ZERO,
        carried_milliwh=_milliwh(opening.banks.get(SURPLUS_BANK, ZERO)),
        bill_credit=opening.banks.get(BILL_CREDIT, ZERO),
    )


def _netting(file: ProgrammeFile, terms: AccountTerms) -> NettingInterval:
    """The utility's own interval (A-1): 15 minutes or an hour, never shorter or longer."""
    given = terms.billing.netting_interval
    if given is None:
        return NettingInterval(file.choice("netting_interval", terms.customer.utility, terms.choices))
    option = next(one for one in file.option if one.name == "netting_interval")
    if given not in option.values:
        values = " or ".join(option.values)
        raise PriceError(
            f"billing.netting_interval is {given}, but {file.name} charges non-bypassable parts on {values}; "
            "take that of the utility's own interval data"
        )
    return given


def _told(file: ProgrammeFile, terms: AccountTerms) -> Iterator[str]:
    """The defaults that decided money, each with its reason."""
    for option in file.option:
        is_given = option.name in terms.choices or (
            option.name == "netting_interval" and terms.billing.netting_interval is not None
        )
        if option.name in _TOLD and not is_given:
            value = file.choice(option.name, terms.customer.utility, terms.choices, terms.customer.kind)
            yield f"{option.name} = {value} (not chosen): {option.note}"


def _fee(file: ProgrammeFile, terms: AccountTerms, start: date | None) -> Figure | None:
    if start is None:
        return None
    application = None if terms.generator is None else terms.generator.application
    try:
        return file.figure_on("interconnection_fee", terms.customer.utility, application or start)
    except NotKnownError:
        return None


def _milliwh(kwh: Decimal) -> int:
    return int(kwh.scaleb(MILLIWH_PER_KWH_PLACES))
