"""Thinning old readings, a slice at a time, in the ledger thread's idle moments.

A slice is taken only while nothing waits for the thread and no commit is near; a store that cannot be read is told to
the saver, and looked at again in a minute. What may go is decided in `ledger.retention`.
"""

import sqlite3

from ..clock import Clock
from ..config.types import Config
from ..ledger.store import Store
from ..log import event_line, logger
from ..pulse import Pulse
from .saver import Saver

LOOK_US = 60_000_000
AGAIN_US = 1_000_000
BEFORE_COMMIT_US = 2_000_000


class Thinner:
    """Of one store."""

    def __init__(self, config: Config, store: Store, clock: Clock, pulse: Pulse, saver: Saver) -> None:
        self._kept, self._store, self._clock, self._pulse, self._saver = config.store, store, clock, pulse, saver
        self._due_us = clock.real_us() + LOOK_US

    def turn(self, commit_due_us: int | None) -> None:
        """Take a slice if it is time; `commit_due_us`: when what is not saved yet will be, None: there is nothing."""
        now_us, health = self._clock.real_us(), self._saver.health
        if now_us < self._due_us or health.error:
            return
        if commit_due_us is not None and commit_due_us - now_us < BEFORE_COMMIT_US:
            return
        kept, retention = self._kept, self._store.retention
        try:
            with self._pulse.waiting_for_disk():
                gone = retention.thin(24 * kept.keep_days, 1_000_000 * kept.max_size_mb)
        except sqlite3.Error as error:
            self._due_us = now_us + LOOK_US
            self._saver.note(error)
            return
        self._due_us = now_us + (LOOK_US if gone is None else AGAIN_US)
        if retention.is_over_size and not health.over_size:
            logger.warning(event_line("store_over_size", store=self._store.path, max_size_mb=kept.max_size_mb))
        health.over_size = retention.is_over_size
