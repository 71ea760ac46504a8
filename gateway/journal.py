"""One meter's records: events and closed intervals get their numbers here, their place in the chain, and their message.

Sequence numbers are gapless per meter: intervals in one series, events in another. What is written goes into a batch;
nothing is in the store before somebody commits that.
"""

from dataclasses import dataclass

from .energy import Interval, registers_of
from .ledger import chain
from .ledger.records import Batch, EventRow, IntervalRow, OutboxRow, Record, StoredMeter, interval_record
from .publish.message import event_message, interval_message
from .read import Reading


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
        self._chain_head = stored.chain_head

    def tell(self, kind: str, at_us: int, detail: Record, batch: Batch) -> None:
        """Write an event: into the store and, in the same transaction, into the outbox."""
        self._event_seq += 1
        batch.events.append(EventRow(self._meter_id, self._event_seq, at_us, kind, detail))
        origin = self._origin
        payload = event_message(origin.gateway, self._meter, origin.store_epoch, self._event_seq, at_us, kind, detail)
        row = OutboxRow(self._outbox_ids.next(), self._meter, "event", self._event_seq, payload)
        batch.outbox.append((self._meter_id, row))

    def write_interval(self, interval: Interval, tariff: str, batch: Batch) -> None:
        """Give the interval its number and its place in the chain, and put it into store and outbox."""
        self._interval_seq += 1
        seq, origin = self._interval_seq, self._origin
        record = interval_record(origin.gateway, self._meter, origin.store_epoch, seq, interval, tariff)
        previous_hash, self._chain_head = self._chain_head, chain.link(self._chain_head, record)
        batch.intervals.append(
            IntervalRow(self._meter_id, seq, 0, None, tariff, interval, previous_hash, self._chain_head)
        )
        payload = interval_message(record, previous_hash, self._chain_head)
        row = OutboxRow(self._outbox_ids.next(), self._meter, "interval", seq, payload)
        batch.outbox.append((self._meter_id, row))


def both_registers(previous: Reading | None, reading: Reading) -> Record:
    """The two readings that a decision was made from, for the person with a wrong bill."""
    record: Record = {}
    for label, one in (("previous", previous), ("reading", reading)):
        for direction, register in registers_of(one.snapshot).items() if one is not None else ():
            record[f"{label}_{direction}_milliwh"] = register.milliwh
        if one is not None:
            record[f"{label}_time_utc_us"] = one.latest_us
    return record
