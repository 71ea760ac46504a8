"""Reading what can be read of a database that may be damaged, row by row; what cannot is named, never guessed.

Opens the file for reading only: neither it nor its journal is changed (SQLite puts a `-shm` beside them, no more).
A range of rowids that cannot be read is halved until only the rows on damaged pages are left out.
"""

import itertools
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROBES_MOST = 200_000
ROWIDS_GUESSED = 1 << 20
Row = tuple[object, ...]
UNREADABLE = (sqlite3.Error, UnicodeDecodeError, OverflowError)
"""What reading a damaged file can raise: SQLite's message quotes the schema, which need not be text any more."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Rowids from `first` to `last` that cannot be read; how many rows that were, nobody knows."""

    table: str
    first: int
    last: int
    why: str


def tells_damage(error: sqlite3.Error) -> bool:
    """Whether it is the file that is wrong, and not the disk, the moment, or a statement of ours."""
    code = getattr(error, "sqlite_errorcode", None)
    # Text that is none is found by Python, which has no code for it; a column that is gone is SQLITE_ERROR.
    words = ("decode to UTF-8", "no such column", "no such table", "has no column")
    return (code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)) or any(
        word in str(error) for word in words
    )


def open_for_reading(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing. Raises sqlite3.DatabaseError where not even the schema can be read."""
    last: Exception | None = None
    # On a medium that cannot be written a WAL database opens only as immutable, and then without its journal. One that
    # is shorter than its header says opens only where the schema may be written: then all before its end is read.
    for mode, is_cut in itertools.product(("mode=ro", "mode=ro&immutable=1"), (False, True)):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?{mode}", uri=True, isolation_level=None, check_same_thread=False
        )
        connection.text_factory = _text
        if is_cut:
            connection.execute("PRAGMA writable_schema = ON")
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except UNREADABLE as error:
            connection.close()
            last = error
        else:
            return connection
    raise sqlite3.DatabaseError(str(last)) from last


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def tables_of(connection: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """Our tables that are there, with their columns."""
    names = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_sqlite_%'"
    ).fetchall()
    return {
        name: tuple(row[1] for row in connection.execute(f'PRAGMA table_info("{name}")')) for (name,) in sorted(names)
    }


class TableReader:
    """All rows of one table that can be read, in order of their rowid; `lost` fills up on the way."""

    def __init__(self, connection: sqlite3.Connection, table: str, probes_most: int = PROBES_MOST) -> None:
        """`probes_most`: so often it looks anew; some 20,000 a second on a PC. Behind that a range is lost in one."""
        self.table = table
        self.lost: list[Lost] = []
        self._connection, self._probes, self._probes_most = connection, 0, probes_most

    def rows(self) -> Iterator[Row]:
        """Rows with their rowid in front. Raises nothing of SQLite's."""
        try:
            newest = self._connection.execute(f'SELECT max(rowid) FROM "{self.table}"').fetchone()[0]
        except UNREADABLE:
            newest = ROWIDS_GUESSED
        if newest is not None:
            yield from self._range(min(1, int(newest)), int(newest))

    def _range(self, first: int, last: int) -> Iterator[Row]:
        ranges = [(first, last)]
        while ranges:
            low, high = ranges.pop()
            self._probes += 1
            read: list[Row] = []
            try:
                for row in self._select(low, high):
                    read.append(row)
            except UNREADABLE as error:
                if low == high or self._probes > self._probes_most:
                    self._lose(low, high, str(error))
                    continue
                middle = low + (high - low) // 2
                ranges += [(middle + 1, high), (low, middle)]
                continue
            yield from read

    def _select(self, low: int, high: int) -> Iterator[Row]:
        # No more than there can be: looking for another one may fail on the next page, and take the last row with it.
        return self._connection.execute(
            f'SELECT rowid, * FROM "{self.table}" WHERE rowid BETWEEN ? AND ? ORDER BY rowid LIMIT ?',
            (low, high, high - low + 1),
        )

    def _lose(self, low: int, high: int, why: str) -> None:
        if self.lost and self.lost[-1].last + 1 == low:
            low = self.lost.pop().first
        self.lost.append(Lost(self.table, low, high, why))
