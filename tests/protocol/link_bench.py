"""A link over a scripted line with virtual time, and what a bus can bring in answer to one question.

The question is always unit 7, function code 4, two registers from 0x0048.
"""

import pytest

from drivers import ConfigurationError, DriverError, FrameError, NoAnswerError, RefusedError
from drivers.modbus.link import Framing, ModbusLink
from drivers.transport.scripted import Peer, ScriptedTransport, VirtualTicker
from tests.protocol.modbus_bytes import exception_pdu, registers_pdu, rtu

MS = 1000
TIMEOUT_US = 300 * MS
WORDS = [0x1234, 0xABCD]
ANSWER = rtu(7, registers_pdu(4, WORDS))
TABLE = {  # what the bus brings -> what becomes of it
    "whole": ([ANSWER], None),
    "after noise": ([b"\x00\xff\xf0\x01\x03" + ANSWER], None),
    "before noise": ([ANSWER + b"\x00\xff"], None),
    "doubled": ([ANSWER + ANSWER], None),
    "after our own echo": ([rtu(7, b"\x04\x00\x48\x00\x02") + ANSWER], None),
    "after a foreign unit": ([rtu(8, registers_pdu(4, [9, 9])) + ANSWER], None),
    "after a damaged one": ([ANSWER[:-1] + b"\x00" + ANSWER], None),
    "after another master's question": ([rtu(8, b"\x04\x00\x48\x00\x02") + ANSWER], None),
    "nothing": ([], NoAnswerError),
    "foreign unit": ([rtu(8, registers_pdu(4, WORDS))], FrameError),
    "wrong function": ([rtu(7, registers_pdu(3, WORDS))], FrameError),
    "too many registers": ([rtu(7, registers_pdu(4, [1, 2, 3]))], FrameError),
    "too few registers": ([rtu(7, registers_pdu(4, [1]))], FrameError),
    "a byte count that lies": ([rtu(7, b"\x04\x06\x12\x34\xab\xcd")], FrameError),
    "wrong CRC": ([ANSWER[:-2] + bytes([ANSWER[-2] ^ 1, ANSWER[-1]])], FrameError),
    "CRC with its bytes swapped": ([ANSWER[:-2] + ANSWER[:-3:-1]], FrameError),
    "truncated": ([ANSWER[:-1]], FrameError),
    "only a header": ([ANSWER[:3]], FrameError),
    "noise only": ([b"\x55" * 40], FrameError),
    "a flood": ([b"\x07\x04" * 3000], FrameError),
    "only our own echo": ([rtu(7, b"\x04\x00\x48\x00\x02")], NoAnswerError),
    "acknowledge": ([rtu(7, exception_pdu(4, 5))], RefusedError),
    "busy": ([rtu(7, exception_pdu(4, 6))], RefusedError),
    "gateway path": ([rtu(7, exception_pdu(4, 10))], RefusedError),
    "gateway target": ([rtu(7, exception_pdu(4, 11))], RefusedError),
    "illegal function": ([rtu(7, exception_pdu(4, 1))], ConfigurationError),
    "illegal address": ([rtu(7, exception_pdu(4, 2))], ConfigurationError),
    "illegal value": ([rtu(7, exception_pdu(4, 3))], ConfigurationError),
    "device failure": ([rtu(7, exception_pdu(4, 4))], ConfigurationError),
    "exception of another unit": ([rtu(8, exception_pdu(4, 2))], FrameError),
    "exception of another function": ([rtu(7, exception_pdu(3, 2))], FrameError),
}


class Bench:
    """A link over a scripted line."""

    def __init__(
        self, peer: Peer, framing: Framing = Framing.RTU, baud_bd: int | None = 9600, pause_us: int = 0
    ) -> None:
        self.ticker = VirtualTicker(10_000 * MS)
        self.transport = ScriptedTransport(self.ticker, peer)
        self.link = ModbusLink(
            self.transport, framing, self.ticker, timeout_us=TIMEOUT_US, baud_bd=baud_bd, pause_us=pause_us
        )

    def ask(self, unit: int = 7, address: int = 0x48, count: int = 2, function: int = 4) -> list[int]:
        return list(self.link.read_registers(unit, function, address, count).words)


def answers(*chunks: bytes, after_us: int = 20 * MS, apart_us: int = 0) -> Peer:
    """A peer that answers every request with these chunks."""
    return lambda _request: [(after_us + n * apart_us, chunk) for n, chunk in enumerate(chunks)]


def expect(bench: Bench, error: type[DriverError] | None) -> None:
    if error is None:
        assert bench.ask() == WORDS
    else:
        with pytest.raises(error) as caught:
            bench.ask()
        assert caught.type is error
