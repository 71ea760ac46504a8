"""What `netmeter read` answers with: a reading as a plain JSON object. Pure."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from drivers import EnergyRegister, MeterIdentity
from drivers.profile import Register

from .read import Reading


def reading_view(reading: Reading, identity: MeterIdentity, registers: Iterable[Register] = ()) -> dict[str, Any]:
    """One reading for people and programs; an energy register that proves nothing is null.

    `registers`: the meter's, which tell the units of `others`.
    """
    snapshot = reading.snapshot
    return {
        "meter": reading.meter,
        "identity": asdict(identity),
        "import_milliwh": register_view(snapshot.energy_import),
        "export_milliwh": register_view(snapshot.energy_export),
        "import_resolution_milliwh": _resolution(snapshot.energy_import),
        "export_resolution_milliwh": _resolution(snapshot.energy_export),
        "power_milliw": snapshot.power_milliw,
        "one_moment": snapshot.one_moment,
        "earliest_utc_us": reading.earliest_us,
        "latest_utc_us": reading.latest_us,
        "clock": reading.clock_state.value,
        "clock_error_us": reading.clock_error_us,
        "others": {name: str(number) for name, number in snapshot.others.items()},
        "units": {one.name: one.unit for one in registers if one.name in snapshot.others and one.unit},
        "notes": list(reading.notes),
    }


def register_view(register: EnergyRegister | None) -> int | None:
    """Milliwatt-hours; None for a register that is absent, or 0 where 0 also means "not implemented"."""
    return None if register is None or register.unproven else register.milliwh


def _resolution(register: EnergyRegister | None) -> int | None:
    return None if register is None or register.unproven else register.resolution_milliwh
