"""Damage to the bytes of a store, and what it changes of what is in it. Reads copies, changes no file of a daemon.

`rows_of` is what a reader of plain SQL finds in every table; damage *alters* where that is not what it was, or cannot
be read any more. Damage to free pages, indexes or dead frames of the log alters nothing.
"""

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from ..chance import roll
from .disk_plan import DiskFault, DiskKind

PAGE_BYTES = 4096
FLIPS_MOST = 8
LOG = "-wal"
SPARED = ("sqlite_sequence",)

Rows = dict[str, list[tuple[object, ...]]]


def damaged(fault: DiskFault, content: bytes) -> bytes:
    """The bytes after the damage; empty for what is emptied or gone."""
    match fault.kind:
        case DiskKind.PAGE:
            pages = max(1, len(content) // PAGE_BYTES)
            at = fault.lot % pages * PAGE_BYTES
            noise = b"".join(roll(fault.lot, each).to_bytes(8, "big") for each in range(PAGE_BYTES // 8))
            return content[:at] + noise[: len(content) - at] + content[at + PAGE_BYTES :]
        case DiskKind.BITS | DiskKind.LOG_BITS:
            changed = bytearray(content)
            for each in range(1 + roll(fault.lot, 1) % FLIPS_MOST):
                bit = roll(fault.lot, 2, each) % (len(content) * 8)
                changed[bit // 8] ^= 1 << bit % 8
            return bytes(changed)
        case DiskKind.CUT | DiskKind.LOG_CUT:
            return content[: roll(fault.lot, 3) % len(content)]
        case _:
            return b""


def rows_of(store: Path) -> Rows | None:
    """Every row of every table, of the store and its log as they lie; None where that cannot be read."""
    folder = Path(tempfile.mkdtemp(prefix="netmeter-rows-"))
    try:
        for end in ("", LOG):
            source = store.with_name(store.name + end)
            if source.exists():
                shutil.copyfile(source, folder / f"copy{end}")
        with closing(sqlite3.connect(folder / "copy")) as connection:
            names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").fetchall()
            # By the table itself, in its own order: an index may be right where the row is not, and a row that lies
            # where it does not belong is not found by its number.
            return {
                name: connection.execute(f'SELECT * FROM "{name}" NOT INDEXED').fetchall()
                for (name,) in names
                if name not in SPARED
            }
    except (sqlite3.Error, UnicodeDecodeError):
        return None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def altered(before: Rows, after: Rows | None) -> list[str]:
    """The tables that are not what they were; all of them where nothing can be read."""
    if after is None:
        return sorted(before)
    return sorted(name for name in before if after.get(name) != before[name])
