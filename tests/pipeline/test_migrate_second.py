"""Migration 2: a store of the first schema, with its readings, can be booked again from where it stands."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import msgspec
from sqlite_utils import Database

from gateway.ledger.records import Batch, ReadingRow
from gateway.ledger.schema import migrate, migrations
from gateway.ledger.store import Store
from gateway.reading.read import Reading

from .test_ledger_store import account
from .world import NOON_US, S, reading, register, snapshot

OLD_READINGS = 3


def first_schema(path: Path) -> None:
    """A store as the first release left it: written with that schema's own columns."""
    database = Database(path)
    database.enable_wal()
    migrations.apply(database, stop_before="m0002_recompute")
    database.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        connection.execute("INSERT INTO meter (name) VALUES ('grid')")
        connection.execute("INSERT INTO boot (boot_id) VALUES ('boot')")
        for number in range(OLD_READINGS):
            values = (NOON_US + number * S, NOON_US + number * S, number * S, 5 + 10 * number)
            connection.execute(
                "INSERT INTO reading (meter_id, register_epoch, decision, earliest_us, latest_us, monotonic_us,"
                " boot_number, import_milliwh) VALUES (1, 1, 'accepted', ?, ?, ?, 1, ?)",
                values,
            )
        connection.execute(
            "INSERT INTO meter_state VALUES (1, '{}', ?)",
            (msgspec.json.encode(account()).decode(),),
        )
        connection.execute("INSERT INTO bucket_total VALUES (1, 'import', 'high', 30, 2)")
        connection.commit()


def test_old_rows_stay_and_the_account_becomes_the_base(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    first_schema(path)
    migrate(path)
    store = Store(path)
    try:
        base = store.past.base(1)
        assert base is not None
        assert base.reading_id == OLD_READINGS
        assert base.accumulator == account()
        assert len(store.past.readings(0, 10)) == OLD_READINGS
        assert store.retention.age.read_us == 0
    finally:
        store.close()


def test_a_store_without_readings_has_no_base(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    migrate(path)
    store = Store(path)
    try:
        assert store.past.base(store.load_meter("grid").meter_id) is None
    finally:
        store.close()


def written(path: Path, *readings: Reading) -> list[tuple[object, ...]]:
    """What the store says of readings that were committed to it."""
    migrate(path)
    store = Store(path)
    meter_id = store.load_meter("grid").meter_id
    store.commit(Batch(readings=[ReadingRow(meter_id, 1, "accepted", one) for one in readings]))
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(
            "SELECT one_moment, clock_error_us, import_resolution_milliwh, import_rounding_milliwh, import_unproven,"
            " export_resolution_milliwh, acts FROM reading JOIN reading_form USING (form_id) ORDER BY reading_id"
        ).fetchall()


def test_whether_a_reading_is_of_one_moment_and_its_digits_are_kept(tmp_path: Path) -> None:
    whole = replace(reading(NOON_US, register(35, 10, 4, unproven=True), None), clock_error_us=7)
    parts = replace(whole, snapshot=replace(snapshot(35, 2), one_moment=False))
    assert written(tmp_path / "ledger.sqlite", whole, parts, whole) == [
        (1, 7, 10, 4, 1, None, None),
        (0, 7, 1, 0, 0, 1, None),
        (1, 7, 10, 4, 1, None, None),
    ]


def test_readings_alike_share_a_form(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    written(path, *(reading(NOON_US + n * S, 35 + n, 7) for n in range(20)))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM reading_form").fetchone() == (1,)
