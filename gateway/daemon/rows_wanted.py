"""The publisher's questions for outbox rows, answered as soon as the store can be read. In the ledger thread alone.

Rows whose acknowledgement is taken, and not yet deleted, are never offered again.
"""

import sqlite3
from collections.abc import Iterable

from ..ledger.store import Store
from ..publish.publisher import Publisher
from ..pulse import Pulse
from .saver import Saver

Question = tuple[int, int, int]
"""Connection, the row after which, and how many at most."""


class RowsWanted:
    """Of one publisher."""

    def __init__(self, store: Store, saver: Saver, pulse: Pulse) -> None:
        self._store, self._saver, self._pulse = store, saver, pulse
        self._wanted: list[Question] = []

    def offer(self, questions: Iterable[Question], publisher: Publisher | None) -> None:
        """Answer these and what waits; where the store cannot be read now, later."""
        self._wanted += questions
        while self._wanted and publisher is not None and self._saver.can_read:
            connection, after_id, limit = self._wanted[0]
            try:
                with self._pulse.waiting_for_disk():
                    rows = self._store.pending(after_id, limit)
                    gone = set(self._saver.batch.acknowledged)  # taken, and not yet deleted
                    while rows and all(row.outbox_id in gone for row in rows):
                        rows = self._store.pending(rows[-1].outbox_id, limit)
            except sqlite3.Error as error:
                self._saver.note(error)
                return
            self._wanted.pop(0)
            publisher.offer_rows(connection, [row for row in rows if row.outbox_id not in gone])
