"""`netmeter backup`: a verified copy of the store, through the running gateway or, where none runs, by itself."""

import json
import os
import shutil
import sqlite3
import sys
import threading
from pathlib import Path
from typing import Any

import click

from ..config.types import Config
from ..ledger.copies import Report, Verified, copy_closed, put_in_place, verify_copy
from ..ledger.lock import StoreLock, StoreLockedError
from ..ledger.store_error import StoreError
from ..places import store_path
from .daemon import ask_daemon
from .errors import chosen_config, config_of, config_option, fail
from .progress import Progress

ASK_EVERY_S = 0.1


@click.command()
@click.argument("into", metavar="FILE", type=click.Path(path_type=Path, readable=False))
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def backup(into: Path, config_path: Path | None, as_json: bool) -> None:
    """Copy the store into FILE, which must not exist, and verify every record of the copy.

    The gateway goes on reading and booking meanwhile. The copy is one file; `netmeter restore` puts it back.

    \b
    Example:
      netmeter backup /media/stick/netmeter-2026-11-22.sqlite

    \b
    Exit codes:
      0  copied and verified
      1  not copied: the message says why, and FILE is not there
      2  the command line is wrong
    """
    config = config_of(chosen_config(config_path))
    if into.exists():
        fail(f"{into} is there already: a backup overwrites nothing; choose another name or move it away")
    if not into.parent.is_dir():
        fail(f"{into.parent}: no such folder; make it, or choose another")
    os.umask(0o077)  # the ledger is a profile of somebody's days
    part = into.with_name(f".{into.name}.part")
    progress = Progress("pages")
    try:
        part.unlink(missing_ok=True)
        how, verified = _copy(config, part, progress)
        put_in_place(part, into)
    except FileExistsError:
        fail(f"{into} has appeared meanwhile: a backup overwrites nothing")
    except (StoreError, StoreLockedError, sqlite3.Error) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename or into}: {error.strerror}")
    finally:
        progress.end()
        part.unlink(missing_ok=True)
    _tell(into, how, verified, as_json)


def _copy(config: Config, part: Path, report: Report) -> tuple[str, Verified]:
    started = ask_daemon(config, {"command": "backup", "do": "start"})
    if started is None:
        return "offline", _copy_offline(config, part, report)
    try:
        source = Path(str(_wait(config, started, report)["path"]))
        try:
            shutil.copyfile(source, part)
        except PermissionError as error:
            raise StoreError(f"{source}: only root and the gateway's own user may read it; use sudo") from error
    finally:
        if "error" not in started:
            ask_daemon(config, {"command": "backup", "do": "drop"})
    return "online", verify_copy(part, report)


def _wait(config: Config, started: dict[str, Any], report: Report) -> dict[str, Any]:
    state = started
    while not state.get("done"):
        if "error" in state:
            raise StoreError(str(state["error"]))
        threading.Event().wait(ASK_EVERY_S)
        state = ask_daemon(config, {"command": "backup", "do": "state"}) or {"error": "the gateway has ended meanwhile"}
        report("copying", int(state.get("copied_pages", 0)), int(state.get("total_pages", 0)))
    if "error" in state:
        raise StoreError(str(state["error"]))
    return state


def _copy_offline(config: Config, part: Path, report: Report) -> Verified:
    store = store_path(config)
    if not store.exists():
        raise StoreError(f"{store}: there is no store yet; `netmeter run` makes it")
    lock = StoreLock(store)
    try:
        copy_closed(store, part, report)
    finally:
        lock.release()
    return verify_copy(part, report)


def _tell(into: Path, how: str, verified: Verified, as_json: bool) -> None:
    record = {
        "file": str(into),
        "how": how,
        "bytes": verified.size_bytes,
        "schema": verified.schema,
        "rows": verified.rows,
        "links": verified.links,
    }
    if as_json:
        click.echo(json.dumps(record))
        return
    size = f"{verified.size_bytes / 1e6:.1f} MB"
    checked = f"{verified.rows:,} rows and {verified.links:,} interval records verified"
    if not verified.rows:
        checked = f"of schema {verified.schema}: its records are verified when it is restored"
    click.echo(f"{into}: {size}, {checked}")
    sys.stdout.flush()
