"""A whole history through one meter's books into a real store: numbers, events, payloads, chain, all written by hand.

The calendar is `low` until noon, then `high`; an interval is 15 minutes, a gap is told from a minute on.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.bookkeeping.books import Books
from gateway.bookkeeping.journal import Origin, OutboxIds
from gateway.buckets.accumulate import Rules
from gateway.clock import ClockState
from gateway.config.types import GapPolicy
from gateway.decision import Basis
from gateway.kernels import Build, load_kernel
from gateway.ledger.records import Batch
from gateway.ledger.schema import migrate
from gateway.ledger.store import Store
from gateway.reading.read import Reading
from gateway.registers.validate import Accepted, NewEpoch, Quarantined, Rejected
from gateway.timeline import Timeline

from .world import KWH, MIN, NOON_US, SERVICE_MILLIW, S, by_hand, reading, section

LIFE = 900 * KWH
QUARTER = 15 * MIN


class Desk:
    """One meter's books over a store, as the ledger thread keeps them; `reopen` is a restart after kill -9."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open()

    def _open(self) -> None:
        self.store = Store(self.path)
        self.batch = Batch()
        self.books = self.by(None)

    def timeline(self) -> Timeline:
        return by_hand((NOON_US, 2))

    def by(self, basis: Basis | None) -> Books:
        """Books of what is in the store, that read the meter by a config."""
        rules = Rules(limit_milliw=SERVICE_MILLIW, gap=GapPolicy.PRO_RATA, max_gap_us=60 * MIN)
        return Books(
            self.store.load_meter("grid"),
            Origin("gw1", self.store.store_epoch),
            section(),
            self.timeline(),
            load_kernel(Build.PYTHON),
            rules,
            OutboxIds(self.store.newest_outbox_id()),
            gap_us=MIN,
            basis=basis,
        )

    def take(self, *readings: Reading) -> list[str]:
        return [type(self.books.take(one, self.batch)).__name__ for one in readings]

    def commit(self) -> None:
        self.store.commit(self.batch)
        self.batch = Batch()

    def reopen(self) -> None:
        """What was not committed is gone."""
        self.store.close()
        self._open()

    def sent(self, kind: str) -> list[dict[str, Any]]:
        """Payloads of the outbox, oldest first."""
        return [json.loads(row.payload) for row in self.store.pending(0, 10_000) if row.kind == kind]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    migrate(tmp_path / "ledger.sqlite")
    one = Desk(tmp_path / "ledger.sqlite")
    yield one
    one.store.close()


def started(desk: Desk, at_us: int = NOON_US - 10 * S) -> None:
    assert desk.take(reading(at_us, LIFE), reading(at_us + 1 * S, LIFE)) == ["Quarantined", "NewEpoch"]


def test_no_state_before_the_first_accepted_reading(desk: Desk) -> None:
    assert desk.books.state_record() is None
    assert desk.books.running_bucket() is None
    desk.take(reading(NOON_US - 10 * S, LIFE))
    assert desk.books.state_record() is None
    desk.take(reading(NOON_US - 9 * S, LIFE))
    assert desk.books.running_bucket() == "low"
    assert desk.books.state_record() is not None


def test_no_state_after_a_restart_before_a_reading_is_accepted(desk: Desk) -> None:
    started(desk)
    desk.commit()
    desk.reopen()
    assert desk.books.register_epoch == 1
    assert desk.books.state_record() is None
    desk.take(reading(NOON_US - 5 * S, LIFE - 2))  # quarantined
    assert desk.books.state_record() is None
    desk.take(reading(NOON_US - 4 * S, LIFE + 5))
    record = desk.books.state_record()
    assert record is not None
    assert (record["import_register_milliwh"], record["import_bucket_low_milliwh"]) == (LIFE + 5, 5)


def test_counters_and_last_decision(desk: Desk) -> None:
    desk.take(reading(NOON_US, None))
    assert desk.books.last_decision == "rejected: not_available"
    started(desk, NOON_US + 1 * S)
    assert desk.books.last_decision == "newepoch: first_reading"
    desk.take(reading(NOON_US + 5 * S, LIFE + 1))
    assert desk.books.last_decision == "accepted"
    counters = desk.books.counters
    assert (counters.accepted, counters.rejected, counters.quarantined, counters.failed) == (2, 1, 1, 0)


def test_take_answers_with_the_decision(desk: Desk) -> None:
    first = desk.books.take(reading(NOON_US, LIFE), desk.batch)
    second = desk.books.take(reading(NOON_US + 1 * S, LIFE), desk.batch)
    third = desk.books.take(reading(NOON_US + 1 * S, LIFE), desk.batch)
    fourth = desk.books.take(reading(NOON_US + 2 * S, LIFE), desk.batch)
    assert [type(one) for one in (first, second, third, fourth)] == [Quarantined, NewEpoch, Rejected, Accepted]


def test_history_with_a_zero_a_gap_and_an_exchange_event_by_event(desk: Desk) -> None:
    started(desk)  # -10 s, -9 s
    desk.take(reading(NOON_US - 5 * S, 0), reading(NOON_US - 4 * S, 0))  # one event for both
    desk.take(reading(NOON_US - 3 * S, LIFE + 6))
    desk.take(reading(NOON_US + 117 * S, LIFE + 46))  # 120 s: a gap over noon
    swap_us = NOON_US + 700 * S  # ten minutes after the zeros, so that it is told; a gap again
    desk.take(*(reading(swap_us + 5 * n * S, 100 + n) for n in range(13)))  # the thirteenth after a minute
    desk.commit()
    events = desk.sent("event")
    assert [event["seq"] for event in events] == [1, 2, 3, 4, 5, 6, 7]
    assert [(event["event"], event.get("reason")) for event in events] == [
        ("epoch", "first_reading"),
        ("quarantined", "went_backwards"),
        ("resumed", "went_backwards"),
        ("gap", None),
        ("quarantined", "went_backwards"),
        ("epoch", "went_backwards"),
        ("resumed", "went_backwards"),
    ]
    _, zero, resumed, gap, _, epoch, _ = events
    assert (zero["previous_import_milliwh"], zero["reading_import_milliwh"]) == (LIFE, 0)
    assert (zero["previous_time_utc_us"], zero["reading_time_utc_us"]) == (NOON_US - 9 * S, NOON_US - 5 * S)
    assert resumed["readings"] == 2
    assert (gap["from_utc_us"], gap["to_utc_us"], gap["over_edge"]) == (NOON_US - 3 * S, NOON_US + 117 * S, 1)
    assert (epoch["register_epoch"], epoch["previous_import_milliwh"]) == (2, LIFE + 46)
    assert epoch["reading_import_milliwh"] == 100
    # 6 until -3 s; 40 in 120 s over noon, 3 s of it before: 1 and 39; the new meter counts 12.
    record = desk.books.state_record()
    assert record is not None
    assert [record[f"import_{name}_milliwh"] for name in ("bucket_low", "bucket_high", "unassigned")] == [7, 51, 0]
    epochs = [record[f"import_{name}_milliwh"] for name in ("earlier_epochs", "register", "epoch_first")]
    assert epochs == [46, 112, 100]


def test_gap_that_ends_before_an_edge_says_so(desk: Desk) -> None:
    started(desk, NOON_US + 1 * MIN)
    desk.take(reading(NOON_US + 3 * MIN, LIFE + 1))
    (gap,) = [row for row in desk.batch.events if row.kind == "gap"]
    assert gap.detail["over_edge"] == 0


def test_reading_a_moment_sooner_is_no_gap(desk: Desk) -> None:
    started(desk, NOON_US)
    desk.take(reading(NOON_US + 1 * S + MIN - 1, LIFE), reading(NOON_US + 1 * S + 2 * MIN - 1, LIFE))
    assert [row.kind for row in desk.batch.events] == ["epoch", "gap"]


def test_an_answer_that_was_waited_for_through_a_stop_is_told_as_a_gap(desk: Desk) -> None:
    """Asked, stopped for ten minutes, and then read from the port: it can be as old as the question."""
    started(desk, NOON_US + 1 * MIN)
    asked_us = NOON_US + 1 * MIN + 5 * S
    late = reading(asked_us + 10 * MIN, LIFE + 1)
    desk.take(replace(late, earliest_us=asked_us), reading(asked_us + 10 * MIN + 1 * S, LIFE + 600))
    (gap,) = [row for row in desk.batch.events if row.kind == "gap"]
    assert (gap.detail["to_utc_us"], gap.detail["over_edge"]) == (asked_us + 10 * MIN, 0)


def quarters(desk: Desk, count: int, reopen: Callable[[int], bool]) -> None:
    """Sharp readings at so many quarters after noon, 100 mWh each, committed each."""
    started(desk, NOON_US)
    desk.commit()
    for number in range(1, count + 1):
        if reopen(number):
            desk.reopen()
        desk.take(reading(NOON_US + number * QUARTER, LIFE + 100 * number))
        desk.commit()


@pytest.mark.parametrize("every", [99, 1, 3], ids=["no restart", "a restart each time", "a restart each third time"])
def test_intervals_have_gapless_numbers_and_one_chain_over_restarts(desk: Desk, every: int) -> None:
    quarters(desk, 7, lambda number: number % every == 0)
    messages = desk.sent("interval")
    assert [message["seq"] for message in messages] == [1, 2, 3, 4, 5, 6, 7]
    assert [message["import_milliwh"] for message in messages] == [100] * 7
    assert [message["import_register_milliwh"] for message in messages] == [LIFE + 100 * n for n in range(1, 8)]
    starts = [NOON_US, *(NOON_US + n * QUARTER for n in range(1, 7))]
    assert [message["start_utc_us"] for message in messages] == starts
    assert_chain(messages, desk.store.store_epoch)
    assert [event["seq"] for event in desk.sent("event")] == list(range(1, 9))  # the epoch and seven gaps


def assert_chain(messages: list[dict[str, Any]], store_epoch: str) -> None:
    """Each message's hash, reckoned here from its own words."""
    text = f'{{"meter":"grid","store_epoch":"{store_epoch}"}}'
    head = hashlib.sha256(b"netmeter chain v1\x00" + text.encode()).hexdigest()
    for message in messages:
        record = {key: value for key, value in message.items() if key not in ("hash", "previous_hash")}
        data = json.dumps(record, sort_keys=True, separators=(",", ":")).encode()
        assert message["previous_hash"] == head
        head = hashlib.sha256(b"netmeter interval v1\x00" + bytes.fromhex(head) + data).hexdigest()
        assert message["hash"] == head


def test_what_was_not_committed_is_taken_again_with_the_same_numbers(desk: Desk) -> None:
    started(desk, NOON_US)
    desk.commit()
    late = reading(NOON_US + QUARTER, LIFE + 100)
    desk.take(late)
    lost = [row.payload for _, row in desk.batch.outbox]
    desk.reopen()
    desk.take(late)
    assert [row.payload for _, row in desk.batch.outbox] == lost
    assert len(lost) == 2  # a gap and an interval


def test_outbox_ids_go_on_where_the_store_ends(desk: Desk) -> None:
    quarters(desk, 2, lambda _number: True)
    ids = [row.outbox_id for row in desk.store.pending(0, 100)]
    assert ids == sorted(set(ids))
    assert len(ids) == 1 + 2 + 2  # the epoch, two gaps, two intervals


def test_every_reading_is_kept_with_its_decision(desk: Desk) -> None:
    started(desk, NOON_US)
    desk.take(reading(NOON_US + 2 * S, 0), reading(NOON_US + 3 * S, LIFE), reading(NOON_US + 3 * S, LIFE))
    assert [(row.decision, row.register_epoch) for row in desk.batch.readings] == [
        ("quarantined: first_reading", 0),
        ("newepoch: first_reading", 1),
        ("quarantined: went_backwards", 1),
        ("accepted", 1),
        ("rejected: time_not_advanced", 1),
    ]


@pytest.mark.parametrize("kill_at", range(8))
def test_law_holds_in_the_state_after_a_kill_anywhere(desk: Desk, kill_at: int) -> None:
    """The register is cumulative: what an uncommitted reading carried comes with the next one."""
    started(desk, NOON_US - 2 * MIN)
    desk.commit()
    for number in range(8):
        desk.take(reading(NOON_US - 1 * MIN + number * 20 * S, LIFE + 7 * (number + 1)))
        if number == kill_at:
            desk.reopen()
        elif number % 2:
            desk.commit()
    desk.take(reading(NOON_US + 3 * MIN, LIFE + 100))
    record = desk.books.state_record()
    assert record is not None
    low, high = record["import_bucket_low_milliwh"], record["import_bucket_high_milliwh"]
    assert isinstance(low, int)
    assert isinstance(high, int)
    assert low + high == 100
    assert (record["import_register_milliwh"], record["import_epoch_first_milliwh"]) == (LIFE + 100, LIFE)


def test_what_was_learnt_of_the_map_is_told_once_and_not_before_the_time_is_known(desk: Desk) -> None:
    note = "the device has no energy_export"
    early = replace(reading(NOON_US - 20 * S, LIFE), notes=(note,), clock_state=ClockState.UNSYNCED)
    assert desk.take(early) == ["Waiting"]
    desk.commit()
    assert desk.sent("event") == []
    desk.take(reading(NOON_US - 10 * S, LIFE), reading(NOON_US - 9 * S, LIFE), reading(NOON_US - 8 * S, LIFE))
    desk.commit()
    told = [event for event in desk.sent("event") if event["event"] == "map"]
    assert [(event["note"], event["time_utc_us"]) for event in told] == [(note, NOON_US - 10 * S)]
