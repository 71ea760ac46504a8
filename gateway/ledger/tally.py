"""Tallies: a sum over all rows of each table, kept by triggers in the transaction that changes the table.

A checksum proves a row, never that it is the newest word or that none is missing: a page that is replaced by an older
copy of itself, or two that are exchanged, hold sound rows. A table's tally does not fit then. Tallies are rows of
`bucket_total` with meter 0: that page is written by every commit, a table of its own would be one page more for each.

A row counts as a product in the field of integers below a prime, of its number and its checksum: SQLite has no hash
that works on every version, and its integers do not wrap around. It finds damage; it proves nothing against a forger.
"""

import sqlite3
from dataclasses import dataclass

from .rows import COLUMNS

NOBODY = 0
"""The meter of a tally in `bucket_total`."""
DIRECTION = "rows"
PRIME = (1 << 31) - 1
CHANGE = 1_000_003
"""What one change counts in its column. A prime: no altered bit makes another multiple of it."""
BEFORE_ALL = -(1 << 63)
"""Below every rowid but the least."""
_STRIDE = 48271  # a primitive root of PRIME: neighbouring numbers lie far apart (Park and Miller 1988)
_NUMBERS = {"reading": "reading_id", "outbox": "outbox_id", "held_reading": "held_id", "event": "seq"}
"""What tells rows apart that their checksum does not cover, or might see twice."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Of one table. `changes`: rows inserted, altered and deleted since it was made."""

    changes: int
    row_sum: int


def weight(table: str, row: str = "") -> str:
    """An SQL expression: what one row counts, 1 to PRIME - 1. `row`: "NEW." or "OLD." in a trigger."""
    if table == "interval":  # its chain holds its content; what is missing here is its end
        number, checksum = f"{row}seq", f"{row}end_us"
    else:
        number, checksum = f"{row}{_NUMBERS[table]}" if table in _NUMBERS else "1", f"coalesce({row}crc, 0)"
    most = PRIME - 1
    return (
        f"((1 + abs({number} % {most} * {_STRIDE} % {most})) * (1 + abs({checksum} % {most})) % {PRIME})"  # < 2 ** 62
    )


def has_tally(table: str) -> bool:
    """Whether it is one of those that are counted. `bucket_total` itself has to agree with each meter's state."""
    return table == "interval" or table in COLUMNS


def arm(connection: sqlite3.Connection, table: str) -> None:
    """Count a table as it is, and from now on each change; within the caller's transaction. Raises sqlite3.Error.

    For a migration: triggers are part of the schema, and end with a table that is dropped.
    """
    where = f"WHERE meter_id = {NOBODY} AND direction = '{DIRECTION}' AND bucket = '{table}'"
    old, new = f"{PRIME} - {weight(table, 'OLD.')}", weight(table, "NEW.")
    for event, change in (("INSERT", new), ("DELETE", old), ("UPDATE", f"{old} + {new}")):
        name = f"tally_{table}_{event.lower()}"
        connection.execute(f"DROP TRIGGER IF EXISTS {name}")
        connection.execute(
            f"CREATE TRIGGER {name} AFTER {event} ON {table} BEGIN"
            f" UPDATE bucket_total SET milliwh = milliwh + {CHANGE},"
            f" uncertain_milliwh = (uncertain_milliwh + {change}) % {PRIME} {where}; END"
        )
    connection.execute(f"DELETE FROM bucket_total {where}")
    connection.execute(
        "INSERT INTO bucket_total (meter_id, direction, bucket, milliwh, uncertain_milliwh)"
        f" SELECT {NOBODY}, '{DIRECTION}', '{table}', count(*) * {CHANGE}, coalesce(sum({weight(table)}), 0) % {PRIME}"
        f" FROM {table}"
    )


def load(connection: sqlite3.Connection, table: str) -> Tally | None:
    """What a table must come to now; None where nothing says it, or not as it was written. Raises sqlite3.Error."""
    row = connection.execute(
        "SELECT milliwh, uncertain_milliwh FROM bucket_total WHERE meter_id = ? AND direction = ? AND bucket = ?",
        (NOBODY, DIRECTION, table),
    ).fetchone()
    if row is None or row[0] < 0 or row[0] % CHANGE:
        return None
    return Tally(row[0] // CHANGE, row[1])


def count_after(connection: sqlite3.Connection, table: str, rowid: int) -> tuple[int, int] | None:
    """How many rows of a table lie behind a rowid, and what they come to; None where they are not in their order.

    Raises sqlite3.Error.
    """
    count = row_sum = 0
    for number, one in connection.execute(
        f"SELECT rowid, {weight(table)} FROM {table} NOT INDEXED WHERE rowid > ? ORDER BY rowid", (rowid,)
    ):
        if number <= rowid:
            return None
        rowid, count, row_sum = number, count + 1, row_sum + one
    return count, row_sum % PRIME


def is_tally(row: dict[str, object]) -> bool:
    """Whether a row of `bucket_total` is one, for who carries rows from one store to another."""
    return row.get("meter_id") == NOBODY
