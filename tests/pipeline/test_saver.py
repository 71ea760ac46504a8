"""Between books and disk: what fails is kept in order and in bounds, written once, told when it begins and ends.

The store is real; where a sync must fail after its write, strace makes it fail (tests/whole/test_disk_trouble.py).
Here the failure is forced where SQLite is called, because no disk fails at will between two statements.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.daemon import saver as saver_module
from gateway.daemon.saver import Saver, merged
from gateway.ledger.ballast import LEAST_BYTES, SHARE, WANTED_BYTES, Ballast
from gateway.ledger.records import Batch, EventRow, OutboxRow, ReadingRow, Record
from gateway.ledger.schema import migrate
from gateway.ledger.store import Store
from gateway.pulse import Pulse

from .world import NOON_US, S, reading

Made = tuple[Saver, Store, list[tuple[str, Record]]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    migrate(tmp_path / "ledger.sqlite")
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def made(path: Path) -> Iterator[Made]:
    store, clock, told = Store(path), SystemClock(), list[tuple[str, Record]]()
    ballast = Ballast(path)
    yield (
        Saver(store, clock, Pulse("ledger", clock), lambda kind, detail: told.append((kind, detail)), ballast),
        store,
        told,
    )
    store.close()


def put(saver: Saver, meter_id: int, seq: int) -> None:
    saver.batch.readings.append(ReadingRow(meter_id, 1, "accepted", reading(NOON_US + seq * S, seq)))
    saver.batch.events.append(EventRow(meter_id, seq, NOON_US, "gap", {"n": seq}))
    row = OutboxRow(seq, "grid", "event", seq, f'{{"seq":{seq}}}')
    saver.batch.outbox.append((meter_id, row))


def in_the_file(store: Store) -> tuple[list[int], list[int]]:
    """The seqs of events and the registers of readings, by a reader of its own."""
    store._connection.close()
    with closing(sqlite3.connect(store.path)) as connection:
        seqs = [seq for (seq,) in connection.execute("SELECT seq FROM event ORDER BY seq")]
        return seqs, [n for (n,) in connection.execute("SELECT import_milliwh FROM reading ORDER BY reading_id")]


def error_of(code: int, text: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error


def failing(monkeypatch: pytest.MonkeyPatch, store: Store, error: sqlite3.Error, does_it_first: bool = False) -> None:
    """The next commit fails; the real one may have been done before the word of failure."""
    real: Callable[[Batch], None] = store.commit

    def commit(batch: Batch) -> None:
        monkeypatch.setattr(store, "commit", real)
        if does_it_first:
            real(batch)
        raise error

    monkeypatch.setattr(store, "commit", commit)


IO_ERROR = error_of(sqlite3.SQLITE_IOERR, "disk I/O error")
FULL = error_of(sqlite3.SQLITE_FULL, "database or disk is full")


def test_a_commit_that_failed_and_is_in_the_file_is_not_written_twice(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    saver, store, told = made
    meter_id = store.load_meter("grid").meter_id
    failing(monkeypatch, store, IO_ERROR, does_it_first=True)
    put(saver, meter_id, 1)
    assert not saver.save()
    put(saver, meter_id, 2)
    assert saver.save()
    assert [detail["state"] for _, detail in told] == ["failing", "works_again"]
    assert saver.health.outbox_depth == 2
    assert in_the_file(store) == ([1, 2], [1, 2])


def test_a_commit_that_failed_and_is_not_in_the_file_is_written_with_the_next(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    saver, store, _ = made
    meter_id = store.load_meter("grid").meter_id
    failing(monkeypatch, store, IO_ERROR)
    put(saver, meter_id, 1)
    assert not saver.save()
    put(saver, meter_id, 2)
    assert saver.save()
    assert in_the_file(store) == ([1, 2], [1, 2])


def test_readings_alone_are_found_by_their_numbers(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    saver, store, _ = made
    meter_id = store.load_meter("grid").meter_id
    put(saver, meter_id, 1)
    assert saver.save()
    failing(monkeypatch, store, IO_ERROR, does_it_first=True)
    put(saver, meter_id, 2)
    saver.batch.events.clear()
    saver.batch.outbox.clear()
    assert not saver.save()
    assert saver.save()
    assert in_the_file(store) == ([1], [1, 2])


def test_after_an_error_the_handle_is_another_and_after_a_full_disk_the_same(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    saver, store, _ = made
    meter_id = store.load_meter("grid").meter_id
    for seq, (error, stays) in enumerate([(FULL, True), (IO_ERROR, False)], 1):
        before = store._connection
        failing(monkeypatch, store, error)
        put(saver, meter_id, seq)
        saver.save()
        saver.save()
        assert (store._connection is before) is stays


def test_a_full_disk_gets_the_ballast_and_the_commit_is_done_at_once(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    saver, store, told = made
    ballast = store.path.with_name("ledger.sqlite.ballast")
    meter_id = store.load_meter("grid").meter_id
    put(saver, meter_id, 1)
    assert saver.save()
    assert ballast.stat().st_blocks * 512 >= WANTED_BYTES  # real blocks, not a hole
    monkeypatch.setattr(Ballast, "keep", lambda _self: False)  # others have taken the room
    failing(monkeypatch, store, FULL)
    put(saver, meter_id, 2)
    assert saver.save()
    assert not ballast.exists()
    assert saver.health.error.startswith("database or disk is full")
    monkeypatch.undo()
    put(saver, meter_id, 3)
    assert saver.save()
    assert ballast.exists()
    assert saver.health.error == ""
    assert [detail["state"] for _, detail in told] == ["failing", "works_again"]
    assert in_the_file(store) == ([1, 2, 3], [1, 2, 3])


def test_the_oldest_readings_go_first_and_are_told_and_nothing_else_goes(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    saver, store, told = made
    monkeypatch.setattr(saver_module, "READINGS_HELD_MOST", 3)
    meter_id = store.load_meter("grid").meter_id
    failing(monkeypatch, store, IO_ERROR)
    for seq in (1, 2):
        put(saver, meter_id, seq)
    assert not saver.save()
    for seq in (3, 4, 5):
        put(saver, meter_id, seq)
        saver.bound()
    assert saver.save()
    assert told[-1][1] == {
        "state": "works_again",
        "since_utc_us": told[-1][1]["since_utc_us"],
        "readings_dropped": 2,
        "dropped_from_utc_us": NOON_US + S,
        "dropped_to_utc_us": NOON_US + 2 * S,
    }
    assert in_the_file(store) == ([1, 2, 3, 4, 5], [3, 4, 5])


def test_with_too_many_records_in_memory_no_more_is_booked(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    saver, store, _ = made
    monkeypatch.setattr(saver_module, "RECORDS_HELD_MOST", 2)
    meter_id = store.load_meter("grid").meter_id
    failing(monkeypatch, store, IO_ERROR)
    put(saver, meter_id, 1)
    assert not saver.save()
    assert not saver.is_overfull
    put(saver, meter_id, 2)
    assert saver.is_overfull
    assert saver.save()
    assert not saver.is_overfull


def test_a_store_that_is_gone_is_not_made_anew(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    saver, store, told = made
    meter_id = store.load_meter("grid").meter_id
    failing(monkeypatch, store, IO_ERROR)
    put(saver, meter_id, 1)
    assert not saver.save()
    away = store.path.with_name("away")
    store.path.rename(away)
    assert not saver.save()
    assert "the store is not there" in saver.health.error
    assert not saver.can_read
    assert not store.path.exists()
    away.rename(store.path)
    assert saver.save()
    assert [detail["state"] for _, detail in told] == ["failing", "works_again"]
    assert in_the_file(store) == ([1], [1])


def test_a_log_that_was_not_folded_back_is_and_is_told_where_it_cannot(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    saver, store, told = made
    log = store.path.with_name("ledger.sqlite-wal")
    meter_id = store.load_meter("grid").meter_id
    put(saver, meter_id, 1)
    assert saver.save()
    assert log.stat().st_size > 0
    monkeypatch.setattr("gateway.ledger.store.LOG_MOST_BYTES", 0)
    put(saver, meter_id, 2)
    assert saver.save()
    assert log.stat().st_size == 0
    assert told == []
    monkeypatch.setattr(store, "fold_back", lambda: (_ for _ in ()).throw(IO_ERROR))
    put(saver, meter_id, 3)
    assert saver.save()
    assert saver.health.error == "disk I/O error"
    assert [detail["state"] for _, detail in told] == ["failing"]
    assert in_the_file(store) == ([1, 2, 3], [1, 2, 3])


def test_readings_that_waited_and_were_placed_since_wait_no_more() -> None:
    one = reading(NOON_US, 1)
    first, then = Batch(held=[(1, one), (2, one)]), Batch(released={1})
    assert merged(first, then).held == [(2, one)]
    assert merged(Batch(released={1}), Batch(held=[(1, one)])).held == [(1, one)]


@pytest.mark.parametrize(
    ("free_bytes", "size"),
    [(10**12, WANTED_BYTES), (LEAST_BYTES * SHARE, LEAST_BYTES), (LEAST_BYTES * SHARE - 1, 0), (0, 0)],
)
def test_a_ballast_takes_a_share_of_what_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_bytes: int, size: int
) -> None:
    monkeypatch.setattr(Ballast, "_free_bytes", lambda _self: free_bytes)
    ballast = Ballast(tmp_path / "ledger.sqlite")
    assert ballast.keep() is (size > 0)
    found = [one.stat().st_size for one in tmp_path.iterdir()]
    assert found == ([size] if size else [])
