"""On which line of a TOML text each key stands. (TOML v1.0.0)

tomllib does not tell. The text must already have been accepted by tomllib: this scanner knows only as
much of the grammar as it needs to find the keys, and raises nothing on a text that tomllib takes.
"""

import tomllib

TomlPath = tuple[str | int, ...]
"""Where a value stands in a document: table and key names, and positions (from 0) in arrays."""

_BLANK = " \t\r\n"
_BARE_END = ",]}#\r\n"


def key_lines(text: str) -> dict[TomlPath, int]:
    """Path of every table, key and array element -> its line, from 1; the first mention counts."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


def line_of(lines: dict[TomlPath, int], path: TomlPath) -> int:
    """The line of `path`, else of the nearest thing around it, else 1."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return 1


class _Scanner:
    """A cursor over the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.lines: dict[TomlPath, int] = {}
        self.lengths: dict[TomlPath, int] = {}

    def document(self) -> None:
        table: TomlPath = ()
        while self.skip_blank():
            if self.text.startswith("[[", self.at):
                table = self.header(2)
            elif self.text[self.at] == "[":
                table = self.header(1)
            else:
                self.pair(table)

    def header(self, brackets: int) -> TomlPath:
        line = self.line
        self.move(brackets)
        names = self.key()
        self.move(brackets)
        path: TomlPath = ()
        for position, name in enumerate(names):
            path = (*path, name)
            self.lines.setdefault(path, line)
            if brackets == 2 and position == len(names) - 1:
                self.lengths[path] = self.lengths.get(path, 0) + 1
            # A table under an array of tables belongs to the array's newest element.
            if path in self.lengths:
                path = (*path, self.lengths[path] - 1)
                self.lines.setdefault(path, line)
        return path

    def pair(self, table: TomlPath) -> None:
        line = self.line
        path = table
        for name in self.key():
            path = (*path, name)
            self.lines.setdefault(path, line)
        self.move(1)  # =
        self.value(path)

    def key(self) -> list[str]:
        """A dotted key, up to but not including `=` or `]`."""
        names: list[str] = []
        while True:
            self.skip_blank()
            if self.text[self.at] in "\"'":
                names.append(self.string())
            else:
                start = self.at
                while self.text[self.at] not in " \t.=]":
                    self.move(1)
                names.append(self.text[start : self.at])
            self.skip_blank()
            if self.text[self.at] != ".":
                return names
            self.move(1)

    def value(self, path: TomlPath) -> None:
        self.skip_blank()
        first = self.text[self.at]
        if first in "\"'":
            self.string()
        elif first == "[":
            self.array(path)
        elif first == "{":
            self.inline_table(path)
        else:
            while self.at < len(self.text) and self.text[self.at] not in _BARE_END:
                self.move(1)

    def array(self, path: TomlPath) -> None:
        self.move(1)
        position = 0
        while self.skip_separators() != "]":
            self.lines.setdefault((*path, position), self.line)
            self.value((*path, position))
            position += 1
        self.move(1)

    def inline_table(self, path: TomlPath) -> None:
        self.move(1)
        while self.skip_separators() != "}":
            self.pair(path)
        self.move(1)

    def string(self) -> str:
        """Passes a string of any of the four kinds and returns what it means."""
        quote = self.text[self.at]
        fence = quote * 3 if self.text.startswith(quote * 3, self.at) else quote
        start = self.at
        self.move(len(fence))
        while not self.text.startswith(fence, self.at):
            self.move(2 if quote == '"' and self.text[self.at] == "\\" else 1)
        self.move(len(fence))
        # Up to two quotes may stand directly before a closing fence of three.
        while len(fence) == 3 and self.text.startswith(quote, self.at):
            self.move(1)
        meaning = tomllib.loads("x = " + self.text[start : self.at])["x"]
        return str(meaning)

    def skip_separators(self) -> str:
        self.skip_blank()
        while self.text[self.at] == ",":
            self.move(1)
            self.skip_blank()
        return self.text[self.at]

    def skip_blank(self) -> bool:
        """Passes white space and comments; False at the end of the text."""
        while self.at < len(self.text):
            if self.text[self.at] == "#":
                while self.at < len(self.text) and self.text[self.at] != "\n":
                    self.move(1)
            elif self.text[self.at] in _BLANK:
                self.move(1)
            else:
                return True
        return False

    def move(self, count: int) -> None:
        self.line += self.text.count("\n", self.at, self.at + count)
        self.at += count
