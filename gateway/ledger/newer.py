"""What a newer program has written in a store of our own schema: found before anything is changed, never dropped.

A new field or word of a state comes with a new schema number (a test pins them to it). Should one come without it, the
checksum tells it from damage: what is whole and does not fit was written so. Reads only.
"""

import sqlite3
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from ..decision import ValidatorState
from ..energy import AccumulatorState
from ..reading.read import Reading
from .rows import COLUMNS, is_whole
from .store_error import StoreError

T = TypeVar("T")

_ENCODER = msgspec.json.Encoder()
_KEPT: tuple[tuple[str, dict[str, type]], ...] = (
    ("meter_state", {"validator": ValidatorState, "accumulator": AccumulatorState}),
    ("recompute_base", {"accumulator": AccumulatorState}),
    ("held_reading", {"reading": Reading}),
)
"""Of each table the columns that books go on from."""
_GONE = frozenset({("Still", "found_us")})
"""What older programs of this schema number wrote, and nobody asks for any more: dropped."""


class UnknownWordError(Exception):
    """A field or a word that this program does not have. The message names it."""


def refusal(path: Path, why: str) -> StoreError:
    """The one sentence for whatever a newer program left: `why` says what of it."""
    return StoreError(
        f"{path}: written by a newer netmeter ({why}); install the newer version again; the file was left untouched"
    )


def decoded(text: str, kind: type[T]) -> T:
    """A value that was stored, with nothing of it dropped.

    Raises UnknownWordError where it says more than, or something else than, `kind` can; msgspec.DecodeError: no JSON.
    """
    try:
        found = msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as error:
        raise UnknownWordError(str(error)) from error
    # Written again it is the same to the byte, unless an older program wrote it, or a newer one.
    if _ENCODER.encode(found) != text.encode() and (unknown := _unknown(msgspec.json.decode(text), found)):
        raise UnknownWordError(f"a field that this one does not know: {unknown}")
    return found


def _unknown(plain: object, found: object, name: str = "") -> str:
    """The path of the first thing in `plain` that did not get into `found`, e.g. `pending.0.mood`; empty: all did."""
    match plain, found:
        case dict(), dict():
            parts = [(str(key), value, kept) for (key, value), kept in zip(plain.items(), found.values(), strict=True)]
        case dict(), _:
            names, kind = _names(found), type(found).__name__
            if strange := [key for key in plain if key not in names and (kind, key) not in _GONE]:
                return f"{name}{strange[0]}"
            parts = [(key, value, getattr(found, key)) for key, value in plain.items() if key in names]
        case list(), msgspec.Struct():
            names = found.__struct_fields__
            if len(plain) > len(names):
                return f"{name}{len(names)}"
            parts = [(key, value, getattr(found, key)) for key, value in zip(names, plain, strict=False)]
        case list(), list() | tuple():
            parts = [(str(place), value, kept) for place, (value, kept) in enumerate(zip(plain, found, strict=True))]
        case _:
            return ""
    return next((word for key, value, kept in parts if (word := _unknown(value, kept, f"{name}{key}."))), "")


def _names(found: object) -> tuple[str, ...]:
    if isinstance(found, msgspec.Struct):
        return found.__struct_fields__
    return tuple(one.name for one in fields(found)) if is_dataclass(found) else ()


def newer_word(connection: sqlite3.Connection) -> str:
    """What a store of this schema holds that a newer program wrote; empty: nothing. Never raises for damage."""
    try:
        for table, kinds in _KEPT:
            columns = COLUMNS[table]
            for row in connection.execute(f"SELECT {', '.join(columns)}, crc FROM {table}"):
                if row[-1] is None or not is_whole(row[:-1], row[-1]):
                    continue  # nobody vouches for it: damage, which is found by whoever reads that
                if word := _word_of(dict(zip(columns, row, strict=False)), kinds):
                    return f"{table} of meter {_name(connection, row[0])}: {word}"
    except (sqlite3.Error, UnicodeDecodeError):
        return ""
    return ""


def _word_of(row: dict[str, object], kinds: dict[str, type]) -> str:
    for column, kind in kinds.items():
        try:
            decoded(str(row[column]), kind)
        except UnknownWordError as error:
            return str(error)
        except msgspec.DecodeError:
            continue
    return ""


def _name(connection: sqlite3.Connection, meter_id: object) -> str:
    row = connection.execute("SELECT name FROM meter WHERE meter_id = ?", (meter_id,)).fetchone()
    return str(meter_id if row is None else row[0])
