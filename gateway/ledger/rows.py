"""The tables whose rows carry a checksum of their own, and how a row is written with it.

SQLite does not notice a byte that was altered inside a record. Interval records have their chain; these have a CRC-32
over their values in the order below. It finds damage, it proves nothing against a forger. A row without one was written
before there were any.
"""

import sqlite3
import zlib
from collections.abc import Sequence

import msgspec

_ENCODER = msgspec.json.Encoder()

COLUMNS = {
    "reading": (
        *("meter_id", "register_epoch", "decision", "earliest_us", "latest_us", "monotonic_us", "boot_number"),
        *("import_milliwh", "export_milliwh", "power_milliw", "one_moment", "clock_error_us", "form_id", "acts"),
    ),
    "register_epoch": (
        *("meter_id", "register_epoch", "opened_us", "reason", "serial", "previous_import_milliwh"),
        *("previous_export_milliwh", "first_import_milliwh", "first_export_milliwh"),
    ),
    "event": ("meter_id", "seq", "at_us", "kind", "detail"),
    "outbox": ("meter_id", "kind", "seq", "payload"),
    "held_reading": ("meter_id", "reading"),
    "meter_state": ("meter_id", "validator", "accumulator"),
    "meta": ("key", "value"),
    "boot": ("boot_number", "boot_id"),
    "meter": ("meter_id", "name"),
    "reading_form": (
        *("form_id", "import_resolution_milliwh", "import_rounding_milliwh", "import_unproven"),
        *("export_resolution_milliwh", "export_rounding_milliwh", "export_unproven"),
    ),
    "recompute_base": ("meter_id", "reading_id", "accumulator"),
    "retention_mark": ("mark_hour", "reading_id"),
    "store_epoch": (*("epoch_no", "store_epoch", "gateway", "began_us", "reason", "witness", "machine", "board"),),
    "store_epoch_start": ("epoch_no", "meter_id", "first_interval_seq", "first_event_seq"),
}


def insert(table: str, *first: str) -> str:
    """The statement that takes `summed` values; `first`: columns that the checksum does not cover, before them."""
    columns = (*first, *COLUMNS[table], "crc")
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


def replace(table: str) -> str:
    """As `insert`; a row with the same key, which is the first column, is altered.

    Not `INSERT OR REPLACE`: that deletes a row without its trigger (sqlite.org/lang_createtrigger.html), and `tally`
    would not know.
    """
    key, *others = (*COLUMNS[table], "crc")
    altered = ", ".join(f"{column} = excluded.{column}" for column in others)
    return f"{insert(table)} ON CONFLICT ({key}) DO UPDATE SET {altered}"


def insert_numbered(connection: sqlite3.Connection, table: str, *values: object) -> int:
    """Insert a row whose first column is its number, within the caller's transaction; returns it."""
    # Table and column are this program's own words.
    (newest,) = connection.execute(f"SELECT coalesce(max({COLUMNS[table][0]}), 0) FROM {table}").fetchone()
    connection.execute(insert(table), summed((newest + 1, *values)))
    return int(newest) + 1


def enter_meter(connection: sqlite3.Connection, name: str) -> int:
    """The number of a meter, which is entered where it is not known yet."""
    row = connection.execute("SELECT meter_id FROM meter WHERE name = ?", (name,)).fetchone()
    return insert_numbered(connection, "meter", name) if row is None else int(row[0])


def summed(values: Sequence[object], *first: object) -> tuple[object, ...]:
    """The values of `COLUMNS` with their checksum."""
    return (*first, *values, crc_of(values))


def crc_of(values: Sequence[object]) -> int:
    """Over their JSON. Raises TypeError for what JSON does not have."""
    return zlib.crc32(_ENCODER.encode(values))


def is_whole(values: Sequence[object], crc: object) -> bool:
    """Whether a row as it was read is the one that was written; without a checksum nobody can tell."""
    try:
        return crc is None or crc_of(values) == crc
    except (TypeError, ValueError, OverflowError):
        return False
