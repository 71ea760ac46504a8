"""A serial port at the far end of a network, whose line settings travel too (RFC 2217), through pyserial's client.

pyserial reads in a thread of its own and may take five seconds to connect and six to agree: for a line's thread only.
Its `timeout` is never changed on an open port: that would negotiate every setting anew.
"""

import contextlib

from serial import SerialException, rfc2217

from ..errors import TransportLostError
from ..timing import Ticker
from .serial import Parity

DRAIN_LIMIT = 65536
LOOK_EVERY_S = 0.02
"""How long one wait for a byte lasts; a byte that comes ends it at once."""
_FAILURES = (SerialException, OSError, ValueError)


class Rfc2217Transport:
    """One port behind a terminal server."""

    def __init__(
        self,
        host: str,
        port: int,
        baud_bd: int,
        ticker: Ticker,
        *,
        parity: Parity = Parity.NONE,
        stop_bits: int = 1,
    ) -> None:
        self._url = f"rfc2217://{f'[{host}]' if ':' in host else host}:{port}"
        self._baud_bd = baud_bd
        self._ticker = ticker
        self._parity = parity
        self._stop_bits = stop_bits
        self._serial: rfc2217.Serial | None = None

    @property
    def is_open(self) -> bool:
        return self._serial is not None

    @property
    def name(self) -> str:
        return self._url

    def open(self) -> None:
        """Connect and make the line settings. Raises TransportLostError."""
        if self._serial is not None:
            return
        try:
            self._serial = rfc2217.Serial(
                self._url,
                self._baud_bd,
                parity=self._parity.value,
                stopbits=self._stop_bits,
                timeout=LOOK_EVERY_S,
            )
        except _FAILURES as error:
            mend = "is the terminal server on, the port right, and RFC 2217 (not raw) chosen for it?"
            raise TransportLostError(f"{self._url}: {error}; {mend}") from error

    def close(self) -> None:
        port, self._serial = self._serial, None
        if port is not None:
            with contextlib.suppress(*_FAILURES):
                port.close()

    def write(self, data: bytes) -> None:
        port = self._opened()
        try:
            port.write(data)
        except _FAILURES as error:
            raise self._lost("write", error) from error

    def read(self, max_bytes: int, deadline_us: int) -> bytes:
        port = self._opened()
        try:
            while True:
                # A connection that ends counts as one that waits, and brings nothing: the next look raises.
                if heard := port.read(max(1, min(port.in_waiting, max_bytes))):
                    return bytes(heard)
                if self._ticker.monotonic_us() >= deadline_us:
                    return b""
        except _FAILURES as error:
            raise self._lost("read", error) from error

    def drain(self) -> bytes:
        data = b""
        while len(data) < DRAIN_LIMIT and (more := self.read(4096, 0)):
            data += more
        return data

    def _opened(self) -> rfc2217.Serial:
        if self._serial is None:
            raise TransportLostError(f"{self._url}: not connected")
        return self._serial

    def _lost(self, doing: str, error: Exception) -> TransportLostError:
        return TransportLostError(f"{self._url}: lost during {doing}: {error}")
