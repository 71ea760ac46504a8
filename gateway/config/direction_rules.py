"""Whether both directions of a meter count alike: the energy registers of a profile have one scale and one last digit.

Says what differs; changes nothing and refuses nothing, for a map may be as odd as its meter.
(52 Pa. Code 75.14: one meter that measures both directions at the same rate)
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from drivers.decode import FLOATS
from drivers.profile import Meaning, Profile, Register
from drivers.profile_register import ENERGY_UNITS_WH

MEND = "a slip in the profile makes one direction's bill wrong: hold both against the display (`netmeter read --raw`)"


def unlike_directions(profile: Profile) -> str:
    """What one register of energy has and the other has not; empty where they are alike or one of them is missing.

    On an optical port each value comes with its unit and digits, and the profile says neither.
    """
    if profile.optical is not None:
        return ""
    told = (_unlike(group) for group in _groups(profile))
    return next((one for one in told if one), "")


def _groups(profile: Profile) -> Iterator[Sequence[Register]]:
    yield profile.registers
    yield from (one.registers for one in profile.models)
    yield from (profile.as_variant(one.name).registers for one in profile.variants)


def _unlike(registers: Sequence[Register]) -> str:
    by_meaning = {one.meaning: one for one in registers}
    taken, given = by_meaning.get(Meaning.ENERGY_IMPORT), by_meaning.get(Meaning.ENERGY_EXPORT)
    if taken is None or given is None:
        return ""
    if taken.scale_factor_address != given.scale_factor_address:
        return "import and export have different scale factors"
    for what, of in (("a count", _count_wh), ("the last digit", _digit_wh)):
        if of(taken) != of(given):
            return f"{what} is {of(taken).normalize():f} Wh of import and {of(given).normalize():f} Wh of export"
    return ""


def _count_wh(register: Register) -> Decimal:
    return register.scale * ENERGY_UNITS_WH[register.unit]


def _digit_wh(register: Register) -> Decimal:
    assert register.digit is not None, "the profile's reader has seen to it, but for optical ports"
    unit_wh = ENERGY_UNITS_WH[register.unit]
    return register.digit * (unit_wh if register.data_type in FLOATS else unit_wh * register.scale)
