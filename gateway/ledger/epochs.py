"""Store epochs: each beginning of a store's identity as a row, with why it began and what it went on from.

A record's identity is (gateway, meter, store_epoch, seq). Numbers go on over epochs within one file; the chain begins
anew at each, from its own genesis, so that no two records can claim one identity. Never changes a record that is there.
"""

import os
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from .checkpoint_file import MeterCheckpoint
from .readings import write_base
from .rows import enter_meter, insert, insert_numbered, replace, summed

_ENCODER = msgspec.json.Encoder()


class Beginning(StrEnum):
    """Why a store epoch began."""

    FIRST = "first"
    DAMAGED = "damaged"
    """The file could not be trusted and was set aside."""
    LOST = "lost"
    """The file is gone; what was beside it is not."""
    OLDER = "older"
    """The file is behind what was once committed: an old copy, or its journal is lost or another's."""
    EXCHANGED = "exchanged"
    """Another gateway's file, or one of another time, was put in its place by hand."""
    MOVED = "moved"
    """Another machine: a cloned image, or a card in another computer."""
    RENAMED = "renamed"
    """Another gateway id in the config."""
    RESTORED = "restored"
    """`netmeter restore`."""
    ELSEWHERE = "elsewhere"
    """Known by name only: its records are in another file."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Digests that tell machines apart; empty where the system does not say."""

    machine: str = ""
    board: str = ""

    def is_other_than(self, known: "Machine") -> bool:
        """Whether it is surely not the one that was known: what either does not say proves nothing."""
        pairs = ((self.machine, known.machine), (self.board, known.board))
        return any(now and then and now != then for now, then in pairs)

    def or_else(self, known: "Machine") -> "Machine":
        """With what the other knows, where this one does not."""
        return Machine(self.machine or known.machine, self.board or known.board)


@dataclass(frozen=True, slots=True)
class StoreEpoch:
    """One row. `began_us`: UTC by the clock as it stood, which may not have been set."""

    epoch_no: int
    store_epoch: str
    gateway: str
    began_us: int
    reason: str
    witness: str
    machine: Machine


@dataclass(frozen=True, slots=True)
class Owner:
    """Who opens a store: whose records it will hold, where, and when by the clock as it stands."""

    gateway: str
    machine: Machine
    wall_us: int


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A meter's state for a new epoch; `source` says by whom, e.g. "checkpoint"."""

    meter: MeterCheckpoint
    source: str


def load_epochs(connection: sqlite3.Connection) -> list[StoreEpoch]:
    """All epochs of a store, oldest first."""
    rows = connection.execute(
        "SELECT epoch_no, store_epoch, gateway, began_us, reason, witness, machine, board FROM store_epoch"
        " ORDER BY epoch_no"
    )
    return [
        StoreEpoch(no, name, gateway, began_us, reason, witness, Machine(machine, board))
        for no, name, gateway, began_us, reason, witness, machine, board in rows
    ]


def first_interval_seqs(connection: sqlite3.Connection, epoch_no: int) -> dict[int, int]:
    """By meter id, the number of the epoch's first interval record; a meter that came later begins with 1."""
    rows = connection.execute(
        "SELECT meter_id, first_interval_seq FROM store_epoch_start WHERE epoch_no = ?", (epoch_no,)
    )
    return {int(meter_id): int(seq) for meter_id, seq in rows}


def adopt(connection: sqlite3.Connection, epoch: StoreEpoch, owner: Owner) -> None:
    """Note the owner of an epoch that was begun before anybody noted them."""
    machine, gateway = epoch.machine.or_else(owner.machine), epoch.gateway or owner.gateway
    began = (epoch.epoch_no, epoch.store_epoch, gateway, epoch.began_us, epoch.reason, epoch.witness)
    connection.execute(replace("store_epoch"), summed((*began, machine.machine, machine.board)))


def begin(
    connection: sqlite3.Connection,
    reason: Beginning,
    owner: Owner,
    carried: Mapping[str, Witnessed],
    witness: str,
    store_epoch: str = "",
) -> str:
    """Begin a new epoch, within the caller's transaction: numbers go on, states are those carried. Returns its name.

    `store_epoch`: a name that is known already; else a new one of 64 random bits.
    """
    store_epoch = store_epoch or os.urandom(8).hex()
    machine = owner.machine
    began = (store_epoch, owner.gateway, owner.wall_us, reason.value, witness)
    epoch_no = insert_numbered(connection, "store_epoch", *began, machine.machine, machine.board)
    for name, witnessed in carried.items():
        _carry(connection, name, witnessed.meter)
    starts = connection.execute(
        "SELECT meter_id, 1 + (SELECT coalesce(max(seq), 0) FROM interval i WHERE i.meter_id = meter.meter_id),"
        " 1 + (SELECT coalesce(max(seq), 0) FROM event e WHERE e.meter_id = meter.meter_id) FROM meter"
    ).fetchall()
    connection.executemany(insert("store_epoch_start"), [summed((epoch_no, *start)) for start in starts])
    return store_epoch


def _carry(connection: sqlite3.Connection, name: str, meter: MeterCheckpoint) -> None:
    meter_id = enter_meter(connection, name)
    connection.execute("DELETE FROM meter_state WHERE meter_id = ?", (meter_id,))
    connection.execute(
        insert("meter_state"),
        summed((meter_id, _ENCODER.encode(meter.validator).decode(), _ENCODER.encode(meter.accumulator).decode())),
    )
    write_base(connection, meter_id, meter.accumulator)  # what was before cannot be booked again to the same end
    connection.execute("DELETE FROM bucket_total WHERE meter_id = ?", (meter_id,))
    connection.executemany(
        "INSERT INTO bucket_total (meter_id, direction, bucket, milliwh, uncertain_milliwh) VALUES (?, ?, ?, ?, ?)",
        [
            (meter_id, direction.value, bucket, milliwh, account.uncertain_milliwh.get(bucket, 0))
            for direction, account in meter.accumulator.directions.items()
            for bucket, milliwh in account.totals_milliwh.items()
        ],
    )
