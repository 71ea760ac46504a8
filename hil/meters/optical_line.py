"""The meter's side of an optical head, on a pty: at the pace of real light, at the speed that the host has set.

The host's speed is read from the pty each time bytes pass, so a host that has not switched hears what it would hear.
A wait may run late on a busy machine, never short. With `echo` the head gives back what the host sends, as many do.
(IEC 62056-21, 4.3 and 5.4)
"""

import os
import select
import termios
import time
import tty
from collections.abc import Callable
from pathlib import Path

from ..house_time import monotonic_us
from .optical_bits import BITS_PER_CHARACTER, as_heard

SPEEDS_BD = {getattr(termios, f"B{baud_bd}"): baud_bd for baud_bd in (300, 600, 1200, 2400, 4800, 9600, 19200, 38400)}
TICK_US = 100_000
SLICE_US = 20_000


class OpticalLine:
    """A pty whose slave side stands at a stable path (a symbolic link)."""

    def __init__(self, link: Path, *, echo: bool = False, tick: Callable[[], None] = lambda: None) -> None:
        """Open the pty and make the link; `tick` is called several times a second while the line waits or sends.

        Raises FileExistsError where `link` is something else than a link.
        """
        self._link, self._echo, self._tick = link, echo, tick
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._theirs)
        self.device = os.ttyname(self._theirs)
        if link.exists() and not link.is_symlink():
            raise FileExistsError(f"{link} exists and is no link; name another path")
        fresh = link.with_name(f"{link.name}.{os.getpid()}")
        fresh.symlink_to(self.device)
        fresh.replace(link)

    @property
    def host_bd(self) -> int:
        """The speed that the host's side is set to; 0 for one that no optical port has."""
        return SPEEDS_BD.get(termios.tcgetattr(self._theirs)[5], 0)

    def listen(self, baud_bd: int, until_us: int | None) -> tuple[int, bytes]:
        """The next bytes, as a meter at `baud_bd` hears them, and when their last bit is over; b"" at `until_us`."""
        while True:
            self._tick()
            now_us = monotonic_us()
            if until_us is not None and now_us >= until_us:
                return now_us, b""
            wait_us = TICK_US if until_us is None else min(TICK_US, until_us - now_us)
            if not select.select([self._ours], [], [], wait_us / 1e6)[0]:
                continue
            data, host_bd = os.read(self._ours, 512), self.host_bd
            if self._echo:
                os.write(self._ours, data)
            if host_bd:
                sleep_until(now_us + len(data) * BITS_PER_CHARACTER * 1_000_000 // host_bd)
                return monotonic_us(), as_heard(data, host_bd, baud_bd)

    def say(self, baud_bd: int, at_us: int, characters: bytes) -> int:
        """Send from `at_us` on, each character when it is over on the wire; when the last was. Deaf meanwhile."""
        sleep_until(at_us)
        begun_us, sent = monotonic_us(), 0
        character_us = BITS_PER_CHARACTER * 1_000_000 / baud_bd
        while sent < len(characters):
            self._tick()
            sleep_until(begun_us + int(min(len(characters), sent + max(1, SLICE_US / character_us)) * character_us))
            due = min(len(characters), max(sent + 1, int((monotonic_us() - begun_us) / character_us)))
            host_bd = self.host_bd
            piece = as_heard(characters[sent:due], baud_bd, host_bd) if host_bd else b""
            self._put(piece)
            sent = due
        return monotonic_us()

    def close(self) -> None:
        """Take the link away if it is still ours, and hang up."""
        if self._link.is_symlink() and str(self._link.readlink()) == self.device:
            self._link.unlink()
        os.close(self._ours)
        os.close(self._theirs)

    def _put(self, piece: bytes) -> None:
        """To a host that reads; one that has gone away loses what the pty does not hold, as with light."""
        while piece and select.select([], [self._ours], [], 0)[1]:
            piece = piece[os.write(self._ours, piece) :]


def sleep_until(instant_us: int) -> None:
    """Sleep until CLOCK_MONOTONIC has reached `instant_us`; not before."""
    while (left_us := instant_us - monotonic_us()) > 0:
        time.sleep(left_us / 1_000_000)
