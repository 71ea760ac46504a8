"""The ledger thread over a real store that fails at chosen moments: nothing is written twice, nothing is lost.

The faults are forced where SQLite is called, because no disk fails at will between two statements.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.bookkeeping.books import Books
from gateway.bookkeeping.journal import Origin, OutboxIds
from gateway.buckets.accumulate import Rules
from gateway.clock import SystemClock
from gateway.config.load import load_config
from gateway.config.types import Config, GapPolicy
from gateway.daemon.bookkeeper import INBOX_LIMIT, Bookkeeper
from gateway.kernels import Build, load_kernel
from gateway.ledger.records import OutboxRow
from gateway.ledger.schema import migrate
from gateway.ledger.store import Store
from gateway.publish.delivery import Delivery
from gateway.publish.message import Topics

from .world import KWH, MIN, NOON_US, SERVICE_MILLIW, S, by_hand, reading, section

EXAMPLE = Path(__file__).parents[2] / "config" / "gateway.toml"
LIFE = 900 * KWH


class Pipe:
    """Stands where the publisher stands: notes what it is offered."""

    def __init__(self) -> None:
        self.rows: list[OutboxRow] = []
        self.retained: dict[str, str] = {}
        self.delivery = Delivery()

    def offer_rows(self, _connection: int, rows: list[OutboxRow]) -> None:
        self.rows += rows

    def offer_growth(self) -> None:
        pass

    def offer_retained(self, topic: str, payload: str, expires: bool = False) -> None:
        self.retained[topic] = payload


@pytest.fixture
def config() -> Config:
    return load_config(EXAMPLE)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    migrate(tmp_path / "ledger.sqlite")
    one = Store(tmp_path / "ledger.sqlite")
    yield one
    one.close()


def made_books(store: Store, name: str) -> Books:
    """A meter's, in plain Python."""
    return Books(
        store.load_meter(name),
        Origin("home", store.store_epoch),
        section(name),
        by_hand((NOON_US, 2)),
        load_kernel(Build.PYTHON),
        Rules(limit_milliw=SERVICE_MILLIW, gap=GapPolicy.PRO_RATA, max_gap_us=60 * MIN),
        OutboxIds(0),
        gap_us=MIN,
    )


@pytest.fixture
def desk(store: Store, config: Config) -> Iterator[tuple[Bookkeeper, Pipe]]:
    books = made_books(store, "grid")
    keeper = Bookkeeper(config, store, {"grid": books}, Topics("netmeter", "home"), SystemClock(), lambda _meter: None)
    pipe = Pipe()
    keeper.attach(pipe)  # type: ignore[arg-type]
    keeper.start()
    yield keeper, pipe
    keeper.stop()
    keeper.join(60)
    assert not keeper.is_alive()


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, f"waited 30 s for {what}"
        time.sleep(0.02)


def start(keeper: Bookkeeper) -> None:
    keeper.deliver(reading(NOON_US - 10 * S, LIFE))
    keeper.deliver(reading(NOON_US - 9 * S, LIFE))


def failing_once(real: Callable[..., object]) -> tuple[Callable[..., object], list[int]]:
    calls: list[int] = []

    def call(*arguments: object) -> object:
        calls.append(1)
        if len(calls) == 1:
            raise sqlite3.OperationalError("disk I/O error")
        return real(*arguments)

    return call, calls


def test_a_commit_that_fails_is_done_again_and_written_once(
    desk: tuple[Bookkeeper, Pipe], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper, pipe = desk
    monkeypatch.setattr("gateway.daemon.bookkeeper.COMMIT_AGAIN_US", 100_000)
    call, calls = failing_once(store.commit)
    monkeypatch.setattr(store, "commit", call)
    start(keeper)
    wait_for(lambda: keeper.health.commits >= 2, "the second try, and the word that it works again")
    assert keeper.health.error == ""
    keeper.want_rows(1, 0, 20)
    wait_for(lambda: len(pipe.rows) >= 3, "the epoch's event, and what is told of the store")
    assert len(calls) == 3  # nothing more comes to be written
    assert keeper.health.commits == 2
    told = [json.loads(row.payload) for row in pipe.rows]
    assert [(one["event"], one.get("state")) for one in told] == [
        ("epoch", None),
        ("storage", "failing"),
        ("storage", "works_again"),
    ]
    assert told[1]["why"] == "disk I/O error"
    assert keeper.health.outbox_depth == 3


def test_a_failing_look_into_the_outbox_is_done_again_and_kills_nobody(
    desk: tuple[Bookkeeper, Pipe], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper, pipe = desk
    start(keeper)
    wait_for(lambda: keeper.health.commits >= 1, "the first commit")
    call, calls = failing_once(store.pending)
    monkeypatch.setattr(store, "pending", call)
    monkeypatch.setattr("gateway.daemon.bookkeeper.COMMIT_AGAIN_US", 100_000)
    keeper.want_rows(1, 0, 20)
    wait_for(lambda: len(pipe.rows) >= 1, "the rows")
    assert len(calls) == 2
    assert keeper.is_alive()


def test_live_totals_never_run_further_ahead_than_commit_every(
    store: Store, config: Config, desk: tuple[Bookkeeper, Pipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper, pipe = desk

    def never(*_arguments: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(store, "commit", never)
    monkeypatch.setattr(Bookkeeper, "_commit_every_us", 0)  # any unsaved reading is now too far ahead
    start(keeper)
    wait_for(lambda: bool(keeper.health.error), "the full disk to be felt")
    keeper.deliver(reading(NOON_US - 5 * S, LIFE + 5))
    keeper.call(lambda: None)
    assert "netmeter/home/meter/grid/state" not in pipe.retained
    monkeypatch.undo()
    keeper.deliver(reading(NOON_US - 4 * S, LIFE + 6))
    wait_for(lambda: "netmeter/home/meter/grid/state" in pipe.retained, "the state after the disk came back")


def test_a_full_inbox_drops_readings_and_never_makes_the_publisher_wait(store: Store, config: Config) -> None:
    # Not started: as good as held up by its disk.
    keeper = Bookkeeper(config, store, {}, Topics("netmeter", "home"), SystemClock(), lambda _meter: None)
    for _ in range(INBOX_LIMIT + 3):
        keeper.deliver(reading(NOON_US, LIFE))
    assert keeper.health.readings_dropped == 3
    publisher = threading.Thread(target=lambda: (keeper.acknowledge([1]), keeper.want_rows(1, 0, 20)), daemon=True)
    publisher.start()
    publisher.join(30)
    assert not publisher.is_alive()


def test_a_mistake_of_the_configuration_is_told_once_and_not_at_every_poll(
    desk: tuple[Bookkeeper, Pipe], caplog: pytest.LogCaptureFixture
) -> None:
    keeper, _ = desk
    for why in ["exception 2"] * 5 + ["exception 3"] * 2:
        keeper.report_failure("grid", f"unit 1: {why}")
    wait_for(lambda: keeper.call(lambda: keeper.live["grid"].error) == "unit 1: exception 3", "all seven")
    told = [record.getMessage() for record in caplog.records if "read_failed" in record.getMessage()]
    assert ["exception 2" in line for line in told] == [True, False]


def test_an_event_that_a_line_reports_goes_out_with_its_own_number(desk: tuple[Bookkeeper, Pipe]) -> None:
    keeper, pipe = desk
    keeper.report_event("grid", "other_master", {"requests": 3})
    keeper.want_rows(1, 0, 10)
    wait_for(lambda: len(pipe.rows) == 1, "the event in the outbox")
    (row,) = pipe.rows
    assert (row.kind, row.seq) == ("event", 1)
    assert '"event":"other_master"' in row.payload.replace(" ", "")
    assert '"requests":3' in row.payload.replace(" ", "")
