"""A TCP proxy between an MQTT client and its broker that knows where a packet ends: it cuts, drops, delays, freezes.

On a free loopback port, in threads of the caller's process. Counts what it did, so that a fault that never hit is
seen. Knows of MQTT only the fixed header (OASIS MQTT 5.0, 2.1) and the two packet types that it has to tell apart.
"""

import contextlib
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator

HOST = "127.0.0.1"
PUBLISH, PUBACK, DISCONNECT = 3, 4, 14
FAILURE = 0x80
"""Reason codes from here on are refusals (2.4)."""
CONNECT_WITHIN_S = 5.0


class Proxy:
    """Listens as soon as it is made. The faults are switched by attributes and methods, at any time."""

    def __init__(self, broker_port: int, seed: int = 0) -> None:
        self.counts: Counter[str] = Counter()
        """connections, cut, refused, pubacks_lost, halved, swallowed, delayed, publishes (by the client), refusals (in
        a PUBACK), told_to_go."""
        self.is_out = False
        """Nobody gets through: connections are taken and closed at once."""
        self.puback_loss = 0.0
        """The share of acknowledgements that vanish, both ways."""
        self.delay_s = 0.0
        """How long each packet waits."""
        self.halves = 0
        """So many PUBLISH packets are cut in the middle, with their connection."""
        self._random = random.Random(seed)
        self._broker_port = broker_port
        self._pairs: set[_Pair] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server((HOST, 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def is_through(self) -> bool:
        """Whether a connection stands that is not frozen."""
        with self._lock:
            return any(not pair.is_frozen for pair in self._pairs)

    def cut(self) -> int:
        """Reset all connections; how many there were."""
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            pair.reset()
        self._count("cut", len(pairs))
        return len(pairs)

    def freeze(self) -> int:
        """Leave all connections half-open for good: nothing that is sent arrives, nobody is told. How many."""
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            pair.is_frozen = True
        return len(pairs)

    def heal(self) -> None:
        """No more faults on new connections."""
        self.is_out, self.puback_loss, self.delay_s, self.halves = False, 0.0, 0.0, 0

    def close(self) -> None:
        """Stop listening, and reset what is open."""
        self._listener.close()
        self.cut()

    def take_half(self) -> bool:
        """Whether this PUBLISH is to be cut in the middle."""
        with self._lock:
            if self.halves <= 0:
                return False
            self.halves -= 1
            self.counts["halved"] += 1
            return True

    def loses(self) -> bool:
        """Whether this acknowledgement vanishes."""
        with self._lock:
            lost = self._random.random() < self.puback_loss
            self.counts["pubacks_lost"] += lost
            return lost

    def count(self, what: str, by: int = 1) -> None:
        """Note what was done."""
        self._count(what, by)

    def forget(self, pair: "_Pair") -> None:
        """A connection has ended."""
        with self._lock:
            self._pairs.discard(pair)

    def _count(self, what: str, by: int = 1) -> None:
        with self._lock:
            self.counts[what] += by

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.is_out:
                self._count("refused")
                client.close()
                continue
            try:
                broker = socket.create_connection((HOST, self._broker_port), CONNECT_WITHIN_S)
            except OSError:
                self._count("refused")
                client.close()
                continue
            broker.settimeout(None)
            self._count("connections")
            pair = _Pair(self, client, broker)
            with self._lock:
                self._pairs.add(pair)
            pair.start()


class _Pair:
    """One connection through the proxy: two sockets and a thread for each direction."""

    def __init__(self, proxy: Proxy, client: socket.socket, broker: socket.socket) -> None:
        self.is_frozen = False
        self._proxy, self._client, self._broker = proxy, client, broker

    def start(self) -> None:
        for source, sink, is_down in ((self._client, self._broker, False), (self._broker, self._client, True)):
            threading.Thread(target=self._pump, args=(source, sink, is_down), daemon=True).start()

    def reset(self) -> None:
        """End both sides with RST."""
        for one in (self._client, self._broker):
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _pump(self, source: socket.socket, sink: socket.socket, is_down: bool) -> None:
        buffer = b""
        try:
            while chunk := source.recv(65_536):
                if self.is_frozen:
                    self._proxy.count("swallowed", len(chunk))
                    continue
                buffer += chunk
                packets, buffer = split(buffer)
                for packet in packets:
                    if not self._pass(packet, sink, is_down):
                        return
        except OSError:
            pass
        finally:
            self._proxy.forget(self)
            self.reset()

    def _pass(self, packet: bytes, sink: socket.socket, is_down: bool) -> bool:
        """Send one packet on, or what the faults leave of it; False where the connection ends with it."""
        proxy, kind = self._proxy, packet[0] >> 4
        if proxy.delay_s:
            proxy.count("delayed")
            time.sleep(proxy.delay_s)
        if self.is_frozen:
            proxy.count("swallowed", len(packet))
            return True
        if is_down and kind == PUBACK and puback_reason(packet) >= FAILURE:
            proxy.count("refusals")
        if not is_down and kind == PUBLISH:
            proxy.count("publishes")
        if is_down and kind == DISCONNECT:
            proxy.count("told_to_go")
        if kind == PUBACK and proxy.puback_loss and proxy.loses():
            return True
        if kind == PUBLISH and proxy.halves and proxy.take_half():
            sink.sendall(packet[: len(packet) // 2])
            return False
        sink.sendall(packet)
        return True


def split(buffer: bytes) -> tuple[list[bytes], bytes]:
    """The whole packets at the front of a stream, and the rest."""
    packets: list[bytes] = []
    start = 0
    for end in _ends(buffer):
        packets.append(buffer[start:end])
        start = end
    return packets, buffer[start:]


def puback_reason(packet: bytes) -> int:
    """A PUBACK's reason code; 0 where it has none (3.4.2.1; under 3.1.1 it never has)."""
    return packet[4] if packet[1] > 2 else 0


def _ends(buffer: bytes) -> Iterator[int]:
    """Where each whole packet ends: a byte of type and flags, a length of one to four bytes, so many bytes."""
    start = 0
    while start < len(buffer):
        length = shift = 0
        place = start + 1
        while True:
            if place >= len(buffer):
                return
            length |= (buffer[place] & 0x7F) << shift
            shift += 7
            place += 1
            if not buffer[place - 1] & 0x80:
                break
        if place + length > len(buffer):
            return
        start = place + length
        yield start
