"""What the store holds of records that were once sent: its epochs, each meter's heads, and a page of records again.

Reads only. A record comes out as the bytes that went to the broker, or not at all: an interval is held against its
hash, an event against its checksum.
"""

import json
import sqlite3
from dataclasses import dataclass

from ..publish.message import event_message, interval_message
from . import chain
from .epochs import StoreEpoch, load_epochs
from .links import LINK_COLUMNS, Chained, fault_of, record_of
from .rows import is_whole

KINDS = ("interval", "event")


@dataclass(frozen=True, slots=True)
class Series:
    """The records of one kind, meter and store epoch that were written; none: `newest_seq` = `oldest_seq` - 1."""

    epoch: StoreEpoch
    oldest_seq: int
    newest_seq: int
    previous_store_epoch: str | None


@dataclass(frozen=True, slots=True)
class Head:
    """What there is of one meter in the running epoch. `chain_head`: the newest interval's hash, else the genesis."""

    store_epoch: str
    intervals: Series
    events: Series
    chain_head: str


@dataclass(frozen=True, slots=True)
class Page:
    """Records in order, from the first that was asked for. `gone_to`: from the next one to this, none can be had."""

    payloads: tuple[str, ...]
    gone_to: int | None = None


class History:
    """Of one open store, for a moment: epochs are read once. Every method raises sqlite3.Error."""

    def __init__(self, connection: sqlite3.Connection, gateway: str) -> None:
        """`gateway`: whose records those of an epoch are that was begun before anybody noted it."""
        self._connection, self._gateway = connection, gateway
        self._epochs: list[StoreEpoch] = []

    def meter_id(self, meter: str) -> int | None:
        """None for a meter that the store has no books of."""
        row = self._connection.execute("SELECT meter_id FROM meter WHERE name = ?", (meter,)).fetchone()
        return None if row is None else int(row[0])

    def series(self, meter_id: int, store_epoch: str, kind: str) -> Series | None:
        """None for an epoch that is not this store's."""
        epochs = self._load_epochs()
        at = next((at for at, epoch in enumerate(epochs) if epoch.store_epoch == store_epoch), None)
        if at is None:
            return None
        if at + 1 < len(epochs):
            newest_seq = self._first_seq(epochs[at + 1], meter_id, kind) - 1
        else:
            row = self._connection.execute(f"SELECT max(seq) FROM {kind} WHERE meter_id = ?", (meter_id,)).fetchone()
            newest_seq = int(row[0] or 0)
        oldest_seq = self._first_seq(epochs[at], meter_id, kind)
        previous = epochs[at - 1].store_epoch if at else None
        return Series(epochs[at], oldest_seq, max(newest_seq, oldest_seq - 1), previous)

    def head(self, meter: str) -> Head | None:
        """None for a meter that the store has no books of."""
        meter_id, store_epoch = self.meter_id(meter), self._load_epochs()[-1].store_epoch
        if meter_id is None:
            return None
        intervals, events = (self.series(meter_id, store_epoch, kind) for kind in KINDS)
        if intervals is None or events is None:
            return None
        row = self._connection.execute(
            "SELECT hash FROM interval WHERE meter_id = ? AND seq = ? AND seq >= ?",
            (meter_id, intervals.newest_seq, intervals.oldest_seq),
        ).fetchone()
        return Head(store_epoch, intervals, events, chain.genesis(store_epoch, meter) if row is None else str(row[0]))

    def page(self, meter: str, series: Series, kind: str, from_seq: int, to_seq: int) -> Page:
        """The records from `from_seq` to `to_seq`, both within the series, up to the first that cannot be had."""
        meter_id = self.meter_id(meter)
        whose = Chained(series.epoch.gateway or self._gateway, meter, series.epoch.store_epoch)
        columns = ", ".join(LINK_COLUMNS) if kind == "interval" else "seq, at_us, kind, detail, crc"
        rows = self._connection.execute(
            f"SELECT {columns} FROM {kind} WHERE meter_id = ? AND seq BETWEEN ? AND ? ORDER BY seq",
            (meter_id, from_seq, to_seq),
        )
        payloads: list[str] = []
        for row in rows:
            wanted = from_seq + len(payloads)
            if int(row[0]) != wanted:
                return Page(tuple(payloads), int(row[0]) - 1)
            payload = _interval(row, whose) if kind == "interval" else _event(row, whose, meter_id)
            if payload is None:
                return Page(tuple(payloads), wanted)
            payloads.append(payload)
        return Page(tuple(payloads), None if len(payloads) == to_seq - from_seq + 1 else to_seq)

    def _load_epochs(self) -> list[StoreEpoch]:
        """Once: two thousand meters are asked for at every edge."""
        self._epochs = self._epochs or load_epochs(self._connection)
        return self._epochs

    def _first_seq(self, epoch: StoreEpoch, meter_id: int, kind: str) -> int:
        row = self._connection.execute(
            f"SELECT first_{kind}_seq FROM store_epoch_start WHERE epoch_no = ? AND meter_id = ?",
            (epoch.epoch_no, meter_id),
        ).fetchone()
        return 1 if row is None else int(row[0])


def _interval(row: tuple[object, ...], whose: Chained) -> str | None:
    if fault_of(row, whose):
        return None
    return interval_message(record_of(row, whose), str(row[-2]), str(row[-1]))


def _event(row: tuple[object, ...], whose: Chained, meter_id: int | None) -> str | None:
    seq, at_us, kind, detail, crc = row
    if not is_whole((meter_id, seq, at_us, kind, detail), crc):
        return None
    try:
        told = json.loads(str(detail))
    except ValueError:
        return None
    return event_message(whose.gateway, whose.meter, whose.store_epoch, int(str(seq)), int(str(at_us)), str(kind), told)
