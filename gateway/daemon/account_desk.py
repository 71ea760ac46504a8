"""Where the accounts' dates become events: told once, known by a line of `meta` that is stored with the event."""

import sqlite3
from collections.abc import Mapping

from ..bookkeeping.books import Books
from ..clock import Clock
from ..ledger.records import Batch, Record
from ..ledger.store import Store
from ..log import event_line, logger
from .bookkeeper import Bookkeeper

TELL_WITHIN_S = 25.0
TOLD = "told"


class AccountDesk:
    """Asks the ledger thread; used by one other thread."""

    def __init__(self, bookkeeper: Bookkeeper, books: Mapping[str, Books], store: Store, clock: Clock) -> None:
        self._bookkeeper, self._books, self._store, self._clock = bookkeeper, books, store, clock
        self._told: set[str] = set()

    def tell_once(self, meter: str, kind: str, details: Mapping[str, Record]) -> None:
        """Events, each with its key. One whose key is stored is not told again. Raises queue.Empty, sqlite3.Error."""
        fresh = {key: detail for key, detail in details.items() if key not in self._told}
        if not fresh:
            return
        error = self._bookkeeper.call(lambda: self._write(meter, kind, fresh), TELL_WITHIN_S)
        if error:
            raise sqlite3.OperationalError(error)
        self._told.update(fresh)

    def _write(self, meter: str, kind: str, fresh: Mapping[str, Record]) -> str:
        """In the ledger thread. Returns the store's error, or nothing."""
        try:
            stored = self._store.words(kind)
        except sqlite3.Error as error:
            return str(error)
        new = {key: detail for key, detail in fresh.items() if key not in stored}

        def work(batch: Batch) -> None:
            for key, detail in new.items():
                self._books[meter].tell(kind, self._clock.wall_us(), detail, batch)
                batch.words[key] = TOLD

        error_text = self._bookkeeper.change(work) if new else ""
        for detail in new.values() if not error_text else ():
            logger.info(event_line(kind, **{key: detail[key] for key in ("account", "what", "day")}))
        return error_text
