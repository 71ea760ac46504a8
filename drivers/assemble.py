"""Words at addresses become a `RegisterSnapshot` or a `MeterIdentity`, as the profile's registers say.

Pure. Energy that makes no sense raises BadValueError; a value for people that makes no sense is left out, because
a wild voltage is no reason to lose a count of energy.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cache, partial

from .decode import (
    ABSURD_MILLIWH,
    FLOATS,
    MILLIWH_PER_WH,
    DataType,
    EnergyScale,
    WordOrder,
    decode_decimal,
    decode_energy,
    decode_milli,
    decode_number,
    decode_text,
)
from .errors import BadValueError
from .later import Later
from .phases import sum_of
from .profile import ENERGY, Meaning, Register
from .profile_register import ENERGY_UNITS_WH, POWER_UNITS_W
from .snapshot import EnergyRegister, MeterIdentity, RegisterSnapshot

COARSEST_MILLIWH = 10**11
"""100 MWh, transformers included: what a 400 A service at 400 V counts in two weeks."""
Image = Mapping[tuple[int, int], int]
"""Words of a device: (function code, address) -> word."""


def assemble_snapshot(
    registers: Sequence[Register], image: Image, order: WordOrder, *, one_moment: bool, swap_direction: bool = False
) -> RegisterSnapshot:
    """The snapshot of `registers` found in `image`; a register whose words are not there is absent (None).

    Raises BadValueError if an energy register makes no sense.
    """
    energy: dict[Meaning, EnergyRegister | None] = {}
    power_milliw: int | None = None
    for register in registers:
        if register.meaning is Meaning.OTHER:
            continue
        words = words_of(register, image)
        if words is None:
            continue
        if register.meaning is Meaning.POWER:
            power_milliw = _power_milliw(register, words, image, order)
        elif register.meaning in ENERGY:
            energy[register.meaning] = sum_of(energy.get(register.meaning), _energy(register, words, image, order))
    energy_import, energy_export = energy.get(Meaning.ENERGY_IMPORT), energy.get(Meaning.ENERGY_EXPORT)
    if swap_direction:
        energy_import, energy_export = energy_export, energy_import
        power_milliw = None if power_milliw is None else -power_milliw
    return RegisterSnapshot(
        energy_import, energy_export, power_milliw, one_moment, Later(partial(_others, registers, image, order))
    )


def _others(registers: Sequence[Register], image: Image, order: WordOrder) -> dict[str, Decimal]:
    """What is neither energy nor power."""
    found: dict[str, Decimal] = {}
    for register in registers:
        words = words_of(register, image) if register.meaning is Meaning.OTHER else None
        value = None if words is None else _other(register, words, image, order)
        if value is not None:
            found[register.name] = value
    return found


def assemble_identity(registers: Iterable[Register], image: Image, order: WordOrder) -> MeterIdentity:
    """Who answers, from the identity registers found in `image`."""
    texts: dict[Meaning, str | None] = {}
    for register in registers:
        words = words_of(register, image)
        if words is None:
            continue
        if register.data_type is DataType.STRING:
            texts[register.meaning] = decode_text(words)
        else:
            number = decode_number(words, register.data_type, register.order or order)
            named = dict(register.codes)
            texts[register.meaning] = None if number is None else named.get(int(number), str(number))
    return MeterIdentity(
        vendor=texts.get(Meaning.VENDOR),
        model=texts.get(Meaning.MODEL),
        serial=texts.get(Meaning.SERIAL),
        firmware=texts.get(Meaning.FIRMWARE),
    )


def words_of(register: Register, image: Image) -> tuple[int, ...] | None:
    """The words of one register, and of those that are added to it, or None where any of them was not read."""
    function = register.function
    places = (register.address,) if not register.plus else (register.address, *register.plus)
    try:
        return tuple([image[function, address + n] for address in places for n in range(register.words)])
    except KeyError:
        return None


def _parts(register: Register, words: tuple[int, ...], order: WordOrder) -> list[tuple[int, ...]] | None:
    """The words of each register of a sum; None where the device says "not implemented" in its own way.

    Raises BadValueError for a sum of which only a part is there.
    """
    if not register.plus and not register.absent:
        return [words]
    size = register.words
    parts = [words[n : n + size] for n in range(0, len(words), size)]
    there = [part for part in parts if not _is_absent(register, part, order)]
    if there and len(there) < len(parts):
        raise BadValueError("one part of the sum is `not implemented`")
    return there or None


def _is_absent(register: Register, words: tuple[int, ...], order: WordOrder) -> bool:
    raw = 0
    for word in words if (register.order or order) is WordOrder.BIG else reversed(words):
        raw = raw << 16 | word
    return raw in register.absent or (
        bool(register.plus) and decode_number(words, register.data_type, register.order or order) is None
    )


def _amount(words: tuple[int, ...], register: Register, order: WordOrder) -> tuple[int, ...]:
    """The words of the number without its sign; "not implemented" as it is."""
    number = decode_number(words, register.data_type, order)
    if number is None or number >= 0:
        return words
    raw = -int(number)
    found = tuple(raw >> 16 * n & 0xFFFF for n in range(len(words)))
    return found if order is WordOrder.LITTLE else found[::-1]


def _added(parts: Sequence[EnergyRegister]) -> EnergyRegister:
    """Several counters as one: what each may be off adds up."""
    return EnergyRegister(
        milliwh=sum(part.milliwh for part in parts),
        resolution_milliwh=sum(part.resolution_milliwh for part in parts),
        rounding_milliwh=sum(part.rounding_milliwh for part in parts),
        unproven=all(part.unproven for part in parts),
    )


def _energy(register: Register, words: tuple[int, ...], image: Image, order: WordOrder) -> EnergyRegister | None:
    try:
        parts = _parts(register, words, order)
        if parts is None:
            return None
        order = register.order or order
        if register.magnitude:
            parts = [_amount(part, register, order) for part in parts]
        factor = _scale_factor(register, image)
        if factor is None:
            # No scale factor: a zero or a sentinel is simply "not implemented"; a count without a scale means nothing.
            if not any(decode_number(part, register.data_type, order) for part in parts):
                return None
            raise BadValueError("a count, but its scale factor says `not implemented`")
        scale = _energy_scale(register, factor)
        if len(parts) == 1:
            return decode_energy(parts[0], register.data_type, scale, order)
        found = [decode_energy(part, register.data_type, scale, order) for part in parts]
        return _added([one for one in found if one is not None])
    except BadValueError as error:
        raise BadValueError(f"{register.name} at {register.address}: {error}") from error


@cache
def _energy_scale(register: Register, factor: int) -> EnergyScale:
    """A float's digit is declared in the unit and wanted in counts. At most 21 factors for a profile's register.

    Raises BadValueError for a last digit that no meter has.
    """
    unit_milliwh = Fraction(ENERGY_UNITS_WH[register.unit]) * MILLIWH_PER_WH * register.ratio
    milliwh = Fraction(register.scale) * unit_milliwh * Fraction(10) ** factor
    digit = Fraction(register.digit or 1)
    modulus: Fraction | None = None
    if register.rollover is not None:
        modulus = Fraction(register.rollover) * unit_milliwh
    elif register.rollover_bits is not None:
        modulus = milliwh * 2**register.rollover_bits
    # A width of no whole number of milliwatt-hours could not be unrolled exactly; one that no meter reaches is none.
    whole = modulus is not None and modulus.denominator == 1 and modulus <= ABSURD_MILLIWH
    scale = EnergyScale(
        milliwh,
        digit / Fraction(register.scale) if register.data_type in FLOATS else digit,
        int(modulus) if modulus is not None and whole else None,
    )
    if scale.digit_milliwh > COARSEST_MILLIWH:
        kwh = float(scale.digit_milliwh / 1_000_000)
        raise BadValueError(f"scale factor {factor}: a last digit of {kwh:g} kWh, and no meter counts so coarsely")
    return scale


@cache
def _milliw_per_count(register: Register, factor: int) -> Fraction:
    milliw = Fraction(register.scale * POWER_UNITS_W[register.unit]) * register.ratio * 1000
    return (-milliw if register.inverted else milliw) * Fraction(10) ** factor


def _power_milliw(register: Register, words: tuple[int, ...], image: Image, order: WordOrder) -> int | None:
    try:
        factor = _scale_factor(register, image)
        if factor is None or _parts(register, words, order) is None:
            return None
        milliw = _milliw_per_count(register, factor)
        return decode_milli(words, register.data_type, milliw, register.order or order)
    except BadValueError:
        return None


def _other(register: Register, words: tuple[int, ...], image: Image, order: WordOrder) -> Decimal | None:
    try:
        return worth_of(register, words, image, order)
    except BadValueError:
        return None


def worth_of(register: Register, words: tuple[int, ...], image: Image, order: WordOrder) -> Decimal | None:
    """A number for people, in the register's unit; None where the device says "not implemented".

    Raises BadValueError for nonsense.
    """
    factor, parts = _scale_factor(register, image), _parts(register, words, order)
    if factor is None or parts is None:
        return None
    scale, own = register.scale.scaleb(factor), register.order or order
    found = [decode_decimal(part, register.data_type, scale, own) for part in parts]
    there = [one for one in found if one is not None]
    return sum(there[1:], there[0]) if there else None


def _scale_factor(register: Register, image: Image) -> int | None:
    """The exponent of ten for this register: 0 where it has none, None where the device does not implement it."""
    if register.scale_factor_address is None:
        return 0
    word = image.get((register.function, register.scale_factor_address))
    if word is None:
        return None
    number = decode_number((word,), DataType.SUNSSF)
    return None if number is None else int(number)
