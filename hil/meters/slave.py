"""A Modbus slave without a line: a request in, an answer out, from registers that somebody else fills.

Functions 3 and 4 only. An address that the meter does not have answers exception 2; with `holes_read_zero` those
between two that it has read as 0, as in many meters. (Modbus Application Protocol V1.1b3, 6.3, 6.4 and 7)
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .sdm630_rtu import crc16

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3
Words = Mapping[tuple[int, int], int]
"""(function code, address) -> word."""


@dataclass(frozen=True, slots=True)
class Slave:
    """One unit. `words` is asked anew for every request: what it returns is of one moment."""

    unit: int
    words: Callable[[], Words]
    most_registers: int = 125
    holes_read_zero: bool = False

    def answer_rtu(self, frame: bytes) -> bytes | None:
        """The answer to an RTU frame; None where a meter stays silent (damaged, not for it)."""
        if len(frame) < 4 or crc16(frame[:-2]) != frame[-2:] or frame[0] != self.unit:
            return None
        body = bytes((self.unit,)) + self.answer_pdu(frame[1:-2])
        return body + crc16(body)

    def answer_tcp(self, frame: bytes) -> bytes | None:
        """The answer to a Modbus TCP frame (transaction, protocol 0, length, unit, PDU); None for another unit."""
        transaction, protocol, _length, unit = struct.unpack(">HHHB", frame[:7])
        if protocol != 0 or unit != self.unit:
            return None
        pdu = self.answer_pdu(frame[7:])
        return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu

    def answer_pdu(self, pdu: bytes) -> bytes:
        """The answer to a request of function, address and count."""
        function = pdu[0]
        if function not in (3, 4) or len(pdu) != 5:
            return bytes((function | 0x80, ILLEGAL_FUNCTION))
        address, count = struct.unpack(">HH", pdu[1:5])
        if not 1 <= count <= self.most_registers:
            return bytes((function | 0x80, ILLEGAL_VALUE))
        found = self._registers(function, address, count)
        if found is None:
            return bytes((function | 0x80, ILLEGAL_ADDRESS))
        return struct.pack(f">BB{count}H", function, 2 * count, *found)

    def _registers(self, function: int, address: int, count: int) -> list[int] | None:
        words = self.words()
        wanted = [(function, address + n) for n in range(count)]
        if self.holes_read_zero:
            mine = [place for own, place in words if own == function]
            if not mine or address < min(mine) or address + count - 1 > max(mine):
                return None
        elif any(place not in words for place in wanted):
            return None
        return [words.get(place, 0) for place in wanted]
