"""Damage by which rows still read, as what they cannot be: the opening takes it for damage, never for a fault of ours.

Pages are altered by hand, by SQLite's file format (1.6: a cell of a leaf is length, rowid, header, values).
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gateway.ledger.rows import crc_of
from gateway.ledger.witness import salvage_states
from hil.soak.pages import page, put

from .test_ledger_opening import book, opened
from .world import MIN, S


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """30 mWh in `high`, and a reading that waits for the time of day."""
    place = tmp_path / "ledger.sqlite"
    store = opened(place).store
    book(store, (1 * S, 1000), (2 * S, 1000), (16 * MIN, 1030))
    store.close()
    return place


def root_of(path: Path, name: str) -> int:
    with closing(sqlite3.connect(path)) as hand:
        (root,) = hand.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (name,)).fetchone()
        return int(root)


def a_mark_without_its_number(path: Path) -> None:
    """The second column's type becomes 0, NULL, in a column that is NOT NULL."""
    number = root_of(path, "retention_mark")
    content = path.read_bytes()
    one = bytearray(page(content, number))
    cell = int.from_bytes(one[8:10], "big")
    one[cell + 4] = 0
    path.write_bytes(put(content, number, bytes(one)))


def an_index_of_names_that_is_anothers(path: Path) -> None:
    """No meter is found by its name, and one that is entered anew is there twice."""
    number, other = root_of(path, "idx_meter_name"), root_of(path, "idx__sqlite_migrations_migration_set_name")
    content = path.read_bytes()
    path.write_bytes(put(content, number, page(content, other)))


def a_held_reading(path: Path, text: str, crc: int) -> None:
    with closing(sqlite3.connect(path)) as hand, hand:
        hand.execute("INSERT INTO held_reading (meter_id, reading, crc) VALUES (1, ?, ?)", (text, crc))


def a_held_reading_that_was_altered(path: Path) -> None:
    a_held_reading(path, "{}", crc_of((1, "{ }")))


def a_held_reading_that_is_none(path: Path) -> None:
    a_held_reading(path, "{", crc_of((1, "{")))


@pytest.mark.parametrize(
    "damage",
    [
        a_mark_without_its_number,
        an_index_of_names_that_is_anothers,
        a_held_reading_that_was_altered,
        a_held_reading_that_is_none,
    ],
)
def test_what_contradicts_itself_is_set_aside_and_the_counters_go_on(
    path: Path, damage: Callable[[Path], None]
) -> None:
    damage(path)
    one = opened(path)
    assert [(event, detail["reason"]) for event, detail in one.told] == [("store_set_aside", "damaged")]
    book(one.store, (31 * MIN, 1100), (32 * MIN, 1100))
    totals = one.store.load_meter("grid").accumulator.directions.values()
    assert sum(sum(account.totals_milliwh.values()) for account in totals) == 100
    assert one.store.meter_names() == ("grid",)
    one.store.close()


def test_a_name_that_was_altered_is_no_witness(path: Path) -> None:
    """The control first: an account under another name would be a meter that never was."""
    assert set(salvage_states(path).meters) == {"grid"}
    with closing(sqlite3.connect(path)) as hand, hand:
        hand.execute("UPDATE meter SET name = 'gsid'")
    assert set(salvage_states(path).meters) == set()
