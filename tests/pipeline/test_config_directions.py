"""Both directions of a meter have one scale, or `netmeter check` warns. (52 Pa. Code 75.14; checklist row 45)"""

from dataclasses import replace
from pathlib import Path

import pytest

from drivers.profile_file import load_profile
from drivers.profile_find import shipped_optical, shipped_profiles
from gateway.config.direction_rules import unlike_directions
from tests.pipeline.test_config_load import told
from tests.pipeline.test_config_profiles import config_with
from tests.protocol.test_profile_schema import ASKING, VARIANTS
from tests.protocol.test_profiles import EXPORT
from tests.protocol.test_profiles import GOOD as PROFILE

WHOLE = PROFILE + EXPORT.replace("0x60", "0x20")
INTEGERS = WHOLE.replace('"float32"\nunit = "kWh"\ndigit = 0.01', '"uint32"\nunit = "kWh"\nscale = 0.01').replace(
    "[0x3F80, 0x0000]", "[0x0000, 0x0064]"
)
"""100 counts of 0.01 kWh are a kilowatt-hour."""


def of_export(text: str, old: str, new: str) -> str:
    """Only the export register is another; it stands last."""
    head, own = text[: text.rindex("[[registers]]")], text[text.rindex("[[registers]]") :]
    assert old in own
    return head + own.replace(old, new)


CASES = {
    "another unit": (of_export(WHOLE, '"kWh"', '"Wh"'), "a count is 1000 Wh of import and 1 Wh of export"),
    "another digit": (of_export(WHOLE, "0.01", "0.1"), "the last digit is 10 Wh of import and 100 Wh of export"),
    "another scale": (of_export(INTEGERS, "0.01", "0.1"), "a count is 10 Wh of import and 100 Wh of export"),
    "the same, written otherwise": (of_export(INTEGERS, '"kWh"\nscale = 0.01', '"Wh"\nscale = 10'), ""),
    "alike": (WHOLE, ""),
    "alike as whole numbers": (INTEGERS, ""),
    "one direction only": (PROFILE, ""),
}


@pytest.mark.parametrize("case", list(CASES))
def test_two_scales_in_one_profile_are_told_and_nothing_else_is(case: str, tmp_path: Path) -> None:
    profile, expected = CASES[case]
    (tmp_path / "cellar.toml").write_text(profile, encoding="utf-8")
    sentences = told(config_with(tmp_path, "cellar"))
    assert [one.split(": ")[4] for one in sentences] == ([expected] if expected else [])
    assert all("13: warning: [[meter]] grid: cellar: " in one for one in sentences)


def test_each_variant_is_looked_at_with_the_registers_it_shares(tmp_path: Path) -> None:
    (tmp_path / "cellar.toml").write_text(ASKING + VARIANTS, encoding="utf-8")
    assert "a count is 1000 Wh of import" in unlike_directions(load_profile(str(tmp_path / "cellar.toml")))


def test_two_scale_factors_are_told() -> None:
    profile = load_profile("sunspec")
    first = profile.models[0]
    moved = [
        replace(one, scale_factor_address=(one.scale_factor_address or 0) + 1) if one.name == "energy_export" else one
        for one in first.registers
    ]
    other = replace(profile, models=(replace(first, registers=tuple(moved)), *profile.models[1:]))
    assert unlike_directions(other) == "import and export have different scale factors"


def test_no_shipped_profile_counts_its_directions_unlike() -> None:
    names = [*shipped_profiles(), *shipped_optical()]
    assert len(names) > 20
    assert [name for name in names if unlike_directions(load_profile(name))] == []
