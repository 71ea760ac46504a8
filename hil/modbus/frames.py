"""Modbus frames of the simulated devices: bytes by struct, a CRC of their own. No I/O, nothing of the drivers.

(Modbus over Serial Line V1.02, 2.5.1 and 6.2.2; Messaging on TCP/IP V1.0b, 3.1.3; Application Protocol V1.1b3, 6.3)
"""

import struct
from dataclasses import dataclass

RTU_REQUEST_BYTES, TCP_REQUEST_BYTES = 8, 12
GENERATOR_BITS = 0x18005
"""The CRC's generator: these bits flipped in a row, in the order in which a line carries them, are not noticed."""


def _remainder(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ 0xA001 if byte & 1 else byte >> 1
    return byte


_REMAINDERS = tuple(map(_remainder, range(256)))


def crc16(data: bytes) -> bytes:
    """The two check bytes, low byte first."""
    register = 0xFFFF
    for byte in data:
        register = (register >> 8) ^ _REMAINDERS[(register ^ byte) & 0xFF]
    return bytes((register & 0xFF, register >> 8))


def crc_holds(frame: bytes) -> bool:
    """Whether a whole frame ends in its own check bytes."""
    return len(frame) > 3 and crc16(frame[:-2]) == frame[-2:]


@dataclass(frozen=True, slots=True)
class Request:
    """A read as it came over the wire; `transaction` is None on a serial line."""

    unit: int
    function: int
    address: int
    count: int
    transaction: int | None = None


def rtu(unit: int, pdu: bytes) -> bytes:
    """A frame on a serial line."""
    body = bytes((unit,)) + pdu
    return body + crc16(body)


def tcp(transaction: int, unit: int, pdu: bytes) -> bytes:
    """A frame on a Modbus TCP connection."""
    return struct.pack(">HHHB", transaction & 0xFFFF, 0, len(pdu) + 1, unit) + pdu


def framed(request: Request, pdu: bytes, unit: int | None = None) -> bytes:
    """An answer in the framing of its question, of the unit that was asked unless told otherwise."""
    who = request.unit if unit is None else unit
    return rtu(who, pdu) if request.transaction is None else tcp(request.transaction, who, pdu)


def registers_pdu(function: int, words: tuple[int, ...]) -> bytes:
    """The answer to a read."""
    return struct.pack(f">BB{len(words)}H", function, 2 * len(words) & 0xFF, *words)


def exception_pdu(function: int, code: int) -> bytes:
    """A refusal."""
    return bytes((function | 0x80, code))


def take_request(heard: bytearray, is_tcp: bool) -> Request | None:
    """Take the first whole request off `heard`; None for "not yet". What is no request is dropped byte by byte."""
    if is_tcp:
        if len(heard) < TCP_REQUEST_BYTES:
            return None
        transaction, _, _, unit, function, address, count = struct.unpack(">HHHBBHH", heard[:TCP_REQUEST_BYTES])
        del heard[:TCP_REQUEST_BYTES]
        return Request(unit, function, address, count, transaction)
    while len(heard) >= RTU_REQUEST_BYTES:
        frame = bytes(heard[:RTU_REQUEST_BYTES])
        if crc_holds(frame):
            del heard[:RTU_REQUEST_BYTES]
            unit, function, address, count = struct.unpack(">BBHH", frame[:6])
            return Request(unit, function, address, count)
        del heard[:1]
    return None


def flip_unnoticed(frame: bytes, first_bit: int) -> bytes:
    """The frame with the generator's own bits flipped from `first_bit` on: its CRC still holds.

    A byte leaves with its lowest bit first, and so the CRC counts; the pattern is 17 bits long.
    """
    number = int.from_bytes(frame, "little") ^ (int(f"{GENERATOR_BITS:017b}"[::-1], 2) << first_bit)
    return number.to_bytes(len(frame), "little")
