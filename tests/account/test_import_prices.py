"""Imports at time-step prices, from 15-minute registers by hand: 0.10 from midnight to 3, 0.50 from 3 to 6.

A kilowatt-hour an hour, six hours a night, over the night of 2024-11-03 (seven hours, four of them at 0.10), a gap from
0:30 to 3:30 in it, and the change of season on 1 November.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from gateway.account.account_file import AccountError, read_account
from gateway.account.energy import EnergyError
from gateway.account.explain import explain
from gateway.account.lines import LineKind
from gateway.account.price_series import read_price_series
from gateway.account.reckon import make_statements
from gateway.account.statement import Statement

from .house import PACIFIC, Days, midnight_us, spread, with_gap
from .reckon import Books, account_file, account_text, books_of, lines_of, statements
from .simple_tariff import simple_tariff

ONE_DAY = timedelta(days=1)
READ = [date(2024, 10, 10), date(2024, 11, 10), date(2024, 12, 10)]
PTO = date(2024, 10, 31)
FILES = 'import_prices = "prices.csv"\n'


def write_prices(path: Path, step_s: int = 3600) -> None:
    """A price for each hour of the local clock."""
    at_s, end_s = midnight_us(READ[0]) // 10**6, midnight_us(READ[-1]) // 10**6
    lines = ["start,price_per_kwh"]
    for start_s in range(at_s, end_s + 1, step_s):
        hour = datetime.fromtimestamp(start_s, UTC).astimezone(PACIFIC).hour
        price = "0.10" if hour < 3 else "0.50" if hour < 6 else "9"
        lines.append(f"{datetime.fromtimestamp(start_s, UTC):%Y-%m-%dT%H:%M:%SZ},{price}")
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Books:
    folder = tmp_path_factory.mktemp("books")
    parts = [
        Days(READ[0], PTO - ONE_DAY, 21 * 6, 0, import_hours=range(6)),
        Days(PTO, READ[1] - ONE_DAY, 10 * 6 + 1, 0, import_hours=range(6)),
        Days(READ[1], READ[2] - ONE_DAY, 30 * 6, 0, import_hours=range(6)),
    ]
    rows = with_gap(spread(parts), "2024-11-03T00:30", "2024-11-03T03:30")
    made = books_of(folder, rows, simple_tariff(folder))
    write_prices(folder / "prices.csv")
    return replace(made, energy=replace(made.energy, import_prices=read_price_series(folder / "prices.csv")))


def bills_of(
    folder: Path, books: Books, *, pto: date | None = None, programme: str = "net_billing", more: str = FILES
) -> list[Statement]:
    text = account_text(
        programme,
        READ,
        pto=pto,
        tariff=simple_tariff(folder),
        choices={"import_price": "series"},
        customer='pcia_vintage = ""',
    )
    return statements(account_file(folder, more + text), books)


@pytest.mark.parametrize("programme", ["net_billing", "net_billing_carryover", "plain"])
def test_each_interval_costs_its_own_step(programme: str, tmp_path: Path, books: Books) -> None:
    """31 nights: 94 hours at 0.10 and 93 at 0.50 are 55.90. 30 nights: 90 and 90 are 54.00."""
    first, second = bills_of(tmp_path, books, programme=programme)
    assert (first.due_now, second.due_now) == (Decimal("55.90"), Decimal("54.00"))
    lines = list(lines_of(first, LineKind.ENERGY).values())
    assert sum(one.quantity or 0 for one in lines) == 187
    assert all(one.rate is None for one in lines)


def test_before_permission_to_operate_they_cost_the_same(tmp_path: Path, books: Books) -> None:
    """21 nights: 63 and 63 hours are 37.80. 10 nights, one of seven hours: 31 and 30 are 18.10."""
    plain, first, _ = bills_of(tmp_path, books, pto=PTO)
    assert (plain.slot.programme, plain.due_now, first.due_now) == ("plain", Decimal("37.80"), Decimal("18.10"))


def test_what_is_uncertain_is_worth_its_own_step(tmp_path: Path, books: Books) -> None:
    """The quarters before and after 3 at night are off by 1 kWh each, and the price changes there: 1 x 0.10 and
    1 x 0.50. At 9, the dearest step of that bucket, nothing flowed."""
    made = books.energy.table
    three_us = midnight_us(READ[0] + ONE_DAY) + 3 * 3_600_000_000
    doubts = np.where((made.end_us == three_us) | (made.start_us == three_us), 1_000_000, 0)
    doubtful = replace(made, flow_import=replace(made.flow_import, uncertain_milliwh=doubts), alone=None)
    first, _ = bills_of(tmp_path, replace(books, energy=replace(books.energy, table=doubtful)))
    assert sum(line.uncertain_amount for line in lines_of(first, LineKind.ENERGY).values()) == Decimal("0.60")


def test_explaining_such_a_line_tells_each_days_worth_and_no_price_of_the_tariff(tmp_path: Path, books: Books) -> None:
    bills_of(tmp_path, books)  # writes the account
    made = make_statements(read_account(tmp_path / "account.toml"), books.energy)
    told = explain(made, books.energy, made.statements[0], "energy.2024-10-10.summer_off_peak")
    (cell,) = told["cells"]
    assert (cell["components"], cell["adds_up"]) == ({}, True)
    assert {Decimal(day["worth"]) for day in cell["days"]} == {Decimal("1.80")}  # 3 kWh at 0.10, 3 at 0.50
    assert sum(Decimal(day["worth"]) for day in cell["days"]) == Decimal(told["line"]["exact"])
    assert cell["rate_is"] == "none: its steps have a price each, by import_prices of the account"


def test_an_interval_over_two_steps_is_refused(tmp_path: Path, books: Books) -> None:
    write_prices(tmp_path / "prices.csv", step_s=2000)
    prices = read_price_series(tmp_path / "prices.csv")
    with pytest.raises(EnergyError, match="has no one price for it"):
        bills_of(tmp_path, replace(books, energy=replace(books.energy, import_prices=prices)))


@pytest.mark.parametrize(
    ("programme", "more", "said"),
    [
        ("net_billing", "", "there is no file of prices"),
        ("nem2", FILES, "nem2 knows no time-step prices of imports"),
        ("net_metering_kwh", FILES, "net_metering_kwh knows no time-step prices of imports"),
    ],
)
def test_a_choice_that_cannot_be_is_refused(programme: str, more: str, said: str, tmp_path: Path, books: Books) -> None:
    with pytest.raises(AccountError, match=said):
        bills_of(tmp_path, books, programme=programme, more=more)


def test_a_file_that_would_not_be_used_is_refused(tmp_path: Path) -> None:
    text = account_text("net_billing", READ, tariff=simple_tariff(tmp_path), customer='pcia_vintage = ""')
    with pytest.raises(AccountError, match="is named and would not be used"):
        account_file(tmp_path, FILES + text)
