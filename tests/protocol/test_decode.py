"""Words become numbers. Expected values: SunSpec's table of types, IEEE 754 by hand, and exact fractions."""

import math
import struct
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from drivers import BadValueError
from drivers.decode import (
    ABSURD_MILLIWH,
    DataType,
    EnergyScale,
    WordOrder,
    decode_decimal,
    decode_energy,
    decode_milli,
    decode_number,
    decode_text,
    float_step,
)

NUMBERS = [
    # (type, words, value): two's complement and binary32/binary64 by hand
    (DataType.INT16, [0x0000], 0),
    (DataType.INT16, [0x7FFF], 32767),
    (DataType.INT16, [0xFFFF], -1),
    (DataType.INT16, [0x8001], -32767),
    (DataType.UINT16, [0xFFFE], 65534),
    (DataType.UINT16, [0x8000], 32768),
    (DataType.INT32, [0xFFFF, 0xFFFE], -2),
    (DataType.INT32, [0x0001, 0x0000], 65536),
    (DataType.UINT32, [0x8000, 0x0000], 2147483648),
    (DataType.ACC32, [0x0000, 0x0000], 0),
    (DataType.ACC32, [0x0012, 0xD687], 1234567),
    (DataType.INT64, [0xFFFF, 0xFFFF, 0xFFFF, 0x0000], -65536),
    (DataType.UINT64, [0x0000, 0x0001, 0x0000, 0x0000], 4294967296),
    (DataType.UINT64, [0x0000, 0x0000, 0x0000, 0x0000], 0),
    (DataType.ACC64, [0x0000, 0x0000, 0x0001, 0x0002], 65538),
    (DataType.FLOAT32, [0x3F80, 0x0000], 1.0),
    (DataType.FLOAT32, [0xC2F6, 0x8000], -123.25),
    (DataType.FLOAT32, [0x0000, 0x0001], 2.0**-149),
    (DataType.FLOAT64, [0x4009, 0x0000, 0x0000, 0x0000], 3.125),
    (DataType.SUNSSF, [0xFFFD], -3),
    (DataType.SUNSSF, [0x000A], 10),
]

NOT_IMPLEMENTED = [
    # SunSpec's "not implemented" values by type
    (DataType.INT16, [0x8000]),
    (DataType.UINT16, [0xFFFF]),
    (DataType.INT32, [0x8000, 0x0000]),
    (DataType.UINT32, [0xFFFF, 0xFFFF]),
    (DataType.INT64, [0x8000, 0x0000, 0x0000, 0x0000]),
    (DataType.UINT64, [0xFFFF] * 4),
    (DataType.ACC32, [0xFFFF, 0xFFFF]),
    (DataType.ACC64, [0xFFFF] * 4),
    (DataType.FLOAT32, [0x7FC0, 0x0000]),
    (DataType.FLOAT32, [0xFFC0, 0x0001]),
    (DataType.FLOAT64, [0x7FF8, 0x0000, 0x0000, 0x0000]),
    (DataType.SUNSSF, [0x8000]),
]


@pytest.mark.parametrize(("data_type", "words", "value"), NUMBERS)
def test_a_number_is_what_its_bits_say(data_type: DataType, words: list[int], value: float) -> None:
    assert decode_number(words, data_type) == value


@pytest.mark.parametrize(("data_type", "words", "value"), NUMBERS)
def test_little_word_order_is_the_same_words_turned_round(data_type: DataType, words: list[int], value: float) -> None:
    assert decode_number(words[::-1], data_type, WordOrder.LITTLE) == value


@pytest.mark.parametrize(("data_type", "words"), NOT_IMPLEMENTED)
def test_a_sentinel_is_absent_and_never_a_value(data_type: DataType, words: list[int]) -> None:
    assert decode_number(words, data_type) is None


@pytest.mark.parametrize(("data_type", "words"), [case for case in NOT_IMPLEMENTED if case[0] is not DataType.SUNSSF])
def test_a_sentinel_is_no_energy(data_type: DataType, words: list[int]) -> None:
    assert decode_energy(words, data_type, EnergyScale(Fraction(1000), Fraction(1))) is None


@pytest.mark.parametrize("word", [11, 0xFFF5, 0x7FFF, 0x8001])
def test_a_scale_factor_outside_ten_decades_is_refused(word: int) -> None:
    with pytest.raises(BadValueError, match="scale factor"):
        decode_number([word], DataType.SUNSSF)


@pytest.mark.parametrize("words", [[0x7F80, 0x0000], [0xFF80, 0x0000]])
def test_infinity_is_refused(words: list[int]) -> None:
    with pytest.raises(BadValueError, match="infinite"):
        decode_number(words, DataType.FLOAT32)


def test_too_few_words_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="needs 2 words"):
        decode_number([1], DataType.UINT32)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([0x4142, 0x4300, 0x0000], "ABC"),
        ([0x2041, 0x4220], "AB"),
        ([0x0000, 0x4142], None),
        ([0x2020, 0x2020], None),
        ([0x4DFC], "Mü"),  # latin-1
    ],
)
def test_text_ends_at_the_first_nul_and_has_no_blanks_around(words: list[int], text: str | None) -> None:
    assert decode_text(words) == text


ENERGY = [
    # (type, words, mWh per count, digit in counts) -> (mWh, resolution, rounding, unproven)
    # 906 630 Wh as 90663 counts of 10 Wh (the reading published for a Veris E51C2)
    (DataType.ACC32, [0x0001, 0x6227], Fraction(10_000), 1, (906_630_000, 10_000, 0, False)),
    (DataType.ACC32, [0x0000, 0x0000], Fraction(10_000), 1, (0, 10_000, 0, True)),
    (DataType.UINT64, [0, 0, 0, 0], Fraction(1000), 1, (0, 1000, 0, False)),
    (DataType.UINT32, [0x0000, 0x0007], Fraction(100_000), 1, (700_000, 100_000, 0, False)),
    # steps of 5 counts
    (DataType.UINT32, [0x0000, 0x0019], Fraction(1000), 5, (25_000, 5_000, 0, False)),
    # 7 counts of 0.1 mWh: 0.7 mWh floors to 0; what was counted lies below 0.8 mWh, so below 1
    (DataType.UINT32, [0x0000, 0x0007], Fraction(1, 10), 1, (0, 1, 0, False)),
    # 19 counts of 0.5 mWh = 9.5 mWh floors to 9; counted lies below 10.0
    (DataType.UINT32, [0x0000, 0x0013], Fraction(1, 2), 1, (9, 1, 0, False)),
    # 1234.5 kWh: step 2^-13 kWh = 122.0703125 mWh; digit 0.01 kWh
    (DataType.FLOAT32, [0x449A, 0x5000], Fraction(10**6), Fraction(1, 100), (1_234_500_000, 10_123, 62, False)),
    # 1234.567 kWh: nearest binary32 is 10113573 / 2^13 kWh = 1234567016.6015625 mWh
    (DataType.FLOAT32, [0x449A, 0x5225], Fraction(10**6), Fraction(1, 100), (1_234_567_016, 10_123, 62, False)),
    # -0.0 is zero
    (DataType.FLOAT32, [0x8000, 0x0000], Fraction(10**6), Fraction(1, 100), (0, 10_001, 1, False)),
    # 16 777 216 Wh = 2^24: the next float is 2 Wh on
    (DataType.FLOAT32, [0x4B80, 0x0000], Fraction(1000), 1, (16_777_216_000, 3_000, 1_000, False)),
]


@pytest.mark.parametrize(("data_type", "words", "milliwh", "digit", "expected"), ENERGY)
def test_energy_is_floored_once_and_says_how_fine_it_is(
    data_type: DataType, words: list[int], milliwh: Fraction, digit: Fraction, expected: tuple[int, int, int, bool]
) -> None:
    register = decode_energy(words, data_type, EnergyScale(milliwh, Fraction(digit)))
    assert register is not None
    assert (
        register.milliwh,
        register.resolution_milliwh,
        register.rounding_milliwh,
        register.unproven,
    ) == expected


@pytest.mark.parametrize(
    ("data_type", "words"),
    [
        (DataType.FLOAT32, [0xBF80, 0x0000]),  # -1.0
        (DataType.INT32, [0xFFFF, 0xFFFF]),  # -1
        (DataType.FLOAT32, [0x7F7F, 0xFFFF]),  # the largest binary32
        (DataType.UINT64, [0x7FFF, 0xFFFF, 0xFFFF, 0xFFFF]),
        (DataType.FLOAT32, [0x7F80, 0x0000]),  # infinity
        (DataType.FLOAT64, [0x7EB1, 0x0000, 0x0000, 0x0000]),  # above 10^300
    ],
)
def test_energy_no_meter_can_mean_is_refused(data_type: DataType, words: list[int]) -> None:
    with pytest.raises(BadValueError):
        decode_energy(words, data_type, EnergyScale(Fraction(1000), Fraction(1)))


@given(
    count_milliwh=st.fractions(min_value=0, max_value=10**13, max_denominator=1000),
    digit=st.fractions(min_value=Fraction(1, 1000), max_value=1000, max_denominator=1000),
    milliwh_per_unit=st.sampled_from([Fraction(1000), Fraction(10**6)]),
)
def test_the_meters_own_count_lies_in_the_interval_a_float_register_claims(
    count_milliwh: Fraction, digit: Fraction, milliwh_per_unit: Fraction
) -> None:
    """The meter cuts its count to its digit, then stores the nearest binary32: the claim must still hold it."""
    shown = (count_milliwh / milliwh_per_unit) // digit * digit
    words = struct.unpack(">HH", struct.pack(">f", float(shown)))
    # float() rounds to binary64 first; where that makes a double rounding, the claim is not the decoder's fault.
    assume(abs(Fraction(float(shown)) - shown) < Fraction(1, 10**9))
    register = decode_energy(words, DataType.FLOAT32, EnergyScale(milliwh_per_unit, digit))
    assert register is not None
    assert register.milliwh - register.rounding_milliwh <= count_milliwh
    assert count_milliwh < register.milliwh + register.resolution_milliwh


@given(
    count_milliwh=st.fractions(min_value=0, max_value=10**12, max_denominator=1000),
    milliwh_per_count=st.fractions(min_value=Fraction(1, 100), max_value=10**6, max_denominator=100),
)
def test_the_meters_own_count_lies_in_the_interval_an_integer_register_claims(
    count_milliwh: Fraction, milliwh_per_count: Fraction
) -> None:
    raw = count_milliwh // milliwh_per_count
    words = struct.unpack(">4H", int(raw).to_bytes(8, "big"))
    register = decode_energy(words, DataType.UINT64, EnergyScale(milliwh_per_count, Fraction(1)))
    assert register is not None
    assert register.milliwh <= count_milliwh < register.milliwh + register.resolution_milliwh
    assert register.rounding_milliwh == 0


@given(st.lists(st.integers(0, 0xFFFF), min_size=4, max_size=4), st.sampled_from(list(WordOrder)))
def test_no_word_whatever_becomes_a_wild_energy(words: list[int], order: WordOrder) -> None:
    for data_type, count in ((DataType.FLOAT32, 2), (DataType.FLOAT64, 4), (DataType.INT64, 4), (DataType.ACC32, 2)):
        try:
            register = decode_energy(words[:count], data_type, EnergyScale(Fraction(10**6), Fraction(1, 100)), order)
        except BadValueError:
            continue
        assert register is None or 0 <= register.milliwh <= ABSURD_MILLIWH


def slow_energy(number: float, step: Fraction, scale: EnergyScale) -> tuple[int, int, int]:
    """Value, resolution and rounding as docs/accounting.md says them, in fractions."""
    exact, digit = Fraction(number) * scale.milliwh_per_count, scale.digit_counts * scale.milliwh_per_count
    step *= scale.milliwh_per_count
    value = math.floor(exact)
    resolution = max(math.ceil(digit + step), math.ceil(exact + digit + step / 2) - value)
    return value, resolution, math.ceil(step / 2)


@given(
    bits=st.integers(0, 0x5800_0000),
    milliwh=st.fractions(min_value=Fraction(1, 1000), max_value=10**6, max_denominator=1000),
    digit=st.fractions(min_value=Fraction(1, 1000), max_value=1000, max_denominator=1000),
    is_float=st.booleans(),
)
def test_whole_numbers_reckon_as_fractions_do(bits: int, milliwh: Fraction, digit: Fraction, is_float: bool) -> None:
    raw, scale = bits.to_bytes(4, "big"), EnergyScale(milliwh, digit)
    number: float = struct.unpack(">f" if is_float else ">I", raw)[0]
    expected = slow_energy(number, Fraction(0), scale)
    if is_float:
        following: float = struct.unpack(">f", (bits + 1).to_bytes(4, "big"))[0]
        expected = slow_energy(number, Fraction(following) - Fraction(number), scale)
    assume(expected[0] <= ABSURD_MILLIWH - 1)
    register = decode_energy(struct.unpack(">HH", raw), DataType.FLOAT32 if is_float else DataType.UINT32, scale)
    assert register is not None
    assert (register.milliwh, register.resolution_milliwh, register.rounding_milliwh) == expected


@given(st.integers(-(2**31) + 1, 2**31 - 1), st.fractions(min_value=Fraction(1, 64), max_value=300, max_denominator=64))
def test_thousandths_are_rounded_as_python_rounds_a_fraction(number: int, milli_per_count: Fraction) -> None:
    words = struct.unpack(">HH", number.to_bytes(4, "big", signed=True))
    assert decode_milli(words, DataType.INT32, milli_per_count) == round(number * milli_per_count)


@given(st.integers(1, 0x7F7FFFFE))
def test_a_floats_step_is_the_distance_to_the_next_one(bits: int) -> None:
    here: float = struct.unpack(">f", bits.to_bytes(4, "big"))[0]
    following: float = struct.unpack(">f", (bits + 1).to_bytes(4, "big"))[0]
    assert float_step(here, DataType.FLOAT32) == Fraction(following) - Fraction(here)
    assert float_step(here, DataType.FLOAT64) == Fraction(math.nextafter(here, math.inf)) - Fraction(here)


def test_power_is_rounded_to_the_nearest_milliwatt() -> None:
    assert decode_milli([0x0258], DataType.INT16, Fraction(10_000)) == 6_000_000
    assert decode_milli([0xFF38], DataType.INT16, Fraction(1000)) == -200_000
    assert decode_milli([0x3A83, 0x126F], DataType.FLOAT32, Fraction(1000)) == 1  # 0.001 W as binary32
    assert decode_milli([0x8000], DataType.INT16, Fraction(1000)) is None


@pytest.mark.parametrize("words", [[0x7F7F, 0xFFFF], [0xFF80, 0x0000], [0xD368, 0xD4A5]])  # largest, -inf, -1e12
def test_power_no_meter_can_mean_is_refused(words: list[int]) -> None:
    with pytest.raises(BadValueError):
        decode_milli(words, DataType.FLOAT32, Fraction(1000))


def test_values_for_people_keep_the_digits_their_type_has() -> None:
    assert decode_decimal([0x4366, 0x199A], DataType.FLOAT32, Decimal(1)) == Decimal("230.1")
    assert decode_decimal([6001], DataType.INT16, Decimal("0.01")) == Decimal("60.01")
    assert decode_decimal([0x7FC0, 0x0000], DataType.FLOAT32, Decimal(1)) is None
