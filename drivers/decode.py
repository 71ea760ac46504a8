"""Register words become numbers: exact integers, floats, text, and energy floored once to milliwatt-hours.

Energy is reckoned with integers and fractions only; a float is taken for the exact number its bits mean and is
never multiplied. A sentinel becomes None, nonsense becomes BadValueError; neither ever becomes a value.
Follows the Modbus application protocol V1.1b3 (big-endian words) and the SunSpec device information model
specification (types and their "not implemented" values).
"""

import enum
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache, cached_property

from .errors import BadValueError
from .snapshot import EnergyRegister

MILLIWH_PER_WH = 1000
ABSURD_MILLIWH = 10**15
"""1000 GWh: what a 400 A service at 400 V could count in two hundred years. More is not a meter's count."""
ABSURD_MILLI = 10**12
"""1 GW in milliwatts."""
SCALE_FACTOR_LIMIT = 10  # SunSpec: sunssf is -10 .. 10


class WordOrder(enum.StrEnum):
    """Which 16-bit word of a longer number comes first. Bytes inside a word are always big-endian."""

    BIG = "big"
    LITTLE = "little"


class DataType(enum.StrEnum):
    """How the words of a register are meant. The names are SunSpec's."""

    INT16 = "int16"
    UINT16 = "uint16"
    INT32 = "int32"
    UINT32 = "uint32"
    INT64 = "int64"
    UINT64 = "uint64"
    ACC32 = "acc32"
    ACC64 = "acc64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    STRING = "string"
    SUNSSF = "sunssf"


WORDS: dict[DataType, int] = {
    DataType.INT16: 1,
    DataType.UINT16: 1,
    DataType.SUNSSF: 1,
    DataType.INT32: 2,
    DataType.UINT32: 2,
    DataType.ACC32: 2,
    DataType.FLOAT32: 2,
    DataType.INT64: 4,
    DataType.UINT64: 4,
    DataType.ACC64: 4,
    DataType.FLOAT64: 4,
}
"""Words of each numeric type; a string's length is its register's own."""

_WORDS_AS_BYTES = {count: struct.Struct(f">{count}H") for count in (1, 2, 4)}
_NUMBERS: dict[DataType, struct.Struct] = {
    DataType.INT16: struct.Struct(">h"),
    DataType.UINT16: struct.Struct(">H"),
    DataType.SUNSSF: struct.Struct(">h"),
    DataType.INT32: struct.Struct(">i"),
    DataType.UINT32: struct.Struct(">I"),
    DataType.ACC32: struct.Struct(">I"),
    DataType.FLOAT32: struct.Struct(">f"),
    DataType.INT64: struct.Struct(">q"),
    DataType.UINT64: struct.Struct(">Q"),
    DataType.ACC64: struct.Struct(">Q"),
    DataType.FLOAT64: struct.Struct(">d"),
}

SIGNED = frozenset({DataType.INT16, DataType.INT32, DataType.INT64, DataType.SUNSSF})
FLOATS = frozenset({DataType.FLOAT32, DataType.FLOAT64})
ACCUMULATORS = frozenset({DataType.ACC32, DataType.ACC64})
_ABSENT = {
    data_type: -(1 << 16 * count - 1) if data_type in SIGNED else (1 << 16 * count) - 1
    for data_type, count in WORDS.items()
    if data_type not in FLOATS
}


@dataclass(frozen=True)
class EnergyScale:
    """What one raw count of an energy register means: milliwatt-hours, and the size of the last digit in counts."""

    milliwh_per_count: Fraction
    digit_counts: Fraction
    modulus_milliwh: int | None = None
    """Where the register begins again at 0; None where that is not known."""

    def __post_init__(self) -> None:
        if self.milliwh_per_count <= 0 or self.digit_counts <= 0:
            raise ValueError(f"scale and digit must be above zero: {self.milliwh_per_count}, {self.digit_counts}")

    @cached_property
    def digit_milliwh(self) -> Fraction:
        """Size of the last digit."""
        return self.digit_counts * self.milliwh_per_count


def decode_number(words: Sequence[int], data_type: DataType, order: WordOrder = WordOrder.BIG) -> int | float | None:
    """The number in `words`, exactly as its bits say, or None for the type's "not implemented" value.

    An accumulator's 0 is returned as 0: whether it means "not implemented" cannot be known here. All ones in an
    accumulator are taken for "not implemented" too, because vendors fill whole blocks so.
    Raises BadValueError for an infinite float and for a scale factor outside -10 .. 10.
    """
    number = _unpack(words, data_type, order)
    if isinstance(number, float):
        return _checked_float(number, words)
    if number == _ABSENT[data_type]:
        return None
    if data_type is DataType.SUNSSF and abs(number) > SCALE_FACTOR_LIMIT:
        raise BadValueError(f"scale factor {_hex(words)} = {number}, expected -10 to 10")
    return number


def decode_text(words: Sequence[int]) -> str | None:
    """Text of a string register: ends at the first NUL, blanks stripped, latin-1; None if nothing is left."""
    raw = b"".join(word.to_bytes(2, "big") for word in words)
    return raw.split(b"\0", 1)[0].decode("latin-1").strip() or None


def decode_energy(
    words: Sequence[int], data_type: DataType, scale: EnergyScale, order: WordOrder = WordOrder.BIG
) -> EnergyRegister | None:
    """An energy register, floored once to milliwatt-hours; None where the device does not have it.

    Raises BadValueError for infinity, energy below zero, above ABSURD_MILLIWH, and above the declared rollover.
    """
    number = decode_number(words, data_type, order)
    if number is None:
        return None
    above, below = number.as_integer_ratio()  # exactly: a float's denominator is a power of two
    above, below = above * scale.milliwh_per_count.numerator, below * scale.milliwh_per_count.denominator
    if above < 0:
        raise BadValueError(f"energy register below zero: {number} ({_hex(words)})")
    if above > ABSURD_MILLIWH * below:
        raise BadValueError(f"energy register of {number} counts ({_hex(words)}): no meter counts above 1000 GWh")
    floored = above // below
    if scale.modulus_milliwh is not None and floored >= scale.modulus_milliwh:
        raise BadValueError(
            f"energy register of {number} counts ({_hex(words)}) is above its declared rollover,"
            f" {scale.modulus_milliwh} mWh: is this the meter's profile?"
        )
    digit, step_n, step_d = scale.digit_milliwh, 0, 1
    if isinstance(number, float):
        step = float_step(number, data_type)
        step_n = step.numerator * scale.milliwh_per_count.numerator
        step_d = step.denominator * scale.milliwh_per_count.denominator
    # The meter's own count lies in [exact - step/2, exact + digit + step/2); both ends are then moved to whole
    # milliwatt-hours, outward, because flooring the value has taken up to 1 mWh off it. All over one denominator.
    whole = 2 * below * digit.denominator * step_d
    exact_n = 2 * above * digit.denominator * step_d
    digit_n = 2 * below * digit.numerator * step_d
    half_step_n = below * digit.denominator * step_n
    top = -(-(exact_n + digit_n + half_step_n) // whole)
    return EnergyRegister(
        milliwh=floored,
        resolution_milliwh=max(-(-(digit_n + 2 * half_step_n) // whole), top - floored),
        rounding_milliwh=-(-half_step_n // whole),
        unproven=data_type in ACCUMULATORS and number == 0,
        modulus_milliwh=scale.modulus_milliwh,
    )


def decode_milli(
    words: Sequence[int], data_type: DataType, milli_per_count: Fraction, order: WordOrder = WordOrder.BIG
) -> int | None:
    """A value in thousandths of its unit (power in milliwatts), rounded to the nearest; None where absent.

    Raises BadValueError for an infinite float and for more than ABSURD_MILLI.
    """
    number = decode_number(words, data_type, order)
    if number is None:
        return None
    above, below = number.as_integer_ratio()
    milli = _round(above * milli_per_count.numerator, below * milli_per_count.denominator)
    if abs(milli) > ABSURD_MILLI:
        raise BadValueError(f"{number} ({_hex(words)}): no meter measures above 1 GW")
    return milli


def decode_decimal(
    words: Sequence[int], data_type: DataType, factor: Decimal, order: WordOrder = WordOrder.BIG
) -> Decimal | None:
    """A value for people: a float's significant digits (7 or 15), an integer exactly, times `factor`; None if absent.

    Raises BadValueError for an infinite float.
    """
    number = decode_number(words, data_type, order)
    if number is None:
        return None
    if isinstance(number, float):
        digits = 7 if data_type is DataType.FLOAT32 else 15
        return Decimal(f"{number:.{digits}g}") * factor
    return Decimal(number) * factor


def float_step(value: float, data_type: DataType) -> Fraction:
    """The distance from |value| to the next larger float of this type (its unit in the last place), exactly."""
    if data_type is DataType.FLOAT64:
        return Fraction(math.ulp(value))
    exponent = math.frexp(value)[1] if value else -125
    return _power_of_two(max(exponent - 24, -149))  # binary32: 24 significant bits, smallest step 2**-149


@cache
def _power_of_two(exponent: int) -> Fraction:
    return Fraction(2) ** exponent


def _round(above: int, below: int) -> int:
    """above / below, to the nearest whole number; a half to the even one."""
    whole, rest = divmod(above, below)
    return whole + (2 * rest > below or (2 * rest == below and whole % 2))


def _unpack(words: Sequence[int], data_type: DataType, order: WordOrder) -> int | float:
    expected = WORDS[data_type]
    if len(words) != expected:
        raise ValueError(f"{data_type} needs {expected} words, {len(words)} given")
    raw = _WORDS_AS_BYTES[expected].pack(*(words if order is WordOrder.BIG else reversed(words)))
    number: int | float = _NUMBERS[data_type].unpack(raw)[0]
    return number


def _checked_float(number: float, words: Sequence[int]) -> float | None:
    if math.isnan(number):
        return None
    if math.isinf(number):
        raise BadValueError(f"infinite float {_hex(words)}")
    return number


def _hex(words: Sequence[int]) -> str:
    return " ".join(f"0x{word:04X}" for word in words)
