"""From a table of readings to statements, as a user goes: `netmeter replay`, an account file, the reckoning.

Nothing is worked out here. Each function hands one part's result to the next.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from click.testing import CliRunner

from gateway.account.account_file import AccountFile, read_account
from gateway.account.lines import Line, LineKind
from gateway.account.programme_file import Figure
from gateway.account.programmes.surplus import RATE
from gateway.account.reckon import make_statements
from gateway.account.sources import Energy, energy_of
from gateway.account.statement import Statement
from gateway.account.terms import AccountMeter, EnergyFrom
from gateway.cli.replay import replay

from .house import Row, write_readings

MADE_TOU = str(Path(__file__).parent / "made-tou.toml")


@dataclass(frozen=True)
class Books:
    """What `netmeter replay` made of a table: its intervals, read as an account reads them, and its report."""

    energy: Energy
    report: Mapping[str, Any]


def books_of(folder: Path, rows: Sequence[Row], tariff: str = MADE_TOU) -> Books:
    """Readings through `netmeter replay`."""
    intervals = folder / "intervals.csv"
    service = ["--service-amps", "60", "--service-volts", "240"]
    table = ["--readings", str(write_readings(folder / "readings.csv", rows)), "--tariff", tariff]
    done = CliRunner().invoke(replay, [*table, *service, "--intervals", str(intervals), "--json"])
    assert done.exit_code == 0, done.output
    meter = AccountMeter(name="grid", source=EnergyFrom.CSV, file=str(intervals))
    return Books(energy_of([meter], folder, lambda _: ("", ())), json.loads(done.stdout))


def account_text(
    programme: str,
    read_dates: Sequence[date],
    *,
    pto: date | None = None,
    tariff: str = MADE_TOU,
    choices: Mapping[str, str] | None = None,
    customer: str = 'base_services_tier = "tier_3"\nbaseline = "basic_x"',
    more: str = "",
    rounding: str = "cent",
) -> str:
    """An account's file."""
    generator = f'\n[generator]\ntechnology = "pv"\nsize_kw = "9"\napplication = {pto}\npto = {pto}\n' if pto else ""
    chosen = "\n".join(f'{name} = "{value}"' for name, value in (choices or {}).items())
    return f"""
format = 1
id = "home"
name = "Home"
tariff = "{tariff}"
[customer]
utility = "pge"
{customer}
[[programme]]
name = "{programme}"
from = {min(read_dates[0], pto or read_dates[0])}
[[meter]]
name = "grid"
[billing]
read_day = "first_day"
read_dates = [{", ".join(map(str, read_dates))}]
rounding = "{rounding}"
{generator}
[choices]
{chosen}
{more}
"""


def account_file(folder: Path, text: str) -> AccountFile:
    """The account as its owner's file makes it."""
    path = folder / "account.toml"
    path.write_text(text, encoding="utf-8")
    return read_account(path)


def with_surplus_rate(account: AccountFile, usd_per_kwh: str) -> AccountFile:
    """The same, the rate of net surplus compensation being that in every month."""
    figure = Figure(
        name=RATE, value=Decimal(usd_per_kwh), unit="USD/kWh", source="a test", first=date(2020, 1, 1), utility="pge"
    )
    programmes = {
        name: msgspec.structs.replace(file, figure=(*(one for one in file.figure if one.name != RATE), figure))
        for name, file in account.programmes.items()
    }
    return replace(account, programmes=programmes)


def statements(account: AccountFile, books: Books) -> list[Statement]:
    """Every bill of the account, its energy from the intervals that replay wrote."""
    return list(make_statements(account, books.energy).statements)


def reckoned(folder: Path, rows: Sequence[Row], text: str, surplus_rate: str | None = None) -> list[Statement]:
    """All of it in one go."""
    account = account_file(folder, text)
    if surplus_rate is not None:
        account = with_surplus_rate(account, surplus_rate)
    return statements(account, books_of(folder, rows, account.terms.tariff))


def lines_of(statement: Statement, kind: LineKind) -> dict[str, Line]:
    """The lines of one kind, the true-up's among them, by key."""
    return {one.key: one for one in statement.lines if one.kind is kind}


def amount_of(statement: Statement, key: str) -> Decimal:
    """What one line prints."""
    return next(one.amount for one in statement.lines if one.key == key)
