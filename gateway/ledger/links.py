"""Verifying the record chain as it stands in a database: each interval record against its hash and the one before.

Reads only. A record that does not hold is returned as data: what to do about it is decided by whoever asked.
"""

import sqlite3
from dataclasses import dataclass

from ..energy import Interval, Part, Quality
from . import chain
from .records import Record, interval_record

LINK_COLUMNS = (
    *("seq", "revision", "supersedes", "register_epoch", "start_us", "end_us", "bucket", "tariff", "tariff_version"),
    *("quality", "import_milliwh", "import_unassigned_milliwh", "import_uncertain_milliwh", "import_register_milliwh"),
    *("export_milliwh", "export_unassigned_milliwh", "export_uncertain_milliwh", "export_register_milliwh"),
    *("previous_hash", "hash"),
)
SELECT_LINKS = f"SELECT {', '.join(LINK_COLUMNS)} FROM interval"
Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Chained:
    """Whose chain it is."""

    gateway: str
    meter: str
    store_epoch: str

    @property
    def genesis(self) -> str:
        return chain.genesis(self.store_epoch, self.meter)


@dataclass(frozen=True, slots=True)
class Broken:
    """A record that does not hold."""

    meter: str
    seq: int
    why: str

    def __str__(self) -> str:
        return f"meter {self.meter}, interval {self.seq}: {self.why}"


@dataclass(slots=True)
class Walk:
    """How far a chain has been verified."""

    whose: Chained
    next_seq: int
    head: str | None
    """The hash of the record before; None: not known, the first record's own word is taken."""
    links: int = 0

    def take(self, row: Row) -> Broken | None:
        """Hold the next record against the walk."""
        seq, previous_hash, own_hash = int(str(row[0])), str(row[-2]), str(row[-1])
        if seq != self.next_seq:
            return Broken(self.whose.meter, self.next_seq, f"missing: the next one is {seq}")
        if self.head is not None and previous_hash != self.head:
            return Broken(self.whose.meter, seq, "does not stand on the record before it")
        why = fault_of(row, self.whose)
        if why:
            return Broken(self.whose.meter, seq, why)
        self.next_seq, self.head, self.links = seq + 1, own_hash, self.links + 1
        return None


def fault_of(row: Row, whose: Chained) -> str:
    """Why a record is not what its hash says; empty where it is."""
    try:
        own_hash = chain.link(str(row[-2]), record_of(row, whose))
    except (ValueError, TypeError) as error:
        return f"unreadable: {error}"
    return "" if own_hash == row[-1] else "is not what its hash says"


def record_of(row: Row, whose: Chained) -> Record:
    """The record as it was chained and sent, without its hashes. Raises ValueError, TypeError: damaged."""
    return interval_record(
        whose.gateway,
        whose.meter,
        whose.store_epoch,
        row[0],  # type: ignore[arg-type]  # what is no number does not hash to what was stored
        _interval(row),
        row[7],  # type: ignore[arg-type]
        row[1],  # type: ignore[arg-type]
        row[2],  # type: ignore[arg-type]
    )


def _interval(row: Row) -> Interval:
    parts = [None if part[0] is None else Part(*part) for part in (row[10:14], row[14:18])]  # type: ignore[arg-type]
    return Interval(row[4], row[5], row[6], row[8], row[3], Quality(str(row[9])), *parts)  # type: ignore[arg-type]


def check_last_links(connection: sqlite3.Connection, whose: Chained, meter_id: int, first_seq: int, count: int) -> Walk:
    """Verify the newest records of one meter's running epoch. Raises BrokenChainError, sqlite3.Error."""
    (newest,) = connection.execute(
        "SELECT coalesce(max(seq), 0) FROM interval WHERE meter_id = ?", (meter_id,)
    ).fetchone()
    from_seq = max(first_seq, int(newest) - count + 1)
    walk = Walk(whose, from_seq, whose.genesis if from_seq == first_seq else None)
    rows = connection.execute(f"{SELECT_LINKS} WHERE meter_id = ? AND seq >= ? ORDER BY seq", (meter_id, from_seq))
    for row in rows:
        broken = walk.take(row)
        if broken is not None:
            raise BrokenChainError(str(broken))
    return walk


class BrokenChainError(Exception):
    """A record does not hold; the message says which."""
