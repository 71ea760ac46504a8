"""A card destroyed in mid-year and restored from the collector: `netmeter-hil card`, and its judge held against lies.

Ninety days of two meters, by real processes: the daemon without wires, mosquitto, the collector. Expected registers
and buckets are sums over the meters' own steps; a twin that nothing happened to says what the bills would have been.
"""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hil.broker import find_mosquitto
from hil.card.judge import judge_collected
from hil.card.year import ARRAY, GRID, Plan, Year
from hil.cli import main

PLAN = Plan(days=90, dies_on_day=40, interval_min=60, seed=7)
"""The hole lies in February; the clocks go forward on 9 March, in the new card's time."""
DAYS_H = 90 * 24 - 1


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed: `./tests/run --setup` as root installs it")
    folder = tmp_path_factory.mktemp("card")
    options = [f"--days={PLAN.days}", f"--dies-on-day={PLAN.dies_on_day}", f"--seed={PLAN.seed}"]
    done = CliRunner().invoke(main, ["card", *options, "--keep", str(folder), "--json"])
    assert done.exit_code == 0, done.output
    return folder, json.loads(done.stdout)


@pytest.mark.whole
def test_the_year_goes_on_and_each_record_is_there_once(year) -> None:
    """90 days of 24 hours less the one that the night of 9 March has not."""
    _, told = year
    assert told["findings"] == []
    assert told["records"] == 2 * DAYS_H
    assert told["died_with_the_card"] == 2 * 60  # two days and a half


@pytest.mark.whole
def test_what_flowed_unheard_is_told_and_nothing_else_is_unassigned(year) -> None:
    """From 12:30 on 10 February to 00:30 and a day later, two days and a half and one: by the meters' own registers."""
    _, told = year
    counts = Year(PLAN)
    flowed = [sum(counts.between(meter, PLAN.delivered_us, PLAN.again_us)) for meter in (GRID, ARRAY)]
    assert told["unassigned_milliwh"] == sum(flowed) > 0


@pytest.mark.whole
def test_only_the_bill_with_the_hole_has_other_charges_and_tells_by_how_much(year) -> None:
    _, told = year
    assert told["bills"] == 3
    february, march = told["bills_that_differ"]
    assert (february["last_day"], march["last_day"]) == ("2025-02-28", "2025-03-31")
    assert march["unassigned_milliwh"] == 0  # it carries what February was off by
    assert march["cents"] == february["cents"] != 0


def alter(folder: Path, tmp_path: Path, change: Callable[[sqlite3.Connection], object]) -> set[str]:
    """What the judge finds in a copy that was altered."""
    copy = tmp_path / "collected.sqlite"
    shutil.copy(folder / "collected.sqlite", copy)
    with closing(sqlite3.connect(copy)) as hand:
        change(hand)
        hand.commit()
    return {finding.what for finding in judge_collected(copy, PLAN).findings}


def edit(hand: sqlite3.Connection, table: str, where: str, key: str, by: int) -> None:
    (payload,) = hand.execute(f"SELECT payload FROM {table} WHERE {where}").fetchone()
    content = json.loads(payload)
    content[key] += by
    hand.execute(f"UPDATE {table} SET payload = ? WHERE payload = ?", (json.dumps(content), payload))


def lose_one_and_have_trouble(hand: sqlite3.Connection) -> None:
    hand.execute("DELETE FROM interval WHERE seq = 77")
    hand.execute("INSERT INTO trouble VALUES (1, 'elm', '', 'chain', 'x', '', 1, 0)")


def change_figures(hand: sqlite3.Connection) -> None:
    edit(hand, "interval", "seq = 500", "import_milliwh", 1)
    with_a_peak = "payload LIKE '%import_bucket_winter_peak_milliwh%'"  # none yet in the year's first hours
    edit(hand, "state", with_a_peak, "import_bucket_winter_peak_milliwh", 1)
    edit(hand, "state", with_a_peak, "export_register_milliwh", 1000)


LIES = {
    "a record that never came, and trouble": (lose_one_and_have_trouble, {"hole", "chain", "times", "trouble"}),
    "figures that were changed": (change_figures, {"energy", "chain", "bucket", "law", "register"}),
}


@pytest.mark.whole
@pytest.mark.parametrize(("change", "laws"), LIES.values(), ids=LIES)
def test_the_judge_finds_what_is_wrong(year, tmp_path, change, laws) -> None:
    assert alter(year[0], tmp_path, change) == laws


@pytest.mark.whole
def test_a_judge_who_knows_of_another_hole_finds_energy_in_the_wrong_place(year) -> None:
    """The control of the hole itself: a day later, and what flowed in the true one is nobody's."""
    found = judge_collected(year[0] / "collected.sqlite", replace(PLAN, dies_on_day=41)).findings
    assert {"energy", "unassigned"} <= {finding.what for finding in found}


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--days=20", "--dies-on-day=19"], "of 20 days the card dies on day 2 to 12, not 19"),
        (["--days=5"], "is not in the range"),
        (["--interval=20"], "is not one of"),
    ],
)
def test_a_year_that_cannot_be_played_is_refused(options, why) -> None:
    done = CliRunner().invoke(main, ["card", *options])
    assert done.exit_code == 2
    assert why in done.output


def test_a_folder_that_holds_something_is_not_filled(tmp_path) -> None:
    (tmp_path / "mine").write_text("x")
    done = CliRunner().invoke(main, ["card", "--keep", str(tmp_path)])
    assert done.exit_code == 2
    assert "is not empty" in done.output
