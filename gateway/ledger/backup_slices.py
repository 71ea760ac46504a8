"""A copy of an open store in slices, through SQLite's own backup: consistent whatever is committed meanwhile.

`step` copies some pages and returns, so that the thread that owns the connection commits between two slices. The
library's call does not return before its end, so it runs in a thread of its own that only ever moves while `step`
waits for it: the connection is never used by two at once. What is committed between goes into the copy too.
"""

import contextlib
import sqlite3
import threading
from pathlib import Path

PAGES_A_SLICE = 64


class BackupSlices:
    """One running copy. `step` until `done`, then look at `error`; `cancel` ends it early."""

    def __init__(self, source: sqlite3.Connection, into: Path, pages_a_slice: int = PAGES_A_SLICE) -> None:
        """`into` must not exist: nothing is ever overwritten. Raises OSError."""
        descriptor = into.open("xb")
        descriptor.close()
        self.into = into
        self.done = False
        self.error: Exception | None = None
        self.copied_pages, self.total_pages = 0, 0
        self._cancelled = False
        self._source, self._pages = source, pages_a_slice
        self._go, self._stop = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, name="backup", daemon=True)
        self._thread.start()

    def step(self) -> bool:
        """Copy the next slice; True once the copy has ended, well or not."""
        if not self.done:
            self._go.release()
            self._stop.acquire()
        return self.done

    def cancel(self) -> None:
        """End without a copy, and remove what there is of it. Nothing where it has ended; raises nothing."""
        if self.done:
            return
        self._cancelled = True
        while not self.step():
            pass
        with contextlib.suppress(OSError):  # the disk may be the reason
            self.into.unlink()

    def _run(self) -> None:
        self._go.acquire()
        try:
            target = sqlite3.connect(self.into, isolation_level=None)
            try:
                self._source.backup(target, pages=self._pages, progress=self._pause, sleep=0)
            finally:
                target.close()
        except (sqlite3.Error, CancelledError) as error:
            self.error = error
        self.done = True
        self._stop.release()

    def _pause(self, _status: int, remaining: int, total: int) -> None:
        self.copied_pages, self.total_pages = total - remaining, total
        if self._cancelled:
            raise CancelledError("the backup was given up: it was dropped, or the disk failed")
        if remaining:
            self._stop.release()
            self._go.acquire()


class CancelledError(Exception):
    """The copy was given up."""
