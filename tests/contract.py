"""The JSON Schemas of the public contract, for tests that have real payloads to hold against them."""

import json
from pathlib import Path
from typing import Any

import jsonschema

SCHEMAS = Path(__file__).parents[1] / "gateway" / "publish" / "schemas"
NAMES = sorted(path.stem for path in SCHEMAS.glob("*.json"))


def schema(name: str) -> dict[str, Any]:
    content = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def check(name: str, content: object) -> None:
    """Raises jsonschema.ValidationError."""
    jsonschema.validate(content, schema(name), cls=jsonschema.Draft202012Validator)


def check_with_controls(name: str, content: dict[str, Any]) -> None:
    """It is what the schema says, and what it says is worth something: one key more or less is not."""
    check(name, content)
    for wrong in ({**content, "more": 1}, {key: one for key, one in content.items() if key != "meter"}):
        try:
            check(name, wrong)
        except jsonschema.ValidationError:
            continue
        raise AssertionError(f"{name}: the schema takes anything")
