"""The one connection to a store: WAL, `synchronous=FULL`, exclusive. Only for who holds the store's lock.

Exclusive, because two writers on one WAL file can lose a commit in SQLite before 3.51.3 (sqlite.org/wal.html,
"WAL-reset bug").
"""

import sqlite3
from pathlib import Path

from .store_error import StoreError, unreadable


def schema_version(path: Path) -> int:
    """The schema of the store at `path`: 0 where there is none yet. Raises StoreError where it is not readable.

    Only for who holds the lock: an unreadable file and a file in use look alike to SQLite. Neither the file nor its log
    is changed, unless SQLite must first roll back what a migration has left half done.
    """
    if not path.exists():
        return 0
    log, index = (path.with_name(f"{path.name}{end}") for end in ("-wal", "-shm"))
    if log.exists():
        had_index = index.exists()
        try:
            return _user_version(path, "ro")
        except (sqlite3.Error, UnicodeDecodeError):
            pass
        finally:
            if not had_index:
                index.unlink(missing_ok=True)
    try:
        return _user_version(path, "rw")
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise unreadable(path, error) from error


def _user_version(path: Path, mode: str) -> int:
    # Closing a connection that may write would fold the log of a newer program's store back.
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None)
    try:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
    finally:
        connection.close()


def connect(path: Path) -> sqlite3.Connection:
    """For who holds the lock. Autocommit mode: transactions are opened by name, never by the module."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute("PRAGMA synchronous = FULL")
    if mode != "wal":
        connection.close()
        raise StoreError(f"{path}: this file system does not carry SQLite's WAL (journal mode {mode})")
    return connection
