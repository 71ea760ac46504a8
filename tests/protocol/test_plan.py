"""Blocks: every value whole, energy in one request and first, holes only where they are cheap."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import load_profile
from drivers.decode import DataType
from drivers.modbus.plan import Block, one_moment, plan_blocks
from drivers.profile import ENERGY, Meaning, Register


def register(
    address: int, meaning: Meaning = Meaning.OTHER, words: int = 2, function: int = 4, factor: int | None = None
) -> Register:
    return Register(
        name=f"{meaning.value}_{address}",
        meaning=meaning,
        function=function,
        address=address,
        words=words,
        data_type=DataType.UINT32,
        unit="",
        scale=Decimal(1),
        scale_factor_address=factor,
        inverted=False,
        digit=None,
        source="test",
        confirmed=True,
    )


IMPORT, EXPORT = Meaning.ENERGY_IMPORT, Meaning.ENERGY_EXPORT


def test_the_sdm630_is_read_in_two_requests_with_all_energy_in_the_first() -> None:
    # power at 0x34 = 52 and energy up to 0x4B = 75 lie near; 46 unused registers separate the voltages (0 to 5)
    profile = load_profile("eastron-sdm630")
    blocks = plan_blocks(profile.registers, profile.max_registers)
    assert blocks == (Block(4, 52, 24, True), Block(4, 0, 6, False))
    assert one_moment(blocks)


@pytest.mark.parametrize(("model", "first", "last"), [(203, 3, 54), (701, 10, 120)])
def test_a_sunspec_model_is_one_request_with_its_scale_factors(model: int, first: int, last: int) -> None:
    profile = load_profile("sunspec")
    layout = profile.model_layout(model)
    assert layout is not None
    assert plan_blocks(layout.registers, 125) == (Block(3, first, last - first + 1, True),)


def test_energy_far_apart_is_still_one_request() -> None:
    blocks = plan_blocks([register(0, IMPORT), register(78, EXPORT)], 80)
    assert blocks == (Block(4, 0, 80, True),)


def test_energy_too_far_apart_is_two_requests_and_not_of_one_moment() -> None:
    blocks = plan_blocks([register(0, IMPORT), register(79, EXPORT)], 80)
    assert blocks == (Block(4, 0, 2, True), Block(4, 79, 2, True))
    assert not one_moment(blocks)


def test_energy_under_two_function_codes_is_two_requests() -> None:
    blocks = plan_blocks([register(0, IMPORT, function=3), register(2, EXPORT, function=4)], 80)
    assert [block.function for block in blocks] == [3, 4]


@pytest.mark.parametrize(("hole", "requests"), [(0, 1), (20, 1), (21, 2)])
def test_a_hole_is_read_along_until_it_costs_more_than_another_request(hole: int, requests: int) -> None:
    # 40 byte times for a request are 20 registers
    assert len(plan_blocks([register(0), register(2 + hole)], 80)) == requests


def test_a_value_stays_with_its_scale_factor() -> None:
    blocks = plan_blocks([register(0, IMPORT), register(60, factor=10), register(12)], 80)
    assert any(block.address <= 10 and block.last >= 61 for block in blocks)


def test_a_value_too_far_from_its_scale_factor_is_refused() -> None:
    with pytest.raises(ValueError, match="limit 80"):
        plan_blocks([register(0, IMPORT, factor=80)], 80)


@given(
    st.lists(st.tuples(st.integers(0, 400), st.sampled_from([1, 2, 4]), st.sampled_from([3, 4])), max_size=12),
    st.lists(st.integers(0, 400), min_size=1, max_size=3, unique=True),
    st.integers(4, 125),
)
def test_every_value_is_whole_in_some_block_and_no_block_is_too_long(
    others: list[tuple[int, int, int]], energies: list[int], limit: int
) -> None:
    registers = [register(address, words=words, function=function) for address, words, function in others]
    registers += [replace(register(address, IMPORT), name=f"energy_{address}") for address in energies]
    blocks = plan_blocks(registers, limit)
    for one in registers:
        assert any(
            block.function == one.function
            and block.address <= one.first
            and one.last <= block.last
            and block.energy >= (one.meaning in ENERGY)
            for block in blocks
        )
    assert all(1 <= block.count <= limit for block in blocks)
    assert [block.energy for block in blocks] == sorted((block.energy for block in blocks), reverse=True)
    if max(energies) + 2 - min(energies) <= limit:
        assert one_moment(blocks)
