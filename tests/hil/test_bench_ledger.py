"""`netmeter-hil bench ledger`, a short one: it thins, and what it books again is held against what was booked.

How large or fast anything is, is not tested.
"""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hil.bench.ledger_days import Ledger, Plan
from hil.bench.ledger_ways import by_netmeter, by_sqlite_utils
from hil.cli import main

PLAN = ["--days", "4", "--poll", "60", "--keep-days", "1", "--no-peer"]


def bench(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["bench", "ledger", "--folder", str(folder), *PLAN, *options])


def test_days_are_kept_thinned_and_booked_again(tmp_path: Path) -> None:
    done = bench(tmp_path, "--json")
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert (told["whole"]["same"], told["thinned"]["same"]) == (True, True)
    assert [day["day"] for day in told["days"]] == [1, 2, 3, 4]
    assert sum(day["thinned"] for day in told["days"]) > 1000
    # A poll a minute, one reading half a second before each quarter hour, and what was thinned.
    assert told["whole"]["readings"] + sum(day["thinned"] for day in told["days"]) == 4 * (1440 + 96) - 1
    assert list(tmp_path.iterdir()) == []


def test_a_changed_reading_is_not_the_same(tmp_path: Path) -> None:
    """The control."""
    ledger = Ledger(tmp_path / "ledger.sqlite", Plan(1, 300, 40))
    for _ in ledger.run():
        pass
    assert ledger.is_same(ledger.again())
    ledger.store._connection.execute("UPDATE reading SET clock_error_us = clock_error_us + 10000000")
    assert not ledger.is_same(ledger.again())
    ledger.store.close()


@pytest.mark.parametrize("way", [by_netmeter, by_sqlite_utils])
def test_both_ways_write_the_same_readings(tmp_path: Path, way: object) -> None:
    assert callable(way)
    assert way(tmp_path / "one.sqlite", Plan(1, 300, 40)) == 288 + 96 - 1
