"""Disk faults under a daemon that is not changed: a file system that is full, and calls that fail or never return.

Full: a small tmpfs in a mount namespace of the daemon's own, which ends with it. Failing and hanging: strace attached
to the running daemon, which makes the system calls on one file fail (EIO) or not return, and lets go again.
Each injector says by `why_not` whether this machine allows it.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from enum import Enum
from pathlib import Path

ATTACH_S = 15.0
NEVER_US = 3_600_000_000
_CALLS = "pwrite64,fdatasync,fsync"
# The mount is made before the program; then the shell becomes the program, so that its pid stays.
_MOUNT = 'mount -t tmpfs -o "size=$1,mode=0700" netmeter-test "$2" && shift 2 && exec "$@"'


class SmallDisk:
    """A folder that is a file system of `size_kib` to the daemon started by `prefix`, and to nobody else."""

    def __init__(self, folder: Path, size_kib: int) -> None:
        """The folder must exist."""
        self._folder = folder
        self._pid = 0
        spaces = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
        self.prefix = [*spaces, "sh", "-c", _MOUNT, "sh", f"{size_kib}k", str(folder)]

    @property
    def why_not(self) -> str:
        """Why this machine does not allow it; empty where it does."""
        if shutil.which("unshare") is None:
            return "unshare is not here"
        tried = subprocess.run([*self.prefix, "true"], capture_output=True, text=True, check=False)
        return tried.stderr.strip() or "unshare failed" if tried.returncode else ""

    def belongs_to(self, pid: int) -> None:
        """Name the daemon: only through it can the folder be seen."""
        self._pid = pid

    def inside(self, name: str) -> Path:
        """A file of the folder as the daemon sees it."""
        return Path(f"/proc/{self._pid}/root{self._folder}") / name

    def fill(self) -> None:
        """Leave not a byte."""
        with self.inside("ballast").open("ab", buffering=0) as ballast, contextlib.suppress(OSError):
            while True:
                ballast.write(b"\0" * 512)

    def free(self) -> None:
        """Give the room back."""
        self.inside("ballast").unlink()


class Fault(Enum):
    """What happens to a call that writes or syncs."""

    EIO = "error=EIO"
    ENOSPC = "error=ENOSPC"
    EROFS = "error=EROFS"
    HANG = f"delay_enter={NEVER_US}"


class CallFault:
    """strace holding on to a process, between `begin` and `end`. `log` keeps the calls that were hit."""

    def __init__(
        self, fault: Fault, file: Path, log: Path, *more_files: Path, calls: str = _CALLS, nth: int = 0
    ) -> None:
        """Only calls on these files are hit: all of them, or in each thread only the `nth` from 1."""
        self._fault, self._files, self._log = fault, (file, *more_files), log
        self._calls, self._nth = calls, nth
        self._strace: subprocess.Popen[bytes] | None = None

    @property
    def prefix(self) -> list[str]:
        """What to put before a command that is to meet the fault from its start; it keeps its pid."""
        return ["strace", "-D", *self._options]

    @property
    def why_not(self) -> str:
        """Why this machine does not allow it; empty where it does."""
        if shutil.which("strace") is None:
            return "strace is not installed (Debian: apt-get install strace)"
        child = subprocess.Popen(["sleep", "60"])
        try:
            strace = subprocess.Popen(["strace", "-qq", "-o", os.devnull, "-p", str(child.pid)], stderr=subprocess.PIPE)
            time.sleep(0.3)
            strace.terminate()
            said = strace.communicate()[1].decode(errors="replace")
        finally:
            child.kill()
            child.wait()
        return said.strip() if "attach" in said else ""

    def begin(self, pid: int) -> None:
        """Attach to every thread of `pid`. Raises TimeoutError where that does not happen."""
        command = ["strace", "-p", str(pid), *self._options]
        self._strace = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        deadline_s = time.monotonic() + ATTACH_S
        while not all_traced(pid, self._strace.pid):
            if time.monotonic() > deadline_s or self._strace.poll() is not None:
                self.end()
                raise TimeoutError(f"strace did not get hold of process {pid} within {ATTACH_S:g} s")
            time.sleep(0.02)

    @property
    def _options(self) -> list[str]:
        only = [word for file in self._files for word in ("-P", str(file))]
        when = f":when={self._nth}" if self._nth else ""
        injection = f"inject={self._calls}:{self._fault.value}{when}"
        return ["-f", "-qq", "-o", str(self._log), *only, "-e", f"trace={self._calls}", "-e", injection]

    def hits(self) -> int:
        """How many calls have been hit. One that hangs counts only when it is let go: "detached"."""
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return sum("(INJECTED)" in line or "<detached" in line for line in lines)

    def end(self) -> None:
        """Let go: what hung goes on. Harmless when repeated."""
        strace, self._strace = self._strace, None
        if strace is not None and strace.poll() is None:
            strace.send_signal(signal.SIGTERM)
            strace.wait()


def all_traced(pid: int, tracer: int) -> bool:
    """Whether every thread of a process is held by this tracer. Raises FileNotFoundError where it has ended."""
    statuses = [path / "status" for path in Path(f"/proc/{pid}/task").iterdir()]
    return all(f"TracerPid:\t{tracer}\n" in status.read_text() for status in statuses)
