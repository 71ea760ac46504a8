"""OBIS codes to a `RegisterSnapshot`: one mapping for every optical meter, to which a profile may add codes.

Totals 1.8.0 and 2.8.0, tariffs, power now and per phase, voltages, currents, the meter's status word and serial number.
Energy that makes no sense raises BadValueError; what is for people and makes no sense is left out. (IEC 62056-61)
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from ..decode import DataType
from ..errors import BadValueError
from ..profile import TARIFF_COUNTERS, Meaning, Register
from ..profile_register import ENERGY_UNITS_WH, POWER_UNITS_W
from ..snapshot import EnergyRegister, MeterIdentity, RegisterSnapshot
from .data_set import DataSet, Value
from .energy import maybe_energy
from .obis import Obis, is_fault_register, maybe_obis
from .readout import Identification

IMPORT_C, EXPORT_C = "1", "2"
SERIAL_CODES = ("0.0.0", "C.1.0", "96.1.0", "C.1.1")
UNITS: Mapping[str, Mapping[str, Decimal]] = {
    "kWh": {unit: factor / 1000 for unit, factor in ENERGY_UNITS_WH.items()},
    "W": POWER_UNITS_W,
    "V": {"V": Decimal(1), "kV": Decimal(1000)},
    "A": {"A": Decimal(1), "mA": Decimal("0.001"), "kA": Decimal(1000)},
    "Hz": {"Hz": Decimal(1)},
}
"""Unit of a value for people -> units that a meter may write, and what one of them is."""


def register_of(name: str, code: str, unit: str, source: str, *, confirmed: bool = True) -> Register:
    """A code as a `Register`: its address is C, D and E, a byte each. Raises ValueError for any other code."""
    found = maybe_obis(code)
    if found is None or not (found.c.isdecimal() and found.d.isdecimal()) or max(int(found.c), int(found.d)) > 255:
        raise ValueError(f"{code} is no code C.D.E in numbers")
    meaning = Meaning(name) if name in ("energy_import", "energy_export", "power") else Meaning.OTHER
    address = int(found.c) << 16 | int(found.d) << 8 | found.e
    kind, one = DataType.UINT32, Decimal(1)
    return Register(name, meaning, 0, address, 1, kind, unit, one, None, False, None, source, confirmed)


_SOURCE = "IEC 62056-61, value groups C to E"
_PHASES = ((20, "_l1"), (40, "_l2"), (60, "_l3"))
STANDARD: tuple[Register, ...] = (
    register_of("energy_import", "1.8.0", "kWh", _SOURCE),
    register_of("energy_export", "2.8.0", "kWh", _SOURCE),
    register_of("power", "16.7.0", "W", _SOURCE),
    *(register_of(f"energy_import_t{n}", f"1.8.{n}", "kWh", _SOURCE) for n in range(1, 5)),
    *(register_of(f"energy_export_t{n}", f"2.8.{n}", "kWh", _SOURCE) for n in range(1, 5)),
    *(register_of(f"energy_import{phase}", f"{c + 1}.8.0", "kWh", _SOURCE) for c, phase in _PHASES),
    *(register_of(f"energy_export{phase}", f"{c + 2}.8.0", "kWh", _SOURCE) for c, phase in _PHASES),
    *(register_of(f"power{phase}", f"{c + 16}.7.0", "W", _SOURCE) for c, phase in _PHASES),
    *(register_of(f"current{phase}", f"{c + 11}.7.0", "A", _SOURCE) for c, phase in _PHASES),
    *(register_of(f"voltage{phase}", f"{c + 12}.7.0", "V", _SOURCE) for c, phase in _PHASES),
    register_of("frequency", "14.7.0", "Hz", _SOURCE),
)


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a telegram says. `taken` are the data sets that the energy registers came from."""

    snapshot: RegisterSnapshot
    taken: tuple[DataSet, ...]
    status: str
    """The meter's status words that are not zero, as it wrote them."""


def snapshot_of(
    data_sets: Sequence[DataSet],
    registers: Sequence[Register],
    *,
    unit_if_none: str | None = None,
    ratio: Fraction = Fraction(1),
    one_moment: bool = False,
    swap_direction: bool = False,
) -> Mapped:
    """The snapshot of a telegram's data sets. Raises BadValueError if an energy register makes no sense."""
    found = {c: maybe_energy(data_sets, c, unit_if_none=unit_if_none) for c in (IMPORT_C, EXPORT_C)}
    energy = {c: None if one is None else _multiplied(one.register, ratio) for c, one in found.items()}
    names = {name for one in found.values() if one is not None for name in one.identifiers}
    current = _current(data_sets)
    power_milliw = _power_milliw(current, ratio)
    imported, exported = energy[IMPORT_C], energy[EXPORT_C]
    if swap_direction:
        imported, exported = exported, imported
        power_milliw = None if power_milliw is None else -power_milliw
    snapshot = RegisterSnapshot(imported, exported, power_milliw, one_moment, _others(current, registers, unit_if_none))
    return Mapped(snapshot, tuple(one for one in data_sets if one.identifier in names), _status(data_sets))


def identity_of(data_sets: Iterable[DataSet], identification: Identification | None) -> MeterIdentity:
    """Who answers: maker and model of the identification, the serial number of the first code that holds one."""
    by_code = {_code(code): one for one in data_sets if (code := maybe_obis(one.identifier)) is not None}
    texts = [by_code[code].value.text.strip(" ") for code in SERIAL_CODES if code in by_code]
    serial = next((text for text in texts if text), None)
    if identification is None:
        return MeterIdentity(serial=serial)
    return MeterIdentity(identification.manufacturer or None, identification.model.strip() or None, serial)


def value_of(data_sets: Iterable[DataSet], code: str) -> Value | None:
    """The value of a code now, however the meter writes it."""
    for one in data_sets:
        found = maybe_obis(one.identifier)
        if found is not None and found.history is None and _code(found) == code:
            return one.value
    return None


def _code(code: Obis) -> str:
    return f"{code.c}.{code.d}.{code.e}"


def _current(data_sets: Iterable[DataSet]) -> dict[int, Value]:
    """Address -> value of now; of a code that comes twice the first."""
    current: dict[int, Value] = {}
    for one in data_sets:
        code = maybe_obis(one.identifier)
        if code is None or code.history is not None or not code.is_electricity:
            continue
        if code.c.isdecimal() and code.d.isdecimal():
            current.setdefault(int(code.c) << 16 | int(code.d) << 8 | code.e, one.value)
    return current


def _multiplied(register: EnergyRegister, ratio: Fraction) -> EnergyRegister:
    """Floored, and the digit widened by what that took."""
    if ratio == 1:
        return register
    low = register.milliwh * ratio
    top = (register.milliwh + register.resolution_milliwh) * ratio
    floored = low.numerator // low.denominator
    return EnergyRegister(milliwh=floored, resolution_milliwh=-(-top.numerator // top.denominator) - floored)


def _number(value: Value | None, unit: str, unit_if_none: str | None = None) -> Decimal | None:
    """The value in `unit`; None where it is no number or its unit is another kind's."""
    if value is None or value.number is None:
        return None
    factor = UNITS.get(unit, {unit: Decimal(1)}).get(value.unit or unit_if_none or unit)
    return None if factor is None else value.number * factor


def _power_milliw(current: Mapping[int, Value], ratio: Fraction) -> int | None:
    """16.7.0, else 1.7.0 less 2.7.0; None for a power whose unit is not written."""
    watts = {c: _watts(current.get(c << 16 | 7 << 8)) for c in (16, 1, 2)}
    net, drawn, given = watts[16], watts[1], watts[2]
    if net is None:
        if drawn is None and given is None:
            return None
        net = (drawn or Decimal(0)) - (given or Decimal(0))
    exact = Fraction(net) * 1000 * ratio
    return round(exact)


def _watts(value: Value | None) -> Decimal | None:
    return None if value is None or value.unit is None else _number(value, "W")


def _others(
    current: Mapping[int, Value], registers: Iterable[Register], unit_if_none: str | None
) -> dict[str, Decimal]:
    others: dict[str, Decimal] = {}
    for register in registers:
        if register.meaning is not Meaning.OTHER:
            continue
        unit_none = unit_if_none if register.name.startswith(TARIFF_COUNTERS) else None
        number = _number(current.get(register.address), register.unit, unit_none)
        if number is not None:
            others[register.name] = number
    return others


def _status(data_sets: Iterable[DataSet]) -> str:
    words = [one for one in data_sets if is_fault_register(one.identifier) and one.value.text.strip(" 0")]
    return " ".join(f"{one.identifier}({one.value.text})" for one in words)


def check_energy(snapshot: RegisterSnapshot) -> RegisterSnapshot:
    """The same. Raises BadValueError for a telegram without any energy register."""
    if snapshot.energy_import is None and snapshot.energy_export is None:
        raise BadValueError("the telegram holds neither 1.8.0 nor 2.8.0 in a unit of energy: nothing to count")
    return snapshot
