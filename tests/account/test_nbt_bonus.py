"""ACC Plus ends with a day: nine years from permission to operate, within a bill or between two. By hand."""

from datetime import date
from pathlib import Path

import pytest

from gateway.account.statement import Statement

from .energies import table
from .net_billing import HEADER, account_text, amounts, bills, flat, moves, write_table

HEADER_2033 = HEADER.replace("2025-01-01", "2033-01-01").replace("2027-12-31", "2033-12-31")
NOON = {10: 10_000, 19: 4_000, 20: 6_000, 25: 2_000}
"""Day of April 2033 -> watt-hours given in the hour from noon."""


def april(folder: Path, pto: date, given: dict[int, int], *, hour: int = 12) -> Statement:
    """The bill of April 2033, of a household that applied in 2024: 0.0176 USD a kWh."""
    write_table(folder, flat(), HEADER_2033, range(2033, 2034))
    text = account_text(folder, pto=pto, application=date(2024, 1, 2), choices="")
    made = [(0, 0)] * (30 * 24)
    for day, watt_hours in given.items():
        made[(day - 1) * 24 + hour] = (0, watt_hours)
    return bills(folder, text, table("2033-04-01T00:00", 60, made))[-1]


@pytest.mark.parametrize(
    ("pto", "earned"),
    [
        (date(2024, 6, 1), "-0.39"),  # to 31 May 2033: 22 x 0.0176 = 0.3872
        (date(2024, 5, 1), "-0.39"),  # to 30 April, the bill's last day
        (date(2024, 4, 20), "-0.25"),  # to 19 April: 14 x 0.0176 = 0.2464
        (date(2024, 4, 19), "-0.18"),  # to 18 April: 10 x 0.0176 = 0.176
        (date(2024, 4, 11), "-0.18"),
        (date(2024, 4, 2), None),  # to 1 April, and nothing was given that day
        (date(2024, 4, 1), None),  # to 31 March
    ],
)
def test_what_is_given_up_to_the_last_day_earns_it(tmp_path: Path, pto: date, earned: str | None) -> None:
    bill = april(tmp_path, pto, NOON)
    assert amounts(bill).get("credit.acc_plus") == earned
    assert ("bonus_credit" in moves(bill)) == (earned is not None)


def test_the_day_ends_at_local_midnight(tmp_path: Path) -> None:
    """The hour from 11 p.m. of 19 April earns it, that from midnight does not."""
    assert amounts(april(tmp_path, date(2024, 4, 20), {19: 10_000}, hour=23))["credit.acc_plus"] == "-0.18"
    assert "credit.acc_plus" not in amounts(april(tmp_path, date(2024, 4, 20), {20: 10_000}, hour=0))


def test_the_line_says_how_much_and_until_when(tmp_path: Path) -> None:
    line = next(one for one in april(tmp_path, date(2024, 4, 20), NOON).lines if one.key == "credit.acc_plus")
    assert str(line.quantity) == "-14.000000"
    assert line.label == "ACC Plus bonus credit, for exports to 2033-04-19"
