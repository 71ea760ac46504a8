"""What an optical conversation wants done next, and how it ended: the seam between protocol and port.

A protocol object is asked three ways: `start()`, `receive(bytes)`, `silence()`. Each returns actions, to be done in
order; the last is always Listen, Done or Failed. Knows no port and no clock (IEC 62056-21:2002, chapter 6).

    actions = dialogue.start()
    loop: do each; at Listen: bytes came -> actions = dialogue.receive(them); none for silence_us -> dialogue.silence()
"""

import enum
from dataclasses import dataclass

from .readout import Identification, Telegram


class Framing(enum.Enum):
    """How a character travels: 7E1 until a mode E meter goes over to HDLC."""

    SEVEN_EVEN = "7E1"
    EIGHT_NONE = "8N1"


@dataclass(frozen=True, slots=True)
class Send:
    """Put `payload` on the wire as it is (software parity is in it). Done when its last bit has left the wire:

    not before 10 bits a character after it was handed over, whatever the port says of an empty buffer.
    """

    payload: bytes


@dataclass(frozen=True, slots=True)
class SetBaud:
    """Set the rate of the open port, both ways. What arrived before belongs to the old rate: drop it."""

    baud_bd: int


@dataclass(frozen=True, slots=True)
class SetLine:
    """Set the framing of the open port. With software parity the port stays 8N1 and there is nothing to do."""

    framing: Framing


@dataclass(frozen=True, slots=True)
class Pause:
    """Send nothing for this long; what arrives meanwhile stays in the port."""

    duration_us: int


@dataclass(frozen=True, slots=True)
class Listen:
    """Call `receive` with whatever comes, at once; call `silence` if nothing came for `silence_us`."""

    silence_us: int


class Reason(enum.Enum):
    """Why a session ended without a result."""

    NO_IDENTIFICATION = "no_identification"  # nobody answered the request
    NO_ANSWER = "no_answer"  # identified, then silent
    DAMAGED = "damaged"  # bytes came, to the last repetition none that their check agrees with
    TOO_LONG = "too_long"  # more than any answer of this meter may have
    REFUSED = "refused"  # NAK, or an error message instead of an answer
    BROKEN_OFF = "broken_off"  # the meter sent a break


@dataclass(frozen=True, slots=True)
class Answer:
    """What a meter said to one read command: its data block, or the error it named instead (`ER01`)."""

    command: str
    telegram: Telegram | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished session. A readout has `telegram`; a programming session one `answers` item a command."""

    identification: Identification
    baud_bd: int
    """Rate of the data."""
    telegram: Telegram | None = None
    answers: tuple[Answer, ...] = ()
    operand: str = ""
    """What the meter gave to P0, for a password that is reckoned from it."""
    repeats: int = 0
    """How many blocks and requests had to be sent again."""


@dataclass(frozen=True, slots=True)
class Done:
    """The session is over and gave `outcome`. For mode E the port is at its rate and 8N1; HDLC may begin."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Failed:
    """The session is over without a result. The meter may not know: leave it alone for `rest_us`, then begin anew."""

    reason: Reason
    detail: str
    rest_us: int


Action = Send | SetBaud | SetLine | Pause | Listen | Done | Failed
