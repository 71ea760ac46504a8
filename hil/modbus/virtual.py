"""A line in virtual time: the far end of a `drivers` transport, where each question meets its fault.

Nothing waits: the clock moves when the link sleeps or waits for bytes. Obeys the drivers' Transport and Ticker.
"""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass

from drivers import TransportLostError

from .faults import STRIDE, Framing, Setting, Step
from .frames import RTU_REQUEST_BYTES, Request, take_request
from .inject import happen
from .scene import Happening, Stretch, answer

START_US = 1_000_000_000


class VirtualTicker:
    """A clock that moves only when somebody sleeps or waits."""

    def __init__(self, start_us: int = START_US) -> None:
        self.now_us = start_us

    def monotonic_us(self) -> int:
        return self.now_us

    def sleep_us(self, duration_us: int) -> None:
        self.now_us += max(0, duration_us)


@dataclass(slots=True)
class Seen:
    """What the line saw of one question, whatever the link says of itself."""

    sent_us: int
    request: Request | None
    excused: bool = False
    faulty_bytes_read: int = 0
    was_lost: bool = False


@dataclass(slots=True)
class _Coming:
    stretch: Stretch
    begins_us: int
    belongs_to: Seen
    taken: int = 0

    def ready(self, now_us: int) -> int:
        """How many bytes have come by now."""
        if now_us < self.begins_us:
            return 0
        apart_us = self.stretch.character_us
        if not apart_us:
            return len(self.stretch.data)
        return min(len(self.stretch.data), (now_us - self.begins_us) // apart_us)

    @property
    def next_us(self) -> int:
        """When the next byte is there."""
        return self.begins_us + (self.taken + 1) * self.stretch.character_us


class VirtualLine:
    """One line of a trial. `seen` has an entry for each write."""

    name = "virtual"

    def __init__(self, ticker: VirtualTicker, line: Setting, plan: Mapping[int, Step]) -> None:
        self._ticker, self._line, self._plan = ticker, line, plan
        self._coming: list[tuple[int, int, _Coming]] = []
        self._order = 0
        self._open = False
        self._refuse = 0
        self._lost_at_us: int | None = None
        self._lost_seen: Seen | None = None
        self._deaf_until_us = 0
        self._kept: tuple[int, Request] | None = None
        self._line_busy_until_us = 0
        self.seen: list[Seen] = []
        self.early_requests = 0
        self.over_us = 0
        """From then on nothing of all faults so far is under way."""
        self.times_gone = 0
        """How often the port was lost, or refused to open."""

    @property
    def is_open(self) -> bool:
        return self._open

    def open(self) -> None:
        if self._open:
            return
        if self._refuse:
            self._refuse -= 1
            self.times_gone += 1
            raise TransportLostError(f"{self.name}: refused")
        self._open = True

    def close(self) -> None:
        self._open = False
        if self._line.framing is not Framing.RTU:
            self._coming = []  # what was under way in a connection ends with it; a serial line goes on
            self._lost_at_us = None

    def write(self, data: bytes) -> None:
        self._check_open()
        now_us = self._ticker.now_us
        self._note_early(now_us)
        request = take_request(bytearray(data), self._line.framing is Framing.TCP)
        seen = Seen(now_us, request)
        self.seen.append(seen)
        if request is None:
            return
        on_wire_us = RTU_REQUEST_BYTES * self._line.character_us
        if now_us + on_wire_us >= self._deaf_until_us:
            step = self._plan.get(request.address // STRIDE)
            self._schedule(happen(self._line, request, step.fault if step else None), now_us + on_wire_us, seen)
        self._line_busy_until_us = max(self._line_busy_until_us, now_us + on_wire_us)

    def read(self, max_bytes: int, deadline_us: int) -> bytes:
        self._check_open()
        next_us = min((each.next_us for _, _, each in self._coming), default=None)
        lost_us = self._lost_at_us
        until_us = max(deadline_us, self._ticker.now_us)
        first_us = min((at_us for at_us in (next_us, lost_us) if at_us is not None), default=None)
        if first_us is None or first_us > until_us:
            self._ticker.now_us = until_us
            return b""
        self._ticker.now_us = max(self._ticker.now_us, first_us)
        self._check_open()
        return self._take(max_bytes)

    def drain(self) -> bytes:
        return self.read(65536, self._ticker.now_us)

    def _schedule(self, happening: Happening, from_us: int, seen: Seen) -> None:
        seen.excused = happening.excused
        self.over_us = max(self.over_us, from_us + happening.over_us)
        if self._kept is not None:
            due_us, kept = self._kept
            self._kept = None
            if from_us <= due_us and kept != seen.request and seen.request is not None:
                # The serial line behind a gateway answers the one before: it goes out as the answer to this one.
                words = answer(self._line, kept)
                mixed = seen.request.transaction or 0
                self._put(Stretch(max(0, due_us - from_us), mixed.to_bytes(2, "big") + words[2:], 0), from_us, seen)
        for stretch in happening.stretches:
            self._put(stretch, from_us, seen)
        if happening.lost_at_us is not None:
            self._lost_at_us, self._lost_seen = from_us + happening.lost_at_us, seen
            self._refuse = happening.refused_openings
        self._deaf_until_us = max(self._deaf_until_us, from_us + happening.deaf_until_us)
        if happening.gateway_keeps_us is not None and seen.request is not None:
            self._kept = (from_us + happening.gateway_keeps_us, seen.request)

    def _put(self, stretch: Stretch, from_us: int, seen: Seen) -> None:
        if stretch.data:
            begins_us = from_us + stretch.at_us
            heapq.heappush(self._coming, (begins_us, self._order, _Coming(stretch, begins_us, seen)))
            self._order += 1

    def _take(self, max_bytes: int) -> bytes:
        taken, now_us = bytearray(), self._ticker.now_us
        for _, _, coming in sorted(self._coming):
            ready = min(coming.ready(now_us), coming.taken + max_bytes - len(taken))
            if ready > coming.taken:
                taken += coming.stretch.data[coming.taken : ready]
                coming.belongs_to.faulty_bytes_read += ready - coming.taken
                coming.taken = ready
        self._coming = [each for each in self._coming if each[2].taken < len(each[2].stretch.data)]
        return bytes(taken)

    def _note_early(self, now_us: int) -> None:
        """Whether a byte was on the line less than the standard's silence ago, whether or not it was read."""
        for _, _, coming in self._coming:
            ready = coming.ready(now_us)
            if ready:
                self._line_busy_until_us = max(
                    self._line_busy_until_us, coming.begins_us + ready * coming.stretch.character_us
                )
        if self._line_busy_until_us and now_us - self._line_busy_until_us < self._line.silence_us:
            self.early_requests += 1

    def _check_open(self) -> None:
        if self._lost_at_us is not None and self._ticker.now_us >= self._lost_at_us:
            self._lost_at_us = None
            self._coming = []
            self._open = False
            self.times_gone += 1
            if self._lost_seen is not None:
                self._lost_seen.was_lost = True
            raise TransportLostError(f"{self.name}: gone")
        if not self._open:
            raise TransportLostError(f"{self.name}: not open")
