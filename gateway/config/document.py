"""A TOML file as read from the disk: its tables, its lines, and the list in which its problems are gathered.

Never guesses: a file that cannot be read, is no text or no TOML yields a problem, not an empty document.
"""

import errno
import os
import re
import stat
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from drivers.toml_lines import key_lines, line_of

from .problem import Problem, Severity, TomlPath
from .slips import USUAL, syntax_mend

SIZE_LIMIT_BYTES = 1_000_000
_PLACE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)")
_HUGE = re.compile(r"[0-9_]{1000,}")
_LABELS = ("name", "id", "effective")


@dataclass(slots=True)
class Document:
    """One parsed file; `problems` grows while it is examined. `file` is the name to print."""

    file: str
    folder: Path
    table: dict[str, object] = field(default_factory=dict)
    text: str = ""
    problems: list[Problem] = field(default_factory=list)
    readable: bool = True
    """False where the file could not be parsed at all: then `table` says nothing."""
    _lines: dict[TomlPath, int] | None = None

    @property
    def lines(self) -> dict[TomlPath, int]:
        """The line of each key; looked for when it is first asked for, as a good file is read without."""
        if self._lines is None:
            self._lines = key_lines(self.text) if self.readable else {}
        return self._lines

    def add(
        self,
        path: TomlPath,
        message: str,
        mend: str = "",
        *,
        value: object = None,
        severity: Severity = Severity.ERROR,
    ) -> None:
        """Notes a problem with what stands at `path`; a key that is missing is told at its table's line."""
        self.problems.append(
            Problem(
                file=self.file,
                line=line_of(self.lines, path),
                where=self.where(path),
                key=".".join(str(part) for part in path),
                value=None if value is None else str(value)[:80],
                message=message,
                mend=mend,
                severity=severity,
            )
        )

    def warn(self, path: TomlPath, message: str, mend: str = "", *, value: object = None) -> None:
        """The same for what is allowed but hardly meant."""
        self.add(path, message, mend, value=value, severity=Severity.WARNING)

    def where(self, path: TomlPath) -> str:
        """The tables around `path` as a person wrote them: `[[meter]] grid`."""
        words: list[str] = []
        here: object = self.table
        name = ""
        for part in path:
            if isinstance(part, int):
                here = here[part] if isinstance(here, list) and part < len(here) else None
                words.append(f"[[{name}]] {_label(here, part)}")
                name = ""
                continue
            if isinstance(here, dict) and name:
                words.append(f"[{name}]")
            here = here.get(part) if isinstance(here, dict) else None
            name = part
        if name and isinstance(here, dict):
            words.append(f"[{name}]")
        return " ".join(words)


def read_document(path: Path) -> Document:
    """Reads and parses `path`. Never raises for what is wrong with the file; see `Document.readable`."""
    document = Document(file=str(path), folder=path.parent)
    content = _read(path, document)
    text = None if content is None else _decode(content, document)
    if text is None:
        document.readable = False
        return document
    try:
        document.table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        document.readable = False
        document.problems.append(_syntax_problem(document.file, text, str(error)))
    except ValueError:
        # Python itself refuses to read a number of thousands of digits, and does not say where.
        document.readable = False
        found = _HUGE.search(text)
        line = text.count("\n", 0, found.start()) + 1 if found else 0
        document.problems.append(Problem(document.file, line, "", "", None, "a number has too many digits to read"))
    except RecursionError:
        document.readable = False
        document.problems.append(Problem(document.file, 0, "", "", None, "brackets are nested too deep to read"))
    else:
        document.text = text
    return document


def _read(path: Path, document: Document) -> bytes | None:
    message, mend = "", ""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            message, mend = "is a folder, not a file", f"name the file in it, such as {path / 'gateway.toml'}"
        elif not stat.S_ISREG(status.st_mode):
            message, mend = "is not a regular file", "name a text file"
        elif status.st_size > SIZE_LIMIT_BYTES:
            message = f"holds {status.st_size} bytes, more than {SIZE_LIMIT_BYTES}: this is no configuration"
        else:
            return path.read_bytes()
    except FileNotFoundError:
        message, mend = "does not exist", "give the path of a file that is there"
    except PermissionError:
        message, mend = "may not be read by this user", f"see who may: ls -l {path}"
    except OSError as error:
        message = f"cannot be read: {os.strerror(error.errno or errno.EIO)}"
    document.problems.append(Problem(document.file, 0, "", "", None, message, mend))
    return None


def _decode(content: bytes, document: Document) -> str | None:
    try:
        # TOML wants UTF-8; some editors put a byte order mark in front, which says nothing.
        return content.removeprefix(b"\xef\xbb\xbf").decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"is not UTF-8 text: byte 0x{content[error.start]:02x}"
        document.problems.append(Problem(document.file, line, "", "", None, message, "save it as UTF-8"))
        return None


def _syntax_problem(file: str, text: str, message: str) -> Problem:
    found = _PLACE.search(message)
    rows = text.split("\n")
    line = int(found.group(1)) if found and found.group(1) else max(1, len(text.rstrip("\n").split("\n")))
    what = _PLACE.sub("", message)
    shown = rows[line - 1].strip() if line <= len(rows) else ""
    # A line that may hold a password is not repeated on a terminal or in a log.
    quoted = f" in `{shown[:60]}`" if shown and shown.isprintable() and "pass" not in shown.lower() else ""
    mend = syntax_mend(what, shown) if quoted else USUAL
    return Problem(file, line, "", "", None, f"not TOML: {what}{quoted}", mend)


def _label(element: object, position: int) -> str:
    if isinstance(element, dict):
        for key in _LABELS:
            label = element.get(key)
            if label is not None and not isinstance(label, dict | list) and str(label):
                return str(label)[:40]
    return f"number {position + 1}"
