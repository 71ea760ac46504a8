"""One meter's records: events and closed intervals get their numbers here, their place in the chain, and their message.

Sequence numbers are gapless per meter: intervals in one series, events in another. What is written goes into a batch;
nothing is in the store before somebody commits that.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ..buckets.repeat import merged
from ..energy import Interval, registers_of
from ..ledger import chain
from ..ledger.records import (
    Batch,
    ClosedInterval,
    EventRow,
    IntervalRow,
    NotReadableError,
    OutboxRow,
    Record,
    StoredMeter,
    interval_record,
)
from ..publish.message import chained_message, event_message
from ..reading.read import Reading
from ..timeline import Timeline

MOST_TOLD_ANEW = 672
"""Intervals: a week of quarters."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose records these are."""

    gateway: str
    store_epoch: str


@dataclass(slots=True)
class OutboxIds:
    """Ever growing ids of one run, shared by the meters of a store."""

    newest: int

    def next(self) -> int:
        self.newest += 1
        return self.newest


class Journal:
    """Writes the records of one meter."""

    def __init__(self, stored: StoredMeter, origin: Origin, meter: str, outbox_ids: OutboxIds) -> None:
        self._meter_id, self._meter, self._origin, self._outbox_ids = stored.meter_id, meter, origin, outbox_ids
        self._interval_seq, self._event_seq = stored.interval_seq, stored.event_seq
        self._chain_head, self._find_closed = stored.chain_head, stored.find_closed

    def tell(self, kind: str, at_us: int, detail: Record, batch: Batch) -> None:
        """Write an event: into the store and, in the same transaction, into the outbox."""
        self._event_seq += 1
        batch.events.append(EventRow(self._meter_id, self._event_seq, at_us, kind, detail))
        origin = self._origin
        payload = event_message(origin.gateway, self._meter, origin.store_epoch, self._event_seq, at_us, kind, detail)
        row = OutboxRow(self._outbox_ids.next(), self._meter, "event", self._event_seq, payload)
        batch.outbox.append((self._meter_id, row))

    def write_interval(
        self, interval: Interval, tariff: str, batch: Batch, supersedes: ClosedInterval | None = None
    ) -> None:
        """Give the interval its number and its place in the chain, and put it into store and outbox.

        A record is never changed: one that `supersedes` another is a record of its own, that one's next revision.
        """
        interval = interval.as_written()
        self._interval_seq += 1
        seq, origin = self._interval_seq, self._origin
        revision = 0 if supersedes is None else supersedes.revision + 1
        replaced = None if supersedes is None else supersedes.seq
        record = interval_record(
            origin.gateway, self._meter, origin.store_epoch, seq, interval, tariff, revision, replaced
        )
        canonical = chain.canonical(record)
        previous_hash, self._chain_head = self._chain_head, chain.link_canonical(self._chain_head, canonical)
        batch.intervals.append(
            IntervalRow(self._meter_id, seq, revision, replaced, tariff, interval, previous_hash, self._chain_head)
        )
        payload = chained_message(canonical, previous_hash, self._chain_head)
        row = OutboxRow(self._outbox_ids.next(), self._meter, "interval", seq, payload)
        batch.outbox.append((self._meter_id, row))

    def write_again(self, additions: list[Interval], tariff: str, limit_milliw: int, batch: Batch) -> None:
        """Write the revisions of intervals whose time was shown again, and take them off the list.

        What cannot be looked up now stays there, in the state that is stored, and is written later.
        """
        while additions:
            try:
                closed = self.find_closed(additions[0].end_us, batch)
            except NotReadableError:
                return
            addition = additions.pop(0)
            word = merged(None if closed is None else closed.interval, addition, limit_milliw)
            self.write_interval(word, tariff, batch, closed)

    def tell_anew(
        self,
        since_us: int,
        to_us: int,
        timeline: Timeline,
        batch: Batch,
        new_word: Callable[[Interval], Interval | None],
    ) -> None:
        """Write new revisions of the intervals that ended in (since, to], where there is a new word on them.

        Only of the newest, and none where the store cannot be read: the event tells since when.
        """
        ends_us: deque[int] = deque(maxlen=MOST_TOLD_ANEW)
        end_us = timeline.next_edge_us(since_us)
        while end_us <= to_us:
            ends_us.append(end_us)
            end_us = timeline.next_edge_us(end_us)
        try:
            found = [self.find_closed(one, batch) for one in ends_us]
        except NotReadableError:
            return
        for closed in found:
            word = None if closed is None else new_word(closed.interval)
            if closed is not None and word is not None:
                self.write_interval(word, timeline.calendar.tariff_id, batch, closed)

    def find_closed(self, end_us: int, batch: Batch) -> ClosedInterval | None:
        """The word that holds on the interval that ends there, stored or about to be. Raises NotReadableError."""
        for row in reversed(batch.intervals):
            if row.meter_id == self._meter_id and row.interval.end_us == end_us:
                return ClosedInterval(row.seq, row.revision, row.interval)
        return self._find_closed(end_us)

    def find_stretch(self, from_us: int, to_us: int, timeline: Timeline, batch: Batch) -> list[ClosedInterval]:
        """The words that hold on the interval that ends at `from_us` and all that follow it up to `to_us`.

        Nothing where one of them is not closed. Raises NotReadableError.
        """
        found: list[ClosedInterval] = []
        end_us = from_us
        while end_us <= to_us:
            closed = self.find_closed(end_us, batch)
            if closed is None:
                return []
            found.append(closed)
            end_us = timeline.next_edge_us(end_us)
        return found if found and found[-1].interval.end_us == to_us else []


def both_registers(previous: Reading | None, reading: Reading) -> Record:
    """The two readings that a decision was made from, for the person with a wrong bill."""
    record: Record = {}
    for label, one in (("previous", previous), ("reading", reading)):
        for direction, register in registers_of(one.snapshot).items() if one is not None else ():
            record[f"{label}_{direction}_milliwh"] = register.milliwh
        if one is not None:
            record[f"{label}_time_utc_us"] = one.latest_us
    return record
