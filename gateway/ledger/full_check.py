"""The full check of an open store, in slices: every record read, every chain link verified, beside the daily work.

Reads only, in the thread that owns the connection. A small file gets SQLite's own `integrity_check` first, which cannot
be interrupted; a large one is walked, table by table, so that no commit waits longer than for one slice.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from . import tally
from .damaged import tells_damage
from .epochs import first_interval_seqs, load_epochs
from .links import SELECT_LINKS, Chained, Walk
from .rows import COLUMNS, is_whole

SMALL_BYTES = 4_000_000
ROWS_A_SLICE = 200
TABLES = ("bucket_total", "interval", *COLUMNS)
FEW_ROWS = (
    *("meta", "meter", "meter_state", "bucket_total", "register_epoch", "store_epoch", "store_epoch_start"),
    *("reading_form", "recompute_base", "retention_mark"),
)
NO_END = (1 << 63) - 1
ENDS_INDEX = "idx_interval_meter_id_end_us"
END_COLUMN = 8
"""Of a row of `interval` as it is read here."""
TALLY_TRIES = 3
"""So often a table is read anew because rows of it changed meanwhile."""


@dataclass(slots=True)
class _Ends:
    """What was seen of (meter, end, rowid), in whatever order."""

    count: int = 0
    newest: int = 0
    hashes: int = 0

    def take(self, rows: Iterable[tuple[int, int, int]]) -> None:
        for row in rows:
            self.count, self.newest, self.hashes = self.count + 1, max(self.newest, row[2]), self.hashes + hash(row)


class FullCheck:
    """One walk. `step` until `done`; `fault` says the first thing found, empty where all holds."""

    def __init__(
        self, connection: Callable[[], sqlite3.Connection], path: Path, rows_a_slice: int = ROWS_A_SLICE
    ) -> None:
        """`connection`: the one that holds now; a store that failed may have been opened anew between two slices."""
        self.done = False
        self.fault = ""
        self.checked_rows, self.checked_links = 0, 0
        self._connection_now, self._path, self._rows = connection, path, rows_a_slice
        self._event_seqs: dict[int, int] = {}
        self._row_sum = 0
        self._ends = _Ends()
        self._slices = self._walk()

    @property
    def _connection(self) -> sqlite3.Connection:
        return self._connection_now()

    @property
    def told(self) -> str:
        """One word or sentence for `health`."""
        if self.fault:
            return f"damaged: {self.fault}"
        return "ok" if self.done else "running"

    def step(self) -> bool:
        """Check one slice; True once it has ended. Where the disk does not answer it raises sqlite3.Error or
        OSError, and begins anew with the next step.
        """
        if self.done:
            return True
        try:
            self.fault = next(self._slices)
            self.done = bool(self.fault)
        except StopIteration:
            self.done = True
        except (sqlite3.OperationalError, sqlite3.ProgrammingError) as error:  # the latter: a handle that is closed
            if not tells_damage(error):
                self._begin_again()
                raise
            self.fault, self.done = str(error), True
        except OSError:
            self._begin_again()
            raise
        except (sqlite3.DatabaseError, ValueError, TypeError) as error:
            self.fault, self.done = str(error), True
        return self.done

    def _begin_again(self) -> None:
        """A generator that raised is spent."""
        self.checked_rows = self.checked_links = 0
        self._slices = self._walk()

    def _walk(self) -> Iterator[str]:
        """A fault, or nothing, after each slice."""
        self._event_seqs.clear()
        self._ends = _Ends()
        if self._path.stat().st_size <= SMALL_BYTES:
            yield self._own_word("1")
        for table in FEW_ROWS:
            yield self._own_word(table)
        for table in TABLES:
            yield from self._read_and_tally(table)
        yield from self._walk_events()
        yield from self._walk_interval_ends()
        yield from self._walk_chains()
        # Links are found by an index: one that was put back misses the newest.
        yield "interval: records are not in their index" if self.checked_links < self._ends.count else ""

    def _own_word(self, what: str) -> str:
        """SQLite's own judgement of one table with its indexes, or of the whole file (`1`: the first fault only)."""
        (word,) = self._connection.execute(f"PRAGMA integrity_check({what})").fetchone()
        return "" if word == "ok" else str(word)

    def _walk_events(self) -> Iterator[str]:
        """Every event by its index: one that is only there or only in the table is a fault."""
        seen = dict.fromkeys(self._event_seqs, 0)
        for meter_id, newest in self._event_seqs.items():
            while seen[meter_id] < newest:
                rows = self._connection.execute(
                    "SELECT seq FROM event WHERE meter_id = ? AND seq > ? ORDER BY seq LIMIT ?",
                    (meter_id, seen[meter_id], self._rows),
                ).fetchall()
                expected = list(range(seen[meter_id] + 1, seen[meter_id] + 1 + len(rows)))
                if not rows or [seq for (seq,) in rows] != expected:
                    yield f"event {seen[meter_id] + 1} of meter {meter_id}: not in its index"
                    return
                seen[meter_id] = expected[-1]
                yield ""

    def _walk_interval_ends(self) -> Iterator[str]:
        """Every interval by the index that finds it by its end: what is there must be what is in the table."""
        found, after = _Ends(), (-NO_END, -NO_END, -NO_END)
        while True:
            rows = self._connection.execute(
                f"SELECT meter_id, end_us, rowid FROM interval INDEXED BY {ENDS_INDEX}"
                " WHERE (meter_id, end_us, rowid) > (?, ?, ?) AND rowid <= ? ORDER BY meter_id, end_us, rowid LIMIT ?",
                (*after, self._ends.newest, self._rows),
            ).fetchall()
            if not rows:
                yield "" if found == self._ends else "interval: records are not in the index of their ends"
                return
            found.take(rows)
            if rows[-1] <= after:
                yield "interval: the index of their ends is not in its order"
                return
            after = rows[-1]
            yield ""

    def _read_and_tally(self, table: str) -> Iterator[str]:
        """Every row, and whether they are all that were written. Changes beside the check are told by the tally."""
        if not tally.has_tally(table):
            yield from self._read_all(table, NO_END)
            return
        rows_before = self.checked_rows
        for _ in range(TALLY_TRIES):
            self.checked_rows = rows_before
            if table == "event":
                self._event_seqs.clear()
            elif table == "interval":
                self._ends = _Ends()
            before, newest = tally.load(self._connection, table), self._newest(table)
            if before is None:
                yield f"{table}: nothing says what its rows come to"
                return
            yield from self._read_all(table, newest)
            # From here to the end no commit comes between.
            now, later = tally.load(self._connection, table), tally.count_after(self._connection, table, newest)
            changes = 0 if now is None else now.changes - before.changes
            if later is None or now is None or later[0] > changes:
                yield _not_all(table)
                return
            if later[0] < changes:
                continue  # a row that was read may be another by now, or gone
            yield "" if (self._row_sum + later[1]) % tally.PRIME == now.row_sum else _not_all(table)
            return
        # It changes all the time: all of it at once, though a commit may wait for that.
        now, found = tally.load(self._connection, table), tally.count_after(self._connection, table, tally.BEFORE_ALL)
        yield "" if now is not None and found is not None and found[1] == now.row_sum else _not_all(table)

    def _newest(self, table: str) -> int:
        (newest,) = self._connection.execute(f"SELECT coalesce(max(rowid), 0) FROM {table} NOT INDEXED").fetchone()
        return int(newest)

    def _read_all(self, table: str, newest: int) -> Iterator[str]:
        """Rows up to a rowid, in slices; what they come to is in `_row_sum` then."""
        columns = COLUMNS.get(table)
        what = "*" if columns is None else ", ".join((*columns, "crc"))
        weight = tally.weight(table) if tally.has_tally(table) else "0"
        after, self._row_sum = -NO_END, 0
        while True:
            rows = self._connection.execute(
                f"SELECT rowid, {weight}, {what} FROM {table} NOT INDEXED WHERE rowid > ? AND rowid <= ?"
                " ORDER BY rowid LIMIT ?",
                (after, newest, self._rows),
            ).fetchall()
            if not rows:
                return
            if any(one[0] >= other[0] for one, other in pairwise(rows)):
                yield f"{table} {rows[0][0]} to {rows[-1][0]}: not in their order"
                return
            after = rows[-1][0]
            self.checked_rows += len(rows)
            self._row_sum += sum(row[1] for row in rows)
            altered = [row[0] for row in rows if columns is not None and not is_whole(row[2:-1], row[-1])]
            yield f"{table} {altered[0]}: is not what its checksum says" if altered else ""
            if table == "event":
                yield self._missing_event(rows)
            elif table == "interval":
                self._ends.take((row[2], row[END_COLUMN], row[0]) for row in rows)

    def _missing_event(self, rows: list[tuple[object, ...]]) -> str:
        """Events are numbered without a hole, and stored in that order."""
        for row in rows:
            meter_id, seq = int(str(row[2])), row[3]
            expected = self._event_seqs.get(meter_id, 0) + 1
            if seq != expected:
                return f"event {expected} of meter {meter_id}: missing"
            self._event_seqs[meter_id] = expected
        return ""

    def _walk_chains(self) -> Iterator[str]:
        epochs = load_epochs(self._connection)
        meters = self._connection.execute("SELECT meter_id, name FROM meter ORDER BY meter_id").fetchall()
        starts = [first_interval_seqs(self._connection, epoch.epoch_no) for epoch in epochs]
        for meter_id, name in meters:
            for index, epoch in enumerate(epochs):
                end_seq = None
                if index + 1 < len(epochs):
                    end_seq = starts[index + 1].get(meter_id)
                    if end_seq is None:
                        continue  # the meter came in a later epoch
                whose = Chained(epoch.gateway, name, epoch.store_epoch)
                first_seq = starts[index].get(meter_id, 1)
                yield from self._walk_chain(Walk(whose, first_seq, whose.genesis), meter_id, end_seq)

    def _walk_chain(self, walk: Walk, meter_id: int, end_seq: int | None) -> Iterator[str]:
        while True:
            rows = self._connection.execute(
                f"{SELECT_LINKS} WHERE meter_id = ? AND seq >= ? AND seq < ? ORDER BY seq LIMIT ?",
                (meter_id, walk.next_seq, NO_END if end_seq is None else end_seq, self._rows),
            ).fetchall()
            if not rows:
                is_short = end_seq is not None and walk.next_seq != end_seq
                yield f"meter {walk.whose.meter}, interval {walk.next_seq}: missing" if is_short else ""
                return
            for row in rows:
                broken = walk.take(row)
                if broken is not None:
                    yield str(broken)
                    return
            self.checked_links += len(rows)
            yield ""


def _not_all(table: str) -> str:
    return f"{table}: its rows are not all, or not the newest, that were written"
