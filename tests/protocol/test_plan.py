"""Blocks: every value whole, energy in one request and first, holes only where they are cheap."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import load_profile
from drivers.decode import DataType
from drivers.modbus.cost import WireCost
from drivers.modbus.plan import Block, apart_from, equal_neighbours, one_moment, plan_blocks, split
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
    profile = load_profile("eastron-sdm630", [Path(__file__).parents[1] / "wire" / "recordings"])
    blocks = plan_blocks(profile.registers, profile.max_registers)
    assert blocks == (Block(4, 52, 24, True), Block(4, 0, 6, False))
    assert one_moment(blocks)


@pytest.mark.parametrize(("model", "first", "last"), [(203, 2, 54), (103, 2, 26), (701, 10, 120)])
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
    assert not one_moment(blocks)
    # Four registers instead of two in the second: their late answers must not be taken for each other.
    assert blocks == (Block(4, 0, 2, True), Block(4, 79, 4, True))


def test_energy_under_two_function_codes_is_two_requests() -> None:
    blocks = plan_blocks([register(0, IMPORT, function=3), register(2, EXPORT, function=4)], 80)
    assert [block.function for block in blocks] == [3, 4]


@pytest.mark.parametrize(
    ("cost", "hole", "requests"),
    [
        # 9600 Bd: 11 bits are 1146 us. A request: 13 characters 14898, thinking 20000, two silences of 3.5 characters
        # 8022: 42920 us. A register: two characters, 2292 us. 42920 / 2292 = 18.7
        (WireCost.rtu(9600), 0, 1),
        (WireCost.rtu(9600), 18, 1),
        (WireCost.rtu(9600), 19, 2),
        # ... a device that wants 100 ms of silence: 42920 - 4011 + 100000 = 138909 us, 60.6 registers
        (WireCost.rtu(9600, 100_000), 60, 1),
        (WireCost.rtu(9600, 100_000), 61, 2),
        # 115200 Bd: 96 us a character, silences of 1750 us: 13 * 96 + 20000 + 3500 = 24748 us, 192 a register: 128.9
        (WireCost.rtu(115_200), 76, 1),
        (WireCost.tcp(), 76, 1),
    ],
)
def test_a_hole_is_read_along_until_it_costs_more_than_another_request(
    cost: WireCost, hole: int, requests: int
) -> None:
    assert len(plan_blocks([register(0), register(2 + hole)], 80, cost)) == requests


def test_what_may_be_older_does_not_lengthen_each_reading() -> None:
    # Read along, 12 registers more are 12 * 2292 = 27504 us in each reading. Apart, a request of its own is
    # 138909 + 2 * 2292 = 143493 us: with each reading; with each fourth, 35873 a reading; with each twelfth, 11958.
    pause = WireCost.rtu(9600, 100_000)
    for max_age_us, requests in ((0, 1), (20_000_000, 1), (60_000_000, 2)):
        old = replace(register(12), max_age_us=max_age_us)
        assert len(plan_blocks([register(0, IMPORT), old], 80, pause)) == requests


def test_the_meters_own_tariff_counters_come_with_the_energy_over_any_hole() -> None:
    tariffs = [replace(register(address), name=f"energy_import_t{address}") for address in (40, 70)]
    assert plan_blocks([register(0, IMPORT), *tariffs], 80) == (Block(4, 0, 72, True),)


def lengths(blocks: tuple[Block, ...]) -> list[int]:
    return [block.count for block in blocks]


def test_neighbours_of_one_length_are_put_apart_by_order() -> None:
    # energy 2, then 2, 2 and 6 far apart: 2 6 2 2 would have two pairs; the last one is padded, for the first follows
    far = [
        replace(register(address, words=words), name=str(address)) for address, words in ((100, 2), (200, 2), (300, 6))
    ]
    blocks = plan_blocks([register(0, IMPORT), *far], 80)
    assert blocks[0] == Block(4, 0, 2, True)
    assert equal_neighbours(blocks) == 0
    assert sorted(lengths(blocks)) == [2, 2, 4, 6]


def test_lengths_stay_apart_as_far_as_the_limit_allows() -> None:
    far = [replace(register(address, words=4), name=str(address)) for address in (100, 200)]
    assert equal_neighbours(plan_blocks([register(0, IMPORT, words=4), *far], 4)) == 3  # nowhere to pad
    assert equal_neighbours(plan_blocks([register(0, IMPORT, words=4), *far], 12)) == 0


@given(st.lists(st.tuples(st.sampled_from([1, 2, 4]), st.booleans()), min_size=2, max_size=8))
def test_padding_keeps_every_value_and_no_neighbours_are_of_one_length(values: list[tuple[int, bool]]) -> None:
    registers = [
        replace(register(200 * n, IMPORT if energy else Meaning.OTHER, words), name=f"{n}")
        for n, (words, energy) in enumerate(values)
    ]
    blocks = plan_blocks(registers, 125)
    assert equal_neighbours(blocks) == 0
    for one in registers:
        assert any(block.address <= one.first and one.last <= block.last for block in blocks)


def test_what_is_asked_now_and_then_differs_from_what_is_asked_before_and_after() -> None:
    reading = (Block(4, 0, 4, True), Block(4, 100, 2, False))
    (identity,) = plan_blocks([register(300)], 80)
    assert apart_from([identity], reading, 80) == (Block(4, 300, 6, False),)  # neither 2 nor 4
    assert apart_from([identity], (Block(4, 0, 4, True), Block(4, 100, 6, False)), 80) == (identity,)
    assert apart_from([], reading, 80) == ()


def split_fully(block: Block) -> list[Block]:
    """All that is ever asked for, if the device refuses everything."""
    parts = split(block)
    return [block, *(one for part in parts for one in split_fully(part))]


def test_a_refused_block_is_first_asked_without_its_padding() -> None:
    (block,) = plan_blocks([register(0, IMPORT)], 80)
    assert split(replace(block, count=4)) == (Block(4, 0, 2, True),)
    assert split(block) == ()


def test_a_refused_block_lets_go_of_what_lies_beside_the_energy_first() -> None:
    registers = [register(2, IMPORT), register(8, EXPORT), register(0), register(5), register(12)]
    (block,) = plan_blocks(registers, 80)
    # what lies between the two energies stays with them; what is outside goes, in one request
    assert split(block) == (Block(4, 2, 8, True), Block(4, 0, 14, False))


def test_a_refused_block_is_cut_at_its_largest_hole() -> None:
    (block,) = plan_blocks([register(address) for address in (0, 2, 9, 14)], 80)
    assert split(block) == (Block(4, 0, 4, False), Block(4, 9, 7, False))


def test_energy_that_does_not_come_in_one_request_is_asked_in_two() -> None:
    (block,) = plan_blocks([register(0, IMPORT), register(40, EXPORT)], 80)
    assert split(block) == (Block(4, 0, 2, True), Block(4, 40, 2, True))


@given(st.lists(st.tuples(st.integers(0, 60), st.sampled_from([1, 2, 4]), st.booleans()), min_size=1, max_size=10))
def test_splitting_ends_with_each_value_alone_and_never_inside_one(values: list[tuple[int, int, bool]]) -> None:
    registers = [
        replace(register(address, IMPORT if energy else Meaning.OTHER, words), name=f"{n}")
        for n, (address, words, energy) in enumerate(values)
    ]
    for block in plan_blocks(registers, 125, WireCost.tcp()):
        asked = split_fully(block)
        alone = {(one.address, one.count) for one in asked if len(one.pieces) == 1}
        assert {(piece.first, piece.last - piece.first + 1) for piece in block.pieces} <= alone
        assert all(one.address <= piece.first and piece.last <= one.last for one in asked for piece in one.pieces)
        assert len(asked) <= 3 * len(block.pieces) + 2


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
