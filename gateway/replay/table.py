"""A table of cumulative registers, as CSV: header, rows, and what is wrong with them. No row is lost in silence.

    time,import_wh,export_wh[,production_wh][,status]        comma, semicolon or tab; quotes allowed

What is wrong with the table itself (columns, encoding, quotes) ends the reading with its line. A wrong row ends it too,
or is kept, with its line and reason, beside the readings: a register is cumulative, so a row left out costs no energy.
"""

import csv
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

from .bad_rows import BadRows
from .fields import BadReason, FieldError, milliwh, shown, time_us
from .header import Layout, read_header
from .order import LONGEST_GAP_US, check_next, rows_to_keep, why_left_out
from .source import ReadingsError, Source, open_source, refuse

__all__ = ["ABSENT", "OnBadRow", "Readings", "ReadingsError", "read_table"]

ABSENT = -1
"""A register that the row leaves blank."""
GOOD_STATUS = ("", "ok", "good", "valid", "measured")
TELL_EVERY_ROWS = 16_384

Tell = Callable[[str, int, int], None]
"""Takes what is being done, how many rows of it are done, and of how many (0: not known)."""


Cell = tuple[int, int, bool]
"""As `fields.milliwh` has it; blank: ABSENT."""


class OnBadRow(StrEnum):
    """What a row that cannot be a reading means for the rest of the table."""

    STOP = "stop"
    COUNT = "count"


@dataclass(slots=True)
class Column:
    """One register's cells, milliwatt-hours or ABSENT, and how they were written."""

    milliwh: "array[int]" = field(default_factory=lambda: array("q"))
    places: int = 0
    """The most decimal places of a watt-hour that a cell has."""
    finer: int = 0
    """How many cells had digits below the milliwatt-hour, which were floored."""
    _text: str = ""
    _cell: Cell = (ABSENT, 0, False)

    def cell(self, name: str, text: str) -> Cell:
        """What a cell says. Registers often stand still: the same text as before is not read again."""
        if text != self._text:
            cell = _cell(name, text.strip())
            self._text, self._cell = text, cell
        return self._cell

    def append(self, cell: Cell) -> None:
        """Take a cell in."""
        value, places, finer = cell
        self.milliwh.append(value)
        if places > self.places:
            self.places = places
        self.finer += finer


@dataclass(slots=True)
class Readings:
    """The rows that can be readings, strictly in order of time, and those that cannot."""

    source: str
    time_us: "array[int]" = field(default_factory=lambda: array("q"))
    lines: "array[int]" = field(default_factory=lambda: array("q"))
    columns: dict[str, Column] = field(default_factory=dict)
    """`import`, `export` and, where the table has it, `production`."""
    bad: BadRows = field(default_factory=BadRows)
    blank_lines: int = 0

    def __len__(self) -> int:
        return len(self.time_us)

    def keep(self, rows: Sequence[int]) -> None:
        """Leave out all rows but these."""
        self.time_us, self.lines = (picked(column, rows) for column in (self.time_us, self.lines))
        for column in self.columns.values():
            column.milliwh = picked(column.milliwh, rows)


def _cell(name: str, text: str) -> Cell:
    if not text:
        return ABSENT, 0, False
    try:
        return milliwh(text)
    except FieldError as error:
        raise FieldError(error.reason, f"{name}_wh: {error.message}", error.mend) from None


def picked(column: "array[int]", rows: Sequence[int]) -> "array[int]":
    """Those rows of a column."""
    return array("q", [column[row] for row in rows])


def read_table(
    path: str,
    *,
    on_bad_row: OnBadRow = OnBadRow.STOP,
    good_status: Sequence[str] = (),
    ignored: Sequence[str] = (),
    tell: Tell | None = None,
) -> Readings:
    """Read the table at `path` (`-`: standard input; gzip is seen by itself). Raises ReadingsError.

    `good_status`: words of the status column that stand for a good reading, besides GOOD_STATUS; `ignored`: columns
    to leave out.
    """
    with open_source(path) as source:
        reader = _Reader(source, on_bad_row, {*GOOD_STATUS, *(word.strip().lower() for word in good_status)})
        return reader.read(ignored, tell)


class _Reader:
    """One pass over one table."""

    def __init__(self, source: Source, on_bad_row: OnBadRow, good_status: set[str]) -> None:
        self._source, self._on_bad_row, self._good_status = source, on_bad_row, good_status
        self._readings = Readings(source.name)
        self._in_order = True

    def read(self, ignored: Sequence[str], tell: Tell | None) -> Readings:
        source, readings = self._source, self._readings
        lines = iter(source)
        first = next(lines, None)
        if first is None:
            raise refuse(source.name, 0, "the file is empty", "the first line is: time,import_wh,export_wh")
        layout = read_header(source.name, first, ignored)
        readings.columns = {name: Column() for name in layout.registers}
        for line in lines:
            try:
                self._append(self._fields(line, layout.delimiter), layout)
            except FieldError as error:
                if line.strip():
                    self._refuse(source.line, error)
                else:
                    readings.blank_lines += 1
            if tell is not None and source.line % TELL_EVERY_ROWS == 0:
                tell("reading", source.line, 0)
        if not readings and not readings.bad:
            raise refuse(source.name, source.line, "there is no row below the header")
        self._bring_in_order()
        return readings

    def _fields(self, line: str, delimiter: str) -> list[str]:
        """A line's cells. Each line is parsed by itself: an open quote must not swallow the lines below it."""
        if '"' not in line:
            return line.split(delimiter)
        try:
            return next(csv.reader([line], delimiter=delimiter, strict=True))
        except csv.Error as error:
            message = f"cannot be parted into fields ({error}): is there a quote too many or too few?"
            raise refuse(self._source.name, self._source.line, message) from None

    def _append(self, row: list[str], layout: Layout) -> None:
        if len(row) != layout.width:
            message = f"{len(row)} fields, the header has {layout.width}"
            raise FieldError(BadReason.FIELD_COUNT, message, "is the line cut off?" if len(row) < layout.width else "")
        if layout.status is not None and row[layout.status].strip().lower() not in self._good_status:
            mend = "the source itself says so; if the word means a good reading: --good-status WORD"
            raise FieldError(BadReason.BAD_STATUS, f"status {shown(row[layout.status].strip())}", mend)
        at_us = time_us(row[layout.time].strip())
        readings = self._readings
        cells = [
            column.cell(name, row[position])
            for (name, position), column in zip(layout.registers.items(), readings.columns.values(), strict=True)
        ]
        self._place(at_us)
        readings.time_us.append(at_us)
        readings.lines.append(self._source.line)
        for column, cell in zip(readings.columns.values(), cells, strict=True):
            column.append(cell)

    def _place(self, at_us: int) -> None:
        """Times have to go on. Where bad rows are counted, which of them is bad is told by all (`_bring_in_order`)."""
        times, lines = self._readings.time_us, self._readings.lines
        if not times or 0 < at_us - times[-1] <= LONGEST_GAP_US:
            return
        self._in_order = False
        if self._on_bad_row is OnBadRow.STOP:
            check_next(at_us, times[-1], lines[-1])

    def _bring_in_order(self) -> None:
        """Leave out the fewest rows that make the times of the others rise."""
        readings = self._readings
        if self._in_order:
            return
        kept, left_out = rows_to_keep(readings.time_us), BadRows()
        for before, after in pairwise([-1, *kept, len(readings)]):
            for row in range(before + 1, after):
                left_out.add(readings.lines[row], why_left_out(readings.time_us, readings.lines, row, kept))
        readings.bad.join(left_out)
        readings.keep(kept)

    def _refuse(self, line: int, error: FieldError) -> None:
        """The row ends the reading, or is kept with its reason. What its source calls bad is no mistake of the file."""
        if self._on_bad_row is OnBadRow.STOP and error.reason is not BadReason.BAD_STATUS:
            raise refuse(self._source.name, line, error.message, error.mend) from None
        self._readings.bad.add(line, error)
