"""`netmeter migrate`: make or migrate a store. A process of its own, because sqlite-utils brings numpy.

A file that is no store is left alone, and nothing is laid beside it.
"""

import contextlib
import errno
import os
import sqlite3
from pathlib import Path

import click

from ..ledger.store_error import EXIT_DAMAGED
from .errors import Failure, fail

LOOKED_AT_BYTES = 4096


class Damage(Failure):
    """Ends the command where the store itself is at fault."""

    exit_code = EXIT_DAMAGED


@click.command()
@click.argument("store", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--no-backup", is_flag=True, help="Make no copy first: for a disk without the room.")
def migrate(store: Path, no_backup: bool) -> None:
    """Make the store at STORE, or bring it to this version's schema. `netmeter run` does this by itself.

    A store that has to change is first copied to STORE.schema-N beside it, N being its schema. Each step is one
    transaction: whenever the power goes, the store is of the old schema or of the new one.

    \b
    Example:
      netmeter migrate /var/lib/netmeter-gateway/home/ledger.sqlite

    \b
    Exit codes:
      0  done
      1  not a store, of a newer schema, not writable, or no room for the copy; it was left as it was
      2  the command line is wrong
      3  the store is damaged: `netmeter run` sets it aside and begins a new one; `netmeter salvage` reads what is left
    """
    from ..ledger.lock import StoreLock, StoreLockedError, lock_place, place_of
    from ..ledger.schema import migrate as migrate_store
    from ..ledger.schema import refuse_others
    from ..ledger.store_error import DamagedError, StoreError, is_corrupt, unreadable

    os.umask(0o077)  # the ledger is a profile of somebody's days
    try:
        store = place_of(store)
        _require_database(store)
        if not lock_place(store).exists():  # a store that anybody of ours has open has one
            with contextlib.suppress(sqlite3.Error):  # damage is told below
                refuse_others(store)
        lock = StoreLock(store)
    except (StoreError, StoreLockedError) as error:
        fail(str(error))
    except OSError as error:
        fail(_told(error, store))
    try:
        version = migrate_store(store, backup=not no_backup)
    except DamagedError as error:
        raise Damage(str(error)) from error
    except StoreError as error:
        fail(str(error))
    except sqlite3.Error as error:
        if is_corrupt(error):
            raise Damage(str(unreadable(store, error))) from error
        fail(str(unreadable(store, error)))
    finally:
        lock.release()
    click.echo(f"{store}: schema {version}")


def _require_database(store: Path) -> None:
    """Raises Failure for a text, Damage for what begins as no SQLite file. An empty file may become a store."""
    log = store.with_name(f"{store.name}-wal")  # the first page may be there, whatever the file begins with
    if not store.exists() or (log.exists() and log.stat().st_size):
        return
    with store.open("rb") as file:
        beginning = file.read(LOOKED_AT_BYTES)
    if not beginning or beginning.startswith(b"SQLite format 3\0"):
        return
    where = "`netmeter check` tells where the store of a config lies"
    if _is_text(beginning):
        fail(f"{store}: is a text and no store; it was left as it was. {where}")
    raise Damage(
        f"{store}: cannot be read as a store (file is not a database): another file, or a store whose beginning is"
        f" destroyed; it was left as it was. {where}; `netmeter salvage {store}` reads what is left of one"
    )


def _is_text(beginning: bytes) -> bool:
    try:
        text = beginning.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(beginning) - 3:  # else the last letter is only cut in two
            return False
        text = beginning[: error.start].decode("utf-8")
    return all(one.isprintable() or one in "\t\r\n\f\ufeff" for one in text)


def _told(error: OSError, store: Path) -> str:
    """What keeps the lock file from being opened, in words."""
    if error.errno == errno.ENOENT:
        return f"{store}: there is no folder {store.parent}: make it first, or correct the path"
    if error.errno in (errno.EACCES, errno.EPERM):
        whose = f"it belongs to user number {store.parent.stat().st_uid}: run as that one (a service's store: sudo)"
        return f"{store}: this user may not write into {store.parent}; {whose}"
    return f"{error.filename or store}: {error.strerror or error}"
