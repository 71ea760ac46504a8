"""Registers as they stand in a device and as they are meant, side by side. Pure. For people: nothing is booked."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from .assemble import Image, words_of, worth_of
from .decode import DataType, WordOrder, decode_text
from .errors import BadValueError
from .profile import Register


@dataclass(frozen=True, slots=True)
class RawRow:
    """One register: where it is, its words, and its value in its unit; None where the device says "not implemented"."""

    name: str
    function: int
    address: int
    words: tuple[int, ...]
    value: Decimal | str | None
    unit: str

    @property
    def octets(self) -> bytes:
        return b"".join(word.to_bytes(2, "big") for word in self.words)


def raw_rows(registers: Iterable[Register], image: Image, order: WordOrder) -> tuple[RawRow, ...]:
    """A row for each register that was read, in the order of addresses."""
    rows = []
    for register in sorted(registers, key=lambda one: (one.function, one.address)):
        words = words_of(register, image)
        if words is not None:
            value, unit = _value(register, words, image, order), register.unit
            rows.append(RawRow(register.name, register.function, register.address, words, value, unit))
    return tuple(rows)


def _value(register: Register, words: tuple[int, ...], image: Image, order: WordOrder) -> Decimal | str | None:
    if register.data_type is DataType.STRING:
        return decode_text(words)
    try:
        value = worth_of(register, words, image, order)
    except BadValueError as error:
        return f"nonsense: {error}"
    return -value if value is not None and register.inverted else value
