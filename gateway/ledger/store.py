"""The store itself: opens, loads, commits. One connection, WAL, synchronous=FULL, one transaction a step.

It never deletes what the broker has not acknowledged, never creates a table (that is `netmeter migrate`),
and never retries: what a failed commit means is decided by the caller.
"""

import errno
import sqlite3
from functools import partial
from pathlib import Path

from . import chain, doubt, intervals, page_owners, readings
from .backup_slices import BackupSlices
from .ballast import Ballast
from .batch_writer import BatchWriter
from .checkpoint_file import CheckpointFile
from .checkpoint_keeper import CheckpointKeeper
from .closed import ClosedRow, closed_after
from .connection import connect, schema_version
from .epochs import Beginning, Machine, Owner, StoreEpoch, adopt, begin, first_interval_seqs, load_epochs
from .full_check import FullCheck
from .history import History
from .links import Chained, check_last_links
from .lock import StoreLock, place_of
from .newer import refusal
from .past import StoredPast
from .records import Batch, ClosedInterval, OutboxRow, StoredMeter
from .retention import Retention
from .rows import enter_meter
from .schema_digest import schema_fault, seal_where_missing
from .states import check_totals, load_state
from .store_error import CONTRADICTIONS, MEND, DamagedError, SchemaOutdatedError, StoreError, unreadable
from .version import SCHEMA_VERSION

LOG_MOST_BYTES = 16 << 20
"""Four times what it grows to where it can be folded back."""


class Store:
    """The open store of one gateway. Used by one thread; raises sqlite3.Error where a commit fails."""

    def __init__(self, path: Path, lock: StoreLock | None = None) -> None:
        """Lock (or take the lock that is given) and open. Raises StoreLockedError, SchemaOutdatedError, StoreError,
        and OSError where it can be no file.
        """
        path = place_of(path)
        self._lock = StoreLock(path) if lock is None else lock
        self._slices: BackupSlices | None = None
        Ballast(path).release_if_full()
        try:
            found = schema_version(path)
            if found > SCHEMA_VERSION:
                raise refusal(path, f"schema {found}, this one knows {SCHEMA_VERSION}")
            if found < SCHEMA_VERSION:
                raise SchemaOutdatedError(
                    f"{path}: schema {found}, expected {SCHEMA_VERSION}; run `netmeter migrate {path}`"
                )
            if fault := page_owners.fault_of(path):
                raise DamagedError(f"{path}: {fault}; {MEND}")
            self._connection = connect(path)
            try:
                if fault := schema_fault(self._connection):
                    raise DamagedError(f"{path}: {fault}; {MEND}")
                seal_where_missing(self._connection)
                self.epoch = self._load_epoch()
                self.store_epoch = self.epoch.store_epoch
                self._first_seqs = first_interval_seqs(self._connection, self.epoch.epoch_no)
                self._keeper = CheckpointKeeper(CheckpointFile(path), self.store_epoch)
                self._open_rooms()
            except BaseException:
                self._connection.close()
                raise
        except BaseException as error:
            if lock is None:
                self._lock.release()
            if isinstance(error, CONTRADICTIONS):
                raise unreadable(path, error) from error
            raise
        self.path = path

    def _open_rooms(self) -> None:
        """What else works on this connection; anew after each opening. Raises sqlite3.Error."""
        self._writer = BatchWriter(self._connection)
        self.retention = Retention(self._connection)
        self.past = StoredPast(self._connection, self._find_closed)

    def close(self) -> None:
        """Close the file and let go of the lock. What was not committed is not written here."""
        self.close_file()
        self._lock.release()

    def close_file(self) -> None:
        """Close the file and keep the lock, for who opens another one in its place."""
        self._keeper.save()
        self._connection.close()

    def adopt(self, owner: Owner) -> None:
        """Note whose the running epoch is, where nobody has yet."""
        adopt(self._connection, self.epoch, owner)
        self.epoch = load_epochs(self._connection)[-1]

    def epoch_names(self) -> tuple[str, ...]:
        """All store epochs that this file knows of, oldest first."""
        return tuple(epoch.store_epoch for epoch in load_epochs(self._connection))

    def check_last_links(self, whose: Chained, meter_id: int, count: int) -> None:
        """Verify a meter's newest interval records. Raises BrokenChainError, sqlite3.Error."""
        check_last_links(self._connection, whose, meter_id, self._first_seqs.get(meter_id, 1), count)

    def hash_of(self, meter_id: int, seq: int) -> str | None:
        """The hash of an interval record; None where it is of an earlier epoch or not there."""
        if seq < self._first_seqs.get(meter_id, 1):
            return None
        row = self._connection.execute(
            "SELECT hash FROM interval WHERE meter_id = ? AND seq = ?", (meter_id, seq)
        ).fetchone()
        return None if row is None else str(row[0])

    def size_bytes(self) -> int:
        """What the database takes, its free pages included."""
        (pages,), (page,) = (
            self._connection.execute(f"PRAGMA {one}").fetchone() for one in ("page_count", "page_size")
        )
        return int(pages) * int(page)

    def judged(self, error: Exception) -> StoreError:
        """What an error of this file means: a DamagedError, or a StoreError where it is only away."""
        return unreadable(self.path, error)

    @property
    def checkpoint_error(self) -> str:
        """Why the checkpoint file could not be written; empty where it was."""
        return self._keeper.error

    def save_checkpoint(self) -> None:
        """Write the checkpoint that could not be written when it was due, if there is one."""
        self._keeper.save()

    def full_check(self) -> FullCheck:
        """A walk over all records, in slices, for this thread between commits."""
        return FullCheck(lambda: self._connection, self.path)

    def slices(self, into: Path) -> BackupSlices:
        """A copy of the whole store into a new file, in slices, for this thread between commits. Raises OSError."""
        self._slices = BackupSlices(self._connection, into)
        return self._slices

    def reopen(self) -> None:
        """Leave a handle that failed, and open the store anew under the same lock.

        A backup that is under way ends: it would hold the handle, and with it the file. Raises sqlite3.Error, OSError;
        another store in its place is a sqlite3.DatabaseError.
        """
        if self._slices is not None:
            self._slices.cancel()
            self._slices = None
        self._connection.close()
        if not self.path.exists():  # the disk itself may be gone: SQLite would make an empty store in its place
            raise FileNotFoundError(errno.ENOENT, "the store is not there", str(self.path))
        doubt.renew_log(self.path)
        self._connection = connect(self.path)
        epochs = load_epochs(self._connection)
        if not epochs or epochs[-1].store_epoch != self.store_epoch:
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

        Raises StoreError where the stored state is damaged or does not agree with itself, ValueError where a held
        reading is.
        """
        row = self._connection.execute("SELECT meter_id FROM meter WHERE name = ?", (name,)).fetchone()
        if row is None:
            row = (enter_meter(self._connection, name),)
        meter_id = int(row[0])
        newest = self._connection.execute(
            "SELECT seq, hash FROM interval WHERE meter_id = ? ORDER BY seq DESC LIMIT 1", (meter_id,)
        ).fetchone()
        (event_seq,) = self._connection.execute(
            "SELECT coalesce(max(seq), 0) FROM event WHERE meter_id = ?", (meter_id,)
        ).fetchone()
        (validator, accumulator), encoded = load_state(self._connection, self.path, meter_id, name)
        check_totals(self._connection, meter_id, name, accumulator)
        interval_seq = 0 if newest is None else int(newest[0])
        # The first record of a store epoch stands on its genesis, whatever came before it.
        is_first = newest is None or interval_seq < self._first_seqs.get(meter_id, 1)
        chain_head = chain.genesis(self.store_epoch, name) if is_first else str(newest[1])
        self._keeper.know(meter_id, name, (interval_seq, int(event_seq)), chain_head, encoded)
        return StoredMeter(
            meter_id=meter_id,
            name=name,
            validator=validator,
            accumulator=accumulator,
            interval_seq=interval_seq,
            event_seq=int(event_seq),
            chain_head=chain_head,
            find_closed=partial(self._find_closed, meter_id),
            held=readings.load_held(self._connection, meter_id),
            beginning={"reason": self.epoch.reason, "witness": self.epoch.witness or None},
        )

    def meter_names(self) -> tuple[str, ...]:
        """Every meter that this store has books of, whether or not it is still read."""
        return tuple(str(name) for (name,) in self._connection.execute("SELECT name FROM meter ORDER BY meter_id"))

    def closed_after(self, meter: str, seq: int, limit: int) -> list[ClosedRow]:
        """Up to `limit` closed intervals of a meter, after `seq`. Raises sqlite3.Error."""
        return closed_after(self._connection, meter, seq, limit)

    def history(self, gateway: str) -> History:
        """What is there of records that were sent, by the connection that holds now."""
        return History(self._connection, gateway)

    def words(self, key: str) -> dict[str, str]:
        """The lines of `meta` whose key begins with this word: what a batch has written as `words`."""
        rows = self._connection.execute("SELECT key, value FROM meta WHERE key LIKE ? || ' %'", (key,))
        return {str(name): str(line) for name, line in rows}

    def commit(self, batch: Batch) -> None:
        """Write everything in one transaction, or nothing. Raises sqlite3.Error."""
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            self._writer.write_readings(batch)
            aged = self.retention.note(batch.readings)
            states = self._writer.write(batch)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._writer.forget()
            raise
        self._keeper.note(batch, states)
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
        """By the connection that holds now: whoever asks may have been given this before a `reopen`."""
        return intervals.find_closed(self._connection, meter_id, end_us)

    def newest_outbox_id(self) -> int:
        """The largest id in the outbox, 0 where it is empty."""
        return int(self._connection.execute("SELECT coalesce(max(outbox_id), 0) FROM outbox").fetchone()[0])

    def outbox_depth(self) -> int:
        """How many messages the broker has not taken yet."""
        return int(self._connection.execute("SELECT count(*) FROM outbox").fetchone()[0])

    def _load_epoch(self) -> StoreEpoch:
        epochs = load_epochs(self._connection)
        if not epochs:
            begin(self._connection, Beginning.FIRST, Owner("", Machine(), 0), {}, "")
            epochs = load_epochs(self._connection)
        return epochs[-1]
