"""Whether no page of a closed store has two owners: tables, indexes and the list of free pages. Changes no row.

A page that is listed as free and is in use is overwritten by the next row that needs room, and no checksum tells of it
beforehand; so this is asked before the first write. Of each tree only the inner pages are read, a few in a thousand:
they name the leaves. (sqlite.org/fileformat2.html: 1.3 the header, 1.5 the freelist, 1.6 b-tree pages, 1.7 overflow)
"""

import contextlib
import sqlite3
from array import array
from collections.abc import Iterator
from pathlib import Path
from struct import unpack_from
from typing import BinaryIO

from .connection import connect
from .damaged import UNREADABLE

HEAD_BYTES = 100
WRITE_VERSION_MOST = 2
INNER, LEAF = {0x02, 0x05}, {0x0A, 0x0D}
TABLE_LEAF = 0x0D
LOCK_BYTE = 1 << 30
"""No page that holds it is ever used (1.3.1)."""
OVERFLOW_LEAVES_MOST = 2000
"""So many leaves are read, of the smallest tables first, to find out where rows go on that are too long for one."""
SCHEMA_ROOT = ("sqlite_schema", 1)


class _OwnerError(Exception):
    """The message is the fault."""


def fault_of(path: Path) -> str:
    """Which page has two owners, or what else does not fit; empty where nothing is wrong, or it cannot be asked now.

    For who holds the lock and has no connection. A log is folded back first, as it is at the end of every connection.
    """
    try:
        roots = [SCHEMA_ROOT, *_roots(path)]
        with path.open("rb") as file:
            _Pages(file).judge(roots)
    except (*UNREADABLE, OSError):
        return ""  # whoever opens the store meets the same and says what it means
    except _OwnerError as error:
        return str(error)
    return ""


def _roots(path: Path) -> list[tuple[str, int]]:
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        with contextlib.closing(connect(path)) as folding:
            busy, pages, folded = folding.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy or folded < pages:
                raise sqlite3.OperationalError("the log cannot be folded back")
    # immutable: nothing is made beside the file, and the lock is held.
    address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    with contextlib.closing(sqlite3.connect(address, uri=True)) as connection:
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        rows = connection.execute("SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0 ORDER BY name")
        return [(str(name), int(root)) for name, root in rows]


class _Pages:
    """The pages of one file, and who was found to own them."""

    def __init__(self, file: BinaryIO) -> None:
        head = file.read(HEAD_BYTES)
        if len(head) < HEAD_BYTES:
            raise _OwnerError("the file ends within its header")
        size = int.from_bytes(head[16:18], "big")
        self._file = file
        self._size = 65536 if size == 1 else size
        self._usable = self._size - head[20]
        if self._usable < 480:
            raise _OwnerError(f"the header says pages of {self._size} bytes")
        if not 1 <= head[18] <= WRITE_VERSION_MOST:
            raise _OwnerError(f"the header says write version {head[18]}: SQLite would only read it")
        length = file.seek(0, 2)
        self._count, self._first_trunk, self._free_count = (int(one) for one in unpack_from(">3I", head, 28))
        if not self._count or head[24:28] != head[92:96]:  # its number of pages holds only then (1.3.7)
            self._count = length // self._size
        if self._count * self._size > length:
            raise _OwnerError(f"the header says {self._count} pages of {self._size} bytes: the file is shorter")
        self._owners = array("L", [0]) * (self._count + 1)
        self._names = [""]
        self._owned = 0
        self._leaves: list[list[int]] = []
        """Of each tree of a table."""

    def judge(self, roots: list[tuple[str, int]]) -> None:
        """Raises _OwnerError, OSError."""
        for name, root in roots:
            self._names.append(name)
            self._take_tree(root)
        self._names.append("the list of free pages")
        self._take_free()
        self._take_overflow()

    def _own(self, number: int, by: int | None = None) -> None:
        """Claim a page for the newest owner, or one of those before."""
        by = len(self._names) - 1 if by is None else by
        if not 1 <= number <= self._count:
            raise _OwnerError(f"{self._names[by]}: names page {number} of {self._count}")
        if self._owners[number]:
            first, other = self._names[self._owners[number]], self._names[by]
            whose = f"twice to {first}" if first == other else f"to {first} and to {other}"
            raise _OwnerError(f"page {number}: belongs {whose}")
        self._owners[number] = by
        self._owned += 1

    def _page(self, number: int) -> bytes:
        self._file.seek((number - 1) * self._size)
        return self._file.read(self._size)

    def _take_tree(self, root: int) -> None:
        """A tree's leaves are all as deep as its first one: only what lies above them is read."""
        self._own(root)
        level = [root]
        while (kind := self._kind(level[0])) in INNER:
            below = []
            for number in level:
                if self._kind(number) != kind:
                    raise _OwnerError(f"page {number}: is no inner page of {self._names[-1]}")
                for child in self._children(number):
                    self._own(child)
                    below.append(child)
            level = below
        if kind not in LEAF:
            raise _OwnerError(f"page {level[0]}: is no page of {self._names[-1]}")
        if kind == TABLE_LEAF:
            self._leaves.append(level)

    def _kind(self, number: int) -> int:
        return self._page(number)[_head_at(number)]

    def _children(self, number: int) -> list[int]:
        one, at = self._page(number), _head_at(number)
        count = int.from_bytes(one[at + 3 : at + 5], "big")
        if at + 12 + 2 * count > self._size:
            raise _OwnerError(f"page {number}: {count} entries have no room in a page of {self._names[-1]}")
        cells = unpack_from(f">{count}H", one, at + 12)
        if any(cell + 4 > self._size for cell in cells):
            raise _OwnerError(f"page {number}: an entry of {self._names[-1]} lies outside of it")
        return [*(int(unpack_from(">I", one, cell)[0]) for cell in cells), int(unpack_from(">I", one, at + 8)[0])]

    def _take_free(self) -> None:
        trunk, found = self._first_trunk, 0
        while trunk:
            self._own(trunk)
            one = self._page(trunk)
            trunk, count = unpack_from(">2I", one)
            if count > self._usable // 4 - 2:
                raise _OwnerError(f"the list of free pages: {count} entries have no room in a page")
            for number in unpack_from(f">{count}I", one, 8):
                self._own(number)
            found += 1 + count
        if found != self._free_count:
            raise _OwnerError(f"the list of free pages: {found} pages, the header says {self._free_count}")

    def _take_overflow(self) -> None:
        """Pages of rows that are too long for one; where all have an owner there are none."""
        missing = self._count - self._owned - (self._count >= LOCK_BYTE // self._size + 1)
        budget, free, by = OVERFLOW_LEAVES_MOST, len(self._names) - 1, len(self._names)
        self._names.append("a long row")
        for leaves in sorted(self._leaves, key=len):
            budget -= len(leaves)
            if missing <= 0 or budget < 0:
                return
            for first in (first for leaf in leaves for first in self._overflows(leaf)):
                number = first
                while number:
                    if number <= self._count and self._owners[number] == free:
                        raise _OwnerError(f"page {number}: belongs to a long row and to {self._names[free]}")
                    self._own(number, by)
                    missing -= 1
                    number = int.from_bytes(self._page(number)[:4], "big")

    def _overflows(self, number: int) -> Iterator[int]:
        """The first overflow page of each row on a leaf that has one (1.6, "payload spills")."""
        one, at = self._page(number), _head_at(number)
        count = int.from_bytes(one[at + 3 : at + 5], "big")
        most, least = self._usable - 35, (self._usable - 12) * 32 // 255 - 23
        for cell in unpack_from(f">{count}H", one, at + 8) if at + 8 + 2 * count <= self._size else ():
            length, begin = _varint(one, cell)
            if length <= most:
                continue
            _rowid, begin = _varint(one, begin)
            spilt = least + (length - least) % (self._usable - 4)
            place = begin + (spilt if spilt <= most else least)
            yield int.from_bytes(one[place : place + 4], "big")


def _head_at(number: int) -> int:
    return HEAD_BYTES if number == 1 else 0


def _varint(one: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where it ends (1.6, "varint")."""
    value = 0
    for each in range(8):
        byte = one[at + each] if at + each < len(one) else 0
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + each + 1
    return value << 8 | (one[at + 8] if at + 8 < len(one) else 0), at + 9
