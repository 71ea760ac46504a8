"""One daemon a store: a lock file beside it, held by the kernel for as long as the process lives."""

import contextlib
import errno
import fcntl
import os
from pathlib import Path

PID_BYTES = 32


class StoreLockedError(Exception):
    """Another process holds the store; the message names it and what to do."""


def place_of(store: Path) -> Path:
    """The file itself, where the path is a link: its log and all that belongs to it lie there (SQLite does the same).

    Raises OSError where a file can never be: links in a circle, a folder, a device, a pipe.
    """
    place = Path(os.path.realpath(store))
    if place.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(store))
    if place.exists() and not place.is_file():
        raise OSError(errno.EINVAL, "it is a folder, a device or a pipe, and no file", str(place))
    return place


class StoreLock:
    """An exclusive flock on `<store>.lock`, which carries the holder's pid for people. Released by death."""

    def __init__(self, store: Path) -> None:
        """Raises StoreLockedError, OSError."""
        place = place_of(store)
        lock = place.with_name(f"{place.name}.lock")
        self._descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if os.pread(self._descriptor, PID_BYTES, 0).strip(b"0123456789\n\0"):  # a link to it would be written over
            os.close(self._descriptor)
            raise OSError(errno.EINVAL, "it is no lock file: something else than a number is in it", str(lock))
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._descriptor, PID_BYTES, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise StoreLockedError(
                f"{store} is in use by process {_named(holder)}: one gateway a store."
                f" Stop that one first, or give this one a [store] path of its own"
            ) from error
        pid = f"{os.getpid()}\n".encode()
        with contextlib.suppress(OSError):  # the pid is for people: a full disk must not keep a daemon from starting
            os.pwrite(self._descriptor, pid, 0)
            os.ftruncate(self._descriptor, len(pid))

    def release(self) -> None:
        """Let the next one in; harmless when repeated. Removing the file would let two lock two."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _named(pid: str) -> str:
    """A process by number and name; by number alone where it is not there (another container, a network disk)."""
    try:
        return f"{pid} ({Path('/proc', pid, 'comm').read_text(encoding='utf-8', errors='replace').strip()})"
    except (OSError, ValueError):
        return pid
