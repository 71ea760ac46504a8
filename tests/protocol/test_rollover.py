"""Where a register begins again at 0: said in a profile, carried by each reading, refused where it means nothing.

Also the ratio of transformers that a meter does not know of. Widths by hand.
"""

from fractions import Fraction
from pathlib import Path

import pytest

from drivers import BadValueError, ProfileError, load_profile
from drivers.assemble import assemble_snapshot
from drivers.fitting import Fitting, fitted
from drivers.profile import Profile
from drivers.snapshot import EnergyRegister
from gateway.registers.basis import basis_of

HEAD = """
vendor = "Test"
title = "T1"
family = "modbus"
function = 4
word_order = "big"
update_lag_ms = 500
update_lag_source = "test"

"""
ENERGY = """
[[registers]]
name = "energy_import"
address = 0x10
source = "test"
confirmed = true
"""
POWER = """
[[registers]]
name = "power"
address = 0x20
type = "int32"
unit = "W"
source = "test"
confirmed = true
"""
VECTOR = """
[[vectors]]
title = "one"
source = "synthetic"
[[vectors.blocks]]
address = 0x10
words = [0, 1]
[vectors.expected]
energy_import_milliwh = 1
"""


def profile(tmp_path: Path, keys: str, more: str = "") -> Profile:
    path = tmp_path / "t1.toml"
    path.write_text(HEAD + ENERGY + keys + more + VECTOR)
    return load_profile(str(path))


def read(one: Profile, words: tuple[int, int]) -> EnergyRegister:
    image = {(4, 0x10 + n): word for n, word in enumerate(words)}
    register = assemble_snapshot(one.registers, image, one.word_order, one_moment=True).energy_import
    assert register is not None
    return register


@pytest.mark.parametrize(
    ("keys", "width_milliwh"),
    [
        # a display of six digits of kWh
        ('type = "uint32"\nunit = "kWh"\nrollover = 1_000_000', 10**12),
        # 24 bits of 0.1 Wh
        ('type = "uint32"\nunit = "Wh"\nscale = 0.1\nrollover_bits = 24', 2**24 * 100),
        ('type = "float32"\nunit = "kWh"\ndigit = 0.01\nrollover = 100_000', 10**11),
        # 2^32 counts of 1 MWh are more than any meter counts: no width
        ('type = "uint32"\nunit = "MWh"\nrollover_bits = 32', None),
        # 2^8 counts of a ten-thousandth of a milliwatt-hour are no whole number of them
        ('type = "uint32"\nunit = "Wh"\nscale = 0.0000001\nrollover_bits = 8', None),
        ('type = "uint32"\nunit = "Wh"', None),
    ],
)
def test_width_is_carried_by_each_reading(tmp_path: Path, keys: str, width_milliwh: int | None) -> None:
    assert read(profile(tmp_path, keys), (0, 1)).modulus_milliwh == width_milliwh


def test_register_above_its_width_is_refused(tmp_path: Path) -> None:
    one = profile(tmp_path, 'type = "uint32"\nunit = "Wh"\nrollover = 100')
    assert read(one, (0, 99)).milliwh == 99_000
    with pytest.raises(BadValueError, match="above its declared rollover"):
        read(one, (0, 100))


@pytest.mark.parametrize(
    ("keys", "more", "why"),
    [
        ('type = "uint32"\nunit = "Wh"\nrollover = 5\nrollover_bits = 8', "", "say it once"),
        ('type = "float32"\nunit = "Wh"\ndigit = 1\nrollover_bits = 8', "", "a float has no raw counts"),
        ('type = "uint32"\nunit = "Wh"\nrollover_bits = 33', "", "from 8 to 32"),
        ('type = "uint32"\nunit = "Wh"\nrollover = 0', "", "must be a number above zero"),
        ('type = "uint32"\nunit = "Wh"\nrollover = 0.0001', "", "whole number of milliwatt-hours"),
        ('type = "uint32"\nunit = "Wh"', POWER + "rollover = 5", "only energy has it"),
    ],
)
def test_width_without_a_meaning_is_refused(tmp_path: Path, keys: str, more: str, why: str) -> None:
    with pytest.raises(ProfileError, match=why):
        profile(tmp_path, keys, more)


def test_sunspec_accumulators_have_the_width_of_their_type() -> None:
    profile = load_profile("sunspec")
    bits = {(layout.ids[0], one.name): one.rollover_bits for layout in profile.models for one in layout.registers}
    assert bits[201, "energy_import"] == bits[201, "energy_export"] == 32
    assert bits[701, "energy_import"] is None  # 64 bits are never counted through


def test_ratio_multiplies_energy_power_digit_and_width(tmp_path: Path) -> None:
    one = fitted(profile(tmp_path, 'type = "uint32"\nunit = "Wh"\nrollover = 100', POWER), Fitting(ratio=Fraction(40)))
    assert read(one, (0, 99)) == EnergyRegister(99 * 40_000, 40_000, modulus_milliwh=100 * 40_000)
    snapshot = assemble_snapshot(one.registers, {(4, 0x20): 0, (4, 0x21): 3}, one.word_order, one_moment=True)
    assert snapshot.power_milliw == 120_000


def test_ratio_of_a_float_multiplies_its_digit_in_the_unit(tmp_path: Path) -> None:
    one = fitted(profile(tmp_path, 'type = "float32"\nunit = "kWh"\ndigit = 0.5'), Fitting(ratio=Fraction(40)))
    # 1.0 kWh is 0x3F80 0000; its step 2^-23 kWh is 0.119 mWh: times 40 4.77, half of it 2.4
    assert read(one, (0x3F80, 0)) == EnergyRegister(40_000_000, 20_000_005, 3)


def test_basis_changes_with_what_the_words_mean_and_with_nothing_else(tmp_path: Path) -> None:
    plain = profile(tmp_path, 'type = "uint32"\nunit = "Wh"')
    same = profile(tmp_path, 'type = "uint32"\nunit = "Wh"\ndigit = 10\nscale = 1.0\nrollover = 1000', POWER)
    assert basis_of(plain, False) == basis_of(same, False)
    others = {
        basis_of(fitted(plain, Fitting(ratio=Fraction(40))), False).registers,
        basis_of(plain, True).registers,
        basis_of(profile(tmp_path, 'type = "uint32"\nunit = "kWh"'), False).registers,
        basis_of(profile(tmp_path, 'type = "uint32"\nunit = "Wh"\nfunction = 3'), False).registers,
        basis_of(profile(tmp_path, 'type = "int32"\nunit = "Wh"'), False).registers,
    }
    assert len(others | {basis_of(plain, False).registers}) == 6
