"""The chain of models in a SunSpec device: found, walked, and told apart into the meters that it describes.

Every number in it is the device's word and may be wrong: the chain is bounded, a model that would lie beyond the last
address is none, and which of several meters is meant is never guessed.
(SunSpec Device Information Model Specification; model 1 = common, 101 to 113 = inverters, 201 to 214 = meters)
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ..errors import ConfigurationError
from ..steps import Steps

BASES = (40000, 50000, 0)
MARKER = (0x5375, 0x6E53)  # "SunS"
END_OF_CHAIN = 0xFFFF
CHAIN_LIMIT = 100  # the longest recorded chain has 18 models; a looping one must end somewhere
ADDRESSES = 0x10000
COMMON = 1

INVERTERS = frozenset((101, 102, 103, 111, 112, 113))
"""They count what was produced, and in one direction only."""
DER = 701
KINDS = ((DER,), (101, 102, 103), (111, 112, 113), (201, 202, 203, 204), (211, 212, 213, 214))
"""Models of one kind differ in their wiring alone. Of two kinds that tell of the same device the one that stands first
here counts finer: a float32 loses single watt-hours above 16 777 216."""

Ask = Callable[[int, int], Steps[tuple[int, ...]]]
"""Address and count to words."""


@dataclass(frozen=True, slots=True)
class ModelPlace:
    """A model in a device's chain: its id, the address of its ID register, its length without ID and length."""

    model: int
    address: int
    length: int


@dataclass(frozen=True, slots=True)
class Chain:
    """The models in their order; `ending` says why there are no more, where it is not as it should be."""

    models: tuple[ModelPlace, ...] = ()
    ending: str = ""

    @property
    def ids(self) -> str:
        listed = ", ".join(str(place.model) for place in self.models) or "empty"
        return f"{listed}; {self.ending}" if self.ending else listed


@dataclass(slots=True)
class ChainMeter:
    """One meter, or one inverter: the models that tell of it, the finest first, and the common model before them."""

    common: ModelPlace | None
    is_inverter: bool
    places: list[ModelPlace] = field(default_factory=list)

    def __str__(self) -> str:
        listed = " or ".join(f"model {place.model} at {place.address}" for place in self.places)
        return f"{listed} (behind the common model at {self.common.address})" if self.common else listed


def find_chain(ask: Ask, base: int | None, name: str) -> Steps[Chain]:
    """Look for the map and walk it. Raises ConfigurationError where there is none, and where it has no end."""
    bases = BASES if base is None else (base,)
    for start in bases:
        try:
            marker = yield from ask(start, 2)
        except ConfigurationError:
            continue  # nothing at this address; a device that is silent or busy ends the search by its own error
        if tuple(marker) == MARKER:
            return (yield from _walk(ask, start + 2, name))
    tried = ", ".join(str(one) for one in bases)
    raise ConfigurationError(
        f"{name}: no SunSpec map at {tried}; is the unit right, and is another `sunspec_base` told in the maker's "
        "manual?"
    )


def _walk(ask: Ask, address: int, name: str) -> Steps[Chain]:
    models: list[ModelPlace] = []
    ending = f"there is no address for another behind {address}"
    while address + 2 <= ADDRESSES:
        if len(models) >= CHAIN_LIMIT:
            raise ConfigurationError(
                f"{name}: the chain of models has no end: after {CHAIN_LIMIT} of them there is another at {address}"
            )
        try:
            model, length = yield from ask(address, 2)
        except ConfigurationError as error:
            ending = f"it just ends at {address}: {error}" if not models else ""  # some maps do
            break
        if model == END_OF_CHAIN:
            ending = ""
            break
        if length == 0:
            ending = f"it is broken at {address}, where model {model} says that it has no length"
            break
        if address + 2 + length > ADDRESSES:
            ending = f"it is broken at {address}, where model {model} would be {length} registers long"
            break
        models.append(ModelPlace(model, address, length))
        address += 2 + length
        ending = f"there is no address for another behind {address}"
    return Chain(tuple(models), ending)


def meters_of(models: Sequence[ModelPlace], is_known: Callable[[int], bool]) -> list[ChainMeter]:
    """The meters and inverters of a chain, by address.

    Behind one common model the first of each kind tell of one device, the second of another: 203 and 213 are the same
    meter twice, 203 and 203 are two.
    """
    meters: list[ChainMeter] = []
    for common, behind in _by_common(models):
        here: dict[tuple[bool, int], ChainMeter] = {}
        seen: dict[tuple[int, ...], int] = {}
        for place in behind:
            if not is_known(place.model):
                continue
            kind = kind_of(place.model)
            number = seen[kind] = seen.get(kind, 0) + 1
            is_inverter = place.model == DER or place.model in INVERTERS
            meter = here.setdefault((is_inverter, number), ChainMeter(common, is_inverter))
            meter.places.append(place)
        meters += here.values()
    for meter in meters:
        meter.places.sort(key=lambda place: (_rank(place.model), place.address))
    return sorted(meters, key=lambda meter: min(place.address for place in meter.places))


def kind_of(model: int) -> tuple[int, ...]:
    return next((kind for kind in KINDS if model in kind), (model,))


def _rank(model: int) -> int:
    return next((n for n, kind in enumerate(KINDS) if model in kind), len(KINDS))


def _by_common(models: Sequence[ModelPlace]) -> Iterator[tuple[ModelPlace | None, list[ModelPlace]]]:
    """Each common model with the models behind it."""
    common: ModelPlace | None = None
    behind: list[ModelPlace] = []
    for place in models:
        if place.model == COMMON:
            yield common, behind
            common, behind = place, []
        else:
            behind.append(place)
    yield common, behind
