"""Parity of seven-bit characters, in software where the port can only do 8N1 (ptys, many USB heads).

Where the port does 7E1 itself nothing is left to do here. (IEC 62056-21:2002, 5.4: one even parity bit)
"""

import enum

_EVEN = bytes(byte for byte in range(256) if byte.bit_count() % 2 == 0)
_ADD = bytes(byte | (0x80 if byte.bit_count() % 2 else 0) for byte in range(128)) * 2
_STRIP = bytes(range(128)) * 2


class ParityMode(enum.Enum):
    """Who makes the parity bit."""

    HARDWARE = "7E1"
    """The port does."""
    SOFTWARE = "8N1"
    """We do: added when sent, checked when received."""
    IGNORED = "ignored"
    """We add it; what is received may have any (a head that strips it on one side only)."""


def with_parity(characters: bytes) -> bytes:
    """Seven-bit characters with their even parity bit on top."""
    return characters.translate(_ADD)


def without_parity(received: bytes | bytearray) -> bytes:
    """The seven bits alone; whether the eighth was right, `first_odd` knows."""
    return bytes(received.translate(_STRIP))


def first_odd(received: bytes | bytearray) -> int | None:
    """Where the first character with a wrong parity bit stands; None if all are right."""
    wrong = received.translate(None, _EVEN)
    return received.index(wrong[:1]) if wrong else None


def odd_count(received: bytes | bytearray) -> int:
    """How many characters have a wrong parity bit."""
    return len(received.translate(None, _EVEN))
