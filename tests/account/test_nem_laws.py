"""Laws of every NEM account, on random houses from their registers: energy, banks, a year's sum, nothing paid unnamed.

The years are short (twelve bills of four days, over the end of summer and the night of 2 November), so that many can
be tried. Each law has a positive control: a spoiled bill is complained of.
"""

import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.account.lines import BankMove, BankUnit, LineKind
from gateway.account.statement import Statement

from ..pipeline.world import tries
from .house import Row, readings
from .laws import Choices, complaints
from .reckon import account_text, reckoned

FIRST = date(2025, 9, 18)
READ = [FIRST + timedelta(days=4 * number) for number in range(14)]
"""Thirteen bills: one after the true-up."""
RATE = Decimal("0.03")

CHOICES = st.builds(
    Choices,
    st.sampled_from(["annual", "monthly"]),
    st.sampled_from(["true_up", "monthly"]),
    st.sampled_from(["previous_cycles", "all_cycles", "none"]),
    st.sampled_from(["credit", "check"]),
)


def house(seed: int, load_percent: int, sun_percent: int) -> list[Row]:
    """Random quarters, some of both directions; and a random hole of up to five hours in the readings."""
    dice = random.Random(seed)

    def quarter(_: int, local: datetime) -> tuple[int, int]:
        load = dice.randrange(400_000) * load_percent // 100
        sun = dice.randrange(900_000) * sun_percent // 100 if 8 <= local.hour < 18 else 0
        both = dice.choice((0, 0, dice.randrange(30_000)))
        return max(0, load - sun) + both, max(0, sun - load) + both

    rows = readings(FIRST, READ[-1] - timedelta(days=1), quarter)
    hole = dice.randrange(10, len(rows) - 40)
    return rows[:hole] + rows[hole + dice.randrange(1, 20) :]


def bills_of(programme: str, netting: str, choices: Choices, rows: Sequence[Row]) -> list[Statement]:
    chosen = {
        "energy_due": choices.energy_due,
        "minimum_credit": choices.minimum_credit,
        "surplus_payout": choices.payout,
    }
    if programme == "nem2":
        chosen |= {"non_bypassable_due": choices.non_bypassable_due, "netting_interval": netting}
    with tempfile.TemporaryDirectory() as folder:
        text = account_text(programme, READ, pto=FIRST, choices=chosen)
        return reckoned(Path(folder), rows, text, str(RATE))


@tries(16)
@given(
    st.sampled_from(["nem1", "nem2"]),
    st.sampled_from(["15min", "60min"]),
    CHOICES,
    st.integers(0, 2**32),
    st.sampled_from([(100, 100), (100, 40), (30, 100), (0, 100), (100, 0), (0, 0)]),
)
def test_the_laws_hold(programme: str, netting: str, choices: Choices, seed: int, size: tuple[int, int]) -> None:
    rows = house(seed, *size)
    bills = bills_of(programme, netting, choices, rows)
    assert len(bills) == 13
    assert complaints(bills, rows, choices, RATE) == []


OF_ONE = house(7, 30, 100)


@pytest.fixture(scope="module")
def sound() -> list[Statement]:
    return bills_of("nem2", "15min", Choices(), OF_ONE)


def with_line(bill: Statement, kind: LineKind, cents: int) -> Statement:
    """The bill with one line of a kind changed."""
    settled = bill.bill.settled
    at = next(at for at, one in enumerate(settled.lines) if one.kind is kind)
    line = replace(settled.lines[at], amount=settled.lines[at].amount + Decimal(cents) / 100)
    lines = (*settled.lines[:at], line, *settled.lines[at + 1 :])
    return replace(bill, bill=replace(bill.bill, settled=replace(settled, lines=lines)))


def with_true_up(bill: Statement, key: str, cents: int) -> Statement:
    closing = bill.bill.true_up
    assert closing is not None
    lines = tuple(
        replace(one, amount=one.amount + Decimal(cents) / 100) if one.key == key else one for one in closing.lines
    )
    assert lines != closing.lines
    return replace(bill, bill=replace(bill.bill, true_up=replace(closing, lines=lines)))


def with_bank(bill: Statement) -> Statement:
    move = BankMove("bill_credit", BankUnit.MONEY, Decimal("0.01"))
    return replace(bill, bill=replace(bill.bill, settled=replace(bill.bill.settled, banks=(move,))))


def without_a_cell(bill: Statement) -> Statement:
    energy = replace(bill.energy, cells=bill.energy.cells[1:])
    return replace(bill, bill=replace(bill.bill, period=replace(bill.bill.period, energy=energy)))


SPOILS: dict[str, tuple[int, Callable[[Statement], Statement], str]] = {
    "a bucket is lost": (3, without_a_cell, "buckets hold"),
    "a bank begins with another sum": (3, with_bank, "begins with"),
    "a cent of minimum is missing at the true-up": (11, lambda one: with_true_up(one, "true_up.adjustment", 1), "year"),
    "a cent of surplus too much": (11, lambda one: with_true_up(one, "true_up.surplus", -1), "was paid for a surplus"),
    "a charge of the year is not asked for": (4, lambda one: with_line(one, LineKind.NON_BYPASSABLE, 5000), "year"),
    "a bill pays money out": (2, lambda one: with_line(one, LineKind.MINIMUM, -500), "pays"),
}


def test_the_spoiled_account_is_sound_before_it_is_spoiled(sound: list[Statement]) -> None:
    assert complaints(sound, OF_ONE, Choices(), RATE) == []
    assert any(one.key == "true_up.surplus" and one.amount for one in sound[11].lines)


@pytest.mark.parametrize("spoil", list(SPOILS))
def test_a_spoiled_bill_is_complained_of(spoil: str, sound: list[Statement]) -> None:
    at, spoiled, says = SPOILS[spoil]
    bills = [spoiled(one) if number == at else one for number, one in enumerate(sound)]
    assert any(says in one for one in complaints(bills, OF_ONE, Choices(), RATE))


def test_the_same_energy_gives_the_same_bills(sound: list[Statement]) -> None:
    again = bills_of("nem2", "15min", Choices(), OF_ONE)
    assert [(one.lines, one.banks, one.energy_digest) for one in again] == [
        (one.lines, one.banks, one.energy_digest) for one in sound
    ]
