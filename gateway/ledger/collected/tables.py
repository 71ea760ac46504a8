"""The file of a collector: its tables, how it is opened, and the two kinds of trouble with it. SQLite, WAL, FULL.

One process writes; others read beside it and never checkpoint. A file of another program is refused untouched.
"""

import sqlite3
from pathlib import Path

from ..lock import StoreLock, StoreLockedError
from ..store_error import StoreError

APPLICATION_ID = 0x4E4D434F  # "NMCO"
FORMAT = 1
ENERGIES = tuple(
    f"{direction}_{column}"
    for direction in ("import", "export")
    for column in ("milliwh", "unassigned_milliwh", "uncertain_milliwh", "register_milliwh")
)
INTERVAL = (
    *("series_id", "seq", "supersedes", "start_us", "end_us", "register_epoch", "bucket", "quality"),
    *(*ENERGIES, "previous_hash", "hash"),
)
"""What a row's checksum covers, in this order: bills are made of these, and SQLite does not notice an altered byte."""
AGAIN = "move it aside and start `netmeter collect` again: it asks the gateways for everything that they have"
TABLES = (
    # first_seq: NULL while nobody has said with which number the series begins. upto: all before are here or lost.
    "CREATE TABLE series (series_id INTEGER PRIMARY KEY, gateway TEXT NOT NULL, meter TEXT NOT NULL,"
    " store_epoch TEXT NOT NULL, kind TEXT NOT NULL, first_seq INTEGER, upto INTEGER, promised INTEGER NOT NULL,"
    " UNIQUE (gateway, meter, store_epoch, kind)) STRICT",
    "CREATE TABLE interval (series_id INTEGER NOT NULL, seq INTEGER NOT NULL, supersedes INTEGER,"
    " start_us INTEGER NOT NULL, end_us INTEGER NOT NULL, register_epoch INTEGER NOT NULL, bucket TEXT NOT NULL,"
    f" quality TEXT NOT NULL, {' INTEGER, '.join(ENERGIES)} INTEGER, previous_hash TEXT NOT NULL,"
    " hash TEXT NOT NULL, crc INTEGER NOT NULL, payload TEXT NOT NULL,"
    " PRIMARY KEY (series_id, seq)) STRICT, WITHOUT ROWID",
    "CREATE TABLE event (series_id INTEGER NOT NULL, seq INTEGER NOT NULL, payload TEXT NOT NULL,"
    " PRIMARY KEY (series_id, seq)) STRICT, WITHOUT ROWID",
    "CREATE TABLE lost (series_id INTEGER NOT NULL, from_seq INTEGER NOT NULL, to_seq INTEGER NOT NULL,"
    " why TEXT NOT NULL, PRIMARY KEY (series_id, from_seq)) STRICT",
    # In the order in which they were met; `previous` is the gateway's word, which counts more.
    "CREATE TABLE epoch (epoch_no INTEGER PRIMARY KEY, gateway TEXT NOT NULL, meter TEXT NOT NULL,"
    " store_epoch TEXT NOT NULL, previous TEXT, UNIQUE (gateway, meter, store_epoch)) STRICT",
    "CREATE TABLE state (gateway TEXT NOT NULL, meter TEXT NOT NULL, store_epoch TEXT NOT NULL,"
    " time_us INTEGER NOT NULL, payload TEXT NOT NULL, PRIMARY KEY (gateway, meter, store_epoch, time_us)) STRICT",
    # newest_us: of the newest live state. What comes again after a lost acknowledgement is older than what followed it.
    "CREATE TABLE presence (gateway TEXT NOT NULL, store_epoch TEXT NOT NULL, is_now INTEGER NOT NULL,"
    " newest_us INTEGER NOT NULL,"
    " PRIMARY KEY (gateway, store_epoch)) STRICT",
    "CREATE TABLE trouble (trouble_id INTEGER PRIMARY KEY, gateway TEXT NOT NULL, meter TEXT NOT NULL,"
    " what TEXT NOT NULL, detail TEXT NOT NULL, payload TEXT NOT NULL, times INTEGER NOT NULL,"
    " dismissed INTEGER NOT NULL, UNIQUE (gateway, meter, what, detail, payload)) STRICT",
)
LEFT_OUT = "left_out"
_LEFT_OUT_TABLE = f"CREATE TABLE IF NOT EXISTS {LEFT_OUT} (store_epoch TEXT PRIMARY KEY) STRICT"
"""Stores that a person wants in no bill. Made when it is needed: an older netmeter reads the file without it."""


def open_to_write(path: Path) -> tuple[sqlite3.Connection, StoreLock]:
    """Open or make the database. Raises StoreLockedError, StoreError, OSError."""
    try:
        lock = StoreLock(path)
    except StoreLockedError as error:
        holder = str(error).partition(": one gateway")[0]
        raise StoreLockedError(f"{holder}: one collector a database") from error
    try:
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    except BaseException as error:
        lock.release()
        if isinstance(error, sqlite3.Error):
            raise StoreError(f"{path}: cannot be opened as a collector's database ({error}); {AGAIN}") from error
        raise
    return connection, lock


def leave_out(connection: sqlite3.Connection, store_epoch: str, wanted: bool) -> None:
    """Whether a store's records are in no bill and no restore; they stay, and more are collected."""
    connection.execute(_LEFT_OUT_TABLE)
    change = "INSERT OR IGNORE INTO {} VALUES (?)" if wanted else "DELETE FROM {} WHERE store_epoch = ?"
    connection.execute(change.format(LEFT_OUT), (store_epoch,))


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open beside whoever writes. Raises StoreError."""
    if not path.is_file():
        raise StoreError(f"{path}: there is no collector's database; `netmeter collect` makes it")
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            connection.execute("PRAGMA busy_timeout = 5000")
            _require_ours(connection, path)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise StoreError(f"{path}: cannot be read as a collector's database ({error}); {AGAIN}") from error
    return connection


def is_collectors(path: Path) -> bool:
    """Whether a file is a collector's database; False for what cannot be read."""
    try:
        open_to_read(path).close()
    except StoreError:
        return False
    return True


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    (count,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if count:
        _require_ours(connection, path)
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise StoreError(f"{path}: this file system does not carry SQLite's WAL (journal mode {mode})")
    connection.execute("PRAGMA synchronous = FULL")
    if count:
        return
    connection.execute("BEGIN IMMEDIATE")
    for statement in TABLES:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("COMMIT")


def _require_ours(connection: sqlite3.Connection, path: Path) -> None:
    (whose,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if whose != APPLICATION_ID:
        raise StoreError(f"{path}: is no collector's database; name the one that `netmeter collect` writes")
    if version != FORMAT:
        raise StoreError(f"{path}: written by another netmeter (format {version}, this one knows {FORMAT})")
