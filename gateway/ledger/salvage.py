"""Salvage: every row of a damaged store that can still be read, each with a verdict, and a list of what is lost.

The damaged file is only read. A verdict is what can be proved: `whole` (its hash or checksum holds, and an interval
stands on the record before it), `alone` (an interval whose hash holds, but the one before it is not there), `altered`
(it does not hold), `unsummed` (nothing to hold it against). Each of them can be whole and some be missing: a table's
tally says whether they are all.
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from . import chain, tally
from .damaged import UNREADABLE, Lost, TableReader, open_for_reading, tables_of
from .links import LINK_COLUMNS, Chained, fault_of
from .rows import COLUMNS, is_whole
from .store_error import StoreError

WHOLE, ALONE, ALTERED, UNSUMMED = "whole", "alone", "altered", "unsummed"


@dataclass(frozen=True, slots=True)
class SalvagedRow:
    """One row as it was read. `columns` in the order of the table."""

    table: str
    rowid: int
    columns: dict[str, object]
    verdict: str


@dataclass(slots=True)
class TableReport:
    """What became of one table."""

    verdicts: dict[str, int] = field(default_factory=dict)
    lost: list[Lost] = field(default_factory=list)
    is_all: bool | None = None
    """Whether its rows come to its tally: none missing, none an older one. None where nothing says it."""


class Salvage:
    """One damaged file. `rows` once, then `report`."""

    def __init__(self, path: Path, gateway: str = "") -> None:
        """`gateway`: whose records they are, where the file does not say. Raises StoreError, nothing to be read."""
        try:
            self._connection = open_for_reading(path)
            self._tables = tables_of(self._connection)
        except UNREADABLE as error:
            raise StoreError(
                f"{path}: its header or its list of tables cannot be read ({error}); so none of its rows can be found"
            ) from error
        self.report: dict[str, TableReport] = {table: TableReport() for table in self._tables}
        self._names = {row["meter_id"]: str(row["name"]) for row in self._small("meter")}
        self._epochs = [
            (str(row["store_epoch"]), str(row["gateway"] or gateway)) for row in reversed(self._small("store_epoch"))
        ]
        self._hashes: dict[object, tuple[object, str]] = {}

    def close(self) -> None:
        self._connection.close()

    def rows(self, told: Callable[[int], None] = lambda _count: None) -> Iterator[SalvagedRow]:
        """All that can be read, table by table; `told` is called with how many there were so far."""
        count = 0
        for table, columns in self._tables.items():
            reader, report = TableReader(self._connection, table), self.report[table]
            for rowid, *values in reader.rows():
                row = dict(zip(columns, values, strict=True))
                verdict = self._verdict(table, row)
                report.verdicts[verdict] = report.verdicts.get(verdict, 0) + 1
                count += 1
                told(count)
                yield SalvagedRow(table, int(str(rowid)), row, verdict)
            report.lost = reader.lost
            report.is_all = self._is_all(table)

    def _is_all(self, table: str) -> bool | None:
        if not tally.has_tally(table):
            return None
        try:
            said = tally.load(self._connection, table)
            found = None if said is None else tally.count_after(self._connection, table, tally.BEFORE_ALL)
        except UNREADABLE:
            return None  # which rows are lost is told by their numbers
        return None if said is None else found is not None and found[1] == said.row_sum

    def _small(self, table: str) -> list[dict[str, object]]:
        columns = self._tables.get(table)
        if columns is None:
            return []
        return [dict(zip(columns, row[1:], strict=True)) for row in TableReader(self._connection, table).rows()]

    def _verdict(self, table: str, row: dict[str, object]) -> str:
        if table == "interval":
            return self._interval_verdict(row)
        if table not in COLUMNS or row.get("crc") is None:
            return UNSUMMED
        return WHOLE if is_whole([row[column] for column in COLUMNS[table]], row["crc"]) else ALTERED

    def _interval_verdict(self, row: dict[str, object]) -> str:
        meter = self._names.get(row["meter_id"], "")
        link = tuple(row[column] for column in LINK_COLUMNS)
        epoch = next((one for one in self._epochs if not fault_of(link, Chained(one[1], meter, one[0]))), None)
        if epoch is None:
            return ALTERED
        before = self._hashes.get(row["meter_id"])
        self._hashes[row["meter_id"]] = (row["seq"], str(row["hash"]))
        if row["previous_hash"] == chain.genesis(epoch[0], meter):
            return WHOLE
        return WHOLE if before is not None and before[1] == row["previous_hash"] else ALONE


def put_into(connection: sqlite3.Connection, row: SalvagedRow) -> bool:
    """Write one row into a new store; False where it does not fit there (another type, a number taken)."""
    names = ", ".join(f'"{name}"' for name in row.columns)
    marks = ", ".join("?" * len(row.columns))
    try:
        connection.execute(f'INSERT INTO "{row.table}" ({names}) VALUES ({marks})', tuple(row.columns.values()))
    except (sqlite3.Error, OverflowError):
        return False
    return True
