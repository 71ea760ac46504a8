"""Every shipped profile over a real socket and a pty: a slave holds the vector's words at the vector's addresses.

The words come from the file by tomllib, not from the profile as read; where the profile would look elsewhere, the slave
answers exception 2. Registers that a vector does not tell are refused.
"""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from drivers import ConfigurationError, load_profile, shipped_profiles
from drivers.build import open_polled
from drivers.modbus.chain import INVERTERS
from drivers.profile_find import SHIPPED
from drivers.snapshot import MeterIdentity, RegisterSnapshot
from drivers.want import Want
from hil.meters.slave import Slave
from tests.wire.model_lines import WAYS

FILES = {
    name: tomllib.loads((SHIPPED / f"{name}.toml").read_text("utf-8"), parse_float=Decimal)
    for name in shipped_profiles()
}
CASES = [(name, number) for name, file in FILES.items() for number in range(len(file["vectors"]))]
# A SunSpec vector tells one model: "SunS" and the models before it are put in front, the chain then just ends.
CHAINS = {
    40069: {40000: 0x5375, 40001: 0x6E53, 40002: 1, 40003: 65},
    40070: {40000: 0x5375, 40001: 0x6E53, 40002: 1, 40003: 66},
    50002: {50000: 0x5375, 50001: 0x6E53},
}


def words_of(file: Mapping[str, Any], vector: Mapping[str, Any]) -> dict[tuple[int, int], int]:
    words = {}
    for block in vector["blocks"]:
        function = block.get("function", file["function"])
        words.update({(function, block["address"] + n): word for n, word in enumerate(block["words"])})
    if "model" in vector:
        chain = CHAINS[vector["blocks"][0]["address"]]
        words.update({(file["function"], address): word for address, word in chain.items()})
    return words


def flat(snapshot: RegisterSnapshot, identity: MeterIdentity) -> dict[str, object]:
    found: dict[str, object] = dict(snapshot.others)
    for name in ("energy_import", "energy_export"):
        energy = getattr(snapshot, name)
        if energy is not None:
            found[name] = energy.milliwh
            for part in ("milliwh", "resolution_milliwh", "rounding_milliwh", "unproven"):
                found[f"{name}_{part}"] = getattr(energy, part)
    if snapshot.power_milliw is not None:
        found |= {"power": snapshot.power_milliw, "power_milliw": snapshot.power_milliw}
    texts = {name: getattr(identity, name) for name in ("vendor", "model", "serial", "firmware")}
    return found | {name: text for name, text in texts.items() if text is not None}


@pytest.mark.parametrize("way", sorted(WAYS))
@pytest.mark.parametrize(("name", "number"), CASES, ids=[f"{name}-{number}" for name, number in CASES])
def test_a_vector_is_read_through_the_wire(name: str, number: int, way: str, tmp_path: Path) -> None:
    vector = FILES[name]["vectors"][number]
    variant = f"@{vector['variant']}" if "variant" in vector else ""
    profile = load_profile(name + variant)
    words = words_of(FILES[name], vector)
    slave = Slave(1, lambda: words, FILES[name].get("max_registers", 125))
    with WAYS[way](slave, tmp_path) as link:
        meter = open_polled(profile, link, 1, produces=vector.get("model") in INVERTERS)
        identity = MeterIdentity() if "model" in vector else meter.identify()
        found = flat(meter.read(want=Want.ALL).snapshot, identity)
    expected = dict(vector["expected"])
    for missing in expected.pop("absent", []):
        assert missing not in found, missing
    assert {key: found.get(key) for key in expected} == expected


def test_words_at_another_address_are_not_read(tmp_path: Path) -> None:
    """The positive control: the same words, one register further, give another reading or none."""
    file = FILES["abb-b2x"]
    vector = file["vectors"][0]
    words = {(function, address + 4): word for (function, address), word in words_of(file, vector).items()}
    with WAYS["tcp"](Slave(1, lambda: words), tmp_path) as link:
        meter = open_polled(load_profile("abb-b2x"), link, 1)
        with pytest.raises(ConfigurationError, match="energy_import"):
            meter.read()
