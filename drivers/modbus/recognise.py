"""Which profile is the device behind a unit number of? By the profiles' own marks and by SunSpec's; never by a guess.

Steps: only reads are sent. Profiles that hold equally well are all told, and none is chosen. (docs/profiles.md,
Identity; SunSpec Device Information Model Specification)
"""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ..build import open_polled
from ..errors import BadValueError, ConfigurationError, DriverError, TransportLostError
from ..marks import Likeness, likeness
from ..meter import Sample
from ..profile import ENERGY, Family, Profile
from ..snapshot import MeterIdentity
from ..steps import Steps
from ..want import Want
from .chain import BASES, INVERTERS, MARKER, find_chain
from .presence import Inquiry

RAW_PLACES = ((3, 0, 4), (4, 0, 4), (4, 0x0B, 1), (3, 0x0B, 1), (3, 0xFC00, 2), (3, 0x0031, 8), (3, 0x8960, 4))
"""(function, address, count) that are shown of a device that no profile knows: where makers keep type and number."""


@dataclass(frozen=True, slots=True)
class Match:
    """A profile that a device is of, how surely, and by how many marks."""

    profile: Profile
    likeness: Likeness
    marks: int

    @property
    def rank(self) -> tuple[bool, bool, int]:
        """A map that describes itself is above a type code, that above plausible numbers; then more marks."""
        return self.likeness is Likeness.PROVEN, self.profile.family is Family.SUNSPEC, self.marks


@dataclass(frozen=True, slots=True)
class Recognition:
    """What is known of one unit. `chosen`: None where no profile fits, or several fit equally well (`matches`)."""

    chosen: Match | None
    matches: tuple[Match, ...]
    identity: MeterIdentity
    sample: Sample | None
    sunspec_base: int | None
    notes: tuple[str, ...]
    raw: tuple[tuple[int, int, tuple[int, ...]], ...] = ()
    """(function, address, words) of a device that no profile knows."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A match, and what the device says when it is read by that profile."""

    match: Match
    identity: MeterIdentity
    sample: Sample | None = None
    asks: bool = False
    """The profile asks the user which variant holds."""

    @property
    def fit(self) -> tuple[int, int, int]:
        """How well the profile's other registers suit the device: voltages that it has, and has not, and the rest."""
        names = {one.name for one in self.match.profile.registers}
        others = {} if self.sample is None else self.sample.snapshot.others
        if self.match.profile.family is Family.MODBUS:
            others = {name: value for name, value in others.items() if name in names}
        volts = [value for name, value in others.items() if name.startswith("voltage")]
        dead = sum(value == 0 for value in volts)
        return len(volts) - dead, -dead, sum(value != 0 for value in others.values())


def recognise(inquiry: Inquiry, profiles: Sequence[Profile]) -> Steps[Recognition]:
    """Everything that reading tells of who stands at the inquiry's unit. Raises TransportLostError."""
    base = yield from _sunspec_base(inquiry)
    matches = yield from _matches(inquiry, profiles, is_sunspec=base is not None)
    notes: list[str] = []
    best: list[_Read] = []
    lesser: list[Match] = []
    for match in matches:
        if best and match.rank < best[0].match.rank:
            lesser.append(match)  # it would not be chosen: its registers are not worth the time
            continue
        twin = next((read for read in best if _is_part_of(match.profile, read)), None)
        if twin is not None:
            best.append(replace(twin, match=match))  # the same words, and fewer of them
            continue
        read = yield from _read(inquiry, match, notes)
        if read is not None:
            best.append(read)
    chosen = _chosen(best, notes)
    shown = chosen or (best[0] if best else None)
    raw = () if best else (yield from _raw(inquiry))
    return Recognition(
        chosen=None if chosen is None else chosen.match,
        matches=(*(read.match for read in best), *(lesser if chosen is not None else ())),
        identity=MeterIdentity() if shown is None else shown.identity,
        sample=None if chosen is None else chosen.sample,
        sunspec_base=base,
        notes=tuple(notes),
        raw=raw,
    )


def _chosen(best: Sequence[_Read], notes: list[str]) -> _Read | None:
    """The only one; of several, one that all agree with on where the energy stands: then nothing hangs on which."""
    if len(best) == 1:
        return None if best[0].asks else best[0]
    if not best or any(read.asks or read.sample is None for read in best):
        return None
    if len({_energy_map(read.match.profile) for read in best}) > 1:
        return None
    first, *others = sorted(best, key=lambda read: read.fit, reverse=True)
    names = ", ".join(read.match.profile.name for read in others)
    notes.append(f"{names} would read the same energy registers; {first.match.profile.name} is taken, which fits best")
    return first


def _is_part_of(profile: Profile, read: _Read) -> bool:
    """Whether all that `profile` would ask for has been read, and means the same."""
    other = read.match.profile
    if read.asks or read.sample is None or Family.SUNSPEC in (profile.family, other.family):
        return False
    if profile.variants or other.variants or profile.word_order is not other.word_order:
        return False
    return _places(profile) <= _places(other)


def _places(profile: Profile) -> set[tuple[object, ...]]:
    return {
        (one.name, one.function, one.address, one.data_type, one.unit, one.scale, one.scale_factor_address)
        for one in (*profile.registers, *profile.identity)
    }


def _energy_map(profile: Profile) -> tuple[object, ...]:
    """Where the profile has its energy, and how it is meant."""
    if profile.family is Family.SUNSPEC or profile.variants:
        return (profile.name,)
    return (
        profile.word_order,
        *sorted(
            (one.name, one.function, one.address, one.data_type, one.unit, one.scale, one.scale_factor_address)
            for one in profile.registers
            if one.meaning in ENERGY
        ),
    )


def _sunspec_base(inquiry: Inquiry) -> Steps[int | None]:
    for base in BASES:
        if (yield from inquiry.ask(3, base, len(MARKER))) == MARKER:
            return base
    return None


def _matches(inquiry: Inquiry, profiles: Iterable[Profile], *, is_sunspec: bool) -> Steps[list[Match]]:
    """The profiles whose marks hold, the surest first."""
    found = []
    for profile in profiles:
        if profile.family is Family.SUNSPEC:
            if is_sunspec:
                found.append(Match(profile, Likeness.PROVEN, len(MARKER)))
            continue
        match = yield from _match(inquiry, profile)
        if match is not None:
            found.append(match)
    # Of equals the one with the most registers first: what it reads may do for the others.
    return sorted(found, key=lambda match: (match.rank, len(match.profile.registers)), reverse=True)


def _match(inquiry: Inquiry, profile: Profile) -> Steps[Match | None]:
    """Whether the profile's marks hold, or those of one of its variants."""
    shapes = (
        [profile]
        if profile.marks or not profile.variants
        else [profile.as_variant(one.name) for one in profile.variants]
    )
    best: Match | None = None
    for shape in shapes:
        for mark in shape.marks:
            words = yield from inquiry.ask(mark.function, mark.address, mark.words)
            if words is None or not mark.holds(words, shape.word_order):
                break
        verdict = likeness(shape.marks, inquiry.words, shape.word_order)
        match = Match(profile, verdict, len(shape.marks))
        if verdict is not Likeness.OTHER and (best is None or match.rank > best.rank):
            best = match
    return best


def _read(inquiry: Inquiry, match: Match, notes: list[str]) -> Steps[_Read | None]:
    """The device as the match's profile reads it; None where that shows that it is another."""
    identity = MeterIdentity()
    is_sunspec = match.profile.family is Family.SUNSPEC
    try:
        produces = is_sunspec and (yield from _is_inverter(inquiry, match.profile))
        polled = open_polled(match.profile, inquiry.link, inquiry.unit, produces=produces)
        with contextlib.suppress(ConfigurationError):
            identity = yield from polled.identify_steps()
        sample = yield from polled.read_steps(want=Want.ALL)
        if produces:
            notes.append('an inverter: it counts what was produced, and is read where role = "production"')
        return _Read(match, identity, sample)
    except TransportLostError:
        raise
    except (ConfigurationError, BadValueError) as error:
        if is_sunspec and isinstance(error, ConfigurationError):
            notes.append(str(error))  # the map is there; which of its meters is meant, only the user can say
            return _Read(match, identity)
        if match.profile.variants:
            notes.append(str(error))  # it asks the user which variant holds
            return _Read(match, MeterIdentity(), asks=True)
        notes.append(f"not {match.profile.name}: {error}")
        return None
    except DriverError as error:
        notes.append(f"{match.profile.name}: {error}")
        return _Read(match, identity)


def _is_inverter(inquiry: Inquiry, profile: Profile) -> Steps[bool]:
    """Whether a SunSpec chain has nothing to be read but an inverter's counts. Raises DriverError."""

    def ask(address: int, count: int) -> Steps[tuple[int, ...]]:
        return (yield from inquiry.link.ask_patiently(inquiry.unit, 3, address, count)).words

    chain = yield from find_chain(ask, None, f"{inquiry.link.name} unit {inquiry.unit}")
    known = [place.model for place in chain.models if profile.model_layout(place.model) is not None]
    return bool(known) and all(model in INVERTERS for model in known)


def _raw(inquiry: Inquiry) -> Steps[tuple[tuple[int, int, tuple[int, ...]], ...]]:
    found = []
    for function, address, count in RAW_PLACES:
        words = yield from inquiry.ask(function, address, count)
        if words is not None:
            found.append((function, address, words))
    return tuple(found)
