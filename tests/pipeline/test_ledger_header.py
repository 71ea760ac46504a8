"""A store whose header was altered by one bit: it opens anyway, and says so. (SQLite file format, 1.3)

The header is the first hundred bytes; the schema's number is its bytes 60 to 63, those of auto_vacuum are 52 to 55, the
write version is byte 18.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.ledger.connection import schema_version
from gateway.ledger.store_error import DamagedError
from gateway.ledger.version import SCHEMA_VERSION

from .test_ledger_opening import book, opened
from .world import MIN, S


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with an interval; 30 mWh in `high`."""
    place = tmp_path / "ledger.sqlite"
    store = opened(place).store
    book(store, (1 * S, 1000), (2 * S, 1000), (16 * MIN, 1030))
    store.close()
    return place


def flip(path: Path, place: int, bit: int) -> bytes:
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    path.write_bytes(content)
    return bytes(content)


@pytest.mark.parametrize(
    ("place", "bit"), [(63, 0), (63, 1), (63, 2), (63, 3), (60, 0), (60, 7), (52, 0), (55, 0), (18, 3)]
)
def test_one_altered_bit_sets_the_store_aside_and_the_counters_go_on(path: Path, place: int, bit: int) -> None:
    content = flip(path, place, bit)
    one = opened(path)
    ((event, detail),) = one.told
    assert (event, detail["reason"], detail["witness"]) == ("store_set_aside", "damaged", "salvage")
    assert ("header" in str(detail["why"])) or ("auto_vacuum" in str(detail["why"]))
    assert path.with_name(str(detail["aside"])).read_bytes() == content
    book(one.store, (31 * MIN, 1100), (32 * MIN, 1100))
    totals = one.store.load_meter("grid").accumulator.directions
    assert sum(sum(account.totals_milliwh.values()) for account in totals.values()) == 100
    one.store.close()


def test_the_control_a_store_that_was_not_touched_opens(path: Path) -> None:
    one = opened(path)
    assert one.told == []
    one.store.close()


def test_a_newer_programs_list_holds_against_its_header(path: Path) -> None:
    """Nor is its store set aside by an older program where one bit of the number is wrong."""
    with closing(sqlite3.connect(path)) as hand, hand:
        newer = SCHEMA_VERSION + 1
        hand.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('netmeter', 'm_newer', 'then')"
        )
        hand.execute(f"PRAGMA user_version = {newer}")
    assert schema_version(path) == newer
    flip(path, 63, 0)
    assert schema_version(path) == newer


def test_a_lower_number_than_the_list_is_damage(path: Path) -> None:
    with closing(sqlite3.connect(path)) as hand:
        hand.execute("PRAGMA user_version = 2")
    with pytest.raises(DamagedError, match=f"schema 2, its own list {SCHEMA_VERSION} migrations"):
        schema_version(path)
