"""One telegram of a meter, whole or not: who sent it, its data sets, what is wrong with it and where.

A telegram with an error is told, never used: `Telegram.valid` decides. (IEC 62056-21:2002, 6.3 and 6.5)
"""

import enum
from dataclasses import dataclass

from .data_set import DataSet

BAUD_OF_DIGIT = {"0": 300, "1": 600, "2": 1200, "3": 2400, "4": 4800, "5": 9600, "6": 19200}
"""Modes C, D and E (6.3.13)."""
BAUD_OF_LETTER = {"A": 600, "B": 1200, "C": 2400, "D": 4800, "E": 9600, "F": 19200}
"""Mode B (6.3.13)."""
SLOW_REACTION_US = 200_000
FAST_REACTION_US = 20_000


class Check(enum.Enum):
    """What vouches for a telegram's characters."""

    BCC = "bcc"
    CRC16 = "crc16"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Identification:
    """The line by which a meter answers a request: `/XXXZ\\Wident`. `text` is the whole of it without CR LF."""

    text: str

    @property
    def manufacturer(self) -> str:
        """Three letters; the third tells the reaction time."""
        return self.text[1:4]

    @property
    def baud_character(self) -> str:
        """Z."""
        return self.text[4:5]

    @property
    def model(self) -> str:
        """What is left without the pairs `\\W`."""
        rest = self.text[5:]
        while rest.startswith("\\") and len(rest) > 1:
            rest = rest[2:]
        return rest

    @property
    def extensions(self) -> str:
        """The characters W of the pairs `\\W`, in order."""
        found, rest = "", self.text[5:]
        while rest.startswith("\\") and len(rest) > 1:
            found, rest = found + rest[1], rest[2:]
        return found

    @property
    def speaks_hdlc(self) -> bool:
        """True where it offers mode E with HDLC (`\\2`)."""
        return "2" in self.extensions

    @property
    def reaction_us(self) -> int:
        """The shortest time in which it answers, and in which it can take an answer (6.4.3)."""
        return FAST_REACTION_US if self.manufacturer[2:].islower() else SLOW_REACTION_US


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and at which byte of everything that was handed in."""

    offset: int
    text: str

    def __str__(self) -> str:
        return f"byte {self.offset}: {self.text}"


@dataclass(frozen=True, slots=True)
class Telegram:
    """One transmission. `offset` and `length`: where it stood in everything that was handed in, in bytes."""

    offset: int
    length: int
    identification: Identification | None
    data_sets: tuple[DataSet, ...]
    check: Check
    faults: tuple[Fault, ...] = ()
    text: str = ""
    """The data block as it came, without framing."""
    more_follows: bool = False
    """A partial block, ended by EOT: the meter waits for ACK before the next."""

    @property
    def valid(self) -> bool:
        """Whole, and its check (where it has one) agrees."""
        return not self.faults
