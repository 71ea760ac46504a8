"""The leaf pages of a table in the bytes of a database, by walking its tree (SQLite file format, 1.6). Reads only.

For damage that is made of sound pages: those that hold the rows of one table are exchanged for others of the same.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ..chance import roll

PAGE_BYTES = 4096
_INTERIOR, _LEAF = 0x05, 0x0D
DEEPEST = 8


def page(content: bytes, number: int) -> bytes:
    """The page with this number, from 1."""
    return content[(number - 1) * PAGE_BYTES : number * PAGE_BYTES]


def leaves(content: bytes, root: int, depth: int = 0) -> list[int]:
    """The leaf pages below a table's root, in the order of its rows. Raises ValueError where it is no such tree."""
    one = page(content, root)
    if len(one) < PAGE_BYTES or depth > DEEPEST or one[0] not in (_INTERIOR, _LEAF):
        raise ValueError(f"page {root} is no page of a table")
    if one[0] == _LEAF:
        return [root]
    count = int.from_bytes(one[3:5], "big")
    cells = [int.from_bytes(one[12 + 2 * each : 14 + 2 * each], "big") for each in range(count)]
    children = [int.from_bytes(one[cell : cell + 4], "big") for cell in cells] + [int.from_bytes(one[8:12], "big")]
    return [leaf for child in children for leaf in leaves(content, child, depth + 1)]


@dataclass(frozen=True, slots=True)
class Laid:
    """A closed store's bytes, and which pages its tables' rows lie on."""

    content: bytes
    leaves: Mapping[str, list[int]]


def laid(store: Path) -> Laid:
    """Every table of ours in a closed store without a log. Raises sqlite3.Error, ValueError."""
    content = store.read_bytes()
    with closing(sqlite3.connect(f"{store.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        roots = connection.execute(
            "SELECT name, rootpage FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '%sqlite_%' ORDER BY name"
        ).fetchall()
    return Laid(content, {table: leaves(content, root) for table, root in roots})


def with_older_page(now: Laid, then: Laid, lot: int) -> bytes | None:
    """One page of a table that has changed, as it was; None where none has that had rows of the same table then."""
    changed = [
        number
        for table, numbers in now.leaves.items()
        for number in numbers
        if number in then.leaves.get(table, ())
        and _has_rows(old := page(then.content, number))
        and old != page(now.content, number)
    ]
    if not changed:
        return None
    number = changed[roll(lot, 4) % len(changed)]
    return put(now.content, number, page(then.content, number))


def with_pages_exchanged(now: Laid, lot: int) -> bytes | None:
    """Two pages of one table in each other's place; None where none has two."""
    several = [numbers for numbers in now.leaves.values() if len(numbers) > 1]
    if not several:
        return None
    numbers = several[roll(lot, 5) % len(several)]
    first = roll(lot, 6) % len(numbers)
    other = (first + 1 + roll(lot, 7) % (len(numbers) - 1)) % len(numbers)
    return exchanged(now.content, numbers[first], numbers[other])


def _has_rows(one: bytes) -> bool:
    return one[3:5] != b"\0\0"


def exchanged(content: bytes, one: int, other: int) -> bytes:
    """With two pages in each other's place."""
    return put(put(content, one, page(content, other)), other, page(content, one))


def put(content: bytes, number: int, other: bytes) -> bytes:
    """With another page in the place of one."""
    return content[: (number - 1) * PAGE_BYTES] + other + content[number * PAGE_BYTES :]
