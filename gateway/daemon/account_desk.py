"""What the store knows of accounts: which dates were told, once each, and which topics a broker may still keep.

Each is a line of `meta`: of a date stored with its event, of a topic before anything goes out there.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping

from ..bookkeeping.books import Books
from ..clock import Clock
from ..ledger.records import Batch, Record
from ..ledger.store import Store
from ..log import event_line, logger
from ..publish.discovery_account import account_topic
from ..publish.message import Topics
from .bookkeeper import Bookkeeper

TELL_WITHIN_S = 25.0
TOLD = "told"
TOPIC = "account_topic"


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


def withdraw_accounts(
    names: Iterable[str],
    bookkeeper: Bookkeeper,
    store: Store,
    topics: Topics,
    discovery: tuple[str, str],
    offer: Callable[[str, str], None],
) -> None:
    """Have the broker forget the accounts that the config no longer names, and remember those that it does.

    Before the threads run. `discovery`: Home Assistant's prefix, and the gateway. Raises sqlite3.Error.
    """
    known, now = store.words(TOPIC), {f"{TOPIC} {name}" for name in names}
    for key in sorted(known.keys() - now):
        name = key.removeprefix(f"{TOPIC} ")
        offer(topics.gateway(f"account/{name}"), "")
        offer(account_topic(*discovery, name), "")
    fresh = dict.fromkeys(sorted(now - known.keys()), TOLD)
    if fresh:
        bookkeeper.ask(lambda: _keep(bookkeeper, fresh))


def _keep(bookkeeper: Bookkeeper, words: Mapping[str, str]) -> None:
    bookkeeper.change(lambda batch: batch.words.update(words))
