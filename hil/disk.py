"""A power cut for files: what a traced program had really synced, put back in place of what it had only written.

strace records every write, truncation, sync and removal below one folder; replayed, that gives each file's bytes at
its last fsync or fdatasync. Pessimistic: nothing unsynced survives. Linux, strace 6 or later; no root needed.
"""

import re
import shutil
import time
from pathlib import Path

SETTLE_S = 20.0
_CALLS = "openat,pwrite64,write,ftruncate,fsync,fdatasync,unlink,unlinkat"
_LINE = re.compile(r"^(?P<pid>\d+) +(?:<\.\.\. (?P<resumed>\w+) resumed>|(?P<call>\w+)\()(?P<rest>.*)$", re.DOTALL)
_DESCRIPTOR = re.compile(r"^\d+<(?P<path>[^>]*)>")
_RESULT = re.compile(r"\) += (?P<result>-?\d+)[^=]*$")
_HEX = re.compile(r"(?:\\x[0-9a-f]{2})*")
_QUOTED = re.compile(r'"(?P<text>(?:\\x[0-9a-f]{2})*)"')


def find_strace() -> str | None:
    """The path of strace; None where it is not installed."""
    return shutil.which("strace")


def traced(strace: str, trace: Path) -> list[str]:
    """What to put before a command, so that `trace` records it. The command keeps its pid: kill that one."""
    return [strace, "-D", "-f", "-q", "-yy", "-xx", "-s", "4000000", "-e", f"trace={_CALLS}", "-o", str(trace)]


def power_cut(trace: Path, folder: Path) -> dict[Path, int]:
    """Put every file below `folder` that the traced program wrote back to its last synced bytes.

    The program must have been killed. Returns how many bytes each file lost. Raises TimeoutError where the trace does
    not come to its end.
    """
    _wait_for_end(trace)
    replay = _Replay(folder)
    with trace.open(encoding="ascii", errors="replace") as lines:
        for line in lines:
            replay.take(line)
    lost: dict[Path, int] = {}
    for path, durable in replay.durable.items():
        written = path.read_bytes() if path.exists() else b""
        if durable is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(durable)
        lost[path] = len(written) - len(durable or b"")
    return lost


def _wait_for_end(trace: Path) -> None:
    deadline_s = time.monotonic() + SETTLE_S
    while b"+++ killed by SIGKILL" not in trace.read_bytes()[-4096:]:
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"{trace}: the traced program has not been killed")
        time.sleep(0.05)


class _Replay:
    """The disk as a cautious reader of the trace sees it."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder.resolve()) + "/"
        self._written: dict[Path, bytearray] = {}
        self.durable: dict[Path, bytes | None] = {}
        """Bytes at the last sync; None for a file that was never synced."""
        self._unfinished: dict[str, tuple[str, str]] = {}

    def take(self, line: str) -> None:
        found = _LINE.match(line.rstrip("\n"))
        if found is None:
            return
        pid, call, rest = found["pid"], found["call"], found["rest"]
        if call is not None and rest.endswith("<unfinished ...>"):
            self._unfinished[pid] = (call, rest.removesuffix("<unfinished ...>").rstrip())
            return
        if call is None:
            call, begun = self._unfinished.pop(pid, ("", ""))
            rest = begun + rest
        result = _RESULT.search(rest)
        if result is not None and int(result["result"]) >= 0:
            self._apply(call, rest, int(result["result"]))

    def _apply(self, call: str, rest: str, result: int) -> None:
        if call in ("unlink", "unlinkat"):
            quoted = _QUOTED.search(rest)
            path = self._ours(quoted["text"]) if quoted is not None else None
            if path is not None:
                self._written.pop(path, None)
                self.durable[path] = None
            return
        descriptor = _DESCRIPTOR.match(rest)
        path = self._ours(descriptor["path"]) if descriptor is not None else None
        if path is None:
            return
        if path not in self._written:
            # First seen: what an earlier process left there had been there for long.
            self._written[path] = bytearray(self.durable.get(path) or b"")
            self.durable.setdefault(path, None)
        if call == "pwrite64":
            self._pwrite(path, rest, result)
        elif call == "ftruncate":
            self._truncate(path, int(rest.split(",")[1].split(")")[0]))
        elif call in ("fsync", "fdatasync"):
            self.durable[path] = bytes(self._written[path])

    def _pwrite(self, path: Path, rest: str, result: int) -> None:
        quoted = _QUOTED.search(rest)
        if quoted is None:
            return
        content = _bytes(quoted["text"])[:result]
        offset = int(rest[quoted.end() :].split(",")[2].split(")")[0])
        file = self._written[path]
        if len(file) < offset:
            file.extend(bytes(offset - len(file)))
        file[offset : offset + len(content)] = content

    def _truncate(self, path: Path, size: int) -> None:
        file = self._written[path]
        del file[size:]
        file.extend(bytes(size - len(file)))

    def _ours(self, text: str) -> Path | None:
        if _HEX.fullmatch(text) is None:
            return None  # a device or a socket: strace adds its kind to the name
        path = _bytes(text).decode("utf-8", "replace").removesuffix(" (deleted)")
        return Path(path) if path.startswith(self._folder) and Path(path).suffix != ".lock" else None


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))
