"""What the store holds of the past, for booking it again: readings in slices, and the records that hold. Reads only."""

import sqlite3
from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from ..energy import AccumulatorState
from .readings import Base, StoredReading, read_after
from .records import ClosedInterval


class Past(Protocol):
    """Answered by the store itself, or by a running daemon's ledger thread."""

    def readings(self, after_id: int, limit: int) -> list[StoredReading]:
        """Readings of all meters with an id above `after_id`, oldest first."""
        ...

    def words(self, meter_id: int, ends_us: Iterable[int]) -> dict[int, ClosedInterval]:
        """The newest record that ends at each of these instants, where there is one."""
        ...

    def ends_us(self, meter_id: int, after_us: int, limit: int) -> list[int]:
        """The instants at which closed intervals end, above `after_us`, sorted."""
        ...

    def base(self, meter_id: int) -> Base | None:
        """What a meter's account has to be reckoned from; None: from nothing."""
        ...

    def newest_id(self) -> int:
        """The newest reading's id; 0 where there is none."""
        ...


class StoredPast:
    """The past of an open store. Raises sqlite3.Error, records.NotReadableError, msgspec.DecodeError."""

    def __init__(
        self, connection: sqlite3.Connection, find_closed: Callable[[int, int], ClosedInterval | None]
    ) -> None:
        self._connection, self._find_closed = connection, find_closed

    def readings(self, after_id: int, limit: int) -> list[StoredReading]:
        return read_after(self._connection, after_id, limit)

    def words(self, meter_id: int, ends_us: Iterable[int]) -> dict[int, ClosedInterval]:
        found = {end_us: self._find_closed(meter_id, end_us) for end_us in ends_us}
        return {end_us: word for end_us, word in found.items() if word is not None}

    def ends_us(self, meter_id: int, after_us: int, limit: int) -> list[int]:
        rows = self._connection.execute(
            "SELECT DISTINCT end_us FROM interval WHERE meter_id = ? AND end_us > ? ORDER BY end_us LIMIT ?",
            (meter_id, after_us, limit),
        )
        return [int(end_us) for (end_us,) in rows]

    def base(self, meter_id: int) -> Base | None:
        row = self._connection.execute(
            "SELECT reading_id, accumulator FROM recompute_base WHERE meter_id = ?", (meter_id,)
        ).fetchone()
        return None if row is None else Base(int(row[0]), msgspec.json.decode(row[1], type=AccumulatorState))

    def newest_id(self) -> int:
        return int(self._connection.execute("SELECT coalesce(max(reading_id), 0) FROM reading").fetchone()[0])
