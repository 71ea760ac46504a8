"""The end of a Net Billing year: what credits pay back, what surplus takes back and earns, what rolls over or is lost.

In this order for each bank: pay back cash that was paid earlier in the year for what the bank may pay; where a complete
year exported more than it imported, take back the credit for the surplus at the year's average (from the bank, then
from the payment for the surplus, never below zero); keep the rest, or lose it where the utility does. The bonus is
never taken back, and is paid out when the customer leaves. (net-metering 1.3; corrections A-7, A-8, F.2)
"""

from dataclasses import replace
from decimal import Decimal

from ..lines import BankMove, BankUnit, Due, Line, LineKind, money_line
from ..money import ZERO, Rounding, divided, kwh, kwh_text, rounded, to_step, total
from ..period import Period, Settled
from .nbt_banks import BANKS, SCOPES, Charges, Purse, spend
from .nbt_state import Leftover, NbtRules, NbtState, PayBack
from .surplus import Payout, Surplus, Year, surplus_lines

SCOPED = ("generation", "delivery")
_FINE = Decimal("1e-12")
"""Where nothing is rounded, so far an average is told: the banks go on exactly from it."""


def bank_name(bank: str) -> str:
    """What a statement and `[opening]` call it."""
    return f"{bank}_credit"


def close_year(rules: NbtRules, rounding: Rounding, state: NbtState, period: Period) -> tuple[NbtState, Settled]:
    """The state that begins the next Relevant Period, and the true-up's lines."""
    if not state.whole and not period.leaves:
        note = f"{_NOT_KNOWN}; the banks go on as they are"
        return NbtState(purse=state.purse, bill_credit=state.bill_credit), Settled((), notes=(note,))
    close = _Close(rules, rounding, state, period)
    if not state.whole:
        close.keep_or_lose()
        note = f"{_NOT_KNOWN}; what its credits pay back of the year is not known, and the utility owes that besides"
        after = NbtState(bill_credit=state.bill_credit)
        return after, Settled(tuple(close.lines), close.moves(), (note, *close.notes))
    close.pay_back()
    surplus = close.surplus()
    close.keep_or_lose()
    after = NbtState(
        purse=close.purse,
        carried_milliwh=surplus.carried_milliwh,
        bill_credit=state.bill_credit + surplus.bill_credit,
    )
    banks = (*close.moves(), *surplus.banks)
    return after, Settled(tuple(close.lines), banks, (*close.notes, *surplus.notes))


class _Close:
    """Lines in the order in which they are printed; `purse` is what the banks still hold."""

    def __init__(self, rules: NbtRules, rounding: Rounding, state: NbtState, period: Period) -> None:
        self._rules = rules
        self._rounding = rounding
        self._state = state
        self._period = period
        self.purse = state.purse
        self._paid_back = Purse()
        self._taken_back = Purse()
        self._lost = Purse()
        self.lines: list[Line] = []
        self.notes: list[str] = []

    def pay_back(self) -> None:
        """Credits that no charge met in its own month meet those of the months before."""
        rules, state = self._rules, self._state
        if rules.pay_back is PayBack.NONE:
            return
        bonus_scopes = rules.bonus_scopes if rules.pay_back is PayBack.ALL_BANKS else ()
        paid = Charges(*(max(ZERO, state.paid.of(scope)) for scope in SCOPES))
        back = spend(self.purse, paid, bonus_scopes)
        for scope in SCOPES:
            if back.paid.of(scope):
                label = f"Paid back from credits: {_WORDS[scope]} charges of this year, paid {paid.of(scope):f}"
                self._add(f"true_up.paid_back.{scope}", label, -back.paid.of(scope))
        self._paid_back = back.banks
        self.purse = self.purse.minus(back.banks)
        if not state.knows_paid and any(self.purse.of(bank) for bank in BANKS):
            self.notes.append(
                "what was paid in cash before the account opened is not known, so no credit pays it back here; "
                "the utility's true-up may: state it in [opening.paid]"
            )

    def surplus(self) -> Surplus:
        """What the year's surplus earns, after the credit for it is taken back."""
        first = surplus_lines(self._rules.surplus, self._year(ZERO), self._rounding)
        payment = -total(line.amount for line in first.lines if line.key == "true_up.surplus")
        if not self._is_reversed(first):
            done = surplus_lines(self._rules.surplus, self._year(self._due), self._rounding)
            self.lines += done.lines
            return done
        due, rest = self._due, self._take_back()
        from_payment = min(rest, payment)
        if from_payment:
            label = "Credit for the surplus, taken back from its payment where the banks had none left"
            # As the payment that it is taken from: no charge, and no tax is due on it.
            self._add("true_up.reversal", label, from_payment, kind=LineKind.SURPLUS)
        if rest > from_payment:
            is_pending = any(line.kind is LineKind.NOT_INCLUDED for line in first.lines)
            self.notes.append(
                f"{rest - from_payment:f} of the credit for the surplus "
                + (_PAYMENT_WILL if is_pending else _NOBODY_HAS)
            )
        year = replace(self._year(due), taken_back=from_payment)
        done = surplus_lines(self._rules.surplus, year, self._rounding)
        self.lines += done.lines
        return done

    def keep_or_lose(self) -> None:
        """What is left goes over, is lost where the utility's rule is so, and is settled where the customer goes."""
        if self._period.leaves and self.purse.bonus:
            self._add(
                "true_up.bonus_paid_out", "Bonus credits, paid out with the end of this programme", -self.purse.bonus
            )
            self._paid_back = self._paid_back.plus(Purse(bonus=self.purse.bonus))
            self.purse = self.purse.minus(Purse(bonus=self.purse.bonus))
        if not self._period.leaves and self._rules.leftover is Leftover.ROLLOVER:
            return
        self._lost = Purse(self.purse.generation, self.purse.delivery)
        self.purse = self.purse.minus(self._lost)
        lost = self._lost.generation + self._lost.delivery
        if lost:
            why = "the programme ends here" if self._period.leaves else "this utility's year begins with none"
            self.notes.append(f"generation and delivery credits of {lost:f} are left and lost: {why}")

    def moves(self) -> tuple[BankMove, ...]:
        """What became of each bank that held something."""
        return tuple(
            BankMove(
                bank_name(bank),
                BankUnit.MONEY,
                self._state.purse.of(bank),
                used=self._taken_back.of(bank),
                paid_out=self._paid_back.of(bank),
                forfeited=self._lost.of(bank),
            )
            for bank in BANKS
            if self._state.purse.of(bank)
        )

    @property
    def _due(self) -> Decimal:
        """What the closing bill comes to so far."""
        return self._state.last_due + total(line.amount for line in self.lines if line.due is Due.NOW)

    def _year(self, due: Decimal) -> Year:
        state = self._state
        return Year(
            state.import_milliwh,
            state.export_milliwh,
            state.carried_milliwh,
            state.cycles,
            self._period.cycle,
            due=due,
            bill_credit=state.bill_credit,
            knows_energy=state.knows_energy,
        )

    def _is_reversed(self, surplus: Surplus) -> bool:
        """Only what is paid for, or will be, is taken back; a surplus that is rolled over is not."""
        state, rule = self._state, self._rules.surplus
        if not self._rules.reverses or not surplus.lines or rule.payout is Payout.ROLLOVER_KWH:
            return False
        if not state.knows_energy or not state.export_milliwh:
            return False
        if not state.knows_earned:
            self.notes.append(
                "the credit for the surplus is not taken back here: what this year earned before the account opened "
                "is not known, and the utility does take it back: state it in [opening.earned]"
            )
            return False
        return True

    def _take_back(self) -> Decimal:
        """surplus x (credit earned / exported), each bank its own; returns what the banks did not have."""
        state, taken, rest = self._state, {}, ZERO
        surplus_milliwh = min(self._year(ZERO).surplus_milliwh, state.export_milliwh)
        for bank in SCOPED:
            earned = state.earned.of(bank)
            exact = divided(earned * surplus_milliwh, Decimal(state.export_milliwh))
            amount = rounded(exact, self._rounding) if self._rounding is Rounding.CENT else to_step(exact, _FINE)
            taken[bank] = min(amount, self.purse.of(bank))
            rest += amount - taken[bank]
            if amount:
                label = (
                    f"Credit for {kwh_text(surplus_milliwh)} kWh of surplus taken back, {bank}: {earned:f} earned for "
                    f"{kwh(state.export_milliwh).normalize():f} kWh, of it {taken[bank]:f} from the bank"
                )
                self._add(f"true_up.reversal.{bank}", label, amount, Due.NOTED)
        self._taken_back = Purse(taken["generation"], taken["delivery"])
        self.purse = self.purse.minus(self._taken_back)
        return rest

    def _add(
        self, key: str, label: str, amount: Decimal, due: Due = Due.NOW, kind: LineKind = LineKind.ADJUSTMENT
    ) -> None:
        source = self._rules.source
        self.lines.append(money_line(key, label, amount, self._rounding, kind=kind, due=due, source=source))


_NOT_KNOWN = "no true-up: this account does not know the Relevant Period from its first day (see [opening])"
_PAYMENT_WILL = "are taken from its payment, as far as it goes, once its rate is published"
_NOBODY_HAS = "stay: neither bank nor payment has it"
_WORDS = {"generation": "generation", "delivery": "delivery", "non_bypassable": "non-bypassable", "fixed": "fixed"}
