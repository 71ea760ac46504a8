"""Deliberate faults in the daemon, for controls that must fail: a judge that never refuses anything proves nothing.

Only `hil.gateway_process --sabotage` reaches this file; the daemon's own code has no such switch.
"""

import contextlib
import copy
import importlib
import sqlite3
import sys
from enum import StrEnum
from typing import Any

from gateway.ledger.records import Batch, OutboxRow
from gateway.ledger.store import Store


class Sabotage(StrEnum):
    """Which law is broken."""

    PUBLISH_BEFORE_COMMIT = "publish-before-commit"
    """Records go to the broker before they are on disk: each commit writes what one some seconds before was given."""
    SYNCHRONOUS_NORMAL = "synchronous-normal"
    """Commits are not synced, as most programs leave it: a power cut takes what was told."""
    FORGET_FAILURES = "forget-failures"
    """A commit that fails is taken for done."""


HELD_MOST = 6
"""So many commits late: enough that a kill takes back the readings on both sides of an edge, not the record alone.
Made anew from the very same readings a record would have the very same bytes, and nobody could tell."""


class PublishFirstStore(Store):
    """Offers a batch's rows at once and writes them some commits late; a kill in between takes them back."""

    def __init__(self, *place: Any) -> None:
        super().__init__(*place)
        self._held: list[Batch] = []

    def commit(self, batch: Batch) -> None:
        """Hold `batch`, as it is now; write the oldest that is held, once there are enough."""
        # The running account goes on changing: keep it as it was when the rows were made.
        batch.states = copy.deepcopy(batch.states)
        self._held.append(batch)
        if len(self._held) > HELD_MOST:
            super().commit(self._held.pop(0))

    def pending(self, after_id: int, limit: int) -> list[OutboxRow]:
        """Rows on disk and rows that are not there yet, without those that the broker has taken."""
        gone = {outbox_id for batch in self._held for outbox_id in batch.acknowledged}
        written = super().pending(after_id, limit + len(gone))
        held = [row for batch in self._held for _, row in batch.outbox if row.outbox_id > after_id]
        return [row for row in (*written, *held) if row.outbox_id not in gone][:limit]

    def close(self) -> None:
        """A clean stop writes all."""
        for batch in self._held:
            super().commit(batch)
        super().close()


class UnsyncedStore(Store):
    """A store whose log is synced only when it is folded back."""

    def __init__(self, *place: Any) -> None:
        super().__init__(*place)
        self._connection.execute("PRAGMA synchronous = NORMAL")


class ForgetfulStore(Store):
    """A store that is silent about its disk."""

    def commit(self, batch: Batch) -> None:
        with contextlib.suppress(sqlite3.Error):
            super().commit(batch)


def apply(sabotage: Sabotage) -> None:
    """Break the daemon of this process, before it is built."""
    importlib.import_module("gateway.app")  # with all that it imports: whoever knows the store by name gets another
    broken = _BROKEN[sabotage]
    for name, module in list(sys.modules.items()):
        if name.startswith("gateway.") and vars(module).get("Store") is Store:
            vars(module)["Store"] = broken


_BROKEN: dict[Sabotage, type[Store]] = {
    Sabotage.PUBLISH_BEFORE_COMMIT: PublishFirstStore,
    Sabotage.SYNCHRONOUS_NORMAL: UnsyncedStore,
    Sabotage.FORGET_FAILURES: ForgetfulStore,
}
