"""Net metering with kilowatt-hours carried over: a bucket's surplus sets off later cycles. SAM's option 0.

The kWh banks (one a bucket) and the year's surplus of all buckets together are two counts: at the true-up the second
one is paid for and the banks are emptied, so a customer may pay peak deficits and be paid for surplus in one year.
Where the engine's way is no utility's, an option says so. (net-metering 3.1)
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from ..charges import PriceError, Prices, printed_total
from ..lines import BankMove, BankUnit, Due, Line, LineKind, energy_line
from ..money import ZERO, kwh
from ..netting import NettingInterval
from ..period import Period, Settled
from .carry import SameClockHour, Transfer, transfers
from .generic import (
    MONEY_BANK,
    NO_BILLS,
    GenericRules,
    YearBills,
    bank_line,
    skipped_minimum,
    standing_lines,
    taken_line,
)
from .generic_netting import net_by_bucket, shares_of

KWH_BANK = "kwh"
SURPLUS_BANK = "year_surplus_kwh"
_ONE_DAY = timedelta(days=1)


class YearSurplus(StrEnum):
    """What becomes of the money for the year's surplus."""

    PAID_OUT = "paid_out"
    BILL_CREDIT = "bill_credit"
    """It pays the closing cycle's energy and that of later ones."""


@dataclass(frozen=True, slots=True)
class KwhRules:
    """What an account decides besides."""

    year_surplus: YearSurplus
    january_is_counted: bool
    carrier: SameClockHour | None
    """None: surplus stays in its own bucket."""


@dataclass(frozen=True, slots=True)
class KwhState:
    """What a cycle hands to the next, milliwatt-hours by bucket."""

    whole: bool = True
    started: bool = False
    """Whether a cycle was settled before."""
    fresh: bool = True
    """Whether a Relevant Period begins."""
    banks_milliwh: dict[str, int] = field(default_factory=dict)
    surplus_milliwh: int = 0
    """Of all buckets together since the last true-up, never below zero."""
    bank: Decimal = ZERO
    year: YearBills = NO_BILLS


class NetMeteringKwh:
    """Option 0 (`period.Programme`)."""

    netting = NettingInterval.NONE

    def __init__(self, rules: GenericRules, kwh_rules: KwhRules, prices: Prices) -> None:
        self.name = rules.name
        self.rules = rules
        self.kwh_rules = kwh_rules
        self.prices = prices

    def settle(self, state: KwhState, period: Period) -> tuple[KwhState, Settled]:
        """One cycle: each bucket's net less what it had in store is billed; surplus is stored."""
        nets = net_by_bucket(period.energy)
        moved = transfers(state.banks_milliwh, self.kwh_rules.carrier, period.cycle)
        moves, billed, stored = _stored(state.banks_milliwh, moved, nets)
        taken = [taken_line(one, self.prices, "Net energy") for one in shares_of(period.energy, billed, 1)]
        surplus = self._surplus(state, period)
        charge, credit = printed_total(taken), self._credit(state, period, surplus)
        earned = ZERO if credit is None else -credit.amount
        used = min(state.bank + earned, charge)
        banks = [*moves, _year_move(state.surplus_milliwh, surplus)]
        paid = bank_line("bank.credit", "Paid from credits", -used, self.prices, self.rules.source)
        if state.bank or earned:
            banks.append(BankMove(MONEY_BANK, BankUnit.MONEY, state.bank, earned=earned, used=used))
        standing, year = standing_lines(period, self.prices, self.rules, charge - used, state.year)
        after = replace(
            state,
            started=True,
            fresh=False,
            banks_milliwh=stored,
            surplus_milliwh=surplus,
            bank=state.bank + earned - used,
            year=year,
        )
        notes = (*self.rules.notes, *(str(one) for one in moved), *skipped_minimum(period, self.rules, state.year))
        lines = (*taken, *([] if credit is None else [credit]), *paid, *standing)
        return after, Settled(lines, tuple(banks), notes)

    def true_up(self, state: KwhState, period: Period) -> tuple[KwhState, Settled]:
        """The year's surplus is paid for, and the kWh banks are emptied."""
        fresh = replace(state, whole=True, fresh=True, banks_milliwh={}, surplus_milliwh=0)
        if not state.whole:
            note = "no true-up: this account does not know the Relevant Period from its first day (see [opening])"
            return fresh, Settled((), _emptied(state), (note,))
        lines: tuple[Line, ...] = ()
        if self.kwh_rules.year_surplus is YearSurplus.PAID_OUT and state.surplus_milliwh:
            lines = (self._surplus_line("true_up.surplus", period, state.surplus_milliwh, Due.NOW),)
        return fresh, Settled(lines, _emptied(state))

    def _surplus(self, state: KwhState, period: Period) -> int:
        """The year's surplus after this cycle."""
        if self.leaves_out(state, period):
            return state.surplus_milliwh
        return max(0, state.surplus_milliwh - period.energy.net_milliwh)

    def leaves_out(self, state: KwhState, period: Period) -> bool:
        """Whether a cycle's net is none of the year's surplus: the engine's way with a January inside a year."""
        begins_year = (period.cycle.first_day - _ONE_DAY).year != period.cycle.last_day.year
        return begins_year and state.started and not state.fresh and not self.kwh_rules.january_is_counted

    def _credit(self, state: KwhState, period: Period, surplus_milliwh: int) -> Line | None:
        """The year's surplus as a credit of the closing cycle."""
        if self.kwh_rules.year_surplus is YearSurplus.PAID_OUT or not (period.closes_year and state.whole):
            return None
        if not surplus_milliwh:
            return None
        return self._surplus_line("bank.surplus", period, surplus_milliwh, Due.NOTED)

    def _surplus_line(self, key: str, period: Period, surplus_milliwh: int, due: Due) -> Line:
        block = period.energy.blocks[-1]
        rate = None if block.version is None else block.version.surplus_per_kwh
        if rate is None:
            raise PriceError(
                f"{self.prices.source(block)}: {kwh(surplus_milliwh):f} kWh are left over at the end of the year, and "
                "the tariff does not say what they are paid: name a tariff file of your own whose [[version]] has "
                "surplus_per_kwh (docs/tariffs.md)",
                at=("tariff",),
            )
        return energy_line(
            key,
            "Surplus of the year, all hours together",
            -surplus_milliwh,
            rate,
            self.prices.rounding,
            kind=LineKind.SURPLUS,
            due=due,
            source=self.prices.source(block),
        )


def _stored(
    before: dict[str, int], moved: tuple[Transfer, ...], nets: dict[str, int]
) -> tuple[tuple[BankMove, ...], dict[str, int], dict[str, int]]:
    """Bank movements, what is billed and what is in store after the cycle, by bucket."""
    moves: list[BankMove] = []
    billed: dict[str, int] = {}
    stored: dict[str, int] = {}
    for bucket in dict.fromkeys([*before, *(one.target for one in moved if one.target), *nets]):
        held = before.get(bucket, 0)
        out = sum(one.milliwh for one in moved if one.source == bucket and one.target)
        lost = sum(one.milliwh for one in moved if one.source == bucket and not one.target)
        came = sum(one.milliwh for one in moved if one.target == bucket)
        net = nets.get(bucket, 0)
        used = min(held - out - lost + came, max(0, net))
        billed[bucket] = max(0, net) - used
        move = BankMove(
            f"{KWH_BANK}.{bucket}",
            BankUnit.KWH,
            kwh(held),
            earned=kwh(came + max(0, -net)),
            used=kwh(out + used),
            forfeited=kwh(lost),
        )
        if held or move.earned or move.used:
            moves.append(move)
        left = held - out - lost + came - used + max(0, -net)
        if left:
            stored[bucket] = left
    return tuple(moves), billed, stored


def _year_move(before_milliwh: int, after_milliwh: int) -> BankMove:
    """The year's surplus of all buckets together."""
    grown = kwh(after_milliwh - before_milliwh)
    return BankMove(SURPLUS_BANK, BankUnit.KWH, kwh(before_milliwh), earned=max(ZERO, grown), used=max(ZERO, -grown))


def _emptied(state: KwhState) -> tuple[BankMove, ...]:
    """The kWh banks at the end of a year: the year's surplus is paid for as a whole, not bucket by bucket."""
    whole = kwh(state.surplus_milliwh)
    year = BankMove(SURPLUS_BANK, BankUnit.KWH, whole, **{"paid_out" if state.whole else "forfeited": whole})
    return (
        *(
            BankMove(f"{KWH_BANK}.{bucket}", BankUnit.KWH, kwh(held), forfeited=kwh(held))
            for bucket, held in state.banks_milliwh.items()
        ),
        year,
    )
