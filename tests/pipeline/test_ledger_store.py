"""The store on a real disk: one transaction or nothing, what SQLite says of itself, who may open it."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.energy import AccumulatorState, Direction, DirectionState, Interval, Part, Quality
from gateway.ledger.connection import schema_version
from gateway.ledger.lock import StoreLockedError
from gateway.ledger.records import Batch, EpochRow, EventRow, IntervalRow, OutboxRow, ReadingRow
from gateway.ledger.schema import migrate
from gateway.ledger.store import Store
from gateway.ledger.store_error import StoreError
from gateway.ledger.version import SCHEMA_VERSION
from gateway.registers.validate import ValidatorState

from .world import NOON_US, S, reading

TABLES = ["reading", "register_epoch", "interval", "event", "outbox", "meter_state", "bucket_total"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store that `netmeter migrate` has made."""
    store = tmp_path / "ledger.sqlite"
    migrate(store)
    return store


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    one = Store(path)
    yield one
    one.close()


def make_newer(connection: sqlite3.Connection) -> None:
    """What a newer program's migration leaves: its number, and its name in the list of what was made."""
    connection.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('netmeter', 'm_newer', '2027-01-01')"
    )
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")


def account(milliwh: int = 30) -> AccumulatorState:
    """Import grown by 30 in bucket `high`."""
    state = DirectionState(
        epoch_first_milliwh=5,
        last_milliwh=5 + milliwh,
        earlier_epochs_milliwh=0,
        totals_milliwh={"unassigned": 0, "high": milliwh},
        uncertain_milliwh={"high": 2},
        marks=[],
        proven=True,
        interval_first_milliwh=5,
    )
    return AccumulatorState(register_epoch=1, instant_us=NOON_US, directions={Direction.IMPORT: state})


def full_batch(meter_id: int, seq: int = 1) -> Batch:
    """A row of every kind."""
    one = reading(NOON_US, 35, 7)
    part = Part(30, 0, 2, 35)
    interval = Interval(NOON_US, NOON_US + S, "high", "v1", 1, Quality.MEASURED, part, None)
    return Batch(
        readings=[ReadingRow(meter_id, 1, "accepted", one)],
        epochs=[EpochRow(meter_id, seq, "first_reading", None, one)],
        intervals=[IntervalRow(meter_id, seq, 0, None, "by-hand", interval, "aa", "bb")],
        events=[EventRow(meter_id, seq, NOON_US, "gap", {"b": 1, "a": "x"})],
        outbox=[(meter_id, OutboxRow(seq, "grid", "event", seq, '{"seq":1}'))],
        states={meter_id: (ValidatorState(), account())},
    )


def counts(path: Path) -> dict[str, int]:
    """Rows by table, read by a connection of the test's own once the store is closed."""
    with closing(sqlite3.connect(path)) as connection:
        return count_of(connection)


def count_of(connection: sqlite3.Connection) -> dict[str, int]:
    """Without the tallies, which are rows of meter 0."""
    wheres = {"bucket_total": "WHERE meter_id > 0"}
    return {
        table: connection.execute(f"SELECT count(*) FROM {table} {wheres.get(table, '')}").fetchone()[0]
        for table in TABLES
    }


def own(store: Store) -> sqlite3.Connection:
    """The store's only connection: what holds on it can be asked nowhere else."""
    return store._connection


def test_commit_writes_a_row_of_every_kind(path: Path) -> None:
    store = Store(path)
    store.commit(full_batch(store.load_meter("grid").meter_id))
    store.close()
    assert counts(path) == {**dict.fromkeys(TABLES, 1), "bucket_total": 2}
    with closing(sqlite3.connect(path)) as connection:
        (detail,) = connection.execute("SELECT detail FROM event").fetchone()
        row = connection.execute("SELECT import_milliwh, export_milliwh, bucket, quality FROM interval").fetchone()
        totals = connection.execute(
            "SELECT bucket, milliwh, uncertain_milliwh FROM bucket_total WHERE meter_id > 0 ORDER BY 1"
        ).fetchall()
        registers = "first_import_milliwh, previous_import_milliwh"
        epoch = connection.execute(f"SELECT {registers} FROM register_epoch").fetchone()
    assert detail == '{"a": "x", "b": 1}'
    assert row == (30, None, "high", "measured")
    assert totals == [("high", 30, 2), ("unassigned", 0, 0)]
    assert epoch == (35, None)


@pytest.mark.parametrize("kind", ["readings", "epochs", "intervals", "events", "outbox"])
def test_failing_row_leaves_nothing_of_its_batch(store: Store, path: Path, kind: str) -> None:
    meter_id = store.load_meter("grid").meter_id
    store.commit(full_batch(meter_id, seq=1))
    bad = full_batch(meter_id, seq=2)
    rows = getattr(bad, kind)
    if kind == "readings":  # a reading has no number of its own: a missing epoch fails it instead
        rows.append(ReadingRow(meter_id, None, "accepted", reading(NOON_US, 1)))  # type: ignore[arg-type]
    else:
        rows.append(rows[0])  # the same number twice
    with pytest.raises(sqlite3.IntegrityError):
        store.commit(bad)
    assert not own(store).in_transaction
    assert count_of(own(store)) == {**dict.fromkeys(TABLES, 1), "bucket_total": 2}
    store.commit(full_batch(meter_id, seq=2))  # and the store goes on


def test_commit_after_a_failed_one_knows_the_boot_again(store: Store) -> None:
    """The boot's number is given out in the transaction: a failure takes it back."""
    meter_id = store.load_meter("grid").meter_id
    bad = full_batch(meter_id)
    bad.events *= 2
    with pytest.raises(sqlite3.IntegrityError):
        store.commit(bad)
    store.commit(full_batch(meter_id))
    query = "SELECT count(*) FROM reading JOIN boot USING (boot_number) WHERE boot_id = 'boot'"
    assert own(store).execute(query).fetchone() == (1,)


def test_sqlite_says_wal_full_and_exclusive(store: Store) -> None:
    pragmas = {name: own(store).execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "locking_mode")}
    assert pragmas == {"journal_mode": "wal", "locking_mode": "exclusive"}
    assert own(store).execute("PRAGMA synchronous").fetchone() == (2,)  # 2 is FULL (sqlite.org/pragma.html)


def test_nobody_else_can_read_or_write_meanwhile(store: Store, path: Path) -> None:
    store.load_meter("grid")
    with closing(sqlite3.connect(path, timeout=0)) as other, pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("SELECT * FROM meter").fetchall()


def test_every_table_is_strict(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        # The migration's own notebook belongs to sqlite-utils.
        tables = connection.execute("SELECT name, strict FROM pragma_table_list WHERE type = 'table'").fetchall()
    ours = {name: strict for name, strict in tables if not name.startswith(("sqlite_", "_sqlite"))}
    assert set(TABLES) <= set(ours)
    assert set(ours.values()) == {1}


@pytest.mark.parametrize("wrong", [1.5, "a lot", b"\x01"])
def test_energy_that_is_no_integer_is_refused(path: Path, wrong: object) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO bucket_total VALUES (1, 'import', 'high', ?, 0)", (1,))
        with pytest.raises(sqlite3.IntegrityError, match="cannot store"):
            connection.execute("INSERT INTO bucket_total VALUES (1, 'export', 'high', ?, 0)", (wrong,))


def test_second_store_is_refused_and_names_the_first_process(path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from gateway.ledger.store import Store
store = Store(Path({str(path)!r}))
print("open", flush=True)
sys.stdin.read()
"""
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "open\n"
        with pytest.raises(StoreLockedError, match=rf"process {first.pid} \(python"):
            Store(path)
        first.kill()
        first.wait()
    Store(path).close()  # death lets go of it


def test_a_link_to_a_store_is_the_same_store(store: Store, path: Path, tmp_path: Path) -> None:
    link = tmp_path / "elsewhere.sqlite"
    link.symlink_to(path)
    with pytest.raises(StoreLockedError, match="one gateway a store"):
        Store(link)


def test_who_goes_round_the_lock_is_stopped_by_sqlite_and_told(path: Path, tmp_path: Path) -> None:
    """A hard link has a lock file of its own. Two writers on one log can lose a commit."""
    holder = (
        "import sys; from pathlib import Path; from gateway.ledger.store import Store;"
        " s = Store(Path(sys.argv[1])); s.load_meter('grid'); print('open', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", holder, str(path)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "open\n"
        other = tmp_path / "hard.sqlite"
        other.hardlink_to(path)
        with pytest.raises(StoreError, match="another process has this file open"):
            Store(other)
        first.kill()


def test_refused_second_store_leaves_the_first_ones_lock_alone(store: Store, path: Path) -> None:
    for _ in range(2):
        with pytest.raises(StoreLockedError):
            Store(path)
    store.commit(full_batch(store.load_meter("grid").meter_id))


def test_newer_schema_is_refused_and_the_file_left_untouched(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        make_newer(connection)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=f"newer netmeter .schema {SCHEMA_VERSION + 1}"):
        Store(path)
    assert path.read_bytes() == before
    assert not path.with_name(path.name + "-wal").exists()


def test_store_that_is_not_there_is_told_what_to_do(tmp_path: Path) -> None:
    assert schema_version(tmp_path / "none.sqlite") == 0
    with pytest.raises(StoreError, match="netmeter migrate"):
        Store(tmp_path / "none.sqlite")
    assert not (tmp_path / "none.sqlite").exists()


def text_file(path: Path) -> None:
    path.write_bytes(b"this is a letter to my aunt\n" * 400)


def no_tables(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def noise_after_the_first_page(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:4096] + bytes((7 * n) % 251 for n in range(len(data) - 4096)))


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize("damage", [text_file, no_tables, noise_after_the_first_page, cut_short])
def test_file_that_is_no_store_is_a_store_error_that_names_it(path: Path, damage: object) -> None:
    damage(path)  # type: ignore[operator]
    with pytest.raises(StoreError, match=r"ledger\.sqlite"):
        Store(path)
    with pytest.raises(StoreError):  # and not "locked": the first attempt let go
        Store(path)


def test_store_epoch_is_made_once_and_is_64_random_bits(path: Path, tmp_path: Path) -> None:
    epochs = []
    for _ in range(2):
        store = Store(path)
        epochs.append(store.store_epoch)
        store.close()
    migrate(tmp_path / "other.sqlite")
    other = Store(tmp_path / "other.sqlite")
    other.close()
    assert epochs[0] == epochs[1] != other.store_epoch
    assert len(bytes.fromhex(epochs[0])) == 8


def test_totals_changed_by_hand_are_found(path: Path) -> None:
    store = Store(path)
    store.commit(full_batch(store.load_meter("grid").meter_id))
    store.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE bucket_total SET milliwh = milliwh + 1 WHERE bucket = 'high'")
    store = Store(path)
    with pytest.raises(StoreError, match="bucket_total"):
        store.load_meter("grid")
    store.close()


def test_migrating_twice_changes_nothing(path: Path) -> None:
    assert migrate(path) == SCHEMA_VERSION
    assert migrate(path) == SCHEMA_VERSION


@pytest.mark.parametrize("column", ["validator", "accumulator"])
@pytest.mark.parametrize("text", ["", "{", '{"register_epoch": "one"}', '{"register_epoch": 1e400}'])
def test_damaged_state_of_a_meter_is_a_store_error_that_names_it(path: Path, column: str, text: str) -> None:
    with closing(Store(path)) as one:
        one.commit(full_batch(one.load_meter("grid").meter_id))
    with closing(sqlite3.connect(path)) as hand:
        hand.execute(f"UPDATE meter_state SET {column} = ?", (text,))
        hand.commit()
    with (
        closing(Store(path)) as one,
        pytest.raises(StoreError, match=r"state of meter grid is damaged .* `netmeter run` sets it aside"),
    ):
        one.load_meter("grid")


def test_a_meter_that_was_once_read_stays_known_by_name(path: Path) -> None:
    with closing(Store(path)) as store:
        assert store.meter_names() == ()
        for name in ("grid", "array", "grid"):
            store.load_meter(name)
    with closing(Store(path)) as store:
        assert store.meter_names() == ("grid", "array")
