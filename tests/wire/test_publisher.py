"""The publisher against a scripted broker on a real socket: refusals, a connection that dies under it, small windows.

The broker speaks just enough MQTT (OASIS MQTT 5.0 and 3.1.1, sections 3.1 to 3.4), by hand.
"""

import queue
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.config.types import MqttSection
from gateway.ledger.records import OutboxRow
from gateway.publish.message import Topics
from gateway.publish.publisher import Publisher

CONNECT, CONNACK, PUBLISH, PUBACK = 1, 2, 3, 4
ACCEPTED_5, ACCEPTED_311 = bytes.fromhex("2003000000"), bytes.fromhex("20020000")
PATIENCE_S = 30.0


def packet(stream: socket.socket) -> tuple[int, bytes] | None:
    """One MQTT packet: its type and its body; None at the end of the stream."""
    head = stream.recv(1)
    if not head:
        return None
    length, shift = 0, 0
    while True:
        (byte,) = stream.recv(1)
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            break
    body = b""
    while len(body) < length:
        body += stream.recv(length - len(body))
    return head[0] >> 4, body


def publish_of(body: bytes) -> tuple[str, int]:
    """Topic and packet identifier of a QoS 1 PUBLISH."""
    (size,) = struct.unpack(">H", body[:2])
    (mid,) = struct.unpack(">H", body[2 + size : 4 + size])
    return body[2 : 2 + size].decode(), mid


class Broker:
    """Hands each connection to the next of its scripts, the last one again and again."""

    def __init__(self, *scripts: Callable[["Broker", socket.socket], None]) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.seen: queue.SimpleQueue[object] = queue.SimpleQueue()
        self.connections = 0
        self._scripts = scripts
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                stream, _ = self.listener.accept()
            except OSError:
                return
            script = self._scripts[min(self.connections, len(self._scripts) - 1)]
            self.connections += 1
            with stream:
                stream.settimeout(PATIENCE_S)
                try:
                    script(self, stream)
                except (OSError, ValueError):
                    continue


def answer(code: bytes) -> Callable[[Broker, socket.socket], None]:
    """Answer CONNECT and hang up."""

    def script(broker: Broker, stream: socket.socket) -> None:
        found = packet(stream)
        assert found is not None
        stream.sendall(code)

    return script


def serve(accepted: bytes, hold: int = 0) -> Callable[[Broker, socket.socket], None]:
    """A good broker that notes each topic; with `hold` it acknowledges only in batches of that size."""

    def script(broker: Broker, stream: socket.socket) -> None:
        waiting: list[int] = []
        while (found := packet(stream)) is not None:
            kind, body = found
            if kind == CONNECT:
                broker.seen.put(("protocol", body[6]))
                stream.sendall(accepted)
            elif kind == PUBLISH:
                topic, mid = publish_of(body)
                waiting.append(mid)
                broker.seen.put((topic, len(waiting)))
                if len(waiting) >= max(hold, 1):
                    for one in waiting:
                        stream.sendall(bytes((PUBACK << 4, 2)) + struct.pack(">H", one))
                    waiting.clear()

    return script


def reset_at_once(broker: Broker, stream: socket.socket) -> None:
    """Accept, then reset the connection (RST): the client's next write meets a dead socket."""
    assert packet(stream) is not None
    stream.sendall(ACCEPTED_5)
    assert packet(stream) is not None  # its `online`
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Ledger:
    """The ledger's side: rows until they are acknowledged."""

    def __init__(self, count: int) -> None:
        self.rows = [OutboxRow(n, "grid", "interval", n, "{}") for n in range(1, count + 1)]
        self.acknowledged: list[int] = []
        self.publisher: Publisher | None = None

    def want(self, connection: int, after_id: int, limit: int) -> None:
        assert self.publisher is not None
        left = [row for row in self.rows if row.outbox_id > after_id and row.outbox_id not in self.acknowledged]
        self.publisher.offer_rows(connection, left[:limit])


@pytest.fixture
def started() -> Iterator[Callable[..., tuple[Publisher, Ledger]]]:
    running: list[Publisher] = []

    def start(broker: Broker, rows: int = 3, **settings: str | bool) -> tuple[Publisher, Ledger]:
        ledger = Ledger(rows)
        section = MqttSection(host="127.0.0.1", port=broker.port, **settings)  # type: ignore[arg-type]
        publisher = Publisher(
            section, Topics("n", "g"), "netmeter-g", SystemClock(), ledger.want, ledger.acknowledged.extend
        )
        ledger.publisher = publisher
        publisher.start()
        running.append(publisher)
        return publisher, ledger

    yield start
    for publisher in running:
        publisher.stop()
        publisher.join(10)
        assert not publisher.is_alive()


class LeapingClock(SystemClock):
    """The machine's, which can be set forward: nobody waits for half a minute."""

    ahead_us = 0

    def real_us(self) -> int:
        return super().real_us() + self.ahead_us


def never_acknowledge(broker: Broker, stream: socket.socket) -> None:
    """Accept, take everything, and answer nothing."""
    while (found := packet(stream)) is not None:
        if found[0] == CONNECT:
            stream.sendall(ACCEPTED_5)
        elif found[0] == PUBLISH:
            broker.seen.put(publish_of(found[1])[0])


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S:g} s for {what}"
        time.sleep(0.02)


Start = Callable[..., tuple[Publisher, Ledger]]


@pytest.mark.parametrize(
    "refusal", [bytes.fromhex("2003008700"), bytes.fromhex("2003008800"), bytes.fromhex("2003008900")]
)
def test_a_broker_that_refuses_is_asked_again_and_in_the_same_protocol(
    started: Start, refusal: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    broker = Broker(answer(refusal), answer(refusal), serve(ACCEPTED_5))
    publisher, ledger = started(broker)
    wait_for(lambda: "refused the connection" in caplog.text, "the refusal to be told")
    wait_for(lambda: ledger.acknowledged == [1, 2, 3], "the rows")
    assert publisher.delivery.protocol == "5"
    assert broker.connections == 3


@pytest.mark.parametrize("refusal", [bytes.fromhex("2003008400"), bytes.fromhex("20020001")])
def test_a_broker_of_3_1_1_is_asked_in_3_1_1(started: Start, refusal: bytes) -> None:
    publisher, ledger = started(Broker(answer(refusal), serve(ACCEPTED_311)))
    wait_for(lambda: ledger.acknowledged == [1, 2, 3], "the rows")
    assert publisher.delivery.protocol == "3.1.1"


def test_a_door_that_hangs_up_while_the_broker_is_away_costs_no_mqtt_5(started: Start) -> None:
    broker = Broker(answer(b""), answer(b""), serve(ACCEPTED_5))
    publisher, ledger = started(broker)
    wait_for(lambda: len(ledger.acknowledged) == 3, "the rows")
    assert publisher.delivery.protocol == "5"
    assert broker.connections >= 3  # the control: two were hung up on


def test_a_topic_that_is_no_text_is_passed_over(started: Start) -> None:
    """What MQTT forbids (5.0, 1.5.4) a broker may still send; it ended the publisher's thread."""

    def speak_rubbish(broker: Broker, stream: socket.socket) -> None:
        assert packet(stream) is not None
        stream.sendall(ACCEPTED_5)
        online = packet(stream)
        assert online is not None
        rubbish, mid = bytes.fromhex("30060001ff000000"), publish_of(online[1])[1]
        stream.sendall(rubbish + bytes((PUBACK << 4, 2)) + struct.pack(">H", mid))
        serve(ACCEPTED_5)(broker, stream)

    publisher, ledger = started(Broker(speak_rubbish))
    wait_for(lambda: len(ledger.acknowledged) == 3, "the rows")
    assert publisher.is_alive()


def test_a_broker_that_is_silent_to_5_is_served_in_3_1_1_and_asked_for_5_again() -> None:
    broker = Broker(*[answer(b"")] * 3, serve(ACCEPTED_311), serve(ACCEPTED_5))
    clock, ledger = LeapingClock(), Ledger(3)
    section = MqttSection(host="127.0.0.1", port=broker.port)
    publisher = Publisher(section, Topics("n", "g"), "netmeter-g", clock, ledger.want, ledger.acknowledged.extend)
    ledger.publisher = publisher
    publisher.start()
    try:
        wait_for(lambda: len(ledger.acknowledged) == 3, "the rows")
        assert publisher.delivery.protocol == "3.1.1"
        clock.ahead_us = 61_000_000
        wait_for(lambda: publisher.delivery.protocol == "5", "MQTT 5")
    finally:
        publisher.stop()
        publisher.join(10)
    assert not publisher.is_alive()
    levels = []
    while not broker.seen.empty():
        topic, level = broker.seen.get()  # type: ignore[misc]
        levels += [level] if topic == "protocol" else []
    assert levels[:2] == [4, 5]


@pytest.mark.parametrize("rows", [1, 2, 30])
def test_a_row_is_done_only_when_the_broker_had_it(started: Start, rows: int) -> None:
    broker = Broker(reset_at_once, reset_at_once, serve(ACCEPTED_5))
    publisher, ledger = started(broker, rows)
    for number in range(5):
        publisher.offer_retained("n/g/health", f"{number}")
    wait_for(lambda: len(ledger.acknowledged) == rows, "the rows")
    got = []
    while not broker.seen.empty():
        got.append(broker.seen.get())
    intervals = [topic for topic, _ in got if topic == "n/g/meter/grid/interval"]  # type: ignore[misc]
    assert len(intervals) >= rows
    assert ledger.acknowledged == list(range(1, rows + 1))
    assert publisher.is_alive()


def test_no_more_is_sent_than_the_broker_takes_at_once(started: Start) -> None:
    three_at_once = bytes.fromhex("2006000003210003")  # Receive Maximum 3 (3.2.2.3.3)
    broker = Broker(serve(three_at_once, hold=3))
    _, ledger = started(broker, 30)
    wait_for(lambda: len(ledger.acknowledged) >= 27, "all but the last batch")
    depths = []
    while not broker.seen.empty():
        topic, depth = broker.seen.get()  # type: ignore[misc]
        if topic != "protocol":
            depths.append(depth)
    assert max(depths) == 3  # the control: the broker did let three wait


@pytest.mark.parametrize(
    ("name", "content"),
    [("password_file", b"\xff\xfe"), ("password_file", None), ("ca_file", b"no certificate")],
    ids=["no text", "no file", "no certificate"],
)
def test_a_file_that_cannot_be_used_is_told_and_tried_again(
    started: Start, tmp_path: Path, name: str, content: bytes | None
) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    publisher, _ = started(Broker(serve(ACCEPTED_5)), username="me", tls=name == "ca_file", **{name: str(path)})
    wait_for(lambda: bool(publisher.delivery.error), "the mistake to be told")
    assert publisher.is_alive()
    assert not publisher.delivery.connected


def test_a_broker_that_acknowledges_nothing_for_30_s_is_left_and_gets_all_of_it_again() -> None:
    broker, clock, ledger = Broker(never_acknowledge, serve(ACCEPTED_5)), LeapingClock(), Ledger(30)
    section = MqttSection(host="127.0.0.1", port=broker.port)
    topics = Topics("n", "g")
    publisher = Publisher(section, topics, "netmeter-g", clock, ledger.want, ledger.acknowledged.extend)
    ledger.publisher = publisher
    publisher.start()
    try:
        topics_seen = [broker.seen.get(timeout=PATIENCE_S) for _ in range(20)]
        clock.ahead_us = 31_000_000
        wait_for(lambda: len(ledger.acknowledged) == 30, "the rows, on a connection of its own")
    finally:
        publisher.stop()
        publisher.join(10)
    assert not publisher.is_alive()
    assert broker.connections >= 2
    assert topics_seen.count("n/g/meter/grid/interval") in (19, 20)  # no more than 20 in flight, one may be `online`
