"""Which variant of its profile a device is: asked of the device before anything is read, never guessed.

Each variant's energy is asked for, its marks are looked at and its sums are checked. One that alone holds, twice in a
row, is taken. Where several hold, they are taken for one only if they show the same counts, not zero; else the user is
asked. Reads only.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..assemble import assemble_snapshot, worth_of
from ..errors import BadValueError, ConfigurationError, NoAnswerError
from ..marks import Mark, words_at
from ..meter import Sample, Stepped
from ..meter_time import Timed, TimeSample
from ..profile import ENERGY, Profile, Register, Sum
from ..recording import Tape
from ..snapshot import MeterIdentity, RegisterSnapshot
from ..steps import Steps
from ..want import Want
from .link import ModbusLink

ROUNDS = 3
"""How often the variants are looked at: a count that moves between two requests is no difference, and what speaks
against a variant must do so twice in a row, because a device that is starting shows all sorts of things."""
_NEVER = (1, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A variant as the device shows it: what speaks against it, or its energy."""

    profile: Profile
    against: str
    snapshot: RegisterSnapshot | None = None

    @property
    def counts(self) -> tuple[int | None, int | None] | None:
        """Import and export, where any energy was counted."""
        if self.snapshot is None:
            return None
        pair = (self.snapshot.energy_import, self.snapshot.energy_export)
        found = tuple(None if one is None else one.milliwh for one in pair)
        return (found[0], found[1]) if any(found) else None


class ProbedMeter:
    """A meter whose map is known for certain only when the device was asked; a `drivers.Stepped`."""

    def __init__(self, profile: Profile, link: ModbusLink, unit: int, make: Callable[[Profile], Stepped]) -> None:
        """`make`: the meter of a profile without variants."""
        self._profile, self._link, self._unit, self._make = profile, link, unit, make
        self._meter: Stepped | None = None
        self._note: tuple[str, ...] = ()
        self._variant = ""

    @property
    def update_lag_us(self) -> int:
        return self._profile.update_lag_us

    @property
    def registers(self) -> tuple[Register, ...]:
        """Those of the variant that holds; before that is known, those that all share."""
        if self._meter is not None:
            return self._meter.registers
        return (*self._profile.identity, *self._profile.registers)

    def identify(self) -> MeterIdentity:
        return self._link.run(self.identify_steps())

    def read(self, *, want: Want = Want.DUE) -> Sample:
        return self._link.run(self.read_steps(want=want))

    def identify_steps(self) -> Steps[MeterIdentity]:
        """`identify` as steps."""
        meter = yield from self._chosen()
        return (yield from meter.identify_steps())

    def read_steps(self, *, want: Want = Want.DUE) -> Steps[Sample]:
        """`read` as steps; the first one tells which variant holds, and why."""
        meter = yield from self._chosen()
        sample = yield from meter.read_steps(want=want)
        notes, self._note = (*self._note, *sample.notes), ()
        return replace(sample, notes=notes, read_by=self._variant)

    def read_time(self) -> TimeSample:
        return self._link.run(self.read_time_steps())

    def read_time_steps(self) -> Steps[TimeSample]:
        """`read_time` as steps."""
        meter = yield from self._chosen()
        if not isinstance(meter, Timed):
            raise ConfigurationError(f"profile {self._profile.name} has no [clock]")
        return (yield from meter.read_time_steps())

    def record(self, tape: Tape | None) -> None:
        """Take down the conversations from now on, the probing too, so that a tape is whole."""
        if tape is not None:
            self.forget()
            first = (
                self._profile.as_variant(self._profile.variants[0].name) if self._profile.variants else self._profile
            )
            self._make(replace(first, name=self._profile.name, verify=False)).record(tape)
        else:
            self._link.record(None)

    def relearn(self) -> None:
        if self._meter is not None:
            self._meter.relearn()

    def forget(self) -> None:
        """Another device may answer: ask it anew which variant it is."""
        self._meter = None

    def close(self) -> None:
        self._link.close()

    def _chosen(self) -> Steps[Stepped]:
        if self._meter is None:
            profile, why = yield from choose_variant(self._profile, self._link, self._unit)
            self._meter = self._make(profile)
            ways = {_way_of(self._profile.as_variant(one.name)) for one in self._profile.variants}
            self._variant = profile.name.removeprefix(self._profile.name) if len(ways) > 1 else ""
            self._note = (f"read by {profile.name}: {why}",)
        return self._meter


def choose_variant(profile: Profile, link: ModbusLink, unit: int) -> Steps[tuple[Profile, str]]:
    """The variant that holds, and why. Raises ConfigurationError with the question to the user where none is certain.

    A device that does not answer raises what the link raises: silence speaks for no variant, nor against one.
    """
    if not profile.variants:
        return (yield from _verified(profile, link, unit))
    seen: list[_Seen] = []
    before = ""
    for _ in range(ROUNDS):
        seen = []
        for variant in profile.variants:
            seen.append((yield from _look(profile.as_variant(variant.name), link, unit)))
        holding = [one for one in seen if not one.against]
        if not holding or profile.must_be_answered:
            break
        if len(holding) == 1 and before == holding[0].profile.name:
            others = "; ".join(f"{one.profile.name}: {one.against}" for one in seen if one.against)
            return holding[0].profile, f"the others do not fit ({others})"
        before = holding[0].profile.name if len(holding) == 1 else ""
        if len(holding) > 1 and _are_one(holding):
            return holding[0].profile, "every variant that fits shows the same counts"
    listed = "; ".join(f"{one.profile.name}: {one.against or _shown(one)}" for one in seen)
    raise ConfigurationError(
        f"{link.name} unit {unit}: {profile.question} Answer with the profile's name in gateway.toml, "
        f'profile = "{seen[0].profile.name}" for example. The device shows {listed}'
    )


def _verified(profile: Profile, link: ModbusLink, unit: int) -> Steps[tuple[Profile, str]]:
    """The profile, to be read at once, where the device bears its marks. Raises ConfigurationError where not."""
    image: dict[tuple[int, int], int] = {}
    for mark in profile.marks:
        try:
            reply = yield from link.ask_patiently(unit, mark.function, mark.address, mark.words)
        except ConfigurationError as error:
            if error.code not in _NEVER:
                raise
            continue
        image.update({(mark.function, mark.address + n): word for n, word in enumerate(reply.words)})
    against = [found for found in (_unlike(mark, image, profile) for mark in profile.marks) if found]
    if against:
        raise ConfigurationError(
            f"{link.name} unit {unit}: this is no {profile.title}: {'; '.join(against)}. "
            "Name another profile in gateway.toml"
        )
    return replace(profile, verify=False), "it bears the marks of the model"


def _are_one(holding: list[_Seen]) -> bool:
    """Whether variants that read energy in different ways read the same, and not zero: then it is the same counter."""
    ways = {_way_of(seen.profile) for seen in holding}
    counts = {seen.counts for seen in holding}
    return len(ways) == len(holding) and len(counts) == 1 and None not in counts


def _way_of(profile: Profile) -> tuple[object, ...]:
    """How it reads energy."""
    return tuple(
        (one.function, one.address, one.plus, one.data_type, one.unit, one.scale, one.order or profile.word_order)
        for one in profile.registers
        if one.meaning in ENERGY
    )


def _shown(seen: _Seen) -> str:
    snapshot = seen.snapshot
    pairs = (("import", snapshot.energy_import), ("export", snapshot.energy_export)) if snapshot is not None else ()
    return ", ".join(f"{name} {one.milliwh / 1_000_000:.3f} kWh" for name, one in pairs if one is not None) or "nothing"


def _look(profile: Profile, link: ModbusLink, unit: int) -> Steps[_Seen]:
    """Ask for what tells this variant from the others, one register a request: a device may refuse any of them."""
    summed = {name for one in profile.sums for name in (one.total, *one.parts)}
    wanted = [one for one in profile.registers if one.meaning in ENERGY or one.name in summed]
    places = [(one.function, one.first, one.last - one.first + 1, one.name) for one in wanted]
    places += [(mark.function, mark.address, mark.words, mark.name) for mark in profile.marks]
    image: dict[tuple[int, int], int] = {}
    for function, address, count, name in places:
        try:
            reply = yield from link.ask_patiently(unit, function, address, count)
        except ConfigurationError as error:
            if error.code not in _NEVER:
                raise
            return _Seen(profile, f"it has no {name} at 0x{address:04X}")
        except NoAnswerError as error:
            hint = (
                f"asked whether it is read by {profile.name}; a device that never answers there needs its variant named"
            )
            raise NoAnswerError(f"{error} ({hint})") from error
        image.update({(function, address + n): word for n, word in enumerate(reply.words)})
    return _judged(profile, wanted, image)


def _judged(profile: Profile, wanted: list[Register], image: dict[tuple[int, int], int]) -> _Seen:
    for mark in profile.marks:
        against = _unlike(mark, image, profile)
        if against:
            return _Seen(profile, against)
    for one in profile.sums:
        against = _unequal(one, wanted, image, profile)
        if against:
            return _Seen(profile, against)
    try:
        snapshot = assemble_snapshot(wanted, image, profile.word_order, one_moment=False)
    except BadValueError as error:
        return _Seen(profile, str(error))
    if snapshot.energy_import is None and snapshot.energy_export is None:
        return _Seen(profile, "its energy is `not implemented`")
    return _Seen(profile, "", snapshot)


def _unlike(mark: Mark, image: dict[tuple[int, int], int], profile: Profile) -> str:
    words = words_at(mark, image)
    if words is not None and mark.holds(words, profile.word_order):
        return ""
    shown = "nothing" if words is None else mark.shown(words, profile.word_order)
    return f"{mark.name} at 0x{mark.address:04X} is {shown}"


def _unequal(one: Sum, wanted: list[Register], image: dict[tuple[int, int], int], profile: Profile) -> str:
    """What speaks against a sum; a sum of nothing proves nothing, and does not hold."""
    registers = {register.name: register for register in wanted}
    try:
        found = [
            worth_of(
                register,
                tuple(image[register.function, register.address + n] for n in range(register.words)),
                image,
                profile.word_order,
            )
            for register in (registers[name] for name in (one.total, *one.parts))
        ]
    except BadValueError as error:
        return str(error)
    there = [value for value in found if value is not None]
    if len(there) < len(found):
        return f"{one.total} or a part of it is `not implemented`"
    total, parts = there[0], sum(there[1:], there[0] - there[0])
    if not total or abs(total - parts) > one.tolerance:
        return f"{one.total} is {total}, its parts are {parts}"
    return ""
