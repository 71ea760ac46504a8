"""What a meter model is recognised by: registers whose content tells it, and what they must hold.

Pure: words in, a verdict out. A mark never becomes a value that is booked, and a device that lacks a mark's register
does not bear the mark.
"""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from .decode import DataType, WordOrder, decode_decimal, decode_number, decode_text
from .errors import BadValueError


class Likeness(enum.Enum):
    """How surely a device is of a profile's model, by the profile's marks."""

    OTHER = "other"
    """A mark is missing or holds something else, or the profile has no marks."""
    LIKELY = "likely"
    """All marks hold, but they are only plausible numbers that another model may show too."""
    PROVEN = "proven"
    """All marks hold, and one of them is a code or a text that tells the model."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One register and what it must hold: one of `values`, a text that begins with one of `begins`, or low to high."""

    name: str
    function: int
    address: int
    words: int
    data_type: DataType
    scale: Decimal
    values: tuple[int | str, ...]
    begins: tuple[str, ...]
    low: Decimal | None
    high: Decimal | None
    is_proof: bool
    """True where hardly another model holds the like; False for a plausible number."""
    source: str
    confirmed: bool

    def holds(self, words: Sequence[int], order: WordOrder) -> bool:
        """Whether these words bear the mark; "not implemented" and nonsense do not."""
        if self.data_type is DataType.STRING:
            text = decode_text(words)
            return text is not None and (text in self.values or text.startswith(self.begins or ("\0",)))
        try:
            number = decode_number(words, self.data_type, order)
            if number is None or self.low is None or self.high is None:
                return number in self.values
            shown = decode_decimal(words, self.data_type, self.scale, order)
        except BadValueError:
            return False
        return shown is not None and self.low <= shown <= self.high

    def shown(self, words: Sequence[int], order: WordOrder) -> str:
        """What stands there, for people."""
        if self.data_type is DataType.STRING:
            return repr(decode_text(words))
        try:
            return str(decode_decimal(words, self.data_type, self.scale, order))
        except BadValueError as error:
            return str(error)


def words_at(mark: Mark, image: Mapping[tuple[int, int], int]) -> tuple[int, ...] | None:
    """The mark's words, or None where any of them was not read."""
    found = [image.get((mark.function, mark.address + n)) for n in range(mark.words)]
    whole = tuple(word for word in found if word is not None)
    return whole if len(whole) == len(found) else None


def likeness(marks: Iterable[Mark], image: Mapping[tuple[int, int], int], order: WordOrder) -> Likeness:
    """What the marks say of a device with these words."""
    proven, any_mark = False, False
    for mark in marks:
        words = words_at(mark, image)
        if words is None or not mark.holds(words, order):
            return Likeness.OTHER
        proven, any_mark = proven or mark.is_proof, True
    if not any_mark:
        return Likeness.OTHER
    return Likeness.PROVEN if proven else Likeness.LIKELY
