"""`netmeter restore`: a backup, or what a collector has, in the store's place. Only while no gateway runs."""

import json
import os
import sqlite3
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import click

from ..clock import SystemClock
from ..config.types import Config
from ..ledger.collected.tables import is_collectors
from ..ledger.epochs import Owner
from ..ledger.lock import StoreLock, StoreLockedError, place_of
from ..ledger.restore import Restored
from ..ledger.restore import restore as restore_store
from ..ledger.store_error import StoreError
from ..machine import this_machine
from ..places import store_path
from ..timeline import Timeline
from .errors import calendar_of, chosen_config, config_of, config_option, fail
from .progress import Progress


@click.command()
@click.argument("copy", metavar="FILE", type=click.Path(path_type=Path, readable=False))
@click.option(
    "--from",
    "kind",
    type=click.Choice(["backup", "collector"]),
    default="backup",
    help="What FILE is; default: backup.",
)
@click.option(
    "--without-history", is_flag=True, help="From a collector: the counters alone, where records are missing."
)
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def restore(copy: Path, kind: str, without_history: bool, config_path: Path | None, as_json: bool) -> None:
    """Put FILE, made by `netmeter backup`, in the store's place; or, with --from collector, make a store of what the
    database FILE of `netmeter collect` has of this gateway: for a card that died without a backup.

    The history of FILE comes back. The counters go on from whatever has counted furthest: FILE, the file that is
    replaced (it is kept beside, under another name), or the checkpoint file. What has flowed since is booked to
    `unassigned` at the next start, and a new store epoch begins.

    \b
    Example:
      sudo systemctl stop netmeter-gateway
      sudo -u netmeter netmeter restore /media/stick/netmeter-2026-11-22.sqlite
      sudo -u netmeter netmeter restore --from collector /media/stick/collected.sqlite

    \b
    Exit codes:
      0  restored
      1  not restored: the message says why, and the store is as it was
      2  the command line is wrong
    """
    path = chosen_config(config_path)
    config = config_of(path)
    if not copy.is_file():
        fail(f"{copy}: no such file")
    try:
        store = place_of(store_path(config))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")
    if without_history and kind != "collector":
        raise click.UsageError("--without-history goes with --from collector: a backup has its history")
    if kind != "collector" and is_collectors(copy):
        fail(f"{copy} is a collector's database; add --from collector")
    if store.exists() and store.samefile(copy):
        fail(f"{copy} is the store itself: nothing to restore")
    _tell(store, _restore(store, copy, config, kind, history=not without_history), as_json)


def _restore(store: Path, copy: Path, config: Config, kind: str, *, history: bool) -> Restored:
    """Under the store's lock; Failure with what is wrong."""
    os.umask(0o077)
    clock = SystemClock(config.gateway.clock, config.gateway.clock_error_s * 1_000_000 or None)
    owner = Owner(config.gateway.id, this_machine(), clock.wall_us())
    progress = Progress("pages and records")
    try:
        store.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = StoreLock(store)
        try:
            if kind == "collector":
                return _from_collector(store, copy, owner, config, progress, history=history)
            names = [section.name for section in config.meter]
            return restore_store(store, copy, owner, names, _migrate, progress)
        finally:
            lock.release()
    except StoreLockedError as error:
        fail(f"{error}: restoring under a running gateway would lose what it books")
    except (StoreError, sqlite3.Error) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename or store}: {error.strerror}")
    finally:
        progress.end()


def _from_collector(
    store: Path, database: Path, owner: Owner, config: Config, progress: Progress, *, history: bool
) -> Restored:
    from ..ledger.collected.reading import reading
    from ..ledger.restore_collected import restore_collected

    timeline = Timeline(calendar_of(config.accounting.tariff), config.accounting.interval_min)
    names = [section.name for section in config.meter]
    with reading(database) as view:
        return restore_collected(store, view, owner, names, _migrate, progress, timeline.next_edge_us, history=history)


def _migrate(place: Path) -> None:
    """In a process of its own, as the daemon does it."""
    command = [sys.executable, "-m", "gateway.cli", "migrate", "--no-backup", str(place)]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    if outcome.returncode:
        raise StoreError(outcome.stderr.strip() or outcome.stdout.strip())


def _tell(store: Path, restored: Restored, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"store": str(store), **asdict(restored)}))
        return
    click.echo(f"{store}: restored, {restored.verified.links:,} interval records verified")
    click.echo(f"store epoch {restored.store_epoch} begins; counters go on from: {restored.witness or 'nothing'}")
    if restored.aside:
        click.echo(f"the replaced store is kept as {store.with_name(restored.aside)}")
    if restored.undelivered:
        click.echo(f"{restored.undelivered} records that it had not delivered were taken along")
