"""Requests to bytes, checksums, exception codes. The only file that imports pymodbus.

It can make nothing but reads: function codes 3 and 4. An answer that has been checked against its question is a plain
row of big-endian words, unpacked here directly: pymodbus takes 28 us for sixty of them, one by one.
(Modbus Application Protocol V1.1b3, 6.3, 6.4, 7)
"""

import enum
import struct

from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from .frames import EXCEPTION_FLAG, Question

READS = {3: ReadHoldingRegistersRequest, 4: ReadInputRegistersRequest}
MAX_COUNT = 125
_DECODER = DecodePDU(False)
_RTU, _SOCKET = FramerRTU(_DECODER), FramerSocket(_DECODER)


class Framing(enum.Enum):
    """How a request is wrapped."""

    RTU = "rtu"
    TCP = "tcp"


def check_question(question: Question, framing: Framing) -> None:
    """Raises ValueError for anything that is not a read of the standard."""
    if question.function not in READS:
        raise ValueError(f"function code {question.function} is not a read; this program only reads (3 or 4)")
    # Unit 0 is broadcast on a serial line, where nobody answers; over TCP some devices listen to 0 or 255.
    first, last = (1, 247) if framing is Framing.RTU else (0, 255)
    if not first <= question.unit <= last:
        raise ValueError(f"unit {question.unit}, expected {first} to {last}")
    address, count = question.address, question.count
    if not 1 <= count <= MAX_COUNT or not 0 <= address <= 0x10000 - count:
        raise ValueError(f"address {address} count {count}, expected 1 to {MAX_COUNT} registers below 65536")


def encode(question: Question, framing: Framing, transaction: int = 0) -> bytes:
    """The whole request. Raises ValueError for anything that is not a read of the standard."""
    check_question(question, framing)
    pdu = READS[question.function](
        dev_id=question.unit, transaction_id=transaction, address=question.address, count=question.count
    )
    return (_RTU if framing is Framing.RTU else _SOCKET).buildFrame(pdu)


def exception_code(pdu: bytes) -> int | None:
    """The exception that an answer already found sound holds; None for one with registers."""
    return pdu[1] if pdu[0] & EXCEPTION_FLAG else None


def words_of_answer(pdu: bytes) -> tuple[int, ...]:
    """The registers of an answer whose function and byte count were checked against the question."""
    return struct.unpack_from(f">{pdu[1] // 2}H", pdu, 2)


def crc_ok(frame: bytes) -> bool:
    """Whether the last two bytes are the CRC of the others."""
    return FramerRTU.check_CRC(frame[:-2], int.from_bytes(frame[-2:], "big"))
