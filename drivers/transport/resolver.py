"""Host names to addresses, without holding up who asks: a few threads of its own wait for the name servers.

An address written as numbers is no question and is answered at once. Threads are started when first needed and end with
the process: a name server that is silent for half a minute must not hold up an end either.
"""

import queue
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass

THREADS = 4

Address = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int]]


@dataclass(frozen=True, slots=True)
class Resolved:
    """What became of a question: addresses in the order in which they are to be tried, or why there are none."""

    number: int
    addresses: tuple[Address, ...]
    error: OSError | UnicodeError | None = None


class Resolver:
    """`done` is called in a thread of the resolver's own for every question."""

    def __init__(self, done: Callable[[Resolved], None]) -> None:
        self._done = done
        self._questions: queue.SimpleQueue[tuple[int, str, int]] = queue.SimpleQueue()
        self._threads = 0

    def ask(self, number: int, host: str, port: int) -> None:
        """`number` is the caller's, and stands on the answer."""
        if self._threads < THREADS:
            self._threads += 1
            threading.Thread(target=self._serve, name=f"resolver {self._threads}", daemon=True).start()
        self._questions.put((number, host, port))

    def _serve(self) -> None:
        while True:
            number, host, port = self._questions.get()
            try:
                self._done(Resolved(number, look_up(host, port)))
            except (OSError, UnicodeError) as error:
                self._done(Resolved(number, (), error))


def look_up(host: str, port: int, flags: int = 0) -> tuple[Address, ...]:
    """The addresses of `host`. Blocks as long as the name servers take. Raises OSError, UnicodeError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return tuple((family, address) for family, _, _, _, address in found)  # type: ignore[misc]


def numeric(host: str, port: int) -> tuple[Address, ...]:
    """The address of a host written as numbers, without asking anybody; empty for a name."""
    try:
        return look_up(host, port, socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return ()
