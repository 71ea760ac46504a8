"""The tables whose rows carry a checksum of their own, and how a row is written with it.

SQLite does not notice a byte that was altered inside a record. Interval records have their chain; these have a CRC-32
over their values in the order below. It finds damage, it proves nothing against a forger. A row without one was written
before there were any.
"""

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
}


def insert(table: str, *first: str) -> str:
    """The statement that takes `summed` values; `first`: columns that the checksum does not cover, before them."""
    columns = (*first, *COLUMNS[table], "crc")
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


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
