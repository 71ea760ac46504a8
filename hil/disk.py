"""A power cut for files: what a traced program had really synced, put back in place of what it had only written.

strace records every write, truncation, sync and removal below one folder; replayed, that gives each file's bytes at
its last fsync or fdatasync. Pessimistic: nothing unsynced survives. Linux, strace 6 or later; no root needed.
"""

import shutil
import time
from pathlib import Path

from .disk_trace import FILE_CALLS, Kind, Operation, operations, options

SETTLE_S = 20.0


def find_strace() -> str | None:
    """The path of strace; None where it is not installed."""
    return shutil.which("strace")


def traced(strace: str, trace: Path) -> list[str]:
    """What to put before a command, so that `trace` records it. The command keeps its pid: kill that one."""
    return [strace, "-D", *options(FILE_CALLS), "-o", str(trace)]


def power_cut(trace: Path, folder: Path) -> dict[Path, int]:
    """Put every file below `folder` that the traced program wrote back to its last synced bytes.

    The program must have been killed. Returns how many bytes each file lost. Raises TimeoutError where the trace does
    not come to its end.
    """
    wait_for_end(trace)
    replay = _Replay()
    with trace.open(encoding="ascii", errors="replace") as lines:
        for one in operations(lines, folder):
            replay.take(one)
    lost: dict[Path, int] = {}
    for path, durable in replay.durable.items():
        written = path.read_bytes() if path.exists() else b""
        if durable is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(durable)
        lost[path] = len(written) - len(durable or b"")
    return lost


def wait_for_end(trace: Path) -> None:
    """Until the trace has the end of the killed program. Raises TimeoutError."""
    deadline_s = time.monotonic() + SETTLE_S
    while b"+++ killed by SIGKILL" not in trace.read_bytes()[-4096:]:
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"{trace}: the traced program has not been killed")
        time.sleep(0.05)


class _Replay:
    """The disk as a cautious reader of the trace sees it."""

    def __init__(self) -> None:
        self._written: dict[Path, bytearray] = {}
        self.durable: dict[Path, bytes | None] = {}
        """Bytes at the last sync; None for a file that was never synced."""

    def take(self, one: Operation) -> None:
        path = one.path
        if path is None:
            return
        if one.kind is Kind.REMOVE:
            self._written.pop(path, None)
            self.durable[path] = None
            return
        if path not in self._written:
            # First seen: what an earlier process left there had been there for long.
            self._written[path] = bytearray(self.durable.get(path) or b"")
            self.durable.setdefault(path, None)
        if one.kind is Kind.RENAME and one.target is not None:
            self._written[one.target] = self._written.pop(path)
            self.durable[one.target], self.durable[path] = self.durable[path], None
        elif one.kind is Kind.WRITE:
            put(self._written[path], one.offset, one.content)
        elif one.kind is Kind.TRUNCATE:
            resize(self._written[path], one.offset)
        elif one.kind is Kind.SYNC:
            self.durable[path] = bytes(self._written[path])


def put(file: bytearray, offset: int, content: bytes) -> None:
    """Write into a file in memory; at its end where `offset` is negative."""
    offset = len(file) if offset < 0 else offset
    if len(file) < offset:
        file.extend(bytes(offset - len(file)))
    file[offset : offset + len(content)] = content


def resize(file: bytearray, size: int) -> None:
    """Cut a file in memory off, or fill it up with zeros."""
    del file[size:]
    file.extend(bytes(size - len(file)))
