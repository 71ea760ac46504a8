"""Head, acknowledgement and backfill through the real mosquitto, store and ledger thread: the same bytes once more.

What was sent the first time is what the books wrote into the outbox; what comes again must be that, byte for byte.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.clock import SystemClock
from gateway.config.load import load_config
from gateway.config.types import Config
from gateway.daemon.backfill_desk import serve_consumers
from gateway.daemon.bookkeeper import Bookkeeper
from gateway.ledger.records import Batch
from gateway.ledger.store import Store
from gateway.publish.message import Topics
from gateway.publish.publisher import Publisher
from hil.bench.ledger_days import House, Ledger, Plan, instants_us
from tests.contract import check_with_controls

from .publishing import Ear, Mosquitto, wait_for

EXAMPLE = Path(__file__).parents[2] / "config" / "gateway.toml"
METERS = "t/bench/meter/#"


@dataclass
class Site:
    """One gateway of one meter with a day of records, all of them acknowledged by the broker."""

    store: Store
    keeper: Bookkeeper
    publisher: Publisher
    ear: Ear
    sent: dict[str, list[str]]
    """The payloads by kind, in order of their seq."""

    def ask(self, **request: object) -> list[str]:
        """A backfill request; all that was answered, up to its end marker."""
        wanted = {"schema": 1, "id": f"r{len(self.ear.of('/backfill'))}", "meter": "grid", "kind": "interval"}
        wanted |= {"store_epoch": self.store.store_epoch, "from": 1, "to": None} | request
        check_with_controls("backfill_request", wanted)
        before = len(self.ear.of("/backfill"))
        self.ear.say("t/bench/cmd/backfill", json.dumps(wanted))

        def ended() -> bool:
            answers = [json.loads(one) for one in self.ear.of("/backfill")[before:]]
            return any(one.get("answer") and one["id"] == wanted["id"] for one in answers)

        wait_for(ended, f"the end of {wanted}")
        answers = self.ear.of("/backfill")[before:]
        check_with_controls("backfill_end", json.loads(answers[-1]))
        return answers

    def acknowledge(self, **word: object) -> None:
        said = {"schema": 1, "consumer": "c", "meter": "grid", "kind": "interval"}
        self.ear.say("t/bench/cmd/ack", json.dumps(said | {"store_epoch": self.store.store_epoch} | word))

    def consumers(self) -> list[tuple[str, int, int]]:
        return [(one.consumer, one.upto, one.behind) for one in self.keeper.call(self.keeper.deliveries.told, 30)]


def config() -> Config:
    whole = load_config(EXAMPLE)
    gateway = msgspec.structs.replace(whole.gateway, id="bench")
    mqtt = msgspec.structs.replace(whole.mqtt, consumer="c")
    return msgspec.structs.replace(whole, gateway=gateway, mqtt=mqtt)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One for all: each test asks for itself, and the one that does damage is the last."""
    tmp_path = tmp_path_factory.mktemp("site")
    broker = Mosquitto(tmp_path, "allow_anonymous true")
    plan = Plan(1, 300, 40)
    ledger, house, batch = Ledger(tmp_path / "ledger.sqlite", plan), House(), Batch()
    for at_us in instants_us(plan, ledger.timeline):
        ledger.books.take(house.reading(at_us), batch)
        if at_us % 3_600_000_000 < 300_000_000:
            ledger.books.tell("map", at_us, {"note": f'"{at_us}" \u2600'}, batch)
    sent: dict[str, list[str]] = {"interval": [], "event": []}
    for _, row in batch.outbox:
        sent[row.kind].append(row.payload)
    ledger.store.commit(batch)
    ledger.store.commit(Batch(acknowledged=[row.outbox_id for _, row in batch.outbox]))
    clock, settings, topics = SystemClock(), config(), Topics("t", "bench")
    keeper = Bookkeeper(settings, ledger.store, {}, topics, clock, lambda _meter: None)
    section = msgspec.structs.replace(settings.mqtt, host="127.0.0.1", port=broker.port)
    publisher = Publisher(section, topics, "netmeter-bench", clock, keeper.want_rows, keeper.acknowledge)
    keeper.attach(publisher)
    serve_consumers("bench", topics, publisher, keeper, ledger.store)
    broker.start()
    ear = Ear(broker.port, topic=METERS).wait()
    keeper.start()
    publisher.start()
    wait_for(lambda: bool(ear.of("grid/head")) and publisher.delivery.connected, "the head")
    yield Site(ledger.store, keeper, publisher, ear, sent)
    publisher.stop()
    publisher.join(20)
    keeper.stop()
    keeper.join(20)
    ear.close()
    broker.stop()
    ledger.store.close()
    assert not publisher.is_alive()
    assert not keeper.is_alive()


def ending(answer: list[str]) -> dict[str, Any]:
    content = json.loads(answer[-1])
    assert isinstance(content, dict)
    return content


def test_what_was_sent_comes_again_as_the_same_bytes(site: Site) -> None:
    assert (len(site.sent["interval"]), len(site.sent["event"])) > (90, 20)  # the control: there is something
    for kind in ("interval", "event"):
        answer = site.ask(kind=kind)
        assert answer[:-1] == site.sent[kind]
        end, count = ending(answer), len(site.sent[kind])
        assert (end["answer"], end["from"], end["to"], end["count"]) == ("end", 1, count, count)
        assert (end["oldest_seq"], end["newest_seq"], end["why"]) == (1, count, None)


def test_a_part_is_just_that_part(site: Site) -> None:
    answer = site.ask(**{"from": 3, "to": 5})
    assert answer[:-1] == site.sent["interval"][2:5]
    assert (ending(answer)["to"], ending(answer)["count"]) == (5, 3)


def test_the_head_is_what_the_last_record_says(site: Site) -> None:
    head, last = json.loads(site.ear.of("grid/head")[-1]), json.loads(site.sent["interval"][-1])
    assert (head["newest_seq"], head["chain_head"]) == (last["seq"], last["hash"])
    assert (head["store_epoch"], head["newest_event_seq"]) == (last["store_epoch"], len(site.sent["event"]))
    late = site.ask(**{"from": head["newest_seq"] + 1})
    assert (len(late), ending(late)["answer"], ending(late)["why"]) == (1, "unavailable", "not_written")


@pytest.mark.parametrize(
    ("request_", "why"),
    [({"meter": "nobody"}, "no_such_meter"), ({"store_epoch": "0123"}, "no_such_epoch")],
    ids=["meter", "epoch"],
)
def test_what_is_not_there_is_said_to_be_unavailable(site: Site, request_: dict[str, object], why: str) -> None:
    (answer,) = site.ask(**request_)
    end = json.loads(answer)
    assert (end["answer"], end["why"], end["count"]) == ("unavailable", why, 0)


def test_delivered_is_what_the_consumer_says(site: Site) -> None:
    count = len(site.sent["interval"])
    site.acknowledge(upto=10)
    wait_for(lambda: site.consumers() == [("c", 10, count - 10)], "the acknowledgement")
    # Beyond the newest, of another store, of nobody: none of them is believed.
    site.acknowledge(upto=count + 1)
    site.acknowledge(upto=11, store_epoch="0123")
    site.acknowledge(upto=11, meter="nobody")
    site.ear.say("t/bench/cmd/ack", "{}")
    site.acknowledge(upto=12)
    wait_for(lambda: site.consumers() == [("c", 12, count - 12)], "the last one")
    assert site.keeper.call(site.keeper.health_record, 30)["undelivered"] == count - 12
    assert site.keeper.call(lambda: site.keeper._commit(), 30)
    again = Bookkeeper(config(), site.store, {}, Topics("t", "bench"), SystemClock(), lambda _meter: None)
    told = site.keeper.call(again.deliveries.told, 30)
    assert [(one.consumer, one.upto) for one in told] == [("c", 12)]  # a restart does not forget it


def test_nonsense_is_not_answered_and_does_no_harm(site: Site) -> None:
    before = len(site.ear.of("/backfill"))
    for payload in ("", "[]", "{", '{"schema":1}', "x" * 5000, '{"schema":2,"id":"a"}'):
        site.ear.say("t/bench/cmd/backfill", payload)
    assert site.ask(to=1)[:-1] == site.sent["interval"][:1]
    assert len(site.ear.of("/backfill")) == before + 2


def test_a_damaged_record_is_never_sent_and_what_follows_is(site: Site) -> None:
    site.keeper.call(lambda: site.store._connection.execute("UPDATE interval SET import_milliwh = 7 WHERE seq = 4"), 30)
    answer = site.ask(to=6)
    end = ending(answer)
    assert answer[:-1] == site.sent["interval"][:3]
    assert (end["unavailable_from"], end["unavailable_to"], end["to"], end["why"]) == (4, 4, 4, "damaged")
    assert site.ask(**{"from": end["to"] + 1, "to": 6})[:-1] == site.sent["interval"][4:6]
