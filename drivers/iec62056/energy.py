"""From data sets to energy registers: which sets are the import and the export, and how many milliwatt-hours they say.

The total (1.8.0, 2.8.0) where the meter shows it, else the sum of its tariff registers (1.8.1 and on). Floored once, in
integers. A unit that is missing is never guessed: whoever knows the meter hands it in. Two different values under one
code are no value.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from ..decode import ABSURD_MILLIWH
from ..errors import BadValueError
from ..snapshot import EnergyRegister
from .data_set import DataSet, Value
from .obis import ENERGY_D, Obis, maybe_obis

MILLIWH_OF_UNIT = {"Wh": 1000, "kWh": 10**6, "MWh": 10**9, "GWh": 10**12}


@dataclass(frozen=True, slots=True)
class Energy:
    """One direction's register and the identifiers that it was taken from, as the meter wrote them."""

    register: EnergyRegister
    identifiers: tuple[str, ...]


def maybe_energy(data_sets: Iterable[DataSet], c: str, *, unit_if_none: str | None = None) -> Energy | None:
    """The register of one direction (`c`: "1" import, "2" export); None if the meter shows none with a known unit.

    Raises BadValueError for what no meter can mean, and where one code has two different values.
    """
    by_tariff: dict[int, DataSet] = {}
    for one in data_sets:
        code = maybe_obis(one.identifier)
        if code is None or not _is_current(code, c):
            continue
        other = by_tariff.setdefault(code.e, one)
        if other.value != one.value:
            first, second = (f"{here.identifier}({here.value.text})" for here in (other, one))
            raise BadValueError(f"{first} and {second}: two values of one register")
    chosen = {0: by_tariff[0]} if 0 in by_tariff else dict(sorted(by_tariff.items()))
    return _summed(chosen, unit_if_none) if chosen else None


def energy_register(value: Value, *, unit_if_none: str | None = None) -> EnergyRegister | None:
    """A value as energy, floored to milliwatt-hours; None where its unit is not known or is none of energy."""
    number = value.number
    scale = MILLIWH_OF_UNIT.get(value.unit or unit_if_none or "")
    if number is None or scale is None:
        return None
    if number < 0:
        raise BadValueError(f"energy register below zero: {value.text:.60}")
    exact = Fraction(number) * scale
    if exact > ABSURD_MILLIWH:
        raise BadValueError(f"energy register of {value.text:.60}: no meter counts above 1000 GWh")
    top = exact + digit_of(number) * scale
    floored = exact.numerator // exact.denominator
    return EnergyRegister(milliwh=floored, resolution_milliwh=max(1, -(-top.numerator // top.denominator) - floored))


def digit_of(number: Decimal) -> Fraction:
    """The size of the last digit that is shown."""
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)  # a Value's number is finite
    return Fraction(10) ** exponent


def _is_current(code: Obis, c: str) -> bool:
    return code.is_electricity and code.c == c and code.d == ENERGY_D and code.history is None


def _summed(chosen: Mapping[int, DataSet], unit_if_none: str | None) -> Energy | None:
    registers = [energy_register(one.value, unit_if_none=unit_if_none) for one in chosen.values()]
    known = [register for register in registers if register is not None]
    if len(known) != len(registers):
        return None  # one tariff's share is missing: a sum without it would be too small
    return Energy(
        EnergyRegister(
            milliwh=sum(register.milliwh for register in known),
            resolution_milliwh=sum(register.resolution_milliwh for register in known),
        ),
        tuple(one.identifier for one in chosen.values()),
    )
