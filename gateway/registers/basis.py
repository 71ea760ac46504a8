"""What a register epoch is read by: the profile's name, and a digest of all that turns words into energy.

Kept with the epoch. When it differs, registers from before and after cannot be compared, and the epoch is closed. What
does not change the meaning of a register (its last digit, its source, other values) is not in it. What a device itself
was found to need, of what its profile leaves open, comes with each reading (`Reading.read_by`).
"""

import hashlib
import json
from collections.abc import Mapping

from drivers.profile import ENERGY, Profile, Register

from ..decision import NOTHING, Basis


def basis_of(
    profile: Profile, swap_direction: bool, chosen: Mapping[str, int] = NOTHING, unfitted: Profile | None = None
) -> Basis:
    """The basis of a meter read by `profile`, already fitted to it. `chosen`: which of a device's several meters.

    `unfitted`: the same before that, by which a changed file is told from a changed option.
    """
    own = "" if unfitted is None else _digest(unfitted, False, NOTHING)
    return Basis(profile.name, _digest(profile, swap_direction, chosen), own)


def _digest(profile: Profile, swap_direction: bool, chosen: Mapping[str, int]) -> str:
    groups = [profile.all_registers, *(layout.registers for layout in profile.models)]
    energy = [
        [
            register.name,
            register.function,
            register.address,
            register.data_type.value,
            register.unit,
            _multiplier(register),
            register.scale_factor_address,
            *([register.order, *register.plus] if register.order or register.plus else []),
        ]
        for group in groups
        for register in group
        if register.meaning in ENERGY
    ]
    meant: list[object] = [profile.word_order.value, swap_direction, energy]
    meant += [sorted(chosen.items())] if chosen else []
    meant += [[str(one.word_order) for one in profile.variants]] if profile.variants else []
    words = json.dumps(meant, separators=(",", ":"))
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def _multiplier(register: Register) -> str:
    whole = str((register.scale * register.ratio.numerator).normalize())
    return whole if register.ratio.denominator == 1 else f"{whole}/{register.ratio.denominator}"
