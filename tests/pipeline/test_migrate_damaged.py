"""A damaged store of an older schema: the gateway begins all the same, and so it does where the copy alone is at fault.

The migration is the daemon's own, in a process of its own. Expected energy by hand: 30 mWh in `high`.
"""

import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.daemon.own_store import StartError, make_or_migrate
from gateway.energy import Direction
from gateway.ledger import copies
from gateway.ledger.copies import Report, Verified
from gateway.ledger.opening import Opener
from gateway.ledger.schema import migrate
from gateway.ledger.store_error import DamagedError, StoreError
from hil.soak.pages import leaves, put

from .test_migrate_fourth import HOME, third_schema


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store of schema 3 with some hundred events."""
    place = tmp_path / "ledger.sqlite"
    third_schema(place)
    with closing(sqlite3.connect(place)) as hand, hand:
        hand.executemany(
            "INSERT INTO event (meter_id, seq, at_us, kind, detail) VALUES (1, ?, 0, 'gap', ?)",
            [(seq, json.dumps({"words": "x" * 300})) for seq in range(1, 200)],
        )
    return place


def noise_in_events(path: Path) -> None:
    with closing(sqlite3.connect(path)) as hand:
        (root,) = hand.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'event'").fetchone()
    content = path.read_bytes()
    path.write_bytes(put(content, leaves(content, root)[2], random.Random(8).randbytes(4096)))


def opened_total(path: Path) -> tuple[list[str], int]:
    one = Opener(path, HOME, ["grid"], make_or_migrate).open()
    try:
        totals = one.store.load_meter("grid").accumulator.directions[Direction.IMPORT].totals_milliwh
        return [str(detail.get("reason")) for _event, detail in one.told], sum(totals.values())
    finally:
        one.store.close()


def test_control_a_sound_store_is_migrated_where_it_is(path: Path) -> None:
    assert opened_total(path) == ([], 30)
    assert path.with_name(f"{path.name}.schema-3").exists()


def test_a_damaged_one_is_set_aside_and_its_counters_go_on(path: Path) -> None:
    noise_in_events(path)
    damaged = path.read_bytes()
    assert opened_total(path) == (["damaged"], 30)
    (aside,) = (one for one in path.parent.glob("*.damaged-*") if not one.name.endswith(("-wal", "-shm")))
    assert aside.read_bytes() == damaged
    assert not list(path.parent.glob("*.schema-3*"))


def test_a_copy_that_alone_is_damaged_costs_no_store(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forced: a disk that gives back something else than was written."""

    def refused(place: Path, _report: Report) -> Verified:
        raise DamagedError(f"{place}: a page is torn")

    monkeypatch.setattr(copies, "verify_copy", refused)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="the copy is damaged") as caught:
        migrate(path, backup=True)
    assert not isinstance(caught.value, DamagedError)
    assert path.read_bytes() == before
    assert not list(path.parent.glob("*.schema-3*"))


def test_what_is_not_damage_still_ends_the_start(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="cannot make the store"):
        make_or_migrate(tmp_path / "no such folder" / "ledger.sqlite")
