"""A transport whose other end is written down: which bytes come, and when, on a virtual clock.

For tests. It obeys the same Protocol as the real ones; nothing here waits in real time.
"""

import heapq
from collections.abc import Callable, Iterable

from ..errors import TransportLostError

Peer = Callable[[bytes], Iterable[tuple[int, bytes]]]
"""Given what was written: (delay in microseconds after the write, bytes) for everything that comes back."""


class VirtualTicker:
    """A clock that moves only when somebody sleeps or waits on a scripted transport."""

    def __init__(self, start_us: int = 0) -> None:
        self.now_us = start_us

    def monotonic_us(self) -> int:
        return self.now_us

    def sleep_us(self, duration_us: int) -> None:
        self.now_us += max(0, duration_us)


class ScriptedTransport:
    """The near end of a scripted peer. `written` keeps (time, bytes) of all that was sent."""

    name = "scripted"

    def __init__(self, ticker: VirtualTicker, peer: Peer) -> None:
        self._ticker = ticker
        self._peer = peer
        self._coming: list[tuple[int, int, bytes]] = []
        self._order = 0
        self._open = False
        self.openings = 0
        self.lost = False
        """True: the port is gone; every call but `close` fails until it is set back."""
        self.written: list[tuple[int, bytes]] = []

    @property
    def is_open(self) -> bool:
        return self._open

    def open(self) -> None:
        self._check()
        if not self._open:
            self._open = True
            self.openings += 1

    def close(self) -> None:
        self._open = False

    def write(self, data: bytes) -> None:
        self._check_open()
        now_us = self._ticker.now_us
        self.written.append((now_us, data))
        for delay_us, answer in self._peer(data):
            self.arrive(now_us + delay_us, answer)

    def arrive(self, at_us: int, data: bytes) -> None:
        """Let `data` come at `at_us`, asked for or not."""
        if data:
            heapq.heappush(self._coming, (at_us, self._order, data))
            self._order += 1

    def read(self, max_bytes: int, deadline_us: int) -> bytes:
        self._check_open()
        if not self._coming or self._coming[0][0] > max(deadline_us, self._ticker.now_us):
            self._ticker.now_us = max(self._ticker.now_us, deadline_us)
            return b""
        self._ticker.now_us = max(self._ticker.now_us, self._coming[0][0])
        taken = b""
        while self._coming and self._coming[0][0] <= self._ticker.now_us and len(taken) < max_bytes:
            at_us, order, data = heapq.heappop(self._coming)
            room = max_bytes - len(taken)
            taken += data[:room]
            if data[room:]:
                heapq.heappush(self._coming, (at_us, order, data[room:]))
        return taken

    def drain(self) -> bytes:
        return self.read(65536, self._ticker.now_us)

    def _check(self) -> None:
        if self.lost:
            raise TransportLostError(f"{self.name}: gone")

    def _check_open(self) -> None:
        self._check()
        if not self._open:
            raise TransportLostError(f"{self.name}: not open")
