"""The twin of `net_metering_kwh`: kilowatt-hours in a bank a bucket, and the year's surplus of all of them together.

What a cycle bills is what its net and its bank leave of each other, so it may be off by what the bank may be off. A
bank never holds less than nothing: one that is surely used up is sure again. (net-metering 3.1)
"""

from dataclasses import replace
from decimal import Decimal

from ..money import MILLIWH_PER_KWH_PLACES, ZERO, kwh
from ..programmes.generic import MONEY_BANK
from ..programmes.generic_kwh import KWH_BANK, SURPLUS_BANK, KwhState, NetMeteringKwh, YearSurplus
from .billing import PAID, BilledYear
from .ranges import NOTHING, Range, around, spend, sum_of
from .shares import Priced, bucket_of, nets_of, shared_lines
from .told import Step, Told, as_printed, held_or, settled_within

CREDIT = "bank.surplus"


class KwhTwin:
    """Option 0."""

    def __init__(self, programme: NetMeteringKwh, state: KwhState, held: dict[str, Range]) -> None:
        self._programme = programme
        self._year = BilledYear(state.year)
        own = {f"{KWH_BANK}.{bucket}": kwh(one) for bucket, one in state.banks_milliwh.items()}
        own |= {SURPLUS_BANK: kwh(state.surplus_milliwh), MONEY_BANK: state.bank}
        self.banks = {name: held_or(held, name, amount) for name, amount in own.items()}

    def cycle(self, step: Step) -> Told:
        """Each bucket's net less what its bank had is billed; what it gave is stored."""
        programme, period, prices = self._programme, step.bill.period, self._programme.prices
        held, billed = self._moved_over(step), {}
        nets = nets_of(step.energy, bucket_of)
        for bucket in dict.fromkeys([*held, *nets]):
            net, bank = nets.get(bucket, NOTHING), held.get(bucket, NOTHING)
            spent = spend(bank, net.not_below_zero)
            billed[bucket] = spent.left
            self.banks[f"{KWH_BANK}.{bucket}"] = (bank - net).not_below_zero
        exact = shared_lines(step.energy, billed, bucket_of, 1, Priced("energy", prices.retail_in_tier))
        lines = as_printed(exact, step.bill.settled.lines)
        if not programme.leaves_out(step.before, period):
            net_of_all = around(kwh(step.energy.net_milliwh), kwh(step.energy.uncertain_milliwh))
            self.banks[SURPLUS_BANK] = (self.banks[SURPLUS_BANK] - net_of_all).not_below_zero
        earned = self._earned(step)
        spent = spend(self.banks[MONEY_BANK] + earned, sum_of(lines.values()))
        self.banks[MONEY_BANK] = spent.after
        told = self._year.standing(period, prices, programme.rules, spent.left)
        return replace(told, lines={**lines, **told.lines, PAID: -spent.used, CREDIT: -earned}, after=dict(self.banks))

    def close(self, step: Step) -> Told:
        """The year's surplus is paid for; the kWh banks are emptied."""
        surplus = self.banks[SURPLUS_BANK]
        states = [replace(step.after, surplus_milliwh=_milliwh(one)) for one in (surplus.low, surplus.high)]
        told = settled_within(self._programme, states, step)
        self.banks = {SURPLUS_BANK: NOTHING, MONEY_BANK: self.banks[MONEY_BANK]}
        return told

    def _moved_over(self, step: Step) -> dict[str, Range]:
        """What each bucket has as the cycle begins, surplus having gone where its hours went."""
        prefix, carrier = f"{KWH_BANK}.", self._programme.kwh_rules.carrier
        before = {name.removeprefix(prefix): one for name, one in self.banks.items() if name.startswith(prefix)}
        if carrier is None:
            return before
        held: dict[str, Range] = dict.fromkeys(before, NOTHING)
        for bucket, one in before.items():
            target = carrier.target(bucket, step.bill.period.cycle) if one.high else bucket
            if target:
                held[target] = held.get(target, NOTHING) + one
        return held

    def _earned(self, step: Step) -> Range:
        """The year's surplus as a credit of the closing cycle, where it is one."""
        paid_out = self._programme.kwh_rules.year_surplus is YearSurplus.PAID_OUT
        version = step.energy.blocks[-1].version
        if paid_out or not (step.bill.period.closes_year and step.before.whole) or version is None:
            return NOTHING
        return self.banks[SURPLUS_BANK].times(version.surplus_per_kwh or ZERO)


def _milliwh(amount_kwh: Decimal) -> int:
    return int(amount_kwh.scaleb(MILLIWH_PER_KWH_PLACES))
