"""Closed intervals out of the store, in the order in which they were written. Reads only; a page at a time.

Of two records that end at one instant the later one holds: whoever reads all of them in order knows the newest.
"""

import sqlite3

ClosedRow = tuple[int, int, int, str, int | None, int | None, int | None, int | None, int | None, int | None]
"""seq, start_us, end_us, quality, then milliwatt-hours in all, unassigned and uncertain: import, export."""
_SELECT = (
    "SELECT seq, start_us, end_us, quality, import_milliwh, import_unassigned_milliwh, import_uncertain_milliwh,"
    " export_milliwh, export_unassigned_milliwh, export_uncertain_milliwh"
    " FROM interval WHERE meter_id = (SELECT meter_id FROM meter WHERE name = ?) AND seq > ? ORDER BY seq LIMIT ?"
)


def closed_after(connection: sqlite3.Connection, meter: str, seq: int, limit: int) -> list[ClosedRow]:
    """Up to `limit` records of a meter after `seq`; none of a meter that the store does not know."""
    return connection.execute(_SELECT, (meter, seq, limit)).fetchall()
