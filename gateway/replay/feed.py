"""A table as its meters see it: which columns are whose, with which digit, and a row as a reading.

Grid is import and export; a production column is a meter of its own, which only exports.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from drivers import EnergyRegister, RegisterSnapshot

from ..clock import ClockState
from ..energy import Direction
from ..read import Reading
from .digits import Digit, digit_of, has_values
from .table import ABSENT, Column, Readings
from .terms import GRID, PRODUCTION, Terms

METERS: Mapping[str, Mapping[Direction, str]] = {
    GRID: {Direction.IMPORT: "import", Direction.EXPORT: "export"},
    PRODUCTION: {Direction.EXPORT: "production"},
}
"""Meter -> its directions -> the table's columns."""


@dataclass(frozen=True, slots=True)
class Feed:
    """One meter's part of a table."""

    meter: str
    readings: Readings
    terms: Terms
    columns: Mapping[Direction, Column]
    digits: Mapping[Direction, Digit]

    def reading(self, row: int) -> Reading:
        """A row as a reading: its time is the middle of its window, and monotonic time runs with it."""
        registers = {direction: self._register(direction, row) for direction in self.columns}
        energy_import, energy_export = registers.get(Direction.IMPORT), registers.get(Direction.EXPORT)
        snapshot = RegisterSnapshot(energy_import, energy_export, power_milliw=None, one_moment=True, others={})
        at_us, half_us = self.readings.time_us[row], self.terms.half_window_us
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
        milliwh = self.columns[direction].milliwh[row]
        if milliwh == ABSENT:
            return None
        return EnergyRegister(milliwh, self.digits[direction].milliwh, self.rounding_milliwh(direction))


def feeds(readings: Readings, terms: Terms) -> Iterator[Feed]:
    """A feed for each meter that the table has."""
    for meter, columns in METERS.items():
        present = {direction: readings.columns[name] for direction, name in columns.items() if name in readings.columns}
        if meter == GRID or any(has_values(column) for column in present.values()):
            digits = {direction: digit_of(column, terms.resolution_milliwh) for direction, column in present.items()}
            yield Feed(meter, readings, terms, present, digits)
