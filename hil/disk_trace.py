"""What strace recorded of a program's files and sockets, as operations in the order in which they ended.

Reads only successful calls below one folder, and what was sent to sockets. Holds no file and changes none. Linux,
strace 6 or later, with the options of `options`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

FILE_CALLS = "openat,pwrite64,write,ftruncate,fsync,fdatasync,unlink,unlinkat,rename,renameat,renameat2"
SOCKET_CALLS = "sendto,sendmsg"
_LINE = re.compile(r"^(?P<pid>\d+) +(?:<\.\.\. (?P<resumed>\w+) resumed>|(?P<call>\w+)\()(?P<rest>.*)$", re.DOTALL)
_DESCRIPTOR = re.compile(r"^\d+<(?P<path>[^>]*)>")
_RESULT = re.compile(r"\) += (?P<result>-?\d+)[^=]*$")
_HEX = re.compile(r"(?:\\x[0-9a-f]{2})*")
_QUOTED = re.compile(r'"(?P<text>(?:\\x[0-9a-f]{2})*)"')
_LEFT_OUT = (".lock", ".ballast", ".ballast.new")


class Kind(Enum):
    """What was done."""

    TOUCH = auto()
    """Some call on the file's descriptor that changes nothing: it exists."""
    WRITE = auto()
    TRUNCATE = auto()
    SYNC = auto()
    REMOVE = auto()
    RENAME = auto()
    SEND = auto()


@dataclass(frozen=True, slots=True)
class Operation:
    """One call. `path` is None for SEND; `offset` is the new size for TRUNCATE; `target` is for RENAME."""

    kind: Kind
    path: Path | None
    offset: int = 0
    content: bytes = b""
    target: Path | None = None


def options(calls: str) -> list[str]:
    """What strace must be given for its log to be read here."""
    return ["-f", "-q", "-yy", "-xx", "-s", "4000000", "-e", f"trace={calls}"]


def operations(lines: Iterable[str], folder: Path) -> Iterator[Operation]:
    """The operations below `folder`, and everything sent. Locks and ballast hold nothing and are left out."""
    return _Reader(folder).read(lines)


class _Reader:
    """Puts together the two halves of calls that another thread's came between."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder.resolve()) + "/"
        self._unfinished: dict[str, tuple[str, str]] = {}

    def read(self, lines: Iterable[str]) -> Iterator[Operation]:
        for line in lines:
            found = _LINE.match(line.rstrip("\n"))
            if found is None:
                continue
            pid, call, rest = found["pid"], found["call"], found["rest"]
            if call is not None and rest.endswith("<unfinished ...>"):
                self._unfinished[pid] = (call, rest.removesuffix("<unfinished ...>").rstrip())
                continue
            if call is None:
                call, begun = self._unfinished.pop(pid, ("", ""))
                rest = begun + rest
            result = _RESULT.search(rest)
            if result is not None and int(result["result"]) >= 0:
                yield from self._operation(call, rest, int(result["result"]))

    def _operation(self, call: str, rest: str, result: int) -> Iterator[Operation]:
        if call in ("sendto", "sendmsg"):
            quoted = _QUOTED.search(rest)
            if quoted is not None:
                yield Operation(Kind.SEND, None, content=_bytes(quoted["text"])[:result])
        elif call.startswith(("unlink", "rename")):
            yield from self._name_operation(call, rest)
        elif call == "openat":
            path = self._ours_of(_DESCRIPTOR.match(rest.rsplit("= ", 1)[-1]))
            if path is not None and "O_CREAT" in rest:
                yield Operation(Kind.TOUCH, path)
        else:
            path = self._ours_of(_DESCRIPTOR.match(rest))
            if path is not None:
                yield self._file_operation(call, rest, result, path)

    def _name_operation(self, call: str, rest: str) -> Iterator[Operation]:
        paths = [self._ours(found["text"]) for found in _QUOTED.finditer(rest)]
        if call.startswith("unlink") and paths and paths[0] is not None:
            yield Operation(Kind.REMOVE, paths[0])
        elif len(paths) == 2 and paths[0] is not None and paths[1] is not None:
            yield Operation(Kind.RENAME, paths[0], target=paths[1])

    def _file_operation(self, call: str, rest: str, result: int, path: Path) -> Operation:
        if call in ("fsync", "fdatasync"):
            return Operation(Kind.SYNC, path)
        if call == "ftruncate":
            return Operation(Kind.TRUNCATE, path, int(rest.split(",")[1].split(")")[0]))
        quoted = _QUOTED.search(rest)
        if quoted is None:
            return Operation(Kind.TOUCH, path)
        content = _bytes(quoted["text"])[:result]
        if call == "write":
            return Operation(Kind.WRITE, path, -1, content)  # where the last one ended: for logs and whole files
        return Operation(Kind.WRITE, path, int(rest[quoted.end() :].split(",")[2].split(")")[0]), content)

    def _ours_of(self, descriptor: re.Match[str] | None) -> Path | None:
        return None if descriptor is None else self._ours(descriptor["path"])

    def _ours(self, text: str) -> Path | None:
        if _HEX.fullmatch(text) is None:
            return None  # a device or a socket: strace adds its kind to the name
        path = _bytes(text).decode("utf-8", "replace").removesuffix(" (deleted)")
        return Path(path) if path.startswith(self._folder) and not path.endswith(_LEFT_OUT) else None


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))
