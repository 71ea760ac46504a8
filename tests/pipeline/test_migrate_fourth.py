"""Migration 4: edges that a set clock may yet put in doubt belong to the account, and every witness tells of them."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from sqlite_utils import Database

from gateway.energy import AccumulatorState, EdgeAtRisk
from gateway.ledger.checkpoint_file import CheckpointFile
from gateway.ledger.epochs import Beginning, Machine, Owner
from gateway.ledger.opening import Opener
from gateway.ledger.records import Batch, EventRow
from gateway.ledger.rows import crc_of
from gateway.ledger.schema import migrate, migrations
from gateway.ledger.store import Store
from gateway.ledger.store_error import StoreError
from gateway.ledger.witness import salvage_states
from gateway.registers.validate import ValidatorState

from .test_ledger_store import account
from .world import NOON_US, H

EDGES = [EdgeAtRisk(NOON_US - 5 * H, "high", "low"), EdgeAtRisk(NOON_US, "low", "high", -7, 9, settled=True)]
HOME = Owner("gw1", Machine("this", "board"), NOON_US)


def doubted() -> AccumulatorState:
    return msgspec.structs.replace(account(), at_risk=list(EDGES))


def make(place: Path) -> None:
    migrate(place)


def third_schema(path: Path, *, crc_off_by: int = 0) -> None:
    """A store as schema 3 left it: the edges in a table of their own."""
    database = Database(path)
    database.enable_wal()
    migrations.apply(database, stop_before="m0004_one_state")
    database.close()
    validator, plain = "{}", msgspec.json.encode(account()).decode()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (3,)
        connection.execute("INSERT INTO meter (name) VALUES ('grid')")
        crc = crc_of((1, validator, plain)) + crc_off_by
        connection.execute("INSERT INTO meter_state VALUES (1, ?, ?, ?)", (validator, plain, crc))
        connection.execute("INSERT INTO meter_edges VALUES (1, ?)", (msgspec.json.encode(EDGES).decode(),))
        connection.execute("INSERT INTO bucket_total VALUES (1, 'import', 'high', 30, 2)")
        connection.commit()


def at_risk(path: Path) -> Sequence[EdgeAtRisk]:
    store = Store(path)
    try:
        return store.load_meter("grid").accumulator.at_risk
    finally:
        store.close()


def test_edges_of_an_older_store_go_back_into_the_account(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    third_schema(path)
    migrate(path)
    assert at_risk(path) == EDGES
    with closing(sqlite3.connect(path)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
    assert "meter_edges" not in tables


def test_a_damaged_state_gets_no_new_checksum(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    third_schema(path, crc_off_by=1)
    migrate(path)
    with pytest.raises(StoreError, match="checksum"):
        at_risk(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed store whose account has edges at risk, and its checkpoint file."""
    made = tmp_path / "ledger.sqlite"
    migrate(made)
    store = Store(made)
    store.adopt(HOME)
    assert store.load_meter("grid").meter_id == 1
    event = EventRow(1, 1, NOON_US, "gap", {})
    store.commit(Batch(events=[event], states={1: (ValidatorState(), doubted())}))
    store.close()
    return made


def test_every_witness_tells_the_edges_at_risk(path: Path) -> None:
    checkpoint = CheckpointFile(path).load()
    assert checkpoint is not None
    for meters in (checkpoint.meters, salvage_states(path).meters):
        assert meters["grid"].accumulator.at_risk == EDGES


def test_a_store_that_is_set_aside_takes_its_edges_at_risk_along(path: Path) -> None:
    """Without them a clock that is set next would be told as if it had never passed an edge."""
    path.unlink()
    opened = Opener(path, HOME, ["grid"], make).open()
    opened.store.close()
    assert [event for event, _ in opened.told] == ["store_set_aside"]
    assert at_risk(path) == EDGES


def test_the_base_of_a_new_epoch_has_the_edges_that_its_account_has(path: Path) -> None:
    """Else booking again would not be the ledger."""
    opened = Opener(path, Owner("gw2", HOME.machine, NOON_US), ["grid"], make).open()
    try:
        base = opened.store.past.base(1)
        assert base is not None
        assert base.accumulator == opened.store.load_meter("grid").accumulator
        assert base.accumulator.at_risk == EDGES
        assert opened.store.epoch.reason == Beginning.RENAMED
    finally:
        opened.store.close()
