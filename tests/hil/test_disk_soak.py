"""The plan of `soak disk`, and what damage is said to alter: tried on a store made by hand."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hil.soak.damage import Rows, altered, damaged, rows_of
from hil.soak.disk_plan import DAMAGE_DECK, LIVE_DECK, DiskFault, DiskKind, disk_fault, is_damage

CONTENT = bytes(range(256)) * 64  # four pages


def fault(kind: DiskKind, lot: int) -> DiskFault:
    return DiskFault(1, kind, 0, lot)


def store(folder: Path) -> Path:
    path = folder / "s.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE reading (n INTEGER PRIMARY KEY, word TEXT)")
        connection.execute("CREATE TABLE filler (word TEXT)")
        connection.executemany("INSERT INTO reading (word) VALUES (?)", [(f"word {n}",) for n in range(400)])
        connection.executemany("INSERT INTO filler VALUES (?)", [("x" * 1000,)] * 40)
        connection.execute("DELETE FROM filler")
        connection.commit()
    return path


def rows(path: Path) -> Rows:
    found = rows_of(path)
    assert found is not None
    return found


def test_the_plan_is_the_seeds_alone_and_every_kind_comes() -> None:
    plan = [disk_fault(4, n) for n in range(1, 81)]
    assert plan == [disk_fault(4, n) for n in range(1, 81)]
    assert plan != [disk_fault(5, n) for n in range(1, 81)]
    assert {one.kind for one in plan} == set(DiskKind)
    for index in range(8):
        deck = DAMAGE_DECK if is_damage(index) else LIVE_DECK
        kinds = {one.kind for one in plan[index * 10 : index * 10 + 10]} - {DiskKind.GONE}
        assert kinds <= set(deck)
    nth = {disk_fault(4, n).nth for n in range(1, 2000) if disk_fault(4, n).kind is DiskKind.WRITE}
    assert nth == set(range(1, 21))


@pytest.mark.parametrize("lot", range(20))
def test_damage_is_what_it_says(lot: int) -> None:
    page = damaged(fault(DiskKind.PAGE, lot), CONTENT)
    wrong = [at for at in range(4) if page[at * 4096 : at * 4096 + 4096] != CONTENT[at * 4096 : at * 4096 + 4096]]
    assert (len(page), wrong) == (len(CONTENT), [lot % 4])
    bits = damaged(fault(DiskKind.BITS, lot), CONTENT)
    flips = sum((one ^ other).bit_count() for one, other in zip(bits, CONTENT, strict=True))
    assert 1 <= flips <= 8
    cut = damaged(fault(DiskKind.CUT, lot), CONTENT)
    assert len(cut) < len(CONTENT)
    assert CONTENT.startswith(cut)
    assert damaged(fault(DiskKind.EMPTY, lot), CONTENT) == b""


def test_a_row_that_is_changed_is_altered_and_a_free_page_is_not(tmp_path: Path) -> None:
    path = store(tmp_path)
    before, content = rows(path), path.read_bytes()
    assert altered(before, rows(path)) == []
    path.write_bytes(content.replace(b"word 77", b"word 78"))
    assert altered(before, rows_of(path)) == ["reading"]
    # A leaf of the free list (sqlite.org/fileformat2.html, 1.5): the header names the trunk, the trunk its leaves.
    trunk = int.from_bytes(content[32:36], "big")
    leaf = int.from_bytes(content[(trunk - 1) * 4096 + 8 : (trunk - 1) * 4096 + 12], "big")
    path.write_bytes(content[: (leaf - 1) * 4096] + b"y" * 4096 + content[leaf * 4096 :])
    assert path.read_bytes() != content
    assert altered(before, rows_of(path)) == []


def test_what_cannot_be_read_is_altered_whole(tmp_path: Path) -> None:
    path = store(tmp_path)
    before = rows(path)
    path.write_bytes(path.read_bytes()[:5000])
    assert altered(before, rows_of(path)) == ["filler", "reading"]
    path.write_bytes(b"")
    assert altered(before, rows_of(path)) == ["filler", "reading"]
