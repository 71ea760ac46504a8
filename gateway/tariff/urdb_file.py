"""A URDB file read from the disk: which record of it is meant, and where its keys stand. Never a float: JSON numbers
become int or Decimal.

The Utility Rate Database (apps.openei.org/IURDB) gives a record alone, or `{"items": [record, ...]}`. Bulk exports
write some keys with capitals (`dgRules`); keys are compared in small letters.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from ..config.document import SIZE_LIMIT_BYTES
from ..config.hints import did_you_mean
from ..config.problem import Problem, ProblemsError

_HUGE = re.compile(r"\d{400,}")


class UrdbError(ProblemsError):
    """A URDB record cannot be turned into a tariff; `problems` says why."""


@dataclass(frozen=True, slots=True)
class UrdbDocument:
    """One record: its keys in small letters, with the text that it was read from."""

    file: str
    text: str
    keys: Mapping[str, object]
    alone: bool
    """Whether it is the only record of the file, so that a key's first line is its own."""

    def problem(self, key: str, message: str, mend: str = "", value: object = None) -> Problem:
        """What is wrong with `key`, with its line where that can be told."""
        shown = None if value is None else printable(str(value)[:80])
        return Problem(self.file, self._line(key), "", key, shown, printable(message), printable(mend))

    def refuse(self, key: str, message: str, mend: str = "", value: object = None) -> UrdbError:
        """The same as an error to raise."""
        return UrdbError([self.problem(key, message, mend, value)])

    def _line(self, key: str) -> int:
        found = re.search(rf'"{re.escape(key)}"\s*:', self.text, re.IGNORECASE) if self.alone and key else None
        return self.text.count("\n", 0, found.start()) + 1 if found else 0


def printable(text: str) -> str:
    """Without what a terminal would obey instead of showing it."""
    return "".join(one if one.isprintable() else " " for one in text)


def read_urdb(path: Path, label: str | None) -> UrdbDocument:
    """The record with `label`, or the only one. Raises UrdbError."""
    file = str(path)
    text = _text(path)
    loaded = _parsed(file, text)
    records = loaded.get("items") if isinstance(loaded, dict) and "items" in loaded else loaded
    listed = records if isinstance(records, list) else [records]
    found = [one for one in listed if isinstance(one, dict)]
    if not found or len(found) != len(listed):
        raise _refused(file, "holds no URDB record", 'a record is a JSON object with "energyratestructure"')
    chosen = _chosen(file, found, label)
    keys: dict[str, object] = {}
    for key, value in chosen.items():
        if key.lower() in keys:
            raise _refused(file, f'the key "{key}" stands twice', "leave one out")
        keys[key.lower()] = value
    return UrdbDocument(file, text, keys, len(found) == 1)


def _chosen(file: str, records: list[dict[str, object]], label: str | None) -> dict[str, object]:
    labels = [str(one.get("label", "")) for one in records]
    if label is None and len(records) == 1:
        return records[0]
    if label is None:
        listed = ", ".join(labels[:5]) + (" ..." if len(labels) > 5 else "")
        raise _refused(file, f"holds {len(records)} records", f"choose one with --label: {listed}")
    matching = [one for one, name in zip(records, labels, strict=True) if name == label]
    if len(matching) != 1:
        mend = did_you_mean(label, labels) or f"it has {', '.join(labels[:5])}"
        raise _refused(file, f'holds {len(matching)} records with the label "{label}"', mend)
    return matching[0]


def _text(path: Path) -> str:
    try:
        if path.is_dir():
            raise _refused(str(path), "is a folder, not a file", "name the JSON file in it")
        with path.open("rb") as file:
            content = file.read(20 * SIZE_LIMIT_BYTES + 1)
    except FileNotFoundError:
        raise _refused(str(path), "does not exist", "give the path of a file that is there") from None
    except OSError as error:
        raise _refused(str(path), f"cannot be read: {error.strerror}") from None
    if len(content) > 20 * SIZE_LIMIT_BYTES:
        raise _refused(str(path), f"holds more than {20 * SIZE_LIMIT_BYTES} bytes", "take the one record out of it")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refused(str(path), "is not UTF-8 text", "save it as UTF-8") from None


def _parsed(file: str, text: str) -> object:
    # Python refuses to make an integer of thousands of digits, and does not say where it stands.
    huge = _HUGE.search(text)
    if huge is not None:
        line = text.count("\n", 0, huge.start()) + 1
        raise UrdbError([Problem(file, line, "", "", None, "a number has too many digits to read")])
    try:
        return json.loads(text, parse_float=_number, parse_constant=_no_number, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise UrdbError([Problem(file, error.lineno, "", "", None, f"not JSON: {error.msg}")]) from None
    except RecursionError:
        raise _refused(file, "brackets are nested too deep to read") from None
    except _WrongError as error:
        raise _refused(file, str(error)) from None


class _WrongError(Exception):
    """What JSON allows or Python reads, and no tariff may hold."""


def _number(text: str) -> Decimal:
    """A number with a point or an exponent. JSON allows exponents that no arithmetic can hold."""
    exponent = re.search(r"[eE][-+]?0*(\d+)$", text)
    if exponent is not None and len(exponent[1]) > 3:
        raise _WrongError(f"the number {text[:40]} is beyond reckoning")
    return Decimal(text)


def _no_number(name: str) -> object:
    raise _WrongError(f"{name} is no number that a price can be")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _WrongError(f'the key "{twice}" stands twice in one object')
    return made


def _refused(file: str, message: str, mend: str = "") -> UrdbError:
    return UrdbError([Problem(file, 0, "", "", None, printable(message), printable(mend))])
