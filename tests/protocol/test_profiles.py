"""Shipped profiles hold their own vectors; a wrong profile is refused with file, key, value and the mend."""

import subprocess
import sys
from pathlib import Path

import pytest

from drivers import ConfigurationError, Family, ProfileError, load_profile, shipped_profiles
from drivers.decode import DataType
from drivers.profile import Vector
from drivers.vectors import check_vector

VECTORS = [(name, vector) for name in shipped_profiles() for vector in load_profile(name).vectors]

GOOD = """
vendor = "Test"
title = "T1"
family = "modbus"
function = 4
word_order = "big"
max_registers = 80
update_lag_ms = 500
update_lag_source = "test"

[[registers]]
name = "energy_import"
address = 0x10
type = "float32"
unit = "kWh"
digit = 0.01
source = "test"
confirmed = true

[[vectors]]
title = "one kilowatt-hour"
source = "synthetic"
[[vectors.blocks]]
address = 0x10
words = [0x3F80, 0x0000]
[vectors.expected]
energy_import_milliwh = 1_000_000
"""


EXPORT = """
[[registers]]
name = "energy_export"
address = 0x60
type = "float32"
unit = "kWh"
digit = 0.01
source = "test"
confirmed = true
"""


@pytest.mark.parametrize(("name", "vector"), VECTORS, ids=[f"{name}: {vector.title}" for name, vector in VECTORS])
def test_a_shipped_profile_reads_its_own_vectors(name: str, vector: Vector) -> None:
    assert check_vector(load_profile(name), vector) == ()


@pytest.mark.parametrize("name", shipped_profiles())
def test_each_count_of_a_shipped_profile_stands_in_one_of_its_vectors(name: str) -> None:
    """Those of phases and tariffs too: a config may have them counted (sum_phases), or held against ours."""
    profile = load_profile(name)
    groups = [(layout.ids, layout.registers) for layout in profile.models] or [(None, profile.all_registers)]
    for ids, registers in groups:
        vectors = [one for one in profile.vectors if ids is None or one.model in ids]
        shown = {key.removesuffix("_milliwh") for one in vectors for key in one.expected}
        counts = {one.name for one in registers if one.name.startswith(("energy_import", "energy_export"))}
        assert counts <= shown, counts - shown


def test_the_shipped_profiles_are_these() -> None:
    assert {"eastron-sdm630", "sunspec"} <= set(shipped_profiles())


def test_the_sdm630_is_where_its_maker_says() -> None:
    profile = load_profile("eastron-sdm630")
    where = {register.name: (register.function, register.address) for register in profile.registers}
    assert where["energy_import"] == (4, 0x48)
    assert where["energy_export"] == (4, 0x4A)
    assert where["power"] == (4, 0x34)
    assert [(register.function, register.address) for register in profile.identity] == [(3, 0xFC00)]
    assert profile.max_registers == 80
    assert {register.data_type for register in profile.registers} == {DataType.FLOAT32}


def test_all_metering_models_are_known() -> None:
    profile = load_profile("sunspec")
    assert profile.family is Family.SUNSPEC
    meters, inverters = (201, 202, 203, 204, 211, 212, 213, 214, 701), (101, 102, 103, 111, 112, 113)
    assert all(profile.model_layout(model) is not None for model in (*meters, *inverters))
    assert profile.model_layout(160) is None


def test_a_profile_is_found_by_path_and_in_a_folder_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(GOOD, encoding="utf-8")
    assert load_profile(str(tmp_path / "mine.toml")).vendor == "Test"
    assert load_profile("mine", [tmp_path]).name == "mine"
    assert load_profile("mine", [tmp_path]).update_lag_us == 500_000


def test_a_profile_of_ones_own_goes_before_a_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "eastron-sdm630.toml").write_text(GOOD, encoding="utf-8")
    assert load_profile("eastron-sdm630", [tmp_path]).vendor == "Test"
    assert load_profile("eastron-sdm630").vendor == "Eastron"


def test_an_unknown_name_gets_the_nearest_known_one() -> None:
    with pytest.raises(ProfileError, match="did you mean `eastron-sdm630`"):
        load_profile("eastron-sdm360")


def test_a_name_does_not_climb_out_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "sub").mkdir()
    with pytest.raises(ProfileError, match="no meter profile"):
        load_profile("../mine", [tmp_path / "sub"])


WRONG = [
    # (what is written, what stands in its place, parts of the message)
    ("update_lag_ms = 500", "update_lag = 500", ["update_lag_ms", "missing"]),
    ("max_registers = 80", "max_register = 80", ["max_register = 80", "did you mean `max_registers`"]),
    ("max_registers = 80", "max_registers = 126", ["max_registers = 126", "2 to 125"]),
    ("max_registers = 80", 'max_registers = "80"', ["max_registers = '80'", "an integer"]),
    ("max_registers = 80", "max_registers = true", ["max_registers = True", "an integer"]),
    ('type = "float32"', 'type = "flaot32"', ["registers[0].type = 'flaot32'", "did you mean `float32`"]),
    ('unit = "kWh"', 'unit = "kwh"', ["registers[0].unit = 'kwh'", "did you mean `kWh`"]),
    ("digit = 0.01", "", ["registers[0].digit", "missing"]),
    ("digit = 0.01", "digit = -0.01", ["registers[0].digit", "above zero"]),
    ("digit = 0.01", "digit = inf", ["registers[0].digit", "above zero"]),
    ("digit = 0.01", "digit = 0", ["registers[0].digit = 0"]),
    ('name = "energy_import"', 'name = "energy_imports"', ["registers[0].digit = 0.01", "`energy_imports` is neither"]),
    ("address = 0x10\ntype", "address = 0xFFFF\ntype", ["registers[0].address = 65535", "65534"]),
    ("address = 0x10\ntype", "adress = 0x10\ntype", ["registers[0].address", "missing"]),
    ("function = 4", "function = 6", ["function = 6", "3 to 4"]),
    ('word_order = "big"', 'word_order = "middle"', ["word_order = 'middle'", "known here: big, little"]),
    ('family = "modbus"', 'family = "sunspec"', ["registers", "[[models]]"]),
    ("confirmed = true", "confirmed = 1", ["registers[0].confirmed = 1", "true or false"]),
    ('source = "test"\nconfirmed', "confirmed", ["registers[0].source", "missing"]),
    ("words = [0x3F80, 0x0000]", "words = [0x13F80, 0x0000]", ["vectors[0].blocks[0].words", "81792"]),
    ("[vectors.expected]", "[vectors.expect]", ["vectors[0].expected", "missing"]),
    ('vendor = "Test"', "vendor = Test", ["not valid TOML", "line 2"]),
]


@pytest.mark.parametrize(("old", "new", "parts"), WRONG)
def test_a_wrong_profile_names_file_key_value_and_mend(tmp_path: Path, old: str, new: str, parts: list[str]) -> None:
    assert GOOD.count(old) >= 1
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ProfileError) as caught:
        load_profile(str(path))
    message = str(caught.value)
    assert str(path) in message
    for part in parts:
        assert part in message


def test_a_profile_without_a_vector_of_its_own_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD[: GOOD.index("[[vectors]]")], encoding="utf-8")
    with pytest.raises(ProfileError, match="vectors"):
        load_profile(str(path))


@pytest.mark.parametrize("moved", ["", "function = 3\naddress = 0x12"])
def test_a_map_that_forbids_one_moment_must_say_so(tmp_path: Path, moved: str) -> None:
    # import at 0x10 to 0x11, export at 0x60 to 0x61: 82 registers, the limit is 80
    export = EXPORT.replace("address = 0x60", moved) if moved else EXPORT
    path = tmp_path / "apart.toml"
    path.write_text(GOOD + export, encoding="utf-8")
    with pytest.raises(ProfileError, match="one_moment = false"):
        load_profile(str(path))
    path.write_text("one_moment = false\n" + GOOD + export, encoding="utf-8")
    assert not load_profile(str(path)).one_moment
    path.write_text(GOOD + EXPORT.replace("0x60", "0x5E"), encoding="utf-8")
    assert load_profile(str(path)).one_moment


def test_values_have_their_ages(tmp_path: Path) -> None:
    path = tmp_path / "aged.toml"
    voltage = EXPORT.replace("energy_export", "voltage").replace("digit = 0.01\n", "")
    path.write_text(
        GOOD + voltage + voltage.replace("voltage", "frequency").replace("0x60", "0x70") + "max_age_s = 60",
        encoding="utf-8",
    )
    ages_s = {register.name: register.max_age_us // 1_000_000 for register in load_profile(str(path)).registers}
    assert ages_s == {"energy_import": 0, "voltage": 10, "frequency": 60}
    path.write_text(GOOD + EXPORT.replace("0x60", "0x40") + "max_age_s = 60", encoding="utf-8")
    with pytest.raises(ProfileError, match="max_age_s = 60"):
        load_profile(str(path))


def test_a_register_twice_is_refused(tmp_path: Path) -> None:
    block = GOOD[GOOD.index("[[registers]]") : GOOD.index("[[vectors]]")]
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace(block, block + block), encoding="utf-8")
    with pytest.raises(ProfileError, match="twice"):
        load_profile(str(path))


def test_a_missing_file_is_a_profile_error_and_that_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_profile(str(tmp_path / "none.toml"))


def test_a_vector_that_does_not_hold_says_so(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace("1_000_000", "1_000_001"), encoding="utf-8")
    profile = load_profile(str(path))
    assert check_vector(profile, profile.vectors[0]) == (
        "one kilowatt-hour: energy_import_milliwh should be 1000001, is 1000000",
    )


@pytest.mark.parametrize("number", [1, 3], ids=["a whole one", "where sources differ"])
def test_the_examples_in_the_docs_are_profiles_whose_vectors_hold(tmp_path: Path, number: int) -> None:
    blocks = (Path(__file__).parents[2] / "docs/profiles.md").read_text("utf-8").split("```toml\n")
    path = tmp_path / "example.toml"
    path.write_text(blocks[number].split("```")[0], encoding="utf-8")
    profile = load_profile(str(path))
    assert profile.vectors
    assert [check_vector(profile, vector) for vector in profile.vectors] == [()] * len(profile.vectors)


def test_importing_the_drivers_loads_no_codec_and_no_port() -> None:
    code = "import drivers, sys; print(sorted({'pymodbus', 'serial', 'gateway', 'hil', 'asyncio'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
