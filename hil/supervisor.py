"""The supervisor's side of sd_notify(3): a datagram socket that keeps what a daemon says, and when it came.

Stands in for systemd: `would_kill` applies the rule of WatchdogSec=. Ends nothing by itself.
"""

import itertools
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path

BUFFER_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Word:
    """One message: its assignments, and when it came (CLOCK_MONOTONIC, seconds)."""

    at_s: float
    assignments: dict[str, str]


class Supervisor:
    """Listens from the start until `close`. `address` is a path or, with a leading @, an abstract name."""

    def __init__(self, address: str | Path, watchdog_s: float) -> None:
        self.watchdog_s = watchdog_s
        self._address = str(address)
        self._words: list[Word] = []
        self._came = threading.Condition()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + self._address[1:] if self._address.startswith("@") else self._address)
        self._thread = threading.Thread(target=self._listen, name="supervisor", daemon=True)
        self._thread.start()

    @property
    def environment(self) -> dict[str, str]:
        """What the daemon is started with. No WATCHDOG_PID: its pid is not known before."""
        return {"NOTIFY_SOCKET": self._address, "WATCHDOG_USEC": str(int(self.watchdog_s * 1e6)), "WATCHDOG_PID": ""}

    @property
    def words(self) -> list[Word]:
        """All that was said so far."""
        with self._came:
            return list(self._words)

    @property
    def status(self) -> str:
        """The STATUS that holds now; empty before the first."""
        said = [word.assignments["STATUS"] for word in self.words if "STATUS" in word.assignments]
        return said[-1] if said else ""

    def said(self, key: str) -> bool:
        """Whether KEY=1 has come, such as READY."""
        return any(word.assignments.get(key) == "1" for word in self.words)

    def feeds_s(self, since_s: float) -> list[float]:
        """When WATCHDOG=1 came, from a moment on."""
        return [word.at_s for word in self.words if word.assignments.get("WATCHDOG") == "1" and word.at_s >= since_s]

    def would_kill(self, from_s: float, until_s: float) -> bool:
        """Whether two feeds, or a feed and either end, lie more than the watchdog's period apart."""
        moments = [from_s, *(at for at in self.feeds_s(from_s) if at <= until_s), until_s]
        return any(later - earlier > self.watchdog_s for earlier, later in itertools.pairwise(moments))

    def close(self) -> None:
        """Stop listening."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while message := self._socket.recv(BUFFER_BYTES):
            pairs = (line.partition("=") for line in message.decode().splitlines())
            word = Word(time.monotonic(), {key: text for key, _, text in pairs})
            with self._came:
                self._words.append(word)
