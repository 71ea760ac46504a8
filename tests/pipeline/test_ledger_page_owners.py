"""Free pages that are in use: found before the first write, in a store that is too large for SQLite's own check.

Real files. What is right is said by SQLite's `integrity_check`, which reads every page; the pages of a table are found
by hil's own walk over the format.
"""

import random
import sqlite3
from contextlib import closing
from pathlib import Path
from struct import pack, unpack_from

import pytest

from gateway.ledger import page_owners
from gateway.ledger.records import Batch, OutboxRow
from hil.soak.damage import rows_of
from hil.soak.pages import leaves, page, put

from .test_ledger_opening import book, books, opened, reason_of
from .test_ledger_tally import root_of
from .world import MIN, NOON_US, S, reading

FIRST_TRUNK, FREE_COUNT = 32, 36
"""Places in the header (sqlite.org/fileformat2.html, 1.3)."""
LONG_NAME = "x" * 20_000


def grow(path: Path, *, long_row: bool = False) -> None:
    """A store with inner pages, several leaves of a table, and free pages."""
    store = opened(path).store
    book(store, (1 * S, 1000), (2 * S, 1000), (16 * MIN, 1010), (31 * MIN, 1030))
    account, batch = books(store), Batch()
    for each in range(1, 400):
        account.take(reading(NOON_US + 31 * MIN + each * S, 1030), batch)
    batch.words = {"test long": LONG_NAME} if long_row else {}
    store.commit(batch)
    meter_id, newest = store.load_meter("grid").meter_id, store.newest_outbox_id()
    ids = range(newest + 1, newest + 200)
    store.commit(Batch(outbox=[(meter_id, OutboxRow(one, "grid", "event", one, "x" * 300)) for one in ids]))
    store.commit(Batch(acknowledged=list(ids)))
    store.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "ledger.sqlite"
    grow(place)
    return place


def sqlites_word(path: Path) -> str:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        try:
            return str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
        except sqlite3.DatabaseError as error:
            return str(error)


def trunk_of(content: bytes) -> int:
    return int(unpack_from(">I", content, FIRST_TRUNK)[0])


def free_in(content: bytes) -> list[int]:
    """The pages that the first trunk names."""
    trunk = page(content, trunk_of(content))
    return list(unpack_from(f">{unpack_from('>I', trunk, 4)[0]}I", trunk, 8))


def naming(content: bytes, number: int) -> bytes:
    """The last page that the first trunk names is another one."""
    at = (trunk_of(content) - 1) * 4096 + 8 + 4 * (len(free_in(content)) - 1)
    return content[:at] + pack(">I", number) + content[at + 4 :]


def test_control_a_store_that_was_not_touched_has_one_owner_a_page(path: Path) -> None:
    assert len(free_in(path.read_bytes())) > 5, "there have to be free pages"
    assert page_owners.fault_of(path) == ""


def test_control_a_free_page_in_use_is_written_over_by_sqlite(path: Path) -> None:
    """The injector: the next rows that need a page get one of the table `reading`, and what was on it is gone."""
    content, before = path.read_bytes(), rows_of(path)
    path.write_bytes(naming(content, leaves(content, root_of(path, "reading"))[0]))
    assert rows_of(path) == before, "so far it alters nothing"
    with closing(sqlite3.connect(path)) as hand, hand:
        # The page that is named last is taken first; more than all others together take the one in use.
        hand.executemany("INSERT INTO meta (key, value) VALUES (?, ?)", [(f"k{one}", "y" * 3000) for one in range(60)])
    after = rows_of(path)
    assert after is None or after["reading"] != before["reading"]  # type: ignore[index]


def test_every_page_in_use_is_found_if_it_is_named_free(tmp_path: Path) -> None:
    """Roots, inner pages, leaves, and the pages on which a long row goes on."""
    place = tmp_path / "ledger.sqlite"
    grow(place, long_row=True)
    content = place.read_bytes()
    free, count = {*free_in(content), trunk_of(content)}, len(content) // 4096
    assert page_owners.fault_of(place) == ""
    in_use = [number for number in range(1, count + 1) if number not in free]
    assert len(in_use) > 40
    for number in in_use:
        place.write_bytes(naming(content, number))
        assert f"page {number}: belongs to " in page_owners.fault_of(place)


def test_an_older_list_of_free_pages_is_found(path: Path) -> None:
    """The disk lost the writes of the header and the trunk: pages that were used since are in the list again."""
    older = path.read_bytes()
    store = opened(path).store
    book(store, *((one * MIN, 1030 + one) for one in range(46, 400, 15)))
    store.close()
    content, trunk = path.read_bytes(), trunk_of(older)
    assert len(free_in(content)) < len(free_in(older)), "pages have to be taken from the list"
    content = older[FIRST_TRUNK : FREE_COUNT + 4].join((content[:FIRST_TRUNK], content[FREE_COUNT + 4 :]))
    path.write_bytes(put(content, trunk, page(older, trunk)))
    assert "the list of free pages" in page_owners.fault_of(path)


def test_it_is_set_aside_at_the_start_before_anything_is_lost(path: Path) -> None:
    content, before = path.read_bytes(), rows_of(path)
    path.write_bytes(naming(content, leaves(content, root_of(path, "reading"))[0]))
    one = opened(path)
    assert reason_of(one) == "damaged"
    (told,) = (detail for event, detail in one.told if event == "store_set_aside")
    assert "belongs to reading and to the list of free pages" in str(told["why"])
    assert rows_of(path.with_name(str(told["aside"]))) == before
    one.store.close()


def test_what_still_lies_in_the_log_counts(path: Path) -> None:
    """After a kill the newest pages are in the log alone: it is folded back, and then judged."""
    with closing(sqlite3.connect(path)) as hand:
        hand.execute("PRAGMA wal_autocheckpoint = 0")
        with hand:
            hand.execute("CREATE TABLE later AS SELECT * FROM reading")
        for end in ("", "-wal"):
            copy = path.with_name(f"copy.sqlite{end}")
            copy.write_bytes(path.with_name(path.name + end).read_bytes())
    killed = path.with_name("copy.sqlite")
    assert killed.with_name("copy.sqlite-wal").stat().st_size > 4096
    assert page_owners.fault_of(killed) == ""
    assert rows_of(killed) == rows_of(path)
    content = killed.read_bytes()
    killed.write_bytes(naming(content, leaves(content, root_of(killed, "later"))[0]))
    assert "later" in page_owners.fault_of(killed)


def test_damage_by_lot_never_stops_it_and_is_none_of_its_invention(path: Path) -> None:
    """What it calls a fault SQLite calls one too, after up to four altered bytes in header, trunk and trees."""
    content, lot, found = path.read_bytes(), random.Random(8), 0
    trunk = (trunk_of(content) - 1) * 4096
    for _ in range(400):
        changed = bytearray(content)
        for _ in range(lot.randint(1, 4)):
            # Not 16 to 18: SQLite finds nothing wrong in a write version that makes the file one to be read alone.
            at = lot.choice((lot.randrange(19, 100), trunk + lot.randrange(80), lot.randrange(100, len(content))))
            changed[at] = lot.randrange(256)
        path.write_bytes(changed)
        if fault := page_owners.fault_of(path):
            found += 1
            assert sqlites_word(path) != "ok", fault
    assert found > 100


def test_a_file_that_is_cut_or_none_at_all_is_left_to_who_opens_it(path: Path) -> None:
    content = path.read_bytes()
    for length in (0, 50, 100, 4095, 4096, 9000, len(content) - 1):
        path.write_bytes(content[:length])
        page_owners.fault_of(path)
        assert path.read_bytes() == content[:length]
    path.unlink()
    assert page_owners.fault_of(path) == ""
    assert not path.exists()
