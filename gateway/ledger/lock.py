"""One daemon a store: a lock file beside it, held by the kernel for as long as the process lives."""

import contextlib
import errno
import fcntl
import os
import stat
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


def lock_place(store: Path) -> Path:
    """The lock file of a store, whether it is there or not. Raises OSError as `place_of` does."""
    place = place_of(store)
    return place.with_name(f"{place.name}.lock")


class StoreLock:
    """An exclusive flock on `<store>.lock`, which carries the holder's pid for people. Released by death."""

    def __init__(self, store: Path) -> None:
        """Raises StoreLockedError, OSError."""
        self._descriptor = _opened(lock_place(store))
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _holder(self._descriptor)
            os.close(self._descriptor)
            raise StoreLockedError(
                f"{store} is in use by process {_named(holder)}: one gateway a store."
                f" Stop that one first, or give this one a [store] path of its own"
            ) from error
        if _is_others(self._descriptor):
            return
        pid = f"{os.getpid()}\n".encode()
        with contextlib.suppress(OSError):  # the pid is for people: a full disk must not keep a daemon from starting
            os.pwrite(self._descriptor, pid, 0)
            os.ftruncate(self._descriptor, len(pid))

    def release(self) -> None:
        """Let the next one in; harmless when repeated. Removing the file would let two lock two."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _opened(lock: Path) -> int:
    """A descriptor of the lock file. Raises OSError where it is a link, a folder, a device or a pipe."""
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        why = "it is no lock file but a link, and what it leads to would be written over: remove it"
        raise OSError(errno.ELOOP, why, str(lock)) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no lock file but a device or a pipe: remove it", str(lock))
    return descriptor


def _is_others(descriptor: int) -> bool:
    """Whether something else than a number is in it: damage, or another program's file. The kernel locks that as well,
    so the gateway starts; nothing is written into it.
    """
    return bool(os.pread(descriptor, PID_BYTES, 0).strip(b"0123456789\n\0"))


def _holder(descriptor: int) -> str:
    """The number that is in it."""
    if _is_others(descriptor):
        return "unknown"
    return os.pread(descriptor, PID_BYTES, 0).decode("ascii").strip("\n\0") or "unknown"


def _named(pid: str) -> str:
    """A process by number and name; by number alone where it is not there (another container, a network disk)."""
    try:
        return f"{pid} ({Path('/proc', pid, 'comm').read_text(encoding='utf-8', errors='replace').strip()})"
    except (OSError, ValueError):
        return pid
