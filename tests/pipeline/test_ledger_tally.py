"""Tallies: sound pages that take the place of other sound pages of the same table, and rows whose numbers alone change.

Real files; the pages are found by hil's own walk over SQLite's format, what is in them is read by plain SQL.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.salvage import EXIT_INCOMPLETE, salvage
from gateway.ledger import full_check, tally
from gateway.ledger.full_check import FullCheck
from gateway.ledger.records import Batch, OutboxRow
from gateway.ledger.rows import COLUMNS
from gateway.ledger.schema import migrate, migrations
from gateway.ledger.store import Store
from hil.soak.damage import rows_of
from hil.soak.pages import exchanged, leaves, page, put

from .test_ledger_opening import book, books, opened
from .world import MIN, NOON_US, S, reading

READINGS = 400
TABLES = ("interval", *COLUMNS)


@pytest.fixture(autouse=True)
def no_file_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large store gets no `integrity_check` of SQLite's: what is found must be found without it."""
    monkeypatch.setattr(full_check, "SMALL_BYTES", -1)


def grown(place: Path) -> Iterator[bytes]:
    """A store's bytes as it grows: two intervals, then readings and messages enough for several pages of each."""
    store = opened(place).store
    book(store, (1 * S, 1000), (2 * S, 1000), (16 * MIN, 1010), (31 * MIN, 1030))
    store.close()
    yield place.read_bytes()
    store = opened(place).store
    account, batch = books(store), Batch()
    for each in range(1, READINGS):
        account.take(reading(NOON_US + 31 * MIN + each * S, 1030), batch)
    store.commit(batch)
    meter_id, newest = store.load_meter("grid").meter_id, store.newest_outbox_id()
    rows = [OutboxRow(newest + each, "grid", "event", 100 + each, "x" * 200) for each in range(1, 60)]
    store.commit(Batch(outbox=[(meter_id, row) for row in rows]))
    store.commit(Batch(acknowledged=[newest + 1, newest + 7]))
    store.close()
    yield place.read_bytes()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


def root_of(path: Path, table: str) -> int:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
        return int(root)


def fault_in(path: Path) -> str:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        check = FullCheck(lambda: connection, path)
        while not check.step():
            pass
        return check.fault


def test_control_a_store_that_was_not_touched_is_whole(path: Path) -> None:
    for _content in grown(path):
        assert fault_in(path) == ""


@pytest.mark.parametrize("table", ["reading", "outbox"])
def test_two_pages_of_a_table_in_each_others_place_are_found(path: Path, table: str) -> None:
    *_, content = grown(path)
    own = leaves(content, root_of(path, table))
    assert len(own) > 2, "the table has to have several pages"
    for one, other in ((own[0], own[1]), (own[0], own[-1]), (own[-2], own[-1])):
        path.write_bytes(exchanged(content, one, other))
        assert table in fault_in(path)


def test_an_older_copy_of_any_page_is_found_if_a_row_is_another_by_it(path: Path) -> None:
    """Every page that changed while the store grew, of whichever table, goes back to what it was; one at a time."""
    older, content = grown(path)
    before, struck = rows_of(path), set()
    assert before is not None
    for number in range(2, len(older) // 4096 + 1):
        path.write_bytes(put(content, number, page(older, number)))
        after = rows_of(path)
        if after == before:
            continue  # unchanged, or an index
        struck |= {"unreadable"} if after is None else {name for name in before if after.get(name) != before[name]}
        assert fault_in(path) != "", f"page {number}"
    assert {"reading", "outbox", "meter_state", "bucket_total"} <= struck


@pytest.mark.parametrize(
    ("index", "word"),
    [
        ("idx_interval_meter_id_end_us", "interval: records are not in the index of their ends"),
        ("sqlite_autoindex_interval_1", "interval: records are not in their index"),
        ("sqlite_autoindex_event_1", "not in its index"),
    ],
)
def test_an_older_page_of_an_index_is_found(path: Path, index: str, word: str) -> None:
    """It alters no record, and whoever looks one up by it does not find the newest."""
    older, _content = grown(path)
    store = opened(path).store
    book(store, *((one * MIN, 1030 + one) for one in (46, 61)))
    store.close()
    number, before = root_of(path, index), rows_of(path)
    path.write_bytes(put(path.read_bytes(), number, page(older, number)))
    assert rows_of(path) == before
    assert word in fault_in(path)


def test_an_older_page_is_not_found_by_checksums_alone(path: Path) -> None:
    """The control of the injector: without a word on what the rows come to, each of them is sound."""
    older, content = grown(path)
    number = leaves(older, root_of(path, "outbox"))[0]
    path.write_bytes(put(content, number, page(older, number)))
    assert "outbox" in fault_in(path)
    with closing(sqlite3.connect(path)) as hand, hand:
        tally.arm(hand, "outbox")
    assert "outbox" not in fault_in(path)


@pytest.mark.parametrize("table", ["reading", "outbox"])
def test_the_number_of_a_row_alone_is_part_of_it(path: Path, table: str) -> None:
    *_, content = grown(path)
    number = leaves(content, root_of(path, table))[-1]
    one = bytearray(page(content, number))
    # The last row's cell: payload length and rowid, a varint of two bytes each or less (format, 1.6 and 1.2).
    count = int.from_bytes(one[3:5], "big")
    cell = int.from_bytes(one[8 + 2 * (count - 1) : 10 + 2 * (count - 1)], "big")
    place = cell + 1 + (one[cell] >= 0x80)
    place += one[place] >= 0x80
    one[place] += 1
    before = rows_of(path)
    path.write_bytes(put(content, number, bytes(one)))
    assert rows_of(path) not in (before, None)
    assert table in fault_in(path)


def test_every_table_has_a_tally_from_the_first_row_on(path: Path) -> None:
    """Each row inserted, altered and deleted by plain SQL: the triggers belong to the file, whoever writes."""
    *_, _content = grown(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as hand:
        for table in TABLES:
            assert tally.load(hand, table) is not None
            before = tally.load(hand, table)
            counted = tally.count_after(hand, table, -1)
            assert before is not None
            assert counted is not None
            assert before.row_sum == counted[1]
            hand.execute("BEGIN")
            hand.execute(f"DELETE FROM {table}")
            after = tally.load(hand, table)
            hand.execute("ROLLBACK")
            assert after == tally.Tally(before.changes + counted[0], 0)


def test_rows_that_come_and_go_beside_the_check_are_no_fault(path: Path) -> None:
    *_, _content = grown(path)
    store = Store(path)
    meter_id = store.load_meter("grid").meter_id
    check, newest = FullCheck(lambda: store._connection, path, rows_a_slice=7), store.newest_outbox_id()
    gone = iter(range(newest - 20, newest + 200))
    while not check.step():
        one = next(gone)
        row = OutboxRow(one + 30, "grid", "event", one, "{}")
        store.commit(Batch(acknowledged=[one], outbox=[(meter_id, row)] if one + 30 > newest else []))
    assert check.fault == ""
    store.close()
    assert fault_in(path) == ""


def test_a_tally_that_is_missing_is_told(path: Path) -> None:
    *_, _content = grown(path)
    with closing(sqlite3.connect(path)) as hand, hand:
        hand.execute("DELETE FROM bucket_total WHERE meter_id = 0 AND bucket = 'outbox'")
    assert fault_in(path) == "outbox: nothing says what its rows come to"


def test_a_store_of_schema_5_is_counted_as_it_is(path: Path) -> None:
    from sqlite_utils import Database

    database = Database(path)
    database.enable_wal()
    migrations.apply(database, stop_before="m0006_tallies")
    database.execute("INSERT INTO outbox (meter_id, kind, seq, payload) VALUES (1, 'event', 1, '{}')")
    database.conn.commit()
    database.close()
    migrate(path)
    with closing(sqlite3.connect(path)) as hand:
        # By hand: number 1, no checksum: (1 + 48271) * (1 + 0).
        assert tally.load(hand, "outbox") == tally.Tally(1, 48272)


def salvaged(path: Path) -> tuple[int, dict[str, bool | None], str]:
    """The command's exit code, by table whether its rows are all, and what it says to a person."""
    told = CliRunner().invoke(salvage, [str(path), "--json"])
    tables = json.loads(told.stdout)["tables"]
    plain = CliRunner().invoke(salvage, [str(path)])
    assert plain.exit_code == told.exit_code
    return told.exit_code, {table: one["is_all"] for table, one in tables.items()}, plain.stdout


def test_salvage_tells_of_rows_that_are_missing_although_each_one_is_whole(path: Path) -> None:
    older, content = grown(path)
    code, is_all, words = salvaged(path)
    assert (code, {table for table, one in is_all.items() if one}) == (0, set(TABLES))
    assert is_all["bucket_total"] is None  # it has to agree with each meter's state
    assert "not all rows" not in words
    number = leaves(older, root_of(path, "outbox"))[0]
    path.write_bytes(put(content, number, page(older, number)))
    code, is_all, words = salvaged(path)
    assert (code, is_all.pop("outbox")) == (EXIT_INCOMPLETE, False)
    assert False not in is_all.values()
    assert words.count("not all rows that were written, or not the newest") == 1


def test_salvage_says_nothing_of_what_a_store_without_tallies_lacks(path: Path) -> None:
    from sqlite_utils import Database

    database = Database(path)
    migrations.apply(database, stop_before="m0006_tallies")
    database.close()
    code, is_all, _words = salvaged(path)
    assert (code, set(is_all.values())) == (0, {None})


def test_an_altered_bit_in_the_count_of_a_tallys_changes_is_found(path: Path) -> None:
    """The sum is right then, and so is every row: the count proves itself."""
    migrate(path)
    altered = "UPDATE bucket_total SET milliwh = (milliwh | ?1) - (milliwh & ?1) WHERE bucket = 'meta'"
    with closing(sqlite3.connect(path, isolation_level=None)) as hand:
        assert tally.load(hand, "meta") is not None
        for bit in range(63):
            hand.execute("BEGIN")
            hand.execute(altered, (1 << bit,))
            assert tally.load(hand, "meta") is None, bit
            hand.execute("ROLLBACK")
        hand.execute(altered, (1,))
    assert fault_in(path) == "meta: nothing says what its rows come to"
