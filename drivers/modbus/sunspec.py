"""A SunSpec device: find the map, walk the chain of models, read the metering model.

Which meter of several is meant is never guessed, an announced length is trusted, and every reading checks that its
model still stands where it was found, because a device may lay out its map anew when it restarts.
(SunSpec Device Information Model Specification; the chain itself is in `chain`)
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from ..assemble import assemble_identity, assemble_snapshot
from ..decode import DataType
from ..errors import ConfigurationError, FrameError
from ..meter import Sample
from ..profile import ENERGY, Meaning, Profile, Register
from ..recording import Tape
from ..snapshot import MeterIdentity, RegisterSnapshot
from ..steps import Steps
from ..want import Want
from .blocks import BlockReader
from .chain import BASES, COMMON, INVERTERS, MARKER, Chain, ChainMeter, ModelPlace, find_chain, meters_of
from .link import ModbusLink
from .meter import tape_options
from .plan import plan_blocks

__all__ = ["BASES", "MARKER", "SunSpecMeter"]

# Offsets in model 1 from its ID register: Mn 2, Md 18, Opt 34, Vr 42, SN 50 (sunspec/models json/model_1.json).
COMMON_TEXTS = ((Meaning.VENDOR, 2, 16), (Meaning.MODEL, 18, 16), (Meaning.FIRMWARE, 42, 8), (Meaning.SERIAL, 50, 16))


@dataclass(frozen=True, slots=True)
class _Found:
    """A metering model, ready to be read."""

    place: ModelPlace
    registers: tuple[Register, ...]
    reader: BlockReader


class SunSpecMeter:
    """One unit behind a link; a `drivers.Stepped`. Discovery happens at the first call and again after `close`.

    `base`: where the map starts, if it is not at 40000, 50000 or 0. `produces`: its energy is what an array produces,
    so an inverter's models are looked at first, which else are not looked at. `model`: the model to read, where the
    chain tells of one device by several. `number`: which of several meters, from 1 in the order of the chain.
    """

    def __init__(
        self,
        profile: Profile,
        link: ModbusLink,
        unit: int,
        *,
        base: int | None = None,
        model: int | None = None,
        number: int | None = None,
        produces: bool = False,
        swap_direction: bool = False,
        max_registers: int | None = None,
    ) -> None:
        self._profile = profile
        self._link = link
        self._unit = unit
        self._base, self._model, self._number, self._produces = base, model, number, produces
        self._swap_direction = swap_direction
        options = tape_options(
            swap_direction=swap_direction,
            max_registers=max_registers,
            sunspec_base=base,
            sunspec_model=model,
            sunspec_meter=number,
        )
        self._options = {**options, "produces": "true"} if produces else options
        self._max_registers = min(profile.max_registers, max_registers or profile.max_registers)
        self._function = _function_of(profile)
        self._chain = Chain()
        self._found: _Found | None = None
        self._identity: tuple[Register, ...] = ()
        self._untold = list(profile.fitted_notes)
        self._told: set[str] = set()

    @property
    def update_lag_us(self) -> int:
        return self._profile.update_lag_us

    @property
    def models(self) -> tuple[ModelPlace, ...]:
        """The chain as found, in its order; empty before the first call."""
        return self._chain.models

    @property
    def registers(self) -> tuple[Register, ...]:
        """Every register that is asked for, identity included, at its wire address; empty before the first call."""
        return (*self._identity, *(self._found.registers if self._found is not None else ()))

    def identify(self) -> MeterIdentity:
        """Maker, model, version and serial number from the first model 1. Raises DriverError."""
        return self._link.run(self.identify_steps())

    def read(self, *, want: Want = Want.DUE) -> Sample:
        """All registers of the metering model once; the times are those of the energy block. Raises DriverError."""
        return self._link.run(self.read_steps(want=want))

    def identify_steps(self) -> Steps[MeterIdentity]:
        """`identify` as steps. Of several meters in one map each has its own common model before it."""
        yield from self._discover()
        common = self._common()
        if common is None:
            return MeterIdentity()
        registers = tuple(
            _register(self._function, meaning, common.address + offset, words, DataType.STRING)
            for meaning, offset, words in COMMON_TEXTS
            if offset + words <= common.length + 2
        )
        blocks = plan_blocks(registers, self._max_registers, self._link.cost)
        words = yield from BlockReader(self._link, self._unit, blocks).read_plain()
        self._identity = registers
        return assemble_identity(registers, words, self._profile.word_order)

    def read_steps(self, *, want: Want = Want.DUE) -> Steps[Sample]:
        """`read` as steps."""
        yield from self._discover()
        if self._found is None:
            sample = yield from self._choose()
        else:
            sample = yield from self._read_model(self._found, want=want)
        notes = [note for note in self._untold if note not in self._told]
        self._told.update(notes)
        self._untold.clear()
        return replace(sample, notes=(*notes, *sample.notes)) if notes else sample

    def close(self) -> None:
        self._link.close()
        self.forget()

    def record(self, tape: Tape | None) -> None:
        """Take down this meter's conversations from now on, the map found anew, so that a tape is whole."""
        if tape is not None:
            tape.head.update(self._profile.fitted, profile=self._profile.name, unit=str(self._unit), **self._options)
            self.forget()
        self._link.record(tape)

    def relearn(self) -> None:
        """Nothing: every reading checks that the map still stands where it was found."""

    def forget(self) -> None:
        """Another device may answer, or the same with another map: find it anew."""
        self._chain, self._found = Chain(), None

    def _discover(self) -> Steps[None]:
        """The chain, if it is not known. Raises ConfigurationError if there is no SunSpec map."""
        if not self._chain.models:
            self._chain = yield from find_chain(self._words, self._base, self._place)

    @property
    def _place(self) -> str:
        return f"{self._link.name} unit {self._unit}"

    def _common(self) -> ModelPlace | None:
        """The common model of the meter that is read; of the device, where that is not known."""
        try:
            common = self._meant().common
        except ConfigurationError:
            common = None
        return common or next((place for place in self._chain.models if place.model == COMMON), None)

    def _meant(self) -> ChainMeter:
        """The meter to read. Raises ConfigurationError where there is none, and where nobody has said which."""
        meters = meters_of(self._chain.models, lambda model: self._profile.model_layout(model) is not None)
        for meter in meters:
            meter.places = [place for place in meter.places if self._is_wanted(place.model)]
        meters = [meter for meter in meters if meter.places]
        if not meters:
            raise ConfigurationError(f"{self._place}: {self._nothing()}")
        # By the chain alone, never by what counts at the moment: an inverter that sleeps is no reason to read the meter
        # beside it.
        meant = [one for one in meters if self._model is not None or one.is_inverter is self._produces] or meters
        listed = "; ".join(f"{n}: {meter}" for n, meter in enumerate(meant, 1))
        if self._number is None and len(meant) > 1:
            raise ConfigurationError(
                f"{self._place}: several meters in one map: say which by sunspec_meter = N ({listed})"
            )
        if self._number is not None and self._number > len(meant):
            raise ConfigurationError(
                f"{self._place}: there is no meter {self._number} (sunspec_meter); there is {listed}"
            )
        return meant[(self._number or 1) - 1]

    def _is_wanted(self, model: int) -> bool:
        return model == self._model if self._model is not None else self._produces or model not in INVERTERS

    def _nothing(self) -> str:
        wanted = "metering model" if self._model is None else f"model {self._model}"
        sentence = f"no {wanted} in the chain ({self._chain.ids})"
        if self._model is None and any(place.model in INVERTERS for place in self._chain.models):
            sentence += '; an inverter counts what it has produced: it is read where role = "production"'
        return sentence

    def _choose(self) -> Steps[Sample]:
        """Find the model to read of those that tell of the meter, and read it. Raises ConfigurationError.

        One that counts nothing is not kept: it is looked for anew with the next reading.
        """
        try:
            meter = self._meant()
        except ConfigurationError:
            self.forget()
            raise
        shown: tuple[_Found, Sample] | None = None
        for place in meter.places:
            found = self._prepare(place)
            if found is None:
                continue
            sample = yield from self._read_model(found)
            counts = _has_energy(sample.snapshot, proven=False)
            if shown is None or (counts and not _has_energy(shown[1].snapshot, proven=False)):
                shown = found, sample
            if _has_energy(sample.snapshot, proven=True):
                shown = found, sample
                break
        if shown is None:
            chain = self._chain.ids
            self.forget()
            raise ConfigurationError(f"{self._place}: no model with energy registers in the chain ({chain})")
        counts = _has_energy(shown[1].snapshot, proven=False)
        self._found = shown[0] if counts else None
        self._tell_of(shown[0].place, counts=counts)
        return shown[1]

    def _tell_of(self, chosen: ModelPlace, *, counts: bool) -> None:
        """Note what is read, where the chain tells of more or where there is no count in it."""
        known = [place for place in self._chain.models if self._profile.model_layout(place.model) is not None]
        others = ", ".join(f"{place.model} at {place.address}" for place in known if place != chosen)
        if counts and not others:
            return
        read = "is read" if counts else "has no energy register that is implemented"
        more = f"; the chain also has {others} (sunspec_meter, sunspec_model)" if others else ""
        self._untold.append(f"model {chosen.model} at {chosen.address} {read}{more}")

    def _prepare(self, place: ModelPlace) -> _Found | None:
        layout = self._profile.model_layout(place.model)
        if layout is None:
            return None
        # A model shorter than the standard's (seen: 204 of length 81) has what fits into it.
        registers = tuple(
            register.moved(place.address) for register in layout.registers if register.last < place.length + 2
        )
        if not any(register.meaning in ENERGY for register in registers):
            return None
        header = _header_register(self._function, place.address)
        blocks = plan_blocks(registers, self._max_registers, self._link.cost, beside_energy=(header,))
        return _Found(place, registers, BlockReader(self._link, self._unit, blocks))

    def _read_model(self, found: _Found, *, want: Want = Want.ALL) -> Steps[Sample]:
        try:
            image = yield from found.reader.read(want=want)
        except ConfigurationError:
            self.forget()
            raise
        header = tuple(image.words.get((self._function, found.place.address + n)) for n in range(2))
        if None not in header and header != (found.place.model, found.place.length):
            self.forget()
            raise FrameError(
                f"{self._link.name} unit {self._unit}: model {found.place.model} length {found.place.length} is no "
                f"longer at {found.place.address}, {header[0]} length {header[1]} is"
            )
        snapshot = assemble_snapshot(
            found.registers,
            image.words,
            self._profile.word_order,
            one_moment=image.one_moment,
            swap_direction=self._swap_direction,
        )
        lag_us, layout = self._profile.update_lag_us, self._profile.model_layout(found.place.model)
        read_by = "" if layout is None else f"model {layout.ids[0]}"  # 201 to 204 have the same registers
        return Sample(snapshot, image.sent_us, image.received_us, lag_us, image.notes, read_by)

    def _words(self, address: int, count: int) -> Steps[tuple[int, ...]]:
        return (yield from self._link.ask_patiently(self._unit, self._function, address, count)).words


def _function_of(profile: Profile) -> int:
    functions = {register.function for layout in profile.models for register in layout.registers}
    if len(functions) != 1:
        raise ConfigurationError(f"{profile.path}: a sunspec profile uses one function code, this one {functions}")
    return functions.pop()


def _has_energy(snapshot: RegisterSnapshot, *, proven: bool) -> bool:
    registers = (snapshot.energy_import, snapshot.energy_export)
    return any(register is not None and not (proven and register.unproven) for register in registers)


def _header_register(function: int, address: int) -> Register:
    """A model's ID and length, read with its energy."""
    return _register(function, Meaning.OTHER, address, 2, DataType.UINT32)


def _register(function: int, meaning: Meaning, address: int, words: int, data_type: DataType) -> Register:
    """A register that the standard places, not the profile."""
    return Register(
        name="model header" if meaning is Meaning.OTHER else meaning.value,
        meaning=meaning,
        function=function,
        address=address,
        words=words,
        data_type=data_type,
        unit="",
        scale=Decimal(1),
        scale_factor_address=None,
        inverted=False,
        digit=None,
        source="sunspec/models json/model_1.json",
        confirmed=True,
    )
