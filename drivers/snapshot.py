"""What a meter said in one moment: integers, resolutions, identity. No time of ours inside.

Energy is floored once, here at the edge of the drivers, to integer milliwatt-hours.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

_NOTHING: Mapping[str, Decimal] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class EnergyRegister:
    """One cumulative energy register.

    The energy that the meter itself has counted lies in
    [milliwh - rounding_milliwh, milliwh + resolution_milliwh).
    """

    milliwh: int
    """Register value, floored to milliwatt-hours."""
    resolution_milliwh: int
    """Size of the last digit (for a float: digit plus the float's step at this size), rounded up; >= 1."""
    rounding_milliwh: int = 0
    """How far the true count may lie below: half the step of a float register, else 0."""
    unproven: bool = False
    """True for an accumulator that reads 0 where 0 also means "not implemented" (SunSpec acc32/acc64)."""
    modulus_milliwh: int | None = None
    """The register's width: after this much it begins again at 0. None where the profile does not tell."""

    def __post_init__(self) -> None:
        if self.milliwh < 0:
            raise ValueError(f"energy register below zero: {self.milliwh} mWh")
        if self.resolution_milliwh < 1 or self.rounding_milliwh < 0:
            raise ValueError(f"bad resolution {self.resolution_milliwh} / rounding {self.rounding_milliwh} mWh")


@dataclass(frozen=True, slots=True)
class MeterIdentity:
    """Who answers: as the device's own identity block says it, blanks stripped; None where the map has none."""

    vendor: str | None = None
    model: str | None = None
    serial: str | None = None
    firmware: str | None = None


@dataclass(frozen=True, slots=True)
class RegisterSnapshot:
    """All registers of one reading. None means the device does not have it or says "not implemented"."""

    energy_import: EnergyRegister | None
    """Energy drawn from the grid, as the service sees it (direction swap already applied)."""
    energy_export: EnergyRegister | None
    power_milliw: int | None
    """Active power now, positive = import, negative = export, milliwatts."""
    one_moment: bool
    """True where import and export came from one request (one latch of the meter)."""
    others: Mapping[str, Decimal]
    """Further values by profile name (voltage_l1, frequency ...), in the profile's unit; for people, not accounted."""

    def accounted(self, counters: Collection[str] = ()) -> "RegisterSnapshot":
        """Without what is for people: readings are kept by the minute, and it is most of one.

        `counters`: names of others that are looked at all the same.
        """
        kept = {name: self.others[name] for name in counters if name in self.others} if counters else _NOTHING
        return RegisterSnapshot(self.energy_import, self.energy_export, self.power_milliw, self.one_moment, kept)
