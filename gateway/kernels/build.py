"""Make the compiled kernel: emit an object, link it, try it in a process of its own, put it in its place.

Needs numba, and one linker of the system. Nothing is put in place that was not tried; a file there is replaced whole.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from .library import LibraryError, Target, library_name, native_target, seal

LINKERS = ("ld", "ld.lld", "cc", "gcc", "clang")
CROSS_LINKERS = {"aarch64": ("aarch64-linux-gnu-ld", "ld.lld"), "x86_64": ("x86_64-linux-gnu-ld", "ld.lld")}
# defs: a name that is left open is an error. What is loaded is neither writable nor has an executable stack.
LINKER_OPTIONS = ("-z", "defs", "-z", "relro", "-z", "now", "-z", "noexecstack")
LINK_WITHIN_S = 60


class BuildError(Exception):
    """The library cannot be made; the message says why and what to do."""


def writable_folder(folders: Iterable[Path]) -> Path:
    """The first folder that can be written, made if it is missing. Raises BuildError."""
    faults = []
    for folder in folders:
        try:
            if not folder.is_dir():
                folder.mkdir(parents=True)
                folder.chmod(0o755)  # the service's user reads what root makes, whatever root's umask
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError as error:
            faults.append(f"{folder}: {error.strerror}")
    raise BuildError(f"no folder for the library ({'; '.join(faults)}): name one with --into, or run this as root")


def build_library(folder: Path, target: Target) -> Path:
    """Make the library for a target in a folder, in place of older ones. Raises BuildError."""
    linker = find_linker(target)
    from .emit import emit_object

    path = folder / library_name(target)
    try:
        with tempfile.TemporaryDirectory(prefix=".kernel-", dir=folder) as work:
            _link(linker, emit_object(target), Path(work), target)
            made = Path(work) / path.name
            made.write_bytes(seal((Path(work) / "kernel.so").read_bytes(), target))
            made.chmod(0o644)
            if is_native(target):
                _try_out(made)
            with made.open("rb") as file:
                os.fsync(file.fileno())
            made.replace(path)
        for old in folder.glob(f"netmeter-kernel-*-{target.machine}.so"):
            if old != path:
                old.unlink()
    except OSError as error:
        raise BuildError(f"{error.filename or folder}: {error.strerror}") from error
    return path


def is_native(target: Target) -> bool:
    """Whether this machine can run what is made for the target."""
    try:
        return target == native_target()
    except LibraryError:
        return False


def find_linker(target: Target) -> str:
    """The first linker there is that can make a library for the target. Raises BuildError."""
    names = LINKERS if is_native(target) else CROSS_LINKERS[target.machine]
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    package = "binutils" if is_native(target) else f"binutils-{target.machine.replace('_', '-')}-linux-gnu"
    raise BuildError(
        f"no linker (looked for {', '.join(names)}); as root: apt-get install {package}. "
        "The kernel in plain Python books the same"
    )


def _link(linker: str, elf_object: bytes, work: Path, target: Target) -> None:
    (work / "kernel.o").write_bytes(elf_object)
    if Path(linker).name in ("cc", "gcc", "clang"):
        options = ["-shared", "-nostdlib", "-s", f"-Wl,{','.join(LINKER_OPTIONS)}"]
    elif is_native(target):
        options = ["-shared", "-s", *LINKER_OPTIONS]
    else:
        options = ["-shared", "-s", *LINKER_OPTIONS, "-m", {"x86_64": "elf_x86_64"}.get(target.machine, "aarch64linux")]
    command = [linker, *options, "-o", str(work / "kernel.so"), str(work / "kernel.o")]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LINK_WITHIN_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise BuildError(f"{linker} did not end within {LINK_WITHIN_S} s") from error
    if done.returncode:
        raise BuildError(f"{linker} failed: {(done.stderr or done.stdout).strip()}")


def _try_out(path: Path) -> None:
    """Open it in another process: code that is wrong may take the process with it."""
    command = [sys.executable, "-m", "gateway.cli", "kernel", "show", "--library", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"the library was made and does not work: {(done.stderr or done.stdout).strip()}")
