"""Fuel cells and feed-in contracts from the registers to the bill: `netmeter replay`, then `netmeter statement`.

Readings every 15 minutes; prices for the head (`simple_tariff`: peak 0.40, off-peak 0.30, generation
0.15 of either, peak from 16 to 21 h). Expected values are hand arithmetic. (net-metering A8, A11; corrections A-16)
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli.replay import replay
from gateway.cli.statement import statement

from .house import PACIFIC, Days, Row, spread
from .reckon import account_text
from .simple_tariff import simple_tariff

YEAR = [date(2025, month, 1) for month in range(1, 13)] + [date(2026, 1, 1)]
FUEL_CELL = '[generator]\ntechnology = "fuel_cell"\nsize_kw = "400"\napplication = 2022-05-01\npto = 2023-06-01\n'
PRODUCTION = '[[meter]]\nname = "production"\nrole = "production"\n'
NIGHT, NOON, EVENING = range(6), range(10, 16), range(16, 21)


def billed(folder: Path, account: str, table: Sequence[str]) -> list[Mapping[str, Any]]:
    """Every statement, through both commands."""
    done = asked(folder, account, table)
    assert done.exit_code == 0, done.output
    made: list[Mapping[str, Any]] = json.loads(done.stdout)["statements"]
    return made


def asked(folder: Path, account: str, table: Sequence[str]) -> Result:
    """What `netmeter statement` answers."""
    (folder / "readings.csv").write_text("\n".join(table) + "\n", encoding="ascii")
    (folder / "account.toml").write_text(account, encoding="utf-8")
    intervals = str(folder / "intervals.csv")
    service = ["--service-amps", "200", "--service-volts", "240", "--tariff", simple_tariff(folder)]
    done = CliRunner().invoke(replay, ["--readings", str(folder / "readings.csv"), *service, "--intervals", intervals])
    assert done.exit_code == 0, done.output
    return CliRunner().invoke(statement, ["--account", str(folder / "account.toml"), "--energy", intervals, "--json"])


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


NEM = '[[programme]]\nname = "nem2"\nfrom = 2026-01-01\n'
PLANT = '[generator]\ntechnology = "pv"\nsize_kw = "9"\napplication = 2022-05-01\npto = 2026-01-01\n'
JANUARY, FEBRUARY = (date(2026, 1, 1), date(2026, 1, 31)), (date(2026, 2, 1), date(2026, 2, 28))


def moved_to_feed_in(folder: Path, *, february_given: int = 0, production_from: date = JANUARY[0]) -> Result:
    """January under NEM 2.0: the grid meter takes 100 kWh at night and gives 60 at noon, where the plant makes 500.

    From February on all that is made, 1,000 kWh, is sold for 0.10; the grid meter takes 100 kWh at night.
    """
    grid = spread([Days(*JANUARY, 100, 60, NIGHT, NOON), Days(*FEBRUARY, 100, february_given, NIGHT, NOON)])
    array = spread([Days(*JANUARY, 0, 500, NIGHT, NOON), Days(*FEBRUARY, 0, 1000, NIGHT, NOON)])
    begin = datetime.combine(production_from, time(), PACIFIC).timestamp() * 1_000_000
    table = ["time,import_wh,export_wh,production_wh"]
    for row, made in zip(grid, array, strict=True):
        table.append(f"{at(row)},{wh(row[1])},{wh(row[2])},{wh(made[2]) if row[0] >= begin else ''}")
    read = [date(2026, month, 1) for month in (1, 2, 3)]
    text = account_text("feed_in", read, tariff=simple_tariff(folder), customer="", choices={"contract_price": "0.10"})
    text = text.replace('[[programme]]\nname = "feed_in"\nfrom = 2026-01-01', f'{NEM}[[programme]]\nname = "feed_in"')
    text = text.replace('name = "feed_in"', 'name = "feed_in"\nfrom = 2026-02-01')
    return asked(folder, text.replace("[billing]", f"{PRODUCTION}{PLANT}[billing]"), table)


@pytest.mark.parametrize(
    "production_from", [JANUARY[0], FEBRUARY[0]], ids=["metered all along", "metered from then on"]
)
def test_net_metering_before_a_feed_in_contract_nets_and_what_the_plant_made_then_is_on_no_bill(
    production_from: date, tmp_path: Path
) -> None:
    """January: 40 net x 0.27 and 100 x 0.03 of charges that no export sets off, trued up: 10.80 + 3.00.

    February: 100 x 0.30 bought, 1,000 x 0.10 sold.
    """
    done = moved_to_feed_in(tmp_path, production_from=production_from)
    assert done.exit_code == 0, done.output
    january, february = json.loads(done.stdout)["statements"]
    assert (january["programme"], february["programme"]) == ("nem2", "feed_in")
    assert (january["export_milliwh"], february["export_milliwh"]) == (60_000_000, 1_000_000_000)
    assert Decimal(january["due_now"]) == Decimal("13.80")
    assert Decimal(february["due_now"]) == Decimal("-70.00")


def test_a_grid_meter_that_gives_after_the_contract_began_is_refused_with_its_interval(tmp_path: Path) -> None:
    done = moved_to_feed_in(tmp_path, february_given=1)
    assert done.exit_code == 1
    assert "gave energy to the grid, so it is a net meter" in done.output
    assert "interval 2026-02-01T" in done.output
