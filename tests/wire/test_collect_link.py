"""The collector's own loop against the real mosquitto: TLS with both certificates, 3.1.1 alone, a disk that fails.

What is sent comes from a gateway's books; what must have come is those bytes, once. The loop runs in the test's thread.
"""

import json
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from gateway.clock import SystemClock
from gateway.collect.collector import Collector
from gateway.collect.settings import CollectSection, CollectSettings
from gateway.config.types import MqttSection
from gateway.ledger.collected.collection import Applied, Collection
from hil.broker import HOST
from tests.contract import check_with_controls
from tests.pipeline.collected_site import BASE, Sent, Site, flow
from tests.pipeline.world import MIN, utc_us

from .doorman import Doorman
from .publishing import Authority, Mosquitto, Pair, wait_for

START_US = utc_us("2026-07-14T15:05:00-07:00")
EDGES = 8
PATIENCE_TURNS = 400
"""A turn without a message takes a quarter of a second."""


@pytest.fixture(scope="module")
def sent(tmp_path_factory) -> list[Sent]:
    """Eight records, the newest last."""
    site = Site(tmp_path_factory.mktemp("elm"), at_us=START_US)
    found = site.read_all((START_US + minute * MIN, *flow(minute)) for minute in range(0, 121, 5))
    site.close()
    return [one for one in found if one[0].endswith("/interval")][:EDGES]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    made: list[Mosquitto] = []

    def make(*lines: str) -> Mosquitto:
        made.append(Mosquitto(tmp_path, *lines))
        made[-1].start()
        wait_for(lambda: listens(made[-1].port), "the broker")
        return made[-1]

    yield make
    for one in made:
        one.stop()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


class Gateway:
    """Somebody who publishes as a gateway does, and hears what is asked of it."""

    def __init__(self, port: int, pair: Pair | None = None, ca: Path | None = None) -> None:
        self.heard: list[tuple[str, dict[str, object]]] = []
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._hear
        if pair is not None:
            self._client.tls_set(str(ca), str(pair.cert), str(pair.key))
        is_subscribed = threading.Event()
        self._client.on_connect = lambda client, *_: client.subscribe(f"{BASE}/elm/cmd/#", qos=1)
        self._client.on_subscribe = lambda *_: is_subscribed.set()
        self._client.connect(HOST, port)
        self._client.loop_start()
        assert is_subscribed.wait(20)

    def _hear(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self.heard.append((message.topic.rsplit("/", 1)[1], json.loads(message.payload)))

    def publish(self, sent: list[Sent]) -> None:
        for topic, payload in sent:
            message = self._client.publish(topic, payload, qos=1)
            message.wait_for_publish(20)
            assert message.is_published()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def collector(folder: Path, port: int, collection: Collection, **mqtt: object) -> Collector:
    section = MqttSection(host=HOST, port=port, base_topic=BASE, **mqtt)  # type: ignore[arg-type]
    settings = CollectSettings(
        collect=CollectSection(database=str(folder / "c.sqlite"), consumer="office"), mqtt=section
    )
    return Collector(settings, collection, SystemClock())


def turn_until(one: Collector, enough: Callable[[], bool]) -> None:
    nobody_stops = threading.Event()
    for _ in range(PATIENCE_TURNS):
        if enough():
            return
        one.turn(nobody_stops.wait)
    raise AssertionError("it never came")


def stored(folder: Path) -> list[bytes]:
    with closing(sqlite3.connect(folder / "c.sqlite")) as hand:
        return [payload.encode() for (payload,) in hand.execute("SELECT payload FROM interval ORDER BY seq")]


def acknowledged(gateway: Gateway) -> int:
    return max((int(str(told["upto"])) for word, told in gateway.heard if word == "ack"), default=0)


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[Collection]:
    made = Collection(tmp_path / "c.sqlite")
    yield made
    made.close()


def test_over_mutual_tls_records_come_and_the_gateway_is_told(broker, collection, sent, tmp_path) -> None:
    ca = Authority(tmp_path)
    pair = ca.issue("broker")
    served = broker(
        *(f"cafile {ca.path}", f"certfile {pair.cert}", f"keyfile {pair.key}"),
        *("require_certificate true", "use_identity_as_username true"),
    )
    own = ca.issue("office")
    one = collector(
        tmp_path,
        served.port,
        collection,
        tls=True,
        ca_file=str(ca.path),
        cert_file=str(own.cert),
        key_file=str(own.key),
    )
    gateway = Gateway(served.port, ca.issue("elm"), ca.path)
    turn_until(one, lambda: one.is_up)
    gateway.publish(sent)
    turn_until(one, lambda: acknowledged(gateway) == EDGES)
    gateway.close()
    assert stored(tmp_path) == [payload for _, payload in sent]


def test_where_only_3_1_1_is_spoken_a_hole_is_asked_for(broker, collection, sent, tmp_path) -> None:
    served = broker("allow_anonymous true")
    door = Doorman(served.port)
    one, gateway = collector(tmp_path, door.port, collection), Gateway(served.port)
    turn_until(one, lambda: one.is_up)
    assert (door.levels[0], 4 in door.levels) == (5, True)
    gateway.publish(sent[:2] + sent[5:])
    turn_until(one, lambda: any(word == "backfill" for word, _ in gateway.heard))
    asked = next(told for word, told in gateway.heard if word == "backfill")
    assert (asked["from"], asked["to"], asked["kind"]) == (3, 5, "interval")
    gateway.publish([(topic.replace("/interval", "/backfill"), payload) for topic, payload in sent[2:5]])
    turn_until(one, lambda: acknowledged(gateway) == EDGES)
    gateway.close()
    door.close()
    for word, name in (("ack", "ack"), ("backfill", "backfill_request")):
        told_all = [told for one, told in gateway.heard if one == word]
        assert told_all
        for told in told_all:
            check_with_controls(name, told)
    assert stored(tmp_path) == [payload for _, payload in sent]


def give_again(gateway: Gateway, sent: list[Sent], heard: int) -> int:
    """Answer what has been asked since, two records a request and where to go on, as docs/messages.md has it."""
    requests = gateway.heard[heard:]
    for told in (told for word, told in requests if word == "backfill"):
        first, last = int(str(told["from"])), min(int(str(told["to"])), int(str(told["from"])) + 1)
        end = {key: told[key] for key in ("schema", "meter", "store_epoch", "kind", "id", "from")}
        end |= {"gateway": "elm", "answer": "end", "to": last, "count": last - first + 1, "why": None}
        end |= {"unavailable_from": None, "unavailable_to": None, "previous_store_epoch": None}
        end |= {"oldest_seq": 1, "newest_seq": EDGES}
        check_with_controls("backfill_end", end)
        topic = sent[0][0].replace("/interval", "/backfill")
        gateway.publish(
            [*((topic, payload) for _, payload in sent[first - 1 : last]), (topic, json.dumps(end).encode())]
        )
    return heard + len(requests)


def test_what_the_broker_drops_for_a_slow_collector_is_asked_for(broker, collection, sent, tmp_path) -> None:
    """mosquitto keeps so many messages for a reader and silently drops the rest: 1,000 by default, three here."""
    served = broker("allow_anonymous true", "max_inflight_messages 1", "max_queued_messages 3")
    one, gateway = collector(tmp_path, served.port, collection), Gateway(served.port)
    turn_until(one, lambda: one.is_up)
    gateway.publish(sent)  # acknowledged to the gateway, all eight, while the collector does not read
    for _ in range(20):
        one.turn(threading.Event().wait)
    missing = EDGES - len(stored(tmp_path))
    assert missing > 0  # the control: the broker did drop some
    epoch = json.loads(sent[0][1])["store_epoch"]
    head = {"schema": 1, "gateway": "elm", "meter": "grid", "store_epoch": epoch, "chain_head": ""}
    head |= {"oldest_seq": 1, "newest_seq": EDGES, "oldest_event_seq": 1, "newest_event_seq": 0}
    gateway.publish([(sent[0][0].replace("/interval", "/head"), json.dumps(head).encode())])
    heard = 0
    for _ in range(PATIENCE_TURNS):
        one.turn(threading.Event().wait)
        heard = give_again(gateway, sent, heard)
        if acknowledged(gateway) == EDGES:
            break
    gateway.close()
    assert stored(tmp_path) == [payload for _, payload in sent]
    assert sum(word == "backfill" for word, _ in gateway.heard) >= (missing + 1) // 2


def test_two_collectors_of_one_name_are_told_of_each_other(broker, tmp_path, caplog) -> None:
    """The broker lets the newer in and the older go (MQTT 5.0, 3.1.4-3): each time, as fast as they can."""
    served = broker("allow_anonymous true")
    collections = [Collection(tmp_path / f"{name}.sqlite") for name in "ab"]
    both = [collector(tmp_path, served.port, one) for one in collections]
    for _ in range(PATIENCE_TURNS):
        for one in both:
            one.turn(threading.Event().wait)
        if "another collector connected as netmeter-collect-office" in caplog.text:
            break
    else:
        raise AssertionError(caplog.text)
    for one in collections:
        one.close()


class FailsOnce(Collection):
    """A disk that takes nothing, once."""

    failures = 0

    def apply(self, batch) -> Applied:
        if not self.failures:
            self.failures += 1
            raise sqlite3.OperationalError("database or disk is full")
        return super().apply(batch)


def test_what_could_not_be_stored_is_not_acknowledged_and_comes_again(broker, sent, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("gateway.collect.collector.AGAIN_S", 0.1)
    served = broker("allow_anonymous true")
    collection = FailsOnce(tmp_path / "c.sqlite")
    one, gateway = collector(tmp_path, served.port, collection), Gateway(served.port)
    turn_until(one, lambda: one.is_up)
    gateway.publish(sent)  # and never again: what follows comes from the broker, who was not told that it had arrived
    turn_until(one, lambda: acknowledged(gateway) == EDGES)
    gateway.close()
    collection.close()
    assert collection.failures == 1
    assert stored(tmp_path) == [payload for _, payload in sent]
