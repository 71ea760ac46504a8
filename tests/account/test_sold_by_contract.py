"""Fuel cells (nem_fc) and feed-in contracts (feed_in): bills by hand from a tariff that can be multiplied in the head.

Peak 0.40, off-peak 0.30, generation 0.15 of either (`simple_tariff`).
"""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.account.account_file import AccountError
from gateway.account.charges import PriceError
from gateway.account.energy import EnergyError
from gateway.account.reckon import make_statements
from gateway.account.rows import added
from gateway.account.sold_apart import two_meters
from gateway.account.sources import Energy
from gateway.account.statement import Statement

from .arrangement_site import flat_tariff
from .energies import table
from .reckon import account_file, account_text, amount_of
from .simple_tariff import simple_tariff

READ = [date(2026, month, 1) for month in range(1, 13)] + [date(2027, 1, 1)]
HOURS = 365 * 24
FUEL_CELL = '[generator]\ntechnology = "fuel_cell"\nsize_kw = "{size}"\napplication = 2022-05-01\npto = {pto}\n'
GROWN = '[[generator.enlargement]]\nday = {day}\nadded_kw = "{added}"\n'
PRODUCTION = '[[meter]]\nname = "array"\nrole = "production"\n'


def hours(by_hour: dict[int, tuple[int, int]]) -> list[tuple[int, int]]:
    """A year of hours, the same each day: hour -> (import, export) watt-hours."""
    return [by_hour.get(hour % 24, (0, 0)) for hour in range(HOURS)]


def fuel_cell(
    folder: Path, size: str = "400", pto: str = "2023-06-01", tariff: str | None = None, plant: str = FUEL_CELL
) -> list[Statement]:
    """The table goes by standard time all year, so January alone is read below: at 17 h and 12 h by the clock."""
    more = plant.format(size=size, pto=pto)
    text = account_text("nem_fc", READ, tariff=tariff or simple_tariff(folder), customer="", more="")
    account = account_file(folder, text.replace("[choices]", f"{more}[choices]"))
    year = table("2026-01-01T00:00", 60, hours({17: (2000, 1000), 12: (0, 5000)}))
    return list(make_statements(account, Energy(year, ())).statements)


def test_a_fuel_cells_exports_earn_the_generation_part_and_its_imports_cost_all_of_it(tmp_path) -> None:
    """January: at peak 62 kWh x 0.40 = 24.80 taken, 31 x 0.15 = 4.65 given; off peak 155 x 0.15 = 23.25 given."""
    january = fuel_cell(tmp_path)[0]
    assert amount_of(january, "energy.2026-01-01.winter_peak") == Decimal("24.80")
    assert amount_of(january, "export.2026-01-01.winter_peak") == Decimal("-4.65")
    assert amount_of(january, "export.2026-01-01.winter_off_peak") == Decimal("-23.25")
    assert january.carried == Decimal("-3.10")


def test_a_fuel_cells_surplus_is_not_paid_for(tmp_path) -> None:
    """6 kWh a day given and 2 taken: no adjustment, no compensation, and the kilowatt-hours are told."""
    bills = fuel_cell(tmp_path)
    assert sum(one.due_now for one in bills) == 0
    assert "1460 kWh of surplus are not paid for" in " ".join(bills[-1].notes)


@pytest.mark.parametrize(
    ("size", "pto", "says"),
    [("5000.1", "2023-06-01", "up to 5000 kW"), ("400", "2024-01-01", "after 2023-12-31")],
)
def test_a_plant_that_the_programme_does_not_take_is_refused(tmp_path, size, pto, says) -> None:
    with pytest.raises(PriceError, match=says):
        fuel_cell(tmp_path, size, pto)


@pytest.mark.parametrize(
    ("plant", "says"),
    [
        (FUEL_CELL.replace('"fuel_cell"', '"solar"'), 'fuel cells alone, and technology is "solar"'),
        (FUEL_CELL.replace("pto = {pto}\n", ""), "technology, size_kw and pto"),
        (
            FUEL_CELL + GROWN.format(day="2023-11-01", added="4600.1"),
            "up to 5000 kW, and this has 5000.1 kW, 400 and 1",
        ),
        (FUEL_CELL + GROWN.format(day="2024-01-01", added="1"), "the plant grew on 2024-01-01"),
    ],
)
def test_a_plant_is_held_to_all_limits_of_the_programme(tmp_path, plant, says) -> None:
    with pytest.raises(PriceError, match=says):
        fuel_cell(tmp_path, plant=plant)


def test_a_fuel_cell_enlarged_within_the_limits_is_taken(tmp_path) -> None:
    """400 and 4,600 kW are 5,000, and permission to operate was given until 2023-12-31."""
    assert len(fuel_cell(tmp_path, plant=FUEL_CELL + GROWN.format(day="2023-12-31", added="4600"))) == 12


@pytest.mark.parametrize("given", [0, 300_000])
def test_a_fuel_cells_baseline_credit_goes_by_what_it_took(tmp_path, given) -> None:
    """PG&E's E-TOU-C, version 2026-03-01: 0.08140 a kWh up to 9.7 x 31 = 300.7 kWh in May (winter, basic_x).

    100 kWh taken: 100 x 0.08140 = 8.14, whatever was given; the net of 100 and 300 is an export and has no part in it.
    """
    assert baseline_of_may(tmp_path, 100_000, given) == Decimal("-8.14")


def test_a_fuel_cell_that_takes_as_much_as_it_gives_has_the_whole_baseline_credit(tmp_path) -> None:
    """300 kWh taken, 300 given, below the 300.7: 300 x 0.08140 = 24.42. With 400 taken 300.7 x 0.08140 = 24.47698."""
    assert baseline_of_may(tmp_path, 300_000, 300_000) == Decimal("-24.42")
    assert baseline_of_may(tmp_path, 400_000, 300_000) == Decimal("-24.48")


def baseline_of_may(folder: Path, taken_wh: int, given_wh: int) -> Decimal:
    """The baseline line of May 2026; all energy flows on the 10th."""
    more = FUEL_CELL.format(size="400", pto="2023-06-01")
    text = account_text("nem_fc", [date(2026, 5, 1), date(2026, 6, 1)], tariff="pge-e-tou-c")
    account = account_file(folder, text.replace("[choices]", f"{more}[choices]"))
    may = [(0, 0)] * (31 * 24)
    may[9 * 24 + 12], may[9 * 24 + 18] = (0, given_wh), (taken_wh, 0)
    made = make_statements(account, Energy(table("2026-05-01T00:00", 60, may), ()))
    return amount_of(made.statements[0], "baseline.2026-05-01")


def test_a_fuel_cell_on_one_price_at_all_hours_is_refused(tmp_path) -> None:
    flat_tariff(tmp_path, "0.30")
    with pytest.raises(AccountError, match="nem_fc requires time of use"):
        fuel_cell(tmp_path, tariff=str(tmp_path / "flat.toml"))


def test_five_megawatts_and_the_last_day_are_still_within(tmp_path) -> None:
    assert len(fuel_cell(tmp_path, "5000", "2023-12-31")) == 12


def feed_in(folder: Path, choices: dict[str, str], more: str = PRODUCTION) -> list[Statement]:
    text = account_text("feed_in", READ, tariff=simple_tariff(folder), customer="", choices=choices)
    account = account_file(folder, text.replace("[billing]", f"{more}[billing]"))
    load = table("2026-01-01T00:00", 60, hours({17: (2000, 0), 12: (3000, 0)}))
    production = table("2026-01-01T00:00", 60, hours({12: (0, 5000)}))
    return list(make_statements(account, Energy(added(two_meters([load], [production])), ())).statements)


def test_all_that_is_made_is_sold_at_the_contract_and_all_that_is_used_is_bought(tmp_path) -> None:
    """January: 62 x 0.40 + 93 x 0.30 = 24.80 + 27.90 bought; 155 x 0.1234 = 19.127 sold; nothing netted at noon."""
    january = feed_in(tmp_path, {"contract_price": "0.1234"})[0]
    assert amount_of(january, "energy.2026-01-01.winter_peak") == Decimal("24.80")
    assert amount_of(january, "energy.2026-01-01.winter_off_peak") == Decimal("27.90")
    assert amount_of(january, "export.2026-01-01.winter_off_peak") == Decimal("-19.13")
    assert january.due_now == Decimal("33.57")


def test_without_a_production_meter_a_feed_in_tariff_is_refused(tmp_path) -> None:
    with pytest.raises(PriceError, match='no meter with role = "production"'):
        feed_in(tmp_path, {"contract_price": "0.1234"}, more="")
    with pytest.raises(EnergyError, match='role = "production"'):
        two_meters([table("2026-01-01T00:00", 60, hours({}))], [])


@pytest.mark.parametrize("price", ["-0.10", "a lot", "NaN"])
def test_a_contract_price_that_is_none_is_refused(tmp_path, price) -> None:
    with pytest.raises(PriceError, match="is no price"):
        feed_in(tmp_path, {"contract_price": price})


def test_a_fuel_cell_of_another_suppliers_customer_is_refused(tmp_path) -> None:
    more = FUEL_CELL.format(size="400", pto="2023-06-01")
    customer = 'supplier = "mce"\npcia_vintage = "2020"'
    text = account_text("nem_fc", READ, tariff=simple_tariff(tmp_path), customer=customer, more="")
    account = account_file(tmp_path, text.replace("[choices]", f"{more}[choices]"))
    with pytest.raises(PriceError, match="mce's to pay"):
        make_statements(account, Energy(table("2026-01-01T00:00", 60, hours({17: (2000, 1000)})), ()))
