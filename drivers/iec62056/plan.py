"""What a session shall do, and the line's habits. Values only. (IEC 62056-21:2002, chapter 6 and annex B)"""

import enum
import re
from dataclasses import dataclass

from .parity import ParityMode
from .programming import Password, ReadCommand

REACTION_MAX_US = 1_500_000
"""The longest time a meter takes to answer, and between two of its characters (6.4.3)."""
FALL_BACK_US = 2_200_000
"""Without an option select a meter goes back to reading out at 300 Bd within this (6.4.3.2)."""
INACTIVITY_US = 120_000_000
"""Left alone for so long, a meter is back at 300 Bd and at the beginning, whatever happened (6.4.3.3)."""
WAKE_UP_CHARACTERS = 66
"""NUL at 300 Bd for 2.2 s, without a gap (annex B asks for 2.1 to 2.3 s)."""
WAKE_UP_PAUSE_US = 1_600_000
USB_SETTLE_US = 20_000
"""A USB head still has characters in it when the system says that all are out."""
UART_SETTLE_US = 2_000
_ADDRESS = re.compile(r"[0-9A-Za-z ]{0,32}")


class Mode(enum.Enum):
    """How a meter goes on after its identification. (Mode D sends unasked: a `Scanner` is all it needs.)"""

    AUTO = "auto"
    """As its baud character says: a digit C, a letter A to F mode B, anything else A."""
    A = "A"
    B = "B"
    C = "C"
    E = "E"
    """Goes over to HDLC; the session ends when the meter is ready for it."""


@dataclass(frozen=True, slots=True)
class Line:
    """The port, the head and the meter's timing."""

    parity: ParityMode = ParityMode.SOFTWARE
    settle_us: int = USB_SETTLE_US
    """Between the last bit of the option select and the change of rate; for a meter that answers after 20 ms, half of
    that at most."""
    margin_us: int = 500_000
    """What system and adapter may add to a meter's longest silence."""
    has_bcc: bool = True
    """False for a meter that sends none."""

    def settle_for_us(self, reaction_us: int) -> int:
        """`settle_us`, but never so long that the answer's beginning is lost."""
        return min(self.settle_us, reaction_us // 2)


@dataclass(frozen=True, slots=True)
class Plan:
    """One session. With `commands` it is one in programming mode, else a readout."""

    mode: Mode = Mode.AUTO
    address: str = ""
    """Of one meter of several on the same port; empty: any."""
    max_baud_bd: int | None = None
    """No faster than this; None: as fast as the meter offers."""
    wake_up: bool = False
    attempts: int = 3
    """How often a session is begun. The last one of several stays at 300 Bd."""
    repeats: int = 2
    """How often the same block is asked for again by NAK, and the same command sent again."""
    max_bytes: int = 65536
    """Of one answer."""
    password: Password | None = None
    commands: tuple[ReadCommand, ...] = ()

    def __post_init__(self) -> None:
        if not _ADDRESS.fullmatch(self.address):
            raise ValueError(f"address {self.address!a}: up to 32 digits, letters and blanks expected")
        if self.attempts < 1 or self.repeats < 0 or self.max_bytes < 256:
            raise ValueError("attempts from 1, repeats from 0 and max_bytes from 256 expected")
        if self.commands and self.mode not in (Mode.AUTO, Mode.C):
            raise ValueError(f"mode {self.mode.value} has no programming mode: C expected")
