"""A TOML table read strictly: every key is asked for once, and a key that nobody asked for is a mistake.

Every complaint names file, line, key, value and the mend. Numbers with a point arrive as Decimal, never as float.
"""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn, TypeVar

from .errors import ProfileError
from .toml_lines import TomlPath, key_lines, line_of

T = TypeVar("T")
_REQUIRED = object()
SMALLEST, LARGEST = Decimal("1e-12"), Decimal("1e12")
"""Of scales, digits and rollovers, in whatever unit: 1e12 Wh is what is taken for no meter's count."""


def did_you_mean(word: str, known: "list[str]") -> str:
    """A closing phrase for an error: the nearest known word, else the whole list."""
    near = get_close_matches(word, known, n=1, cutoff=0.6) or _holding(word, known)
    return f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(sorted(known))}"


def _holding(word: str, known: "list[str]") -> "list[str]":
    """The one known word that holds `word`, or is held by it, whatever stands between the letters; else none."""
    plain = _plain(word)
    found = [one for one in known if min(len(plain), len(_plain(one))) >= 4]
    found = [one for one in found if plain in _plain(one) or _plain(one) in plain]
    return found if len(found) == 1 else []


def _plain(word: str) -> str:
    return "".join(one for one in word.lower() if one.isalnum())


class Table:
    """One table of a TOML file and where it stands (`where` is like `registers[3].`)."""

    def __init__(
        self, content: Mapping[str, object], path: Path, text: str = "", where: str = "", place: TomlPath = ()
    ) -> None:
        self._content = content
        self._path = path
        self._text = text
        self._where = where
        self._place = place
        self._asked: list[str] = []

    @classmethod
    def load(cls, path: Path) -> "Table":
        """Read a whole file. Raises ProfileError for an unreadable file or bad TOML."""
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise ProfileError(f"{path}: cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise ProfileError(f"{path}: not UTF-8 text: {error}") from error
        return cls.parse(text, path)

    @classmethod
    def parse(cls, text: str, path: Path) -> "Table":
        """The same of a file's text; `path` names it in messages. Raises ProfileError."""
        try:
            return cls(tomllib.loads(text, parse_float=Decimal), path, text)
        except tomllib.TOMLDecodeError as error:
            raise ProfileError(f"{path}: not valid TOML: {error}") from error

    @property
    def path(self) -> Path:
        """The file that it stands in."""
        return self._path

    def fail(self, key: str, mend: str) -> NoReturn:
        """Raise ProfileError about `key`, its value and the mend."""
        found = self._content.get(key)
        shown = str(found) if isinstance(found, Decimal | int) else f"{found!r:.60}"
        if isinstance(found, dict) or (isinstance(found, list) and any(isinstance(one, dict) for one in found)):
            shown = "..."
        value = f" = {shown}" if key in self._content else ""
        line = line_of(key_lines(self._text), (*self._place, key)) if self._text else 1
        raise ProfileError(f"{self._path}:{line}: {self._where}{key}{value}: {mend}")

    def has(self, key: str) -> bool:
        return key in self._content

    def text(self, key: str, default: str | None = None) -> str:
        return self._take(key, str, "a text in quotes", default)

    def flag(self, key: str, default: bool | None = None) -> bool:
        return self._take(key, bool, "true or false", default)

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """An integer within low .. high (both allowed)."""
        number = self._take(key, int, f"an integer from {low} to {high}", default)
        if isinstance(number, bool) or not low <= number <= high:
            self.fail(key, f"must be an integer from {low} to {high}")
        return number

    def positive(self, key: str, default: Decimal | None = None) -> Decimal:
        """A decimal number above zero, within what a meter's map can mean."""
        if isinstance(self._content.get(key), int) and not isinstance(self._content[key], bool):
            number = Decimal(self._take(key, int, "a number above zero"))
        else:
            number = self._take(key, Decimal, "a number above zero", default)
        if not number.is_finite() or number <= 0:
            self.fail(key, "must be a number above zero")
        if not SMALLEST <= number <= LARGEST:
            self.fail(key, f"no meter needs that: from {SMALLEST} to {LARGEST}")
        return number

    def integers(self, key: str, low: int, high: int) -> tuple[int, ...]:
        """A list of integers, each within low .. high."""
        numbers = self._take(key, list, f"a list of integers from {low} to {high}")
        for number in numbers:
            if not isinstance(number, int) or isinstance(number, bool) or not low <= number <= high:
                self.fail(key, f"must be a list of integers from {low} to {high}; {number!r} is not")
        return tuple(numbers)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, none of them empty."""
        texts = self._take(key, list, "a list of texts in quotes")
        for text in texts:
            if not isinstance(text, str) or not text:
                self.fail(key, f"must be a list of texts in quotes; {text!r} is not")
        if not texts:
            self.fail(key, "must name one at least")
        return tuple(texts)

    def span(self, key: str) -> tuple[Decimal, Decimal]:
        """[low, high], two finite numbers, low below high."""
        pair = self._take(key, list, "two numbers, [low, high]")
        numbers = [Decimal(one) for one in pair if isinstance(one, int | Decimal) and not isinstance(one, bool)]
        if len(pair) != 2 or len(numbers) != 2 or not all(one.is_finite() for one in numbers):
            self.fail(key, "must be two numbers, [low, high]")
        if numbers[0] >= numbers[1]:
            self.fail(key, "the first number must be below the second")
        return numbers[0], numbers[1]

    def tables(self, key: str) -> "tuple[Table, ...]":
        """An array of tables ([[key]]); empty where absent."""
        entries = self._take(key, list, f"an array of tables, [[{key}]]", [])
        if not all(isinstance(entry, dict) for entry in entries):
            self.fail(key, f"must be an array of tables, [[{key}]]")
        return tuple(
            Table(entry, self._path, self._text, f"{self._where}{key}[{n}].", (*self._place, key, n))
            for n, entry in enumerate(entries)
        )

    def table(self, key: str) -> "Table":
        """A table within this one."""
        content = self._take(key, dict, f"a table, [{key}]")
        return Table(content, self._path, self._text, f"{self._where}{key}.", (*self._place, key))

    def plain(self) -> dict[str, object]:
        """All keys and values, as read; for tables whose keys are names of the profile's own."""
        self._asked.extend(self._content)
        return dict(self._content)

    def finish(self) -> None:
        """Raise ProfileError for the first key that nobody asked for."""
        for key in self._content:
            if key not in self._asked:
                self.fail(key, f"unknown key; {did_you_mean(key, self._asked)}")

    def _take(self, key: str, kind: type[T], expected: str, default: object = _REQUIRED) -> T:
        self._asked.append(key)
        if default is None:
            default = _REQUIRED
        value = self._content.get(key, default)
        if value is _REQUIRED:
            self.fail(key, f"missing; must be {expected}")
        if not isinstance(value, kind):
            self.fail(key, f"must be {expected}")
        return value
