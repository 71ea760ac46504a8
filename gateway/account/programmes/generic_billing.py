"""Net billing: each stored interval's import at the full price, its export at the price of exports. SAM's options 2-4.

`net_billing` (2): credits are set against the same cycle, which may end below zero. `net_billing_carryover` (3):
credits pay energy of later cycles; what is left when the year ends is paid out or lost. `buy_all_sell_all` (4): the
same as 2 on a meter of the whole load and one of the whole production. (net-metering 3.1)
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from ..cells import CycleEnergy
from ..charges import Prices, printed_total
from ..lines import BankMove, BankUnit, Due, Line, LineKind, money_line
from ..money import ZERO
from ..netting import NettingInterval
from ..period import Period, Settled
from .generic import (
    MONEY_BANK,
    NO_BILLS,
    GenericRules,
    YearBills,
    bank_line,
    energy_lines,
    export_lines,
    skipped_minimum,
    standing_lines,
)


@dataclass(frozen=True, slots=True)
class BillingState:
    """What a cycle hands to the next. `bank`: credits not spent, as printed."""

    whole: bool = True
    bank: Decimal = ZERO
    year: YearBills = NO_BILLS


class NetBilling:
    """Options 2 and 4 (`period.Programme`)."""

    netting = NettingInterval.NONE

    def __init__(self, rules: GenericRules, prices: Prices, *, sold_apart: bool = False) -> None:
        self.name = rules.name
        self.rules = rules
        self.prices = prices
        self.sold_apart = sold_apart
        """Whether sales are another meter's bill: then a minimum looks at what was taken alone."""

    def settle(self, state: BillingState, period: Period) -> tuple[BillingState, Settled]:
        """One cycle: charges, credits, and what no energy makes."""
        taken = energy_lines(period.energy, self.prices, self.rules.import_price)
        given = self.given(period.energy)
        billed = printed_total(taken if self.sold_apart else [*taken, *given])
        standing, year = standing_lines(period, self.prices, self.rules, billed, state.year)
        notes = (*self.rules.notes, *skipped_minimum(period, self.rules, state.year))
        return replace(state, year=year), Settled((*taken, *given, *standing), notes=notes)

    def given(self, energy: CycleEnergy) -> list[Line]:
        """The credits of a cycle."""
        return export_lines(energy, self.prices, self.rules.export_price, Due.NOW)

    def true_up(self, state: BillingState, period: Period) -> tuple[BillingState, Settled]:
        """Every cycle stands for itself: there is nothing to settle."""
        assert period.closes_year
        return state, Settled(())


@dataclass(frozen=True, slots=True)
class CarryoverRules:
    """What an account decides besides."""

    same_cycle: bool
    """Whether a credit pays charges of the cycle that earned it."""
    expires: bool
    """Whether credits left at the end of a year are lost."""


class NetBillingCarryover:
    """Option 3 (`period.Programme`)."""

    netting = NettingInterval.NONE

    def __init__(self, rules: GenericRules, carryover: CarryoverRules, prices: Prices) -> None:
        self.name = rules.name
        self.rules = rules
        self.carryover = carryover
        self.prices = prices

    def settle(self, state: BillingState, period: Period) -> tuple[BillingState, Settled]:
        """One cycle: charges less what the bank pays of them; credits go into the bank."""
        taken = energy_lines(period.energy, self.prices, self.rules.import_price)
        given = export_lines(period.energy, self.prices, self.rules.export_price, Due.NOTED)
        charge, earned = printed_total(taken), -printed_total(given)
        usable = state.bank + (earned if self.carryover.same_cycle else ZERO)
        used = max(ZERO, min(usable, charge))
        move = bank_move(state.bank, earned, used)
        paid = bank_line("bank.credit", "Paid from credits", -used, self.prices, self.rules.source)
        standing, year = standing_lines(period, self.prices, self.rules, charge - used, state.year)
        notes = (*self.rules.notes, *skipped_minimum(period, self.rules, state.year))
        settled = Settled((*taken, *given, *paid, *standing), (move,), notes)
        return replace(state, bank=move.after, year=year), settled

    def true_up(self, state: BillingState, period: Period) -> tuple[BillingState, Settled]:
        """What is left in the bank is paid out, or lost."""
        assert period.closes_year
        return close_bank(state, self.prices, self.rules.source, expires=self.carryover.expires)


def bank_move(before: Decimal, earned: Decimal, used: Decimal) -> BankMove:
    """The money bank in one cycle. Credits below zero (a price of exports below zero) take from it."""
    if earned < 0:
        return BankMove(MONEY_BANK, BankUnit.MONEY, before, used=used - earned)
    return BankMove(MONEY_BANK, BankUnit.MONEY, before, earned=earned, used=used)


def close_bank(state: BillingState, prices: Prices, source: str, *, expires: bool) -> tuple[BillingState, Settled]:
    """The end of a year for a money bank."""
    if not state.whole:
        note = "no true-up: this account does not know the Relevant Period from its first day (see [opening])"
        return replace(state, whole=True), Settled((), notes=(note,))
    left = max(ZERO, state.bank)
    if not left:
        return state, Settled(())
    paid_out, forfeited = (ZERO, left) if expires else (left, ZERO)
    move = BankMove(MONEY_BANK, BankUnit.MONEY, state.bank, paid_out=paid_out, forfeited=forfeited)
    lines: tuple[Line, ...] = ()
    if paid_out:
        label, kind = "Credits left at the end of the year, paid out", LineKind.ADJUSTMENT
        lines = (
            money_line("true_up.paid_out", label, -paid_out, prices.rounding, kind=kind, due=Due.NOW, source=source),
        )
    return replace(state, bank=move.after), Settled(lines, (move,))
