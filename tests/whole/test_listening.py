"""What the publisher hears from a real broker: each topic its own listener, on every connection, in both protocols."""

import queue
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt import publish

from gateway.clock import SystemClock
from gateway.config.types import MqttSection
from gateway.publish.message import Topics
from gateway.publish.publisher import Publisher
from hil.broker import Broker, BrokerKind, find_mosquitto

pytestmark = pytest.mark.whole
PATIENCE_S = 60.0


@pytest.fixture(params=list(BrokerKind), ids=lambda kind: kind.value)
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    """mosquitto speaks MQTT 5; amqtt refuses it, so that the publisher falls back to 3.1.1."""
    if request.param is BrokerKind.MOSQUITTO and find_mosquitto() is None:
        pytest.skip("mosquitto is not installed: `./tests/run --setup` as root installs it")
    made = Broker(tmp_path, kind=request.param)
    made.start()
    yield made
    made.stop()


def say(broker: Broker, topic: str, payload: str, retain: bool = False) -> None:
    publish.single(topic, payload, qos=1, retain=retain, hostname=broker.host, port=broker.port)


def test_a_listener_hears_its_topic_on_every_connection(broker: Broker):
    section = MqttSection(host=broker.host, port=broker.port)
    publisher = Publisher(section, Topics("t", "g"), "netmeter-g", SystemClock(), lambda *_: None, lambda _id: None)
    one: queue.SimpleQueue[tuple[bytes, bool]] = queue.SimpleQueue()
    other: queue.SimpleQueue[tuple[bytes, bool]] = queue.SimpleQueue()
    publisher.listening.add("cmd/one", lambda payload, retained: one.put((payload, retained)))
    publisher.listening.add("cmd/other", lambda payload, retained: other.put((payload, retained)))
    say(broker, "cmd/one", "old", retain=True)
    publisher.start()
    try:
        # What was kept comes with the subscription, and says so; it also tells that we are subscribed.
        assert one.get(timeout=PATIENCE_S) == (b"old", True)
        say(broker, "cmd/third", "to nobody")
        say(broker, "cmd/one", "new")
        assert one.get(timeout=PATIENCE_S) == (b"new", False)
        broker.restart()
        say(broker, "cmd/other", "kept", retain=True)
        assert other.get(timeout=PATIENCE_S)[0] == b"kept"
        assert publisher.delivery.protocol == ("5" if broker.kind is BrokerKind.MOSQUITTO else "3.1.1")
    finally:
        publisher.stop()
        publisher.join(20)
    assert one.empty()
    assert other.empty()
