"""What `--explain` tells of lines that are not one cell's energy: a year's charge, a percentage, a bank, a credit.

By hand; two months of hours, each edge 1 Wh in doubt in either direction (the runs are counted in test_year_to_date).
"""

from decimal import Decimal
from pathlib import Path

import pytest

from gateway.account.account_file import read_account
from gateway.account.explain import explain, explain_text
from gateway.account.reckon import make_statements
from gateway.account.sources import Energy
from gateway.account.statement import Statements

from .energies import table
from .net_billing import account_text, write_table
from .simple_tariff import simple_tariff
from .test_year_to_date import ACCOUNT, HOURS

TAXES = """\
[[charge]]
name = "tax"
percent = "7.5"
from = 2024-09-01
source = "city"
[[charge]]
name = "levy"
per_kwh = "0.00030"
of = "year_net"
from = 2024-09-01
source = "state"
"""


@pytest.fixture
def year(tmp_path: Path) -> tuple[Statements, Energy]:
    """1,464 hours that take 500 Wh and give 100: 585.6 kWh net, 288.0 of them in September; a year of two bills."""
    path = tmp_path / "home.toml"
    path.write_text(ACCOUNT.format(tariff=simple_tariff(tmp_path), programme="nem1") + TAXES, encoding="utf-8")
    energy = Energy(table("2024-09-01T00:00", 60, [(500, 100)] * HOURS, 1000), ())
    return make_statements(read_account(path), energy), energy


def test_a_charge_on_the_years_energy_is_the_years_bills(year: tuple[Statements, Energy]) -> None:
    """585.6 kWh x 0.0003; two months of which all energy together is off by 4 Wh each are 0.008 kWh."""
    made, energy = year
    told = explain(made, energy, made.statements[-1], "other.2")
    line = told["line"]
    assert (Decimal(line["quantity"]), Decimal(line["exact"])) == (Decimal("585.6"), Decimal("0.17568"))
    assert (line["uncertain_milliwh"], Decimal(line["uncertain_amount"])) == (8000, Decimal("0.0000024"))
    assert told["cells"] == []
    assert [one["import_milliwh"] - one["export_milliwh"] for one in told["year"]] == [288_000_000, 297_600_000]
    assert any("585.600000 net" in text for text in explain_text(told))


def test_a_percentage_tells_its_lines_and_their_doubt(year: tuple[Statements, Energy]) -> None:
    """All that is due is the adjustment, which is off by 0.0268: 7.5 % of it."""
    made, energy = year
    told = explain(made, energy, made.statements[-1], "other.1")
    assert [one["key"] for one in told["lines"]] == ["true_up.adjustment"]
    assert Decimal(told["line"]["uncertain_amount"]) == Decimal("0.00201")
    base = Decimal(told["lines"][0]["amount"])
    assert Decimal(told["line"]["exact"]) == base * Decimal("0.075")


def test_net_billing_credits_tell_each_days_worth_and_the_bank_its_movement(tmp_path: Path) -> None:
    """Each day gives 2 kWh at 10:00 (0.05) and 1 kWh at 11:00 (0.07), 0.17, and takes 1 kWh at 2:00 (0.15)."""
    write_table(tmp_path, lambda component, month, weekend, hour: "0.05" if hour < 11 else "0.07")
    flows = {2: (1000, 0), 10: (0, 2000), 11: (0, 1000)}
    rows = [flows.get(hour % 24, (0, 0)) for hour in range(31 * 24)]
    path = tmp_path / "account.toml"
    path.write_text(account_text(tmp_path), encoding="utf-8")
    energy = Energy(table("2026-01-01T00:00", 60, rows), ())
    made = make_statements(read_account(path), energy)
    told = explain(made, energy, made.statements[0], "credit.generation.2026-01-01.winter_off_peak")
    (cell,) = told["cells"]
    assert [Decimal(day["worth"]) for day in cell["days"]] == [Decimal("0.17")] * 31
    assert Decimal(told["line"]["exact"]) == -31 * Decimal("0.17")
    (move,) = explain(made, energy, made.statements[0], "bank.generation_credit")["banks"]
    assert (move["earned"], move["used"], move["after"]) == ("5.27", "4.65", "0.62")
