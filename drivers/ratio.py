"""A profile for a meter behind current or voltage transformers that it does not know of.

Energy and power are multiplied, with their digits and their rollover; voltages and currents stay as the meter shows
them. Exact: the ratio is a whole number, and a scale is a Decimal.
"""

from dataclasses import replace
from decimal import Decimal

from .decode import FLOATS
from .profile import ENERGY, Meaning, Profile, Register


def with_ratio(profile: Profile, ratio: int) -> Profile:
    """The profile with its energy and power registers multiplied by `ratio`."""
    if ratio == 1:
        return profile
    models = tuple(
        replace(layout, registers=tuple(_scaled(one, ratio) for one in layout.registers)) for layout in profile.models
    )
    variants = tuple(
        replace(one, registers=tuple(_scaled(each, ratio) for each in one.registers)) for one in profile.variants
    )
    registers = tuple(_scaled(one, ratio) for one in profile.registers)
    return replace(profile, registers=registers, models=models, variants=variants)


def _scaled(register: Register, ratio: int) -> Register:
    if register.meaning not in ENERGY | {Meaning.POWER}:
        return register
    digit, rollover, times = register.digit, register.rollover, Decimal(ratio)
    if digit is not None and register.data_type in FLOATS:  # of an integer it is told in counts
        digit *= times
    return replace(
        register,
        scale=register.scale * times,
        digit=digit,
        rollover=None if rollover is None else rollover * times,
    )
