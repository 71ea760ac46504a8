"""Opening a store that is damaged, gone, older, another's or on another machine. Real files, real damage.

Expected energy is by hand: registers 1000, 1000, 1030 (30 in `high`), then the hole, then 1100: 70 in `unassigned`.
"""

import json
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gateway.bookkeeping.books import Books
from gateway.bookkeeping.journal import Origin, OutboxIds
from gateway.bookkeeping.recompute import Again, begin, is_same
from gateway.buckets.accumulate import Rules
from gateway.clock import SystemClock
from gateway.config.types import ClockSource, GapPolicy
from gateway.daemon.upkeep import Upkeep
from gateway.energy import Direction, EdgeAtRisk, Opening
from gateway.kernels import Build, load_kernel
from gateway.ledger.checkpoint_file import CheckpointFile
from gateway.ledger.epochs import Machine, Owner
from gateway.ledger.full_check import FullCheck
from gateway.ledger.opening import Opened, Opener
from gateway.ledger.records import Batch
from gateway.ledger.schema import migrate
from gateway.ledger.store import Store
from gateway.ledger.store_error import StoreError
from gateway.ledger.swap import suspect_place, write_note
from gateway.pulse import Pulse

from .test_ledger_store import own
from .world import MIN, MORE, NOON_US, SERVICE_MILLIW, S, by_hand, reading, section

HERE = Machine("m1", "b1")


def owner(machine: Machine = HERE, gateway: str = "home") -> Owner:
    return Owner(gateway, machine, NOON_US)


def make(path: Path) -> None:
    migrate(path)


def opened(path: Path, who: Owner | None = None) -> Opened:
    return Opener(path, who or owner(), ["grid"], make).open()


def reason_of(one: Opened) -> str:
    return one.store.epoch.reason


def books(store: Store) -> Books:
    rules = Rules(limit_milliw=SERVICE_MILLIW, gap=GapPolicy.PRO_RATA, max_gap_us=3600 * S)
    return Books(
        store.load_meter("grid"),
        Origin(store.epoch.gateway, store.store_epoch),
        section(),
        by_hand((NOON_US, 2)),
        load_kernel(Build.PYTHON),
        rules,
        OutboxIds(store.newest_outbox_id()),
        gap_us=30 * S,
    )


def book(store: Store, *steps: tuple[int, int]) -> None:
    """Book import registers, (microseconds after noon, milliwatt-hours) each, a commit each."""
    account = books(store)
    for after_us, milliwh in steps:
        batch = Batch()
        account.take(reading(NOON_US + after_us, milliwh), batch)
        store.commit(batch)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with two closed intervals: 1000 to 1030 milliwatt-hours in `high`."""
    place = tmp_path / "ledger.sqlite"
    one = opened(place).store
    book(one, (1 * S, 1000), (2 * S, 1000), (16 * MIN, 1010), (31 * MIN, 1030))
    one.close()
    return place


def account(store: Store) -> dict[str, object]:
    state = store.load_meter("grid").accumulator
    one = state.directions[Direction.IMPORT]
    assert one.law_holds
    return {
        "opening": state.opening,
        "earlier": one.earlier_epochs_milliwh,
        "first": one.epoch_first_milliwh,
        "last": one.last_milliwh,
        "totals": {name: milliwh for name, milliwh in one.totals_milliwh.items() if milliwh},
    }


BRIDGED = {
    "opening": Opening.CARRIED,
    "earlier": 0,
    "first": 1000,
    "last": 1100,
    "totals": {"high": 30, "unassigned": 70},
}


def zero_header(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(bytes(100) + data[100:])


def text_file(path: Path) -> None:
    path.write_bytes(b"this is a letter to my aunt\n" * 400)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def gone(path: Path) -> None:
    path.unlink()


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def altered_interval(path: Path) -> None:
    with closing(sqlite3.connect(path)) as hand, hand:
        hand.execute("UPDATE interval SET import_milliwh = import_milliwh + 1 WHERE seq = 1")


def altered_total(path: Path) -> None:
    with closing(sqlite3.connect(path)) as hand, hand:
        hand.execute("UPDATE bucket_total SET milliwh = milliwh + 1 WHERE bucket = 'high'")


DAMAGES = [zero_header, text_file, empty, gone, half, altered_interval, altered_total]


def test_an_undamaged_store_opens_as_it_was(path: Path) -> None:
    before = opened(path)
    epoch = before.store.store_epoch
    before.store.close()
    again = opened(path)
    assert again.told == []
    assert (again.store.store_epoch, reason_of(again)) == (epoch, "first")
    assert account(again.store)["totals"] == {"high": 30}
    again.store.close()
    assert sorted(one.name for one in path.parent.iterdir()) == [
        "ledger.sqlite",
        "ledger.sqlite.checkpoint-a",
        "ledger.sqlite.checkpoint-b",
        "ledger.sqlite.lock",
    ]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_begins_an_epoch_whose_hole_the_register_bridges(path: Path, damage: Callable[[Path], None]) -> None:
    with closing(opened(path).store) as one:
        before = one.store_epoch
    damage(path)
    damaged = path.read_bytes() if path.exists() else None
    after = opened(path)
    assert after.store.store_epoch != before
    assert before in after.store.epoch_names()
    assert after.told[-1][0] == "store_set_aside"
    book(after.store, (40 * MIN, 1100))
    assert account(after.store) == BRIDGED
    events = [json.loads(row.payload) for row in after.store.pending(0, 1000) if row.kind == "event"]
    told = [event for event in events if event["event"] == "store_epoch"]
    assert [(event["import_previous_milliwh"], event["import_reading_milliwh"]) for event in told] == [(1030, 1100)]
    assert {event["store_epoch"] for event in told} == {after.store.store_epoch}
    after.store.close()
    if damaged is not None:  # nothing is ever deleted
        aside = path.with_name(str(after.told[-1][1]["aside"]))
        assert aside.read_bytes() == damaged
    again = opened(path)
    assert again.told == []  # once is enough
    again.store.close()


@pytest.mark.parametrize("lost", ["a", "b"])
def test_one_torn_checkpoint_copy_is_no_loss(path: Path, lost: str) -> None:
    copy = path.with_name(f"ledger.sqlite.checkpoint-{lost}")
    copy.write_bytes(copy.read_bytes()[:-7])
    gone(path)
    after = opened(path).store
    book(after, (40 * MIN, 1100))
    state = account(after)
    # The older copy is of the edge before: 1010 had been booked.
    assert state["totals"] in ({"high": 30, "unassigned": 70}, {"high": 10, "unassigned": 90})
    after.close()


def test_without_any_witness_unknown_is_told_and_counters_begin_here(path: Path) -> None:
    CheckpointFile(path).remove()
    with closing(sqlite3.connect(path)) as hand, hand:
        hand.execute("UPDATE meter_state SET validator = '{', accumulator = '{'")
    after = opened(path)
    assert after.store.epoch.witness == "unknown"
    book(after.store, (40 * MIN, 1100), (41 * MIN, 1101))
    found = account(after.store)
    assert (found["opening"], found["earlier"], found["first"], found["last"]) == (Opening.UNKNOWN, 0, 1100, 1101)
    events = [json.loads(row.payload) for row in after.store.pending(0, 1000) if row.kind == "event"]
    assert [one["opening"] for one in events if one["event"] == "store_epoch"] == ["unknown"]
    after.store.close()


def test_a_file_that_nothing_says_was_a_store_is_left_alone(tmp_path: Path) -> None:
    letter = tmp_path / "ledger.sqlite"
    text_file(letter)
    before = letter.read_bytes()
    for _ in range(2):  # and not "locked" the second time
        with pytest.raises(StoreError, match="cannot be read as a store"):
            opened(letter)
    assert letter.read_bytes() == before


def test_an_older_copy_put_back_by_hand_is_noticed_and_counters_do_not_fall(path: Path) -> None:
    shutil.copy(path, path.with_name("old.sqlite"))
    with closing(opened(path).store) as one:
        epoch = one.store_epoch
        book(one, (46 * MIN, 1090))
    shutil.copy(path.with_name("old.sqlite"), path)
    after = opened(path)
    assert (reason_of(after), after.store.epoch.witness) == ("older", "checkpoint")
    assert after.store.store_epoch != epoch
    book(after.store, (50 * MIN, 1100))
    assert account(after.store)["totals"] == {"high": 90, "unassigned": 10}
    after.store.close()
    with closing(opened(path).store) as again:
        assert again.full_check().step() is False


def test_a_journal_that_was_taken_away_is_noticed(path: Path) -> None:
    """A copy of the main file alone, while the newest commits were in the -wal."""
    one = opened(path).store
    book(one, (46 * MIN, 1090))
    shutil.copy(path, path.with_name("main-alone"))
    one.close()
    shutil.copy(path.with_name("main-alone"), path)
    after = opened(path)
    assert reason_of(after) == "older"
    book(after.store, (50 * MIN, 1100))
    assert account(after.store)["totals"] == {"high": 90, "unassigned": 10}
    after.store.close()


@pytest.mark.parametrize(
    ("machine", "gateway", "reason"),
    [
        (Machine("m2", "b1"), "home", "moved"),
        (Machine("m1", "b2"), "home", "moved"),
        (Machine("", ""), "home", "first"),
        (Machine("m1", ""), "home", "first"),
        (HERE, "cottage", "renamed"),
    ],
)
def test_another_machine_or_name_begins_an_epoch_and_what_is_not_said_proves_nothing(
    path: Path, machine: Machine, gateway: str, reason: str
) -> None:
    after = opened(path, owner(machine, gateway))
    assert reason_of(after) == reason
    if reason != "first":
        book(after.store, (50 * MIN, 1100))
        assert account(after.store)["totals"] == {"high": 30, "unassigned": 70}
    after.store.close()
    again = opened(path, owner(machine, gateway))
    assert again.told == []
    again.store.close()


def test_records_go_on_over_epochs_in_one_file_and_each_chain_is_whole(path: Path) -> None:
    after = opened(path, owner(Machine("m2", "b2"))).store
    book(after, (46 * MIN, 1090), (61 * MIN, 1100))
    rows = own(after).execute("SELECT seq FROM interval ORDER BY seq").fetchall()
    assert [seq for (seq,) in rows] == list(range(1, len(rows) + 1))
    check = after.full_check()
    while not check.step():
        pass
    assert (check.fault, check.checked_links) == ("", len(rows))
    after.close()


def walked(path: Path) -> str:
    """What the full check finds in a file, with nothing small enough for the shortcut."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        check = FullCheck(lambda: connection, path, rows_a_slice=3)
        while not check.step():
            pass
        return check.fault


CHANGES = [
    ("UPDATE interval SET import_milliwh = import_milliwh + 1 WHERE seq = 2", "interval 2: is not what its hash says"),
    ("UPDATE interval SET hash = previous_hash WHERE seq = 1", "interval 1: is not what its hash says"),
    ("DELETE FROM interval WHERE seq = 1", "interval 1: missing"),
    ("UPDATE event SET detail = '{}' WHERE seq = 1", "event 1: is not what its checksum says"),
    ("DELETE FROM event WHERE seq = 1", "event 1 of meter 1: missing"),
    ("UPDATE reading SET import_milliwh = 1011 WHERE import_milliwh = 1010", "reading 3: is not what its checksum"),
    ("UPDATE event SET kind = CAST(x'ff' AS TEXT) WHERE seq = 1", "Could not decode to UTF-8"),
    ("UPDATE outbox SET payload = '{}' WHERE outbox_id = 2", "outbox 2: is not what its checksum says"),
    ("UPDATE register_epoch SET first_import_milliwh = 999", "register_epoch 1: is not what its checksum says"),
    ("UPDATE meter SET name = 'grit'", "meter 1: is not what its checksum says"),
    ("UPDATE boot SET boot_id = 'another'", "boot 1: is not what its checksum says"),
    ("UPDATE reading_form SET import_resolution_milliwh = 7", "reading_form 1: is not what its checksum says"),
    ("UPDATE store_epoch SET began_us = began_us + 1", "store_epoch 1: is not what its checksum says"),
]


def test_the_full_check_finds_an_altered_base_and_start(path: Path) -> None:
    """Those are written where a second epoch begins."""
    opened(path, owner(Machine("m2", "b2"))).store.close()
    whole = path.read_bytes()
    for change, word in (
        ("UPDATE recompute_base SET accumulator = replace(accumulator, '1030', '1031')", "recompute_base 1: is not"),
        ("UPDATE store_epoch_start SET first_interval_seq = first_interval_seq + 1", "store_epoch_start 1: is not"),
    ):
        path.write_bytes(whole)
        with closing(sqlite3.connect(path)) as hand, hand:
            assert hand.execute(change).rowcount == 1
        assert word in walked(path)


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO meta (key, value) VALUES ('thinned_to', 'x1000')",
        "INSERT INTO held_reading (meter_id, reading) VALUES (1, '{')",
        "UPDATE bucket_total SET uncertain_milliwh = uncertain_milliwh + 1 WHERE bucket = 'high'",
        "UPDATE _sqlite_migrations SET name = 'm0009_first' WHERE name = 'm0001_first'",
    ],
)
def test_whatever_can_no_longer_be_read_is_set_aside_at_the_opening(path: Path, change: str) -> None:
    with closing(sqlite3.connect(path)) as hand, hand:
        assert hand.execute(change).rowcount == 1
    after = opened(path)
    assert reason_of(after) == "damaged"
    after.store.close()


def test_edges_that_a_step_may_yet_doubt_come_out_of_a_store_that_is_set_aside(path: Path) -> None:
    with closing(opened(path).store) as before:
        stored = before.load_meter("grid")
        edges = [EdgeAtRisk(NOON_US, "high", "low", net_us=5)]
        stored.accumulator.at_risk = edges
        before.commit(Batch(states={stored.meter_id: (stored.validator, stored.accumulator)}))
    write_note(suspect_place(path), "a record is not what its checksum says")
    with closing(opened(path).store) as after:
        assert after.load_meter("grid").accumulator.at_risk == edges


@pytest.mark.parametrize(("by_hand_sql", "reason"), [("ANALYZE", "first"), ("CREATE TABLE notes (text)", "damaged")])
def test_statistics_that_a_shell_made_alter_nothing_and_a_table_does(path: Path, by_hand_sql: str, reason: str) -> None:
    with closing(sqlite3.connect(path)) as hand, hand:
        hand.execute(by_hand_sql)
        made = hand.execute("SELECT count(*) FROM sqlite_schema WHERE name IN ('sqlite_stat1', 'notes')").fetchone()
    assert made == (1,)
    again = opened(path)
    assert reason_of(again) == reason
    again.store.close()


def test_a_migration_killed_before_its_last_word_is_no_damage_and_is_said_at_the_opening(path: Path) -> None:
    with closing(sqlite3.connect(path)) as hand, hand:
        hand.execute("DELETE FROM meta WHERE key = 'schema_digest'")
    again = opened(path)
    assert reason_of(again) == "first"
    again.store.close()
    with closing(sqlite3.connect(path)) as hand, hand:
        assert hand.execute("SELECT count(*) FROM meta WHERE key = 'schema_digest'").fetchone() == (1,)


def test_the_full_check_passes_what_was_not_touched(path: Path) -> None:
    assert walked(path) == ""


@pytest.mark.parametrize(("change", "word"), CHANGES)
def test_the_full_check_finds_a_record_that_was_altered(path: Path, change: str, word: str) -> None:
    with closing(sqlite3.connect(path)) as hand, hand:
        hand.execute(change)
    assert word in walked(path)


def test_damage_found_in_use_is_set_aside_at_the_next_opening(path: Path) -> None:
    write_note(suspect_place(path), "meter grid, interval 1: is not what its hash says")
    after = opened(path)
    assert (reason_of(after), after.store.epoch.witness) == ("damaged", "salvage")
    assert not suspect_place(path).exists()
    after.store.close()


def test_records_that_no_broker_has_taken_are_carried_out_of_a_damaged_store(path: Path) -> None:
    with closing(opened(path).store) as one:
        before = [(row.kind, row.seq, row.payload) for row in one.pending(0, 1000)]
    altered_total(path)
    with closing(opened(path).store) as after:
        assert [(row.kind, row.seq, row.payload) for row in after.pending(0, 1000)] == before
    assert len(before) >= 3


@pytest.mark.parametrize(
    ("statement", "is_damage"),
    [("SELECT CAST(x'ff' AS TEXT)", True), ("SELECT seq2 FROM event", True), ("BEGIN", False), ("SELEC", False)],
)
def test_a_statement_that_is_wrong_does_not_cost_a_store(path: Path, statement: str, is_damage: bool) -> None:
    """What an open store's handle says in use: only what the file is to blame for sets it aside."""
    store = opened(path).store
    own(store).execute("BEGIN")
    with pytest.raises(sqlite3.Error) as raised:
        own(store).execute(statement).fetchall()
    own(store).execute("ROLLBACK")
    upkeep = Upkeep(store, Pulse("ledger", SystemClock(ClockSource.OPERATOR, None)))
    upkeep.hear(raised.value)
    assert suspect_place(path).exists() is is_damage
    store.close()


TABLES = ("meta", "meter", "meter_state", "register_epoch", "reading", "bucket_total", "interval", "event", "outbox")


def dump(path: Path) -> dict[str, list[object]]:
    """All records of a file, by a connection of the test's own."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return {table: connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in TABLES}


def kept_open(path: Path) -> tuple[Opened, str]:
    """What the daemon does: open, check in full, and where that finds damage open again. Second: what was found."""
    first = opened(path)
    upkeep = Upkeep(first.store, Pulse("ledger", SystemClock(ClockSource.OPERATOR, None)))
    while upkeep.told()["storage_check"] == "running":
        upkeep.turn()
    fault = str(upkeep.told()["suspected"] or "")
    if not fault:
        return first, ""
    first.store.close()
    return opened(path), fault


def a_page(rng: random.Random, data: bytearray) -> None:
    page = rng.randrange(len(data) // 4096)
    data[page * 4096 : (page + 1) * 4096] = rng.randbytes(4096)


def a_page_of_zeros(rng: random.Random, data: bytearray) -> None:
    page = rng.randrange(len(data) // 4096)
    data[page * 4096 : (page + 1) * 4096] = bytes(4096)


def a_bit(rng: random.Random, data: bytearray) -> None:
    place = rng.choice([one for one in range(100, len(data)) if data[one]])
    data[place] ^= 1 << rng.randrange(8)


def a_page_of_another_time(rng: random.Random, data: bytearray) -> None:
    pages = len(data) // 4096
    one, other = rng.sample(range(1, pages), 2)
    data[one * 4096 : (one + 1) * 4096] = data[other * 4096 : (other + 1) * 4096]


@pytest.mark.parametrize("seed", range(6 * MORE))
@pytest.mark.parametrize("damage", [a_page, a_page_of_zeros, a_bit, a_page_of_another_time])
def test_damage_anywhere_is_found_and_survived(
    path: Path, damage: Callable[[random.Random, bytearray], None], seed: int
) -> None:
    """It opens; what alters a record is found; the energy is the meter's own: 100 from the first register on."""
    before, data = dump(path), bytearray(path.read_bytes())
    damage(random.Random(seed), data)
    path.write_bytes(data)
    after, fault = kept_open(path)
    was_found = bool(fault) or bool(after.told)
    if not was_found:
        after.store.close()
        assert dump(path) == before
        after = opened(path)
    book(after.store, (50 * MIN, 1100))
    end = account(after.store)
    assert (end["first"], end["last"]) == (1000, 1100)
    after.store.close()


def test_control_the_undamaged_store_is_found_whole(path: Path) -> None:
    before = dump(path)
    after, fault = kept_open(path)
    assert (after.told, fault) == ([], "")
    after.store.close()
    assert dump(path) == before


def test_readings_behind_a_hole_are_booked_again_to_the_same_end(path: Path) -> None:
    """From the witness's state on; the hole's energy goes to `unassigned` again."""
    after = opened(path, owner(Machine("m2", "b2"))).store
    book(after, (46 * MIN, 1090), (61 * MIN, 1100))
    meter = after.load_meter("grid")
    rules = Rules(limit_milliw=SERVICE_MILLIW, gap=GapPolicy.PRO_RATA, max_gap_us=3600 * S)
    again = begin(meter.meter_id, "grid", by_hand((NOON_US, 2)), load_kernel(Build.PYTHON), rules, after.past)
    Again({meter.meter_id: again}, after.past).catch_up()
    assert again.readings == 2
    assert is_same(again.state, meter.accumulator)
    assert again.differences == {}
    after.close()
