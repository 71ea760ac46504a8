"""`netmeter recompute` over a store that nobody runs: what it says, what it writes, what a person can do wrong."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway import places
from gateway.ledger.store import Store
from hil.bench.ledger_days import Ledger, Plan

CONFIG = """\
[gateway]
id = "bench"
clock = "ntp"
[store]
path = "ledger.sqlite"
[mqtt]
host = "localhost"
[accounting]
tariff = "tariff.toml"
[[meter]]
name = "grid"
profile = "sunspec"
role = "grid"
register = "own"
service_amps = 200
service_volts = 240
host = "127.0.0.1"
"""
SAME, FAILED, USAGE, DIFFERS = 0, 1, 2, 3


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of a house read once a minute: 2880 readings on the grid of polls and 192 at edges."""
    folder = tmp_path_factory.mktemp("written")
    shutil.copy(places.data_file("config/tariffs/pge-e-tou-c.toml"), folder / "tariff.toml")
    (folder / "gateway.toml").write_text(CONFIG, encoding="utf-8")
    ledger = Ledger(folder / "ledger.sqlite", Plan(days=2, poll_s=60, keep_days=1))
    for _ in ledger.run():
        pass
    assert ledger.thin(1) == 0
    ledger.store.close()
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "house"))


def recompute(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "gateway.cli", "recompute", "--config", str(folder / "gateway.toml"), *arguments]
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(folder), "XDG_STATE_HOME": str(folder)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert "Traceback" not in done.stderr
    return done


def found(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = recompute(folder, *arguments, "--json")
    return done.returncode, json.loads(done.stdout)


def later_peak(folder: Path) -> None:
    """The tariff, corrected: its peak begins at ten past four, where no reading was asked for."""
    path = folder / "tariff.toml"
    text = path.read_text(encoding="utf-8")
    assert text.count('from = "16:00"') == 1
    path.write_text(text.replace('from = "16:00"', 'from = "16:10"'), encoding="utf-8")


def rows(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as connection:
        return connection.execute(sql).fetchall()


def test_the_ledger_is_what_its_readings_say(folder: Path) -> None:
    code, answer = found(folder)
    (meter,) = answer["meters"]
    assert (code, answer["same"], meter["same"]) == (SAME, True, True)
    # Two days of quarter hours but for the last, whose end no reading has confirmed, and 15 ms before the first: the
    # middle of the window of the first reading.
    assert meter["intervals"] == 2 * 96 - 1 + 1
    assert all(one["ledger_milliwh"] == one["recomputed_milliwh"] for one in meter["buckets"])
    assert "the same, to the last bit" in recompute(folder).stdout


@pytest.mark.parametrize("milliwh", [-10_000, -(10**8)])
def test_a_register_changed_by_hand_is_found(folder: Path, milliwh: int) -> None:
    """The control: one stored reading, the last before an edge, says more or less than the meter did."""
    ((reading_id,),) = rows(
        folder,
        "SELECT max(reading_id) FROM reading WHERE latest_us < (SELECT end_us FROM interval WHERE seq = 20)",
    )
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as connection:
        connection.execute(
            "UPDATE reading SET import_milliwh = import_milliwh + ? WHERE reading_id = ?", (milliwh, reading_id)
        )
        connection.commit()
    done = recompute(folder)
    assert done.returncode == DIFFERS
    assert "NOT the same" in done.stdout


def test_a_corrected_tariff_is_told_and_nothing_is_written(folder: Path) -> None:
    before = (folder / "ledger.sqlite").read_bytes()
    corrected = folder / "corrected"
    corrected.mkdir()
    shutil.copy(folder / "tariff.toml", corrected)
    later_peak(corrected)
    code, answer = found(folder, "--tariff", str(corrected / "tariff.toml"))
    (meter,) = answer["meters"]
    assert code == DIFFERS
    # A day has one new edge, at 16:10; the quarter hours from 16:00 and from 16:10 are told anew, and no other.
    assert (meter["new_edges"], meter["records_changed"], meter["edges_gone"]) == (2, 2, 0)
    moved = {
        (one["direction"], one["bucket"]): one["recomputed_milliwh"] - one["ledger_milliwh"] for one in meter["buckets"]
    }
    for direction in ("import", "export"):
        assert sum(milliwh for (way, _), milliwh in moved.items() if way == direction) == 0
    assert moved["export", "winter_peak"] < 0 < moved["export", "winter_off_peak"]
    # Between 16:00 and 16:10 the house exports: the readings around the new edge are a quarter of an hour apart, or
    # one of the last day's minutes; each tells what it cannot know.
    doubts = [one["recomputed"]["export_uncertain_milliwh"] for one in meter["differences"]]
    assert min(doubts) > 0
    assert (folder / "ledger.sqlite").read_bytes() == before
    assert "told as uncertain" in recompute(folder, "--tariff", str(corrected / "tariff.toml")).stdout


def test_applied_each_record_has_a_revision_and_the_account_follows(folder: Path) -> None:
    later_peak(folder)
    records, waiting = rows(folder, "SELECT count(*) FROM interval")[0][0], rows(folder, "SELECT count(*) FROM outbox")
    code, answer = found(folder, "--apply")
    assert (code, answer["applied"]) == (SAME, 4)
    revised = rows(
        folder,
        "SELECT new.revision, new.start_us - old.start_us, new.end_us = old.end_us FROM interval new"
        " JOIN interval old ON old.seq = new.supersedes ORDER BY new.seq",
    )
    assert revised == [(1, 600_000_000, 1)] * 2
    assert rows(folder, "SELECT count(*) FROM interval") == [(records + 4,)]
    assert rows(folder, "SELECT count(*) FROM outbox") == [(waiting[0][0] + 5,)]  # the records, and the event
    assert rows(folder, "SELECT kind FROM event ORDER BY seq DESC LIMIT 1") == [("recomputed",)]
    assert found(folder)[0] == SAME
    assert found(folder, "--apply")[1]["applied"] == 0


def test_what_was_applied_can_be_taken_back(folder: Path) -> None:
    """An edge that is no more: its record is emptied, and the records that hold have the same sum as before."""
    code, totals = found(folder)
    later_peak(folder)
    assert found(folder, "--apply")[0] == SAME
    shutil.copy(places.data_file("config/tariffs/pge-e-tou-c.toml"), folder / "tariff.toml")
    code, answer = found(folder, "--apply")
    assert (code, answer["meters"][0]["edges_gone"]) == (SAME, 2)
    code, answer = found(folder)
    assert code == SAME
    assert [one["ledger_milliwh"] for one in answer["meters"][0]["buckets"]] == [
        one["ledger_milliwh"] for one in totals["meters"][0]["buckets"]
    ]
    newest = "SELECT sum(import_milliwh) FROM interval WHERE seq IN (SELECT max(seq) FROM interval GROUP BY end_us)"
    first = "SELECT sum(import_milliwh) FROM interval WHERE revision = 0 AND end_us % 900000000 = 0"
    assert rows(folder, newest) == rows(folder, first)


def test_thinned_readings_take_a_corrected_tariff_and_tell_more_doubt(folder: Path, tmp_path: Path) -> None:
    """Nobody read the meter at the new edge, and the minutes around it are gone: a quarter hour is split by time."""
    thinned = Path(shutil.copytree(folder, tmp_path / "thinned"))
    store = Store(thinned / "ledger.sqlite")
    newest, store.retention.slice_rows = store.past.newest_id(), 100
    while store.retention.thinned_to + 100 <= newest:
        store.retention._thin_slice(100)
    store.close()
    # Of each quarter hour fifteen or sixteen readings, two at either edge, and their neighbours where windows are wide.
    assert rows(thinned, "SELECT count(*) FROM reading")[0][0] < newest // 2
    doubts: list[list[int]] = []
    for one in (folder, thinned):
        assert found(one)[0] == SAME
        later_peak(one)
        code, answer = found(one)
        assert (code, answer["meters"][0]["new_edges"]) == (DIFFERS, 2)
        told = answer["meters"][0]["differences"]
        doubts.append([diff["recomputed"]["export_uncertain_milliwh"] for diff in told])
        assert found(one, "--apply")[1]["applied"] == 4
        assert found(one)[0] == SAME
    # The last slice of the second day is whole yet: only the first day's edge is told with more.
    assert doubts[1][0] > doubts[0][0]
    assert all(thin >= whole for whole, thin in zip(*doubts, strict=True))
    qualities = rows(thinned, "SELECT DISTINCT quality FROM interval WHERE revision > 0 AND end_us < 1767340000000000")
    assert qualities == [("estimated",)]


def test_buckets_that_a_tariff_no_longer_has_stay_at_nothing(folder: Path) -> None:
    shutil.copy(places.data_file("config/tariffs/pge-e-1.toml"), folder / "tariff.toml")
    assert found(folder, "--apply")[0] == SAME
    code, answer = found(folder)  # opened again: buckets and account agree
    assert code == SAME
    ledger = {(one["direction"], one["bucket"]): one["ledger_milliwh"] for one in answer["meters"][0]["buckets"]}
    old = {bucket: milliwh for bucket, milliwh in ledger.items() if bucket[1].startswith("winter_")}
    assert old
    assert set(old.values()) == {0}
    assert sum(milliwh for (way, _), milliwh in ledger.items() if way == "import") > 0


def test_apply_with_another_tariff_is_refused(folder: Path) -> None:
    done = recompute(folder, "--apply", "--tariff", "pge-e-1")
    assert done.returncode == USAGE
    assert "config's tariff" in done.stderr


def test_without_a_store_it_says_so(folder: Path) -> None:
    (folder / "ledger.sqlite").unlink()
    done = recompute(folder)
    assert done.returncode == FAILED
    assert "there is no store yet" in done.stderr


def test_readings_that_are_missing_are_told_not_reckoned(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as connection:
        connection.execute("DELETE FROM reading WHERE reading_id IN (SELECT reading_id FROM reading LIMIT 3)")
        connection.commit()
    done = recompute(folder)
    assert done.returncode == FAILED
    assert "readings are missing" in done.stderr
