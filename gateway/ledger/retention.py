"""How long raw readings are kept whole, and their thinning afterwards: a slice at a time, between two commits.

Age is how long was read, added up from monotonic time between readings of one boot, never the word of a wall clock: one
that leaps by years thins nothing, and a gateway that was off has not grown older. Intervals, events, decisions and
what waits for the broker are never touched. Deletion is by sequence; freed pages are used again. docs/store.md
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from .records import ReadingRow
from .rows import replace, summed
from .thinning import ThinRow, droppable

HOUR_US = 3_600_000_000
LONGEST_STEP_US = 600_000_000
"""Of a gap between readings no more counts."""
SLICE_ROWS = 1000
SLICE_ROWS_A_METER = 40
LEAST_HOURS = 24
"""So much stays whole even where the store is too large."""


@dataclass(frozen=True, slots=True)
class Age:
    """How long was read, microseconds, and the newest reading by which that is known."""

    read_us: int
    boot_id: str = ""
    monotonic_us: int = 0

    @property
    def hour(self) -> int:
        """Full hours."""
        return self.read_us // HOUR_US

    def after(self, boot_id: str, monotonic_us: int) -> "Age":
        """The age after another reading."""
        if boot_id != self.boot_id:
            return Age(self.read_us, boot_id, monotonic_us)
        step_us = monotonic_us - self.monotonic_us
        return self if step_us <= 0 else Age(self.read_us + min(step_us, LONGEST_STEP_US), boot_id, monotonic_us)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of the file, and of them those in use."""

    file_bytes: int
    used_bytes: int


class Retention:
    """Thins one store. `note` runs inside a commit, `thin` is a transaction of its own."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.slice_rows = SLICE_ROWS
        row = connection.execute("SELECT value FROM meta WHERE key = 'thinned_to'").fetchone()
        self.thinned_to = 0 if row is None else int(row[0])
        """Readings up to this id have been looked at."""
        self.age = self._load_age()
        self.is_over_size = False
        """Larger than allowed, and nothing left that may go."""

    def note(self, rows: Iterable[ReadingRow]) -> Age:
        """Inside the transaction that wrote these rows: mark a full hour. Returns the age to keep once it holds."""
        age = self.age
        for row in rows:
            age = age.after(row.reading.boot_id, row.reading.monotonic_us)
        if age.hour > self.age.hour:
            (newest,) = self._connection.execute("SELECT coalesce(max(reading_id), 0) FROM reading").fetchone()
            self._connection.execute(replace("retention_mark"), summed((age.hour, newest)))
        return age

    def thin(self, keep_hours: int, most_bytes: int = 0) -> int | None:
        """Thin one slice of what is older than `keep_hours`. Returns how many readings went; None: nothing is due.

        `most_bytes`: where more is in use, readings are thinned earlier, but for the last day. Raises sqlite3.Error.
        """
        limit = self._slice_rows()
        due = self._due(keep_hours, limit)
        over = bool(most_bytes) and self.sizes().used_bytes > most_bytes
        if not due and over:
            due = self._due(min(keep_hours, LEAST_HOURS), limit)
        self.is_over_size = over and not due
        return self._thin_slice(limit) if due else None

    def sizes(self) -> Sizes:
        """How large the store's file is."""
        page, count, free = (
            int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_size", "page_count", "freelist_count")
        )
        return Sizes(page * count, page * (count - free))

    def _due(self, keep_hours: int, limit: int) -> bool:
        row = self._connection.execute(
            "SELECT reading_id FROM retention_mark WHERE mark_hour <= ? ORDER BY mark_hour DESC LIMIT 1",
            (self.age.hour - keep_hours,),
        ).fetchone()
        return row is not None and self.thinned_to + limit <= int(row[0])

    def _slice_rows(self) -> int:
        (meters,) = self._connection.execute("SELECT count(*) FROM meter").fetchone()
        return max(self.slice_rows, SLICE_ROWS_A_METER * int(meters))

    def _thin_slice(self, limit: int) -> int:
        first, last = self.thinned_to, self.thinned_to + limit
        gone = [
            reading_id
            for meter_id, rows in self._rows(first - limit, last + limit).items()
            for reading_id in droppable(rows, self._edges_us(meter_id, rows))
            if first < reading_id <= last
        ]
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany("DELETE FROM reading WHERE reading_id = ?", [(one,) for one in sorted(gone)])
            connection.execute(replace("meta"), summed(("thinned_to", str(last))))
            connection.execute("DELETE FROM retention_mark WHERE reading_id < ?", (first,))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self.thinned_to = last
        return len(gone)

    def _rows(self, after_id: int, last_id: int) -> dict[int, list[ThinRow]]:
        """Rows by meter, those before schema 2 too."""
        found: dict[int, list[ThinRow]] = {}
        for (
            meter_id,
            reading_id,
            decision,
            has_acts,
            earliest_us,
            latest_us,
            error_us,
            *has,
        ) in self._connection.execute(
            "SELECT meter_id, reading_id, decision, acts IS NOT NULL, earliest_us, latest_us,"
            " coalesce(clock_error_us, 0), import_milliwh IS NOT NULL, export_milliwh IS NOT NULL"
            " FROM reading WHERE reading_id > ? AND reading_id <= ? ORDER BY reading_id",
            (after_id, last_id),
        ):
            row = ThinRow(
                reading_id,
                decision,
                bool(has_acts),
                earliest_us - error_us,
                latest_us + error_us,
                earliest_us + (latest_us - earliest_us) // 2,
                (bool(has[0]), bool(has[1])),
            )
            found.setdefault(meter_id, []).append(row)
        return found

    def _edges_us(self, meter_id: int, rows: list[ThinRow]) -> list[int]:
        """The edges that the account has crossed in the time of these rows; where that ends, an edge that holds all."""
        first_us, last_us = min(row.earliest_us for row in rows), max(row.latest_us for row in rows)
        edges = [
            int(end_us)
            for (end_us,) in self._connection.execute(
                "SELECT DISTINCT end_us FROM interval WHERE meter_id = ? AND end_us BETWEEN ? AND ? ORDER BY end_us",
                (meter_id, first_us, last_us),
            )
        ]
        (newest_us,) = self._connection.execute(
            "SELECT max(end_us) FROM interval WHERE meter_id = ?", (meter_id,)
        ).fetchone()
        if newest_us is None or newest_us < last_us:  # an edge may wait there to be confirmed
            after_us = first_us if newest_us is None else max(newest_us, first_us)
            edges += [row.latest_us for row in rows if row.latest_us >= after_us]
        return sorted(edges)

    def _load_age(self) -> Age:
        """The age at the newest mark, and what was read since, an hour of rows; short by no more than one commit."""
        row = self._connection.execute(
            "SELECT mark_hour, reading_id FROM retention_mark ORDER BY mark_hour DESC LIMIT 1"
        ).fetchone()
        hour, mark_id = (0, 0) if row is None else (int(row[0]), int(row[1]))
        age = Age(hour * HOUR_US)
        for boot_id, monotonic_us in self._connection.execute(
            "SELECT boot_id, monotonic_us FROM reading JOIN boot USING (boot_number) WHERE reading_id >= ?"
            " ORDER BY reading_id",
            (mark_id,),
        ):
            age = age.after(boot_id, monotonic_us)
        return age
