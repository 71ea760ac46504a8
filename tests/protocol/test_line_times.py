"""The times of a line, by hand: a character's bits, its time, the silence of 2.5.1.1."""

import pytest

from drivers.modbus.cost import WireCost
from drivers.modbus.line_times import LineTimes, bits_of
from drivers.modbus.link import Framing, ModbusLink
from drivers.transport.scripted import ScriptedTransport, VirtualTicker
from tests.protocol.link_bench import ANSWER, WORDS


@pytest.mark.parametrize(
    ("has_parity", "stop_bits", "bits"), [(False, 1, 10), (False, 2, 11), (True, 1, 11), (True, 2, 12)]
)
def test_a_character_is_start_data_parity_and_stop(has_parity: bool, stop_bits: int, bits: int) -> None:
    assert bits_of(has_parity=has_parity, stop_bits=stop_bits) == bits


@pytest.mark.parametrize(
    ("baud_bd", "bits", "character_us"),
    # 10 / 9600 s = 1041.67 us, 11 / 9600 = 1145.83, 12 / 9600 = 1250, 10 / 115200 = 86.81; never rounded down
    [(9600, 10, 1042), (9600, 11, 1146), (9600, 12, 1250), (115200, 10, 87), (19200, 10, 521)],
)
def test_the_time_of_a_character(baud_bd: int, bits: int, character_us: int) -> None:
    assert LineTimes(0, baud_bd=baud_bd, character_bits=bits).character_us == character_us


@pytest.mark.parametrize(
    ("baud_bd", "bits", "silence_us"),
    # 3.5 x 11 / 9600 s = 4010.4 us for 8N1 too, whose devices count the standard's bits; 3.5 x 12 / 9600 = 4375
    [(9600, 10, 4010), (9600, 11, 4010), (9600, 12, 4375), (19200, 10, 2005), (38400, 10, 1750), (115200, 12, 1750)],
)
def test_the_silence_is_never_shorter_than_the_standards(baud_bd: int, bits: int, silence_us: int) -> None:
    found_us = LineTimes(0, baud_bd=baud_bd, character_bits=bits).silence_us
    assert silence_us <= found_us <= silence_us + 4


@pytest.mark.parametrize(("bits", "wire_us"), [(10, 17_708), (11, 19_479)])
def test_an_answer_is_looked_for_when_its_last_character_is_over(bits: int, wire_us: int) -> None:
    """8 characters of question and 9 of answer at 9600 baud: 17 x 1041.67 us in 8N1, 17 x 1145.83 us otherwise."""
    ticker = VirtualTicker(10_000_000)
    transport = ScriptedTransport(ticker, lambda _: [(15_000, ANSWER)])
    link = ModbusLink(transport, Framing.RTU, ticker, timeout_us=300_000, baud_bd=9600, character_bits=bits)
    reply = link.read_registers(7, 4, 0x48, 2)
    assert list(reply.words) == WORDS
    assert wire_us <= reply.received_us - reply.sent_us <= wire_us + 17


def test_a_register_in_8n1_costs_two_characters_of_ten_bits() -> None:
    assert WireCost.rtu(9600, character_bits=10).register_us == 2 * 1042
