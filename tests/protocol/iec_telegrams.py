"""Telegrams made by hand after IEC 62056-21, and the seven ways in which each is handed to a reader.

Knows nothing of the reader: BCC, CRC and parity are reckoned here once more, slowly, a character at a time.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

BLOCK_TEXT = (
    b"F.F(00)\r\n0.0.0(  1EMH00123)\r\n1.8.0(001234.567*kWh)\r\n2.8.0(000089.010*kWh)\r\n16.7.0( 000.35*kW)\r\n!\r\n"
)


def block_check(covered: bytes) -> int:
    """Longitudinal parity: each character in turn."""
    value = 0
    for character in covered:
        value ^= character
    return value


def framed(text: bytes, end: bytes = b"\x03") -> bytes:
    return b"\x02" + text + end + bytes([block_check(text + end)])


def filled_to(check: int) -> bytes:
    """A readout whose BCC is `check`: two characters of a text register are chosen so."""
    for first in range(0x30, 0x7B):
        for second in range(0x30, 0x7B):
            text = BLOCK_TEXT.replace(b"EMH", bytes([first, 0x4D, second]))
            if block_check(text + b"\x03") == check:
                return framed(text)
    raise ValueError(f"no filling gives {check:#04x}")


def crc16_slowly(covered: bytes) -> int:
    """CRC-16 with the polynomial 0xA001, a bit at a time, as the P1 companion standard draws it."""
    register = 0
    for byte in covered:
        register ^= byte
        for _ in range(8):
            carry = register & 1
            register >>= 1
            if carry:
                register ^= 0xA001
    return register


def with_parity(characters: bytes) -> bytes:
    return bytes(one | 0x80 if bin(one).count("1") % 2 else one for one in characters)


NAME = b"/EMH5\\@ED300L\r\n"
_P1 = b"/ISK5\\2M550T-1012\r\n\r\n1-0:1.8.1(000010.181*kWh)\r\n1-0:2.8.1(000000.271*kWh)\r\n!"
_PUSHED = b"/EBZ5DD32R06\r\n\r\n1-0:1.8.0*255(002714.12830185*kWh)\r\n1-0:2.8.0*255(000001.206*kWh)\r\n!\r\n"
PROTECTED = {
    "mode C": NAME + framed(BLOCK_TEXT),
    "BCC is LF": NAME + filled_to(0x0A),
    "BCC is CR": NAME + filled_to(0x0D),
    "BCC is ETX": NAME + filled_to(0x03),
    "BCC is STX": NAME + filled_to(0x02),
    "BCC is a slash": NAME + filled_to(0x2F),
    "BCC is a bang": NAME + filled_to(0x21),
    "answer in programming mode": framed(b"1.8.0(001234.567*kWh)"),
    "partial block": framed(b"1.8.0(001234.567*kWh)\r\n2.8.0(000001.000*kWh)\r\n", b"\x04"),
    "P1": _P1 + b"%04X\r\n" % crc16_slowly(_P1),
    "parity on 8N1": with_parity(NAME + framed(BLOCK_TEXT)),
}
"""Telegrams whose characters a check vouches for."""
UNPROTECTED = {
    "mode A": b"/KAM 68438BC45\r\n1.8.0(0036886*kWh)\r\n2.8.0(0000012*kWh)\r\n!\r\n",
    "mode D": _PUSHED,
}
TELEGRAMS = PROTECTED | UNPROTECTED


@dataclass(frozen=True, slots=True)
class Mangled:
    """Bytes to hand in and in which pieces."""

    pieces: tuple[bytes, ...]

    @property
    def whole(self) -> bytes:
        return b"".join(self.pieces)


def bytewise(stream: bytes) -> list[bytes]:
    return [stream[at : at + 1] for at in range(len(stream))]


def chunked(stream: bytes, seed: int) -> list[bytes]:
    chance = random.Random(seed)
    pieces, at = [], 0
    while at < len(stream):
        size = chance.choice((1, 2, 3, 7, 16, 61, 200))
        pieces.append(stream[at : at + size])
        at += size
    return pieces


def noise(count: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(count)


def flips(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """Every single bit turned, with the byte's place."""
    for at in range(len(stream)):
        for bit in range(8):
            yield at, stream[:at] + bytes([stream[at] ^ 1 << bit]) + stream[at + 1 :]


def fed(make: Callable[[], Any], pieces: Sequence[bytes]) -> list[Any]:
    """All that a reader finds in `pieces` and at their end."""
    reader = make()
    found: list[Any] = []
    for piece in pieces:
        found.extend(reader.feed(piece))
    found.extend(reader.finish())
    return found
