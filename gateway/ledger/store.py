"""The store itself: opens, loads, commits. One connection, WAL, synchronous=FULL, one transaction a step.

It never deletes what the broker has not acknowledged, never creates a table (that is `netmeter migrate`),
and never retries: what a failed commit means is decided by the caller. Exclusive locking, because two writers
on one WAL file can lose a commit in SQLite before 3.51.3 (sqlite.org/wal.html, "WAL-reset bug").
"""

import errno
import json
import os
import shutil
import sqlite3
from functools import partial
from pathlib import Path

import msgspec

from ..energy import AccumulatorState, Interval, Part, Quality
from ..read import Reading
from ..validate import ValidatorState
from . import chain, doubt, readings
from .ballast import Ballast
from .edges_at_risk import EdgesAtRisk
from .lock import StoreLock
from .past import StoredPast
from .records import (
    Batch,
    ClosedInterval,
    EpochRow,
    EventRow,
    IntervalRow,
    NotReadableError,
    OutboxRow,
    ReadingRow,
    StoredMeter,
    part_record,
)
from .retention import Retention
from .version import SCHEMA_VERSION

LOG_MOST_BYTES = 16 << 20
"""Four times what it grows to where it can be folded back."""
_ENCODER = msgspec.json.Encoder()
_MEND = "restore a copy, or move the store aside to start a new one"


class StoreError(Exception):
    """The store cannot be used; the message names the file and what to do."""


class SchemaOutdatedError(StoreError):
    """The store is not there yet, or older than this program: `netmeter migrate` mends it."""


def schema_version(path: Path) -> int:
    """The schema of the store at `path`: 0 where there is none yet. Raises StoreError where it is not readable.

    Only for who holds the lock: an unreadable file and a file in use look alike to SQLite.
    """
    if not path.exists():
        return 0
    try:
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            return int(connection.execute("PRAGMA user_version").fetchone()[0])
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: sqlite3.Error) -> StoreError:
    """What to do depends on who is at fault: a damaged file may be moved, a full disk must not cost the ledger."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # the primary code of an extended one
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR):
        return StoreError(f"{path}: cannot be read as a store ({error}); move it aside and start again")
    free = f"{shutil.disk_usage(path.parent).free // 1_000_000} MB free there"
    return StoreError(
        f"{path}: cannot be opened now ({error}; {free}). The ledger itself may be sound: leave it where it is,"
        " and see to the disk (space, rights, cables)"
    )


class Store:
    """The open store of one gateway. Used by one thread; raises sqlite3.Error where a commit fails."""

    def __init__(self, path: Path) -> None:
        """Lock and open. Raises StoreLockedError, SchemaOutdatedError, StoreError."""
        self._lock = StoreLock(path)
        Ballast(path).release_if_full()
        try:
            found = schema_version(path)
            if found > SCHEMA_VERSION:
                raise StoreError(
                    f"{path}: written by a newer netmeter (schema {found}, this one knows {SCHEMA_VERSION});"
                    " install the newer version again; the file was left untouched"
                )
            if found < SCHEMA_VERSION:
                raise SchemaOutdatedError(
                    f"{path}: schema {found}, expected {SCHEMA_VERSION}; run `netmeter migrate {path}`"
                )
            self._connection = _connect(path)
            try:
                self.store_epoch = self._load_store_epoch()
                self._boot_numbers = self._load_boot_numbers()
                self._open_rooms()
            except BaseException:
                self._connection.close()
                raise
        except sqlite3.Error as error:
            self._lock.release()
            raise unreadable(path, error) from error
        except BaseException:
            self._lock.release()
            raise
        self.path = path

    def _open_rooms(self) -> None:
        """What else works on this connection; anew after each opening. Raises sqlite3.Error."""
        self._forms = readings.Forms(self._connection)
        self._edges = EdgesAtRisk(self._connection)
        self.retention = Retention(self._connection)
        self.past = StoredPast(self._connection, self._find_closed)

    def close(self) -> None:
        """Close the file and let go of the lock. What was not committed is not written here."""
        self._connection.close()
        self._lock.release()

    def reopen(self) -> None:
        """Leave a handle that failed, and open the store anew under the same lock.

        Raises sqlite3.Error, OSError; another store in its place is a sqlite3.DatabaseError.
        """
        self._connection.close()
        if not self.path.exists():  # the disk itself may be gone: SQLite would make an empty store in its place
            raise FileNotFoundError(errno.ENOENT, "the store is not there", str(self.path))
        doubt.renew_log(self.path)
        self._connection = _connect(self.path)
        self._boot_numbers = self._load_boot_numbers()
        row = self._connection.execute("SELECT value FROM meta WHERE key = 'store_epoch'").fetchone()
        if row is None or row[0] != self.store_epoch:
            self._connection.close()
            raise sqlite3.DatabaseError("another store lies in its place")
        self._open_rooms()

    def fold_back(self) -> None:
        """Fold a log back that has grown too long. Raises sqlite3.Error.

        SQLite does it by itself after a commit, and is silent where it cannot (sqlite3_wal_hook's default).
        """
        log = self.path.with_name(self.path.name + "-wal")
        if not log.exists() or log.stat().st_size <= LOG_MOST_BYTES:
            return
        busy, pages, folded = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy or folded < pages:
            raise sqlite3.OperationalError(f"the log cannot be folded back ({folded} of {pages} pages)")

    def mark(self) -> doubt.Mark:
        """What `holds` needs to know, taken before a commit. Raises sqlite3.Error."""
        return doubt.mark(self._connection)

    def holds(self, batch: Batch, before: doubt.Mark) -> bool:
        """Whether a batch whose commit failed is in the store all the same. Raises sqlite3.Error."""
        return doubt.holds(self._connection, batch, before)

    def load_meter(self, name: str) -> StoredMeter:
        """The meter's stored state; a meter that the store has not seen is entered with an empty one.

        Raises StoreError where the stored state is damaged or does not agree with itself.
        """
        row = self._connection.execute("SELECT meter_id FROM meter WHERE name = ?", (name,)).fetchone()
        if row is None:
            cursor = self._connection.execute("INSERT INTO meter (name) VALUES (?)", (name,))
            row = (cursor.lastrowid,)
        meter_id = int(row[0])
        stored = self._connection.execute(
            "SELECT validator, accumulator FROM meter_state WHERE meter_id = ?", (meter_id,)
        ).fetchone()
        newest = self._connection.execute(
            "SELECT seq, hash FROM interval WHERE meter_id = ? ORDER BY seq DESC LIMIT 1", (meter_id,)
        ).fetchone()
        (event_seq,) = self._connection.execute(
            "SELECT coalesce(max(seq), 0) FROM event WHERE meter_id = ?", (meter_id,)
        ).fetchone()
        validator, accumulator = ValidatorState(), AccumulatorState()
        if stored is not None:
            try:
                validator = msgspec.json.decode(stored[0], type=ValidatorState)
                accumulator = self._edges.joined(meter_id, msgspec.json.decode(stored[1], type=AccumulatorState))
            except msgspec.DecodeError as error:
                raise StoreError(f"{self.path}: the state of meter {name} is damaged ({error}); {_MEND}") from error
        self._check_totals(name, meter_id, accumulator)
        held = self._connection.execute(
            "SELECT reading FROM held_reading WHERE meter_id = ? ORDER BY held_id", (meter_id,)
        )
        return StoredMeter(
            meter_id=meter_id,
            name=name,
            validator=validator,
            accumulator=accumulator,
            interval_seq=0 if newest is None else int(newest[0]),
            event_seq=int(event_seq),
            chain_head=chain.genesis(self.store_epoch, name) if newest is None else str(newest[1]),
            find_closed=partial(self._find_closed, meter_id),
            held=tuple(msgspec.json.decode(text, type=Reading) for (text,) in held),
        )

    def meter_names(self) -> tuple[str, ...]:
        """Every meter that this store has books of, whether or not it is still read."""
        return tuple(str(name) for (name,) in self._connection.execute("SELECT name FROM meter ORDER BY meter_id"))

    def commit(self, batch: Batch) -> None:
        """Write everything in one transaction, or nothing. Raises sqlite3.Error."""
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany(readings.INSERT, [self._reading_values(row) for row in batch.readings])
            aged = self.retention.note(batch.readings)
            connection.executemany(_INSERT_EPOCH, [_epoch_values(row) for row in batch.epochs])
            connection.executemany(_INSERT_INTERVAL, [_interval_values(row) for row in batch.intervals])
            connection.executemany(_INSERT_EVENT, [_event_values(row) for row in batch.events])
            connection.executemany(
                "INSERT INTO outbox (outbox_id, meter_id, kind, seq, payload) VALUES (?, ?, ?, ?, ?)",
                [(row.outbox_id, meter_id, row.kind, row.seq, row.payload) for meter_id, row in batch.outbox],
            )
            connection.executemany("DELETE FROM held_reading WHERE meter_id = ?", [(i,) for i in batch.released])
            connection.executemany(
                "INSERT INTO held_reading (meter_id, reading) VALUES (?, ?)",
                [(meter_id, _ENCODER.encode(reading).decode()) for meter_id, reading in batch.held],
            )
            for meter_id, (validator, accumulator) in batch.states.items():
                self._write_state(meter_id, validator, accumulator)
                if batch.rebase:
                    readings.write_base(connection, meter_id, accumulator)
            connection.executemany("DELETE FROM outbox WHERE outbox_id = ?", [(i,) for i in batch.acknowledged])
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._boot_numbers = {}
            self._forms.forget()
            self._edges.forget()
            raise
        self.retention.age = aged

    def pending(self, after_id: int, limit: int) -> list[OutboxRow]:
        """Up to `limit` unacknowledged messages with an id above `after_id`, oldest first."""
        rows = self._connection.execute(
            "SELECT outbox_id, name, kind, seq, payload FROM outbox JOIN meter USING (meter_id)"
            " WHERE outbox_id > ? ORDER BY outbox_id LIMIT ?",
            (after_id, limit),
        )
        return [OutboxRow(*row) for row in rows]

    def _find_closed(self, meter_id: int, end_us: int) -> ClosedInterval | None:
        """The newest record of a meter that ends at an instant. Raises NotReadableError."""
        try:
            row = self._connection.execute(_SELECT_CLOSED, (meter_id, end_us)).fetchone()
        except sqlite3.Error as error:
            raise NotReadableError(str(error)) from error
        if row is None:
            return None
        seq, revision, start_us, bucket, version, register_epoch, quality, *parts = row
        energy_import, energy_export = (None if one[0] is None else Part(*one) for one in (parts[:4], parts[4:]))
        return ClosedInterval(
            seq,
            revision,
            Interval(
                start_us,
                end_us,
                bucket,
                version,
                register_epoch,
                Quality(quality),
                energy_import,
                energy_export,
            ),
        )

    def newest_outbox_id(self) -> int:
        """The largest id in the outbox, 0 where it is empty."""
        return int(self._connection.execute("SELECT coalesce(max(outbox_id), 0) FROM outbox").fetchone()[0])

    def outbox_depth(self) -> int:
        """How many messages the broker has not taken yet."""
        return int(self._connection.execute("SELECT count(*) FROM outbox").fetchone()[0])

    def _load_store_epoch(self) -> str:
        row = self._connection.execute("SELECT value FROM meta WHERE key = 'store_epoch'").fetchone()
        if row is not None:
            return str(row[0])
        epoch = os.urandom(8).hex()
        self._connection.execute("INSERT INTO meta (key, value) VALUES ('store_epoch', ?)", (epoch,))
        return epoch

    def _load_boot_numbers(self) -> dict[str, int]:
        rows = self._connection.execute("SELECT boot_number, boot_id FROM boot")
        return {boot_id: number for number, boot_id in rows}

    def _check_totals(self, name: str, meter_id: int, accumulator: AccumulatorState) -> None:
        """The table that people read and the state that the program runs on must agree."""
        expected = {
            (direction.value, bucket): milliwh
            for direction, account in accumulator.directions.items()
            for bucket, milliwh in account.totals_milliwh.items()
        }
        rows = self._connection.execute(
            "SELECT direction, bucket, milliwh FROM bucket_total WHERE meter_id = ?", (meter_id,)
        )
        found = {(direction, bucket): milliwh for direction, bucket, milliwh in rows if milliwh}
        if found != {key: milliwh for key, milliwh in expected.items() if milliwh}:
            raise StoreError(
                f"meter {name}: bucket_total and the running state disagree: the store was changed by hand or is"
                f" damaged; {_MEND}"
            )

    def _boot_number(self, boot_id: str) -> int:
        if boot_id not in self._boot_numbers:
            row = self._connection.execute("SELECT boot_number FROM boot WHERE boot_id = ?", (boot_id,)).fetchone()
            if row is None:
                row = (self._connection.execute("INSERT INTO boot (boot_id) VALUES (?)", (boot_id,)).lastrowid,)
            self._boot_numbers[boot_id] = int(row[0])
        return self._boot_numbers[boot_id]

    def _reading_values(self, row: ReadingRow) -> tuple[object, ...]:
        reading = row.reading
        return (
            row.meter_id,
            row.register_epoch,
            row.decision,
            reading.earliest_us,
            reading.latest_us,
            reading.monotonic_us,
            self._boot_number(reading.boot_id),
            *_registers(reading),
            reading.snapshot.power_milliw,
            *self._forms.columns(row),
        )

    def _write_state(self, meter_id: int, validator: ValidatorState, accumulator: AccumulatorState) -> None:
        self._connection.execute(
            "INSERT INTO meter_state (meter_id, validator, accumulator) VALUES (?, ?, ?)"
            " ON CONFLICT (meter_id) DO UPDATE SET validator = excluded.validator, accumulator = excluded.accumulator",
            (
                meter_id,
                _ENCODER.encode(validator).decode(),
                _ENCODER.encode(self._edges.parted(meter_id, accumulator)).decode(),
            ),
        )
        self._connection.executemany(
            "INSERT INTO bucket_total (meter_id, direction, bucket, milliwh, uncertain_milliwh) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (meter_id, direction, bucket) DO UPDATE"
            " SET milliwh = excluded.milliwh, uncertain_milliwh = excluded.uncertain_milliwh",
            [
                (meter_id, direction.value, bucket, milliwh, account.uncertain_milliwh.get(bucket, 0))
                for direction, account in accumulator.directions.items()
                for bucket, milliwh in account.totals_milliwh.items()
            ],
        )


_INSERT_EPOCH = (
    "INSERT INTO register_epoch (meter_id, register_epoch, opened_us, reason, serial, previous_import_milliwh,"
    " previous_export_milliwh, first_import_milliwh, first_export_milliwh) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_INTERVAL = (
    "INSERT INTO interval (meter_id, seq, revision, supersedes, register_epoch, start_us, end_us, bucket, tariff,"
    " tariff_version, quality, import_milliwh, import_unassigned_milliwh, import_uncertain_milliwh,"
    " import_register_milliwh, export_milliwh, export_unassigned_milliwh, export_uncertain_milliwh,"
    " export_register_milliwh, previous_hash, hash)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_SELECT_CLOSED = (
    "SELECT seq, revision, start_us, bucket, tariff_version, register_epoch, quality, import_milliwh,"
    " import_unassigned_milliwh, import_uncertain_milliwh, import_register_milliwh, export_milliwh,"
    " export_unassigned_milliwh, export_uncertain_milliwh, export_register_milliwh"
    " FROM interval WHERE meter_id = ? AND end_us = ? ORDER BY +seq DESC LIMIT 1"  # by the index on end_us
)
_INSERT_EVENT = "INSERT INTO event (meter_id, seq, at_us, kind, detail) VALUES (?, ?, ?, ?, ?)"


def _connect(path: Path) -> sqlite3.Connection:
    """Autocommit mode: transactions are opened by name, never by the module."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute("PRAGMA synchronous = FULL")
    if mode != "wal":
        connection.close()
        raise StoreError(f"{path}: this file system does not carry SQLite's WAL (journal mode {mode})")
    return connection


def _registers(reading: Reading | None) -> tuple[int | None, int | None]:
    if reading is None:
        return None, None
    both = reading.snapshot.energy_import, reading.snapshot.energy_export
    energy_import, energy_export = (None if register is None else register.milliwh for register in both)
    return energy_import, energy_export


def _epoch_values(row: EpochRow) -> tuple[object, ...]:
    return (
        row.meter_id,
        row.register_epoch,
        row.first.instant_us,
        row.reason,
        row.first.serial,
        *_registers(row.previous),
        *_registers(row.first),
    )


def _interval_values(row: IntervalRow) -> tuple[object, ...]:
    interval = row.interval
    return (
        row.meter_id,
        row.seq,
        row.revision,
        row.supersedes,
        interval.register_epoch,
        interval.start_us,
        interval.end_us,
        interval.bucket,
        row.tariff,
        interval.tariff_version,
        interval.quality.value,
        *part_record("import", interval.energy_import).values(),
        *part_record("export", interval.energy_export).values(),
        row.previous_hash,
        row.hash,
    )


def _event_values(row: EventRow) -> tuple[object, ...]:
    return row.meter_id, row.seq, row.at_us, row.kind, json.dumps(row.detail, sort_keys=True)
