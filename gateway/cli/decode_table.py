"""The protocols that `netmeter decode` knows, one entry each, and what each makes of bytes: telegrams for people.

A protocol joins by a function that gives a `Decoder`. Nothing here opens, prints or asks for the time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from drivers.errors import BadValueError
from drivers.iec62056.data_set import DataSet
from drivers.iec62056.energy import maybe_energy
from drivers.iec62056.obis import ENERGY_D, EXPORT_C, IMPORT_C, Obis, is_fault_register, maybe_obis
from drivers.iec62056.readout import Telegram
from drivers.iec62056.scanner import Scanner


@dataclass(frozen=True, slots=True)
class DecodedObject:
    """One value. `raw` x 10 ** `scaler` is its number; both None for what is no decimal number."""

    obis: str
    """The identifier as the meter writes it; empty for a line of values alone."""
    value: str
    unit: str | None
    raw: int | None
    scaler: int | None
    text: str
    """As it came, unit and blanks included."""
    more: tuple[str, ...]
    """Further values of the same identifier: the time of a maximum, a status."""
    offset: int


@dataclass(frozen=True, slots=True)
class Decoded:
    """One telegram, whole or not. Energy is told of a valid one alone, and only where its unit is."""

    protocol: str
    offset: int
    length: int
    valid: bool
    error: str | None
    """The first fault, with its byte."""
    error_offset: int | None
    errors: tuple[str, ...]
    check: str
    """What vouches for it: bcc, crc16, none."""
    identification: str | None
    meter_fault: str | None
    """The meter's own error register (F.F), where it is not zero."""
    import_milliwh: int | None
    export_milliwh: int | None
    note: str | None
    """Why energy is not told of a valid telegram."""
    objects: tuple[DecodedObject, ...]


class Decoder(Protocol):
    """Bytes in, telegrams out, bounded."""

    def feed(self, received: bytes) -> Sequence[Decoded]:
        """The telegrams that end here."""
        ...

    def finish(self) -> Sequence[Decoded]:
        """What is unfinished."""
        ...


class _Iec62056:
    """IEC 62056-21 data messages, and the P1 telegrams that are the same with a CRC behind them."""

    def __init__(self) -> None:
        self._scanner = Scanner(looks_behind=True)

    def feed(self, received: bytes) -> list[Decoded]:
        return [_decoded(telegram) for telegram in self._scanner.feed(received)]

    def finish(self) -> list[Decoded]:
        return [_decoded(telegram) for telegram in self._scanner.finish()]


PROTOCOLS: dict[str, Callable[[], Decoder]] = {
    "iec62056-21": _Iec62056,
}
AUTO = "iec62056-21"
"""What `auto` takes, while there is no other."""


def nothing(protocol: str, length: int) -> Decoded:
    """What is told where no telegram is."""
    text = f"byte 0: no telegram in {length} bytes"
    return Decoded(protocol, 0, length, False, text, 0, (text,), "none", None, None, None, None, note=None, objects=())


def _decoded(telegram: Telegram) -> Decoded:
    energies: dict[str, int | None] = {IMPORT_C: None, EXPORT_C: None}
    notes = []
    for c in energies if telegram.valid else ():
        try:
            energy = maybe_energy(telegram.data_sets, c)
        except BadValueError as error:
            notes.append(str(error))
            continue
        if energy is not None:
            energies[c] = energy.register.milliwh
        else:
            notes.extend(_without_unit(telegram.data_sets, c))
    first = telegram.faults[0] if telegram.faults else None
    return Decoded(
        protocol="iec62056-21",
        offset=telegram.offset,
        length=telegram.length,
        valid=telegram.valid,
        error=None if first is None else str(first),
        error_offset=None if first is None else first.offset,
        errors=tuple(str(fault) for fault in telegram.faults),
        check=telegram.check.value,
        identification=None if telegram.identification is None else telegram.identification.text,
        meter_fault=_meter_fault(telegram.data_sets),
        import_milliwh=energies[IMPORT_C],
        export_milliwh=energies[EXPORT_C],
        note="; ".join(notes) or None,
        objects=_objects(telegram.data_sets),
    )


def _objects(data_sets: Sequence[DataSet]) -> tuple[DecodedObject, ...]:
    """All values. A former billing period's value that comes without a unit has that of now (6.5)."""
    units: dict[Obis | None, str | None] = {}
    found = []
    for one in data_sets:
        code = maybe_obis(one.identifier)
        unit = one.value.unit
        if code is not None and code.history is None:
            units[code] = unit
        elif code is not None and unit is None:
            unit = units.get(Obis(code.a, code.b, code.c, code.d, code.e, None))
        number = one.value.number
        raw, scaler = (None, None) if number is None else _raw_and_scaler(one.value.number_text)
        found.append(
            DecodedObject(
                obis=one.identifier,
                value=one.value.number_text,
                unit=unit,
                raw=raw,
                scaler=scaler,
                text=one.value.text,
                more=tuple(value.text for value in one.values[1:]),
                offset=one.offset,
            )
        )
    return tuple(found)


def _raw_and_scaler(number_text: str) -> tuple[int, int]:
    """By its digits: a Decimal's own operations round to 28 of them, and a serial number may have more."""
    whole, _, decimals = number_text.partition(".")
    return int(whole + decimals), -len(decimals)


def _without_unit(data_sets: Sequence[DataSet], c: str) -> list[str]:
    """The registers of one direction that are there and cannot be told as energy."""
    codes = [(one, maybe_obis(one.identifier)) for one in data_sets]
    return [
        f"{one.identifier}({one.value.text:.60}) "
        + ("is no number" if one.value.number is None else "has no unit of energy")
        for one, code in codes
        if code is not None and (code.c, code.d, code.history) == (c, ENERGY_D, None) and code.is_electricity
    ]


def _meter_fault(data_sets: Sequence[DataSet]) -> str | None:
    for one in data_sets:
        if is_fault_register(one.identifier) and one.value.text.strip("0 "):
            return one.value.text
    return None
