"""A store after a power cut as the next daemon meets it: the real ledger opens it, or says why not."""

from pathlib import Path

from gateway.ledger.schema import migrate
from gateway.ledger.store import Store
from gateway.ledger.store_error import SchemaOutdatedError, StoreError

from ..house import GRID, PRODUCTION

__all__ = ["StoreError", "open_store"]


def open_store(store: Path) -> bool:
    """As `netmeter run` does: migrate where the schema is not there yet, open, load the meters.

    Returns whether it was migrated. Raises StoreError, sqlite3.Error.
    """
    migrated = False
    try:
        ledger = Store(store)
    except SchemaOutdatedError:
        migrate(store)
        migrated = True
        ledger = Store(store)
    try:
        for meter in (GRID, PRODUCTION):
            ledger.load_meter(meter)
    finally:
        ledger.close()
    return migrated
