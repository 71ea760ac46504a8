"""From a profile to the meter that talks as it says. The one place that knows every kind of polled meter."""

from functools import partial

from .meter import Stepped
from .modbus.link import ModbusLink
from .modbus.meter import ModbusMeter
from .modbus.probe import ProbedMeter
from .modbus.sunspec import SunSpecMeter
from .profile import Family, Profile


def open_polled(
    profile: Profile,
    link: ModbusLink,
    unit: int,
    *,
    swap_direction: bool = False,
    sunspec_base: int | None = None,
    sunspec_model: int | None = None,
    sunspec_meter: int | None = None,
    produces: bool = False,
    max_registers: int | None = None,
) -> Stepped:
    """A meter of `profile` at `unit` behind `link`. Nothing is sent before the first question."""
    if profile.variants or profile.verify:
        make = partial(open_polled, link=link, unit=unit, swap_direction=swap_direction, max_registers=max_registers)
        return ProbedMeter(profile, link, unit, make)
    if profile.family is Family.SUNSPEC:
        return SunSpecMeter(
            profile,
            link,
            unit,
            base=sunspec_base,
            model=sunspec_model,
            number=sunspec_meter,
            produces=produces,
            swap_direction=swap_direction,
            max_registers=max_registers,
        )
    return ModbusMeter(profile, link, unit, swap_direction=swap_direction, max_registers=max_registers)
