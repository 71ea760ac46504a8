"""Laws of the Net Billing banks, for any months: nothing is made or lost, each scope pays its own, order as stated.

The recurrences are written out here a second time, in integer cents, without anything of the programme.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.account.lines import Due
from gateway.account.money import exactly
from gateway.account.programmes.nbt_banks import BANKS, SCOPES, Charges, Purse, spend
from gateway.account.statement import Statement

from .energies import table
from .net_billing import account_text, bills, flat, write_table

cents = st.integers(0, 50_000)
months = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40)), min_size=12, max_size=14)
"""Of each month: kWh taken off peak, kWh taken at peak, kWh given."""


def money(amount: int) -> Decimal:
    return Decimal(amount).scaleb(-2)


@given(st.tuples(cents, cents, cents), st.tuples(cents, cents, cents, cents))
def test_banks_pay_what_the_statement_says_they_pay(held: tuple[int, ...], owed: tuple[int, ...]) -> None:
    with exactly():
        purse, charges = Purse(*map(money, held)), Charges(*map(money, owed))
        spent = spend(purse, charges)
    generation, delivery = min(held[0], owed[0]), min(held[1], owed[1])
    rest = [owed[0] - generation, owed[1] - delivery, owed[2], owed[3]]
    bonus = min(held[2], sum(rest))
    by_bonus, left = [], bonus
    for one in rest:
        by_bonus.append(min(one, left))
        left -= by_bonus[-1]
    assert spent.banks == Purse(money(generation), money(delivery), money(bonus))
    assert [spent.paid.of(scope) for scope in SCOPES] == [
        money(generation + by_bonus[0]),
        money(delivery + by_bonus[1]),
        money(by_bonus[2]),
        money(by_bonus[3]),
    ]


@given(st.tuples(cents, cents, cents), st.tuples(cents, cents, cents, cents))
def test_what_banks_pay_leaves_them(held: tuple[int, ...], owed: tuple[int, ...]) -> None:
    with exactly():
        purse, charges = Purse(*map(money, held)), Charges(*map(money, owed))
        spent = spend(purse, charges)
        assert sum(spent.banks.of(bank) for bank in BANKS) == spent.paid.sum
        left = charges.minus(spent.paid)
    assert min(left.of(scope) for scope in SCOPES) >= 0
    # A scoped credit is left only where its own charges are all paid; a bonus only where nothing is left to pay.
    after = purse.minus(spent.banks)
    assert not (after.generation and left.generation)
    assert not (after.delivery and left.delivery)
    assert not (after.bonus and left.sum)


@cache
def folder() -> Path:
    """Prices and tariff as files, made once; the directory goes with the process."""
    holder = TemporaryDirectory(prefix="nbt-laws-")
    _HOLDERS.append(holder)
    write_table(Path(holder.name), flat("0.07", "0.02"))
    return Path(holder.name)


_HOLDERS: list[TemporaryDirectory[str]] = []


def year_of(energies: list[tuple[int, int, int]]) -> list[Statement]:
    """The bills of months whose energy flows on their first day: at 02:00, at 17:00 and at 12:00."""
    rows: list[tuple[int, int]] = []
    for number, (low, peak, gift) in enumerate(energies):
        begin = date(2025 + number // 12, number % 12 + 1, 1)
        end = date(2025 + (number + 1) // 12, (number + 1) % 12 + 1, 1)
        # The clock is set on 9 March and 2 November 2025, never on a first.
        hours = [(0, 0)] * ((end - begin).days * 24 + {3: -1, 11: 1}.get(begin.month, 0))
        hours[2], hours[12], hours[17] = (low * 1000, 0), (0, gift * 1000), (peak * 1000, 0)
        rows += hours
    adder = "[[export_adder]]\nname='b'\nper_kwh='0.01'\nbank='bonus'\nsource='s'\nfrom=2025-01-01\n"
    choices = 'acc_plus="none"\nsurplus_payout="check"'
    text = account_text(folder(), pto=date(2025, 1, 1), choices=choices, more=adder)
    return bills(folder(), text, table("2025-01-01T00:00", 60, rows))


@dataclass
class Book:
    """The recurrence in integer cents: generation, delivery, bonus; cash paid by scope; credit earned."""

    held: list[int]
    paid: list[int]
    earned: list[int]

    def month(self, low: int, peak: int, gift: int) -> int:
        """What is due of a month. Every product is a whole number of cents."""
        charges = [15 * (low + peak), 12 * low + 22 * peak, 3 * (low + peak)]
        credit = [7 * gift, 2 * gift, gift]
        self.held = [one + more for one, more in zip(self.held, credit, strict=True)]
        self.earned = [one + more for one, more in zip(self.earned, credit, strict=False)]
        used = [min(self.held[at], charges[at]) for at in range(2)]
        rest = [charges[0] - used[0], charges[1] - used[1], charges[2]]
        bonus = min(self.held[2], sum(rest))
        self.held = [self.held[0] - used[0], self.held[1] - used[1], self.held[2] - bonus]
        self.paid = [one + more for one, more in zip(self.paid, without(rest, bonus), strict=True)]
        return sum(rest) - bonus

    def year_end(self, taken: int, gift: int) -> tuple[list[int], list[int]]:
        """(paid back, taken back) of each bank."""
        back = [min(self.held[at], self.paid[at]) for at in range(2)]
        rest = [self.paid[0] - back[0], self.paid[1] - back[1], self.paid[2]]
        back.append(min(self.held[2], sum(rest)))
        surplus = max(0, gift - taken)
        asked = [(2 * self.earned[at] * surplus + gift) // (2 * gift) if surplus else 0 for at in range(2)]
        return back, [*(min(asked[at], self.held[at] - back[at]) for at in range(2)), 0]


def without(charges: list[int], bonus: int) -> list[int]:
    """What is left of charges after a bonus pays them in order."""
    left = []
    for one in charges:
        left.append(one - min(one, bonus))
        bonus -= min(one, bonus)
    return left


@settings(max_examples=15)
@given(months)
def test_a_years_banks_follow_the_recurrence(energies: list[tuple[int, int, int]]) -> None:
    """bank(t+1) = bank(t) + earned - used; due = charges - used; and the year's end, in integer cents."""
    made, book = year_of(energies), Book([0, 0, 0], [0, 0, 0], [0, 0])
    for number, month in enumerate(energies[:12]):
        due, settled = book.month(*month), made[number].bill.settled
        assert settled.due(Due.NOW) == money(due)
        after = {move.name: move.after for move in settled.banks}
        assert [after.get(f"{name}_credit", Decimal(0)) for name in BANKS] == [money(one) for one in book.held]
    back, taken_back = book.year_end(
        sum(one[0] + one[1] for one in energies[:12]), sum(one[2] for one in energies[:12])
    )
    closing = made[11].bill.true_up
    assert closing is not None
    moved = {move.name: move for move in closing.banks}
    for at, name in enumerate(BANKS):
        if book.held[at]:
            move = moved[f"{name}_credit"]
            assert (move.paid_out, move.used) == (money(back[at]), money(taken_back[at]))
            assert move.after == money(book.held[at] - back[at] - taken_back[at])
    if len(energies) > 12:
        opening = {move.name: move.before for move in made[12].bill.settled.banks}
        for at, name in enumerate(BANKS):
            if left := book.held[at] - back[at] - taken_back[at]:
                assert opening[f"{name}_credit"] == money(left)
