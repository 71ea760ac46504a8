"""`netmeter migrate`: make or migrate a store. A process of its own, because sqlite-utils brings numpy."""

import os
import sqlite3
from pathlib import Path

import click


@click.command()
@click.argument("store", type=click.Path(dir_okay=False, path_type=Path))
def migrate(store: Path) -> None:
    """Make the store at STORE, or bring it to this version's schema. `netmeter run` does this by itself.

    \b
    Example:
      netmeter migrate /var/lib/netmeter-gateway/home/ledger.sqlite

    \b
    Exit codes:
      0  done
      1  not a store, or not writable
      2  the command line is wrong
    """
    from ..ledger.lock import StoreLock, StoreLockedError
    from ..ledger.schema import migrate as migrate_store
    from ..ledger.store import unreadable

    os.umask(0o077)  # the ledger is a profile of somebody's days
    try:
        lock = StoreLock(store)
    except (OSError, StoreLockedError) as error:
        raise click.ClickException(str(error)) from error
    try:
        version = migrate_store(store)
    except sqlite3.Error as error:
        raise click.ClickException(str(unreadable(store, error))) from error
    finally:
        lock.release()
    click.echo(f"{store}: schema {version}")
