"""The published NEM 2.0 true-up, 191.49 - 124.06 = 67.43 and 85.03 with its taxes, and what becomes of it otherwise.

Each from 15-minute registers, over the end of summer, the night of 2024-11-03 and a gap. (corrections A-2, A-4)
"""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.account.lines import Due
from gateway.account.statement import Statement

from .house import Days, spread, with_gap
from .reckon import account_text, amount_of, reckoned
from .simple_tariff import simple_tariff

ONE_DAY = timedelta(days=1)
NOBODY = 'pcia_vintage = ""'
TRUE_UPS = {
    # Lines of earlier cycles; with this cycle's 16.20 in sum: credit, nothing, a charge.
    "credits of 548.36": ("-564.56", "67.43"),
    "nothing": ("-16.20", "67.43"),
    "charges of 165.38": ("149.18", "232.81"),
}


def closing_bill(
    folder: Path, energy: str, *, minimums: str = "124.06", choices: dict[str, str] | None = None, more: str = ""
) -> Statement:
    """The last of twelve bills, after an opening: 16.20 of energy (100 kWh at 0.27 less 40), 3.00 of non-bypassable
    charges, which with the opening's are 191.49, and its own minimum of 10.90."""
    tariff = simple_tariff(folder, more='[version.minimum_per_month]\nminimum_delivery = "10.90"')
    first, following = date(2024, 10, 20), date(2024, 11, 20)
    rows = spread([Days(first, following - ONE_DAY, 100, 40, range(4, 10))])
    more = f"""
[opening]
as_of = {first}
last_true_up = 2023-11-20
cycles = 11
energy_charges = "{energy}"
non_bypassable_charges = "188.49"
minimums_billed = "{minimums}"
import_kwh = "4000"
export_kwh = "1333"
[[charge]]
name = "Energy Commission tax"
source = "the bill"
from = 2024-11-01
amount = "0.83"
[[charge]]
name = "Utility users tax"
source = "the bill"
from = 2024-01-01
percent = "7.5"
{more}
"""
    text = account_text("nem2", [first, following], tariff=tariff, customer=NOBODY, choices=choices, more=more)
    (bill,) = reckoned(folder, with_gap(rows, "2024-11-03T00:30", "2024-11-03T03:30"), text)
    return bill


@pytest.mark.parametrize("case", list(TRUE_UPS))
def test_the_published_true_up(case: str, tmp_path: Path) -> None:
    energy, adjustment = TRUE_UPS[case]
    bill = closing_bill(tmp_path, energy)
    assert amount_of(bill, "true_up.adjustment") == Decimal(adjustment)
    assert amount_of(bill, "minimum.2024-10-20.minimum_delivery.month") == Decimal("10.90")


def test_the_published_true_up_is_told_line_by_line(tmp_path: Path) -> None:
    bill = closing_bill(tmp_path, "-564.56")
    assert [(one.key, one.amount, one.due) for one in bill.true_up_lines] == [
        ("true_up.energy", Decimal("-548.36"), Due.NOTED),
        ("true_up.non_bypassable", Decimal("191.49"), Due.NOTED),
        ("true_up.minimums", Decimal("-124.06"), Due.NOTED),
        ("true_up.adjustment", Decimal("67.43"), Due.NOW),
    ]


def test_the_published_true_up_with_its_taxes_is_85_03(tmp_path: Path) -> None:
    """67.43 + 10.90 + 0.83 + 7.5 % of 78.33 = 5.87."""
    bill = closing_bill(tmp_path, "-564.56")
    assert sorted(one.amount for one in bill.other) == [Decimal("0.83"), Decimal("5.87")]
    assert bill.due_now == Decimal("85.03")


def test_the_published_figures_read_as_a_charge_are_356_87_and_243_71(tmp_path: Path) -> None:
    """A-2, A-4: 191.49 + 165.38 = 356.87 of the year, less 124.06 = 232.81, and 10.90 beside it."""
    bill = closing_bill(tmp_path, "149.18")
    (adjustment,) = [one for one in bill.true_up_lines if one.key == "true_up.adjustment"]
    assert adjustment.label == "True-up adjustment: what is left of 356.87, not below zero"
    minimum = amount_of(bill, "minimum.2024-10-20.minimum_delivery.month")
    assert (adjustment.amount, adjustment.amount + minimum) == (Decimal("232.81"), Decimal("243.71"))


def test_minimum_charges_above_what_is_owed_give_nothing_back(tmp_path: Path) -> None:
    assert amount_of(closing_bill(tmp_path, "-564.56", minimums="200.00"), "true_up.adjustment") == 0


def test_an_account_may_credit_all_minimums_or_none(tmp_path: Path) -> None:
    every = closing_bill(tmp_path, "-564.56", choices={"minimum_credit": "all_cycles"})
    assert amount_of(every, "true_up.adjustment") == Decimal("56.53")  # 67.43 - 10.90
    none = closing_bill(tmp_path, "-564.56", choices={"minimum_credit": "none"})
    assert amount_of(none, "true_up.adjustment") == Decimal("191.49")


def test_a_tax_of_3_hundredths_of_a_cent_on_2767_kwh_is_83_cents(tmp_path: Path) -> None:
    """A-2: 0.83 / 0.00030 = 2,767 kWh, of the year."""
    more = """
[opening]
as_of = 2024-10-20
last_true_up = 2023-11-20
cycles = 11
import_kwh = "4000"
export_kwh = "1333"
[[charge]]
name = "Energy Commission tax"
source = "the bill"
from = 2024-01-01
per_kwh = "0.00030"
of = "year_net"
"""
    first, following = date(2024, 10, 20), date(2024, 11, 20)
    rows = with_gap(spread([Days(first, following - ONE_DAY, 200, 100)]), "2024-11-03T00:30", "2024-11-03T03:30")
    tariff = simple_tariff(tmp_path)
    text = account_text("nem2", [first, following], tariff=tariff, customer=NOBODY, more=more)
    (bill,) = reckoned(tmp_path, rows, text)
    assert [(one.quantity, one.amount) for one in bill.other] == [(Decimal(2767), Decimal("0.83"))]


def test_payments_before_the_true_up_come_off_it_and_what_is_over_stays_a_credit(tmp_path: Path) -> None:
    paid = '[[payment]]\nday = 2024-10-25\namount = "{}"'
    bill = closing_bill(tmp_path, "-564.56", more=paid.format("60.00"))
    assert (amount_of(bill, "true_up.adjustment"), bill.banks) == (Decimal("7.43"), ())
    before = paid.replace("2024-10-25", "2024-03-01")  # within the year, before the opening
    assert amount_of(closing_bill(tmp_path, "-564.56", more=before.format("60.00")), "true_up.adjustment") == Decimal(
        "7.43"
    )
    bill = closing_bill(tmp_path, "-564.56", more=paid.format("70.00"))
    (move,) = bill.banks
    assert (amount_of(bill, "true_up.adjustment"), move.name, move.after) == (0, "bill_credit", Decimal("2.57"))
