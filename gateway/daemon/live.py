"""What goes to the broker of a meter as it is now: whether it is heard, and its running totals. Nothing is kept.

Both are retained and may be lost; what must not be is in the outbox. Real monotonic microseconds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..bookkeeping.books import Books
from ..clock import Clock
from ..ledger.records import Record
from ..log import event_line, logger
from ..publish.message import OFFLINE, ONLINE, Topics, render
from ..publish.publisher import Publisher

OFFLINE_AFTER_POLLS = 4
OFFLINE_AFTER_LEAST_US = 30_000_000


@dataclass(slots=True)
class MeterLive:
    """What the ledger thread remembers of a meter between turns."""

    heard_us: int = 0
    online: bool | None = None
    error: str = ""
    dirty: bool = False
    offered_us: int = 0
    offered_bucket: str | None = None


class Live:
    """Of all meters."""

    def __init__(self, books: Mapping[str, Books], topics: Topics, clock: Clock, state_every_s: int) -> None:
        self.meters = {name: MeterLive() for name in books}
        self._books, self._topics, self._clock = books, topics, clock
        self._state_every_us = state_every_s * 1_000_000

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
        bucket = books.running_bucket()
        due = now_us - live.offered_us >= self._state_every_us or bucket != live.offered_bucket
        if not (live.dirty and due):
            return
        record = books.state_record()
        if record is not None:
            if announce is not None:
                announce(name, record)
            publisher.offer_retained(self._topics.meter(name, "state"), render(record), expires=True)
            live.dirty, live.offered_us, live.offered_bucket = False, now_us, bucket
