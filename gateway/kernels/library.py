"""The compiled kernel as a shared library: what it must be, whether it may be trusted, and how it is opened.

A library is opened only if it was made of this very source, is whole, belongs to root or to who runs this, can be
written by nobody else, and reckons a known answer. Whatever is wrong is a reason, never a crash: the plain-Python twin
books the same. Imports neither numba nor numpy. dlopen(3) maps no memory both writable and executable, so that
MemoryDenyWriteExecute= (systemd.exec(5)) has nothing to object to.
"""

import ctypes
import hashlib
import os
import platform
import stat
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .kernel import ARGUMENTS, BookedRows, Build, Kernel, KernelError, RowRefusal, entry_at

FORMAT = 1
"""To be raised when the emitter, the linker's options or the entries change and the kernel's source does not."""
SOURCES = ("split.py", "rows.py")
LARGEST_BYTES = 1 << 20
SEAL_BYTES = 64  # behind the library's own bytes, which the loader of the system does not read: SHA-256 in hex
MEND = "run: netmeter kernel build"


class LibraryError(Exception):
    """There is no library that may be used; the message says why and how to mend it."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a library is made for: any 64-bit processor of a family."""

    machine: str
    triple: str
    cpu: str


TARGETS = {
    "x86_64": Target("x86_64", "x86_64-unknown-linux-gnu", "x86-64"),
    "aarch64": Target("aarch64", "aarch64-unknown-linux-gnu", "generic"),
}


def native_target() -> Target:
    """This machine's. Raises LibraryError for a family that none is made for."""
    machine = platform.machine()
    if machine not in TARGETS:
        raise LibraryError(f"no library is made for {machine}, only for {' and '.join(TARGETS)}")
    return TARGETS[machine]


def symbol(entry: str) -> str:
    """The name of an entry in the library."""
    return f"netmeter_{entry}"


@cache
def library_key(target: Target) -> str:
    """Stands for what a library is made of: the kernel's source as it lies here, and the target."""
    digest = hashlib.sha256(f"{FORMAT} {target.triple} {target.cpu} {sorted(ARGUMENTS.items())}".encode())
    for name in SOURCES:
        try:
            digest.update(Path(__file__).with_name(name).read_bytes())
        except OSError as error:
            raise LibraryError(f"the kernel's own source cannot be read: {error}") from error
    return digest.hexdigest()[:16]


def library_name(target: Target) -> str:
    """The file's name, by which a library of another source is not even looked at."""
    return f"netmeter-kernel-{library_key(target)}-{target.machine}.so"


def seal(elf: bytes, target: Target) -> bytes:
    """The library's bytes with what proves them whole, and made of this source."""
    return elf + hashlib.sha256(library_key(target).encode() + elf).hexdigest().encode()


def find_library(folders: Iterable[Path]) -> Kernel:
    """The kernel from the first folder that has a library of this source. Raises LibraryError."""
    looked = tuple(folders)
    name = library_name(native_target())
    for folder in looked:
        if _is_there(folder / name):
            return open_library(folder / name)
    others = [path for folder in looked for path in _libraries_in(folder)]
    if others:
        raise LibraryError(f"{others[0]} was made of another version of the kernel's source; {MEND}")
    raise LibraryError(f"not built: no {name} in {' or '.join(str(folder) for folder in looked)}; {MEND}")


def _libraries_in(folder: Path) -> list[Path]:
    try:
        return sorted(folder.glob(f"netmeter-kernel-*-{platform.machine()}.so"))
    except OSError:
        return []


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except OSError:  # a folder that this user may not look into has no library for them
        return False
    return True


def open_library(path: Path) -> Kernel:
    """The kernel from this very file, if it may be trusted. Raises LibraryError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise LibraryError(f"{path}: {error.strerror}") from error
    try:
        _check_owner(path, os.fstat(descriptor))
        _check_seal(path, descriptor)
        # By the descriptor that was looked at: the name may stand for another file by now. It stays open for good,
        # because the system's loader takes a name that it has seen for the file that it has seen.
        loaded = ctypes.CDLL(f"/proc/self/fd/{descriptor}")
    except (LibraryError, OSError) as error:
        os.close(descriptor)
        raise error if isinstance(error, LibraryError) else LibraryError(f"{path}: {error}; {MEND}") from error
    try:
        entries = {name: _entry(loaded, name) for name in ARGUMENTS}
    except AttributeError as error:
        raise LibraryError(f"{path}: {error}; {MEND}") from error
    kernel = Kernel(Build.AOT, entries, path=str(path))
    try:
        sound = knows_its_answers(kernel)
    except KernelError:
        sound = False
    if not sound:
        raise LibraryError(f"{path} reckons wrong; {MEND}")
    return kernel


def knows_its_answers(kernel: Kernel) -> bool:
    """Whether a build reckons what was worked by hand, at both ends of its range."""
    thirds, widest = _column(0, 1, 2), _column(0, 2**63 - 1)
    rows, totals, at_edges = _column(0, 10, 20, 20), _column(5, 15), _column(-1, 15)
    # 10 over thirds of the way is cut to 3 and 6; (2**63 - 1) * 2**61 / (2**62 - 1) is 2**62 and a half; of the four
    # rows the last is not later than the third.
    narrow = kernel.split_series(_column(0, 3), _column(100, 110), thirds, thirds, 3)
    wide = kernel.split_series(_column(0, 2**62 - 1), widest, _column(0, 2**61), _column(0, 1), 2)
    booked = kernel.accumulate_rows(rows, rows, rows, _column(0, 15), _column(1, 0), 2)
    return (
        narrow == (_column(3, 3, 4), _column(-1, 103, 106))
        and wide == (_column(2**62, 2**62 - 1), _column(-1, 2**62))
        and booked == BookedRows(3, RowRefusal.NOT_IN_ORDER, totals, totals, at_edges, at_edges, _column(-1, 2))
    )


def _column(*items: int) -> "array[int]":
    return array("q", items)


def _entry(library: ctypes.CDLL, name: str) -> Callable[..., int]:
    address = ctypes.cast(getattr(library, symbol(name)), ctypes.c_void_p).value
    assert address is not None
    return entry_at(name, address)


def _check_owner(path: Path, facts: os.stat_result) -> None:
    if not stat.S_ISREG(facts.st_mode):
        raise LibraryError(f"{path} is not a file")
    if facts.st_uid not in (0, os.geteuid()):
        raise LibraryError(f"{path} belongs to user {facts.st_uid}, who could put anything into it; {MEND}")
    if facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise LibraryError(f"{path} can be written by others; run: chmod 644 {path}")
    if facts.st_size > LARGEST_BYTES:
        raise LibraryError(f"{path} has {facts.st_size} bytes: no kernel; {MEND}")


def _check_seal(path: Path, descriptor: int) -> None:
    try:
        with open(descriptor, "rb", closefd=False) as file:
            whole = file.read()
    except OSError as error:
        raise LibraryError(f"{path}: {error.strerror}") from error
    if seal(whole[:-SEAL_BYTES], native_target()) != whole:
        raise LibraryError(f"{path} is damaged, or made of another version of the kernel's source; {MEND}")
