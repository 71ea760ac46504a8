"""When an account is reckoned, and what becomes of what was found: the thread itself, with a reckoner that takes notes.

By the calendar of E-TOU-C: its price changes at 4 and at 9 in the afternoon.
"""

import json
import queue
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gateway.clock import SystemClock
from gateway.config.types import AccountSection
from gateway.daemon.account_desk import AccountDesk
from gateway.daemon.accounts import DUE_MOST, EVENT, Accounts
from gateway.daemon.bookkeeper import Bookkeeper
from gateway.ledger.records import Batch, OutboxRow, Record
from gateway.ledger.store import Store
from gateway.publish.account import KEYS, account_record
from gateway.publish.message import Topics

from .test_bookkeeper import Pipe, config, desk, store, wait_for  # noqa: F401
from .world import etouc, utc_us

SCHEMA = Path(__file__).parents[2] / "gateway" / "publish" / "schemas" / "account.json"
QUARTER_US, HOUR_US = 900_000_000, 3_600_000_000
PEAK_US = utc_us("2026-07-15T23:00:00Z")
"""4 p.m. in California."""
MIDNIGHT_US = utc_us("2026-07-16T07:00:00Z")


class World:
    """What the thread is given: takes notes, answers what a test wants."""

    def __init__(self, *meters: str, every_min: int = 1440, first_after_us: int = 10**12) -> None:
        self.asked: list[int | None] = []
        self.offered: list[str] = []
        self.told: list[Mapping[str, Record]] = []
        self.answer: dict[str, Any] = {"currency": "USD", "dates": []}
        self.trouble: Exception | None = None
        section = AccountSection(name="home", file="home.toml", every_min=every_min)
        self.thread = Accounts(
            "demo",
            [section],
            meters or ("grid",),
            etouc(),
            SystemClock(),
            Topics("netmeter", "demo"),
            self.reckon,
            lambda topic, payload: self.offered.append(f"{topic} {payload}"),
            self,
            first_after_us,
        )

    def reckon(self, section: AccountSection, until_us: int | None) -> dict[str, Any]:
        self.asked.append(until_us)
        return self.answer

    def tell_once(self, meter: str, kind: str, details: Mapping[str, Record]) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.told.append(details)

    def turns(self, count: int) -> list[int | None]:
        """After so many rounds of the thread's loop, without a thread: all that was reckoned."""
        for _ in range(count):
            self.thread.turn()
        return self.asked

    def closed(self, meter: str, *ends_us: int) -> None:
        """As the ledger thread says it after a commit."""
        batch = Batch()
        for end_us in ends_us:
            batch.outbox.append((1, OutboxRow(1, meter, "interval", 1, "")))
            batch.intervals.append(_Row(1, _Interval(end_us)))  # type: ignore[arg-type]
        self.thread.hear_closed(batch)


class _Interval:
    def __init__(self, end_us: int) -> None:
        self.end_us = end_us


class _Row:
    def __init__(self, meter_id: int, interval: _Interval) -> None:
        self.meter_id, self.interval = meter_id, interval


def test_an_edge_of_the_bucket_and_midnight_are_reckoned_and_no_other_quarter() -> None:
    world = World()
    world.closed("grid", PEAK_US)
    for number in range(1, 4):
        world.closed("grid", PEAK_US + number * QUARTER_US)
    world.closed("grid", MIDNIGHT_US)
    assert world.turns(5) == [PEAK_US, MIDNIGHT_US]


def test_between_edges_as_often_as_the_config_says() -> None:
    world = World(every_min=60)
    world.closed("grid", *(PEAK_US + number * QUARTER_US for number in range(9)))
    assert world.turns(3) == [PEAK_US, PEAK_US + HOUR_US, PEAK_US + 2 * HOUR_US]


def test_an_edge_waits_until_every_meter_has_passed_it() -> None:
    world = World("grid", "array")
    world.closed("grid", PEAK_US, PEAK_US + QUARTER_US)
    world.closed("other", PEAK_US)
    world.closed("array", PEAK_US - QUARTER_US)
    assert world.turns(3) == []
    world.closed("array", PEAK_US)
    assert world.turns(1) == [PEAK_US]


def test_a_correction_of_the_past_reckons_the_newest_again_and_never_an_older_one() -> None:
    world = World()
    world.closed("grid", MIDNIGHT_US)
    world.turns(1)
    world.closed("grid", PEAK_US)
    assert world.turns(1) == [MIDNIGHT_US, MIDNIGHT_US]


def test_after_an_outage_the_newest_edges_are_reckoned_and_the_oldest_let_go() -> None:
    """Forty midnights at once: no more wait than DUE_MOST, and the newest is the last."""
    world = World()
    day_us = 24 * HOUR_US
    world.closed("grid", *(MIDNIGHT_US + number * day_us for number in range(40)))
    asked = world.turns(DUE_MOST)
    assert asked == [MIDNIGHT_US + number * day_us for number in range(40 - DUE_MOST, 40)]


def test_after_the_start_what_the_store_holds_is_told_without_waiting_for_an_edge() -> None:
    world = World(first_after_us=0)
    assert world.turns(1) == [None]
    assert world.offered[0].startswith('netmeter/demo/account/home {"account":"home"')
    early = World()
    assert early.turns(1) == []


def test_a_reason_is_published_and_everything_else_is_null() -> None:
    world = World()
    world.answer = {"why_not": "home.toml:3: no such tariff"}
    world.closed("grid", PEAK_US)
    world.turns(1)
    assert '"why_not":"home.toml:3: no such tariff"' in world.offered[0]
    assert '"due_cents":null' in world.offered[0]


def test_the_schema_asks_for_every_key_and_takes_a_reason_alone() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert schema["required"] == ["schema", "gateway", "account", *KEYS]
    said = account_record("demo", "home", {"why_not": "no price"})
    jsonschema.validate(said, schema, cls=jsonschema.Draft202012Validator)
    for wrong in ({**said, "more": 1}, {**said, "due_cents": "1.50"}, {**said, "bank_credit_cents": None}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema, cls=jsonschema.Draft202012Validator)


def test_a_ledger_that_does_not_answer_is_asked_again() -> None:
    world = World()
    world.answer = {"dates": [{"what": "true_up", "day": "2026-08-31", "days_left": 40}]}
    world.trouble = queue.Empty()
    world.closed("grid", PEAK_US)
    world.turns(1)
    assert (len(world.offered), world.told) == (1, [])
    world.trouble = None
    world.closed("grid", MIDNIGHT_US)
    world.turns(1)
    assert list(world.told[0]) == [f"{EVENT} home true_up 2026-08-31"]


def test_the_thread_itself_reckons_and_ends() -> None:
    world = World()
    world.thread.start()
    world.closed("grid", PEAK_US)
    wait_for(lambda: bool(world.offered), "the word")
    world.thread.stop()
    world.thread.join(30)
    assert not world.thread.is_alive()


def test_a_date_is_told_once_in_a_stores_life(desk: tuple[Bookkeeper, Pipe], store: Store) -> None:  # noqa: F811
    """Also by another desk, as after a restart; another date is another event."""
    keeper, _ = desk
    books = keeper._books

    def tell(teller: AccountDesk, *days: str) -> list[tuple[str, Record]]:
        teller.tell_once("grid", EVENT, {f"{EVENT} home true_up {day}": {**DETAIL, "day": day} for day in days})
        return keeper.call(lambda: events(store))

    first = AccountDesk(keeper, books, store, SystemClock())
    assert [kind for kind, _ in tell(first, "2026-08-31")] == [EVENT]
    assert len(tell(first, "2026-08-31")) == 1
    assert len(tell(AccountDesk(keeper, books, store, SystemClock()), "2026-08-31")) == 1
    assert len(tell(first, "2026-08-31", "2027-08-31")) == 2


DETAIL: Record = {"account": "home", "what": "true_up", "amount_cents": None, "days_left": 40}


def events(of: Store) -> list[tuple[str, Record]]:
    rows = of._connection.execute("SELECT kind, detail FROM event ORDER BY seq").fetchall()
    return [(kind, {"detail": detail}) for kind, detail in rows]
