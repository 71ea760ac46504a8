"""The `interval` table: a closed interval as its row, and the newest row of an instant. SQL, no reckoning."""

import sqlite3

from ..energy import Interval, Part, Quality
from .records import ClosedInterval, IntervalRow, NotReadableError, part_record

INSERT = (
    "INSERT INTO interval (meter_id, seq, revision, supersedes, register_epoch, start_us, end_us, bucket, tariff,"
    " tariff_version, quality, import_milliwh, import_unassigned_milliwh, import_uncertain_milliwh,"
    " import_register_milliwh, export_milliwh, export_unassigned_milliwh, export_uncertain_milliwh,"
    " export_register_milliwh, previous_hash, hash)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_SELECT_CLOSED = (
    "SELECT seq, revision, start_us, bucket, tariff_version, register_epoch, quality, import_milliwh,"
    " import_unassigned_milliwh, import_uncertain_milliwh, import_register_milliwh, export_milliwh,"
    " export_unassigned_milliwh, export_uncertain_milliwh, export_register_milliwh"
    " FROM interval WHERE meter_id = ? AND end_us = ? ORDER BY +seq DESC LIMIT 1"  # by the index on end_us
)


def values(row: IntervalRow) -> tuple[object, ...]:
    """What `INSERT` takes."""
    interval = row.interval
    return (
        row.meter_id,
        row.seq,
        row.revision,
        row.supersedes,
        interval.register_epoch,
        interval.start_us,
        interval.end_us,
        interval.bucket,
        row.tariff,
        interval.tariff_version,
        interval.quality.value,
        *part_record("import", interval.energy_import).values(),
        *part_record("export", interval.energy_export).values(),
        row.previous_hash,
        row.hash,
    )


def find_closed(connection: sqlite3.Connection, meter_id: int, end_us: int) -> ClosedInterval | None:
    """The newest record of a meter that ends at an instant. Raises NotReadableError."""
    try:
        row = connection.execute(_SELECT_CLOSED, (meter_id, end_us)).fetchone()
    except sqlite3.Error as error:
        raise NotReadableError(str(error)) from error
    if row is None:
        return None
    seq, revision, start_us, bucket, version, register_epoch, quality, *parts = row
    energy_import, energy_export = (None if one[0] is None else Part(*one) for one in (parts[:4], parts[4:]))
    return ClosedInterval(
        seq,
        revision,
        Interval(
            start_us,
            end_us,
            bucket,
            version,
            register_epoch,
            Quality(quality),
            energy_import,
            energy_export,
        ),
    )
