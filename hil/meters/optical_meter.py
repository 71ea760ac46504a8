"""The behaviour of an optical meter, written from the standard: a conversation as a generator, without a wire.

It yields `Listen` or `Say` and is sent (now, bytes heard). Modes A to D; programming mode with P1, R1, R5 and R6, which
reads only: any other command is refused and counted. It gives up as a meter does: silence in the middle of a message,
no acknowledgement within the time, 60 s without a command. (IEC 62056-21, 4.3, 6.3 and 6.4, annex A for the times)
"""

import re
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from enum import StrEnum

from .optical_bits import with_parity, without_parity
from .optical_faults import Faults

SOH, STX, ETX, EOT, ACK, NAK = b"\x01", b"\x02", b"\x03", b"\x04", b"\x06", b"\x15"
BREAK = SOH + b"B0" + ETX
START_BD = 300
RATE_OF = {"0": 300, "1": 600, "2": 1200, "3": 2400, "4": 4800, "5": 9600, "6": 19200}
LETTER_OF = {600: "A", 1200: "B", 2400: "C", 4800: "D", 9600: "E", 19200: "F"}
DIGIT_OF = {baud_bd: digit for digit, baud_bd in RATE_OF.items()}
NO_RATE = "T"
"""Mode A: any character that names no rate."""
WAITS_US = 2_200_000
"""How long it waits for an acknowledgement."""
CHARACTER_US = 1_500_000
INACTIVE_US = 60_000_000
BLOCK_CHARACTERS = 160
REQUEST = re.compile(rb"/\?([0-9A-Za-z ]{0,32})!\r\n")


class Mode(StrEnum):
    """How it is talked to."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


@dataclass(frozen=True, slots=True)
class Listen:
    """Hear what comes, as a receiver at `baud_bd`; b"" at `until_us` (None: for ever)."""

    baud_bd: int
    until_us: int | None


@dataclass(frozen=True, slots=True)
class Say:
    """Send characters, not before `at_us`."""

    baud_bd: int
    at_us: int
    characters: bytes


Conversation = Generator[Listen | Say, tuple[int, bytes], None]
Answered = Generator[Listen | Say, tuple[int, bytes], bytes]


@dataclass(slots=True)
class OpticalMeter:
    """`sets()` tells the data sets of this moment, `profile(first, last)` the load profile; both as text."""

    mode: Mode
    baud_bd: int
    serial: str
    identification: str
    """Three letters of the maker and the model, without the rate between them."""
    sets: Callable[[], dict[str, str]]
    profile: Callable[[str, str], str | None]
    password: str = ""
    reaction_us: int = 200_000
    push_every_us: int = 2_000_000
    faults: Faults = field(default_factory=Faults)
    refused_commands: list[str] = field(default_factory=list)
    """Commands that would have written."""
    now_us: int = 0

    def live(self) -> Conversation:
        """For ever: a push now and then, or an answer to each request."""
        if self.mode is Mode.D:
            yield from self._push()
        while True:
            heard = yield from self._line(START_BD, None)
            request = REQUEST.search(heard)
            if request is not None and self._is_meant(request[1].decode()) and not self.faults.due("silent"):
                yield from self._session()

    def _push(self) -> Conversation:
        due_us = 0
        while True:
            self.now_us, _ = yield Listen(self.baud_bd, max(due_us, self.now_us + 1))
            due_us = self.now_us + self.push_every_us
            yield from self._say(self.baud_bd, f"/{self._named('3')}\r\n\r\n{self._lines()}!\r\n".encode(), 0)

    def _session(self) -> Conversation:
        rate = {Mode.A: NO_RATE, Mode.B: LETTER_OF.get(self.baud_bd, "A"), Mode.C: DIGIT_OF.get(self.baud_bd, "0")}
        yield from self._say(START_BD, f"/{self._named(rate[self.mode])}\r\n".encode(), self.reaction_us)
        if self.mode is Mode.A:
            yield from self._readout(START_BD)
        elif self.mode is Mode.B:
            yield from self._readout(self.baud_bd)
        else:
            yield from self._option()

    def _option(self) -> Conversation:
        """ACK V Z Y: a readout or programming mode at the rate that was asked for; without it a readout at 300 Bd."""
        chosen = yield from self._line(START_BD, self.now_us + WAITS_US)
        found = re.search(rb"\x06([0-2])([0-9])([0-9])\r\n", chosen)
        if found is None:
            yield from self._readout(START_BD)
            return
        baud_bd = self.baud_bd if found[2].decode() == DIGIT_OF[self.baud_bd] else START_BD
        if self.faults.due("wrong-baud"):
            baud_bd = 1200 if baud_bd != 1200 else 2400
        if found[3] == b"1":
            yield from self._programming(baud_bd)
        elif found[3] == b"0":
            yield from self._repeated(baud_bd)

    def _readout(self, baud_bd: int) -> Conversation:
        yield from self._say(baud_bd, _message(STX, f"{self._lines()}!\r\n".encode(), ETX), self.reaction_us)

    def _repeated(self, baud_bd: int) -> Conversation:
        """A readout, said again when NAK comes; ACK or silence ends it."""
        for _ in range(3):
            yield from self._readout(baud_bd)
            self.now_us, heard = yield Listen(baud_bd, self.now_us + CHARACTER_US)
            if without_parity(heard) != NAK:
                return

    def _programming(self, baud_bd: int) -> Conversation:
        """Commands until a break or 60 s of silence."""
        yield from self._say(baud_bd, _message(SOH, b"P0" + STX + f"({self.serial})".encode(), ETX), self.reaction_us)
        is_open = not self.password
        while True:
            command = yield from self._command(baud_bd)
            if not command or command == BREAK:
                return
            kind, _, operand = command[1:-1].partition(STX)
            if kind == b"P1":
                is_open = operand == f"({self.password})".encode() or not self.password
                yield from self._say(baud_bd, ACK if is_open else NAK, self.reaction_us)
            elif kind in (b"R1", b"R5", b"R6"):
                yield from self._tell(baud_bd, kind, operand.decode("ascii", "replace"), is_open)
            else:
                self.refused_commands.append(kind.decode("ascii", "replace"))
                yield from self._say(baud_bd, _message(STX, b"(ER03)", ETX), self.reaction_us)

    def _tell(self, baud_bd: int, kind: bytes, operand: str, is_open: bool) -> Conversation:
        """One register or a stretch of the load profile; in partial blocks where that was asked for."""
        name, _, inside = operand.removesuffix(")").partition("(")
        if name == "P.01":
            first, _, last = inside.partition(";")
            text = self.profile(first, last) if is_open else None
        else:
            text = next((f"{key}({told})\r\n" for key, told in self.sets().items() if _is_named(key, name)), None)
        if text is None:
            yield from self._say(baud_bd, _message(STX, b"(ER02)" if not is_open else b"(ER01)", ETX), self.reaction_us)
        elif kind == b"R6":
            yield from self._in_blocks(baud_bd, text.encode())
        else:
            yield from self._say(baud_bd, _message(STX, text.encode(), ETX), self.reaction_us)

    def _in_blocks(self, baud_bd: int, text: bytes) -> Conversation:
        """EOT ends all but the last; each is repeated on NAK and followed on ACK."""
        blocks = [text[at : at + BLOCK_CHARACTERS] for at in range(0, len(text), BLOCK_CHARACTERS)]
        for number, block in enumerate(blocks):
            end = ETX if number == len(blocks) - 1 else EOT
            for _ in range(3):
                yield from self._say(baud_bd, _message(STX, block, end), self.reaction_us)
                if end == ETX:
                    return
                self.now_us, heard = yield Listen(baud_bd, self.now_us + WAITS_US)
                if without_parity(heard) == ACK:
                    break
            else:
                return

    def _named(self, rate: str) -> str:
        return f"{self.identification[:3]}{rate}{self.identification[3:]}"

    def _lines(self) -> str:
        return "".join(f"{name}({told})\r\n" for name, told in self.sets().items())

    def _is_meant(self, address: str) -> bool:
        return not address.strip("0 ") or address.lstrip("0") == self.serial.lstrip("0")

    def _say(self, baud_bd: int, text: bytes, after_us: int) -> Conversation:
        self.now_us, _ = yield Say(baud_bd, self.now_us + after_us, self.faults.spoilt(with_parity(text)))

    def _line(self, baud_bd: int, until_us: int | None) -> Answered:
        """What is heard up to a line feed; b"" for nothing, or for what no meter understands."""
        heard = b""
        while True:
            limit_us = until_us if not heard else self.now_us + CHARACTER_US
            self.now_us, more = yield Listen(baud_bd, limit_us)
            if not more:
                return b""
            text = without_parity(more)
            heard = b"" if text is None else (heard + text)[-64:]
            if heard.endswith(b"\r\n"):
                return heard

    def _command(self, baud_bd: int) -> Answered:
        """A command without its check character; b"" after silence. A wrong one is answered by NAK."""
        heard, until_us = b"", self.now_us + INACTIVE_US
        while True:
            self.now_us, more = yield Listen(baud_bd, until_us if not heard else self.now_us + CHARACTER_US)
            if not more and not heard:
                return b""
            heard = (heard + (without_parity(more) or b""))[-256:] if more else b""
            begin = heard.find(SOH)
            heard = heard[max(begin, 0) :] if begin >= 0 else b""
            end = heard.find(ETX)
            if end >= 0 and len(heard) > end + 1:
                command, check, heard = heard[: end + 1], heard[end + 1], b""
                if check == _check(command[1:]):
                    return command
                yield from self._say(baud_bd, NAK, self.reaction_us)


def _check(covered: bytes) -> int:
    """Exclusive or of everything after the first SOH or STX, the ETX or EOT included. (IEC 1155, as 6.3.1 has it)"""
    found = 0
    for one in covered:
        found ^= one
    return found


def _message(begin: bytes, text: bytes, end: bytes) -> bytes:
    return begin + text + end + bytes([_check(text + end)])


def _is_named(key: str, name: str) -> bool:
    """Whether `name` asks for the data set `key`: whole, or without A-B and F as many tools write it."""
    short = key.partition(":")[2].partition("*")[0] or key
    return name in (key, short, key.partition("*")[0]) and not (name == short and key.endswith("*01"))
