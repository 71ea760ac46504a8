"""A serial line through pyserial: opened exclusively, read by deadline, every failure told with its mend.

Never changes the framing after opening: a pty refuses that with termios.error, which is neither an OSError nor a
SerialException (facts of pyserial 3.5 and Linux). Of a port with eight bits and no parity the rate can be changed.
"""

import contextlib
import enum
import errno
import select
import termios

import serial

from ..errors import TransportLostError
from ..timing import Ticker
from .holder import holder_of

DRAIN_LIMIT = 65536
_FAILURES = (serial.SerialException, OSError, termios.error, ValueError)


class Parity(enum.StrEnum):
    """Parity of a character; the values are the usual letters."""

    NONE = "N"
    EVEN = "E"
    ODD = "O"


class SerialTransport:
    """One serial port. `port` should be a path below /dev/serial/by-id: it is looked up anew at each opening, and so
    an adapter that was pulled out is found again under whatever name the kernel gives it."""

    def __init__(
        self,
        port: str,
        baud_bd: int,
        ticker: Ticker,
        *,
        parity: Parity = Parity.NONE,
        stop_bits: int = 1,
        data_bits: int = 8,
    ) -> None:
        self._port = port
        self._baud_bd = baud_bd
        self._ticker = ticker
        self._parity = parity
        self._stop_bits = stop_bits
        self._data_bits = data_bits
        self._serial: serial.Serial | None = None

    @property
    def is_open(self) -> bool:
        return self._serial is not None

    @property
    def name(self) -> str:
        return self._port

    def open(self) -> None:
        """Open the port and lock it against every other program that locks. Raises TransportLostError."""
        if self._serial is not None:
            return
        try:
            self._serial = serial.Serial(
                self._port,
                self._baud_bd,
                bytesize=self._data_bits,
                parity=self._parity.value,
                stopbits=self._stop_bits,
                timeout=0,
                write_timeout=5,
                exclusive=True,  # flock on the device itself: one lock whatever path it was opened by
            )
        except _FAILURES as error:
            raise TransportLostError(f"{self._port}: {_open_mend(error, self._port)}") from error

    def close(self) -> None:
        port, self._serial = self._serial, None
        if port is not None:
            with contextlib.suppress(*_FAILURES):
                port.close()

    def set_baud(self, baud_bd: int) -> None:
        """The rate from now on, and of the next opening. Raises TransportLostError."""
        self._baud_bd = baud_bd
        if self._serial is None or self._serial.baudrate == baud_bd:
            return
        try:
            self._serial.baudrate = baud_bd
        except _FAILURES as error:
            raise self._lost(f"the change to {baud_bd} Bd", error) from error

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
                left_us = max(0, deadline_us - self._ticker.monotonic_us())
                ready, _, _ = select.select([port.fileno()], [], [], left_us / 1_000_000)
                if not ready:
                    return b""
                if data := port.read(max_bytes):
                    return bytes(data)
        except _FAILURES as error:
            raise self._lost("read", error) from error

    def drain(self) -> bytes:
        data = b""
        while len(data) < DRAIN_LIMIT and (more := self.read(4096, 0)):
            data += more
        return data

    def _opened(self) -> serial.Serial:
        if self._serial is None:
            raise TransportLostError(f"{self._port}: not open")
        return self._serial

    def _lost(self, doing: str, error: Exception) -> TransportLostError:
        return TransportLostError(f"{self._port}: lost during {doing}: {error}; is the adapter still plugged in?")


def _open_mend(error: BaseException, port: str) -> str:
    """What to do about a port that cannot be opened."""
    number = _error_number(error)
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return "does not exist; is the adapter plugged in? `ls -l /dev/serial/by-id` shows the lasting names"
    if number in (errno.EACCES, errno.EPERM):
        return "permission denied; add the user to group dialout and log in again"
    if number in (errno.EBUSY, errno.EWOULDBLOCK):
        held_by = holder_of(port)
        return f"busy; held by {held_by}" if held_by else "busy; another program holds it (`sudo fuser -v` names it)"
    if number in (errno.ENOTTY, errno.EINVAL, errno.EISDIR):
        return f"is not a serial port, or refuses these line settings ({error})"
    return f"cannot be opened: {error}"


def _error_number(error: BaseException) -> int | None:
    """The errno in `error`, or in what it was raised from: pyserial wraps, and termios.error has it as an argument."""
    cause: BaseException | None = error
    while cause is not None:
        number = getattr(cause, "errno", None)
        if number is None and cause.args:
            number = cause.args[0]
        if isinstance(number, int):
            return number
        cause = cause.__context__
    return None
