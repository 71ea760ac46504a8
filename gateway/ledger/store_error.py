"""What can be wrong with a store, by what the caller should do about it: move it, migrate it, or see to the disk."""

import os
import shutil
import sqlite3
from pathlib import Path

MEND = (
    "`netmeter run` sets it aside by itself and goes on; `netmeter salvage` reads what is left of it,"
    " `netmeter restore` puts a copy in its place"
)
EXIT_DAMAGED = 3
"""Of `netmeter migrate`, a process of its own: the store itself is at fault. The gateway goes by that."""


class StoreError(Exception):
    """The store cannot be used; the message names the file and what to do."""


class DamagedError(StoreError):
    """The file itself is at fault, not the disk or the moment: it can be set aside."""


class SchemaOutdatedError(StoreError):
    """The store is not there yet, or older than this program: `netmeter migrate` mends it."""


CONTRADICTIONS = (sqlite3.Error, ValueError, TypeError, OverflowError)
"""What reading rows raises that are not what was written: a number that is none, an index that lies."""
_OF_THE_FILE = (
    *(sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR),
    *(sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH),
)


def is_corrupt(error: Exception) -> bool:
    """Whether SQLite says that the file itself is wrong, and nothing else can be."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def unreadable(path: Path, error: Exception) -> StoreError:
    """What to do depends on who is at fault: a damaged file may be moved, a full disk must not cost the ledger.

    SQLite's own message quotes the schema, which need not be text any more.
    """
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # the primary code of an extended one
    if code in _OF_THE_FILE:
        return DamagedError(f"{path}: cannot be read as a store ({error}); {MEND}")
    if code == sqlite3.SQLITE_BUSY:  # SQLite's own locks hold where ours was gone round
        return StoreError(
            f"{path}: another process has this file open and does not hold its lock file (a database shell, a gateway"
            " that knows it by another name, or whose lock file was removed): end that one first"
        )
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        return StoreError(
            f"{path}: this user (number {os.geteuid()}) may not read and write it; it belongs to number"
            f" {path.stat().st_uid}: run as that one, or give the whole folder to this one (`chown -R`)"
        )
    free = f"{shutil.disk_usage(path.parent).free // 1_000_000} MB free there"
    return StoreError(
        f"{path}: cannot be opened now ({error}; {free}). The ledger itself may be sound: leave it where it is,"
        " and see to the disk (space, rights, cables)"
    )
