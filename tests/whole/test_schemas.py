"""Every payload of a running gateway is what its JSON Schema says, and the schemas say what the documentation says."""

from pathlib import Path

import jsonschema
import pytest

from hil.house import House
from tests.contract import NAMES, check, schema

from .rig import Reader, start_all_but_broker

ROOT = Path(__file__).parents[2]


@pytest.mark.whole
def test_what_a_gateway_says_is_what_the_schemas_say(house: House, reader: Reader) -> None:
    start_all_but_broker(house)
    reader.until(
        lambda r: len(r.of("interval")) >= 2 and bool(r.of("head")) and bool(r.of("state")), "intervals, heads, states"
    )
    reader.until(lambda r: any(x.topic.endswith("/health") for x in r.records), "health")
    house.stop_child("gateway")
    reader.rest()
    kinds = {"interval", "event", "state", "head"}
    seen = {kind: [record.content for record in reader.of(kind)] for kind in kinds}
    seen["health"] = [x.content for x in reader.records if x.topic.endswith("/demo/health")]
    for kind, contents in seen.items():
        for content in contents:
            check(kind, content)
    for record in reader.records:
        if record.kind == "status":
            check("status", record.payload.decode())
    # The controls: one key more, one less, a number that is text.
    for kind in ("interval", "state", "head"):
        right = seen[kind][-1]
        for wrong in ({**right, "more": 1}, {k: v for k, v in right.items() if k != "meter"}, {**right, "schema": "1"}):
            with pytest.raises(jsonschema.ValidationError):
                check(kind, wrong)


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_one_and_the_documentation_names_its_keys(name: str) -> None:
    content = schema(name)
    jsonschema.Draft202012Validator.check_schema(content)
    text = (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")
    keys = [key for key in content.get("properties", {}) if not key.startswith("export_")]
    shared = ("import_unassigned_milliwh", "import_uncertain_milliwh")  # told of one direction and kind for all
    assert [key for key in keys if f"`{key}`" not in text and key not in shared] == []
    assert f"schemas/{name}.json" in text
