"""Net billing accounts for tests: a table of export prices as files, an account's text, and the way to its bills.

Prices come from a function of the test; nothing here reckons.
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path

from gateway.account.account_file import read_account
from gateway.account.energy import EnergyTable
from gateway.account.lines import BankMove
from gateway.account.reckon import make_statements
from gateway.account.sources import Energy
from gateway.account.statement import Statement

from .simple_tariff import simple_tariff

HEADER = """\
format = 1
id = "made"
name = "Made"
utility = "pge"
zone = "America/Los_Angeles"
currency = "USD"
source = "a test"
file = "made.csv"
first_day = 2025-01-01
last_day = 2027-12-31
holidays = "pge-nbt-export"
autumn_hour = "next_hour"
"""
Price = Callable[[str, int, bool, int], str]
"""(component, month, whether weekend, hour) -> price per kWh."""


def flat(generation: str = "0.05", delivery: str = "0.01") -> Price:
    """One price at all hours."""
    return lambda component, month, weekend, hour: generation if component == "generation" else delivery


def write_table(folder: Path, price: Price, header: str = HEADER, years: range = range(2025, 2028)) -> Path:
    """The TOML and its CSV; returns the TOML."""
    rows = ["year,month,day_type,component," + ",".join(f"{hour:02}" for hour in range(24))]
    for year in years:
        for month in range(1, 13):
            for weekend in (False, True):
                for component in ("generation", "delivery"):
                    prices = ",".join(price(component, month, weekend, hour) for hour in range(24))
                    rows.append(f"{year},{month},{'weekend' if weekend else 'weekday'},{component},{prices}")
    (folder / "made.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "made.toml").write_text(header, encoding="utf-8")
    return folder / "made.toml"


def account_text(
    folder: Path,
    *,
    months: bool = True,
    tariff: str = "",
    pto: date = date(2026, 1, 1),
    application: date = date(2024, 6, 1),
    prices: str = "made.toml",
    utility: str = "pge",
    customer: str = "",
    programme: str = "nbt",
    choices: str = 'acc_plus = "none"',
    more: str = "",
) -> str:
    """An account's file; `simple_tariff` unless another is named."""
    tariff = tariff or simple_tariff(folder)
    export_prices = f'export_prices = "{prices}"' if prices else ""
    billing = "months = true" if months else ""
    return f"""
format = 1
id = "home"
name = "Home"
tariff = "{tariff}"
{export_prices}
[customer]
utility = "{utility}"
{customer}
[[programme]]
name = "{programme}"
from = {pto}
[generator]
technology = "pv"
size_kw = "5"
application = {application}
pto = {pto}
[[meter]]
name = "grid"
[billing]
{billing}
[choices]
{choices}
{more}
"""


def bills(folder: Path, text: str, table: EnergyTable) -> list[Statement]:
    """Every bill of the account over that energy."""
    path = folder / "account.toml"
    path.write_text(text, encoding="utf-8")
    return list(make_statements(read_account(path), Energy(table, ())).statements)


def amounts(one: Statement) -> dict[str, str]:
    """Each line's printed amount, the true-up's among them."""
    return {line.key: f"{line.amount:f}" for line in one.lines}


def moves(one: Statement) -> dict[str, BankMove]:
    """What moved in the cycle itself, by bank."""
    return {move.name: move for move in one.bill.settled.banks}


def closing_moves(one: Statement) -> dict[str, BankMove]:
    """What moved at the true-up."""
    assert one.bill.true_up is not None
    return {move.name: move for move in one.bill.true_up.banks}
