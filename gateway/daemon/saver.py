"""What stands between the books and the disk: a batch is saved, or kept in memory, in order and in bounds.

Full: the ballast is given back and the commit done again at once. Any other failure: the handle is never used again;
the store is opened anew, and what failed is looked for before it is written a second time. Trouble is told when it
begins and when it ends. Oldest raw readings go first; what was reckoned from them is never dropped: where even that
is too much, no more readings are booked, and the meter's own register bridges what was not.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from ..clock import Clock
from ..ledger.ballast import Ballast, is_full
from ..ledger.doubt import Mark
from ..ledger.records import Batch, Record
from ..ledger.store import Store
from ..log import event_line, logger
from ..pulse import Pulse

READINGS_HELD_MOST = 20_000
RECORDS_HELD_MOST = 10_000
"""Messages that wait in memory for the disk: two months of two meters, and some 30 MB."""
BALLAST_EVERY_US = 60_000_000
FULL, NEARLY_FULL = "database or disk is full", "the disk is nearly full"
NO_ROOM = "; there is no room for the ballast file"


@dataclass(slots=True)
class StoreHealth:
    """How the store is doing, for `netmeter status`."""

    commits: int = 0
    error: str = ""
    readings_dropped: int = 0
    outbox_depth: int = 0
    over_size: bool = False
    """Larger than `max_size_mb`, and nothing left that may be thinned."""


@dataclass(slots=True)
class _Trouble:
    """From the first failure until all is written and the ballast is there again."""

    since_us: int
    dropped: int = 0
    """Readings that were not written, or not booked."""
    dropped_from_us: int = 0
    dropped_to_us: int = 0

    def drop(self, count: int, from_us: int, to_us: int) -> None:
        self.dropped_from_us = min(self.dropped_from_us or from_us, from_us)
        self.dropped += count
        self.dropped_to_us = max(self.dropped_to_us, to_us)


class Saver:
    """Owns the batch that is open. For the ledger thread alone."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        pulse: Pulse,
        tell: Callable[[str, Record], None],
        ballast: Ballast | None = None,
        hear: Callable[[sqlite3.Error], None] | None = None,
    ) -> None:
        """`tell(kind, detail)` writes an event of every meter into `batch`; `hear` is told what SQLite said."""
        self.batch = Batch()
        self.written = Batch()
        """What the last save that succeeded has written."""
        self.health = StoreHealth(outbox_depth=store.outbox_depth())
        self._store, self._clock, self._pulse, self._tell, self._ballast = store, clock, pulse, tell, ballast
        self._hear = hear
        self._failed: tuple[Batch, Mark] | None = None
        self._must_reopen = False
        self._trouble: _Trouble | None = None
        self._ballast_due_us = 0

    @property
    def can_read(self) -> bool:
        """Whether the store's handle is one to be asked."""
        return not self._must_reopen

    @property
    def is_overfull(self) -> bool:
        """Whether no more may be reckoned before something was written."""
        return len(self.batch.outbox) + (len(self._failed[0].outbox) if self._failed else 0) >= RECORDS_HELD_MOST

    def save(self) -> bool:
        """Write all that is kept, in one transaction; whether something was written. Never raises for the disk."""
        if self.batch.is_empty and self._failed is None:
            self._keep_ballast()
            return False
        try:
            written = self._commit()
        except (sqlite3.Error, OSError) as error:
            written = self._commit_in_the_ballast(error)
        if written is None:
            return False
        self.written = written
        self.health.commits += 1
        self.health.outbox_depth += len(written.outbox)
        try:
            with self._pulse.waiting_for_disk():
                self._store.fold_back()
        except (sqlite3.Error, OSError) as error:
            self.note(error)
        else:
            self._keep_ballast()
        return True

    def note(self, error: sqlite3.Error | OSError) -> None:
        """The store failed, here or in a read elsewhere: tell it, and never use a handle again that is in doubt."""
        why = str(error)
        if why != self.health.error:
            logger.error(event_line("store_failed", store=self._store.path, why=error))
        self.health.error = why
        if not is_full(error):
            self._must_reopen = True
        self._begin_trouble(why)
        if self._hear is not None and isinstance(error, sqlite3.Error):
            self._hear(error)

    def drop(self, at_us: int) -> None:
        """A reading was not booked at all, because too much is kept already. UTC microseconds."""
        self.health.readings_dropped += 1
        if self._trouble is not None:
            self._trouble.drop(1, at_us, at_us)

    def bound(self) -> None:
        """Drop the oldest raw readings beyond what memory may hold, and remember which."""
        if self._trouble is None:
            return
        kept = [self.batch] if self._failed is None else [self._failed[0], self.batch]
        for batch in kept:
            rows = batch.readings
            surplus = sum(len(each.readings) for each in kept) - READINGS_HELD_MOST
            gone = rows[: max(0, surplus)]
            if gone:
                instants = [row.reading.instant_us for row in gone]
                self._trouble.drop(len(gone), min(instants), max(instants))
                self.health.readings_dropped += len(gone)
                del rows[: len(gone)]
                batch.rebase = True

    def _commit(self) -> Batch | None:
        """One transaction; what was written. None: what had failed was there all along, and there is nothing more."""
        with self._pulse.waiting_for_disk():
            if self._must_reopen:
                self._store.reopen()
                self._must_reopen = False
            if self._failed is not None and self._store.holds(*self._failed):
                logger.warning(event_line("store_had_it", store=self._store.path))
                self.health.outbox_depth += len(self._failed[0].outbox)
                self._failed = None
                if self.batch.is_empty:
                    return Batch()
            batch = self.batch if self._failed is None else merged(self._failed[0], self.batch)
            mark = self._store.mark()
            # From here on the batch is the store's: whatever else fails, it must not be written twice unasked.
            self._failed, self.batch = (batch, mark), Batch()
            self._store.commit(batch)
            self._failed = None
            return batch

    def _commit_in_the_ballast(self, error: sqlite3.Error | OSError) -> Batch | None:
        """After a failure: once more, if it was for want of room and there is ballast to give for it."""
        self.note(error)
        if not is_full(error) or self._ballast is None or not self._ballast.release():
            return None
        logger.warning(event_line("ballast_released", file=self._ballast.path))
        try:
            return self._commit()
        except (sqlite3.Error, OSError) as again:
            self.note(again)
            return None

    def _begin_trouble(self, why: str) -> None:
        if self._trouble is None:
            self._trouble = _Trouble(self._clock.wall_us())
            self._tell("storage", {"state": "failing", "why": why})

    def _keep_ballast(self) -> None:
        """After a success: with the ballast in its place trouble is over; without, the disk is still too full."""
        now_us = self._clock.real_us()
        if self._ballast is not None and (self._trouble is not None or now_us >= self._ballast_due_us):
            self._ballast_due_us = now_us + BALLAST_EVERY_US
            with self._pulse.waiting_for_disk():
                is_there = self._ballast.keep()
            if not is_there:
                why = (FULL if self._trouble is not None else NEARLY_FULL) + NO_ROOM
                if why != self.health.error:
                    logger.warning(event_line("ballast_missing", file=self._ballast.path, why=why))
                self.health.error = why
                return
            if self.health.error.endswith(NO_ROOM):
                self.health.error = ""
        if self._trouble is not None and self._failed is None and not self._must_reopen:
            self._end_trouble(self._trouble)

    def _end_trouble(self, trouble: _Trouble) -> None:
        self._trouble, self.health.error = None, ""
        logger.warning(event_line("store_works_again", store=self._store.path, readings_dropped=trouble.dropped))
        detail: Record = {"state": "works_again", "since_utc_us": trouble.since_us, "readings_dropped": trouble.dropped}
        if trouble.dropped:
            detail |= {"dropped_from_utc_us": trouble.dropped_from_us, "dropped_to_utc_us": trouble.dropped_to_us}
        self._tell("storage", detail)


def merged(first: Batch, then: Batch) -> Batch:
    """Two batches as one transaction, in their order. Readings that waited and have been placed since wait no more."""
    waiting = [row for row in first.held if row[0] not in then.released]
    return Batch(
        readings=first.readings + then.readings,
        epochs=first.epochs + then.epochs,
        intervals=first.intervals + then.intervals,
        events=first.events + then.events,
        outbox=first.outbox + then.outbox,
        held=waiting + then.held,
        released=first.released | then.released,
        acknowledged=first.acknowledged + then.acknowledged,
        states=first.states | then.states,
        words=first.words | then.words,
        rebase=first.rebase or then.rebase,
    )
