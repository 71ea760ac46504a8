"""Modbus frames written down with struct and a CRC of their own, and a slave that answers from a register table.

Stands beside the tests so that expected bytes never come from the program under test or from its codec.
(Modbus over Serial Line V1.02, 6.2.2: CRC, bit by bit)
"""

import struct
from collections.abc import Mapping

Words = Mapping[int, int]


def crc(data: bytes) -> bytes:
    register = 0xFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ 0xA001 if register & 1 else register >> 1
    return struct.pack("<H", register)


def rtu(unit: int, pdu: bytes) -> bytes:
    frame = bytes([unit]) + pdu
    return frame + crc(frame)


def tcp(transaction: int, unit: int, pdu: bytes) -> bytes:
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


def registers_pdu(function: int, words: list[int]) -> bytes:
    return struct.pack(f">BB{len(words)}H", function, 2 * len(words), *words)


def exception_pdu(function: int, code: int) -> bytes:
    return bytes([function | 0x80, code])


def answer_pdu(request_pdu: bytes, table: Words) -> bytes:
    """What a slave holding `table` (address -> word) answers: registers, or exception 2 for an unknown address."""
    function, address, count = struct.unpack(">BHH", request_pdu)
    words = [table.get(address + n) for n in range(count)]
    if None in words:
        return exception_pdu(function, 2)
    return registers_pdu(function, [word for word in words if word is not None])


def rtu_answer(request: bytes, table: Words) -> bytes:
    """The whole RTU answer of the unit that was asked. The request's own CRC must be right."""
    assert crc(request[:-2]) == request[-2:]
    return rtu(request[0], answer_pdu(request[1:-2], table))


def tcp_answer(request: bytes, table: Words) -> bytes:
    """The whole Modbus TCP answer, with the request's transaction id."""
    transaction, protocol, length, unit = struct.unpack(">HHHB", request[:7])
    assert (protocol, length) == (0, len(request) - 6)
    return tcp(transaction, unit, answer_pdu(request[7:], table))


def float_words(value: float) -> list[int]:
    """A binary32, high word first."""
    return list(struct.unpack(">HH", struct.pack(">f", value)))
