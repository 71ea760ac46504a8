"""Programming mode, as far as it reads: passwords P1 and P2, reads R1, R2, R5 and R6, the break. Nothing else exists.

There is no command here that writes to a meter or executes anything in it, and none can be made: `ReadKind` is the
whole set. A password is in no repr. (IEC 62056-21:2002, 6.3.14 and 6.5; R5 and R6 for national use: VDEW 2.0)
"""

import enum
import re
from dataclasses import dataclass, field, replace

from .bcc import bcc
from .block import Raw, telegram_of
from .data_set import DataSet, Value
from .parity import without_parity
from .readout import Check, Fault, Telegram
from .signs import ACK, EOT, ETX, NAK, SOH, STX

_TEXT = re.compile(r"[\x20-\x7e]{0,128}")
_ERROR = re.compile(r"ER[0-9A-Za-z]*")
_BEGIN = re.compile(rb"[\x01\x02\x06\x15]")
_HEAD = 3
"""Where STX stands in a command: SOH C D STX."""
_INSIDE = re.compile(rb"[\x01\x02\x03\x04]")


class ReadKind(enum.Enum):
    """All commands that this program can give a meter, besides password and break."""

    R1 = "R1"
    """ASCII coded."""
    R2 = "R2"
    """Formatted."""
    R5 = "R5"
    """A register or a table by its code (national use)."""
    R6 = "R6"
    """The same in partial blocks."""


@dataclass(frozen=True, slots=True)
class ReadCommand:
    """One read: `1.8.0()`, `P.01(start;end)`."""

    kind: ReadKind
    text: str

    def __post_init__(self) -> None:
        if not _TEXT.fullmatch(self.text):
            raise ValueError(f"command {self.text!a}: up to 128 printable characters expected")


@dataclass(frozen=True, slots=True)
class Password:
    """P1: sent as it is. P2: the text was reckoned by the caller from the meter's operand. In no repr."""

    level: int
    text: str = field(repr=False)

    def __post_init__(self) -> None:
        if self.level not in (1, 2):
            raise ValueError(f"password level {self.level}: 1 or 2 expected")
        if not _TEXT.fullmatch(self.text) or "(" in self.text or ")" in self.text:
            raise ValueError("password: up to 128 printable characters without brackets expected")


def read_message(command: ReadCommand) -> bytes:
    """The bytes of a read, without parity."""
    return _message(command.kind.value.encode("ascii") + b"\x02" + command.text.encode("ascii"))


def password_message(password: Password) -> bytes:
    """The bytes of a password, without parity."""
    return _message(f"P{password.level}\x02({password.text})".encode("ascii"))


def _message(inner: bytes) -> bytes:
    covered = inner + b"\x03"
    return b"\x01" + covered + bytes((bcc(covered),))


BREAK = _message(b"B0")


class Sign(enum.Enum):
    """A reply of one character, or the meter's break."""

    ACK = "ACK"
    NAK = "NAK"
    BREAK = "break"


@dataclass(frozen=True, slots=True)
class Operand:
    """What the meter gives for a password to be reckoned from. Most give () or a serial number."""

    text: str


@dataclass(frozen=True, slots=True)
class TooLong:
    """More than an answer may have."""


Reply = Sign | Operand | Telegram | TooLong


class ReplyReader:
    """Replies out of bytes; our own messages that come back as an echo are dropped. Bounded; any chunking."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._raw = bytearray()
        self._text = bytearray()
        self._offset = 0
        self._searched = 1

    def feed(self, received: bytes) -> list[Reply]:
        """What is complete now."""
        found: list[Reply] = []
        for begin in range(0, len(received), 4096):
            self._raw += received[begin : begin + 4096]
            self._text += without_parity(received[begin : begin + 4096])
            while self._step(found):
                pass
        return found

    def _drop(self, count: int) -> None:
        del self._raw[:count]
        del self._text[:count]
        self._offset += count
        self._searched = 1

    def _step(self, found: list[Reply]) -> bool:
        begin = _BEGIN.search(self._text)
        if begin is None:
            self._drop(len(self._text))
            return False
        if begin.start():
            self._drop(begin.start())
        first = self._text[0]
        if first in (ACK, NAK):
            found.append(Sign.ACK if first == ACK else Sign.NAK)
            self._drop(1)
            return True
        return self._message_step(found)

    def _message_step(self, found: list[Reply]) -> bool:
        """A message that begins with SOH or STX, once it has ended and its BCC has come."""
        limit = min(len(self._text), self._max_bytes)
        inside = _INSIDE.search(self._text, self._searched, limit)
        if inside is None:
            self._searched = max(1, limit)
            if limit < self._max_bytes:
                return False
            found.append(TooLong())
            self._drop(self._max_bytes)
            return True
        if self._text[inside.start()] in (SOH, STX):
            if self._text[0] == SOH and inside.start() != _HEAD:
                self._drop(inside.start())  # what began with SOH was noise
            else:
                self._searched = inside.end()  # a turned bit, if it is no command's own STX: the BCC will say so
            return True
        self._searched = inside.start()
        if len(self._text) == inside.end():
            return False
        self._ended(inside.end(), found)
        return True

    def _ended(self, end: int, found: list[Reply]) -> None:
        """A message whose ETX or EOT is the last before `end`; its BCC stands at `end`."""
        computed, came = bcc(self._text[1:end]), self._text[end]
        agrees = came == computed
        if self._text[0] == STX:
            faults = (
                () if agrees else (Fault(end + self._offset, f"BCC is 0x{came:02X}, the data give 0x{computed:02X}"),)
            )
            raw = Raw(bytes(self._raw[: end + agrees]), self._offset, (1, end - 1))
            found.append(telegram_of(raw, Check.BCC, faults, more_follows=self._text[end - 1] == EOT, is_part=True))
        elif agrees:
            head = bytes(self._text[1:3])
            if head == b"B0" and self._text[3] == ETX:
                found.append(Sign.BREAK)
            elif head == b"P0":
                found.append(Operand(self._text[4 : end - 1].decode("ascii").strip("()")))
        self._drop(end + agrees)


def error_of(telegram: Telegram) -> str:
    """The error that a meter names instead of an answer (`ER01`); empty for an answer."""
    sets = telegram.data_sets
    if len(sets) == 1 and not sets[0].identifier and _ERROR.fullmatch(sets[0].value.text):
        return sets[0].value.text
    return ""


def named(telegram: Telegram, command: ReadCommand) -> Telegram:
    """A single value that comes without its identifier has that of the command."""
    sets = telegram.data_sets
    if len(sets) != 1 or sets[0].identifier:
        return telegram
    values: tuple[Value, ...] = sets[0].values
    return replace(telegram, data_sets=(DataSet(command.text.partition("(")[0], values, sets[0].offset),))
