"""SIGKILL at the n-th system call of one kind: strace counts in every thread, and the call that is next is not made.

Either from a process's start (its children too: the migration is one), or from now on in a running one. Never touches
a process that it was not given.
"""

import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from ..disk_faults import all_traced
from ..process import ChildError

ATTACH_S = 20.0
_NEVER_MADE = re.compile(r"^(?P<pid>\d+) +(?P<call>\w+)\((?P<rest>.*)")
_KILLED = re.compile(r"^(\d+) +\+\+\+ killed by SIGKILL", re.MULTILINE)
_FILE = re.compile(r'[<"](?P<path>/[^>"]*)[>"]|<(?P<kind>TCP|UNIX|anon_inode|pipe)')


@dataclass(frozen=True, slots=True)
class Site:
    """A call, and which of them in a thread: from the process's start, or from when strace came."""

    call: str
    nth: int

    def __str__(self) -> str:
        return f"{self.call} {self.nth}"


class CallKill:
    """One kill. `log` is a file of its own. Raises ChildError where there is no strace."""

    def __init__(self, site: Site, log: Path) -> None:
        if shutil.which("strace") is None:
            raise ChildError("strace is not installed (Debian: apt-get install strace)")
        self._site, self._log = site, log
        self._strace: subprocess.Popen[bytes] | None = None

    @property
    def prefix(self) -> list[str]:
        """What to put before the command that is to be killed; it keeps its pid."""
        return [*self._command[:1], "-D", *self._command[1:]]

    def attach(self, pid: int) -> None:
        """Begin to count in a running process. Raises ChildError."""
        self._strace = subprocess.Popen([*self._command, "-p", str(pid)], stdin=subprocess.DEVNULL)
        deadline_s = time.monotonic() + ATTACH_S
        try:
            while not all_traced(pid, self._strace.pid):
                if self._strace.poll() is not None and _KILLED.search(self._log.read_text(errors="replace")):
                    return  # its call came while strace was still taking hold of it
                if time.monotonic() > deadline_s or self._strace.poll() is not None:
                    raise ChildError(f"strace did not get hold of process {pid}")
                time.sleep(0.01)
        except FileNotFoundError:
            return  # killed while the rest of its threads were still to be attached to

    def where(self) -> str:
        """What was about to be called on what: `pwrite64 ledger.sqlite-wal`. Empty where nothing was killed."""
        deadline_s = time.monotonic() + 1.0
        while True:
            text = self._log.read_text(errors="replace") if self._log.exists() else ""
            if _KILLED.search(text) or time.monotonic() > deadline_s:
                return _last_call(text, self._site.call)
            time.sleep(0.02)

    def end(self) -> None:
        """Let go, if it still holds on. Harmless when repeated."""
        strace, self._strace = self._strace, None
        if strace is not None and strace.poll() is None:
            strace.send_signal(signal.SIGTERM)
            strace.wait()

    @property
    def _command(self) -> list[str]:
        calls = self._site.call
        injection = f"inject={calls}:signal=KILL:when={self._site.nth}"
        command = ["strace", "-f", "-q", "-qq", "-yy", "-s", "0"]
        return [*command, "-e", f"trace={calls}", "-e", injection, "-o", str(self._log)]


def _last_call(text: str, call: str) -> str:
    """The last call that had no answer, of a thread that was killed."""
    if not _KILLED.search(text):
        return ""
    for line in reversed(text.splitlines()):
        found = _NEVER_MADE.match(line)
        if found is not None and ("= ?" in line or "<unfinished ...>" in line):
            file = _FILE.search(found["rest"])
            if file is None:
                return str(found["call"])
            return f"{found['call']} {file['kind'] or Path(file['path']).name}"
    return call
