"""`netmeter collect`: the reference consumer. Records of gateways, exactly once, in a database of its own."""

import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from ..clock import SystemClock
from ..collect.settings import CollectSettings, read_settings
from ..config.problem import ProblemsError
from ..ledger.collected.reading import reading
from ..ledger.store_error import StoreError
from ..tariff.walltime import iso_utc
from .errors import any_path, fail, told

if TYPE_CHECKING:
    from ..ledger.collected.collection import Collection

EXIT_TROUBLE = 3


@click.command()
@click.option("--config", "config_path", metavar="FILE", type=any_path, required=True, help="collect.toml.")
@click.option("--show", is_flag=True, help="Tell what has been collected, what is missing, and what is wrong.")
@click.option("--dismiss", metavar="N", type=int, help="You have looked at trouble N (see --show) and it is settled.")
@click.option("--leave-out", metavar="STORE", help="Have the records of this store (see --show) in no bill.")
@click.option("--take-in", metavar="STORE", help="Have them in again.")
@click.option("--json", "as_json", is_flag=True, help="With --show: print one JSON object.")
def collect(
    config_path: Path, show: bool, dismiss: int | None, leave_out: str | None, take_in: str | None, as_json: bool
) -> None:
    """Collect the records of gateways from a broker into a database, each exactly once; until told to stop.

    A record is acknowledged when it is on disk; what is missing is asked for. A record that comes again with another
    content, and two gateways of one id, are kept as trouble and never taken into account. The database is a source
    for `netmeter statement` and `netmeter restore --from collector`. docs/collect.md

    \b
    Example:
      netmeter collect --config collect.toml
      netmeter collect --config collect.toml --show
      netmeter collect --config collect.toml --leave-out 5f0c2e7a9b13d846

    \b
    Exit codes:
      0  stopped by SIGTERM or Ctrl-C, or told; there is no trouble
      1  it cannot start, or there is no such trouble or store: the message says why
      2  the command line is wrong
      3  there is trouble that nobody has settled
    """
    try:
        settings = read_settings(config_path)
    except ProblemsError as error:
        fail(told(error))
    if sum((show, *(one is not None for one in (dismiss, leave_out, take_in)))) > 1:
        raise click.UsageError("one of --show, --dismiss, --leave-out and --take-in")
    if as_json and not show:
        raise click.UsageError("--json goes with --show")
    try:
        if dismiss is not None:
            _dismiss(settings.database, dismiss)
        elif (store := leave_out or take_in) is not None:
            _leave_out(settings.database, store, wanted=leave_out is not None)
        elif not show:
            _run(settings)
        code = _tell(settings.database, as_json) if show else _open_troubles(settings.database)
    except StoreError as error:
        fail(str(error))
    raise SystemExit(code)


def _run(settings: CollectSettings) -> None:
    from ..collect.collector import Collector
    from ..ledger.collected.collection import Collection
    from ..ledger.lock import StoreLockedError

    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    os.umask(0o077)
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        settings.database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        collection = Collection(settings.database)
    except StoreLockedError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename or settings.database}: {error.strerror}")
    try:
        Collector(settings, collection, SystemClock()).run(lambda wait_s: stopping.wait(wait_s))
    finally:
        collection.close()


def _dismiss(database: Path, number: int) -> None:
    with reading(database) as view:
        if number not in {one.trouble_id for one in view.troubles()}:
            fail(f"{database}: there is no trouble {number}; `netmeter collect --show` lists them")
    _change(database, lambda collection: collection.dismiss(number))


def _leave_out(database: Path, store: str, *, wanted: bool) -> None:
    with reading(database) as view:
        known = {one.store_epoch for one in view.series()}
        if store not in known:
            fail(f"{database}: there is no store {store} in it; it knows {', '.join(sorted(known)) or 'none yet'}")
    _change(database, lambda collection: collection.leave_out(store, wanted))


def _change(database: Path, change: Callable[["Collection"], None]) -> None:
    from ..ledger.collected.collection import Collection
    from ..ledger.lock import StoreLockedError

    try:
        collection = Collection(database)
    except StoreLockedError as error:
        fail(f"{error}; stop it, say this again, and start it again")
    try:
        change(collection)
    finally:
        collection.close()


def _open_troubles(database: Path) -> int:
    with reading(database) as view:
        return EXIT_TROUBLE if any(not one.dismissed for one in view.troubles()) else 0


def _tell(database: Path, as_json: bool) -> int:
    with reading(database) as view:
        series, troubles, left_out = view.series(), view.troubles(), view.left_out()
    open_ones = [one for one in troubles if not one.dismissed]
    if as_json:
        found = {"schema": 1, "database": str(database), "series": [asdict(one) for one in series]}
        found["left_out"] = sorted(left_out)
        click.echo(json.dumps({**found, "troubles": [asdict(one) for one in troubles]}, indent=2))
        return EXIT_TROUBLE if open_ones else 0
    for one in series:
        upto = (
            "nothing yet"
            if one.upto is None or not one.records
            else f"{one.records:,} records, whole up to {one.upto:,}"
        )
        until = "" if one.last_end_us is None else f", until {iso_utc(one.last_end_us)}"
        missing = f", {one.missing:,} MISSING" if one.missing else ""
        lost = f", {one.lost:,} lost for good" if one.lost else ""
        out = ", LEFT OUT of bills" if one.store_epoch in left_out else ""
        whose = f"{one.gateway}/{one.meter} {one.kind}s of store {one.store_epoch}"
        click.echo(f"{whose}: {upto}{until}{missing}{lost}{out}")
    if not series:
        click.echo("nothing has been collected yet")
    for trouble in open_ones:
        where = f"{trouble.gateway}/{trouble.meter}".rstrip("/")
        times = f" ({trouble.times} times)" if trouble.times > 1 else ""
        click.echo(f"TROUBLE {trouble.trouble_id}: {where}: {trouble.what}: {trouble.detail}{times}")
    return EXIT_TROUBLE if open_ones else 0
