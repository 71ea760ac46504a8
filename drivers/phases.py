"""Energy as the sum of what is counted on each phase, instead of the meter's own total. Pure.

A meter that nets its phases against each other (vectorial) counts nothing while one phase imports what another exports;
the sum of its phase registers counts both. Which one is billed is the utility's to say, and the user's to choose.
"""

from collections.abc import Sequence
from dataclasses import replace

from .decode import ACCUMULATORS, FLOATS
from .errors import ProfileError
from .profile import ENERGY, PHASES, Accumulation, Meaning, Profile, Register
from .profile_register import ENERGY_UNITS_WH
from .snapshot import EnergyRegister

NOTE = "import and export are the sums of their phase registers: phases are not netted against each other"
ACCUMULATED = {
    Accumulation.SINGLE_PHASE: "of one phase",
    Accumulation.VECTORIAL: "netted over the phases in each moment (vectorial)",
    Accumulation.PER_PHASE: "such sums themselves",
    Accumulation.SETTABLE: "as the meter is set",
    Accumulation.UNKNOWN: "not known to net them or not",
}


def note_of(accumulation: Accumulation) -> str:
    """For people: how energy is counted, and how the meter's own totals are."""
    return f"{NOTE}. The meter's own totals, which are not used, are {ACCUMULATED[accumulation]}"


def sum_of(one: EnergyRegister | None, other: EnergyRegister | None) -> EnergyRegister | None:
    """Both together; a register that the device does not have adds nothing.

    Each lies in [milliwh - rounding, milliwh + resolution), and so does their sum in the sums of both.
    """
    if one is None or other is None:
        return one or other
    return EnergyRegister(
        milliwh=one.milliwh + other.milliwh,
        resolution_milliwh=one.resolution_milliwh + other.resolution_milliwh,
        rounding_milliwh=one.rounding_milliwh + other.rounding_milliwh,
        unproven=one.unproven and other.unproven,
        # One phase rolls over at a time: the sum falls by that one's width.
        modulus_milliwh=one.modulus_milliwh if one.modulus_milliwh == other.modulus_milliwh else None,
    )


def with_phase_sums(profile: Profile) -> Profile:
    """The profile with `energy_import_l1` to `_l3` for energy instead of `energy_import`; export alike.

    Raises ProfileError where it has no such registers for a direction that it counts.
    """
    if profile.variants:
        choices = " or ".join(f'"{profile.name}@{one.name}"' for one in profile.variants)
        raise ProfileError(f"{profile.path}: phases are summed of one variant: name it, profile = {choices}")
    models = tuple(
        replace(layout, registers=_summed(layout.registers, profile))
        for layout in profile.models
        if _phases_of(layout.registers, Meaning.ENERGY_IMPORT) or _phases_of(layout.registers, Meaning.ENERGY_EXPORT)
    )
    if profile.models and not models:
        raise ProfileError(f"{profile.path}: none of its models has registers per phase: take sum_phases out")
    registers = _summed(profile.registers, profile) if profile.registers else ()
    return replace(profile, registers=registers, models=models)


def _phases_of(registers: Sequence[Register], meaning: Meaning) -> list[Register]:
    names = [meaning.value + phase for phase in PHASES]
    return [one for one in registers if one.name in names and one.meaning is Meaning.OTHER]


def _summed(registers: Sequence[Register], profile: Profile) -> tuple[Register, ...]:
    totals = {one.meaning: one for one in registers if one.meaning in ENERGY}
    phases = {meaning: _phases_of(registers, meaning) for meaning in totals}
    for meaning, found in phases.items():
        if not found:
            raise ProfileError(
                f"{profile.path}: no {meaning.value}_l1 to _l3: this map cannot be summed by phases; "
                "take sum_phases out"
            )
    counted = {one.name: _as_energy(one, totals[meaning], profile) for meaning in phases for one in phases[meaning]}
    return tuple(counted.get(one.name, one) for one in registers if one.meaning not in ENERGY)


def _as_energy(phase: Register, total: Register, profile: Profile) -> Register:
    """A phase's register, counted; what only an energy register tells is taken from the total's."""
    if phase.unit not in ENERGY_UNITS_WH:
        raise ProfileError(f"{profile.path}: {phase.name} has the unit `{phase.unit}`, which is none of energy")
    is_alike = (phase.words, phase.unit, phase.scale) == (total.words, total.unit, total.scale)
    data_type = total.data_type if is_alike and total.data_type in ACCUMULATORS else phase.data_type
    is_alike = is_alike and data_type is total.data_type
    digit = phase.digit or (total.digit if is_alike else None)
    if digit is None and data_type in FLOATS:
        raise ProfileError(
            f"{profile.path}: {phase.name} is a float of another kind than the total: its digit is unknown"
        )
    return replace(
        phase,
        meaning=total.meaning,
        data_type=data_type,
        digit=digit,
        rollover=phase.rollover or (total.rollover if is_alike else None),
        rollover_bits=phase.rollover_bits or (total.rollover_bits if is_alike else None),
        max_age_us=0,
    )
