"""A meter's truth file read back: between which bounds its true count lay at an instant.

Reads the CSV by itself and shares no code with who wrote it.
"""

import csv
from pathlib import Path

US_PER_S = 1_000_000
DIRECTIONS = ("import", "export")


class TrueCount:
    """Import and export of one meter at every house second, milliwatt-hours."""

    def __init__(self, rows: dict[int, tuple[int, int]]) -> None:
        """`rows`: second -> (import, export), floored. Raises ValueError where a second is missing."""
        if not rows or len(rows) != max(rows) - min(rows) + 1:
            raise ValueError(f"a truth of {len(rows)} seconds has holes")
        self._rows = rows
        self.first_us, self.last_us = min(rows) * US_PER_S, max(rows) * US_PER_S

    @classmethod
    def read(cls, path: Path) -> "TrueCount":
        """The file; a row that is cut off at the end is left out."""
        with path.open(encoding="ascii", newline="") as source:
            lines = [row for row in csv.reader(source) if len(row) == 5][1:]
        return cls({int(row[0]): (int(row[1]), int(row[2])) for row in lines})

    def bounds(self, direction: str, utc_us: int) -> tuple[int, int]:
        """The least and the most that was counted at an instant: the whole seconds before and after it.

        Before the first second nothing had flowed yet. Raises KeyError beyond the last.
        """
        column = DIRECTIONS.index(direction)
        at_us = max(utc_us, self.first_us)
        # The rows are floored: the true count is less than one more.
        return self._rows[at_us // US_PER_S][column], self._rows[-(-at_us // US_PER_S)][column] + 1

    def between(self, direction: str, from_us: int, to_us: int) -> tuple[int, int]:
        """The least and the most that flowed in [from, to)."""
        from_low, from_high = self.bounds(direction, from_us)
        to_low, to_high = self.bounds(direction, to_us)
        return max(to_low - from_high, 0), to_high - from_low
