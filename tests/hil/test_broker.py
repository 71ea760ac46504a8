"""The private broker: up, away, back on the same port; checked with paho, which is not our code."""

import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from hil import broker as brokers
from hil.broker import Broker, BrokerKind, accepts_connect, find_mosquitto, free_port
from hil.process import ChildError
from hil.watcher import Watcher

MOSQUITTO = pytest.param(
    BrokerKind.MOSQUITTO,
    marks=pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed (apt-get install mosquitto)"),
)
KINDS = [MOSQUITTO, BrokerKind.AMQTT]


def publish(port: int, topic: str, payload: str) -> None:
    client = Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", port)
    client.loop_start()
    message = client.publish(topic, payload, qos=1)
    message.wait_for_publish(20)
    assert message.is_published()
    client.disconnect()
    client.loop_stop()


def until(truth: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 20
    while not truth():
        assert time.monotonic() < deadline_s, "did not come about within 20 s"
        time.sleep(0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_up_away_and_back_on_the_same_port(tmp_path: Path, kind: BrokerKind) -> None:
    broker = Broker(tmp_path, kind=kind)
    assert not accepts_connect(broker.port)
    broker.start()
    watcher = Watcher(broker.host, broker.port, "house")
    try:
        for round_number in range(2):
            assert accepts_connect(broker.port)
            # Until the watcher is subscribed (again), messages do not reach it.
            until(lambda: _reaches(watcher, broker.port, f"round {round_number}"))  # noqa: B023
            broker.stop()
            until(lambda: not accepts_connect(broker.port))
            broker.start()
    finally:
        watcher.close()
        broker.stop()


def _reaches(watcher: Watcher, port: int, payload: str) -> bool:
    publish(port, "house/x", payload)
    message = watcher.next(0.5)
    while message is not None:
        if message.payload == payload.encode():
            return message.topic == "house/x"
        message = watcher.next(0.5)
    return False


@pytest.mark.parametrize("kind", KINDS)
def test_a_port_that_somebody_holds_is_told_with_the_log(tmp_path: Path, kind: BrokerKind) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        broker = Broker(tmp_path, kind=kind, port=holder.getsockname()[1])
        with pytest.raises(ChildError, match=r"broker\.log"):
            broker.start()


@pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed (apt-get install mosquitto)")
def test_somebody_elses_broker_on_the_port_is_not_taken_for_ours(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    theirs = Broker(tmp_path / "a")
    theirs.start()
    try:
        ours = Broker(tmp_path / "b", port=theirs.port)
        with pytest.raises(ChildError):
            _start_and_check(ours)
    finally:
        theirs.stop()


def _start_and_check(broker: Broker) -> None:
    """A broker that cannot bind may take a moment to say so, and must not pass for running then."""
    broker.start()
    until(lambda: broker.child.exit_code is not None)
    broker.child.check()


@pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed (apt-get install mosquitto)")
@pytest.mark.parametrize("persistent", [True, False])
def test_what_a_restart_keeps(tmp_path: Path, persistent: bool) -> None:
    broker = Broker(tmp_path, persistent=persistent)
    broker.start()
    try:
        client = Client(CallbackAPIVersion.VERSION2)
        client.connect(broker.host, broker.port)
        client.loop_start()
        client.publish("house/kept", "1", qos=1, retain=True).wait_for_publish(20)
        client.disconnect()
        client.loop_stop()
        broker.restart()
        watcher = Watcher(broker.host, broker.port, "house")
        assert (watcher.next(5 if persistent else 1) is not None) is persistent
        watcher.close()
    finally:
        broker.stop()


def test_the_systems_own_port_is_never_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="1883"):
        Broker(tmp_path, port=1883)
    # Even if the kernel offers that very port: made to look like one it does offer.
    offered = free_port()
    monkeypatch.setattr(brokers, "SYSTEM_PORT", offered)
    assert all(free_port() != offered for _ in range(200))


def test_stop_is_harmless_before_the_start(tmp_path: Path) -> None:
    broker = Broker(tmp_path, kind=BrokerKind.AMQTT)
    broker.stop()
    with pytest.raises(ChildError, match="not running"):
        _ = broker.child
