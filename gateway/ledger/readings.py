"""The `reading` table: a row a reading, with what its booking needs, and back again. SQL, no reckoning.

What hardly changes from reading to reading (last digits, rounding) is a form, a row of its own; a decision that booked
anything but what the meter showed has its acts beside it (`gateway.bookkeeping.acts`). Rows from before schema 2 have
no form: they cannot be booked again, and are never asked for.
"""

import sqlite3
from dataclasses import dataclass

import msgspec

from drivers import EnergyRegister

from ..bookkeeping.acts import ACCEPTED, Act, Add, BookedReading, Register, decoded, encoded
from ..energy import AccumulatorState
from ..reading.read import Reading
from .records import ReadingRow
from .rows import insert, insert_numbered, is_whole, replace, summed

Form = tuple[int | None, int | None, int | None, int | None, int | None, int | None]

INSERT = insert("reading")
_FORM_COLUMNS = (
    "import_resolution_milliwh, import_rounding_milliwh, import_unproven,"
    " export_resolution_milliwh, export_rounding_milliwh, export_unproven"
)
_SELECT = (
    "SELECT reading_id, meter_id, decision, earliest_us, latest_us, clock_error_us, import_milliwh, export_milliwh,"
    f" {_FORM_COLUMNS}, acts FROM reading LEFT JOIN reading_form USING (form_id)"
    " WHERE reading_id > ? ORDER BY reading_id LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class StoredReading:
    """What a stored reading did to its meter's account: nothing, where it was refused."""

    reading_id: int
    meter_id: int
    acts: tuple[Act, ...]


@dataclass(frozen=True, slots=True)
class Base:
    """An account as it stood after a reading. What was before cannot be booked again."""

    reading_id: int
    accumulator: AccumulatorState


class Forms:
    """The forms of a store by number; new ones are written as they come, in the transaction that is open."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._numbers: dict[Form, int] = {}

    def forget(self) -> None:
        """After a rollback: what was written may be gone."""
        self._numbers.clear()

    def columns(self, row: ReadingRow) -> tuple[object, ...]:
        """The columns from `one_moment` on."""
        reading = row.reading
        snapshot = reading.snapshot
        form: Form = (*_form(snapshot.energy_import), *_form(snapshot.energy_export))
        number = self._numbers.get(form)
        if number is None:
            number = self._numbers[form] = self._number(form)
        return int(snapshot.one_moment), reading.clock_error_us, number, encoded(row.acts)

    def _number(self, form: Form) -> int:
        condition = " AND ".join(f"{name.strip()} IS ?" for name in _FORM_COLUMNS.split(","))
        row = self._connection.execute(f"SELECT form_id FROM reading_form WHERE {condition}", form).fetchone()
        if row is None:
            return insert_numbered(self._connection, "reading_form", *form)
        return int(row[0])


def write_base(connection: sqlite3.Connection, meter_id: int, accumulator: AccumulatorState) -> None:
    """Within a transaction: a meter's account as it stands after the newest reading is what is reckoned from."""
    (newest,) = connection.execute("SELECT coalesce(max(reading_id), 0) FROM reading").fetchone()
    text = msgspec.json.encode(accumulator).decode()
    connection.execute(replace("recompute_base"), summed((meter_id, newest, text)))


def read_after(connection: sqlite3.Connection, after_id: int, limit: int) -> list[StoredReading]:
    """Up to `limit` readings with an id above `after_id`, all meters', oldest first.

    Raises sqlite3.Error, msgspec.DecodeError.
    """
    found = []
    for row in connection.execute(_SELECT, (after_id, limit)):
        reading_id, meter_id, decision, earliest_us, latest_us, error_us, imported, exported, *form, text = row
        acts = decoded(text)
        if not acts and decision == ACCEPTED:
            registers = _register(imported, *form[:3]), _register(exported, *form[3:])
            acts = (Add(BookedReading(earliest_us, latest_us, error_us or 0, *registers)),)
        found.append(StoredReading(reading_id, meter_id, acts))
    return found


def load_held(connection: sqlite3.Connection, meter_id: int) -> tuple[Reading, ...]:
    """Readings that wait for the time of day, as they were taken. Raises sqlite3.Error; ValueError: not what was
    written, and what is booked next.
    """
    rows = connection.execute(
        "SELECT held_id, reading, crc FROM held_reading WHERE meter_id = ? ORDER BY held_id", (meter_id,)
    ).fetchall()
    try:
        altered = [held_id for held_id, text, crc in rows if not is_whole((meter_id, text), crc)]
        if altered:
            raise ValueError(f"held_reading {altered[0]}: is not what its checksum says")
        return tuple(msgspec.json.decode(text, type=Reading) for _, text, _ in rows)
    except (msgspec.MsgspecError, TypeError) as error:
        raise ValueError(f"held_reading of meter {meter_id}: {error}") from error


def _form(register: EnergyRegister | None) -> tuple[int | None, int | None, int | None]:
    if register is None:
        return None, None, None
    return register.resolution_milliwh, register.rounding_milliwh, int(register.unproven)


def _register(
    milliwh: int | None, resolution_milliwh: int | None, rounding_milliwh: int | None, unproven: int | None
) -> Register | None:
    if milliwh is None:
        return None
    return Register(milliwh, resolution_milliwh or 1, rounding_milliwh or 0, bool(unproven))
