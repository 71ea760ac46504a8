"""Money is exact until a line is printed, and printed as bills print it: half up, away from zero below it.

The products are those of published bills (net-metering section 7, corrections A-2).
"""

from datetime import date
from decimal import Decimal, Inexact

import pytest

from gateway.account.lines import BankMove, BankUnit, Due, LineKind, counted_line, energy_line
from gateway.account.money import Rounding, exactly, kwh_text, rounded
from gateway.account.programme_file import NotKnownError, load_programme
from gateway.account.programmes.surplus import RATE

BILLS = [
    (180_680_000, "0.00880", "1.59"),
    (23_589_000, "-0.0062", "-0.15"),
    (2_767_000_000, "0.00030", "0.83"),
    (1_000_000_000, "0.03", "30.00"),
    (1_500_000_000, "0.03", "45.00"),
]


@pytest.mark.parametrize(("milliwh", "rate", "amount"), BILLS)
def test_a_line_of_a_published_bill(milliwh: int, rate: str, amount: str) -> None:
    line = energy_line("k", "l", milliwh, Decimal(rate), Rounding.CENT, due=Due.NOW, source="a bill")
    assert line.amount == Decimal(amount)


def test_27_days_at_0_79343_are_21_42() -> None:
    kind, source = LineKind.FIXED, "a bill"
    rate = Decimal("0.79343")
    line = counted_line("k", "l", 27, "days", rate, Rounding.CENT, kind=kind, due=Due.NOW, source=source)
    assert (line.exact, line.amount) == (Decimal("21.42261"), Decimal("21.42"))


def test_published_rates_of_surplus_are_twenty_months_from_0_02684_to_0_03396() -> None:
    """Net-metering, row 24: PG&E's own table; no month before or after it has a rate."""
    file = load_programme("nem2")
    months = [date(2025 + month // 12, month % 12 + 1, 15) for month in range(20)]
    rates = [file.figure_on(RATE, "pge", day).value for day in months]
    assert (min(rates), max(rates)) == (Decimal("0.02684"), Decimal("0.03396"))
    for outside in (date(2024, 12, 31), date(2026, 9, 1)):
        with pytest.raises(NotKnownError):
            file.figure_on(RATE, "pge", outside)


@pytest.mark.parametrize(
    ("exact", "printed"),
    [("0.005", "0.01"), ("-0.005", "-0.01"), ("0.0049999", "0.00"), ("-0.0049999", "0.00"), ("2.675", "2.68")],
)
def test_a_half_cent_goes_away_from_zero(exact: str, printed: str) -> None:
    assert str(rounded(Decimal(exact), Rounding.CENT)) == printed
    assert rounded(Decimal(exact), Rounding.NONE) == Decimal(exact)


def test_nothing_is_rounded_by_accident() -> None:
    with exactly(), pytest.raises(Inexact):
        Decimal(1) / Decimal(3)


def test_a_bank_that_uses_below_zero_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="below zero"):
        BankMove("b", BankUnit.MONEY, Decimal(1), used=Decimal("-0.01"))


@pytest.mark.parametrize(("milliwh", "text"), [(1_000_000_000, "1000"), (1, "0.000001"), (-1_500_000, "-1.5")])
def test_kilowatt_hours_in_a_sentence_have_no_zeros_behind(milliwh: int, text: str) -> None:
    assert kwh_text(milliwh) == text
