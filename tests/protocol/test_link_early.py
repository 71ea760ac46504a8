"""What comes before the question has left the wire is nobody's answer to it, where the port takes its line's time.

9600 baud, 11 bits: a question of 8 characters is out after 9.17 ms, its answer's first character is over 1.15 ms later.
"""

import pytest

from drivers import FrameError, NoAnswerError
from drivers.modbus.link import Framing, ModbusLink
from drivers.transport.scripted import Peer, ScriptedTransport, VirtualTicker
from tests.protocol.link_bench import ANSWER, MS, TIMEOUT_US, WORDS
from tests.protocol.modbus_bytes import registers_pdu, rtu

QUESTION = rtu(7, b"\x04\x00\x48\x00\x02")
LATE_ANSWER = rtu(7, registers_pdu(4, [0xDEAD, 0xBEEF]))
"""To an earlier question of the same length: nothing in it says so."""
HONEST_US = 25 * MS


class LateTicker(VirtualTicker):
    """A busy machine: every sleep lasts `late_us` longer than asked for."""

    late_us = 0

    def sleep_us(self, duration_us: int) -> None:
        super().sleep_us(duration_us + self.late_us if duration_us > 0 else 0)


class Line:
    """A link on a line that is paced or not."""

    def __init__(self, peer: Peer, is_paced: bool = True, late_us: int = 0) -> None:
        self.ticker = LateTicker(10_000 * MS)
        self.peer: Peer = lambda _: [(HONEST_US, ANSWER)]
        self.transport = ScriptedTransport(self.ticker, lambda request: self.peer(request))
        self.link = ModbusLink(
            self.transport, Framing.RTU, self.ticker, timeout_us=TIMEOUT_US, baud_bd=9600, is_paced=is_paced
        )
        self.ask()  # the quiet of a line's first use is over
        self.peer = peer
        self.ticker.late_us = late_us

    def ask(self) -> list[int]:
        return list(self.link.read_registers(7, 4, 0x48, 2).words)


def test_an_answer_that_comes_too_early_is_not_taken_and_the_real_one_is() -> None:
    line = Line(lambda _: [(3 * MS, LATE_ANSWER), (HONEST_US, ANSWER)])
    assert line.ask() == WORDS
    assert line.link.counters.noise == 1


def test_the_control_without_the_guard_takes_it() -> None:
    line = Line(lambda _: [(3 * MS, LATE_ANSWER), (HONEST_US, ANSWER)], is_paced=False)
    assert line.ask() == [0xDEAD, 0xBEEF]


def test_an_early_answer_alone_is_an_error_that_says_so_and_leaves_the_line_suspect() -> None:
    line = Line(lambda _: [(3 * MS, LATE_ANSWER)])
    with pytest.raises(FrameError, match="9 bytes came before the question was out"):
        line.ask()
    assert line.link.counters.noise == 1
    failed_us = line.ticker.now_us
    with pytest.raises(FrameError):
        line.ask()
    assert line.transport.written[-1][0] - failed_us >= TIMEOUT_US


def test_an_answer_that_begins_too_early_and_ends_later_is_none_either() -> None:
    line = Line(lambda _: [(3 * MS, LATE_ANSWER[:4]), (12 * MS, LATE_ANSWER[4:])])
    with pytest.raises(FrameError):
        line.ask()


def test_the_soonest_honest_answer_is_taken() -> None:
    """The question out at 9.17 ms, and the nine characters of an answer that follows without any silence by 19.5 ms."""
    pieces = [((9 + n) * 1146, ANSWER[n : n + 1]) for n in range(len(ANSWER))]
    line = Line(lambda _: pieces)
    assert line.ask() == WORDS
    assert line.link.counters.noise == 0


@pytest.mark.parametrize("late_us", [1_200, 5 * MS, 100 * MS])
def test_a_busy_machine_that_looks_late_takes_an_honest_answer(late_us: int) -> None:
    """It finds the answer there with its first look and cannot say when it came: all of it may be the answer."""
    line = Line(lambda _: [((9 + n) * 1146, ANSWER[n : n + 1]) for n in range(len(ANSWER))], late_us=late_us)
    begun_us = line.ticker.now_us
    assert line.ask() == WORDS
    assert line.ticker.now_us - begun_us < TIMEOUT_US  # and nobody waits for more
    assert line.link.counters.noise == 0


@pytest.mark.parametrize("latency_us", [0, 1 * MS, 16 * MS])
def test_an_adapter_hands_bytes_over_late_and_never_early(latency_us: int) -> None:
    """An FTDI chip keeps what it has for 16 ms: honest answers come later than the line, and are taken."""
    line = Line(lambda _: [(20 * MS + latency_us, ANSWER)])
    assert line.ask() == WORDS


@pytest.mark.parametrize("echoed", [len(QUESTION), 3])
def test_an_echo_is_there_early_and_is_no_harm(echoed: int) -> None:
    line = Line(lambda q: [(5 * MS, q[:echoed]), (9500, q[echoed:]), (HONEST_US, ANSWER)])
    assert line.ask() == WORDS
    assert (line.link.counters.echoes, line.link.counters.noise) == (1, 0)


def test_another_masters_question_that_comes_early_makes_the_answer_doubtful() -> None:
    other = rtu(7, b"\x04\x00\x10\x00\x02")
    line = Line(lambda _: [(2 * MS, other), (HONEST_US, ANSWER)])
    with pytest.raises(FrameError, match="another master"):
        line.ask()
    assert (line.link.counters.other_master, line.link.counters.ambiguous) == (1, 1)


def test_silence_stays_silence() -> None:
    line = Line(lambda _: [])
    with pytest.raises(NoAnswerError):
        line.ask()
