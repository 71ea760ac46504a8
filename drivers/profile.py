"""A meter as data: which registers it has, how their words are meant, how fine and how fresh they are.

Types only; reading a profile file is in `profile_file`. A profile never decides anything about time of use,
identity of a customer, or what is done with a value.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from .decode import DataType, WordOrder
from .marks import Mark
from .meter_time import ClockRegister

if TYPE_CHECKING:
    from .iec62056.terms import OpticalTerms


class Family(enum.StrEnum):
    """How a device of this profile is talked to."""

    MODBUS = "modbus"
    """Registers at fixed addresses."""
    SUNSPEC = "sunspec"
    """Registers at offsets within models, which are found in a chain."""
    IEC62056 = "iec62056"
    """An optical port (IEC 62056-21): data sets by OBIS code."""


class Meaning(enum.Enum):
    """What a register is to the rest of the program."""

    ENERGY_IMPORT = "energy_import"
    ENERGY_EXPORT = "energy_export"
    POWER = "power"
    OTHER = "other"
    VENDOR = "vendor"
    MODEL = "model"
    SERIAL = "serial"
    FIRMWARE = "firmware"


ENERGY = frozenset({Meaning.ENERGY_IMPORT, Meaning.ENERGY_EXPORT})
TARIFF_COUNTERS = ("energy_import_", "energy_export_")
"""How the names of the meter's own tariff counters begin: shown to people, and read with the energy."""
PHASES = ("_l1", "_l2", "_l3")
FAST = frozenset({*ENERGY, Meaning.POWER})
USUAL_AGE_US = 10_000_000
IDENTITY = frozenset({Meaning.VENDOR, Meaning.MODEL, Meaning.SERIAL, Meaning.FIRMWARE})


@dataclass(frozen=True, slots=True)
class Register:
    """One register. `address` is the wire address (counting from 0), or the offset from a SunSpec model's ID register.

    value in `unit` = raw * scale * 10 ** (word at scale_factor_address) * (-1 if inverted).
    Energy and power are that times `ratio`.
    """

    name: str
    meaning: Meaning
    function: int
    address: int
    words: int
    data_type: DataType
    unit: str
    scale: Decimal
    scale_factor_address: int | None
    inverted: bool
    """True for a power register that counts export as positive."""
    digit: Decimal | None
    """Energy only: size of the last digit; of a float in `unit`, of an integer in raw counts."""
    source: str
    confirmed: bool
    max_age_us: int = 0
    """How old the value may be in a reading; 0: it is read each time."""
    rollover: Decimal | None = None
    """Energy only: the value, in `unit`, at which the register begins again at 0; None where that is not known."""
    rollover_bits: int | None = None
    """The same as raw counts: it begins again at 2 ** this. Not both."""
    order: WordOrder | None = None
    """Its own word order, where it differs from the profile's."""
    plus: tuple[int, ...] = ()
    """Energy only: addresses of further registers of the same kind, which add up to the value."""
    absent: frozenset[int] = frozenset()
    """Raw words, as one unsigned number, that mean "not implemented" besides the type's own."""
    magnitude: bool = False
    """Energy only: some firmware shows the count below zero; the amount counts."""
    codes: tuple[tuple[int, str], ...] = ()
    """Identity only: what the numbers of a code register mean."""
    ratio: Fraction = field(default=Fraction(1), hash=False)  # its hash takes a microsecond, and each reading asks
    """Of transformers that the meter does not know of: the config's, never a profile's."""

    @property
    def is_tariff_counter(self) -> bool:
        return self.meaning is Meaning.OTHER and self.name.startswith(TARIFF_COUNTERS) and not self.is_phase

    @property
    def is_phase(self) -> bool:
        """Whether it is one phase's part of a value, which is read along with the others for people."""
        return self.name.endswith(PHASES)

    @property
    def first(self) -> int:
        """First address that must come in one request with this value: the value's, or its scale factor's."""
        first = min((self.address, *self.plus))
        return first if self.scale_factor_address is None else min(first, self.scale_factor_address)

    @property
    def last(self) -> int:
        """Last address that must come in one request with this value."""
        end = max((self.address, *self.plus)) + self.words - 1
        return end if self.scale_factor_address is None else max(end, self.scale_factor_address)

    def moved(self, base: int) -> "Register":
        """This register at a wire address, its own being an offset from `base`."""
        factor = self.scale_factor_address
        return replace(
            self,
            address=base + self.address,
            scale_factor_address=None if factor is None else base + factor,
            plus=tuple(base + address for address in self.plus),
        )


@dataclass(frozen=True, slots=True)
class SunSpecModel:
    """Metering models of one layout (201 to 204 share theirs)."""

    ids: tuple[int, ...]
    registers: tuple[Register, ...]


class Accumulation(enum.StrEnum):
    """How a meter of several phases adds them up before it counts."""

    SINGLE_PHASE = "single_phase"
    """It has one phase only."""
    VECTORIAL = "vectorial"
    """Import of one phase and export of another cancel in each moment."""
    PER_PHASE = "per_phase"
    """Each phase counts for itself: one may count import while another counts export."""
    SETTABLE = "settable"
    """It is a setting of the meter."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Sum:
    """A register that must be the sum of others, give or take `tolerance` in its unit."""

    total: str
    parts: tuple[str, ...]
    tolerance: Decimal


@dataclass(frozen=True, slots=True)
class Variant:
    """One of several readings of a map on which sources differ; the device is asked which holds, else the user."""

    name: str
    title: str
    word_order: WordOrder | None
    registers: tuple[Register, ...]
    marks: tuple[Mark, ...]
    sums: tuple[Sum, ...]


@dataclass(frozen=True, slots=True)
class VectorBlock:
    """Words as they stand in a device, from `address` on."""

    function: int
    address: int
    words: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Vector:
    """A profile's own test: these words at these addresses mean these values."""

    title: str
    source: str
    model: int | None
    """SunSpec: which model stands there; its ID register is the first word of the first block."""
    blocks: tuple[VectorBlock, ...]
    expected: Mapping[str, object]
    variant: str | None = None
    """By which variant of the profile it is read."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A meter model, or a family of them."""

    name: str
    path: Path
    vendor: str
    title: str
    family: Family
    word_order: WordOrder
    max_registers: int
    """The most registers that the device answers in one request."""
    update_lag_us: int
    """How old a register can be when the device answers it."""
    pause_us: int
    """Silence that the device wants between two requests on a serial line; 0 where the standard's suffices."""
    registers: tuple[Register, ...]
    identity: tuple[Register, ...]
    models: tuple[SunSpecModel, ...]
    vectors: tuple[Vector, ...]
    clock: ClockRegister | None = None
    """The meter's own clock, where it has one that is told by registers."""
    one_moment: bool = True
    """Whether import and export come in one request. Where not, they are read again until nothing moves."""
    marks: tuple[Mark, ...] = ()
    """What a device of this model is recognised by ([[identity]])."""
    accumulation: Accumulation = Accumulation.UNKNOWN
    update_lag_source: str = ""
    """Who says how old a register can be, for people."""
    line_defaults: str = ""
    """Baud rate and framing as the maker delivers it, for people."""
    remark: str = ""
    """What to look at when the meter is put in, for people."""
    variants: tuple[Variant, ...] = ()
    sums: tuple[Sum, ...] = ()
    """What must add up in a device that is of this variant."""
    question: str = ""
    """What to ask the user where the device does not tell which variant holds."""

    verify: bool = False
    """Whether a device must bear the marks before it is read: another model of the name has another map."""
    fitted: tuple[tuple[str, str], ...] = ()
    """How it was fitted to one device (`fitting`), as the head of a recording tells it."""
    fitted_notes: tuple[str, ...] = ()
    """The same for people, where it changes what is counted."""
    optical: "OpticalTerms | None" = None
    """Of family `iec62056`: how it is talked to."""

    @property
    def must_be_answered(self) -> bool:
        """Whether no device can tell which variant holds: the user must."""
        return bool(self.variants) and not any(one.marks or one.sums for one in self.variants)

    @property
    def all_registers(self) -> tuple[Register, ...]:
        """Every register that this profile may ask for, of all variants."""
        return (*self.registers, *(register for variant in self.variants for register in variant.registers))

    def as_variant(self, name: str) -> "Profile":
        """The profile with this variant's registers, and no variants left. Raises KeyError."""
        variant = {one.name: one for one in self.variants}[name]
        return replace(
            self,
            name=f"{self.name}@{name}",
            word_order=variant.word_order or self.word_order,
            registers=(*self.registers, *variant.registers),
            marks=(*self.marks, *variant.marks),
            sums=variant.sums,
            vectors=tuple(one for one in self.vectors if one.variant in (None, name)),
            variants=(),
        )

    def model_layout(self, model: int) -> SunSpecModel | None:
        """The layout of SunSpec model `model`, or None if it is no metering model of this profile."""
        return next((layout for layout in self.models if model in layout.ids), None)
