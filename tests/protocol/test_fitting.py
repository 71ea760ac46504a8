"""Shipped profiles fitted to a device: words by hand, addresses from the profiles' own sources."""

from fractions import Fraction

import pytest

from drivers import EnergyRegister, ProfileError, RegisterSnapshot, load_profile
from drivers.assemble import assemble_snapshot
from drivers.decode import WordOrder
from drivers.fitting import Fitting, fitted, fitting_of
from drivers.profile import ENERGY, Profile
from tests.protocol.modbus_bytes import float_words

ABB = load_profile("abb-b2x")
SDM = load_profile("eastron-sdm630")
EM24 = load_profile("carlo-gavazzi-em24")
PHASED = Fitting(sum_phases=True)


def snapshot_of(profile: Profile, words: dict[int, list[int]], function: int = 3) -> RegisterSnapshot:
    image = {(function, address + n): word for address, all_ in words.items() for n, word in enumerate(all_)}
    return assemble_snapshot(profile.registers, image, profile.word_order, one_moment=True)


def u64(count: int) -> list[int]:
    return [count >> shift & 0xFFFF for shift in (48, 32, 16, 0)]


ABSENT = [0xFFFF] * 4
# Counts of 0.01 kWh at 0x5000 (import), 0x5004 (export), 0x5460 to 0x5468 and 0x546C to 0x5474 (phases).
ABB_WORDS = {0x5000: u64(100), 0x5004: u64(50), 0x5460: u64(70), 0x5464: u64(40), 0x5468: u64(1)} | {
    0x546C: u64(0),
    0x5470: u64(2),
    0x5474: u64(60),
}
TEN_WH = 10_000


def test_the_phases_of_a_meter_are_summed_and_its_totals_are_not_used() -> None:
    plain, summed = snapshot_of(ABB, ABB_WORDS), snapshot_of(fitted(ABB, PHASED), ABB_WORDS)
    assert plain.energy_import == EnergyRegister(100 * TEN_WH, TEN_WH)
    assert summed.energy_import == EnergyRegister(111 * TEN_WH, 3 * TEN_WH)
    assert summed.energy_export == EnergyRegister(62 * TEN_WH, 3 * TEN_WH)


def test_a_meter_of_one_phase_is_the_sum_of_that_one() -> None:
    words = ABB_WORDS | {0x5464: ABSENT, 0x5468: ABSENT, 0x5470: ABSENT, 0x5474: ABSENT}
    assert snapshot_of(fitted(ABB, PHASED), words).energy_import == EnergyRegister(70 * TEN_WH, TEN_WH)


def test_a_direction_without_any_phase_is_absent() -> None:
    words = ABB_WORDS | dict.fromkeys((0x546C, 0x5470, 0x5474), ABSENT)
    assert snapshot_of(fitted(ABB, PHASED), words).energy_export is None


def test_phases_and_totals_are_never_counted_together() -> None:
    for profile in (ABB, SDM, load_profile("sunspec")):
        one = fitted(profile, PHASED)
        groups = [layout.registers for layout in one.models] or [one.registers]
        for registers in groups:
            counted = [register.name for register in registers if register.meaning in ENERGY]
            assert counted
            assert all(name[-3:] in ("_l1", "_l2", "_l3") for name in counted)


def test_summed_floats_keep_the_digit_of_the_total() -> None:
    """SDM630: import of the phases at 0x015A to 0x015E, kWh; digit of the total: 0.01 kWh."""
    one = fitted(SDM, PHASED)
    phases = [register for register in one.registers if register.name.startswith("energy_import_l")]
    (total,) = [register for register in SDM.registers if register.name == "energy_import"]
    assert [register.digit for register in phases] == [total.digit] * 3
    words = {register.address: float_words(value) for register, value in zip(phases, (1.5, 2.25, 0.0), strict=True)}
    energy = snapshot_of(one, words, phases[0].function).energy_import
    assert energy is not None
    assert energy.milliwh == 3_750_000


@pytest.mark.parametrize("name", ["carlo-gavazzi-em24-e1", "eastron-sdm120", "wattnode", "sma-home-manager"])
def test_a_map_without_phases_of_both_directions_is_refused(name: str) -> None:
    with pytest.raises(ProfileError, match="cannot be summed by phases"):
        fitted(load_profile(name), PHASED)


def test_phases_are_not_summed_before_it_is_known_which_map_holds() -> None:
    with pytest.raises(ProfileError, match="carlo-gavazzi-em24@"):
        fitted(EM24, PHASED)


def test_a_moved_map_moves_whatever_is_asked_for() -> None:
    moved = fitted(EM24, Fitting(base_address=0x100))
    pairs = [
        (EM24.all_registers, moved.all_registers),
        (EM24.identity, moved.identity),
        (EM24.marks, moved.marks),
        *((one.marks, other.marks) for one, other in zip(EM24.variants, moved.variants, strict=True)),
    ]
    checked = 0
    for before, after in pairs:
        for one, other in zip(before, after, strict=True):
            assert other.address == one.address + 0x100  # type: ignore[attr-defined]
            checked += 1
    assert checked > 10


def test_variants_are_multiplied_and_turned_with_the_rest() -> None:
    one = fitted(EM24, Fitting(ratio=Fraction(26, 15), word_order=WordOrder.BIG))
    for variant in EM24.variants:
        chosen = one.as_variant(variant.name)
        assert chosen.word_order is WordOrder.BIG
        assert {register.ratio for register in chosen.registers if register.meaning in ENERGY} == {Fraction(26, 15)}
        assert chosen.fitted == one.fitted


@pytest.mark.parametrize(("counts", "unproven"), [((0, 0, 0), True), ((0, 5, 0), False)])
def test_a_sum_of_zeros_is_unproven_until_a_phase_has_counted(counts: tuple[int, int, int], unproven: bool) -> None:
    """Model 203: the phases are accumulators like the total, and so is what a zero of them means."""
    layout = fitted(load_profile("sunspec"), PHASED).model_layout(203)
    assert layout is not None
    image = dict.fromkeys(((3, address) for address in range(107)), 0)
    for phase, count in enumerate(counts):
        image[3, 40 + 2 * phase + 1] = count
    snapshot = assemble_snapshot(layout.registers, image, WordOrder.BIG, one_moment=True)
    export = EnergyRegister(sum(counts) * 1000, 3000, unproven=unproven, modulus_milliwh=2**32 * 1000)
    assert snapshot.energy_export == export


def test_nothing_asked_changes_nothing() -> None:
    assert fitted(ABB, Fitting()) is ABB


@pytest.mark.parametrize(
    "fitting", [Fitting(), PHASED, Fitting(base_address=-3), Fitting(word_order=WordOrder.LITTLE, base_address=7)]
)
def test_a_head_tells_the_fitting_again(fitting: Fitting) -> None:
    assert fitting_of(dict(fitting.head())) == fitting
