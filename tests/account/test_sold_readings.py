"""Fuel cells and feed-in contracts from the registers to the bill: `netmeter replay`, then `netmeter statement`.

Readings every 15 minutes; prices for the head (`simple_tariff`: peak 0.40, off-peak 0.30, generation
0.15 of either, peak from 16 to 21 h). Expected values are hand arithmetic. (net-metering A8, A11; corrections A-16)
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli.replay import replay
from gateway.cli.statement import statement

from .house import Days, Row, spread
from .reckon import account_text
from .simple_tariff import simple_tariff

YEAR = [date(2025, month, 1) for month in range(1, 13)] + [date(2026, 1, 1)]
FUEL_CELL = '[generator]\ntechnology = "fuel_cell"\nsize_kw = "400"\napplication = 2022-05-01\npto = 2023-06-01\n'
PRODUCTION = '[[meter]]\nname = "production"\nrole = "production"\n'
NIGHT, NOON, EVENING = range(6), range(10, 16), range(16, 21)


def billed(folder: Path, account: str, table: Sequence[str]) -> list[Mapping[str, Any]]:
    """Every statement, through both commands."""
    (folder / "readings.csv").write_text("\n".join(table) + "\n", encoding="ascii")
    (folder / "account.toml").write_text(account, encoding="utf-8")
    intervals = str(folder / "intervals.csv")
    service = ["--service-amps", "200", "--service-volts", "240", "--tariff", simple_tariff(folder)]
    done = CliRunner().invoke(replay, ["--readings", str(folder / "readings.csv"), *service, "--intervals", intervals])
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(statement, ["--account", str(folder / "account.toml"), "--energy", intervals, "--json"])
    assert done.exit_code == 0, done.output
    made: list[Mapping[str, Any]] = json.loads(done.stdout)["statements"]
    return made


def at(row: Row) -> str:
    return f"{datetime.fromtimestamp(row[0] // 1_000_000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def wh(milliwh: int) -> str:
    return f"{milliwh // 1000}.{milliwh % 1000:03}"


def amounts(bill: Mapping[str, Any], *kinds: str) -> dict[str, Decimal]:
    """Lines by the first word of their key and their bucket."""
    keyed = ((one["key"].split("."), one) for one in bill["lines"] if one["kind"] in kinds)
    return {f"{key[0]} {key[-1]}": Decimal(one["amount"]) for key, one in keyed}


@pytest.fixture(scope="module")
def fuel_cell(tmp_path_factory) -> list[Mapping[str, Any]]:
    """Each month 100 kWh are taken at night and 300 in the evening; 80 are given in the same quarters of the evening.

    At noon 200 kWh are given, in June, July and August 1,000.
    """
    folder = tmp_path_factory.mktemp("fuel-cell")
    parts = []
    for number, first in enumerate(YEAR[:-1]):
        last = date.fromordinal(YEAR[number + 1].toordinal() - 1)
        noon = 1000 if first.month in (6, 7, 8) else 200
        parts.append(Days(first, first.replace(day=10), 100, noon, NIGHT, NOON))
        parts.append(Days(first.replace(day=11), last, 300, 80, EVENING, EVENING))
    table = [f"{at(row)},{wh(row[1])},{wh(row[2])}" for row in spread(parts)]
    text = account_text("nem_fc", YEAR, tariff=simple_tariff(folder), customer="")
    return billed(folder, text.replace("[choices]", f"{FUEL_CELL}[choices]"), ["time,import_wh,export_wh", *table])


def test_a_fuel_cells_registers_become_charges_at_the_full_price_and_credits_of_the_generation_part(fuel_cell) -> None:
    """January: 100 x 0.30 and 300 x 0.40 taken; 200 and 80 x 0.15 given. Netted first, the evening would be 88.00."""
    assert amounts(fuel_cell[0], "energy") == {
        "energy winter_off_peak": Decimal("30.00"),
        "energy winter_peak": Decimal("120.00"),
        "export winter_off_peak": Decimal("-30.00"),
        "export winter_peak": Decimal("-12.00"),
    }
    by_month = [sum(amounts(one, "energy").values()) for one in fuel_cell]
    assert by_month == [108] * 5 + [-12] * 3 + [108] * 4


def test_a_fuel_cells_year_is_settled_once_and_its_surplus_of_960_kwh_is_not_paid(fuel_cell) -> None:
    """9 x 108.00 - 3 x 12.00 = 936.00. Taken 12 x 400 = 4,800 kWh; given 9 x 280 + 3 x 1,080 = 5,760."""
    assert [Decimal(one["due_now"]) for one in fuel_cell] == [0] * 11 + [936]
    assert "960 kWh of surplus are not paid for" in " ".join(fuel_cell[-1]["notes"])


def test_no_watt_hour_of_the_registers_is_lost(fuel_cell) -> None:
    assert sum(one["import_milliwh"] for one in fuel_cell) == 4_800_000_000
    assert sum(one["export_milliwh"] for one in fuel_cell) == 5_760_000_000


def test_a_feed_in_contract_sells_what_the_production_meters_register_counts(tmp_path) -> None:
    """January: 200 x 0.30 + 300 x 0.40 = 180.00 bought, 900 x 0.1234 = 111.06 sold: 68.94. February: 40.00 - 123.40.

    The load's register and the plant's run in the same quarters at noon of January: nothing is netted.
    """
    parts = [
        Days(date(2026, 1, 1), date(2026, 1, 20), 200, 900, NOON, NOON),
        Days(date(2026, 1, 21), date(2026, 1, 31), 300, 0, EVENING, NOON),
        Days(date(2026, 2, 1), date(2026, 2, 28), 100, 1000, EVENING, NOON),
    ]
    table = [f"{at(row)},{wh(row[1])},,{wh(row[2])}" for row in spread(parts)]
    read = [date(2026, month, 1) for month in (1, 2, 3)]
    choices = {"contract_price": "0.1234"}
    text = account_text("feed_in", read, tariff=simple_tariff(tmp_path), customer="", choices=choices)
    header = "time,import_wh,export_wh,production_wh"
    january, february = billed(tmp_path, text.replace("[billing]", f"{PRODUCTION}[billing]"), [header, *table])
    assert amounts(january, "energy", "credit") == {
        "energy winter_off_peak": Decimal("60.00"),
        "energy winter_peak": Decimal("120.00"),
        "export winter_off_peak": Decimal("-111.06"),
    }
    assert Decimal(january["due_now"]) == Decimal("68.94")
    assert Decimal(february["due_now"]) == Decimal("-83.40")
