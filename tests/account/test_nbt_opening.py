"""A net billing account that opens within its year, with what was paid and earned in it: the same true-up as from its
first day. By hand; `simple_tariff`: generation 0.15, delivery 0.12 off peak, non-bypassable 0.03.
"""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.account.account_file import AccountError
from gateway.account.energy import EnergyTable
from gateway.account.statement import Statement

from .energies import table
from .net_billing import account_text, amounts, bills, closing_moves, flat, write_table

HOURS = {month: sum((31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[: month - 1]) * 24 for month in range(1, 13)}
"""Month of 2025 -> the hours of the year before it; noon is twelve more."""
OPENING = "[opening]\nas_of = 2025-11-01\nlast_true_up = 2025-01-01\ncycles = 10\n"


def energy(flows: dict[tuple[int, int], tuple[int, int]], since: int = 1) -> EnergyTable:
    """(month, hour in it) -> (import, export) Wh; from a month of 2025 to its end."""
    count = 365 * 24 - HOURS[since] + (since > 3)  # the autumn night is longer, and no spring night shorter
    made = [(0, 0)] * count
    for (month, hour), flow in flows.items():
        if month >= since:
            made[HOURS[month] - HOURS[since] + hour] = flow
    return table(f"2025-{since:02}-01T00:00", 60, made)


def text(folder: Path, more: str = "") -> str:
    choices = 'acc_plus = "none"\nsurplus_payout = "check"'
    return account_text(folder, choices=choices, pto=date(2025, 1, 1), more=more)


PAY_BACK = {(1, 8): (10_000, 0), (12, 12): (0, 9_000)}
"""January takes 10 kWh: 1.50, 1.20 and 0.30 in cash. December gives 9 kWh at 0.20 and 0.02: 1.80 and 0.18."""
SURPLUS = {(1, 8): (2_000, 0), (3, 12): (0, 4_000), (12, 12): (0, 8_000)}
"""2 kWh cost 0.30, 0.24, 0.06 in January. Exports earn 12 x 0.20 and 12 x 0.05, a third of it in March."""


def opened(folder: Path, flows: dict[tuple[int, int], tuple[int, int]], stated: str) -> Statement:
    return bills(folder, text(folder, OPENING + stated), energy(flows, 11))[-1]


def test_pay_back_is_of_what_was_paid_before_the_account_opened(tmp_path: Path) -> None:
    """1.50 of the 1.80, and the 0.18; 0.30 stay. As from the year's first day."""
    write_table(tmp_path, flat("0.20", "0.02"))
    paid = PAID.replace("0.30", "1.50").replace("0.24", "1.20").replace("0.06", "0.30")
    stated = f"import_kwh = '10'\n{paid}"
    whole = bills(tmp_path, text(tmp_path), energy(PAY_BACK))[-1]
    for bill in (opened(tmp_path, PAY_BACK, stated), whole):
        found = amounts(bill)
        assert (found["true_up.paid_back.generation"], found["true_up.paid_back.delivery"]) == ("-1.50", "-0.18")
        assert bill.due_now == Decimal("-1.68")
        assert closing_moves(bill)["generation_credit"].after == Decimal("0.30")
        assert not [note for note in bill.notes if "is not known" in note]


BANKS = "[opening.banks]\ngeneration_credit = '0.80'\ndelivery_credit = '0.20'\n"
PAID = "[opening.paid]\ngeneration = '0.30'\ndelivery = '0.24'\nnon_bypassable = '0.06'\nfixed = '0'\n"
EARNED = "[opening.earned]\ngeneration_credit = '0.80'\ndelivery_credit = '0.20'\n"


def test_the_credit_for_a_surplus_is_of_what_was_earned_before_it_opened_too(tmp_path: Path) -> None:
    """Of 2.40 and 0.60 earned with 12 kWh, the surplus of 10 takes back 2.00 and 0.50.

    The banks pay back 0.30 and 0.24 first and then hold 2.10 and 0.36: 0.14 come from the payment, 10 x 0.03145 = 0.31.
    """
    write_table(tmp_path, flat("0.20", "0.05"))
    stated = f"import_kwh = '2'\nexport_kwh = '4'\n{BANKS}{PAID}{EARNED}"
    whole = bills(tmp_path, text(tmp_path), energy(SURPLUS))[-1]
    for bill in (opened(tmp_path, SURPLUS, stated), whole):
        found = amounts(bill)
        assert (found["true_up.paid_back.generation"], found["true_up.paid_back.delivery"]) == ("-0.30", "-0.24")
        assert (found["true_up.reversal.generation"], found["true_up.reversal.delivery"]) == ("2.00", "0.50")
        assert (found["true_up.surplus"], found["true_up.reversal"]) == ("-0.31", "0.14")
        assert bill.due_now == Decimal("-0.71")


def test_without_what_was_earned_nothing_is_taken_back_and_that_is_told(tmp_path: Path) -> None:
    write_table(tmp_path, flat("0.20", "0.05"))
    bill = opened(tmp_path, SURPLUS, f"import_kwh = '2'\nexport_kwh = '4'\n{BANKS}{PAID}")
    assert not [key for key in amounts(bill) if key.startswith("true_up.reversal")]
    assert [note for note in bill.notes if "state it in [opening.earned]" in note]
    assert not [note for note in bill.notes if "state it in [opening.paid]" in note]


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ("[opening.paid]\ngeneration = '1'\n", "paid says nothing of delivery, non_bypassable, fixed"),
        (PAID.replace("fixed", "minimum"), "nbt has no use for paid minimum"),
        (EARNED.replace("'0.20'", "'-0.20'"), "earned delivery_credit is below zero"),
        (EARNED.replace("delivery_credit", "bonus_credit"), "nbt has no use for earned bonus_credit"),
    ],
)
def test_what_is_stated_in_part_or_of_nothing_is_refused(tmp_path: Path, stated: str, message: str) -> None:
    write_table(tmp_path, flat())
    with pytest.raises(AccountError, match=message):
        bills(tmp_path, text(tmp_path, OPENING + stated), energy({}, 11))


def test_before_the_first_bill_of_a_year_nothing_was_paid_in_it(tmp_path: Path) -> None:
    write_table(tmp_path, flat())
    opening = OPENING.replace("2025-11-01", "2025-01-01").replace("cycles = 10", "cycles = 0")
    with pytest.raises(AccountError, match="no bill lies between last_true_up and as_of"):
        bills(tmp_path, text(tmp_path, opening + PAID), energy({}))


def test_another_programme_has_no_use_for_it(tmp_path: Path) -> None:
    write_table(tmp_path, flat())
    changed = text(tmp_path, OPENING + PAID).replace('name = "nbt"', 'name = "nem1"')
    changed = changed.replace('acc_plus = "none"\n', "").replace('export_prices = "made.toml"', "")
    with pytest.raises(AccountError, match="nem1 has no use for paid generation"):
        bills(tmp_path, changed, energy({}, 11))
