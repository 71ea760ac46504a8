"""How far each series has come without a hole, and where the first hole is. Within the writer's transaction.

A position is the last `seq` before which nothing is missing: each record is here, or the gateway has said that it
cannot be had. Kept in the same transaction as the records themselves.
"""

import sqlite3
from dataclasses import dataclass

from ...collect.heard import Kind, Series

NO_END = (1 << 62) - 1


@dataclass(frozen=True, slots=True)
class Gap:
    """The first stretch of a series that is missing. `to_seq` None: up to the newest, which nobody has told."""

    series: Series
    from_seq: int
    to_seq: int | None


@dataclass(slots=True)
class _Place:
    series_id: int
    first_seq: int | None
    upto: int | None
    promised: int
    """The newest that is known to be: of a head, of an answer, or come."""
    changed: bool = False
    has_hole: bool = True


class Positions:
    """All series of a collector."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._places: dict[Series, _Place] = {}
        self.forget()

    def forget(self) -> None:
        """Read anew what is on disk."""
        rows = self._connection.execute(
            "SELECT gateway, meter, store_epoch, kind, series_id, first_seq, upto, promised FROM series"
        )
        self._places = {Series(row[0], row[1], row[2], Kind(row[3])): _Place(*row[4:]) for row in rows}

    def enter(self, series: Series) -> int:
        """The number of a series, which is entered where it is not known yet."""
        place = self._places.get(series)
        if place is None:
            cursor = self._connection.execute(
                "INSERT INTO series (gateway, meter, store_epoch, kind, promised) VALUES (?, ?, ?, ?, 0)",
                (series.gateway, series.meter, series.store_epoch, series.kind.value),
            )
            place = self._places[series] = _Place(int(cursor.lastrowid or 0), None, None, 0)
        return place.series_id

    def came(self, series: Series, seq: int) -> None:
        """A record has been put in."""
        place = self._places[series]
        place.promised = max(place.promised, seq)
        if seq == 1:
            self.begins_with(series, 1)
        place.changed = True

    def begins_with(self, series: Series, seq: int) -> None:
        """The series' first number is known."""
        place = self._places[series]
        if place.first_seq is None or seq < place.first_seq:
            place.first_seq, place.upto, place.changed = seq, seq - 1, True

    def promise(self, series: Series, oldest: int, newest: int) -> None:
        """The gateway has these."""
        place = self._places[series]
        if place.first_seq is None:
            self.begins_with(series, oldest)
        if newest > place.promised:
            place.promised, place.changed = newest, True

    def lose(self, series: Series, stretch: tuple[int, int | None], why: str) -> None:
        """A stretch cannot be had for ever; what of it is here stays."""
        place = self._places[series]
        from_seq, to_seq = stretch
        to_seq = place.promised if to_seq is None else to_seq
        if place.first_seq is None:  # nobody can say with what it began: with what there is
            least = self._least(series, place, 0)
            self.begins_with(series, to_seq + 1 if least is None else least)
            place.changed = True
            return
        # Nothing is lost that never was: what is yet to come would not be missed.
        from_seq, to_seq = max(from_seq, place.first_seq), min(to_seq, place.promised)
        if to_seq >= from_seq:
            self._connection.execute(
                "INSERT OR REPLACE INTO lost VALUES (?, ?, ?, ?)", (place.series_id, from_seq, to_seq, why)
            )
        place.changed = True

    def advance(self) -> dict[Series, int]:
        """Move each position over what has come; returns those that moved."""
        moved = {}
        for series, place in self._places.items():
            if not place.changed:
                continue
            place.changed = False
            before = place.upto
            if place.upto is not None:
                place.upto = self._whole_upto(series, place, place.upto)
            place.has_hole = place.upto is None or place.upto < place.promised
            self._connection.execute(
                "UPDATE series SET first_seq = ?, upto = ?, promised = ? WHERE series_id = ?",
                (place.first_seq, place.upto, place.promised, place.series_id),
            )
            if place.upto is not None and place.upto != before and place.upto >= (place.first_seq or 1):
                moved[series] = place.upto
        return moved

    def all_upto(self) -> dict[Series, int]:
        """Every series that has a record, with its position."""
        return {
            series: place.upto
            for series, place in self._places.items()
            if place.upto is not None and place.first_seq is not None and place.upto >= place.first_seq
        }

    def gaps(self) -> list[Gap]:
        """The first hole of each series that has one, or whose beginning nobody knows."""
        found = []
        for series, place in self._places.items():
            if place.first_seq is None or place.upto is None:
                least = self._least(series, place, 0)
                found.append(Gap(series, 1, None if least is None else least - 1))
            elif place.has_hole and place.upto < place.promised:
                least = self._least(series, place, place.upto)
                found.append(Gap(series, place.upto + 1, place.promised if least is None else least - 1))
        return found

    def _least(self, series: Series, place: _Place, after: int) -> int | None:
        """The first record after a number that is here."""
        (least,) = self._connection.execute(
            f"SELECT min(seq) FROM {series.kind.value} WHERE series_id = ? AND seq > ?", (place.series_id, after)
        ).fetchone()
        return None if least is None else int(least)

    def _whole_upto(self, series: Series, place: _Place, upto: int) -> int:
        while True:
            begin = upto
            rows = self._connection.execute(
                f"SELECT seq FROM {series.kind.value} WHERE series_id = ? AND seq > ? ORDER BY seq",
                (place.series_id, upto),
            )
            for (seq,) in rows:
                if seq != upto + 1:
                    break
                upto = seq
            (lost,) = self._connection.execute(
                "SELECT max(to_seq) FROM lost WHERE series_id = ? AND from_seq <= ? AND to_seq > ?",
                (place.series_id, upto + 1, upto),
            ).fetchone()
            upto = upto if lost is None else int(lost)
            if upto == begin:
                return upto
