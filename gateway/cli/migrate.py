"""`netmeter migrate`: make or migrate a store. A process of its own, because sqlite-utils brings numpy."""

import os
import sqlite3
from pathlib import Path

import click

from ..ledger.store_error import EXIT_DAMAGED
from .errors import Failure, fail


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
    from ..ledger.lock import StoreLock, StoreLockedError, place_of
    from ..ledger.schema import migrate as migrate_store
    from ..ledger.store_error import DamagedError, StoreError, is_corrupt, unreadable

    os.umask(0o077)  # the ledger is a profile of somebody's days
    try:
        store = place_of(store)
        lock = StoreLock(store)
    except (OSError, StoreLockedError) as error:
        raise click.ClickException(str(error)) from error
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
