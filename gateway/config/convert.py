"""From TOML tables to frozen types, noting every mistake instead of stopping at the first.

Walks the fields of msgspec Structs; never coerces ("9600" is not 9600, 1 is not true) and never fills in
what a person must choose. Prices are Decimals written as text, so that no binary float ever touches money.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final, TypeVar

import msgspec
from msgspec import inspect

from .document import Document
from .hints import ELSEWHERE, SECRETS, did_you_mean, meant_key
from .problem import TomlPath
from .slips import choice_mend, decimal_mend, number_mend, other_kind

# Decimal() would take "1_0", "1e-5" and the digits of other scripts too.
_PRICE = re.compile(r"[-+]?(\d+)(\.\d{1,9})?", re.ASCII)
PRICE_DIGITS, AMOUNT_DIGITS = 5, 9
"""Digits before the point: a price has few, the kilowatt-hours and dollars of a large plant's year have more."""
_CONTROL = re.compile(r"[^\t\n -\x7e\xa0-\U0010ffff]")
T = TypeVar("T", bound=msgspec.Struct)


class _Bad:
    """Stands where a value could not be used; its problem is already noted."""


BAD: Final = _Bad()


@dataclass(slots=True)
class Fields:
    """The usable values of one table, defaults filled in; what was wrong is absent."""

    path: TomlPath
    values: dict[str, object] = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    """Keys that a person wrote, as against defaults."""
    meant: frozenset[str] = frozenset()
    """Known keys that a person probably meant by an unknown one."""

    def text(self, key: str) -> str | None:
        value = self.values.get(key)
        return value if isinstance(value, str) else None

    def number(self, key: str) -> int | None:
        value = self.values.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def flag(self, key: str) -> bool | None:
        value = self.values.get(key)
        return value if isinstance(value, bool) else None


class Converter:
    """Converts one document. `tables` keeps each struct's fields by path, for checks across keys."""

    def __init__(self, document: Document, digits: int = PRICE_DIGITS) -> None:
        self.document = document
        self._digits = digits
        """How many a number in quotes may have before its point."""
        self.tables: dict[TomlPath, Fields] = {}

    def struct(self, struct: type[T]) -> T | None:
        """The whole document as a `struct`; None where problems were noted."""
        kind = inspect.type_info(struct)
        assert isinstance(kind, inspect.StructType)
        other = other_kind(self.document.table, [one.encode_name for one in kind.fields])
        if other is not None:
            self.document.add(
                (), f"is {other[0]}, and another kind of file is wanted", f"{other[1]} {self.document.file}"
            )
            return None  # each of its keys would be a mistake
        made = self._struct(self.document.table, kind, ())
        return made if isinstance(made, struct) else None

    def _value(self, value: object, kind: inspect.Type, path: TomlPath) -> object:
        """One value; `BAD` where it does not fit."""
        if isinstance(kind, inspect.StructType):
            return self._struct(value, kind, path)
        if isinstance(kind, inspect.VarTupleType):
            return self._list(value, kind, path)
        if isinstance(kind, inspect.DictType):
            return self._dict(value, kind, path)
        if isinstance(kind, inspect.UnionType):
            return self._value(value, next(one for one in kind.types if not isinstance(one, inspect.NoneType)), path)
        return self._scalar(value, kind, path)

    def _struct(self, value: object, kind: inspect.StructType, path: TomlPath) -> object:
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
            self.document.add(path, "stands in double brackets, but there is only one", f"write [{path[-1]}]")
            value, path = value[0], (*path, 0)
        if not isinstance(value, dict):
            return self._wrong(value, "a table", path, f"write [{path[-1]}] on a line of its own")
        known = {one.encode_name: one for one in kind.fields}
        covered = self._unknown_keys(value, tuple(known), path)
        fields = Fields(path, given=frozenset(value), meant=frozenset(covered))
        self.tables[path] = fields
        complete = True
        for name, one in known.items():
            if name in value:
                made = self._value(value[name], one.type, (*path, name))
            elif one.required:
                made = BAD
                if name not in covered:
                    self._missing(one, path)
            else:
                made = _default(one)
            if made is BAD:
                complete = False
            else:
                fields.values[one.name] = made
        return kind.cls(**fields.values) if complete else BAD

    def _unknown_keys(self, table: Mapping[str, object], known: tuple[str, ...], path: TomlPath) -> set[str]:
        """Notes unknown keys; returns the known ones that they were probably meant to be."""
        covered: set[str] = set()
        for name in table:
            if name in known:
                continue
            meant = meant_key(name, known)
            if meant is None:
                mend = ELSEWHERE.get(name.lower()) or "known here: " + ", ".join(known)
            elif name.lower() in SECRETS:
                mend = f'put it alone into a file that only you can read, and name that file as "{meant}"'
            else:
                mend = f'did you mean "{meant}"?'
                if meant not in table:
                    covered.add(meant)
            # The value is not kept: nobody knows whether it is a secret.
            self.document.add((*path, name), f"unknown key {_toml(name)}", mend)
        return covered

    def _missing(self, one: inspect.Field, path: TomlPath) -> None:
        name = one.encode_name
        if isinstance(one.type, inspect.StructType):
            self.document.add((*path, name), f"table [{name}] is missing", _fields_hint(one.type))
        elif isinstance(one.type, inspect.VarTupleType) and isinstance(one.type.item_type, inspect.StructType):
            self.document.add((*path, name), f"there is no [[{name}]]", _fields_hint(one.type.item_type))
        else:
            self.document.add((*path, name), f'"{name}" is missing', f"add a line: {name} = {_example(one.type)}")

    def _list(self, value: object, kind: inspect.VarTupleType, path: TomlPath) -> object:
        item = kind.item_type
        if isinstance(item, inspect.StructType) and isinstance(value, dict):
            self.document.add(path, "stands in single brackets, but there can be several", f"write [[{path[-1]}]]")
            self._struct(value, item, path)
            return BAD
        if not isinstance(value, list):
            return self._wrong(value, "a list", path, f"write {path[-1]} = [ ... ]")
        made = [self._value(one, item, (*path, position)) for position, one in enumerate(value)]
        return BAD if any(one is BAD for one in made) else tuple(made)

    def _dict(self, value: object, kind: inspect.DictType, path: TomlPath) -> object:
        if not isinstance(value, dict):
            return self._wrong(value, "a table", path, f"write [{path[-1]}] on a line of its own")
        for name in value:
            if control := _control_in(name):
                return self._wrong(name, "a name that can be used", path, f"take {control} out")
        made = {name: self._value(one, kind.value_type, (*path, name)) for name, one in value.items()}
        return BAD if any(one is BAD for one in made.values()) else made

    def _scalar(self, value: object, kind: inspect.Type, path: TomlPath) -> object:
        name = str(path[-1])
        if isinstance(kind, inspect.EnumType):
            return self._choice(value, kind, path)
        if isinstance(kind, inspect.BoolType):
            return value if isinstance(value, bool) else self._wrong(value, "true or false", path, f"{name} = true")
        if isinstance(kind, inspect.IntType):
            return self._integer(value, kind, path)
        if isinstance(kind, inspect.StrType):
            if not isinstance(value, str):
                return self._wrong(value, "text", path, f'{name} = "{_toml(value)}"')
            control = _control_in(value)
            return self._wrong(value, "text that can be used", path, f"take {control} out") if control else value
        if isinstance(kind, inspect.DateType):
            if isinstance(value, date) and not isinstance(value, datetime):
                return value
            return self._wrong(value, "a date", path, f"without quotes: {name} = 2026-03-01")
        if isinstance(kind, inspect.DecimalType):
            return self._decimal(value, path)
        raise TypeError(f"no rule for {kind!r} at {path}")

    def _integer(self, value: object, kind: inspect.IntType, path: TomlPath) -> object:
        if not isinstance(value, int) or isinstance(value, bool):
            return self._wrong(value, "a whole number", path, number_mend(str(path[-1]), value))
        if (kind.ge is not None and value < kind.ge) or (kind.le is not None and value > kind.le):
            message = f"{path[-1]} = {_toml(value)} is outside {kind.ge} to {kind.le}"
            self.document.add(path, message, value=_toml(value))
            return BAD
        return value

    def _choice(self, value: object, kind: inspect.EnumType, path: TomlPath) -> object:
        choices = [str(member.value) for member in kind.cls]
        if isinstance(value, str) and value in choices:
            return kind.cls(value)
        listed = ", ".join(f'"{choice}"' for choice in choices)
        message = f"{path[-1]} = {_toml(value)} is not one of {listed}"
        near = did_you_mean(value, choices) if isinstance(value, str) else ""
        mend = near if near.startswith("did") else choice_mend(value, choices) if isinstance(value, str) else ""
        self.document.add(path, message, mend, value=_toml(value))
        return BAD

    def _decimal(self, value: object, path: TomlPath) -> object:
        if not isinstance(value, str):
            return self._wrong(value, "a number in quotes", path, f'{path[-1]} = "{_toml(value)}"')
        found = _PRICE.fullmatch(value)
        if found is None or len(found[1]) > self._digits:
            most = "five" if self._digits == PRICE_DIGITS else "nine"
            usual = f'digits and a point, at most {most} before and nine after it: "0.20782"'
            return self._wrong(value, "a number", path, decimal_mend(str(path[-1]), value) or usual)
        return Decimal(value)

    def _wrong(self, value: object, wanted: str, path: TomlPath, mend: str) -> _Bad:
        message = f"{path[-1]} = {_toml(value)} is not {wanted}" if path else f"is not {wanted}"
        self.document.add(path, message, mend, value=_toml(value))
        return BAD


def _control_in(text: str) -> str:
    """The first character that a terminal obeys instead of showing it, in words; empty where there is none."""
    found = _CONTROL.search(text)
    if found is None:
        return ""
    return "the zero byte" if found[0] == "\0" else f"the control character {ascii(found[0])[1:-1]}"


def _default(one: inspect.Field) -> object:
    if one.default_factory is not msgspec.NODEFAULT:
        return one.default_factory()
    return one.default


def _fields_hint(kind: inspect.StructType) -> str:
    needed = [one.encode_name for one in kind.fields if one.required]
    return "it needs " + ", ".join(needed) if needed else ""


def _example(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.EnumType):
        return " | ".join(f'"{member.value}"' for member in kind.cls)
    if isinstance(kind, inspect.UnionType):
        return _example(next(one for one in kind.types if not isinstance(one, inspect.NoneType)))
    if isinstance(kind, inspect.BoolType):
        return "true | false"
    if isinstance(kind, inspect.IntType):
        return "(a whole number)"
    if isinstance(kind, inspect.DecimalType):
        return '"(a number)"'
    if isinstance(kind, inspect.DateType):
        return "(a date, such as 2026-03-01)"
    return '"..."'


def _toml(value: object) -> str:
    """A value as it may stand in TOML, shortened."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{ ... }"
    if isinstance(value, list):
        return "[ ... ]"
    if isinstance(value, str):
        return '"' + "".join(one if one.isprintable() else ascii(one)[1:-1] for one in value[:60]) + '"'
    # A TOML integer may have thousands of digits; Python refuses to print those.
    if isinstance(value, int) and abs(value) >= 10**40:
        return "(a huge number)"
    return str(value)[:60]
