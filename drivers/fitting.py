"""A profile fitted to the device at hand: what the installation changes, not the model. Exact, and pure.

Transformers the meter does not know of, a map that begins elsewhere, another word order, phases summed. Each changes
what the registers mean: a register epoch read by one fitting is not continued by another.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from .decode import WordOrder
from .errors import ProfileError
from .marks import Mark
from .phases import note_of, with_phase_sums
from .profile import ENERGY, Family, Meaning, Profile, Register

HIGHEST_ADDRESS = 0xFFFF


@dataclass(frozen=True, slots=True)
class Fitting:
    """What differs from the profile. The defaults change nothing."""

    ratio: Fraction = Fraction(1)
    """Energy and power are multiplied by it, with their digits and their rollover."""
    word_order: WordOrder | None = None
    base_address: int = 0
    """Added to every address of a profile of family `modbus`."""
    sum_phases: bool = False

    def head(self) -> tuple[tuple[str, str], ...]:
        """For a recording: what must be known to ask and to read the words again. Not the ratio: words have none."""
        order = () if self.word_order is None else (("word_order", self.word_order.value),)
        base = (("base_address", str(self.base_address)),) if self.base_address else ()
        return (*order, *base, *((("sum_phases", "true"),) if self.sum_phases else ()))


def fitting_of(head: Mapping[str, str]) -> Fitting:
    """The fitting that a recording's head tells. Raises ValueError for one that nobody wrote."""
    order = head.get("word_order")
    return Fitting(
        word_order=None if order is None else WordOrder(order),
        base_address=int(head.get("base_address", "0")),
        sum_phases=head.get("sum_phases") == "true",
    )


def fitted(profile: Profile, fitting: Fitting) -> Profile:
    """The profile as this device is read. Raises ProfileError where the profile cannot be fitted so."""
    if fitting == Fitting():
        return profile
    if fitting.base_address and profile.family is Family.SUNSPEC:
        raise ProfileError(f"{profile.path}: a SunSpec map is found by sunspec_base, not by base_address")
    if fitting.sum_phases:
        profile = replace(with_phase_sums(profile), fitted_notes=(note_of(profile.accumulation),))
    profile = _moved(profile, fitting.base_address) if fitting.base_address else profile
    order, ratio = fitting.word_order, fitting.ratio
    return replace(
        profile,
        word_order=order or profile.word_order,
        registers=_multiplied(profile.registers, ratio),
        models=tuple(replace(one, registers=_multiplied(one.registers, ratio)) for one in profile.models),
        variants=tuple(
            replace(one, registers=_multiplied(one.registers, ratio), word_order=order or one.word_order)
            for one in profile.variants
        ),
        fitted=fitting.head(),
    )


def _multiplied(registers: Iterable[Register], ratio: Fraction) -> tuple[Register, ...]:
    """Voltages and currents stay as the meter shows them."""
    counted = (*ENERGY, Meaning.POWER)
    return tuple(replace(one, ratio=one.ratio * ratio) if one.meaning in counted else one for one in registers)


def _moved(profile: Profile, base: int) -> Profile:
    every = (*profile.all_registers, *profile.identity)
    marks = (*profile.marks, *(mark for variant in profile.variants for mark in variant.marks))
    first = min(*(one.first for one in every), *(mark.address for mark in marks), HIGHEST_ADDRESS)
    last = max(*(one.last for one in every), *(mark.address + mark.words - 1 for mark in marks), 0)
    clock = profile.clock
    if clock is not None:
        first, last = min(first, clock.first), max(last, clock.last)
    if first + base < 0 or last + base > HIGHEST_ADDRESS:
        raise ProfileError(
            f"{profile.path}: with base_address = {base} its registers would lie from {first + base} to {last + base},"
            f" outside 0 to {HIGHEST_ADDRESS}"
        )
    if clock is not None:
        flag = clock.dst_address
        clock = replace(clock, address=clock.address + base, dst_address=None if flag is None else flag + base)
    return replace(
        profile,
        registers=_moved_registers(profile.registers, base),
        identity=_moved_registers(profile.identity, base),
        variants=tuple(
            replace(one, registers=_moved_registers(one.registers, base), marks=_moved_marks(one.marks, base))
            for one in profile.variants
        ),
        marks=_moved_marks(profile.marks, base),
        clock=clock,
    )


def _moved_registers(registers: Iterable[Register], base: int) -> tuple[Register, ...]:
    return tuple(one.moved(base) for one in registers)


def _moved_marks(marks: Iterable[Mark], base: int) -> tuple[Mark, ...]:
    return tuple(replace(one, address=one.address + base) for one in marks)
