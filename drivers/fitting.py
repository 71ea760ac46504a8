"""A profile fitted to the device at hand: what the installation changes, not the model. Exact, and pure.

Transformers the meter does not know of, a map that begins elsewhere, another word order, phases summed. Each changes
what the registers mean: a register epoch read by one fitting is not continued by another.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from .decode import WordOrder
from .errors import ProfileError
from .phases import NOTE, with_phase_sums
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
        profile = replace(with_phase_sums(profile), fitted_notes=(NOTE,))
    profile = _moved(profile, fitting.base_address) if fitting.base_address else profile
    return replace(
        profile,
        word_order=fitting.word_order or profile.word_order,
        registers=tuple(_multiplied(one, fitting.ratio) for one in profile.registers),
        models=tuple(
            replace(layout, registers=tuple(_multiplied(one, fitting.ratio) for one in layout.registers))
            for layout in profile.models
        ),
        fitted=fitting.head(),
    )


def _multiplied(register: Register, ratio: Fraction) -> Register:
    """Voltages and currents stay as the meter shows them."""
    counts = register.meaning in ENERGY or register.meaning is Meaning.POWER
    return replace(register, ratio=register.ratio * ratio) if counts else register


def _moved(profile: Profile, base: int) -> Profile:
    every = (*profile.registers, *profile.identity)
    first, last = min(one.first for one in every), max(one.last for one in every)
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
        registers=tuple(one.moved(base) for one in profile.registers),
        identity=tuple(one.moved(base) for one in profile.identity),
        clock=clock,
    )
