"""The end of a Pennsylvanian year: what is left in the banks is paid at the price to compare, or lost.

The utility's own customer is paid remaining kWh x price to compare (supply and transmission, never distribution): the
average weighted by each month's surplus, that of 31 May, or that of the closing bill's last day. A supplier's customer
is paid nothing for what the distribution bank holds. Without the price by component the payment is refused, with the
reason; never guessed.
(net-metering 1.5; corrections A-11)
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from ...tariff.types import bucket_name
from ..charges import PriceError, Prices
from ..lines import BankMove, BankUnit, Due, Line, LineKind, Scope, money_line
from ..money import ZERO, divided, kwh, kwh_text, to_step
from ..period import Period, Settled
from ..year_ends import last_day_of_year
from .pa_state import Excess, PaRules, PaState, PtcMethod, Stranded
from .pa_supplier import Contract, Ended, ended

CYCLES_A_YEAR = 12
_FINE = Decimal("1e-12")
_SIX = Decimal("0.000001")


def close_year(
    rules: PaRules, prices: Prices, contract: Contract | None, state: PaState, period: Period
) -> tuple[PaState, Settled]:
    """The state that begins the next year, and what the one that ends comes to."""
    lines: list[Line] = []
    notes: list[str] = []
    left = {one: held for one, held in state.banks.items() if held}
    if left and rules.supplier:
        notes.append(f"{_all(left)} kWh of the distribution bank are left, zeroed and not paid: 75.13(f)")
    elif left:
        lines = [_payment(rules, prices, state, period, name) for name in left]
        pending = [one for one in lines if one.kind is LineKind.NOT_INCLUDED]
        notes += list(dict.fromkeys(f"{one.label}: {one.source}" for one in pending))
    if state.has_holes and left:
        notes.append("what is left of the year is incomplete: not all energy of it is known")
    stranded, told = _stranded(rules, state, prices, period.number)
    what = "forfeited" if rules.supplier else "paid_out"
    banks = [
        BankMove(f"{rules.bank}.{name}", BankUnit.KWH, kwh(held), **{what: kwh(held)}) for name, held in left.items()
    ]
    own = Ended({}) if contract is None else ended(contract, state.generation, period, state.uncertain_milliwh)
    generation, moved = own.banks, own.moves
    lines, notes = [*lines, *own.lines], [*notes, *own.notes]
    full = state.whole and period.number >= CYCLES_A_YEAR
    after = PaState(generation=generation, before_milliwh=state.import_milliwh if full else 0)
    return after, Settled((*lines, *stranded), (*banks, *moved), (*notes, *told))


def _payment(rules: PaRules, prices: Prices, state: PaState, period: Period, name: str) -> Line:
    """What one period's bank is paid, or why that is pending."""
    held = state.banks[name]
    label = f"Price to compare for {kwh_text(held)} kWh left, {name.replace('_', ' ')}"
    if not state.whole:
        why = "the year is not known from its first day: state the bank and excess_kwh, excess_worth in [opening.banks]"
        return _pending(name, label, why)
    try:
        price, source = _price(rules, prices, state, period, name)
    except PriceError as error:
        return _pending(name, label, str(error))
    exact = to_step(divided(kwh(held) * price[0], price[1]), _FINE)
    rate = to_step(divided(price[0], price[1]), _FINE)
    line = money_line(
        f"true_up.surplus.{name}",
        f"{label}, at {to_step(rate, _SIX):f}",
        -exact,
        prices.rounding,
        kind=LineKind.SURPLUS,
        due=Due.NOW,
        scope=Scope.GENERATION,
        source=source,
    )
    doubt = kwh(state.uncertain_milliwh) * rate
    return replace(line, quantity=-kwh(held), unit="kWh", uncertain_worth=min(doubt, exact))


def _price(
    rules: PaRules, prices: Prices, state: PaState, period: Period, name: str
) -> tuple[tuple[Decimal, Decimal], str]:
    """A price to compare as dollars and the kilowatt-hours that they are for; and its source."""
    if rules.ptc_method is not PtcMethod.WEIGHTED:
        by_bill = rules.ptc_method is PtcMethod.AT_CLOSING_DAY
        day = period.cycle.last_day if by_bill else last_day_of_year(period.cycle)
        block = next(one for one in period.energy.blocks if one.first_day <= day <= one.last_day)
        assert block.version is not None
        bucket = bucket_name("" if block.season is None else block.season.name, name)
        return (prices.price_to_compare_in(block.version, bucket), Decimal(1)), prices.source(block)
    excess = state.excess.get(name, Excess())
    if state.unweighted or not excess.milliwh:
        raise PriceError(state.unweighted or "no surplus of this year is known: state excess_kwh and excess_worth")
    return (excess.worth, kwh(excess.milliwh)), "75.13(e): weighted by each month's surplus"


def _stranded(rules: PaRules, state: PaState, prices: Prices, cycles: int) -> tuple[list[Line], list[str]]:
    """10 % or more purchased less than in the period before: a flag, and a share where the account states one."""
    before = state.before_milliwh if state.before_milliwh is not None else rules.base_year_milliwh
    if before is None or not state.whole or cycles < CYCLES_A_YEAR:
        return [], []
    if not before:
        return [], ["this year's purchases are held against none: the period before was no whole year, or had none"]
    if state.import_milliwh * 100 > before * (100 - rules.stranded_percent):
        return [], []
    purchased = f"{kwh_text(state.import_milliwh)} kWh were purchased, {kwh_text(before)} in the period before"
    flag = f"{purchased}: {rules.stranded_percent:f} % or more less"
    if rules.stranded is Stranded.NOT_OF_RESIDENTIAL:
        return [], [f"{flag}; document 002 has such customers share stranded cost, 75.15 not residential ones: 0"]
    line = money_line(
        "true_up.stranded",
        "Share of stranded cost, as the account states it",
        rules.stranded_share,
        prices.rounding,
        kind=LineKind.ADJUSTMENT,
        due=Due.NOW,
        source="75.15",
    )
    return [line], [
        f"{flag}: the utility may ask for a share of stranded cost (75.15); these charges have ended long ago"
    ]


def _all(banks: Mapping[str, int]) -> str:
    return kwh_text(sum(banks.values()))


def _pending(name: str, label: str, why: str) -> Line:
    return Line(
        key=f"true_up.surplus.{name}",
        label=f"{label}: pending",
        kind=LineKind.NOT_INCLUDED,
        due=Due.NOTED,
        exact=ZERO,
        amount=ZERO,
        scope=Scope.GENERATION,
        source=why,
    )
