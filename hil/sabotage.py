"""Deliberate faults in the daemon, for controls that must fail: a judge that never refuses anything proves nothing.

Only `hil.gateway_process --sabotage` reaches this file; the daemon's own code has no such switch.
"""

import copy
from enum import StrEnum
from pathlib import Path

import gateway.app
from gateway.ledger.records import Batch, OutboxRow
from gateway.ledger.store import Store


class Sabotage(StrEnum):
    """Which law is broken."""

    PUBLISH_BEFORE_COMMIT = "publish-before-commit"
    """Records go to the broker before they are on disk: each commit writes what the one before it was given."""


class PublishFirstStore(Store):
    """Offers a batch's rows at once and writes them one commit late; a kill in between takes them back."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._held = Batch()

    def commit(self, batch: Batch) -> None:
        """Write what was held; hold `batch`, as it is now."""
        if not self._held.is_empty:
            super().commit(self._held)
        # The running account goes on changing: keep it as it was when the rows were made.
        batch.states = copy.deepcopy(batch.states)
        self._held = batch

    def pending(self, after_id: int, limit: int) -> list[OutboxRow]:
        """Rows on disk and rows that are not there yet, without those that the broker has taken."""
        gone = set(self._held.acknowledged)
        written = super().pending(after_id, limit + len(gone))
        held = [row for _, row in self._held.outbox if row.outbox_id > after_id]
        return [row for row in (*written, *held) if row.outbox_id not in gone][:limit]

    def close(self) -> None:
        """A clean stop writes all."""
        self.commit(Batch())
        super().close()


def apply(sabotage: Sabotage) -> None:
    """Break the daemon of this process, before it is built."""
    if sabotage is Sabotage.PUBLISH_BEFORE_COMMIT:
        vars(gateway.app)["Store"] = PublishFirstStore
