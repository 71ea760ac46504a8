"""The proxy between an MQTT client and its broker: does each fault hit, and nothing else? Packets by hand."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from hil.mqtt_proxy import Proxy, puback_reason, split

PUBLISH = bytes.fromhex("320a0003612f62000100aabb")  # QoS 1, topic a/b, identifier 1, no properties, two bytes
PUBACK, PUBACK_REFUSED = bytes.fromhex("40020001"), bytes.fromhex("4003000187")
LONG = bytes([0x32, 0x80, 0x01]) + bytes(128)  # a length of two bytes: 128
PATIENCE_S = 20.0


def until(truth: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not truth():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


class Ends:
    """A broker that notes what comes, behind a proxy, and a client before it."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.proxy = Proxy(self.listener.getsockname()[1])
        self.came = b""
        self.served: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                stream, _ = self.listener.accept()
            except OSError:
                return
            self.served.append(stream)
            threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream: socket.socket) -> None:
        try:
            while chunk := stream.recv(4096):
                self.came += chunk
        except OSError:
            return

    def client(self) -> socket.socket:
        known = len(self.served)
        stream = socket.create_connection(("127.0.0.1", self.proxy.port))
        stream.settimeout(PATIENCE_S)
        until(lambda: len(self.served) > known and self.proxy.is_through)
        return stream


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    made.proxy.close()
    made.listener.close()


def gone(stream: socket.socket) -> bool:
    try:
        return stream.recv(10) == b""
    except OSError:
        return True


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_stream_is_split_where_packets_end_however_it_comes(size: int) -> None:
    stream, found, rest = PUBACK + LONG + PUBLISH + PUBACK_REFUSED, [], b""
    for place in range(0, len(stream), size):
        packets, rest = split(rest + stream[place : place + size])
        found += packets
    assert found == [PUBACK, LONG, PUBLISH, PUBACK_REFUSED]
    assert rest == b""


def test_a_refusal_is_told_from_an_acknowledgement() -> None:
    assert (puback_reason(PUBACK), puback_reason(PUBACK_REFUSED)) == (0, 0x87)


def test_without_a_fault_every_byte_goes_through_both_ways(ends: Ends) -> None:
    with ends.client() as client:
        client.sendall(PUBLISH + LONG)
        until(lambda: ends.came == PUBLISH + LONG)
        ends.served[0].sendall(PUBACK)
        assert client.recv(10) == PUBACK


def test_acknowledgements_are_lost_and_nothing_else(ends: Ends) -> None:
    with ends.client() as client:
        ends.proxy.puback_loss = 1.0
        client.sendall(PUBACK + PUBLISH)
        until(lambda: ends.came == PUBLISH)
        assert ends.proxy.counts["pubacks_lost"] == 1


def test_a_packet_is_cut_in_the_middle_with_its_connection(ends: Ends) -> None:
    with ends.client() as client:
        ends.proxy.halves = 1
        client.sendall(LONG)
        assert gone(client)
    until(lambda: ends.proxy.counts["halved"] == 1)
    assert ends.came in (b"", LONG[: len(LONG) // 2])  # a reset may take what was on its way
    with ends.client() as client:  # the next one is whole
        ends.came = b""
        client.sendall(LONG)
        until(lambda: ends.came == LONG)


def test_a_frozen_connection_stands_and_carries_nothing(ends: Ends) -> None:
    with ends.client() as client:
        assert ends.proxy.freeze() == 1
        client.sendall(PUBLISH)
        until(lambda: ends.proxy.counts["swallowed"] == len(PUBLISH))
        assert ends.came == b""
        assert not ends.proxy.is_through
        with ends.client() as other:
            other.sendall(PUBACK)
            until(lambda: ends.came == PUBACK)


def test_an_outage_cuts_and_lets_nobody_in(ends: Ends) -> None:
    with ends.client() as client:
        ends.proxy.is_out = True
        assert ends.proxy.cut() == 1
        assert gone(client)
    with socket.create_connection(("127.0.0.1", ends.proxy.port)) as client:
        client.settimeout(PATIENCE_S)
        assert gone(client)
    assert ends.proxy.counts["refused"] == 1
