"""A commit that failed may be in the file all the same. Before it is done again, this looks.

SQLite writes a transaction into its log and syncs it. Where the sync fails, the commit is reported as failed, but its
frames stand in the log, and whoever opens the store next takes them for committed (sqlite.org/wal.html). Written a
second time, its rows would be there twice or be refused for ever. All of a transaction is there or nothing of it, so
one row of its own proves it. What only deletes or overwrites may be done twice.
"""

import contextlib
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from .records import Batch


@dataclass(frozen=True, slots=True)
class Mark:
    """The largest ids before a transaction, of the tables that number their rows themselves."""

    reading_id: int
    held_id: int


def mark(connection: sqlite3.Connection) -> Mark:
    """To be taken before a commit. Raises sqlite3.Error."""
    return Mark(
        _number(connection, "SELECT max(reading_id) FROM reading"),
        _number(connection, "SELECT max(held_id) FROM held_reading"),
    )


def holds(connection: sqlite3.Connection, batch: Batch, before: Mark) -> bool:
    """Whether the store has `batch`, whose commit failed; `before` was taken then. Raises sqlite3.Error."""
    if batch.intervals:
        row = batch.intervals[0]
        return _is_there(connection, "interval", "seq", row.meter_id, row.seq)
    if batch.events:
        event = batch.events[0]
        return _is_there(connection, "event", "seq", event.meter_id, event.seq)
    if batch.epochs:
        epoch = batch.epochs[0]
        return _is_there(connection, "register_epoch", "register_epoch", epoch.meter_id, epoch.register_epoch)
    now = mark(connection)
    if batch.readings:
        return now.reading_id > before.reading_id
    return bool(batch.held) and now.held_id > before.held_id


def renew_log(store: Path) -> None:
    """Put a log that no sync has vouched for on the disk anew, as it reads now, under its own name.

    After a sync that failed the kernel takes the unwritten pages for written, and a second sync of the same file would
    say so (fsync(2), "EIO"). For who has closed the store. Raises OSError.
    """
    log = store.with_name(store.name + "-wal")
    if not log.exists():
        return
    made = log.with_name(log.name + ".new")
    try:
        with made.open("wb", buffering=0) as copy:
            copy.write(log.read_bytes())
            os.fsync(copy.fileno())
        made.replace(log)
    except OSError:
        with contextlib.suppress(OSError):
            made.unlink()
        raise
    folder = os.open(store.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _is_there(connection: sqlite3.Connection, table: str, column: str, meter_id: int, number: int) -> bool:
    # Table and column are this file's own words.
    question = f"SELECT 1 FROM {table} WHERE meter_id = ? AND {column} = ?"
    return connection.execute(question, (meter_id, number)).fetchone() is not None


def _number(connection: sqlite3.Connection, question: str) -> int:
    return int(connection.execute(question).fetchone()[0] or 0)
