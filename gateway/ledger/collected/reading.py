"""What a collector's database has, for who reads it beside its writer: intervals of a meter, how far it is, trouble.

Never writes. Records that are missing are told, never bridged.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..closed import ClosedRow
from ..rows import is_whole
from ..store_error import StoreError
from .tables import AGAIN, ENERGIES, INTERVAL, LEFT_OUT, open_to_read

_ROWS = f"SELECT {', '.join(INTERVAL)}, crc FROM interval WHERE series_id = ? ORDER BY seq"
_AT = {name: place for place, name in enumerate(INTERVAL)}
_CLOSED = tuple(
    _AT[name]
    for name in (
        *("seq", "start_us", "end_us", "quality"),
        *(name for name in ENERGIES if not name.endswith("register_milliwh")),
        "supersedes",
    )
)
INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class SeriesState:
    """How far one series is. `missing`: records that the gateway has, or a hole shows, and that are not here."""

    gateway: str
    meter: str
    store_epoch: str
    kind: str
    records: int
    first_seq: int | None
    upto: int | None
    newest_seq: int
    missing: int
    lost: int
    last_end_us: int | None


@dataclass(frozen=True, slots=True)
class TroubleRow:
    """Something that a person has to look at."""

    trouble_id: int
    gateway: str
    meter: str
    what: str
    detail: str
    times: int
    dismissed: int
    """1: a person has settled it."""


@dataclass(frozen=True, slots=True)
class CollectedRows:
    """A meter's intervals over all its stores, oldest first; `awaited`: newer ones that its gateway has already."""

    gateway: str
    rows: list[ClosedRow]
    awaited: int


@contextmanager
def reading(path: Path) -> Iterator["CollectedView"]:
    """The database at `path` for reading, in one state of it. Raises StoreError."""
    try:
        with closing(open_to_read(path)) as connection:
            connection.execute("BEGIN")  # what the writer adds meanwhile is not seen
            yield CollectedView(connection, path)
    except sqlite3.Error as error:
        raise StoreError(f"{path}: cannot be read ({error}); {AGAIN}") from error


class CollectedView:
    """One state of a collector's database."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.connection = connection
        self._path = path

    def meters(self) -> list[tuple[str, str]]:
        """(gateway, meter) pairs."""
        return self.connection.execute("SELECT DISTINCT gateway, meter FROM epoch ORDER BY gateway, meter").fetchall()

    def troubles(self) -> list[TroubleRow]:
        """All that was found wrong, settled or not."""
        rows = self.connection.execute(
            "SELECT trouble_id, gateway, meter, what, detail, times, dismissed FROM trouble ORDER BY trouble_id"
        )
        return [TroubleRow(*row) for row in rows]

    def series(self) -> list[SeriesState]:
        """How far each series is."""
        found = []
        for series_id, gateway, meter, epoch, kind, first, upto, promised in self.connection.execute(
            "SELECT series_id, gateway, meter, store_epoch, kind, first_seq, upto, promised FROM series"
            " ORDER BY gateway, meter, kind DESC, series_id"
        ).fetchall():
            (records,) = self.connection.execute(
                f"SELECT count(*) FROM {kind} WHERE series_id = ?", (series_id,)
            ).fetchone()
            last = None
            if kind == "interval":
                (last,) = self.connection.execute(
                    "SELECT max(end_us) FROM interval WHERE series_id = ?", (series_id,)
                ).fetchone()
            lost = sum(self._lost_not_here(series_id, kind, *row) for row in self._lost(series_id))
            expected = 0 if first is None else promised - first + 1
            missing = max(0, expected - records - lost)
            found.append(SeriesState(gateway, meter, epoch, kind, records, first, upto, promised, missing, lost, last))
        return found

    def left_out(self) -> frozenset[str]:
        """Stores that a person wants in no bill and no restore."""
        made = self.connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (LEFT_OUT,)).fetchone()
        rows = self.connection.execute(f"SELECT store_epoch FROM {LEFT_OUT}").fetchall() if made else []
        return frozenset(str(one) for (one,) in rows)

    def epochs(self, gateway: str, meter: str) -> list[str]:
        """A meter's store epochs, oldest first: as its gateway says, else as they were met. Not those left out."""
        rows = self.connection.execute(
            "SELECT store_epoch, previous FROM epoch WHERE gateway = ? AND meter = ? ORDER BY epoch_no",
            (gateway, meter),
        ).fetchall()
        order = [epoch for epoch, _ in rows]
        for epoch, previous in rows:
            if previous is not None:
                if previous in order:
                    order.remove(previous)
                order.insert(order.index(epoch), previous)
        left_out = self.left_out()
        return [one for one in order if one not in left_out]

    def intervals(self, meter: str, gateway: str = "") -> CollectedRows:
        """All intervals of a meter. `gateway` may be left out where one has such a meter. Raises StoreError."""
        gateway = self._gateway_of(meter, gateway)
        open_troubles = [
            one.trouble_id
            for one in self.troubles()
            if not one.dismissed and one.gateway == gateway and one.meter in ("", meter)
        ]
        if open_troubles:
            raise StoreError(
                f"{self._path}: meter {meter} of gateway {gateway} has trouble {', '.join(map(str, open_troubles))}"
                " that nobody has settled; see `netmeter collect --show`, then `netmeter collect --dismiss N`"
            )
        rows: list[ClosedRow] = []
        gone: set[int] = set()
        awaited = 0
        lines: list[list[tuple[Any, ...]]] = []
        for epoch in self.epochs(gateway, meter):
            found, waits = self._rows_of(gateway, meter, epoch)
            lines.append(found)
            awaited += waits
        # Numbers go on over the epochs of one file, and begin anew in another: a revision means the newest before it.
        for found in reversed(lines):
            here = {int(str(row[0])) for row in found}
            gone |= {int(str(row[10])) for row in found if row[10] is not None}
            rows[:0] = [row[:10] for row in found if row[0] not in gone]
            gone -= here
        return CollectedRows(gateway, rows, awaited)

    def _gateway_of(self, meter: str, gateway: str) -> str:
        known = self.meters()
        having = [one for one, name in known if name == meter and gateway in ("", one)]
        if len(having) == 1:
            return having[0]
        told = ", ".join(f"{one}/{name}" for one, name in known) or "none yet"
        if having:
            raise StoreError(f'{self._path}: several gateways have a meter {meter} ({told}); name it: gateway = "..."')
        whose = f" of gateway {gateway}" if gateway else ""
        raise StoreError(f"{self._path}: there is no meter {meter}{whose} in it; it knows {told}")

    def _rows_of(self, gateway: str, meter: str, epoch: str) -> tuple[list[tuple[Any, ...]], int]:
        """The rows of one epoch, and how many newer ones are awaited. Raises StoreError for a hole."""
        series = self.connection.execute(
            "SELECT series_id, first_seq, upto, promised FROM series"
            " WHERE gateway = ? AND meter = ? AND store_epoch = ? AND kind = 'interval'",
            (gateway, meter, epoch),
        ).fetchone()
        if series is None:
            return [], 0
        series_id, first_seq, upto, promised = series
        rows = [tuple(row[place] for place in _CLOSED) for row in self.whole_rows(series_id)]
        if rows and (upto is None or rows[-1][0] > upto):
            missing = 1 if upto is None else upto + 1
            raise StoreError(
                f"{self._path}: records of {gateway}/{meter} are missing, from number {missing} of store {epoch} on;"
                " let `netmeter collect` run until it has them"
            )
        newest = (first_seq or 1) - 1 if upto is None else upto
        return self._with_losses(series_id, rows), max(0, promised - newest)

    def whole_rows(self, series_id: int) -> Iterator[tuple[Any, ...]]:
        """The intervals of a series, each with the columns `INTERVAL`. Raises StoreError for one that is altered."""
        for row in self.connection.execute(_ROWS, (series_id,)):
            if not is_whole(row[:-1], row[-1]):
                raise StoreError(f"{self._path}: record {row[1]} is not what its checksum says; {AGAIN}")
            yield row[:-1]

    def _with_losses(self, series_id: int, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Rows between which records are lost for good say so: nobody knows what those were about.

        What is lost behind the newest of a store was its last word before its end: the next one tells that time.
        """
        lost = self._lost(series_id)
        if not lost:
            return rows
        here = {row[0] for row in rows}
        beside = set()
        for from_seq, to_seq in lost:
            if {from_seq - 1, to_seq + 1} <= here and any(seq not in here for seq in range(from_seq, to_seq + 1)):
                beside |= {from_seq - 1, to_seq + 1}
        return [(*row[:3], INCOMPLETE, *row[4:]) if row[0] in beside else row for row in rows]

    def _lost(self, series_id: int) -> list[tuple[int, int]]:
        return self.connection.execute(
            "SELECT from_seq, to_seq FROM lost WHERE series_id = ? ORDER BY from_seq", (series_id,)
        ).fetchall()

    def _lost_not_here(self, series_id: int, kind: str, from_seq: int, to_seq: int) -> int:
        (here,) = self.connection.execute(
            f"SELECT count(*) FROM {kind} WHERE series_id = ? AND seq BETWEEN ? AND ?", (series_id, from_seq, to_seq)
        ).fetchone()
        return to_seq - from_seq + 1 - int(here)
