"""An optical head in virtual time: the simulated meter at one end, the driver's port at the other, no wait at all.

Every character takes its time on the line, is heard at the rate of whoever hears it, and comes in pieces of any size.
A meter is deaf while it talks.
"""

from collections import deque

from drivers.transport.scripted import VirtualTicker

from ..chance import between
from ..meters.optical_bits import BITS_PER_CHARACTER, as_heard
from ..meters.optical_meter import Listen, OpticalMeter

PIECE = 64


class VirtualHead:
    """A `drivers.iec62056.runner.Port`. `echo`: the head gives back what it is sent."""

    name = "virtual head"

    def __init__(self, meter: OpticalMeter, ticker: VirtualTicker, *, echo: bool, seed: int) -> None:
        self._ticker, self._echo, self._seed = ticker, echo, seed
        self._baud_bd = 300
        self._pieces = 0
        self._to_meter: deque[tuple[int, bytes, int]] = deque()
        self._to_host: deque[tuple[int, int, int]] = deque()
        """(when it is over, character, rate)."""
        self._life = meter.live()
        self._wanted = next(self._life)
        self._meter_us = 0
        self.is_open = False

    def open(self) -> None:
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def set_baud(self, baud_bd: int) -> None:
        self._baud_bd = baud_bd

    def write(self, data: bytes) -> None:
        now_us = self._ticker.now_us
        end_us = now_us + _wire_us(len(data), self._baud_bd)
        self._to_meter.append((end_us, data, self._baud_bd))
        if self._echo:
            for place, one in enumerate(data, 1):
                self._to_host.append((now_us + _wire_us(place, self._baud_bd), one, self._baud_bd))

    def read(self, max_bytes: int, deadline_us: int) -> bytes:
        while True:
            first_us = self._to_host[0][0] if self._to_host else None
            event_us = self._next_event_us()
            if first_us is not None and first_us <= deadline_us and (event_us is None or first_us <= event_us):
                return self._piece(first_us, max_bytes)
            if event_us is None or event_us > deadline_us:
                self._ticker.now_us = max(self._ticker.now_us, deadline_us)
                return b""
            self._happen(event_us)

    def drain(self) -> bytes:
        taken = b""
        while more := self.read(4096, self._ticker.now_us):
            taken += more
        return taken

    def _piece(self, first_us: int, max_bytes: int) -> bytes:
        """What is there when the host looks: any number of characters that follow each other."""
        self._ticker.now_us = max(self._ticker.now_us, first_us)
        self._pieces += 1
        most = min(max_bytes, between(1, PIECE, self._seed, self._pieces))
        taken, rate_bd = bytearray(), self._to_host[0][2]
        while self._to_host and len(taken) < most and self._to_host[0][2] == rate_bd:
            at_us, one, _ = self._to_host.popleft()
            self._ticker.now_us = max(self._ticker.now_us, at_us)
            taken.append(one)
        return as_heard(bytes(taken), rate_bd, self._baud_bd) or b"\x00"

    def _next_event_us(self) -> int | None:
        """When the meter does or hears something next."""
        if not isinstance(self._wanted, Listen):
            return max(self._wanted.at_us, self._meter_us)
        while self._to_meter and self._to_meter[0][0] < self._meter_us:
            self._to_meter.popleft()  # it was talking
        moments = [self._to_meter[0][0]] if self._to_meter else []
        if self._wanted.until_us is not None:
            moments.append(max(self._wanted.until_us, self._meter_us))
        return min(moments, default=None)

    def _happen(self, at_us: int) -> None:
        heard = b""
        if not isinstance(self._wanted, Listen):
            said = self._wanted
            for place, one in enumerate(said.characters, 1):
                self._to_host.append((at_us + _wire_us(place, said.baud_bd), one, said.baud_bd))
            at_us += _wire_us(len(said.characters), said.baud_bd)
            self._to_host = deque(sorted(self._to_host, key=lambda one: one[0]))
        elif self._to_meter and self._to_meter[0][0] <= at_us:
            at_us, data, rate_bd = self._to_meter.popleft()
            heard = as_heard(data, rate_bd, self._wanted.baud_bd)
        self._meter_us = at_us
        self._wanted = self._life.send((at_us, heard))


def _wire_us(characters: int, baud_bd: int) -> int:
    return characters * BITS_PER_CHARACTER * 1_000_000 // baud_bd
