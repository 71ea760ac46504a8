"""How long readings stay whole: counted by what was read, never by a wall clock; and what is never touched."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.ledger import tally
from gateway.ledger.records import Batch, EventRow, OutboxRow, ReadingRow
from gateway.ledger.retention import HOUR_US, SLICE_ROWS
from gateway.ledger.schema import migrate
from gateway.ledger.store import Store
from gateway.reading.read import Reading
from hil.bench.ledger_days import METER, Ledger, Plan

from .world import NOON_US, S, reading

EVERY_US = 60 * S
DAY = 24


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "ledger.sqlite"
    migrate(made)
    return made


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    one = Store(path)
    one.load_meter("grid")
    yield one
    one.close()


def write(store: Store, readings: list[Reading], size: int = 500) -> None:
    """Commits of plain, accepted readings."""
    for place in range(0, len(readings), size):
        part = readings[place : place + size]
        store.commit(Batch(readings=[ReadingRow(1, 1, "accepted", one) for one in part]))


def run(hours: int, *, from_us: int = NOON_US, monotonic_us: int = 0, boot_id: str = "a") -> list[Reading]:
    """A reading a minute, whose register grows."""
    return [
        reading(from_us + at_us, 10**9 + at_us // S, boot_id=boot_id, monotonic_us=monotonic_us + at_us)
        for at_us in range(0, hours * HOUR_US, EVERY_US)
    ]


def closed(store: Store, until_us: int) -> None:
    """The account has closed intervals up to there, so that no edge is open."""
    store._connection.execute(
        "INSERT INTO interval (meter_id, seq, revision, register_epoch, start_us, end_us, bucket, quality,"
        " previous_hash, hash) VALUES (1, 1, 0, 1, 0, ?, 'high', 'measured', '', '')",
        (until_us,),
    )


def thin(store: Store, hours: int, most_bytes: int = 0) -> int:
    gone = 0
    while (one := store.retention.thin(hours, most_bytes)) is not None:
        gone += one
    return gone


def test_age_is_what_was_read_and_survives_a_restart(path: Path) -> None:
    store = Store(path)
    store.load_meter("grid")
    write(store, run(30), size=1)
    assert store.retention.age.read_us == 30 * HOUR_US - EVERY_US
    store.close()
    again = Store(path)
    assert again.retention.age.read_us == 30 * HOUR_US - EVERY_US
    write(again, run(2, from_us=NOON_US + 30 * HOUR_US, monotonic_us=30 * HOUR_US))
    assert again.retention.age.hour == 31
    again.close()


def test_a_wall_clock_that_leaps_by_years_thins_nothing(store: Store) -> None:
    write(store, run(20))
    write(store, run(20, from_us=NOON_US + 20 * 8766 * HOUR_US, monotonic_us=20 * HOUR_US))
    closed(store, NOON_US + 21 * 8766 * HOUR_US)
    assert thin(store, 40) == 0


def test_time_without_readings_makes_nothing_older(store: Store) -> None:
    """A reboot, and a gap of a month in one boot: of neither more than ten minutes count."""
    write(store, run(1))
    write(store, run(1, from_us=NOON_US + 700 * HOUR_US, monotonic_us=700 * HOUR_US))
    write(store, run(1, from_us=NOON_US + 1500 * HOUR_US, boot_id="b"))
    assert store.retention.age.read_us == 3 * (HOUR_US - EVERY_US) + 600 * S


@pytest.mark.parametrize(("hours", "thins"), [(50, True), (39, False)])
def test_the_last_hours_stay_whole(store: Store, hours: int, thins: bool) -> None:
    write(store, run(hours + 17))  # a slice of 1000 is 16 hours and 40 minutes
    closed(store, NOON_US + 100 * HOUR_US)
    gone = thin(store, 40 if thins else hours + 1)
    assert (gone > 900) == thins
    whole = [row[0] for row in store._connection.execute("SELECT monotonic_us FROM reading ORDER BY reading_id")]
    last = [at_us for at_us in whole if at_us >= (hours + 17 - 40) * HOUR_US]
    assert len(last) >= min(40, hours + 17) * 60


def test_what_waits_for_the_broker_and_what_happened_is_never_touched(store: Store) -> None:
    write(store, run(80))
    closed(store, NOON_US + 100 * HOUR_US)
    message = OutboxRow(1, "grid", "event", 1, "{}")
    store.commit(Batch(events=[EventRow(1, 1, NOON_US, "gap", {})], outbox=[(1, message)]))
    assert thin(store, 1, most_bytes=1) > 3 * SLICE_ROWS
    assert store.pending(0, 10) == [message]
    counts = [store._connection.execute(f"SELECT count(*) FROM {one}").fetchone()[0] for one in ("event", "interval")]
    assert counts == [1, 1]


def test_a_store_that_is_too_large_is_thinned_to_its_last_day_and_then_says_so(store: Store) -> None:
    write(store, run(80))
    closed(store, NOON_US + 100 * HOUR_US)
    before = store.retention.sizes()
    assert thin(store, 40 * DAY) == 0
    assert not store.retention.is_over_size
    assert thin(store, 40 * DAY, before.used_bytes - 1) > 0
    assert not store.retention.is_over_size
    assert thin(store, 40 * DAY, 1) > 0
    assert store.retention.is_over_size
    (left,) = store._connection.execute("SELECT count(*) FROM reading").fetchone()
    assert left >= DAY * 60
    after = store.retention.sizes()
    assert after.used_bytes < before.used_bytes
    assert after.file_bytes <= before.file_bytes + 4096 * 4


def test_freed_pages_are_used_again(store: Store) -> None:
    write(store, run(80))
    closed(store, NOON_US + 1000 * HOUR_US)
    thin(store, 1)
    before = store.retention.sizes()
    write(store, run(50, from_us=NOON_US + 80 * HOUR_US, monotonic_us=80 * HOUR_US))
    assert store.retention.sizes().file_bytes == before.file_bytes


def test_what_goes_is_no_damage_to_a_check_beside_it_nor_to_one_afterwards(store: Store) -> None:
    """Its chain is no chain here (`closed`): of each table the tally alone is asked for."""
    write(store, run(100))
    closed(store, NOON_US + 100 * HOUR_US)
    check, gone = store.full_check(), 0
    while not check.step():
        gone += store.retention.thin(1) or 0
    assert gone > 3 * SLICE_ROWS
    assert check.fault.startswith("meter grid, interval 1")
    for table in ("reading", "meta", "retention_mark"):
        known, counted = tally.load(store._connection, table), tally.count_after(store._connection, table, -1)
        assert known is not None
        assert counted is not None
        assert known.row_sum == counted[1]


def test_a_slice_that_cannot_be_written_changes_nothing(store: Store) -> None:
    write(store, run(80))
    closed(store, NOON_US + 100 * HOUR_US)
    connection = store._connection
    connection.execute("CREATE TRIGGER no_delete BEFORE DELETE ON reading BEGIN SELECT raise(ABORT, 'no'); END")
    with pytest.raises(sqlite3.Error):
        store.retention.thin(1)
    assert not connection.in_transaction
    assert store.retention.thinned_to == 0
    connection.execute("DROP TRIGGER no_delete")
    assert thin(store, 1) > 0


def test_what_was_sent_can_be_made_again_from_its_record(tmp_path: Path) -> None:
    """Why a message is not kept once the broker has it."""
    ledger = Ledger(tmp_path / "ledger.sqlite", Plan(days=1, poll_s=300, keep_days=40))
    sent: dict[int, str] = {}
    commit = ledger.store.commit

    def keep(batch: Batch) -> None:
        sent.update({row.seq: row.payload for _, row in batch.outbox if row.kind == "interval"})
        commit(batch)

    ledger.store.commit = keep  # type: ignore[method-assign]
    for _ in ledger.run():
        pass
    epoch = ledger.store.store_epoch
    ledger.store.close()
    assert len(sent) > 90
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM outbox").fetchone() < (3,)
        connection.row_factory = sqlite3.Row
        for row in connection.execute("SELECT * FROM interval ORDER BY seq"):
            told = json.loads(sent[row["seq"]])
            for name, column in (("start_utc_us", "start_us"), ("end_utc_us", "end_us")):
                assert told.pop(name) == row[column]
            names = told.keys() - {"schema", "gateway", "meter", "store_epoch"}
            assert {name: told[name] for name in names} == {name: row[name] for name in names}
            assert (told["meter"], told["store_epoch"]) == (METER, epoch)
