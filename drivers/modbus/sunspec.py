"""A SunSpec device: find the map, walk the chain of models, read the metering model.

The chain is bounded, an announced length is trusted, and every reading checks that its model still stands where it
was found, because a device may lay out its map anew when it restarts.
(SunSpec Device Information Model Specification; model 1 = common, 201 to 204 and 701 = metering)
"""

from dataclasses import dataclass
from decimal import Decimal

from ..assemble import assemble_identity, assemble_snapshot
from ..decode import DataType
from ..errors import ConfigurationError, FrameError, RefusedError
from ..meter import Sample
from ..profile import ENERGY, Meaning, Profile, Register
from ..recording import Tape
from ..snapshot import MeterIdentity, RegisterSnapshot
from ..steps import Steps
from ..want import Want
from .blocks import BlockReader
from .link import ModbusLink
from .meter import tape_options
from .plan import plan_blocks

BASES = (40000, 50000, 0)
MARKER = (0x5375, 0x6E53)  # "SunS"
END_OF_CHAIN = 0xFFFF
CHAIN_LIMIT = 100  # the longest recorded chain has 18 models; a looping one must end somewhere
COMMON = 1
# Offsets in model 1 from its ID register: Mn 2, Md 18, Opt 34, Vr 42, SN 50 (sunspec/models json/model_1.json).
COMMON_TEXTS = ((Meaning.VENDOR, 2, 16), (Meaning.MODEL, 18, 16), (Meaning.FIRMWARE, 42, 8), (Meaning.SERIAL, 50, 16))


@dataclass(frozen=True, slots=True)
class ModelPlace:
    """A model in a device's chain: its id, the address of its ID register, its length without ID and length."""

    model: int
    address: int
    length: int


@dataclass(frozen=True, slots=True)
class _Found:
    """A metering model, ready to be read."""

    place: ModelPlace
    registers: tuple[Register, ...]
    reader: BlockReader


class SunSpecMeter:
    """One unit behind a link; a `drivers.Stepped`. Discovery happens at the first call and again after `close`.

    `base`: where the map starts, if it is not at 40000, 50000 or 0. `model`: which metering model to read, if not
    the first one that has a proven energy register (else the first of all).
    """

    def __init__(
        self,
        profile: Profile,
        link: ModbusLink,
        unit: int,
        *,
        base: int | None = None,
        model: int | None = None,
        swap_direction: bool = False,
        max_registers: int | None = None,
    ) -> None:
        self._profile = profile
        self._link = link
        self._unit = unit
        self._base = base
        self._model = model
        self._swap_direction = swap_direction
        self._options = tape_options(
            swap_direction=swap_direction, max_registers=max_registers, sunspec_base=base, sunspec_model=model
        )
        self._max_registers = min(profile.max_registers, max_registers or profile.max_registers)
        self._function = _function_of(profile)
        self._chain: tuple[ModelPlace, ...] = ()
        self._found: _Found | None = None
        self._identity: tuple[Register, ...] = ()

    @property
    def update_lag_us(self) -> int:
        return self._profile.update_lag_us

    @property
    def models(self) -> tuple[ModelPlace, ...]:
        """The chain as found, in its order; empty before the first call."""
        return self._chain

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
        """`identify` as steps."""
        if not self._chain:
            self._chain = yield from self._discover()
        common = next((place for place in self._chain if place.model == COMMON), None)
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
        if not self._chain:
            self._chain = yield from self._discover()
        if self._found is None:
            self._found, sample = yield from self._choose()
            return sample
        return (yield from self._read_model(self._found, want=want))

    def close(self) -> None:
        self._link.close()
        self.forget()

    def record(self, tape: Tape | None) -> None:
        """Take down this meter's conversations from now on, the map found anew, so that a tape is whole."""
        if tape is not None:
            tape.head.update(profile=self._profile.name, unit=str(self._unit), **self._options)
            self.forget()
        self._link.record(tape)

    def relearn(self) -> None:
        """Nothing: every reading checks that the map still stands where it was found."""

    def forget(self) -> None:
        """Another device may answer, or the same with another map: find it anew."""
        self._chain, self._found = (), None

    def _discover(self) -> Steps[tuple[ModelPlace, ...]]:
        """Walk the chain. Raises ConfigurationError if there is no SunSpec map."""
        bases = BASES if self._base is None else (self._base,)
        for base in bases:
            try:
                marker = yield from self._words(base, 2)
            except (ConfigurationError, RefusedError):
                continue  # nothing at this address; a device that is silent raises NoAnswerError and ends the search
            if marker == MARKER:
                return (yield from self._walk(base + 2))
        tried = ", ".join(str(base) for base in bases)
        raise ConfigurationError(
            f"{self._link.name} unit {self._unit}: no SunSpec map at {tried}; is the unit right, and is another "
            "`sunspec_base` told in the maker's manual?"
        )

    def _walk(self, address: int) -> Steps[tuple[ModelPlace, ...]]:
        chain: list[ModelPlace] = []
        while len(chain) < CHAIN_LIMIT and address + 2 <= 0x10000:
            try:
                model, length = yield from self._words(address, 2)
            except ConfigurationError:
                break  # some maps just end
            if model == END_OF_CHAIN or length == 0:
                break
            chain.append(ModelPlace(model, address, length))
            address += 2 + length
        return tuple(chain)

    def _choose(self) -> Steps[tuple[_Found, Sample]]:
        """The metering model to read, and its first sample. Raises ConfigurationError if there is none."""
        candidates = [
            place
            for place in self._chain
            if self._profile.model_layout(place.model) is not None and self._model in (None, place.model)
        ]
        first: tuple[_Found, Sample] | None = None
        for place in candidates:
            found = self._prepare(place)
            if found is None:
                continue
            sample = yield from self._read_model(found)
            first = first or (found, sample)
            if _has_energy(sample.snapshot):
                return found, sample
        if first is None:
            chain = ", ".join(str(place.model) for place in self._chain)
            wanted = "metering model" if self._model is None else f"model {self._model}"
            self.forget()
            raise ConfigurationError(f"{self._link.name} unit {self._unit}: no {wanted} in the chain ({chain})")
        return first

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
        return Sample(snapshot, image.sent_us, image.received_us, self._profile.update_lag_us, image.notes)

    def _words(self, address: int, count: int) -> Steps[tuple[int, ...]]:
        return (yield from self._link.ask(self._unit, self._function, address, count)).words


def _function_of(profile: Profile) -> int:
    functions = {register.function for layout in profile.models for register in layout.registers}
    if len(functions) != 1:
        raise ConfigurationError(f"{profile.path}: a sunspec profile uses one function code, this one {functions}")
    return functions.pop()


def _has_energy(snapshot: RegisterSnapshot) -> bool:
    registers = (snapshot.energy_import, snapshot.energy_export)
    return any(register is not None and not register.unproven for register in registers)


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
