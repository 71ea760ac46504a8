"""What goes on beside the books when the disk fails: a backup ends, the full check begins anew, nothing is raised."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.daemon.upkeep import CHECK_AGAIN_TURNS, Upkeep
from gateway.ledger.ballast import is_full
from gateway.ledger.epochs import Machine, Owner
from gateway.ledger.lock import StoreLock
from gateway.ledger.opening import Opener
from gateway.ledger.records import Batch, EventRow
from gateway.ledger.schema import migrate
from gateway.ledger.store import Store, StoreError
from gateway.pulse import Pulse

from .world import NOON_US

EVENTS = 300


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store of more pages than one slice of a backup."""
    migrate(tmp_path / "ledger.sqlite")
    store = Store(tmp_path / "ledger.sqlite")
    meter_id = store.load_meter("grid").meter_id
    store.commit(Batch(events=[EventRow(meter_id, n, NOON_US, "gap", {"n": "x" * 4000}) for n in range(1, EVENTS + 1)]))
    yield store
    store.close()


def upkeep_of(store: Store) -> Upkeep:
    return Upkeep(store, Pulse("ledger", SystemClock()))


def test_a_backup_that_is_under_way_does_not_keep_a_failed_store_from_being_opened_anew(store: Store) -> None:
    upkeep = upkeep_of(store)
    assert upkeep.backup("start")["done"] is False
    upkeep.turn()
    state = upkeep.backup("state")
    assert 0 < state["copied_pages"] < state["total_pages"]
    store.reopen()
    assert store.load_meter("grid").event_seq == EVENTS
    state = upkeep.backup("state")
    assert state["done"] is True
    assert "the disk failed" in state["error"]
    assert upkeep.backup("drop") == {"dropped": True}
    assert upkeep.backup("start")["done"] is False
    while not upkeep.backup("state")["done"]:
        upkeep.turn()
    assert "error" not in upkeep.backup("state")


def test_a_backup_of_a_store_that_is_away_is_an_answer_and_no_fault(store: Store) -> None:
    store._connection.close()  # as after a failure, until it can be opened anew
    assert "error" in upkeep_of(store).backup("start")
    store.reopen()


def test_a_backup_that_cannot_be_removed_is_an_answer_and_no_fault(store: Store) -> None:
    upkeep = upkeep_of(store)
    place = Path(upkeep.backup("start")["path"])
    while not upkeep.backup("state")["done"]:
        upkeep.turn()
    place.unlink()
    place.mkdir()  # whatever is there now, it cannot be unlinked: as on a disk that is read-only
    assert str(place) in upkeep.backup("drop")["error"]


def test_a_full_check_that_the_disk_stopped_begins_anew_and_counts_each_row_once(store: Store) -> None:
    whole = upkeep_of(store)
    while whole.told()["storage_check"] != "ok":
        whole.turn()
    upkeep = upkeep_of(store)
    while not upkeep.told()["storage_check_rows"]:
        upkeep.turn()
    store._connection.close()
    while upkeep.told()["storage_check"] == "running":  # not every step asks the file
        upkeep.turn()
    assert str(upkeep.told()["storage_check"]).startswith("not finished, tried again: ")
    assert upkeep.told()["suspected"] is None
    store.reopen()
    for _ in range(CHECK_AGAIN_TURNS):
        upkeep.turn()
    while upkeep.told()["storage_check"] != "ok":
        assert upkeep.told()["suspected"] is None
        upkeep.turn()
    assert upkeep.told()["storage_check_rows"] == whole.told()["storage_check_rows"]


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (OSError(errno.EIO, "Input/output error"), False),
        (sqlite3.OperationalError("disk I/O error"), False),
    ],
)
def test_want_of_room_is_known_by_its_number(error: OSError | sqlite3.Error, full: bool) -> None:
    """The log that is put on the disk anew is written without SQLite: there the system itself says that it is full."""
    assert is_full(error) is full


def test_a_lock_let_go_of_twice_closes_nobody_elses_file(tmp_path: Path) -> None:
    lock = StoreLock(tmp_path / "ledger.sqlite")
    lock.release()
    other = os.open(tmp_path / "other", os.O_CREAT | os.O_RDWR)
    lock.release()
    os.fstat(other)
    os.close(other)


def test_why_a_store_cannot_be_made_is_told_as_it_was_said(tmp_path: Path) -> None:
    def no_room(path: Path) -> None:
        raise StoreError(f"{path}: no room for a copy")

    opener = Opener(tmp_path / "ledger.sqlite", Owner("home", Machine(), NOON_US), ["grid"], no_room)
    with pytest.raises(StoreError, match="no room for a copy"):
        opener.open()
