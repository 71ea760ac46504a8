"""The shape of every value that the store keeps as JSON: each field with its type and default, each word of a choice.

Told by the types alone (`msgspec.inspect`): one line a field, sorted by type, so that a change is one line of a diff.
Run as a module it prints the file that `test_stored_shape.py` holds it against.
"""

from collections.abc import Iterator
from difflib import unified_diff

import msgspec
from msgspec import inspect

from gateway.bookkeeping.acts import Act
from gateway.decision import ValidatorState
from gateway.energy import AccumulatorState
from gateway.ledger.checkpoint_file import Checkpoint
from gateway.ledger.version import SCHEMA_VERSION
from gateway.reading.read import Reading

COMMAND = ".venv/bin/python -m tests.pipeline.stored_shape >tests/pipeline/stored_shape.txt"
MEND = (
    "What the store keeps has changed, and the schema's number has not: an older netmeter could not tell. Raise"
    " SCHEMA_VERSION in gateway/ledger/version.py and add a migration to gateway/ledger/schema.py: one that sets"
    " user_version alone where the default is right for what is stored; where a field or a word is gone or means"
    " something else, one that mends meter_state, recompute_base and held_reading. Then write the shape down with"
    f" `{COMMAND}`. If no release has this number yet, the last step is enough"
)
ROOTS = (ValidatorState, AccumulatorState, Reading, Act, Checkpoint)


def shape() -> list[str]:
    """Lines like `Mark[0] earliest_us: int` and `Opening: carried | first | unknown`."""
    found: dict[str, list[str]] = {}
    for root in inspect.multi_type_info(ROOTS):
        _walk(root, found)
    return [line for name in sorted(found) for line in found[name]]


def _walk(one: inspect.Type, found: dict[str, list[str]]) -> None:
    name = _named(one)
    if isinstance(one, inspect.StructType | inspect.DataclassType):
        if name in found:
            return
        found[name] = list(_fields(name, one))
        for field in one.fields:
            _walk(field.type, found)
    elif isinstance(one, inspect.EnumType):
        found[name] = [f"{name}: {' | '.join(sorted(str(word.value) for word in one.cls))}"]
    for part in _parts(one):
        _walk(part, found)


def _fields(name: str, one: inspect.StructType | inspect.DataclassType) -> Iterator[str]:
    is_struct = isinstance(one, inspect.StructType)
    if is_struct and one.tag is not None:
        yield f"{name} {one.tag_field}: {one.tag}"
    for place, field in enumerate(one.fields):
        where = f"[{place}]" if is_struct and one.array_like else ""
        default = "" if field.required else f" = {_default(field)}"
        yield f"{name}{where} {field.encode_name}: {_named(field.type)}{default}"


def _default(field: inspect.Field) -> str:
    if field.default_factory is not msgspec.NODEFAULT:
        return msgspec.json.encode(field.default_factory()).decode()
    return msgspec.json.encode(field.default).decode()


def _parts(one: inspect.Type) -> tuple[inspect.Type, ...]:
    match one:
        case inspect.DictType():
            return one.key_type, one.value_type
        case inspect.ListType() | inspect.VarTupleType() | inspect.SetType() | inspect.FrozenSetType():
            return (one.item_type,)
        case inspect.TupleType():
            return one.item_types
        case inspect.UnionType():
            return one.types
    return ()


def _named(one: inspect.Type) -> str:
    if isinstance(one, inspect.StructType | inspect.DataclassType | inspect.EnumType):
        return one.cls.__name__
    kind = type(one).__name__.removesuffix("Type").lower()
    parts = _parts(one)
    if kind == "union":
        return " | ".join(_named(part) for part in parts)
    return f"{kind}[{', '.join(_named(part) for part in parts)}]" if parts else kind


def complaint(pinned: list[str], now: list[str]) -> str:
    """What is wrong with a shape beside the one that is pinned, and what to do; empty: nothing. Schema lines first."""
    changes = [line for line in unified_diff(pinned, now, n=0, lineterm="") if line[:2] not in ("--", "++", "@@")]
    if not changes:
        return ""
    if pinned[0] != now[0]:
        return "\n".join([*changes, f"The schema's number is new: write its shape down with `{COMMAND}`"])
    return "\n".join([*changes, MEND])


def lines() -> list[str]:
    """The schema's number and the shape, as the file has them."""
    return [f"schema {SCHEMA_VERSION}", *shape()]


if __name__ == "__main__":
    print(*lines(), sep="\n")
