"""What a profile can say besides addresses: variants, sums, sentinels, codes, orders, names; and what is refused."""

from pathlib import Path

import pytest

from drivers import BadValueError, Profile, ProfileError, load_profile
from drivers.assemble import assemble_identity, assemble_snapshot
from drivers.profile_trial import untrue
from drivers.snapshot import EnergyRegister
from tests.protocol.test_profiles import EXPORT, GOOD

VARIANTS = """
[[variants]]
name = "a"
title = "export at 0x50"
[[variants.registers]]
name = "energy_export"
address = 0x50
type = "uint32"
unit = "Wh"
source = "test"
confirmed = false
[[variants.sums]]
total = "energy_export"
parts = ["energy_import"]
tolerance = 1

[[variants]]
name = "b"
title = "export at 0x52"
word_order = "little"
[[variants.registers]]
name = "energy_export"
address = 0x52
type = "uint32"
unit = "Wh"
source = "test"
confirmed = false
"""
HEAD, VECTOR = GOOD[: GOOD.index("[[vectors]]")], GOOD[GOOD.index("[[vectors]]") :]
LOW = VECTOR.replace("[0x3F80, 0x0000]", "[0x0000, 0x3F80]")  # the words of variant "b", low word first
ASKING = (
    HEAD.replace('update_lag_source = "test"', 'update_lag_source = "test"\nquestion = "Which one?"')
    + VECTOR.replace("[[vectors]]\n", '[[vectors]]\nvariant = "a"\n')
    + LOW.replace("[[vectors]]\n", '[[vectors]]\nvariant = "b"\n')
)
SUM = EXPORT.replace("0x60", "0x20") + "plus = [0x24]\n"


def loaded(tmp_path: Path, text: str, name: str = "mine.toml") -> Profile:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return load_profile(str(path))


def snapshot_of(profile: Profile, words: dict[int, int]) -> tuple[EnergyRegister | None, EnergyRegister | None]:
    image = {(4, address): word for address, word in words.items()}
    snapshot = assemble_snapshot(profile.registers, image, profile.word_order, one_moment=True)
    return snapshot.energy_import, snapshot.energy_export


def test_a_variant_is_the_profile_with_its_own_registers(tmp_path: Path) -> None:
    profile = loaded(tmp_path, ASKING + VARIANTS)
    assert [one.name for one in profile.variants] == ["a", "b"]
    assert not profile.must_be_answered  # "a" can be told by its sum
    one, other = load_profile(f"{profile.path}@a"), profile.as_variant("b")
    assert (one.name, other.name) == ("mine@a", "mine@b")
    assert [register.address for register in one.registers] == [0x10, 0x50]
    assert [register.address for register in other.registers] == [0x10, 0x52]
    assert (one.word_order.value, other.word_order.value) == ("big", "little")
    assert one.variants == other.variants == ()


def test_a_profile_that_no_device_can_answer_says_so(tmp_path: Path) -> None:
    begin, end = VARIANTS.index("[[variants.sums]]"), VARIANTS.index('[[variants]]\nname = "b"')
    assert loaded(tmp_path, ASKING + VARIANTS[:begin] + VARIANTS[end:]).must_be_answered


def test_a_sum_of_registers_adds_up_with_what_each_may_be_off(tmp_path: Path) -> None:
    profile = loaded(tmp_path, GOOD + SUM)
    # 1.0 and 0.5 kWh (0x3F000000); a digit of 10000 mWh each; steps 2^-23 and 2^-24 kWh, 0.12 and 0.06 mWh: 10001
    words = {0x10: 0x3F80, 0x11: 0, 0x20: 0x3F80, 0x21: 0, 0x24: 0x3F00, 0x25: 0}
    assert snapshot_of(profile, words)[1] == EnergyRegister(1_500_000, 20_002, 2)
    assert (profile.registers[1].first, profile.registers[1].last) == (0x20, 0x25)


def test_a_sum_whose_parts_are_all_missing_is_missing_and_half_a_sum_is_refused(tmp_path: Path) -> None:
    profile = loaded(tmp_path, GOOD + SUM)
    whole = {0x10: 0x3F80, 0x11: 0, 0x20: 0x7FC0, 0x21: 0, 0x24: 0x7FC0, 0x25: 0}
    assert snapshot_of(profile, whole)[1] is None
    with pytest.raises(BadValueError, match="one part of the sum"):
        snapshot_of(profile, whole | {0x24: 0x3F00})


def test_a_device_s_own_sentinels_are_no_values(tmp_path: Path) -> None:
    integer = EXPORT.replace("float32", "int32").replace("digit = 0.01\n", "").replace("0x60", "0x20")
    # TOML has tables before arrays of tables: [absent] goes before the first [[registers]].
    head = GOOD.replace("[[registers]]", "[absent]\nint32 = [0x7FFFFFFF]\n\n[[registers]]", 1)
    words = {0x10: 0x3F80, 0x11: 0, 0x20: 0x7FFF, 0x21: 0xFFFF}
    assert snapshot_of(loaded(tmp_path, head + integer), words)[1] is None
    with_it = snapshot_of(loaded(tmp_path, GOOD + integer.replace('"kWh"', '"Wh"')), words)[1]
    assert with_it is not None  # the control: without [absent] it would be 2 147 483 647 Wh
    assert with_it.milliwh == 2_147_483_647_000
    own = integer + "absent = [0x7FFFFFFF]\n"
    assert snapshot_of(loaded(tmp_path, GOOD + own), words)[1] is None


def test_a_count_below_zero_is_refused_unless_its_amount_counts(tmp_path: Path) -> None:
    integer = EXPORT.replace("float32", "int32").replace("digit = 0.01\n", "").replace("0x60", "0x20")
    words = {0x10: 0x3F80, 0x11: 0, 0x20: 0xFFFF, 0x21: 0xFFF9}  # -7 kWh
    with pytest.raises(BadValueError, match="below zero"):
        snapshot_of(loaded(tmp_path, GOOD + integer), words)
    found = snapshot_of(loaded(tmp_path, GOOD + integer + "magnitude = true\n"), words)[1]
    assert found is not None
    assert found.milliwh == 7_000_000


def test_a_register_may_have_its_own_word_order(tmp_path: Path) -> None:
    low = EXPORT.replace("0x60", "0x20") + 'word_order = "little"\n'
    found = snapshot_of(loaded(tmp_path, GOOD + low), {0x10: 0x3F80, 0x11: 0, 0x20: 0, 0x21: 0x3F80})
    assert found[0] is not None
    assert found[1] is not None
    assert found[0].milliwh == found[1].milliwh == 1_000_000


def test_a_code_is_named(tmp_path: Path) -> None:
    model = (
        '[[registers]]\nname = "model"\naddress = 1\ntype = "uint16"\ncodes = { 71 = "E1" }\n'
        'source = "test"\nconfirmed = true\n'
    )
    profile = loaded(tmp_path, GOOD + model)
    assert assemble_identity(profile.identity, {(4, 1): 71}, profile.word_order).model == "E1"
    assert assemble_identity(profile.identity, {(4, 1): 72}, profile.word_order).model == "72"


def test_a_profile_is_found_by_the_name_in_it(tmp_path: Path) -> None:
    (tmp_path / "whatever.toml").write_text('name = "my-meter"\n' + GOOD, encoding="utf-8")
    (tmp_path / "gateway.toml").write_text('[gateway]\nname = "my-meter"\n', encoding="utf-8")
    assert load_profile("my-meter", [tmp_path]).path.name == "whatever.toml"
    with pytest.raises(ProfileError, match="no meter profile `whatever`"):
        load_profile("whatever", [tmp_path])
    (tmp_path / "again.toml").write_text('name = "my-meter"\n' + GOOD, encoding="utf-8")
    with pytest.raises(ProfileError, match="2 files have a meter profile `my-meter`"):
        load_profile("my-meter", [tmp_path])


def test_a_file_that_cannot_be_looked_into_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("name = ", encoding="utf-8")
    with pytest.raises(ProfileError, match=r"not looked into: .*broken.toml"):
        load_profile("my-meter", [tmp_path])


def test_an_unknown_variant_gets_the_known_ones(tmp_path: Path) -> None:
    path = loaded(tmp_path, ASKING + VARIANTS).path
    with pytest.raises(ProfileError, match="no variant `c`: known here: a, b"):
        load_profile(f"{path}@c")
    with pytest.raises(ProfileError, match="it has none; write `eastron-sdm120`"):
        load_profile("eastron-sdm120@a")


INTEGER = EXPORT.replace('"float32"', '"uint32"').replace("digit = 0.01\n", "").replace("0x60", "0x20")
WRONG = [
    # (text, line as written that is complained about, parts of the message)
    (GOOD + EXPORT.replace("0x60", "0x11"), "[[registers]]", ["`energy_export` lies on `energy_import`", "0x0011"]),
    (GOOD + SUM + "rollover = 1000\n", "plus = [0x24]", ["each rolls over for itself"]),
    (GOOD.replace("digit", "plus = [0x10000]\ndigit", 1), "plus = [0x10000]", ["65534"]),
    (GOOD + INTEGER + "absent = [0x100000000]\n", "absent = [0x100000000]", ["0 to 4294967295"]),
    (GOOD.replace("[[reg", "[absent]\nint31 = [1]\n[[reg", 1), "int31 = [1]", ["did you mean `int3"]),
    (GOOD + INTEGER + 'codes = { 1 = "a" }\n', 'codes = { 1 = "a" }', ["only a vendor, model, serial or firmware"]),
    (GOOD + INTEGER + "magnitude = true\n", "magnitude = true", ["only energy as a signed integer"]),
    (GOOD + INTEGER + 'word_order = "odd"\n', 'word_order = "odd"', ["known here: big, little"]),
    (GOOD.replace("family", 'accumulation = "vector"\nfamily', 1), 'accumulation = "vector"', ["`vectorial`"]),
    (GOOD.replace("family", "verify = true\nfamily", 1), "verify = true", ["[[identity]]"]),
    (ASKING + VARIANTS.replace('"b"', '"a"'), "[[variants]]", ["of different names"]),
    (ASKING + VARIANTS[: VARIANTS.index('[[variants]]\nname = "b"')], "[[variants]]", ["two at least"]),
    (ASKING + VARIANTS.replace('"b"', '"B!"'), 'name = "B!"', ["small letters"]),
    (ASKING.replace('question = "Which one?"', "") + VARIANTS, "", ["question: missing"]),
    (ASKING.replace('variant = "a"', 'variant = "b"') + VARIANTS, "[[vectors]]", ["`a` has none of its own"]),
    (ASKING.replace('variant = "a"', "") + VARIANTS, "[[vectors]]", ["needs variant = one of a, b"]),
    (ASKING + VARIANTS.replace('parts = ["energy_import"]', 'parts = ["energy_inport"]'), "parts =", ["did you mean"]),
    (ASKING + VARIANTS.replace("tolerance = 1", "tolerance = 0"), "tolerance = 0", ["above zero"]),
    (ASKING + VARIANTS.replace("address = 0x52", "address = 0x11"), "[[registers]]", ["lies on `energy_import`"]),
    (ASKING + VARIANTS.replace("title = ", "titel = ", 1), "[[variants]]", ["variants[0].title: missing"]),
    # a meter's number that no meter has, and a name that no config could say
    *(
        (GOOD.replace("digit = 0.01", f"digit = {number}", 1), f"digit = {number}", ["to 1E+12"])
        for number in ("1e30", "1e-320", "1e13")
    ),
    *(
        (GOOD.replace("digit = 0.01", f"digit = {number}", 1), f"digit = {number}", ["a number above zero"])
        for number in ("inf", "nan", "0", "-0.01")
    ),
    (GOOD.replace("digit = 0.01", "digit = 1e9", 1), "digit = 1e9", ["so coarsely"]),
    (GOOD.replace("digit = 0.01", "digit = 0.01\nscale = 1e400", 1), "scale = 1e400", ["1E+400", "to 1E+12"]),
    (GOOD.replace("digit = 0.01", "digit = 0.01\nrollover = 1e300", 1), "rollover = 1e300", ["to 1E+12"]),
    (GOOD + INTEGER + "scale = 1e9\n", "scale = 1e9", ["last digit is 1e+9", "so coarsely"]),
    *(
        (f'name = "{name}"\n{GOOD}', "name = ", [told])
        for name, told in (
            ("a@b", "a variant"),
            ("a.toml", "ends a path"),
            ("", "printable"),
            ("a\\u0000", "printable"),
        )
    ),
    (GOOD.replace("energy_import_milliwh = ", "power_milliw = "), "[[vectors]]", ["none expects a count of energy"]),
    (GOOD.replace("energy_import_milliwh", "energy_inport_milliwh"), "[[vectors]]", ["mean `energy_import_milliwh`"]),
]


@pytest.mark.parametrize(("text", "line", "parts"), WRONG)
def test_a_wrong_profile_is_told_with_its_line(tmp_path: Path, text: str, line: str, parts: list[str]) -> None:
    with pytest.raises(ProfileError) as caught:
        loaded(tmp_path, text)
    message = str(caught.value)
    numbers = [n for n, one in enumerate(text.splitlines(), 1) if line and one.startswith(line)]
    assert not line or any(message.startswith(f"{tmp_path / 'mine.toml'}:{number}: ") for number in numbers), message
    for part in parts:
        assert part in message


def test_every_vector_is_tried(tmp_path: Path) -> None:
    assert untrue(loaded(tmp_path, GOOD)) == ()
    assert untrue(loaded(tmp_path, GOOD.replace("1_000_000", "1"))) == (
        "one kilowatt-hour: energy_import_milliwh should be 1, is 1000000",
    )
