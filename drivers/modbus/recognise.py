"""Which profile is the device behind a unit number of? By the profiles' own marks and by SunSpec's; never by a guess.

Steps: only reads are sent. Profiles that hold equally well are all told, and none is chosen. (docs/profiles.md,
Identity; SunSpec Device Information Model Specification)
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..build import open_polled
from ..errors import BadValueError, ConfigurationError, DriverError, TransportLostError
from ..marks import Likeness, likeness
from ..meter import Sample
from ..profile import Family, Profile
from ..snapshot import MeterIdentity
from ..steps import Steps
from .presence import Inquiry
from .sunspec import BASES, MARKER

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


def recognise(inquiry: Inquiry, profiles: Sequence[Profile]) -> Steps[Recognition]:
    """Everything that reading tells of who stands at the inquiry's unit. Raises TransportLostError."""
    base = yield from _sunspec_base(inquiry)
    matches = yield from _matches(inquiry, profiles, is_sunspec=base is not None)
    kept: list[Match] = []
    notes: list[str] = []
    asking: list[Match] = []
    best: tuple[Match, MeterIdentity, Sample | None] | None = None
    for match in matches:
        if best is not None and match.rank < best[0].rank:
            kept.append(match)  # it would not be chosen: its registers are not worth the time
            continue
        try:
            identity, sample = yield from _read(inquiry, match.profile)
        except TransportLostError:
            raise
        except (ConfigurationError, BadValueError) as error:
            if not match.profile.variants:
                notes.append(f"not {match.profile.name}: {error}")
                continue
            notes.append(str(error))  # it asks the user which variant holds
            asking.append(match)
            identity, sample = MeterIdentity(), None
        except DriverError as error:
            notes.append(f"{match.profile.name}: {error}")
            identity, sample = MeterIdentity(), None
        kept.append(match)
        best = best or (match, identity, sample)
    rivals = [match for match in kept if best is not None and match.rank == best[0].rank]
    chosen = rivals[0] if len(rivals) == 1 and rivals[0] not in asking else None
    raw = () if kept else (yield from _raw(inquiry))
    return Recognition(
        chosen=chosen,
        matches=tuple(rivals) if chosen is None else tuple(kept),
        identity=MeterIdentity() if best is None else best[1],
        sample=None if best is None else best[2],
        sunspec_base=base,
        notes=tuple(notes),
        raw=raw,
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
    return sorted(found, key=lambda match: match.rank, reverse=True)


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


def _read(inquiry: Inquiry, profile: Profile) -> Steps[tuple[MeterIdentity, Sample]]:
    """Who it says it is and what its registers hold, by a profile."""
    polled = open_polled(profile, inquiry.link, inquiry.unit)
    try:
        identity = yield from polled.identify_steps()
    except ConfigurationError:
        identity = MeterIdentity()
    sample = yield from polled.read_steps()
    return identity, sample


def _raw(inquiry: Inquiry) -> Steps[tuple[tuple[int, int, tuple[int, ...]], ...]]:
    found = []
    for function, address, count in RAW_PLACES:
        words = yield from inquiry.ask(function, address, count)
        if words is not None:
            found.append((function, address, words))
    return tuple(found)
