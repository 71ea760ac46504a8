"""Publisher and collector on brokers that themselves speak no MQTT 5, and write their own refusal.

mosquitto since 2.1 with `accept_protocol_versions 4`, and amqtt, which knows 3.1.1 alone. What they refuse and take is
asked first with bytes written by hand (MQTT 5.0, 3.1 and 3.2; 3.1.1, 3.1.2.2 and 3.2.2.3); Debian 12's mosquitto 2.0
cannot refuse MQTT 5, so there a door of our own stands before it (`doorman`).
"""

import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.collect.collector import Collector
from gateway.collect.settings import CollectSection, CollectSettings
from gateway.config.types import MqttSection
from gateway.ledger.collected.collection import Collection
from gateway.ledger.records import OutboxRow
from hil.broker import HOST, Broker, BrokerKind, find_mosquitto
from tests.pipeline.collected_site import BASE, Sent

from .publishing import Ledger, publisher_of, wait_for
from .test_collect_link import sent, stored, turn_until  # noqa: F401  # `sent` is a fixture

KNOWS_VERSIONS = (2, 1)
"""mosquitto's ChangeLog, 2.1.0: accept_protocol_versions."""
CONNECT_5 = bytes((0x10, 14, 0, 4)) + b"MQTT" + bytes((5, 2, 0, 10, 0, 0, 1)) + b"x"
CONNECT_4 = bytes((0x10, 13, 0, 4)) + b"MQTT" + bytes((4, 2, 0, 10, 0, 1)) + b"x"
SILENCE_US = 3_000_000
"""In service ten seconds: three silences, and MQTT 3.1.1 is tried."""
ACCEPTED_311 = bytes.fromhex("20020000")
REFUSALS = {
    BrokerKind.MOSQUITTO: bytes.fromhex("2003008400"),  # 5.0, 3.2.2.2: Unsupported Protocol Version
    BrokerKind.AMQTT: bytes.fromhex("20020001"),  # 3.1.1, 3.2.2.3: unacceptable protocol version
}


def mosquitto_version() -> tuple[int, ...]:
    """What `mosquitto -h` says of itself; (0,) where there is none."""
    found = find_mosquitto()
    if found is None:
        return (0,)
    told = subprocess.run([found, "-h"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"mosquitto version (\d+)\.(\d+)", told)
    return (0,) if match is None else (int(match[1]), int(match[2]))


@pytest.fixture(params=list(BrokerKind), ids=lambda kind: kind.value)
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    """One that has proven by its own bytes that it takes 3.1.1 and refuses 5."""
    kind: BrokerKind = request.param
    if kind is BrokerKind.MOSQUITTO and mosquitto_version() < KNOWS_VERSIONS:
        version = ".".join(str(one) for one in mosquitto_version())
        pytest.skip(
            f"mosquitto {version} has no accept_protocol_versions, which 2.1 brought; amqtt and a door stand in"
        )
    lines = ("accept_protocol_versions 4",) if kind is BrokerKind.MOSQUITTO else ()
    made = Broker(tmp_path, kind=kind, more_lines=lines)
    made.start()
    try:
        assert (answer(made.port, CONNECT_5), answer(made.port, CONNECT_4)) == (REFUSALS[kind], ACCEPTED_311)
        yield made
    finally:
        made.stop()


def answer(port: int, connect: bytes) -> bytes:
    """A CONNACK, as it comes: its second byte says how much follows (2.2.3)."""
    with socket.create_connection((HOST, port), timeout=20) as link:
        link.sendall(connect)
        found = b""
        while len(found) < 2 or len(found) < 2 + found[1]:
            chunk = link.recv(64)
            if not chunk:
                break
            found += chunk
    return found


def test_a_collector_has_each_record_once_and_no_more_than_sent_is_claimed(
    broker: Broker,
    sent: list[Sent],  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Published by our publisher, stored by our collector; to a real CONNECT in MQTT 5 amqtt answers nothing at all."""
    monkeypatch.setattr("gateway.publish.publisher.CONNACK_WITHIN_US", SILENCE_US)
    monkeypatch.setattr("gateway.collect.link.CONNECT_WITHIN_US", SILENCE_US)
    section = MqttSection(host=HOST, port=broker.port, base_topic=BASE)
    settings = CollectSettings(
        collect=CollectSection(database=str(tmp_path / "c.sqlite"), consumer="office"), mqtt=section
    )
    collection = Collection(tmp_path / "c.sqlite")
    collector = Collector(settings, collection, SystemClock())
    ledger = Ledger(
        [OutboxRow(seq, "grid", "interval", seq, payload.decode()) for seq, (_, payload) in enumerate(sent, 1)]
    )
    publisher = publisher_of(ledger, broker.port, whose=(BASE, "elm"))
    try:
        turn_until(collector, lambda: collector.is_up)
        publisher.start()
        turn_until(collector, lambda: len(stored(tmp_path)) == len(sent))
        wait_for(lambda: len(ledger.acknowledged) == len(sent), "acknowledgements")
        delivery = publisher.delivery
    finally:
        publisher.stop()
        if publisher.is_alive():
            publisher.join(20)
        collection.close()
    assert stored(tmp_path) == [payload for _, payload in sent]
    assert (collector.records, collector.troubles) == (len(sent), 0)
    assert (delivery.protocol, delivery.acknowledged_means) == ("3.1.1", "sent")
