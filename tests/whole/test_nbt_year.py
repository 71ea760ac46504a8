"""A Net Billing year as a person has it: registers every 15 minutes -> the ledger, or `netmeter replay` -> `statement`.

2025-08-15 to 2026-08-13 on E-ELEC: both nights on which the clock is set, Friday 2026-07-03 (a holiday of the export
prices and of no import schedule), new prices on 2025-09-01, 2026-01-01 and 2026-03-01, two changes of season. Held line
by line against tests/oracle/nbt.py, which reads figures of its own.
"""

import json
import os
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.bookkeeping.desk import open_books
from gateway.bookkeeping.journal import OutboxIds
from gateway.cli.replay import replay
from gateway.cli.statement import statement
from gateway.config.load import load_config
from gateway.kernels import Build, load_kernel
from gateway.ledger.records import Batch
from gateway.ledger.schema import migrate
from gateway.ledger.store import Store
from gateway.tariff.calendar import Calendar
from gateway.tariff.tariff_file import load_tariff
from tests.account.house import House, readings, write_readings
from tests.oracle.nbt import PACIFIC, Bill, Exports, Sheets
from tests.oracle.nbt import House as Reckoned
from tests.pipeline.world import reading

TARIFFS = Path(os.environ.get("NETMETER_TARIFFS", Path(__file__).parents[2].parent / "shared/data/tariffs"))
FIGURES = TARIFFS / "tariffkit"
FIRST_DAYS = [
    *(date(2025, 8, 15), date(2025, 9, 15), date(2025, 10, 14), date(2025, 11, 13), date(2025, 12, 15)),
    *(date(2026, 1, 14), date(2026, 2, 13), date(2026, 3, 16), date(2026, 4, 15), date(2026, 5, 14)),
    *(date(2026, 6, 15), date(2026, 7, 15), date(2026, 8, 14)),
]
ACCOUNT = f"""\
format = 1
id = "home"
name = "Elm Street 5"
tariff = "pge-e-elec"
[customer]
utility = "pge"
base_services_tier = "tier_3"
[[programme]]
name = "nem3"
from = 2025-08-15
[generator]
technology = "pv"
size_kw = "6"
application = 2025-06-01
pto = 2025-08-15
[[meter]]
name = "grid"
from = "csv"
file = "intervals.csv"
[billing]
read_day = "first_day"
read_dates = [{", ".join(map(str, FIRST_DAYS))}]
[choices]
surplus_payout = "check"
"""
CONFIG = """\
[gateway]
id = "elm"
clock = "operator"
[mqtt]
host = "127.0.0.1"
port = 9
[accounting]
tariff = "pge-e-elec"
[store]
path = "ledger.sqlite"
[[meter]]
name = "grid"
profile = "sunspec"
role = "grid"
register = "own"
service_amps = 100
service_volts = 240
poll_s = 900
host = "127.0.0.1"
tcp_port = 9
"""
NSC_OF_AUGUST_2026 = Fraction("0.02684")
ACC_PLUS_OF_2025 = Fraction("0.0132")
Row = tuple[int, int, int]


def registers(array_percent: int) -> list[Row]:
    return readings(FIRST_DAYS[0], date(2026, 8, 13), House(array_percent).quarter)


def by_hand(rows: list[Row]) -> list[Bill]:
    """What the oracle makes of the same registers."""
    if not FIGURES.is_dir():
        pytest.skip(f"{FIGURES} is not here (NETMETER_TARIFFS): the oracle reads its own figures")
    sheets, exports = Sheets(FIGURES / "tariff/pge/eelec"), Exports(FIGURES / "export/pge/nbt25.json.gz")
    house = Reckoned(sheets, exports, ACC_PLUS_OF_2025, "tier_3", NSC_OF_AUGUST_2026)
    quarters = [
        (before[0] // 1_000_000, after[1] - before[1], after[2] - before[2]) for before, after in pairwise(rows)
    ]
    return house.bills(quarters, FIRST_DAYS)


def statements(folder: Path, *more: str) -> list[dict]:
    done = CliRunner().invoke(statement, ["--account", str(folder / "home.toml"), *more, "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["statements"]
    assert isinstance(found, list)
    return found


def replayed(folder: Path, rows: list[Row]) -> list[dict]:
    """Through `netmeter replay` and a file of intervals."""
    table = write_readings(folder / "registers.csv", rows)
    service = ["--service-amps", "100", "--service-volts", "240", "--clock-error-s", "0", "--tariff", "pge-e-elec"]
    intervals = ["--intervals", str(folder / "intervals.csv")]
    done = CliRunner().invoke(replay, ["--readings", str(table), *service, *intervals])
    assert done.exit_code == 0, done.output
    (folder / "home.toml").write_text(ACCOUNT, encoding="utf-8")
    return statements(folder)


def booked(folder: Path, rows: list[Row]) -> list[dict]:
    """Through the daemon's books into a store, and out of it."""
    (folder / "gateway.toml").write_text(CONFIG, encoding="utf-8")
    migrate(folder / "ledger.sqlite")
    config, store = load_config(folder / "gateway.toml"), Store(folder / "ledger.sqlite")
    calendar, kernel, batch = Calendar(load_tariff("pge-e-elec")), load_kernel(Build.PYTHON), Batch()
    books = open_books(config, folder, config.meter[0], store, calendar, kernel, OutboxIds(0))
    for number, (at_us, taken, given) in enumerate(rows):
        books.take(reading(at_us, taken, given), batch)
        if number % 2000 == 0:
            store.commit(batch)
            batch = Batch()
    store.commit(batch)
    store.close()
    account = ACCOUNT.replace('from = "csv"\nfile = "intervals.csv"', 'from = "store"\nfile = "ledger.sqlite"')
    (folder / "home.toml").write_text(account, encoding="utf-8")
    return statements(folder)


def assert_same(found: list[dict], expected: list[Bill]) -> None:
    """Every line that is not zero, in cents; what is due; what each bank holds."""
    assert len(found) == len(expected) == 12
    for number, (one, bill) in enumerate(zip(found, expected, strict=True), 1):
        lines = [*one["lines"], *(one["true_up"] or ())]
        amounts = {line["key"]: round(Decimal(line["amount"]) * 100) for line in lines}
        kept = {key: amount for key, amount in amounts.items() if amount and not key.startswith(("bank.", "fee."))}
        assert kept == {key: amount for key, amount in bill.lines.items() if amount}, number
        assert round(Decimal(one["due_now"]) * 100) == bill.due, number
        held = {move["name"]: round(Decimal(move["after"]) * 100) for move in one["banks"]}
        names = ("generation_credit", "delivery_credit", "bonus_credit")
        assert [held.get(name, 0) for name in names] == bill.banks, number


def test_the_year_from_the_ledger_is_that_of_the_oracle(tmp_path: Path) -> None:
    rows = registers(100)
    found = booked(tmp_path, rows)
    assert_same(found, by_hand(rows))
    assert sum(one["import_milliwh"] for one in found) == rows[-1][1] - rows[0][1]
    assert sum(one["export_milliwh"] for one in found) == rows[-1][2] - rows[0][2]


def test_a_year_that_gives_more_than_it_takes_from_a_replay(tmp_path: Path) -> None:
    rows = registers(240)
    found = replayed(tmp_path, rows)
    assert_same(found, by_hand(rows))
    keys = {line["key"] for line in found[-1]["true_up"]}
    assert {"true_up.surplus", "true_up.reversal.generation", "true_up.paid_back.generation"} <= keys


def test_the_oracle_feels_the_holiday_and_the_hour_that_comes_twice() -> None:
    """The control: an export on 2026-07-03, or in the second 01:00 hour, is worth another price without the rule."""
    if not FIGURES.is_dir():
        pytest.skip(f"{FIGURES} is not here (NETMETER_TARIFFS)")
    exports = Exports(FIGURES / "export/pge/nbt25.json.gz")
    friday, thursday = (datetime(2026, 7, day, 18, tzinfo=PACIFIC) for day in (3, 2))
    assert exports.price("generation", friday) != exports.price("generation", thursday)
    second, first = (datetime(2025, 11, 2, 1, 30, fold=fold, tzinfo=PACIFIC) for fold in (1, 0))
    assert exports.price("generation", second) != exports.price("generation", first)
