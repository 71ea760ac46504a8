"""`netmeter profile` as a person types it; docs/meters.md is what it prints."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from drivers import load_profile, shipped_profiles
from drivers.decode import FLOATS
from drivers.profile import ENERGY, Accumulation, Family
from gateway.cli import main
from tests.protocol.test_profiles import GOOD

ROOT = Path(__file__).resolve().parents[2]
TARIFF = re.compile(r"energy_(import|export)_t\d$")


def run(*options: str) -> Result:
    return CliRunner().invoke(main, ["profile", *options])


def test_the_page_of_meters_is_up_to_date() -> None:
    told = run("table")
    assert told.exit_code == 0
    page = (ROOT / "docs/meters.md").read_text("utf-8")
    assert page == told.output, "make it anew: netmeter profile table > docs/meters.md"


def test_the_list_names_a_vendor_once() -> None:
    told = dict(one.split(maxsplit=1) for one in run("list").output.splitlines())
    assert told["landisgyr-e350"] == "Landis+Gyr E350 (ZMF100), mode C"
    assert told["abb-b2x"] == "ABB B21, B23, B24, A43, A44"
    assert told["optical-a"] == "Any meter in mode A: answers at 300 Bd"


def test_a_config_is_told_from_a_profile(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text('[gateway]\nid = "home"\n', encoding="utf-8")
    told = run("check", str(path))
    assert told.exit_code == 1
    assert f"is a gateway's config, and another kind of file is wanted: netmeter check {path}" in told.output


def test_the_page_names_every_profile_and_every_register() -> None:
    page = (ROOT / "docs/meters.md").read_text("utf-8")
    for name in shipped_profiles():
        section = page.split(f"\n## {name}\n")[1].split("\n## ")[0]
        registers = load_profile(name).all_registers
        missing = [one.name for one in registers if f"| {one.name} | {one.function} | " not in section]
        assert not missing
        assert all(f"0x{one.address:04X}" in section for one in registers)


def test_the_twenty_maps_are_there() -> None:
    names = set(shipped_profiles())
    assert {"eastron-sdm120", "eastron-sdm230", "eastron-sdm630", "eastron-sdm72"} <= names
    assert {"carlo-gavazzi-em24", "carlo-gavazzi-em24-e1", "carlo-gavazzi-em340", "carlo-gavazzi-em530"} <= names
    assert {"abb-b2x", "schneider-iem3155", "janitza-umg604", "accuenergy-acuvim-ii", "wattnode"} <= names
    assert {"sma-home-manager", "chint-dtsu666", "orno-we-516", "siemens-pac2200", "sunspec"} <= names


@pytest.mark.parametrize("name", shipped_profiles())
def test_a_shipped_profile_says_what_a_reader_needs(name: str) -> None:
    profile = load_profile(name)
    assert profile.update_lag_us > 0
    assert profile.update_lag_source
    if profile.family is Family.SUNSPEC:
        return
    text = profile.path.read_text("utf-8")
    assert "accumulation = " in text
    assert profile.accumulation in Accumulation
    assert len(profile.vectors) >= 2
    # No serial number of anybody's meter: all are 1234567 or TEST123.
    serials = [vector.expected["serial"] for vector in profile.vectors if "serial" in vector.expected]
    assert set(serials) <= {"1234567", "TEST123"}
    for register in profile.all_registers:
        assert register.source
        if register.meaning in ENERGY and register.data_type in FLOATS:
            assert register.digit is not None
        # The meter's own tariff counters are read with the energy: nothing else may bear such a name.
        assert not register.is_tariff_counter or TARIFF.match(register.name)


def test_profiles_are_listed() -> None:
    shown = run("list").output
    assert "chint-dtsu666" in shown
    assert "iskra-mt174" in shown.partition("optical port")[2]
    rows = json.loads(run("list", "--json").output)["profiles"]
    names = {line: [row["name"] for row in rows if row["line"] == line] for line in ("modbus", "optical")}
    assert names["modbus"] == list(shipped_profiles())
    files = (ROOT / "drivers/profiles/optical").glob("*.toml")
    assert names["optical"] == sorted(path.stem for path in files)
    assert len(rows) == len(names["modbus"]) + len(names["optical"])


def test_a_right_profile_is_said_to_be_right(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD, encoding="utf-8")
    told = run("check", str(path), "abb-b2x")
    assert told.exit_code == 0
    assert f"{path}: every vector holds\nabb-b2x: every vector holds\n" == told.output


def test_a_wrong_profile_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace('unit = "kWh"', 'unit = "kwh"'), encoding="utf-8")
    told = run("check", str(path))
    assert told.exit_code == 1
    line = GOOD.splitlines().index('unit = "kWh"') + 1
    assert f"{path}:{line}: registers[0].unit = 'kwh': did you mean `kWh`?" in told.output


def test_a_vector_that_does_not_hold_is_told(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace("1_000_000", "2_000_000"), encoding="utf-8")
    told = run("check", str(path), "--json")
    assert told.exit_code == 1
    (wrong,) = json.loads(told.output)["profiles"][str(path)]
    assert wrong == "one kilowatt-hour: energy_import_milliwh should be 2000000, is 1000000"


def test_a_vector_that_means_nonsense_is_told(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace("[0x3F80, 0x0000]", "[0x7F80, 0x0000]"), encoding="utf-8")
    assert "infinite float" in run("check", str(path)).output
