"""One end of an RS-485 line, on a pty, at the pace of a real wire.

A pty hands over bytes at once; this end waits as long as the bytes would have been on the line, answers byte by byte,
and is deaf while it talks (half duplex). 10 bits a character (8N1). A wait may run late on a busy machine, never short.
(Modbus over Serial Line V1.02, 2.5.1)
"""

import os
import select
import termios
import time
import tty
from pathlib import Path

from ..house_time import monotonic_us

BITS_PER_CHARACTER = 10
_SPEEDS = {1200: termios.B1200, 2400: termios.B2400, 4800: termios.B4800, 9600: termios.B9600}
_SPEEDS |= {19200: termios.B19200, 38400: termios.B38400, 57600: termios.B57600, 115200: termios.B115200}


def wire_us(characters: int, baud_bd: int) -> int:
    """How long so many characters are on the line, microseconds, rounded up."""
    return -(-characters * BITS_PER_CHARACTER * 1_000_000 // baud_bd)


def silence_us(baud_bd: int) -> int:
    """3.5 characters, which end a frame; 1750 us above 19200 baud."""
    return 1750 if baud_bd > 19200 else -(-7 * BITS_PER_CHARACTER * 1_000_000 // (2 * baud_bd))


class RtuLine:
    """A pty whose slave side stands at a stable path (a symbolic link)."""

    def __init__(self, link: Path, baud_bd: int) -> None:
        """Open the pty and make the link. Raises FileExistsError where `link` is something else than a link."""
        self._baud_bd = baud_bd
        self._link = link
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._theirs)
        self._set_speed()
        self.device = os.ttyname(self._theirs)
        if link.exists() and not link.is_symlink():
            raise FileExistsError(f"{link} exists and is no link; name another path")
        fresh = link.with_name(f"{link.name}.{os.getpid()}")
        fresh.symlink_to(self.device)
        fresh.replace(link)

    def receive(self, timeout_us: int) -> tuple[bytes, int]:
        """The next frame and the instant (monotonic, us) at which its last character has left the wire.

        b"" if none begins within the timeout, or if the other side talks at another speed.
        """
        if not self._readable(timeout_us):
            return b"", monotonic_us()
        begun_us, frame = monotonic_us(), os.read(self._ours, 512)
        while self._readable(silence_us(self._baud_bd)):
            frame += os.read(self._ours, 512)
            frame = frame[-512:]
        if termios.tcgetattr(self._theirs)[5] != _SPEEDS[self._baud_bd]:
            return b"", monotonic_us()
        return frame, begun_us + wire_us(len(frame), self._baud_bd)

    def send(self, frame: bytes) -> None:
        """Put a frame on the line: each character arrives when a wire would have delivered it."""
        begun_us, sent = monotonic_us(), 0
        while sent < len(frame):
            sleep_until(begun_us + wire_us(sent + 1, self._baud_bd))
            due = max(sent + 1, (monotonic_us() - begun_us) * self._baud_bd // (BITS_PER_CHARACTER * 1_000_000))
            if due >= len(frame):
                self._drop_heard()
            sent += os.write(self._ours, frame[sent : min(due, len(frame))])

    def close(self) -> None:
        """Take the link away if it is still ours, and hang up."""
        if self._link.is_symlink() and str(self._link.readlink()) == self.device:
            self._link.unlink()
        os.close(self._ours)
        os.close(self._theirs)

    def _drop_heard(self) -> None:
        """What came while this end was talking collided on the wire."""
        while self._readable(0):
            os.read(self._ours, 512)

    def _readable(self, timeout_us: int) -> bool:
        return bool(select.select([self._ours], [], [], timeout_us / 1_000_000)[0])

    def _set_speed(self) -> None:
        attributes = termios.tcgetattr(self._theirs)
        attributes[4] = attributes[5] = _SPEEDS[self._baud_bd]
        termios.tcsetattr(self._theirs, termios.TCSANOW, attributes)


def sleep_until(instant_us: int) -> None:
    """Sleep until CLOCK_MONOTONIC has reached `instant_us`; not before."""
    while (left_us := instant_us - monotonic_us()) > 0:
        time.sleep(left_us / 1_000_000)
