"""What a register epoch is read by: the profile's name, and a digest of all that turns words into energy.

Kept with the epoch. When it differs, registers from before and after cannot be compared, and the epoch is closed. What
does not change the meaning of a register (its last digit, its source, other values) is not in it.
"""

import hashlib
import json

from drivers.profile import ENERGY, Profile

from .decision import Basis


def basis_of(profile: Profile, swap_direction: bool) -> Basis:
    """The basis of a meter read by `profile`, its ratio already put in."""
    groups = [profile.all_registers, *(layout.registers for layout in profile.models)]
    energy = [
        [
            register.name,
            register.function,
            register.address,
            register.data_type.value,
            register.unit,
            str(register.scale.normalize()),
            register.scale_factor_address,
            *([register.order, *register.plus] if register.order or register.plus else []),
        ]
        for group in groups
        for register in group
        if register.meaning in ENERGY
    ]
    words = json.dumps([profile.word_order.value, swap_direction, energy], separators=(",", ":"))
    return Basis(profile.name, hashlib.sha256(words.encode()).hexdigest()[:16])
