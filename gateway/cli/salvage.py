"""`netmeter salvage`: what can be read of a damaged store, into a new one or into lines of JSON, with what is lost."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import IO

import click

from ..ledger.lock import StoreLock, StoreLockedError
from ..ledger.salvage import ALTERED, Salvage, SalvagedRow, TableReport
from ..ledger.store_error import StoreError
from .errors import fail
from .progress import Progress

EXIT_INCOMPLETE = 3
VERDICTS = ("whole", "alone", "unsummed", "altered")


@click.command()
@click.argument("store", metavar="FILE", type=click.Path(path_type=Path, readable=False))
@click.option("--into", type=click.Path(path_type=Path, readable=False), help="A new .sqlite, or .jsonl; - for lines.")
@click.option("--gateway", default="", help="The gateway's id, where FILE is too damaged to say.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
def salvage(store: Path, into: Path | None, gateway: str, as_json: bool) -> None:
    """Read every row of a damaged store that can still be read. FILE itself is not changed.

    Each row has a verdict: whole (its hash or checksum holds), alone (an interval that holds, but the one before it is
    not there), unsummed (nothing to hold it against), altered. A new store gets all but the altered ones, and can be
    restored where no interval record or event is missing in it; lines of JSON get all. Without --into only the report
    is printed.

    \b
    Example:
      netmeter salvage ledger.sqlite.damaged-20261122T011500Z --into salvaged.sqlite
      netmeter salvage ledger.sqlite.damaged-20261122T011500Z --into - | grep '"interval"'

    \b
    Exit codes:
      0  everything could be read, nothing of it was altered, and no table is known to lack a row
      1  nothing could be read, or written: the message says why
      2  the command line is wrong
      3  some of it is lost, altered or not the newest: the report says what
    """
    if not store.is_file():
        fail(f"{store}: no such file")
    if into is not None and str(into) != "-" and into.exists():
        fail(f"{into} is there already: choose another name")
    if into is not None and not into.parent.is_dir():
        fail(f"{into.parent}: no such folder; make it, or choose another")
    os.umask(0o077)
    progress = Progress("rows")
    lock: StoreLock | None = None
    try:
        lock = _lock(store)
        with closing(Salvage(store, gateway)) as source:
            rows = source.rows(lambda count: progress("reading", count, 0))
            refused = _put(rows, into)
            report = source.report
    except (StoreError, StoreLockedError, sqlite3.Error) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename or into}: {error.strerror}")
    finally:
        progress.end()
        if lock is not None:
            lock.release()
    is_whole = not refused and not any(
        one.lost or ALTERED in one.verdicts or one.is_all is False for one in report.values()
    )
    to_error = into is not None and str(into) == "-"
    if as_json:
        tables = {table: asdict(one) for table, one in report.items()}
        click.echo(json.dumps({"file": str(store), "tables": tables, "refused": refused}), err=to_error)
    else:
        _tell(report, refused, to_error)
    raise SystemExit(0 if is_whole else EXIT_INCOMPLETE)


def _lock(store: Path) -> StoreLock | None:
    """No other process opens a store that a gateway holds; what was set aside has no lock. Raises StoreLockedError."""
    if not store.with_name(f"{store.name}.lock").exists():
        return None
    try:
        return StoreLock(store)
    except OSError:
        return None  # a medium that cannot be written: no gateway runs on it


def _put(rows: Iterator[SalvagedRow], into: Path | None) -> int:
    """Write the rows where they are wanted; returns how many a new store did not take."""
    if into is None:
        for _ in rows:
            pass
        return 0
    if str(into) == "-":
        with click.open_file("-", "w") as out:
            _write_lines(rows, out)
        return 0
    if into.suffix == ".jsonl":
        with into.open("x", encoding="utf-8") as out:
            _write_lines(rows, out)
        return 0
    return _put_into_store(rows, into)


def _write_lines(rows: Iterator[SalvagedRow], out: IO[str]) -> None:
    for row in rows:
        columns = {name: one.hex() if isinstance(one, bytes) else one for name, one in row.columns.items()}
        head = {"table": row.table, "rowid": row.rowid, "verdict": row.verdict}
        out.write(json.dumps({**head, **columns}, sort_keys=False) + "\n")


def _put_into_store(rows: Iterator[SalvagedRow], into: Path) -> int:
    from ..ledger.salvage_store import NewStore

    lock = StoreLock(into)
    try:
        new = NewStore(into)
        try:
            for row in rows:
                new.put(row)
        finally:
            new.close()
    finally:
        lock.release()
        into.with_name(f"{into.name}.lock").unlink(missing_ok=True)
    return new.refused


def _tell(report: dict[str, TableReport], refused: int, to_error: bool) -> None:
    for table, one in report.items():
        counts = ", ".join(f"{one.verdicts[verdict]:,} {verdict}" for verdict in VERDICTS if one.verdicts.get(verdict))
        click.echo(f"{table:<20} {counts or 'empty'}", err=to_error)
        if one.is_all is False:
            click.echo("  not all rows that were written, or not the newest (its tally)", err=to_error)
        for lost in one.lost:
            which = f"row {lost.first}" if lost.first == lost.last else f"rows {lost.first} to {lost.last}"
            click.echo(f"  lost: {which} ({lost.why})", err=to_error)
    if refused:
        click.echo(f"{refused} rows did not fit into the new store", err=to_error)
