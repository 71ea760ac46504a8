"""The one connection to a store: WAL, `synchronous=FULL`, exclusive. Only for who holds the store's lock.

Exclusive, because two writers on one WAL file can lose a commit in SQLite before 3.51.3 (sqlite.org/wal.html,
"WAL-reset bug").
"""

import sqlite3
from pathlib import Path

from .newer import newer_word, refusal
from .store_error import MEND, DamagedError, StoreError, is_corrupt, unreadable
from .version import SCHEMA_VERSION

OURS = {"meter_state", "interval"}
"""Tables by which a store is known whose list of migrations is damaged."""


def schema_version(path: Path) -> int:
    """The schema of the store at `path`: 0 where there is none yet. Raises StoreError where it is not readable or a
    newer program has written in it under our number, and DamagedError where the number in its header is not what its
    own list of migrations comes to.

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
        except (sqlite3.Error, UnicodeDecodeError) as error:
            if is_corrupt(error):  # a connection that may write folds the log back, which may be what is wrong
                raise unreadable(path, error) from error
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
        return version_in(connection, path)
    finally:
        connection.close()


def version_in(connection: sqlite3.Connection, path: Path) -> int:
    """The schema of an open store, by its header and by its own list of migrations. Raises sqlite3.Error, DamagedError,
    and StoreError where a newer program has written in it under our number.

    An altered bit of the number in the header looks like a newer program's store, or an older one that cannot be
    migrated, and no gateway would ever start on it again.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    made = _migrations_made(connection)
    if made in (0, version):
        if version == SCHEMA_VERSION and (word := newer_word(connection)):
            raise refusal(path, word)
        return version
    if made > SCHEMA_VERSION:  # a newer program's store all the same, and that program's to judge
        return made
    raise DamagedError(f"{path}: its header says schema {version}, its own list {made} migrations; {MEND}")


def _migrations_made(connection: sqlite3.Connection) -> int:
    """How many of ours the store says were made, each in one transaction with its number; 0 where it does not say."""
    try:
        rows = connection.execute("SELECT count(*) FROM _sqlite_migrations WHERE migration_set = 'netmeter'")
        return int(rows.fetchone()[0])
    except (sqlite3.Error, UnicodeDecodeError):
        return 0  # another's file, or damage, which is found by whoever reads that


def others_tables(path: Path) -> list[str]:
    """The tables of another program's database, whatever number its header has; empty where it is a store of ours, a
    damaged one too, or nothing is in it yet. Raises sqlite3.Error.
    """
    has_log = path.with_name(f"{path.name}-wal").exists()  # without one SQLite would leave two files beside it
    mode = "mode=ro" if has_log else "mode=ro&immutable=1"
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    try:
        rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        tables = [str(name) for (name,) in rows if not str(name).startswith(("sqlite_", "_sqlite_migrations"))]
        is_ours = _migrations_made(connection) or set(tables) >= OURS
    finally:
        connection.close()
    return [] if is_ours else tables


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
