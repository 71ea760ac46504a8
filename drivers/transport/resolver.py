"""Host names to addresses, without holding up who asks: threads of its own wait for the name servers.

An address written as numbers is no question and is answered at once. A name is asked for once at a time, and one whose
name server is silent holds up no other. Threads are started when needed and end with the process: a name server that is
silent for half a minute must not hold up an end either.
"""

import queue
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass

MOST_THREADS = 64
"""So many names that hang at once leave the others theirs."""

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
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, int], list[int]] = {}
        """Whose numbers wait for the same answer."""
        self._questions: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()
        self._threads = 0

    def ask(self, number: int, host: str, port: int) -> None:
        """`number` is the caller's, and stands on the answer."""
        with self._lock:
            numbers = self._waiting.setdefault((host, port), [])
            numbers.append(number)
            if len(numbers) > 1:
                return
            if self._threads < min(len(self._waiting), MOST_THREADS):
                self._threads += 1
                threading.Thread(target=self._serve, name=f"resolver {self._threads}", daemon=True).start()
        self._questions.put((host, port))

    def _serve(self) -> None:
        while True:
            host, port = self._questions.get()
            addresses: tuple[Address, ...] = ()
            failure: OSError | UnicodeError | None = None
            try:
                addresses = look_up(host, port)
            except (OSError, UnicodeError) as error:
                failure = error
            with self._lock:
                numbers = self._waiting.pop((host, port))
            for number in numbers:
                self._done(Resolved(number, addresses, failure))


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
