"""Questions from outside to a line that the daemon holds: single reads, asked in the gaps between its own readings.

A guest waits for a gap that is long enough even if nobody answers. Where the line never has one, a guest that has
waited for some polls goes before the next one, as the probe of a dead meter does; but never near an edge.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from drivers import ConfigurationError, DriverError, FrameError, NoAnswerError, RefusedError, TransportLostError
from drivers.modbus.link import ModbusLink, Reply

from ..clock import Clock

MARGIN_S = 0.25
"""Kept free between a guest's end and the next turn."""
OVERDUE_US = 10_000_000
"""Where nobody was let in for so long, real time, the first in the row goes before a poll."""
LEFT_FOR = 4
"""A question that got no answer is not asked in the same shape for so many silences: the line itself would wait, to
tell a late answer from a new one (`drivers.modbus.unanswered`), and its own meters with it."""
WITHIN_S = 35.0
WAITING_MOST = 4
BUSY = 6  # Modbus Application Protocol V1.1b3, 7: server device busy


@dataclass(slots=True, eq=False)
class Guest:
    """One question: unit, function, address, count."""

    question: tuple[int, int, int, int]
    came_us: int
    answer: "queue.SimpleQueue[Reply | DriverError]" = field(default_factory=queue.SimpleQueue)

    @property
    def shape(self) -> tuple[int, int, int]:
        """What an answer to it looks like: unit, function, count."""
        unit, function, _address, count = self.question
        return unit, function, count


class Guests:
    """Who waits for one line. `put` and `leave` are called by any thread, the others by the line's own."""

    def __init__(self, link: ModbusLink, clock: Clock, silence_s: float) -> None:
        """`silence_s`: what a question costs the line that nobody answers, the quiet time after it included."""
        self.link = link
        self._clock, self._takes_s = clock, silence_s + MARGIN_S
        self._waiting: deque[Guest] = deque()
        self._left_us: dict[tuple[int, int, int], int] = {}
        self._served_us = 0
        """When somebody was let in last."""
        self._lock = threading.Lock()

    @property
    def takes_s(self) -> float:
        """How long a gap must be."""
        return self._takes_s

    def put(self, question: tuple[int, int, int, int]) -> Guest | None:
        """A place in the row; None where too many wait already."""
        guest = Guest(question, self._clock.real_us())
        with self._lock:
            if len(self._waiting) >= WAITING_MOST:
                return None
            self._waiting.append(guest)
        return guest

    def leave(self, guest: Guest) -> None:
        """He waits no longer."""
        with self._lock:
            if guest in self._waiting:
                self._waiting.remove(guest)

    def take(self, gap_s: float, is_far_from_edges: Callable[[], bool]) -> Guest | None:
        """Who may ask now. `gap_s`: until the line's next own turn, 0 where that is due."""
        if not self._waiting:
            return None
        with self._lock:
            if not self._waiting:
                return None
            guest, now_us = self._waiting[0], self._clock.real_us()
            left_us = self._left_us.get(guest.shape)
            if left_us is not None and now_us - left_us < LEFT_FOR * self._takes_s * 1e6:
                return None
            is_overdue = now_us - max(guest.came_us, self._served_us) > OVERDUE_US
            if gap_s < self._takes_s and not (is_overdue and is_far_from_edges()):
                return None
            self._served_us = now_us
            return self._waiting.popleft()

    def end(self, guest: Guest, outcome: Reply | DriverError) -> None:
        """His question has been asked."""
        with self._lock:
            if isinstance(outcome, NoAnswerError | FrameError):
                self._left_us[guest.shape] = self._clock.real_us()
            else:
                self._left_us.pop(guest.shape, None)
        guest.answer.put(outcome)


def question_of(request: Mapping[str, Any]) -> tuple[int, int, int, int]:
    """The question in a request from outside. Raises ValueError where it holds no four numbers."""
    unit, function, address, count = (request.get(key) for key in ("unit", "function", "address", "count"))
    for number in (unit, function, address, count):
        if not isinstance(number, int) or isinstance(number, bool):
            raise ValueError("unit, function, address and count must be whole numbers")
    assert isinstance(unit, int)
    assert isinstance(function, int)
    assert isinstance(address, int)
    assert isinstance(count, int)
    return unit, function, address, count


def told(outcome: Reply | DriverError) -> dict[str, Any]:
    """What came of a guest's question, for the one who asked."""
    if isinstance(outcome, Reply):
        return {"words": list(outcome.words)}
    if isinstance(outcome, ConfigurationError) and outcome.code is not None:
        return {"exception": outcome.code}
    if isinstance(outcome, RefusedError) and outcome.is_brief:
        return {"exception": BUSY}
    if isinstance(outcome, NoAnswerError | RefusedError):
        return {"silent": str(outcome)}
    if isinstance(outcome, TransportLostError):
        return {"lost": str(outcome)}
    return {"unclear" if isinstance(outcome, FrameError) else "error": str(outcome)}
