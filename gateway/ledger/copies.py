"""A copy of a store as one file: made in slices, made to last, and verified before anybody is told that it is there.

Overwrites nothing. The copy is in rollback mode, so that it is one file without a journal beside it.
"""

import errno
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .backup_slices import BackupSlices
from .checkpoint_file import sync_folder
from .connection import version_in
from .damaged import UNREADABLE, open_for_reading
from .full_check import FullCheck
from .newer import refusal
from .store_error import MEND, DamagedError, StoreError, is_corrupt
from .version import SCHEMA_VERSION

Report = Callable[[str, int, int], None]
"""Called with what is done, how much, and of how much (0: not known)."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found whole in a copy."""

    schema: int
    rows: int
    links: int
    size_bytes: int


def copy_closed(store: Path, into: Path, report: Report) -> None:
    """Copy a store that no daemon writes, without changing it. Raises StoreError, OSError."""
    try:
        source = open_for_reading(store)
        try:
            run_slices(BackupSlices(source, into), report)
        finally:
            source.close()
    except UNREADABLE as error:
        into.unlink(missing_ok=True)
        raise StoreError(f"{store}: cannot be copied ({error}); `netmeter salvage` reads what can be read") from error
    except BaseException:
        into.unlink(missing_ok=True)
        raise


def copy_verified(store: Path, into: Path) -> None:
    """The same, read again and made to last; nothing of it stays where that fails. Raises StoreError, OSError, and
    DamagedError where it is the store that is at fault, not its copy.
    """
    try:
        copy_closed(store, into, _nobody)
        verify_copy(into, _nobody)
    except DamagedError as error:
        into.unlink(missing_ok=True)
        if fault := _own_fault(store):
            raise DamagedError(f"{store}: {fault}; {MEND}") from error
        raise StoreError(f"{into}: the copy is damaged, and {store} is not: see to the disk ({error})") from error
    except BaseException:
        into.unlink(missing_ok=True)
        raise


def _nobody(_doing: str, _done: int, _total: int) -> None:
    """Told of a copy that nobody waits for."""


def _own_fault(store: Path) -> str:
    """What SQLite finds wrong in a closed store; empty where it is sound, or does not answer."""
    try:
        connection = open_for_reading(store)
        try:
            (word,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        finally:
            connection.close()
    except UNREADABLE as error:
        return str(error) if is_corrupt(error) else ""
    return "" if word == "ok" else str(word)


def run_slices(slices: BackupSlices, report: Report) -> None:
    """Step to the end. Raises what ended it."""
    try:
        while not slices.step():
            report("copying", slices.copied_pages, slices.total_pages)
    except BaseException:
        slices.cancel()
        raise
    if slices.error is not None:
        raise slices.error


def verify_copy(path: Path, report: Report) -> Verified:
    """Read every record, verify every link, and make the file last. Raises DamagedError, StoreError, OSError."""
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
        try:
            verified = _verify(connection, path, report)
        finally:
            connection.close()
    except UNREADABLE as error:
        raise DamagedError(f"{path}: cannot be read as a store ({error})") from error
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync_folder(path.parent)
    return verified


def _verify(connection: sqlite3.Connection, path: Path, report: Report) -> Verified:
    connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    schema = version_in(connection, path)
    if schema > SCHEMA_VERSION:
        raise refusal(path, f"schema {schema}, this one knows {SCHEMA_VERSION}")
    (word,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if word != "ok":
        raise DamagedError(f"{path}: {word}")
    rows = links = 0
    if schema == SCHEMA_VERSION:  # an older one has no checksums yet, and is verified once it is migrated
        check = FullCheck(lambda: connection, path)
        while not check.step():
            report("verifying", check.checked_rows + check.checked_links, 0)
        if check.fault:
            raise DamagedError(f"{path}: {check.fault}")
        rows, links = check.checked_rows, check.checked_links
    return Verified(schema, rows, links, path.stat().st_size)


def put_in_place(part: Path, place: Path) -> None:
    """Give a finished file its name, unless something has it. Raises FileExistsError, OSError."""
    try:
        os.link(part, place)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS):  # of a file system without links
            raise
        if place.exists():
            raise FileExistsError(17, "File exists", str(place)) from None
        part.rename(place)
    else:
        part.unlink()
    sync_folder(place.parent)
