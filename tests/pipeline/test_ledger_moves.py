"""Backup, restore, salvage and migration, by the commands a person types, with real files and real kills.

Expected energy by hand, as in `test_ledger_opening`: 30 in `high`, then 70 or what else has flowed in `unassigned`.
"""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from gateway.ledger.backup_slices import BackupSlices
from gateway.ledger.connection import connect
from gateway.ledger.lock import StoreLock
from gateway.ledger.opening import Opener
from gateway.ledger.records import Batch, EventRow
from gateway.ledger.schema import backup_place, migrate, migrations
from gateway.ledger.store import Store
from gateway.ledger.store_error import StoreError
from gateway.ledger.swap import suspect_place, write_note
from gateway.ledger.version import SCHEMA_VERSION
from gateway.machine import this_machine

from .test_ledger_opening import Owner, account, book, dump
from .test_ledger_store import make_newer
from .world import MIN, NOON_US, S

ROOT = Path(__file__).parents[2]
CONFIG = """\
[gateway]
id = "home"
clock = "ntp"

[store]
path = "{store}"

[mqtt]
host = "127.0.0.1"

[accounting]
tariff = "pge-e-tou-c"

[[meter]]
name = "grid"
profile = "sunspec"
role = "grid"
register = "own"
service_amps = 40
service_volts = 240
host = "127.0.0.1"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A config and a store with two closed intervals, nobody running."""
    store = tmp_path / "ledger.sqlite"
    (tmp_path / "gateway.toml").write_text(CONFIG.format(store=store), encoding="utf-8")
    one = open_here(store)
    book(one, (1 * S, 1000), (2 * S, 1000), (16 * MIN, 1010), (31 * MIN, 1030))
    one.close()
    return tmp_path


def open_here(store: Path) -> Store:
    return (
        Opener(store, Owner("home", this_machine(), NOON_US), ["grid"], lambda path: void(migrate(path))).open().store
    )


def void(_: object) -> None: ...


def netmeter(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(folder), "XDG_STATE_HOME": str(folder)}
    command = [sys.executable, "-m", "gateway.cli", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, timeout=60, check=False)


def backup(folder: Path, name: str = "copy.sqlite") -> Path:
    done = netmeter(folder, "backup", str(folder / name), "--config", str(folder / "gateway.toml"))
    assert (done.returncode, done.stderr) == (0, "")
    return folder / name


def restore(folder: Path, copy: Path) -> "subprocess.CompletedProcess[str]":
    return netmeter(folder, "restore", str(copy), "--config", str(folder / "gateway.toml"), "--json")


def test_a_backup_holds_every_record_and_is_one_file(folder: Path) -> None:
    copy = backup(folder)
    assert dump(copy) == dump(folder / "ledger.sqlite")
    assert not list(folder.glob("copy.sqlite?*"))
    assert not list(folder.glob(".copy*"))


def test_a_backup_overwrites_nothing(folder: Path) -> None:
    (folder / "letter").write_text("dear aunt", encoding="utf-8")
    done = netmeter(folder, "backup", str(folder / "letter"), "--config", str(folder / "gateway.toml"))
    assert done.returncode == 1
    assert "is there already" in done.stderr
    assert (folder / "letter").read_text(encoding="utf-8") == "dear aunt"


def test_a_damaged_store_gives_no_backup(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as hand, hand:
        hand.execute("UPDATE interval SET import_milliwh = 11 WHERE seq = 1")
    done = netmeter(folder, "backup", str(folder / "copy.sqlite"), "--config", str(folder / "gateway.toml"))
    assert done.returncode == 1
    assert "interval 1: is not what its hash says" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "copy.sqlite").exists()


@pytest.mark.parametrize("command", [("backup", "copy.sqlite"), ("restore", "good.sqlite")])
def test_neither_touches_a_store_in_use(folder: Path, command: tuple[str, str]) -> None:
    backup(folder, "good.sqlite")
    before = (folder / "ledger.sqlite").read_bytes()
    lock = StoreLock(folder / "ledger.sqlite")
    done = netmeter(folder, command[0], str(folder / command[1]), "--config", str(folder / "gateway.toml"))
    lock.release()
    assert done.returncode == 1
    assert f"in use by process {os.getpid()}" in done.stderr
    assert (folder / "ledger.sqlite").read_bytes() == before


def test_a_copy_in_slices_has_what_was_committed_between_them(folder: Path) -> None:
    store = Store(folder / "ledger.sqlite")
    meter = store.load_meter("grid")
    slices = BackupSlices(store._connection, folder / "slow.sqlite", pages_a_slice=1)
    count = 0
    while not slices.step():
        count += 1
        seq = meter.event_seq + count
        store.commit(Batch(events=[EventRow(meter.meter_id, seq, NOON_US, "gap", {"n": count})]))
    store.close()
    assert slices.error is None
    assert count > 5  # it was in slices
    assert dump(folder / "slow.sqlite")["event"] == dump(folder / "ledger.sqlite")["event"]


def test_a_copy_that_is_given_up_leaves_nothing(folder: Path) -> None:
    store = Store(folder / "ledger.sqlite")
    slices = BackupSlices(store._connection, folder / "slow.sqlite", pages_a_slice=1)
    slices.step()
    slices.cancel()
    assert not (folder / "slow.sqlite").exists()
    store.commit(Batch(events=[EventRow(1, 99, NOON_US, "gap", {})]))
    store.close()


def test_restoring_brings_history_back_and_counters_do_not_fall(folder: Path) -> None:
    store = folder / "ledger.sqlite"
    copy = backup(folder)
    history = dump(copy)["interval"]
    one = open_here(store)
    before = one.store_epoch
    book(one, (46 * MIN, 1080))
    one.close()
    replaced = dump(store)
    done = restore(folder, copy)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["witness"] == "salvage"  # the replaced store had counted further than the copy
    assert dump(folder / told["aside"]) == replaced
    after = open_here(store)
    assert after.store_epoch == told["store_epoch"] != before
    assert after.epoch.reason == "restored"
    assert dump_rows(after, "interval") == history
    book(after, (50 * MIN, 1100))
    assert account(after)["totals"] == {"high": 80, "unassigned": 20}
    after.close()


def dump_rows(store: Store, table: str) -> list[object]:
    return store._connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()


def test_restoring_on_a_new_card_goes_on_from_the_copy(folder: Path) -> None:
    copy = backup(folder)
    for one in folder.glob("ledger.sqlite*"):
        one.unlink()
    assert json.loads(restore(folder, copy).stdout)["witness"] == "backup"
    after = open_here(folder / "ledger.sqlite")
    book(after, (50 * MIN, 1100))
    assert account(after)["totals"] == {"high": 30, "unassigned": 70}
    after.close()


@pytest.mark.parametrize("what", ["letter", "altered", "missing", "newer"])
def test_what_is_no_whole_copy_is_refused_and_the_store_stays(folder: Path, what: str) -> None:
    copy = backup(folder)
    if what == "letter":
        copy.write_text("dear aunt\n" * 500, encoding="utf-8")
    elif what == "missing":
        copy.unlink()
    else:
        with closing(sqlite3.connect(copy)) as hand, hand:
            newer = f"PRAGMA user_version = {SCHEMA_VERSION + 1}"
            hand.execute(newer if what == "newer" else "UPDATE interval SET import_milliwh = 11 WHERE seq = 1")
    before = (folder / "ledger.sqlite").read_bytes()
    done = restore(folder, copy)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr
    assert (folder / "ledger.sqlite").read_bytes() == before
    assert not list(folder.glob("ledger.sqlite.new*"))
    with closing(open_here(folder / "ledger.sqlite")) as after:
        assert after.epoch.reason == "first"


def salvage(folder: Path, store: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return netmeter(folder, "salvage", str(store), *words)


def test_salvaging_an_undamaged_store_finds_all_of_it_whole(folder: Path) -> None:
    store = folder / "ledger.sqlite"
    before = store.read_bytes()
    done = salvage(folder, store, "--into", str(folder / "new.sqlite"), "--json")
    assert done.returncode == 0, done.stderr
    assert store.read_bytes() == before
    told = json.loads(done.stdout)["tables"]
    expected = dump(store)
    assert told["interval"] == {"verdicts": {"whole": len(expected["interval"])}, "lost": [], "is_all": True}
    assert told["event"]["verdicts"] == {"whole": len(expected["event"])}
    found = dump(folder / "new.sqlite")
    for one in (found, expected):  # the new store's word on its own schema, and the tallies, which are rows of meter 0
        one.pop("meta")
        one["bucket_total"] = [row for row in one["bucket_total"] if isinstance(row, tuple) and row[0] != 0]
    assert found == expected
    assert restore(folder, folder / "new.sqlite").returncode == 0


def test_salvage_gives_each_altered_record_its_verdict(folder: Path) -> None:
    store = folder / "ledger.sqlite"
    with closing(sqlite3.connect(store)) as hand, hand:
        hand.execute("UPDATE interval SET import_milliwh = 11 WHERE seq = 1")
        hand.execute("UPDATE event SET detail = '{}' WHERE seq = 1")
    done = salvage(folder, store, "--into", "-")
    assert done.returncode == 3
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    verdicts = {(row["table"], row["seq"]): row["verdict"] for row in rows if row["table"] in ("interval", "event")}
    assert verdicts["interval", 1] == "altered"
    assert verdicts["interval", 2] == "alone"
    assert verdicts["event", 1] == "altered"


def many_events(folder: Path) -> Path:
    """A store of some hundred pages."""
    store = Store(folder / "ledger.sqlite")
    meter = store.load_meter("grid")
    rows = [
        EventRow(meter.meter_id, meter.event_seq + n, NOON_US, "gap", {"n": n, "words": "x" * 200})
        for n in range(1, 3001)
    ]
    store.commit(Batch(events=rows))
    store.close()
    return folder / "ledger.sqlite"


@pytest.mark.parametrize("seed", range(8))
def test_salvage_reads_all_but_what_lay_on_damaged_pages(folder: Path, seed: int) -> None:
    """Ten pages of noise: whatever is said to be whole is as it was written; the rest is said to be lost."""
    store = many_events(folder)
    expected = {row[1]: row for row in dump(store)["event"]}  # type: ignore[index]
    rng, data = random.Random(seed), bytearray(store.read_bytes())
    for page in rng.sample(range(40, len(data) // 4096), 10):
        data[page * 4096 : (page + 1) * 4096] = rng.randbytes(4096)
    store.write_bytes(data)
    done = salvage(folder, store, "--into", str(folder / "rows.jsonl"), "--json")
    assert done.returncode == 3, done.stderr
    report = json.loads(done.stdout)["tables"]["event"]
    lines = [json.loads(line) for line in (folder / "rows.jsonl").read_text(encoding="utf-8").splitlines()]
    whole = {row["seq"]: row for row in lines if row["table"] == "event" and row["verdict"] == "whole"}
    assert all(expected[seq][4] == row["detail"] for seq, row in whole.items())  # type: ignore[index]
    lost = sum(one["last"] - one["first"] + 1 for one in report["lost"])
    altered = report["verdicts"].get("altered", 0)
    assert len(whole) + lost + altered >= len(expected)
    assert len(whole) > len(expected) // 2


def old_store(folder: Path) -> Path:
    """A store of schema 1 with rows, made by the first migration alone."""
    from sqlite_utils import Database

    place = folder / "old.sqlite"
    db = Database(place)
    db.enable_wal()
    migrations.apply(db, stop_before=[one.name for one in migrations.pending(db)][1:])
    with db.conn:
        db.execute("INSERT INTO meta VALUES ('store_epoch', '00112233445566ff')")
        db.execute("INSERT INTO meter VALUES (1, 'grid')")
        for seq in range(1, 500):
            db.execute("INSERT INTO event VALUES (1, ?, 0, 'gap', ?)", (seq, json.dumps({"words": "x" * 300})))
    db.close()
    return place


def events_of(path: Path) -> list[object]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT meter_id, seq, at_us, kind, detail FROM event ORDER BY seq").fetchall()


def test_migrating_keeps_every_record_and_a_copy_of_the_old(folder: Path) -> None:
    store = old_store(folder)
    before = events_of(store)
    done = netmeter(folder, "migrate", str(store))
    assert done.returncode == 0, done.stderr
    assert events_of(store) == before
    assert events_of(backup_place(store, 1)) == before
    with closing(sqlite3.connect(backup_place(store, 1))) as copy:
        assert copy.execute("PRAGMA user_version").fetchone() == (1,)
    with closing(open_here(store)) as after:
        assert after.store_epoch == "00112233445566ff"


def test_a_newer_schema_and_another_programs_database_are_left_untouched(folder: Path) -> None:
    newer, other = folder / "newer.sqlite", folder / "other.sqlite"
    with closing(sqlite3.connect(newer)) as hand:
        hand.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with closing(sqlite3.connect(other)) as hand, hand:
        hand.execute("CREATE TABLE photos (name TEXT)")
    for path, word in ((newer, "newer netmeter"), (other, "another program's database (photos)")):
        before = path.read_bytes()
        done = netmeter(folder, "migrate", str(path))
        assert done.returncode == 1
        assert word in done.stderr
        assert path.read_bytes() == before


def test_a_newer_store_that_was_killed_keeps_its_log_and_is_refused_even_when_suspected(folder: Path) -> None:
    """What its log holds is the newer program's to fold back, and what is damaged in it that program's to judge."""
    store, log = folder / "ledger.sqlite", folder / "ledger.sqlite-wal"
    writer = sqlite3.connect(store)
    writer.execute("PRAGMA journal_mode = WAL").fetchone()
    make_newer(writer)
    writer.commit()
    files = {one: one.read_bytes() for one in (store, log)}  # as they lie while nobody has closed the file
    writer.close()
    for path, content in files.items():
        path.write_bytes(content)
    assert netmeter(folder, "migrate", str(store)).returncode == 1
    write_note(suspect_place(store), "a record is not what its checksum says")
    with pytest.raises(StoreError, match="newer netmeter"):
        open_here(store)
    assert {path: path.read_bytes() for path in files} == files
    assert not list(folder.glob("*.damaged-*"))


def test_salvage_opens_no_store_that_a_gateway_holds(folder: Path) -> None:
    with closing(Store(folder / "ledger.sqlite")):
        done = salvage(folder, folder / "ledger.sqlite", "--json")
    assert done.returncode == 1
    assert f"in use by process {os.getpid()}" in done.stderr
    assert done.stdout == ""


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed: `./tests/run --setup` as root")
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync", "fsync", "rename", "unlink"])
def test_a_migration_killed_at_any_write_leaves_old_or_new(folder: Path, call: str) -> None:
    original = old_store(folder)
    before, kills, versions = events_of(original), 0, set()
    for number in (1, 2, 5, 12, 40):
        store = folder / f"{call}-{number}.sqlite"
        shutil.copy(original, store)
        inject = f"inject={call}:signal=SIGKILL:when={number}"
        command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject]
        done = subprocess.run(
            [*command, sys.executable, "-m", "gateway.cli", "migrate", str(store)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if "ptrace" in done.stderr:
            pytest.skip(f"ptrace is forbidden here: {done.stderr.strip()}")
        if done.returncode == 0:
            break
        assert done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL), done.stderr
        kills += 1
        with closing(connect(store)) as found:
            versions.add(found.execute("PRAGMA user_version").fetchone()[0])
            assert found.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert events_of(store) == before
        assert netmeter(folder, "migrate", str(store)).returncode == 0
        with closing(open_here(store)) as after:
            assert after.store_epoch == "00112233445566ff"
    assert kills >= 1
    assert versions <= set(range(SCHEMA_VERSION + 1))


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed: `./tests/run --setup` as root")
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync", "fsync", "rename", "unlink"])
def test_a_restore_killed_at_any_write_leaves_the_old_store_or_the_restored_one(tmp_path: Path, call: str) -> None:
    reasons, kills = set(), 0
    for number in (1, 3, 12):
        place = tmp_path / str(number)
        place.mkdir()
        store = place / "ledger.sqlite"
        (place / "gateway.toml").write_text(CONFIG.format(store=store), encoding="utf-8")
        with closing(open_here(store)) as one:
            book(one, (1 * S, 1000), (2 * S, 1000), (16 * MIN, 1010))
        copy = backup(place)
        with closing(open_here(store)) as one:
            book(one, (31 * MIN, 1030))
        inject = f"inject={call}:signal=SIGKILL:when={number}"
        command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject]
        words = [sys.executable, "-m", "gateway.cli", "restore", str(copy), "--config", str(place / "gateway.toml")]
        environment = {**os.environ, "XDG_RUNTIME_DIR": str(place), "XDG_STATE_HOME": str(place)}
        done = subprocess.run(
            [*command, *words], cwd=ROOT, capture_output=True, text=True, env=environment, timeout=120, check=False
        )
        if "ptrace" in done.stderr:
            pytest.skip(f"ptrace is forbidden here: {done.stderr.strip()}")
        if done.returncode == 0:
            break
        assert done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL), done.stderr
        kills += 1
        with closing(open_here(store)) as after:
            reasons.add(after.epoch.reason)
            assert after.load_meter("grid").interval_seq >= 1
            book(after, (46 * MIN, 1060))
            state = account(after)
            assert sum(state["totals"].values()) == 60  # type: ignore[attr-defined]
            if after.epoch.reason == "restored":
                assert list(place.glob("ledger.sqlite.replaced-*"))
    assert kills >= 1
    assert reasons <= {"first", "restored"}


def test_no_room_for_the_copy_is_told_and_nothing_is_changed(folder: Path) -> None:
    from hil.disk_faults import SmallDisk

    disk = SmallDisk(folder / "small", 400)
    (folder / "small").mkdir()
    if disk.why_not:
        pytest.skip(disk.why_not)
    store = old_store(folder)
    shell = f"cp {store} {folder}/small/old.sqlite && {sys.executable} -m gateway.cli migrate {folder}/small/old.sqlite"
    done = subprocess.run(
        [*disk.prefix, "sh", "-c", f"{shell}; code=$?; cp {folder}/small/old.sqlite {folder}/seen; exit $code"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "no room for a copy before schema 1" in done.stderr
    assert (folder / "seen").read_bytes() == store.read_bytes()
