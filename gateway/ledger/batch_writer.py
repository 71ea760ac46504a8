"""A batch as rows: what one commit writes, in the transaction that its caller has opened. SQL, no reckoning."""

import json
import sqlite3

import msgspec

from ..energy import AccumulatorState
from ..reading.read import Reading
from . import intervals, readings
from .checkpoint_keeper import EncodedState
from .records import Batch, EpochRow, EventRow, ReadingRow
from .rows import insert, insert_numbered, replace, summed

_ENCODER = msgspec.json.Encoder()
_INSERT_EPOCH = insert("register_epoch")
_INSERT_EVENT = insert("event")
_INSERT_OUTBOX = insert("outbox", "outbox_id")


class BatchWriter:
    """Of one connection. Remembers which boots and forms have rows."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Raises sqlite3.Error."""
        self._connection = connection
        self._forms = readings.Forms(connection)
        self._boot_numbers = self._load_boot_numbers()

    def forget(self) -> None:
        """After a rollback: what was written may be gone."""
        self._boot_numbers = {}
        self._forms.forget()

    def write_readings(self, batch: Batch) -> None:
        """Before `write`. Raises sqlite3.Error."""
        self._connection.executemany(readings.INSERT, [self._reading_values(row) for row in batch.readings])

    def write(self, batch: Batch) -> dict[int, EncodedState]:
        """All but the readings. Returns each meter's state as it was written. Raises sqlite3.Error."""
        connection = self._connection
        states: dict[int, EncodedState] = {}
        connection.executemany(_INSERT_EPOCH, [_epoch_values(row) for row in batch.epochs])
        connection.executemany(intervals.INSERT, [intervals.values(row) for row in batch.intervals])
        connection.executemany(_INSERT_EVENT, [_event_values(row) for row in batch.events])
        connection.executemany(
            _INSERT_OUTBOX,
            [summed((meter_id, one.kind, one.seq, one.payload), one.outbox_id) for meter_id, one in batch.outbox],
        )
        connection.executemany("DELETE FROM held_reading WHERE meter_id = ?", [(i,) for i in batch.released])
        connection.executemany(
            insert("held_reading"),
            [summed((meter_id, _ENCODER.encode(reading).decode())) for meter_id, reading in batch.held],
        )
        for meter_id, (validator, accumulator) in batch.states.items():
            states[meter_id] = (_ENCODER.encode(validator), _ENCODER.encode(accumulator))
            self._write_state(meter_id, states[meter_id], accumulator)
            if batch.rebase:
                readings.write_base(connection, meter_id, accumulator)
        connection.executemany(replace("meta"), [summed(word) for word in batch.words.items()])
        connection.executemany("DELETE FROM outbox WHERE outbox_id = ?", [(i,) for i in batch.acknowledged])
        return states

    def _load_boot_numbers(self) -> dict[str, int]:
        rows = self._connection.execute("SELECT boot_number, boot_id FROM boot")
        return {boot_id: number for number, boot_id in rows}

    def _boot_number(self, boot_id: str) -> int:
        if boot_id not in self._boot_numbers:
            row = self._connection.execute("SELECT boot_number FROM boot WHERE boot_id = ?", (boot_id,)).fetchone()
            if row is None:
                row = (insert_numbered(self._connection, "boot", boot_id),)
            self._boot_numbers[boot_id] = int(row[0])
        return self._boot_numbers[boot_id]

    def _reading_values(self, row: ReadingRow) -> tuple[object, ...]:
        reading = row.reading
        return summed(
            (
                row.meter_id,
                row.register_epoch,
                row.decision,
                reading.earliest_us,
                reading.latest_us,
                reading.monotonic_us,
                self._boot_number(reading.boot_id),
                *_registers(reading),
                reading.snapshot.power_milliw,
                *self._forms.columns(row),
            )
        )

    def _write_state(self, meter_id: int, state: EncodedState, accumulator: AccumulatorState) -> None:
        self._connection.execute(
            f"{insert('meter_state')} ON CONFLICT (meter_id) DO UPDATE SET validator = excluded.validator,"
            " accumulator = excluded.accumulator, crc = excluded.crc",
            summed((meter_id, state[0].decode(), state[1].decode())),
        )
        self._connection.executemany(
            "INSERT INTO bucket_total (meter_id, direction, bucket, milliwh, uncertain_milliwh) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (meter_id, direction, bucket) DO UPDATE"
            " SET milliwh = excluded.milliwh, uncertain_milliwh = excluded.uncertain_milliwh",
            [
                (meter_id, direction.value, bucket, milliwh, account.uncertain_milliwh.get(bucket, 0))
                for direction, account in accumulator.directions.items()
                for bucket, milliwh in account.totals_milliwh.items()
            ],
        )


def _registers(reading: Reading | None) -> tuple[int | None, int | None]:
    if reading is None:
        return None, None
    both = reading.snapshot.energy_import, reading.snapshot.energy_export
    energy_import, energy_export = (None if register is None else register.milliwh for register in both)
    return energy_import, energy_export


def _epoch_values(row: EpochRow) -> tuple[object, ...]:
    return summed(
        (
            row.meter_id,
            row.register_epoch,
            row.first.instant_us,
            row.reason,
            row.first.serial,
            *_registers(row.previous),
            *_registers(row.first),
        )
    )


def _event_values(row: EventRow) -> tuple[object, ...]:
    return summed((row.meter_id, row.seq, row.at_us, row.kind, json.dumps(row.detail, sort_keys=True)))
