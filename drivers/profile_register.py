"""One [[registers]] entry of a meter profile, read strictly into a `Register`.

What is wrong is refused with file, key, value and the mend (ProfileError). How to write one: docs/profiles.md.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from .decode import ACCUMULATORS, FLOATS, MILLIWH_PER_WH, SIGNED, WORDS, DataType, WordOrder
from .profile import ENERGY, FAST, IDENTITY, USUAL_AGE_US, Meaning, Register
from .tables import Table, did_you_mean

MODBUS_MAX_REGISTERS = 125  # Modbus application protocol V1.1b3, 6.3 and 6.4
ENERGY_UNITS_WH = {"Wh": Decimal(1), "kWh": Decimal(1000), "MWh": Decimal(1_000_000)}
COARSEST_WH = Decimal(10_000_000)
"""10 MWh: an hour of a 10 MW plant. A register that moves so seldom tells no interval from another."""
POWER_UNITS_W = {"W": Decimal(1), "kW": Decimal(1000)}


Absent = Mapping[DataType, frozenset[int]]
"""Further "not implemented" words of a device, by type."""


def read_absent(table: Table) -> Absent:
    """The table [absent]: type = list of raw words, as one unsigned number each."""
    found = {}
    for key in table.plain():
        data_type = DataType(key) if key in {kind.value for kind in WORDS} else None
        if data_type is None:
            table.fail(key, f"unknown type; {did_you_mean(key, [kind.value for kind in WORDS])}")
        found[data_type] = frozenset(table.integers(key, 0, 2 ** (16 * WORDS[data_type]) - 1))
    return found


def read_register(
    table: Table, default_function: int, factors: dict[str, int] | None = None, absent: Absent | None = None
) -> Register:
    """Raises ProfileError. `factors`: a SunSpec model's scale factors; `absent`: the device's own sentinels."""
    name = table.text("name")
    meaning = Meaning(name) if name in {kind.value for kind in Meaning} - {"other"} else Meaning.OTHER
    data_type = DataType(choice(table, "type", [kind.value for kind in DataType]))
    if data_type is DataType.SUNSSF:
        table.fail("type", "a scale factor is named in [models.scale_factors] and used by `scale_factor`")
    if data_type is DataType.STRING:
        words = table.integer("words", 1, MODBUS_MAX_REGISTERS)
        if meaning not in IDENTITY:
            table.fail("type", "only vendor, model, serial and firmware can be a text")
    else:
        words = WORDS[data_type]
    register = Register(
        name=name,
        meaning=meaning,
        function=table.integer("function", 3, 4, default_function),
        address=table.integer("address", 0, 0x10000 - words),
        words=words,
        data_type=data_type,
        unit=_unit(table, meaning),
        scale=table.positive("scale", Decimal(1)),
        scale_factor_address=_scale_factor(table, factors),
        inverted=table.flag("inverted", False),
        digit=_digit(table, meaning, data_type),
        source=table.text("source"),
        confirmed=table.flag("confirmed"),
        max_age_us=_max_age_us(table, meaning),
        rollover=table.positive("rollover") if table.has("rollover") else None,
        rollover_bits=table.integer("rollover_bits", 8, 16 * words) if table.has("rollover_bits") else None,
        order=WordOrder(choice(table, "word_order", [one.value for one in WordOrder]))
        if table.has("word_order")
        else None,
        plus=table.integers("plus", 0, 0x10000 - words) if table.has("plus") else (),
        absent=_absent(table, words) | (absent or {}).get(data_type, frozenset()),
        magnitude=table.flag("magnitude", False),
        codes=_codes(table, meaning, data_type),
    )
    if register.plus and (meaning not in ENERGY or table.has("rollover") or table.has("rollover_bits")):
        table.fail("plus", "only energy without a rollover can be a sum of registers: each rolls over for itself")
    if register.magnitude and (meaning not in ENERGY or data_type not in SIGNED):
        table.fail("magnitude", "only energy as a signed integer can stand below zero")
    _check_rollover(table, register)
    _check_digit(table, register)
    if register.inverted and meaning is not Meaning.POWER:
        table.fail("inverted", "only `power` can be inverted; directions of energy are told by the names")
    if data_type in ACCUMULATORS and meaning not in ENERGY:
        table.fail("type", "an accumulator type is for energy registers; use uint32 or uint64")
    table.finish()
    return register


def _absent(table: Table, words: int) -> frozenset[int]:
    return frozenset(table.integers("absent", 0, 2 ** (16 * words) - 1)) if table.has("absent") else frozenset()


def _codes(table: Table, meaning: Meaning, data_type: DataType) -> tuple[tuple[int, str], ...]:
    """The table `codes` of an identity register: number = what it means."""
    if not table.has("codes"):
        return ()
    if meaning not in IDENTITY or data_type is DataType.STRING:
        table.fail("codes", "only a vendor, model, serial or firmware that is a number can have codes")
    codes = table.table("codes")
    for key in codes.plain():
        if not key.isdecimal():
            codes.fail(key, "a code is a decimal number")
    return tuple((int(key), codes.text(key)) for key in codes.plain())


def _check_rollover(table: Table, register: Register) -> None:
    """Where a register begins again must be said once, in a way that has a meaning, and in whole milliwatt-hours."""
    key = "rollover" if register.rollover is not None else "rollover_bits"
    if not table.has(key):
        return
    if register.meaning not in ENERGY:
        table.fail(key, f"only energy has it; `{register.name}` is neither energy_import nor energy_export")
    if register.rollover is not None and register.rollover_bits is not None:
        table.fail(key, "say it once: as `rollover`, in the unit, or as `rollover_bits`, in raw counts")
    if register.rollover_bits is not None and register.data_type in FLOATS:
        table.fail(key, "a float has no raw counts; use `rollover`, in the unit")
    if register.rollover is not None:
        if register.scale_factor_address is not None:
            table.fail(key, "with a scale factor the counts roll over, not the unit; use `rollover_bits`")
        if (register.rollover * ENERGY_UNITS_WH[register.unit] * MILLIWH_PER_WH) % 1:
            table.fail(key, "must be a whole number of milliwatt-hours")


def _check_digit(table: Table, register: Register) -> None:
    """The last digit is what is uncertain at each edge: one beyond all energy is a slip of the pen."""
    if register.digit is None:
        return
    digit = register.digit if register.data_type in FLOATS else register.digit * register.scale
    if digit * ENERGY_UNITS_WH[register.unit] > COARSEST_WH:
        key = "digit" if table.has("digit") else "scale"
        table.fail(key, f"then its last digit is {digit:g} {register.unit}, and no meter counts so coarsely")


def _unit(table: Table, meaning: Meaning) -> str:
    if meaning in ENERGY:
        return choice(table, "unit", list(ENERGY_UNITS_WH))
    if meaning is Meaning.POWER:
        return choice(table, "unit", list(POWER_UNITS_W))
    return table.text("unit", "")


def _max_age_us(table: Table, meaning: Meaning) -> int:
    if meaning in FAST or meaning in IDENTITY:
        if table.has("max_age_s"):
            table.fail("max_age_s", "energy and power are read each time, identity by [[meter]] identity_every_s")
        return 0
    return table.integer("max_age_s", 0, 86_400, USUAL_AGE_US // 1_000_000) * 1_000_000


def _digit(table: Table, meaning: Meaning, data_type: DataType) -> Decimal | None:
    if meaning not in ENERGY:
        if table.has("digit"):
            table.fail(
                "digit", f"only energy has it; `{table.text('name')}` is neither energy_import nor energy_export"
            )
        return None
    if data_type in FLOATS:
        return table.positive("digit")  # nothing in the bits tells it, so it must be said
    return table.positive("digit", Decimal(1))


def _scale_factor(table: Table, factors: dict[str, int] | None) -> int | None:
    if not table.has("scale_factor"):
        return None
    name = table.text("scale_factor")
    if factors is None:
        table.fail("scale_factor", "only registers of a sunspec model have one; use `scale`")
    if name not in factors:
        table.fail("scale_factor", f"not in [models.scale_factors]; {did_you_mean(name, list(factors))}")
    return factors[name]


def choice(table: Table, key: str, known: Sequence[str], default: str | None = None) -> str:
    """The text of `key`, which must be one of `known`."""
    value = table.text(key, default)
    if value not in known:
        table.fail(key, did_you_mean(value, list(known)))
    return value
