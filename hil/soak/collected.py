"""A collector's database as a judge reads it: by hand, with SQL of its own, nothing of the gateway's code.

Knows the public contract's payloads and the names of three tables.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from .history import Received

PATIENCE_S = 10.0
_RECORDS = (
    "SELECT r.payload FROM {kind} r JOIN series s USING (series_id) WHERE s.meter = ? ORDER BY s.series_id, r.seq"
)


def collected(database: Path, meter: str) -> list[Received]:
    """Everything of a meter, as if it had come in order. Raises sqlite3.Error."""
    return [*_records(database, meter, "interval"), *_records(database, meter, "event"), *_states(database, meter)]


def troubles(database: Path) -> list[str]:
    """What the collector itself found wrong."""
    return [f"{what}: {detail}" for what, detail in _rows(database, "SELECT what, detail FROM trouble", ())]


def intervals(database: Path, meter: str) -> list[tuple[int, int]]:
    """(seq, end_us) of each interval; none where the database is not there yet."""
    try:
        return list(
            _rows(
                database,
                "SELECT r.seq, r.end_us FROM interval r JOIN series s USING (series_id) WHERE s.meter = ? ORDER BY 1",
                (meter,),
            )
        )
    except sqlite3.Error:
        return []


def _records(database: Path, meter: str, kind: str) -> Iterator[Received]:
    for (payload,) in _rows(database, _RECORDS.format(kind=kind), (meter,)):
        yield Received(meter, kind, payload.encode())


def _states(database: Path, meter: str) -> Iterator[Received]:
    for (payload,) in _rows(database, "SELECT payload FROM state WHERE meter = ? ORDER BY time_us", (meter,)):
        yield Received(meter, "state", payload.encode())


def _rows(database: Path, sql: str, values: tuple[str, ...]) -> list[Any]:
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=PATIENCE_S)) as hand:
        return hand.execute(sql, values).fetchall()
