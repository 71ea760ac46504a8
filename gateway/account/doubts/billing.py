"""The twin of programmes whose bank holds money: net billing, its carry-over, dollar credits, `plain`, two meters.

Energy lines are ranges; a bank pays what it can of them (`ranges.spend`); minimums are the programme's own, at either
end of what is due. (net-metering 3.1)
"""

from dataclasses import replace

from ..charges import Prices, minimum_lines, printed_total
from ..lines import LineKind
from ..money import ZERO
from ..period import Period
from ..programmes.generic import MONEY_BANK, ExportPrice, GenericRules, YearBills, standing_lines
from ..programmes.generic_billing import BillingState, NetBilling, NetBillingCarryover
from ..programmes.generic_usd import NetMeteringUsd
from .ranges import NOTHING, Range, Spent, monotone, spend, sum_of
from .shares import Priced, bucket_of, nets_of, shared_lines
from .told import Step, Told, as_printed, held_or, settled_within, standing_of

MINIMUM, MINIMUM_YEAR, PAID = "minimum", "minimum_year", "bank.credit"
_TOP_UPS = (MINIMUM, MINIMUM_YEAR)


class BilledYear:
    """What a year's bills can have come to: the sums that its minimum is held against, at either end."""

    def __init__(self, year: YearBills) -> None:
        self._ends = (year, year)

    def standing(self, period: Period, prices: Prices, rules: GenericRules, energy: Range) -> Told:
        """What is due in all where so much is due for energy, and the lines up to the minimums."""
        made, ends = [], []
        for owed, year in zip((energy.low, energy.high), self._ends, strict=True):
            standing, after = standing_lines(period, prices, rules, owed, year)
            # What lacks of a minimum is not rounded here: both ends would be, and might change places.
            made.append({line.key: line.exact if line.key in _TOP_UPS else line.amount for line in standing})
            ends.append(after)
        self._ends = (ends[0], ends[1])
        keys = dict.fromkeys(key for one in made for key in one)
        # The more is due, the less it lacks of a minimum: the first end has the greater of them.
        lines = {key: Range(made[1].get(key, ZERO), made[0].get(key, ZERO)) for key in keys}
        cycle = [sum((amount for key, amount in one.items() if key != MINIMUM_YEAR), ZERO) for one in made]
        due = Range(energy.low + cycle[0], energy.high + cycle[1]) + lines.get(MINIMUM_YEAR, NOTHING)
        return Told(due, due, lines)


class BillingTwin:
    """`net_billing`, `buy_all_sell_all`, `feed_in`: every bill for itself."""

    def __init__(self, programme: NetBilling, state: BillingState) -> None:
        self._programme = programme
        self._year = BilledYear(state.year)
        self.banks: dict[str, Range] = {}

    def cycle(self, step: Step) -> Told:
        """Charges less credits."""
        programme, taken, given = self._programme, step.sum_of(LineKind.ENERGY), step.sum_of(LineKind.CREDIT)
        billed = taken if programme.sold_apart else taken + given
        told = self._year.standing(step.bill.period, programme.prices, programme.rules, billed)
        if not programme.sold_apart:
            return told
        return replace(told, due=told.due + given, taxed=told.taxed + given)

    def close(self, step: Step) -> Told:
        """Nothing."""
        assert step.bill.true_up is not None
        return Told(NOTHING, NOTHING)


class CreditTwin:
    """`net_billing_carryover` and `net_metering_usd`: credits wait in a bank."""

    def __init__(
        self, programme: NetBillingCarryover | NetMeteringUsd, state: BillingState, held: dict[str, Range]
    ) -> None:
        self._programme = programme
        self._year = BilledYear(state.year)
        self.banks = {MONEY_BANK: held_or(held, MONEY_BANK, state.bank)}

    def cycle(self, step: Step) -> Told:
        """The bank pays what it can of the charges."""
        programme, lines, bank = self._programme, {}, self.banks[MONEY_BANK]
        if isinstance(programme, NetMeteringUsd):
            taken, given = (as_printed(one, step.bill.settled.lines) for one in _netted(programme, step))
            lines = {**taken, **given}
            spent = spend(bank - sum_of(given.values()), sum_of(taken.values()))
        else:
            charge, earned = step.sum_of(LineKind.ENERGY), -step.sum_of(LineKind.CREDIT)
            spent = self._carried_over(programme, bank, earned, charge)
        self.banks[MONEY_BANK] = spent.after
        told = self._year.standing(step.bill.period, programme.prices, programme.rules, spent.left)
        return replace(told, lines={**lines, **told.lines, PAID: -spent.used}, after=dict(self.banks))

    def close(self, step: Step) -> Told:
        """The bank is paid out, kept or lost."""
        bank = self.banks[MONEY_BANK]
        states = [replace(step.after, bank=each) for each in (bank.low, bank.high)]
        told = settled_within(self._programme, states, step)
        self.banks[MONEY_BANK] = told.after.get(MONEY_BANK, bank)
        return told

    @staticmethod
    def _carried_over(programme: NetBillingCarryover, bank: Range, earned: Range, charge: Range) -> Spent:
        if programme.carryover.same_cycle:
            return spend(bank + earned, charge)
        spent = spend(bank, charge)
        return replace(spent, after=spent.after + earned)


class PlainTwin:
    """No net metering, or what bills like it: a minimum under what was taken."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self.banks: dict[str, Range] = {}

    def cycle(self, step: Step) -> Told:
        """Energy, the minimum, and charges by the day."""
        return up_to_minimum(step, self._prices, step.sum_of(LineKind.ENERGY, LineKind.BASELINE))

    def close(self, step: Step) -> Told:
        """Nothing."""
        assert step.bill.true_up is not None
        return Told(NOTHING, NOTHING)


def up_to_minimum(step: Step, prices: Prices, billed: Range) -> Told:
    """What is due where energy comes to so much, the minimum being a floor under it."""
    minimums = list(minimum_lines(step.energy, prices))
    least, lines = printed_total(minimums), {}
    lacking = NOTHING
    if minimums:
        lacking = monotone(lambda energy: max(ZERO, least - energy), (), (billed,))
        lines = {MINIMUM: lacking}
    whole = monotone(lambda energy: max(least, energy), (billed,)) if minimums else billed
    due = whole + standing_of(step, MINIMUM)
    return Told(due, due, lines)


def _netted(programme: NetMeteringUsd, step: Step) -> tuple[dict[str, Range], dict[str, Range]]:
    """Each bucket's deficit at its price, its surplus at that of exports."""
    prices, nets = programme.prices, nets_of(step.energy, bucket_of)
    credit = prices.export if programme.rules.export_price is ExportPrice.TARIFF else prices.retail_in_tier
    deficits = {bucket: net.not_below_zero for bucket, net in nets.items()}
    surpluses = {bucket: (-net).not_below_zero for bucket, net in nets.items()}
    taken = Priced("energy", prices.retail_in_tier)
    given = Priced("export", lambda cell, tier: -credit(cell, tier))
    return (
        shared_lines(step.energy, deficits, bucket_of, 1, taken),
        shared_lines(step.energy, surpluses, bucket_of, -1, given),
    )
