"""Blocks over a scripted line: energy of one moment, refusals asked in parts, values that age, what is told."""

import struct
from collections.abc import Callable
from dataclasses import replace

import pytest

from drivers import ConfigurationError, NoAnswerError
from drivers.modbus.blocks import BlockImage, BlockReader
from drivers.modbus.cost import WireCost
from drivers.modbus.link import Framing, ModbusLink
from drivers.modbus.plan import plan_blocks
from drivers.profile import Meaning, Register
from drivers.transport.scripted import ScriptedTransport, VirtualTicker
from drivers.want import Want
from tests.protocol.modbus_bytes import exception_pdu, registers_pdu, rtu

from .test_plan import EXPORT, IMPORT, register

UNIT, ANSWER_US, S = 7, 20_000, 1_000_000
Request = tuple[int, int]


class Slave:
    """Holds words by address and answers after 20 ms; refuses what `refuses` says, by exception code."""

    def __init__(self) -> None:
        self.table = {address: address for address in range(400)}
        self.asked: list[Request] = []
        self.refuses: Callable[[int, int], int] = lambda _address, _count: 0
        self.mute: Callable[[int], bool] = lambda _address: False
        self.before: Callable[[], None] = lambda: None
        self.ticker = VirtualTicker()
        transport = ScriptedTransport(self.ticker, self._answer)
        self.link = ModbusLink(transport, Framing.RTU, self.ticker, timeout_us=300_000, baud_bd=9600)

    def _answer(self, request: bytes) -> list[tuple[int, bytes]]:
        function, address, count = struct.unpack(">BHH", request[1:-2])
        self.asked.append((address, count))
        self.before()
        if self.mute(address):
            return []
        code = self.refuses(address, count)
        if code == 0 and any(address + n not in self.table for n in range(count)):
            code = 2
        words = [self.table.get(address + n, 0) for n in range(count)]
        pdu = exception_pdu(function, code) if code else registers_pdu(function, words)
        return [(ANSWER_US, rtu(UNIT, pdu))]


class Reader:
    """A block reader over a slave."""

    def __init__(self, *registers: Register, limit: int = 80) -> None:
        self.slave = Slave()
        blocks = plan_blocks(registers, limit, WireCost.rtu(9600))
        self.reader = BlockReader(self.slave.link, UNIT, blocks)

    def read(self, *, want: Want = Want.DUE) -> BlockImage:
        self.slave.asked.clear()
        return self.slave.link.run(self.reader.read(want=want))

    @property
    def asked(self) -> list[Request]:
        return self.slave.asked


def apart() -> Reader:
    """A map that forbids import (0 and 1) and export (100 and 101, padded to 4) in one request."""
    return Reader(register(0, IMPORT), register(100, EXPORT))


# --- one moment ------------------------------------------------------------------------------------------------------


def test_energy_of_one_request_is_of_one_moment() -> None:
    both = Reader(register(0, IMPORT), register(40, EXPORT))
    assert both.read().one_moment
    assert both.asked == [(0, 42)]


def test_energy_of_two_requests_is_of_the_second_ones_moment_if_the_first_has_not_moved() -> None:
    two = apart()
    image = two.read()
    assert two.asked == [(0, 2), (100, 4), (0, 2)]
    assert image.one_moment
    # The middle request's time and no other: 4 registers are 13 bytes, the answer begins 20 ms after the question.
    assert image.received_us - image.sent_us < 2 * (8 + 13) * 1146 + ANSWER_US
    assert image.words == {(4, 0): 0, (4, 1): 1, **{(4, 100 + n): 100 + n for n in range(4)}}


def test_energy_that_moves_once_is_read_until_it_stands() -> None:
    two = apart()

    def move() -> None:
        if len(two.asked) == 2:
            two.slave.table[1] = 2  # while export is read, import counts on

    two.slave.before = move
    image = two.read()
    # import 1, export, import 2: moved; export again: the same around import 2
    assert two.asked == [(0, 2), (100, 4), (0, 2), (100, 4)]
    assert image.one_moment
    assert image.words[4, 1] == 2


def test_energy_that_never_stands_is_not_of_one_moment_and_says_how_long_it_took() -> None:
    two = apart()

    def move() -> None:
        two.slave.table[1] += 1
        two.slave.table[101] += 1

    two.slave.before = move
    image = two.read()
    assert len(two.asked) == 8  # bounded
    assert not image.one_moment
    assert image.received_us - image.sent_us > 2 * ANSWER_US  # both of the last two requests
    assert image.words[4, 1] == 1 + 7
    assert image.words[4, 101] == 101 + 8


def test_power_beside_the_energy_may_move() -> None:
    two = Reader(register(0, IMPORT), replace(register(4, Meaning.POWER), name="power"), register(100, EXPORT))

    def move() -> None:
        two.slave.table[4] += 1

    two.slave.before = move
    assert two.read().one_moment
    assert len(two.asked) == 3


def test_three_energy_requests_are_of_the_middle_ones_moment() -> None:
    three = Reader(register(0, IMPORT), register(100, EXPORT), replace(register(200, EXPORT), name="third"))
    assert three.read().one_moment
    assert [address for address, _ in three.asked] == [0, 100, 200, 0, 100]


# --- refusals --------------------------------------------------------------------------------------------------------


def test_a_hole_that_the_device_refuses_is_not_asked_again() -> None:
    reader = Reader(register(0, IMPORT), register(4, EXPORT), register(20))
    del reader.slave.table[10]
    image = reader.read()
    assert reader.asked == [(0, 22), (0, 6), (20, 2)]
    assert image.notes == ()  # nothing is missing
    reader.read(want=Want.ALL)
    assert reader.asked == [(0, 6), (20, 2)]


def test_energy_with_a_refused_hole_between_is_read_until_it_stands_and_that_is_told_once() -> None:
    reader = Reader(register(0, IMPORT), register(40, EXPORT))
    reader.slave.refuses = lambda _address, count: 2 if count > 30 else 0
    image = reader.read()
    assert reader.asked == [(0, 42), (0, 2), (40, 2), (0, 2)]
    assert image.one_moment
    (note,) = image.notes
    assert "energy_import_0 and energy_export_40 do not come in one request" in note
    assert reader.read().notes == ()
    assert reader.asked == [(0, 2), (40, 2), (0, 2)]


@pytest.mark.parametrize("code", [2, 3])
def test_a_device_that_takes_fewer_registers_than_its_profile_says_is_asked_for_fewer(code: int) -> None:
    registers = [register(0, IMPORT), register(2, EXPORT), *(register(4 + 2 * n) for n in range(8))]
    reader = Reader(*registers)
    reader.slave.refuses = lambda _address, count: code if count > 10 else 0
    image = reader.read()
    assert {(4, address) for address in range(20)} <= image.words.keys()
    reader.read(want=Want.ALL)
    assert all(count <= 10 for _, count in reader.asked)


def test_an_export_that_the_device_never_had_is_told_once_and_import_is_read() -> None:
    reader = Reader(register(0, IMPORT), register(2, EXPORT))
    del reader.slave.table[2], reader.slave.table[3]
    image = reader.read()
    assert (4, 2) not in image.words
    assert image.one_moment
    assert any("the device has no energy_export_2 at 0x0002" in note for note in image.notes)
    assert reader.read().notes == ()
    assert reader.asked == [(0, 2)]


def test_an_export_that_was_there_is_never_dropped() -> None:
    reader = Reader(register(0, IMPORT), register(2, EXPORT))
    reader.read()
    del reader.slave.table[2]
    for _ in range(3):
        with pytest.raises(ConfigurationError, match=r"energy_export_2: .*exception 2") as caught:
            reader.read()
        assert caught.value.code == 2
    reader.slave.table[2] = 2  # it was a restart
    assert reader.read().words[4, 2] == 2
    assert reader.asked == [(0, 4)]  # and nothing of the bad time was learnt


def test_a_missing_import_is_a_mistake_of_the_configuration_each_time() -> None:
    reader = Reader(register(0, IMPORT), register(2, EXPORT))
    del reader.slave.table[0]
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="energy_import_0"):
            reader.read()


@pytest.mark.parametrize("code", [1, 4])
def test_energy_under_another_function_or_of_a_broken_device_is_not_searched_for_in_parts(code: int) -> None:
    reader = Reader(register(0, IMPORT), register(2, EXPORT))
    reader.slave.refuses = lambda _address, _count: code
    with pytest.raises(ConfigurationError, match=f"exception {code}"):
        reader.read()
    assert len(reader.asked) == 1


def test_values_of_a_function_that_the_device_lacks_are_dropped_together() -> None:
    reader = Reader(register(0, IMPORT), register(0, function=3), register(2, function=3))
    reader.slave.refuses = lambda _address, count: 1 if count == 4 else 0
    assert len(reader.read().notes) == 2
    reader.read(want=Want.ALL)
    assert reader.asked == [(0, 2)]


def test_what_was_learnt_is_forgotten_with_the_device() -> None:
    reader = Reader(register(0, IMPORT), register(2, EXPORT))
    del reader.slave.table[2]
    reader.read()
    reader.slave.table[2] = 2
    reader.reader.forget()
    assert reader.read().words[4, 2] == 2


# --- ages ------------------------------------------------------------------------------------------------------------


def test_a_value_that_may_be_old_is_asked_for_when_it_is() -> None:
    reader = Reader(register(0, IMPORT), replace(register(100), max_age_us=10 * S))
    asked = []
    for _ in range(5):
        image = reader.read()
        assert image.words[4, 100] == 100
        asked.append([address for address, _ in reader.asked])
        reader.slave.ticker.now_us += 4 * S
    assert asked == [[0, 100], [0], [0], [0, 100], [0]]  # at 0, 4, 8, 12 and 16 s


def test_a_fresh_reading_asks_for_all() -> None:
    reader = Reader(register(0, IMPORT), replace(register(100), max_age_us=10 * S))
    reader.read()
    reader.read(want=Want.ALL)
    assert [address for address, _ in reader.asked] == [0, 100]


def test_a_reading_in_a_hurry_asks_for_nothing_that_may_be_older() -> None:
    power = replace(register(200, Meaning.POWER), name="power")
    reader = Reader(register(0, IMPORT), replace(register(100), max_age_us=10 * S), power)
    reader.read()
    assert [address for address, _ in reader.asked] == [0, 100, 200]
    reader.slave.ticker.now_us += 60 * S
    assert (4, 100) not in reader.read(want=Want.NEEDED).words
    assert [address for address, _ in reader.asked] == [0, 200]


def test_a_value_that_is_too_old_and_cannot_be_read_is_absent() -> None:
    reader = Reader(register(0, IMPORT), replace(register(100), max_age_us=10 * S))
    reader.read()
    reader.slave.mute = lambda address: address == 100
    reader.slave.ticker.now_us += 9 * S
    assert (4, 100) in reader.read().words
    reader.slave.ticker.now_us += 1 * S
    assert (4, 100) not in reader.read().words


def test_one_silence_ends_the_reading_of_what_is_beside_the_energy() -> None:
    far = [replace(register(address), name=str(address), max_age_us=0) for address in (100, 200, 300)]
    reader = Reader(register(0, IMPORT), *far)
    reader.slave.mute = lambda address: address >= 100
    reader.read()
    assert len(reader.asked) == 2


def test_plain_blocks_are_read_whole_and_silence_is_told() -> None:
    reader = Reader(register(0), register(100))
    assert len(reader.slave.link.run(reader.reader.read_plain())) == 6  # 2, and 4 with padding
    reader.slave.mute = lambda _address: True
    with pytest.raises(NoAnswerError):
        reader.slave.link.run(reader.reader.read_plain())
