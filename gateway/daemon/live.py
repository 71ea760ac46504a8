"""What goes to the broker of a meter as it is now: whether it is heard, and its running totals. Nothing is kept.

Both are retained and may be lost; what must not be is in the outbox. A state that a reading changed before its time
waits for that time, a meter at a time: nobody has to look at all meters to find it. Real monotonic microseconds.
"""

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ..bookkeeping.books import Books
from ..clock import Clock
from ..ledger.records import Record
from ..log import event_line, logger
from ..publish.message import OFFLINE, ONLINE, Topics, render
from ..publish.publisher import Publisher

OFFLINE_AFTER_POLLS = 4
OFFLINE_AFTER_LEAST_US = 30_000_000
EARLY_US = 100_000
"""A reading that comes so little before its state is due takes it along; the next one is due no earlier for it."""
LATE_US = 100_000
"""A state may be so late: a reading that is about to come takes its place, and one wakeup serves several meters."""


@dataclass(slots=True)
class MeterLive:
    """What the ledger thread remembers of a meter between turns."""

    heard_us: int = 0
    online: bool | None = None
    error: str = ""
    dirty: bool = False
    offered_us: int = 0
    offered_bucket: str | None = None
    is_waiting: bool = False
    """Its state has a time at which it is due."""


class Live:
    """Of all meters."""

    def __init__(self, books: Mapping[str, Books], topics: Topics, clock: Clock, state_every_s: int) -> None:
        self.meters = {name: MeterLive() for name in books}
        self._books, self._topics, self._clock = books, topics, clock
        self._state_every_us = state_every_s * 1_000_000
        self._waiting: list[tuple[int, str]] = []
        """A heap: when a state is due that was not when its reading came, and whose; each meter once."""

    def pause_s(self, most_s: float) -> float:
        """How long nobody need ask for `due`, `most_s` at the most."""
        while self._waiting and not self.meters[self._waiting[0][1]].dirty:  # a reading has taken it along
            self._pop()
        if not self._waiting:
            return most_s
        left_us = self._waiting[0][0] + LATE_US - self._clock.real_us()
        return min(most_s, max(left_us / 1e6, 0.0))

    def due(self) -> Iterator[str]:
        """Meters whose state has become due, once the first of them has waited for the others."""
        now_us = self._clock.real_us()
        if not self._waiting or self._waiting[0][0] + LATE_US > now_us:
            return
        while self._waiting and self._waiting[0][0] <= now_us:
            yield self._pop()

    def _pop(self) -> str:
        _, name = heapq.heappop(self._waiting)
        self.meters[name].is_waiting = False
        return name

    def offer_presence(self, name: str, publisher: Publisher) -> None:
        """`online` while readings are accepted, `offline` when none was for four polls and at least 30 s."""
        live, section = self.meters[name], self._books[name].section
        patience_us = max(OFFLINE_AFTER_POLLS * section.poll_s * 1_000_000 // self._clock.rate, OFFLINE_AFTER_LEAST_US)
        online = bool(live.heard_us) and self._clock.real_us() - live.heard_us < patience_us
        if online == live.online:
            return
        if live.online is not None:
            logger.info(event_line("meter_online" if online else "meter_offline", meter=name, why=live.error or "-"))
        live.online = online
        publisher.offer_retained(self._topics.meter(name, "status"), ONLINE if online else OFFLINE)

    def offer_state(self, name: str, publisher: Publisher, announce: Callable[[str, Record], None] | None) -> None:
        """State on change and at most every `state_every_s`, at once when the bucket changes."""
        live, books = self.meters[name], self._books[name]
        now_us = self._clock.real_us()
        if not live.dirty:
            return
        bucket = books.running_bucket()
        due_us = live.offered_us + self._state_every_us
        if now_us < due_us - EARLY_US and bucket == live.offered_bucket:
            if not live.is_waiting:
                live.is_waiting = True
                heapq.heappush(self._waiting, (due_us, name))
            return
        record = books.state_record()
        if record is not None:
            if announce is not None:
                announce(name, record)
            publisher.offer_retained(self._topics.meter(name, "state"), render(record), expires=True)
            live.dirty, live.offered_bucket = False, bucket
            live.offered_us = due_us if 0 < due_us - now_us <= EARLY_US else now_us
