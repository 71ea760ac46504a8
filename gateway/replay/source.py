"""A file, a gzip file or standard input as numbered lines of text. Bounded: a line without end is refused, not kept.

UTF-8, with or without a byte order mark; LF or CR LF. Never skips a line and never repairs a byte.
"""

import gzip
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

from ..config.problem import Problem, ProblemsError

LONGEST_LINE_BYTES = 65_536
STANDARD_INPUT = "-"
_GZIP = b"\x1f\x8b"
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class ReadingsError(ProblemsError):
    """A table of readings cannot be used: what is wrong, with its line."""


def refuse(file: str, line: int, message: str, mend: str = "", value: str | None = None) -> ReadingsError:
    """The error for one mistake in a table; `line` 0 where it is the file itself."""
    return ReadingsError([Problem(file, line, "", "", value, message, mend)])


class Source:
    """Lines of one table, counted from 1."""

    def __init__(self, name: str, stream: BinaryIO) -> None:
        self.name = name
        self.line = 0
        """The number of the last line given out."""
        self._stream = stream

    def __iter__(self) -> Iterator[str]:
        """Each line without its end. Raises ReadingsError."""
        while raw := self._next():
            self.line += 1
            yield self._text(raw)

    def _next(self) -> bytes:
        try:
            return self._stream.readline(LONGEST_LINE_BYTES + 1)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            message = f"the compressed file is damaged or cut off ({error})"
            raise refuse(self.name, self.line + 1, message, f"gzip -t {self.name}") from error
        except OSError as error:
            raise refuse(self.name, self.line + 1, f"cannot be read: {error.strerror or error}") from error

    def _text(self, raw: bytes) -> str:
        if len(raw) > LONGEST_LINE_BYTES:
            mend = "is this a table of readings, with a line for each?"
            raise refuse(self.name, self.line, f"the line is longer than {LONGEST_LINE_BYTES} bytes", mend)
        if self.line == 1:
            if raw.startswith(_UTF16_MARKS):
                raise refuse(self.name, 1, "the file is UTF-16", f"iconv -f UTF-16 -t UTF-8 {self.name}")
            raw = raw.removeprefix(_UTF8_MARK)
        if b"\0" in raw:
            raise refuse(self.name, self.line, "a NUL byte: this is no text", "a text file in UTF-8 is wanted")
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            message = f"byte 0x{raw[error.start]:02x} at position {error.start + 1} is no UTF-8"
            raise refuse(self.name, self.line, message, f"iconv -f LATIN1 -t UTF-8 {self.name}") from None
        text = text.removesuffix("\n").rstrip("\r")
        if "\r" in text:
            mend = f"lines end with LF or CR LF: tr '\\r' '\\n' < {self.name}"
            raise refuse(self.name, self.line, "a carriage return within the line", mend)
        return text


@contextmanager
def open_source(path: str) -> Iterator[Source]:
    """The table at `path`, `-` for standard input; compressed by gzip or not, as its first bytes say."""
    with ExitStack() as stack:
        try:
            if path == STANDARD_INPUT and sys.stdin is None:
                raise refuse("standard input", 0, "is closed")
            if path == STANDARD_INPUT:
                raw = cast("BufferedReader", sys.stdin.buffer)
            else:
                raw = stack.enter_context(Path(path).open("rb"))
            head = raw.peek(2)[:2]
        except OSError as error:
            raise refuse(path, 0, f"cannot be read: {os.strerror(error.errno or 0)}") from error
        name = "standard input" if path == STANDARD_INPUT else path
        yield Source(name, BufferedReader(gzip.GzipFile(fileobj=raw)) if head == _GZIP else raw)
