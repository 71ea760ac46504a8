"""The schema, made and migrated by sqlite-utils in a process of its own (`netmeter migrate`).

The daemon never imports this file: sqlite-utils brings numpy. Tables are STRICT; energy is milliwatt-hours,
time UTC microseconds. A change is a new numbered migration; a released one is never edited.
"""

import json
import shutil
from pathlib import Path
from typing import Any

from sqlite_utils import Database, Migrations

from . import page_owners
from .checkpoint_file import sync_folder
from .connection import others_tables, schema_version
from .copies import copy_verified
from .newer import refusal
from .rows import COLUMNS, crc_of, is_whole
from .schema_digest import seal
from .store_error import MEND, DamagedError, StoreError
from .tally import arm
from .version import SCHEMA_VERSION

migrations = Migrations("netmeter")

_SUMMED_SINCE_5 = (
    *("meta", "boot", "meter", "reading_form", "recompute_base", "retention_mark"),
    *("store_epoch", "store_epoch_start"),
)
_PART = {
    f"{direction}_{column}": int
    for direction in ("import", "export")
    for column in ("milliwh", "unassigned_milliwh", "uncertain_milliwh", "register_milliwh")
}


@migrations()  # type: ignore[untyped-decorator]  # sqlite-utils is not read by mypy: it would bring numpy's stubs
def m0001_first(db: Any) -> None:
    """The first schema: meters, epochs, readings, bucket totals, intervals, events, outbox."""

    def create(table: str, columns: dict[str, type], pk: Any, not_null: set[str]) -> None:
        db[table].create(columns, pk=pk, not_null=not_null, strict=True)

    create("meta", {"key": str, "value": str}, "key", {"value"})
    create("boot", {"boot_number": int, "boot_id": str}, "boot_number", {"boot_id"})
    create("meter", {"meter_id": int, "name": str}, "meter_id", {"name"})
    db["meter"].create_index(["name"], unique=True)
    create(
        "meter_state",
        {"meter_id": int, "validator": str, "accumulator": str},
        "meter_id",
        {"validator", "accumulator"},
    )
    create(
        "register_epoch",
        {
            "meter_id": int,
            "register_epoch": int,
            "opened_us": int,
            "reason": str,
            "serial": str,
            "previous_import_milliwh": int,
            "previous_export_milliwh": int,
            "first_import_milliwh": int,
            "first_export_milliwh": int,
        },
        ("meter_id", "register_epoch"),
        {"opened_us", "reason"},
    )
    create(
        "reading",
        {
            "reading_id": int,
            "meter_id": int,
            "register_epoch": int,
            "decision": str,
            "earliest_us": int,
            "latest_us": int,
            "monotonic_us": int,
            "boot_number": int,
            "import_milliwh": int,
            "export_milliwh": int,
            "power_milliw": int,
        },
        "reading_id",
        {"meter_id", "register_epoch", "decision", "earliest_us", "latest_us", "monotonic_us", "boot_number"},
    )
    create("held_reading", {"held_id": int, "meter_id": int, "reading": str}, "held_id", {"meter_id", "reading"})
    create(
        "bucket_total",
        {"meter_id": int, "direction": str, "bucket": str, "milliwh": int, "uncertain_milliwh": int},
        ("meter_id", "direction", "bucket"),
        {"milliwh", "uncertain_milliwh"},
    )
    create(
        "interval",
        {
            "meter_id": int,
            "seq": int,
            "revision": int,
            "supersedes": int,
            "register_epoch": int,
            "start_us": int,
            "end_us": int,
            "bucket": str,
            "tariff": str,
            "tariff_version": str,
            "quality": str,
            **_PART,
            "previous_hash": str,
            "hash": str,
        },
        ("meter_id", "seq"),
        {"revision", "register_epoch", "start_us", "end_us", "bucket", "quality", "previous_hash", "hash"},
    )
    create(
        "event",
        {"meter_id": int, "seq": int, "at_us": int, "kind": str, "detail": str},
        ("meter_id", "seq"),
        {"at_us", "kind", "detail"},
    )
    create(
        "outbox",
        {"outbox_id": int, "meter_id": int, "kind": str, "seq": int, "payload": str},
        "outbox_id",
        {"meter_id", "kind", "seq", "payload"},
    )
    db.execute("PRAGMA user_version = 1")


@migrations()  # type: ignore[untyped-decorator]
def m0002_recompute(db: Any) -> None:
    """What booking a reading again needs, and what thinning goes by.

    Readings from before have no form: each meter's account as it stands now is the base that is reckoned from.
    """
    form = {
        f"{direction}_{column}": int
        for direction in ("import", "export")
        for column in ("resolution_milliwh", "rounding_milliwh", "unproven")
    }
    db["reading_form"].create({"form_id": int, **form}, pk="form_id", strict=True)
    for name, kind in {"one_moment": int, "clock_error_us": int, "form_id": int, "acts": str}.items():
        db["reading"].add_column(name, kind)
    db["recompute_base"].create(
        {"meter_id": int, "reading_id": int, "accumulator": str},
        pk="meter_id",
        not_null={"reading_id", "accumulator"},
        strict=True,
    )
    newest = "(SELECT coalesce(max(reading_id), 0) FROM reading)"
    db.execute(f"INSERT INTO recompute_base SELECT meter_id, {newest}, accumulator FROM meter_state")
    db["retention_mark"].create(
        {"mark_hour": int, "reading_id": int}, pk="mark_hour", not_null={"reading_id"}, strict=True
    )
    db.execute(f"INSERT INTO retention_mark SELECT 0, {newest}")
    # Bucket edges that a step of the clock may yet put in doubt: hundreds, which change twice a day; the state beside
    # them is written by the minute.
    db["meter_edges"].create({"meter_id": int, "at_risk": str}, pk="meter_id", not_null={"at_risk"}, strict=True)
    db["interval"].create_index(["meter_id", "end_us"])
    db.execute("PRAGMA user_version = 2")


@migrations()  # type: ignore[untyped-decorator]
def m0003_store_epochs(db: Any) -> None:
    """Store epochs as rows: why each began, where, from which witness, with which numbers; and rows with checksums."""
    db["store_epoch"].create(
        {
            "epoch_no": int,
            "store_epoch": str,
            "gateway": str,
            "began_us": int,
            "reason": str,
            "witness": str,
            "machine": str,
            "board": str,
        },
        pk="epoch_no",
        not_null={"store_epoch", "gateway", "began_us", "reason", "witness", "machine", "board"},
        strict=True,
    )
    db["store_epoch_start"].create(
        {"epoch_no": int, "meter_id": int, "first_interval_seq": int, "first_event_seq": int},
        pk=("epoch_no", "meter_id"),
        not_null={"first_interval_seq", "first_event_seq"},
        strict=True,
    )
    db.execute(
        "INSERT INTO store_epoch (store_epoch, gateway, began_us, reason, witness, machine, board)"
        " SELECT value, '', 0, 'first', '', '', '' FROM meta WHERE key = 'store_epoch'"
    )
    db.execute("DELETE FROM meta WHERE key = 'store_epoch'")
    for table in ("reading", "register_epoch", "event", "outbox", "held_reading", "meter_state"):
        db[table].add_column("crc", int)
    db.execute("PRAGMA user_version = 3")


@migrations()  # type: ignore[untyped-decorator]
def m0004_one_state(db: Any) -> None:
    """Edges that a clock may yet put in doubt go back into the account: apart from it no witness told of them."""
    apart = db.execute(
        "SELECT meter_id, validator, accumulator, crc, at_risk FROM meter_state JOIN meter_edges USING (meter_id)"
    )
    for meter_id, validator, accumulator, crc, at_risk in apart.fetchall():
        if not is_whole((meter_id, validator, accumulator), crc):
            continue  # whoever loads it finds the damage: a new checksum would hide it
        account = json.dumps({**json.loads(accumulator), "at_risk": json.loads(at_risk)}, separators=(",", ":"))
        db.execute(
            "UPDATE meter_state SET accumulator = ?, crc = ? WHERE meter_id = ?",
            (account, crc_of((meter_id, validator, account)), meter_id),
        )
    db["meter_edges"].drop()
    db.execute("PRAGMA user_version = 4")


@migrations()  # type: ignore[untyped-decorator]
def m0005_all_rows_summed(db: Any) -> None:
    """A checksum for the rows of the small tables too: bases, forms, marks, names, epochs."""
    db.execute("DELETE FROM meta WHERE key = 'schema_digest'")  # of the schema before; a new one is the last word
    for table in _SUMMED_SINCE_5:
        db[table].add_column("crc", int)
        columns = COLUMNS[table]
        for rowid, *values in db.execute(f"SELECT rowid, {', '.join(columns)} FROM {table}").fetchall():
            db.execute(f"UPDATE {table} SET crc = ? WHERE rowid = ?", (crc_of(values), rowid))
    db.execute("PRAGMA user_version = 5")


@migrations()  # type: ignore[untyped-decorator]
def m0006_tallies(db: Any) -> None:
    """A sum over all rows of each table, kept by triggers: sound pages that take the place of others are found."""
    db.execute("DELETE FROM meta WHERE key = 'schema_digest'")  # of the schema before; a new one is the last word
    for table in sorted({"interval", *COLUMNS} & set(db.table_names())):
        arm(db.conn, table)
    db.execute("PRAGMA user_version = 6")


def migrate(path: Path, *, backup: bool = False) -> int:
    """Bring the store at `path` to SCHEMA_VERSION, making it if it is not there. Returns the version reached.

    Each migration is one transaction. `backup`: a store that has to change is copied first, to `backup_place`.
    Raises sqlite3.DatabaseError where the file is no database, DamagedError, StoreError where it is not to be touched.
    """
    found = schema_version(path)
    if found > SCHEMA_VERSION:
        raise refusal(path, f"schema {found}, this one knows {SCHEMA_VERSION}")
    refuse_others(path)
    if 0 < found < SCHEMA_VERSION:
        if fault := page_owners.fault_of(path):
            raise DamagedError(f"{path}: {fault}; {MEND}")
        if backup:
            copy_before(path, found)
    db = Database(path)
    try:
        # WAL is a property of the file; set here once, so that the daemon finds it.
        db.enable_wal()
        db.execute("PRAGMA synchronous = FULL")
        migrations.apply(db)
        with db.atomic():
            seal(db.conn)
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
    finally:
        db.close()
    if version != SCHEMA_VERSION:
        raise RuntimeError(f"{path}: migrated to schema {version}, expected {SCHEMA_VERSION}")
    return version


def backup_place(path: Path, found: int) -> Path:
    """Where the copy of a store of an older schema is kept."""
    return path.with_name(f"{path.name}.schema-{found}")


def copy_before(path: Path, found: int) -> Path:
    """Copy a store before it is changed; an earlier copy of the same schema gives way to it.

    Raises StoreError, DamagedError, OSError.
    """
    place = backup_place(path, found)
    part = place.with_name(f"{place.name}.part")
    part.unlink(missing_ok=True)
    needed, free = path.stat().st_size * 13 // 10, shutil.disk_usage(path.parent).free
    if needed > free:
        raise StoreError(
            f"{path}: no room for a copy before schema {found} becomes {SCHEMA_VERSION}: it takes"
            f" {needed // 1_000_000 + 1} MB, {free // 1_000_000} MB are free. Free some, or"
            f" `netmeter migrate --no-backup {path}`; the store was left untouched"
        )
    copy_verified(path, part)
    part.replace(place)
    sync_folder(place.parent)
    return place


def refuse_others(path: Path) -> None:
    """Raises StoreError where the file is another program's database; sqlite3.Error where it cannot be read."""
    if path.exists() and (others := others_tables(path)):
        raise StoreError(f"{path}: another program's database ({', '.join(others[:3])}); choose another path")
