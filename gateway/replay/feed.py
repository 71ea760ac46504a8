"""A table as its meters see it: which columns and rows are whose, with which digit, and a row as a reading.

Grid is import and export; a production column is a meter of its own, which only exports. A row that leaves all of one
meter's cells blank, but not another's, is no reading of that meter: the two may be read at their own pace.
"""

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from drivers import EnergyRegister, RegisterSnapshot

from ..clock import ClockState
from ..energy import Direction
from ..reading.read import Reading
from .digits import Digit, digit_of
from .doubt import Flags
from .table import ABSENT, Readings, picked
from .terms import GRID, PRODUCTION, Terms

METERS: Mapping[str, Mapping[Direction, str]] = {
    GRID: {Direction.IMPORT: "import", Direction.EXPORT: "export"},
    PRODUCTION: {Direction.EXPORT: "production"},
}
"""Meter -> its directions -> the table's columns."""


@dataclass(frozen=True, slots=True)
class Feed:
    """One meter's part of a table: columns of the same length. A column without any value is left out."""

    meter: str
    terms: Terms
    time_us: "array[int]"
    lines: "array[int]"
    registers: Mapping[Direction, "array[int]"]
    """Milliwatt-hours, or ABSENT."""
    digits: Mapping[Direction, Digit]
    finer: Mapping[Direction, int]
    """How many cells were floored to a milliwatt-hour."""

    def __len__(self) -> int:
        return len(self.time_us)

    def reading(self, row: int) -> Reading:
        """A row as a reading: its time is the middle of its window, and monotonic time runs with it."""
        energy_import, energy_export = (self._register(direction, row) for direction in Direction)
        snapshot = RegisterSnapshot(energy_import, energy_export, power_milliw=None, one_moment=True, others={})
        at_us, half_us = self.time_us[row], self.terms.half_window_us
        return Reading(
            meter=self.meter,
            snapshot=snapshot,
            earliest_us=at_us - half_us,
            latest_us=at_us + half_us,
            monotonic_us=at_us + half_us,
            boot_id="",
            clock_state=ClockState.SYNCED,
            clock_error_us=self.terms.clock_error_us,
        )

    def rounding_milliwh(self, direction: Direction) -> int:
        """How far the true count may lie below a register."""
        return (self.digits[direction].milliwh + 1) // 2 if self.terms.rounded else 0

    def _register(self, direction: Direction, row: int) -> EnergyRegister | None:
        column = self.registers.get(direction)
        if column is None or column[row] == ABSENT:
            return None
        return EnergyRegister(column[row], self.digits[direction].milliwh, self.rounding_milliwh(direction))


def feeds(readings: Readings, terms: Terms) -> Iterator[Feed]:
    """A feed for each meter that the table has a register of; for the grid where it has none at all."""
    filled = {name: _filled(column.milliwh) for name, column in readings.columns.items()}
    nobodys: Flags = ~np.logical_or.reduce(list(filled.values()))
    for meter, columns in METERS.items():
        present = {direction: name for direction, name in columns.items() if name in filled and filled[name].any()}
        rows = np.logical_or.reduce([filled[name] for name in present.values()]) if present else np.zeros_like(nobodys)
        if not present and not (meter == GRID and nobodys.all()):
            continue
        yield _feed(meter, readings, terms, present, rows | nobodys)
        nobodys = np.zeros_like(nobodys)  # a row without any register is told once


def _feed(meter: str, readings: Readings, terms: Terms, present: Mapping[Direction, str], rows: Flags) -> Feed:
    columns = {direction: readings.columns[name] for direction, name in present.items()}
    chosen = None if rows.all() else np.flatnonzero(rows).tolist()
    time_us, lines, *registers = (
        column if chosen is None else picked(column, chosen)
        for column in (readings.time_us, readings.lines, *(one.milliwh for one in columns.values()))
    )
    return Feed(
        meter,
        terms,
        time_us,
        lines,
        dict(zip(columns, registers, strict=True)),
        {direction: digit_of(column, terms.resolution_milliwh) for direction, column in columns.items()},
        {direction: column.finer for direction, column in columns.items()},
    )


def _filled(column: "array[int]") -> Flags:
    found: Flags = np.frombuffer(column, dtype=np.int64) != ABSENT
    return found
