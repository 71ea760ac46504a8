"""Laws of the generic programmes on random houses from their registers: energy, banks, cash, nothing paid unnamed.

Thirteen bills of four days over the end of summer, the night of 2 November and a hole, as for NEM (`test_nem_laws`).
Each law has a positive control: a spoiled bill is complained of.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.account.lines import Due, LineKind
from gateway.account.statement import Statement

from ..pipeline.world import tries
from .house import Row
from .laws import bank_complaints, energy_complaints
from .reckon import account_text, lines_of, reckoned
from .simple_tariff import simple_tariff
from .test_nem_laws import FIRST, READ, house

ZERO = Decimal(0)
STANDING = '[version.fixed_per_day]\nbase = "0.25"\n[version.minimum_per_day]\nleast = "0.60"\n'
EXPORTS = ["summer_peak", "summer_off_peak", "winter_peak", "winter_off_peak"]
MINIMUM = Decimal("2.40")
"""Of four days."""
CHOICES: dict[str, list[dict[str, str]]] = {
    "net_metering_kwh": [{}, {"surplus_to": "same_bucket"}, {"year_surplus": "bill_credit"}],
    "net_metering_usd": [{}, {"export_price": "retail"}],
    "net_billing": [{}, {"export_price": "retail"}],
    "net_billing_carryover": [{}, {"credit_from": "same_cycle"}, {"leftover": "lost"}],
}
CASES = [(programme, choices) for programme, every in CHOICES.items() for choices in every]


def tariff(folder: Path) -> str:
    path = Path(simple_tariff(folder, more=STANDING))
    old = "effective = 2024-01-01\n"
    exports = "".join(f'{name} = "0.0{at}7"\n' for at, name in enumerate(EXPORTS, start=4))
    text = path.read_text(encoding="utf-8").replace(old, f'{old}surplus_per_kwh = "0.031"\n')
    path.write_text(f"{text}\n[version.export_per_kwh]\n{exports}", encoding="utf-8")
    return str(path)


def bills_of(programme: str, choices: dict[str, str], rows: Sequence[Row]) -> list[Statement]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = account_text(programme, READ, pto=FIRST, tariff=tariff(folder), choices=choices, customer="")
        return reckoned(folder, rows, text)


def amount(bill: Statement, kind: LineKind, due: Due = Due.NOW) -> Decimal:
    return sum((one.amount for one in lines_of(bill, kind).values() if one.due is due), ZERO)


def complaints(bills: Sequence[Statement], rows: Sequence[Row]) -> list[str]:
    """In words; none where all is sound."""
    return [*energy_complaints(bills, rows), *bank_complaints(bills), *_of_cash(bills), *_of_credits(bills)]


def _of_cash(bills: Sequence[Statement]) -> Iterator[str]:
    """Cash + credit used = charges: a bill is its energy less what a bank paid, its fixed charges and its true-up."""
    for number, bill in enumerate(bills, start=1):
        used = sum((move.used for move in bill.bill.settled.banks if move.name == "credit"), ZERO)
        energy, credit = amount(bill, LineKind.ENERGY) - used, amount(bill, LineKind.CREDIT)
        standing = amount(bill, LineKind.FIXED)
        out = sum((one.amount for one in bill.true_up_lines if one.due is Due.NOW), ZERO)
        if bill.due_now != energy + credit + standing + out:
            yield f"bill {number} asks for {bill.due_now}, its lines and banks for {energy + credit + standing + out}"
        if energy < 0:
            yield f"bill {number}: a bank paid {used}, more than the energy costs"
        if energy + credit + standing < min(MINIMUM, MINIMUM + energy + credit + 1):
            yield f"bill {number} stays below the minimum"


def _of_credits(bills: Sequence[Statement]) -> Iterator[str]:
    """Money leaves by the rules' names alone: what was earned is used, paid out at the true-up, lost, or still held."""
    moves = [one for one in chain.from_iterable(bill.banks for bill in bills) if one.name == "credit"]
    earned, used = sum((one.earned for one in moves), ZERO), sum((one.used for one in moves), ZERO)
    gone = sum((one.paid_out + one.forfeited for one in moves), ZERO)
    held = moves[-1].after if moves else ZERO
    if earned != used + gone + held:
        yield f"{earned} was earned; {used} used, {gone} paid out or lost, {held} held"
    noted = -sum(
        (amount(bill, LineKind.CREDIT, Due.NOTED) + amount(bill, LineKind.SURPLUS, Due.NOTED) for bill in bills), ZERO
    )
    if moves and earned != noted:
        yield f"banks earned {earned}, the lines say {noted}"
    paid = -sum((amount(bill, LineKind.ADJUSTMENT) for bill in bills), ZERO)
    if paid != sum((one.paid_out for one in moves), ZERO):
        yield f"{paid} was paid out, the banks say otherwise"


@tries(12)
@given(
    st.sampled_from(CASES),
    st.integers(0, 2**32),
    st.sampled_from([(100, 100), (100, 40), (30, 100), (0, 100), (100, 0), (0, 0)]),
)
def test_the_laws_hold(case: tuple[str, dict[str, str]], seed: int, size: tuple[int, int]) -> None:
    rows = house(seed, *size)
    bills = bills_of(*case, rows)
    assert len(bills) == 13
    assert complaints(bills, rows) == []


OF_ONE = house(7, 60, 100)


@pytest.fixture(scope="module")
def sound() -> list[Statement]:
    return bills_of("net_billing_carryover", {}, OF_ONE)


def with_line(bill: Statement, kind: LineKind) -> Statement:
    """A cent more on one line of a kind, in the cycle or at the true-up."""
    found = next(one for one in bill.lines if one.kind is kind)
    more = replace(found, amount=found.amount + Decimal("0.01"))

    def changed(whole):  # type: ignore[no-untyped-def]
        return replace(whole, lines=tuple(more if one is found else one for one in whole.lines))

    true_up = bill.bill.true_up and changed(bill.bill.true_up)
    return replace(bill, bill=replace(bill.bill, settled=changed(bill.bill.settled), true_up=true_up))


def with_bank(bill: Statement) -> Statement:
    (move,) = bill.bill.settled.banks
    move = replace(move, used=move.used + Decimal("0.01"))
    return replace(bill, bill=replace(bill.bill, settled=replace(bill.bill.settled, banks=(move,))))


SPOILS: dict[str, tuple[int, Callable[[Statement], Statement], str]] = {
    "a bank pays a cent that no line has": (5, with_bank, "asks for"),
    "a bank loses a cent": (5, with_bank, "begins with"),
    "a line from a bank is a cent off": (5, lambda one: with_line(one, LineKind.BANK), "asks for"),
    "a credit is a cent off": (3, lambda one: with_line(one, LineKind.CREDIT), "the lines say"),
    "a cent too much is paid out": (11, lambda one: with_line(one, LineKind.ADJUSTMENT), "the banks say otherwise"),
}


def test_the_spoiled_account_is_sound_before_it_is_spoiled(sound: list[Statement]) -> None:
    assert complaints(sound, OF_ONE) == []
    assert sound[11].true_up_lines


@pytest.mark.parametrize("spoil", list(SPOILS))
def test_a_spoiled_bill_is_complained_of(spoil: str, sound: list[Statement]) -> None:
    at, spoiled, says = SPOILS[spoil]
    bills = [spoiled(one) if number == at else one for number, one in enumerate(sound)]
    assert any(says in one for one in complaints(bills, OF_ONE))
