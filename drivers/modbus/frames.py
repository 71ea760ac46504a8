"""Modbus frames found in what came in: pure, no I/O, no clock, no codec of its own.

RTU frames have no length and no transaction id, so the question says what the answer must look like, and the buffer
is searched for exactly that (Modbus over Serial Line V1.02, 2.5.1; Application Protocol V1.1b3, 6.3, 6.4, 7).
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass

EXCEPTION_FLAG = 0x80
EXCEPTION_BYTES = 5
REQUEST_BYTES = 8
SINGLE_WRITE = 6
HIGHEST_UNIT = 247
MBAP_BYTES = 7
MBAP_MAX_LENGTH = 254  # unit + 253 bytes of PDU


class Trouble(enum.Enum):
    """Why bytes that came are not the answer; in the order in which they are told."""

    DAMAGED = "damaged"
    MISMATCHED = "mismatched"
    FOREIGN = "foreign"
    TRUNCATED = "truncated"
    NOISE = "noise"


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, and so what an answer must be."""

    unit: int
    function: int
    address: int
    count: int

    @property
    def answer_bytes(self) -> int:
        """Length of the whole RTU answer: unit, function, byte count, registers, CRC."""
        return 5 + 2 * self.count

    def has_shape_of(self, other: "Question") -> bool:
        """Whether the answer to one would be taken for the answer to the other."""
        return (self.unit, self.function, self.count) == (other.unit, other.function, other.count)

    def resembles(self, request: bytes) -> bool:
        """Whether the answer to `request`, whole and sound, would be taken for the answer to this."""
        head, count = bytes([self.unit, self.function]), self.count.to_bytes(2, "big")
        return request[:2] == head and request[4:6] == count

    def __str__(self) -> str:
        return f"unit {self.unit} FC{self.function} 0x{self.address:04X}+{self.count}"


CrcOk = Callable[[bytes], bool]


def find_rtu_answer(buffer: bytes, question: Question, crc_ok: CrcOk) -> tuple[int, int] | None:
    """(start, end) of the first whole, sound answer to `question` in `buffer`, or None."""
    start = buffer.find(question.unit)
    while 0 <= start <= len(buffer) - EXCEPTION_BYTES:
        length = _answer_length(buffer, start, question)
        if length and start + length <= len(buffer) and crc_ok(buffer[start : start + length]):
            return start, start + length
        start = buffer.find(question.unit, start + 1)
    return None


def explain_rtu(buffer: bytes, question: Question, crc_ok: CrcOk) -> tuple[Trouble, str]:
    """Why a non-empty `buffer` without an answer is none: the cause, and a sentence with expected and got."""
    start = 0
    while start < len(buffer):
        length = _any_sound_frame(buffer, start, crc_ok)
        if length:
            unit, function = buffer[start], buffer[start + 1]
            if unit != question.unit:
                return Trouble.FOREIGN, f"answer of unit {unit} came"
            if function & ~EXCEPTION_FLAG != question.function:
                return Trouble.MISMATCHED, f"function {function} came, expected {question.function}"
            return Trouble.MISMATCHED, f"{buffer[start + 2]} data bytes came, expected {2 * question.count}"
        start += 1
    for start in range(len(buffer) - 2):
        length = _answer_length(buffer, start, question) if buffer[start] == question.unit else 0
        if length and start + length > len(buffer):
            return Trouble.TRUNCATED, f"{len(buffer) - start} of {length} bytes came: {_hex(buffer[start:])}"
        if length:
            return Trouble.DAMAGED, f"wrong CRC: {_hex(buffer[start : start + length])}"
    return Trouble.NOISE, f"{len(buffer)} bytes that are no frame: {_hex(buffer)}"


def requests_heard(buffer: bytes, crc_ok: CrcOk) -> list[bytes]:
    """Sound requests in what was heard: reads of function 1 to 4 and writes of one value, all eight bytes long.

    No answer to a read is eight bytes long, so each of them is a master's word (or the echo of a write: no less so).
    """
    found: list[bytes] = []
    start = 0
    while start + REQUEST_BYTES <= len(buffer):
        frame = buffer[start : start + REQUEST_BYTES]
        if frame[0] <= HIGHEST_UNIT and 1 <= frame[1] <= SINGLE_WRITE and crc_ok(frame):
            found.append(frame)
            start += REQUEST_BYTES
        else:
            start += 1
    return found


def _answer_length(buffer: bytes, start: int, question: Question) -> int:
    """Length of an answer to `question` whose header stands at `start`; 0 if it is no such header."""
    function = buffer[start + 1]
    if function == question.function and buffer[start + 2] == 2 * question.count:
        return question.answer_bytes
    return EXCEPTION_BYTES if function == question.function | EXCEPTION_FLAG else 0


def _any_sound_frame(buffer: bytes, start: int, crc_ok: CrcOk) -> int:
    """Length of a sound frame of whatever unit at `start`: exception, read answer, or 8-byte request/write; or 0."""
    left = len(buffer) - start
    lengths = [EXCEPTION_BYTES, 8]
    if left > 2:
        lengths.append(5 + buffer[start + 2])
    for length in lengths:
        if length <= left and crc_ok(buffer[start : start + length]):
            return length
    return 0


@dataclass(frozen=True, slots=True)
class TcpFrame:
    """One frame of a Modbus TCP stream; `pdu` starts with the function code."""

    transaction: int
    unit: int
    pdu: bytes


def take_tcp_frame(buffer: bytearray) -> TcpFrame | None:
    """Take the first whole frame off `buffer`; None for "not yet". Raises ValueError if the stream makes no sense."""
    if len(buffer) < MBAP_BYTES:
        return None
    protocol, length = int.from_bytes(buffer[2:4], "big"), int.from_bytes(buffer[4:6], "big")
    if protocol != 0 or not 2 <= length <= MBAP_MAX_LENGTH:
        raise ValueError(f"not a Modbus TCP header: {_hex(buffer[:MBAP_BYTES])}")
    end = 6 + length
    if len(buffer) < end:
        return None
    frame = TcpFrame(int.from_bytes(buffer[0:2], "big"), buffer[6], bytes(buffer[7:end]))
    del buffer[:end]
    return frame


def skip_tcp_frames(buffer: bytearray) -> None:
    """Skip what came behind an answer. Raises ValueError if it is not whole frames.

    An answer cut off by its device is filled up with the first bytes of whatever comes next, and looks whole; the rest
    of that stands behind it.
    """
    while take_tcp_frame(buffer) is not None:
        pass
    if buffer:
        raise ValueError(f"an answer, and behind it bytes that are no frame: {_hex(buffer)}")


def explain_tcp(frame: TcpFrame, question: Question) -> tuple[Trouble, str] | None:
    """Why `frame`, whose transaction is ours, is not the answer to `question`; None if it is."""
    if frame.unit != question.unit:
        return Trouble.FOREIGN, f"answer of unit {frame.unit} came"
    if frame.pdu[0] == question.function | EXCEPTION_FLAG and len(frame.pdu) == 2:
        return None
    if frame.pdu[0] != question.function:
        return Trouble.MISMATCHED, f"function {frame.pdu[0]} came, expected {question.function}"
    if len(frame.pdu) != 2 + 2 * question.count or frame.pdu[1] != 2 * question.count:
        return Trouble.MISMATCHED, f"{len(frame.pdu) - 2} data bytes came, expected {2 * question.count}"
    return None


def _hex(data: bytes | bytearray) -> str:
    shown = bytes(data[:24]).hex(" ")
    return f"{shown} ..." if len(data) > 24 else shown
