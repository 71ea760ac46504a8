"""A new store from salvaged rows: all but the altered ones, as read. Imports sqlite-utils: not for the daemon."""

import sqlite3
from pathlib import Path

from .damaged import tables_of
from .salvage import ALTERED, SalvagedRow, put_into
from .schema import migrate
from .schema_digest import seal
from .tally import NOBODY, is_tally

OWN_KEYS = ("schema_digest",)
"""What the new store says of itself in `meta`."""


class NewStore:
    """One new file; `refused` counts the rows that it did not take."""

    def __init__(self, path: Path) -> None:
        """Raises sqlite3.Error."""
        self.refused = 0
        migrate(path)
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        self._connection.execute("BEGIN IMMEDIATE")
        for table in tables_of(self._connection):  # what a migration put there of itself is in the salvaged rows too
            # Its tallies are kept by triggers.
            others = f" WHERE meter_id != {NOBODY}" if table == "bucket_total" else ""
            self._connection.execute(f'DELETE FROM "{table}"{others}')

    def put(self, row: SalvagedRow) -> None:
        """Take one row, unless it was altered."""
        if row.verdict == ALTERED or row.columns.get("key") in OWN_KEYS:
            return
        if row.table == "bucket_total" and is_tally(row.columns):
            return
        self.refused += not put_into(self._connection, row)

    def close(self) -> None:
        """Keep what was taken. Raises sqlite3.Error."""
        seal(self._connection)
        self._connection.execute("COMMIT")
        self._connection.close()
