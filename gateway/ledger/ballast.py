"""The ballast: room on the disk that is given back when the disk is full, so that what matters can still be written.

A file beside the store, of real blocks (posix_fallocate(3)), never more than a share of what is free. It holds
nothing: whoever deletes it by hand loses nothing but the reserve. Never raises: a disk that allows no ballast is no
reason to stop.
"""

import contextlib
import errno
import os
import shutil
import sqlite3
from pathlib import Path

WANTED_BYTES = 8 << 20
"""SQLite's log grows to 4 MiB before it is folded back (1,000 pages); as much again is left for the ledger itself."""
LEAST_BYTES = 64 << 10
SHARE = 8
"""One part in so many of what is free, at most: on a disk that is nearly full the ballast must not be what fills it."""
NO_ROOM_BYTES = 32 << 10


def is_full(error: sqlite3.Error | OSError) -> bool:
    """Whether it failed for want of room: what a ballast can mend."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


class Ballast:
    """The ballast of one store. For the thread that owns the store."""

    def __init__(self, store: Path) -> None:
        self.path = store.with_name(store.name + ".ballast")
        self._released_bytes = 0

    @property
    def is_there(self) -> bool:
        return self.path.exists()

    def keep(self) -> bool:
        """Make it if it is missing and there is room; whether it is there.

        After a release only once at least half of it fits again: so little room that it does not is no end of trouble.
        """
        if self.is_there:
            return True
        size = min(WANTED_BYTES, self._free_bytes() // SHARE) // LEAST_BYTES * LEAST_BYTES
        if size < max(LEAST_BYTES, self._released_bytes // 2):
            return False
        made = self.path.with_name(self.path.name + ".new")
        try:
            descriptor = os.open(made, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, size)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            made.replace(self.path)
        except OSError:
            with contextlib.suppress(OSError):
                made.unlink()
            return False
        self._released_bytes = 0
        return True

    def release(self) -> bool:
        """Give its room back; whether there was any."""
        try:
            size = self.path.stat().st_size
            self.path.unlink()
        except OSError:
            return False
        self._released_bytes = size
        return True

    def release_if_full(self) -> bool:
        """At the start of a daemon: give the room back where there is none left. Whether that was done."""
        return self._free_bytes() < NO_ROOM_BYTES and self.release()

    def _free_bytes(self) -> int:
        try:
            return shutil.disk_usage(self.path.parent).free
        except OSError:
            return 0
