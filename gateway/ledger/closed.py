"""Closed intervals out of the store, in the order in which they were written. Reads only; a page at a time.

A record that another one supersedes is left out. Of two that end at one instant the later one holds all the same.
"""

import sqlite3

ClosedRow = tuple[int, int, int, str, int | None, int | None, int | None, int | None, int | None, int | None]
"""seq, start_us, end_us, quality, then milliwatt-hours in all, unassigned and uncertain: import, export."""
_SELECT = (
    "SELECT seq, start_us, end_us, quality, import_milliwh, import_unassigned_milliwh, import_uncertain_milliwh,"
    " export_milliwh, export_unassigned_milliwh, export_uncertain_milliwh"
    " FROM interval WHERE meter_id = (SELECT meter_id FROM meter WHERE name = ?1) AND seq > ?2"
    " AND seq NOT IN (SELECT supersedes FROM interval WHERE supersedes IS NOT NULL"
    " AND meter_id = (SELECT meter_id FROM meter WHERE name = ?1)) ORDER BY seq LIMIT ?3"
)


def closed_after(connection: sqlite3.Connection, meter: str, seq: int, limit: int) -> list[ClosedRow]:
    """Up to `limit` records of a meter after `seq`; none of a meter that the store does not know."""
    return connection.execute(_SELECT, (meter, seq, limit)).fetchall()
