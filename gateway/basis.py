"""What a register epoch is read by: the profile's name, and a digest of all that turns words into energy.

Kept with the epoch. When it differs, registers from before and after cannot be compared, and the epoch is closed. What
does not change the meaning of a register (its last digit, its source, other values) is not in it.
"""

import hashlib
import json
from collections.abc import Mapping

from drivers.profile import ENERGY, Profile, Register

from .decision import NOTHING, Basis


def basis_of(profile: Profile, swap_direction: bool, chosen: Mapping[str, int] = NOTHING) -> Basis:
    """The basis of a meter read by `profile`, already fitted to it. `chosen`: which of a device's several meters."""
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
    return Basis(profile.name, hashlib.sha256(words.encode()).hexdigest()[:16])


def _multiplier(register: Register) -> str:
    whole = str((register.scale * register.ratio.numerator).normalize())
    return whole if register.ratio.denominator == 1 else f"{whole}/{register.ratio.denominator}"
