"""When a line is spoken on: silence before a request, quiet after anything odd, a wire that is lost and found."""

import pytest

from drivers import FrameError, NoAnswerError, RefusedError, TransportLostError
from drivers.transport.scripted import Peer
from tests.protocol.link_bench import ANSWER, MS, TIMEOUT_US, WORDS, Bench, answers
from tests.protocol.modbus_bytes import exception_pdu, registers_pdu, rtu


def test_a_late_answer_is_drained_and_never_taken_for_the_next() -> None:
    late_us = TIMEOUT_US + 120 * MS
    by_address: dict[bytes, Peer] = {
        b"\x00\x48": lambda _: [(late_us, rtu(7, registers_pdu(4, [1, 1])))],
        b"\x00\x4a": lambda _: [(20 * MS, rtu(7, registers_pdu(4, [2, 2])))],
    }
    bench = Bench(lambda request: by_address[request[2:4]](request))
    with pytest.raises(NoAnswerError):
        bench.ask(address=0x48)
    assert bench.ask(address=0x4A) == [2, 2]
    assert bench.link.counters.silent == 1
    assert bench.link.counters.discarded_bytes == 9


def test_the_quiet_after_a_timeout_lasts_at_least_as_long_as_the_timeout() -> None:
    bench = Bench(answers())
    for _ in range(2):
        with pytest.raises(NoAnswerError):
            bench.ask()
    first_us, second_us = (at_us for at_us, _ in bench.transport.written)
    assert second_us - first_us >= 2 * TIMEOUT_US


def slow_device(latency_us: int) -> Peer:
    """Answers each question after so long, with its address and which question it was."""
    asked: list[int] = []

    def answer(request: bytes) -> list[tuple[int, bytes]]:
        asked.append(1)
        return [(latency_us, rtu(7, registers_pdu(4, [int.from_bytes(request[2:4], "big"), len(asked)])))]

    return answer


@pytest.mark.parametrize("latency", [1.2, 1.9, 2.2, 2.5, 3.2, 3.9])
@pytest.mark.parametrize("apart", [0, 2])
def test_a_device_slower_than_twice_its_timeout_is_never_believed(latency: float, apart: int) -> None:
    """Its answers would all fit the next question: another address, or the same one a moment later."""
    bench = Bench(slow_device(int(latency * TIMEOUT_US)))
    for n in range(20):
        with pytest.raises(NoAnswerError):
            bench.ask(address=0x48 + apart * (n % 3))
    assert bench.link.counters.late == 19


def test_a_device_that_answers_late_is_told_with_what_to_set() -> None:
    bench = Bench(slow_device(2 * TIMEOUT_US + 60 * MS))
    with pytest.raises(NoAnswerError, match=r"no answer within 300 ms$"):
        bench.ask()
    # 660 ms, heard with its first byte
    with pytest.raises(NoAnswerError, match="one came after 660 ms: raise timeout_ms above that"):
        bench.ask()


def test_a_device_later_than_that_is_believed_once_and_then_known() -> None:
    bench = Bench(slow_device(int(4.5 * TIMEOUT_US)))
    believed = 0
    for _ in range(40):
        try:
            bench.ask()
            believed += 1
        except NoAnswerError:
            pass
    assert believed <= 2


def test_another_shape_or_unit_waits_for_the_usual_quiet_only() -> None:
    bench = Bench(answers())
    for unit, count in ((7, 2), (7, 4), (8, 2)):
        with pytest.raises(NoAnswerError):
            bench.ask(unit=unit, count=count)
    first_us, second_us, third_us = (at_us for at_us, _ in bench.transport.written)
    character_us = 1146
    for before_us, after_us, count in ((first_us, second_us, 2), (second_us, third_us, 4)):
        # request and answer on the wire, the timeout, the quiet; and no more than a silence
        most_us = (13 + 2 * count) * character_us + 2 * TIMEOUT_US + 4 * character_us
        assert 2 * TIMEOUT_US <= after_us - before_us <= most_us


def test_an_answer_in_between_ends_the_wait_for_an_older_one() -> None:
    silent = iter([True, False, False])
    bench = Bench(lambda request: [] if next(silent) else [(20 * MS, rtu(7, registers_pdu(4, [1] * request[5])))])
    with pytest.raises(NoAnswerError):
        bench.ask(count=2)
    bench.ask(count=3)  # a device answers in turn
    before_us = bench.ticker.now_us
    bench.ask(count=2)
    assert bench.transport.written[2][0] - before_us <= 10 * MS


def test_a_quiet_already_over_costs_nothing_more() -> None:
    bench = Bench(answers())
    with pytest.raises(NoAnswerError):
        bench.ask()
    bench.ticker.sleep_us(5000 * MS)
    before_us = bench.ticker.now_us
    with pytest.raises(NoAnswerError):
        bench.ask()
    assert bench.transport.written[1][0] == before_us


def test_a_line_that_still_talks_at_the_end_of_the_quiet_is_waited_for() -> None:
    bench = Bench(answers(ANSWER))
    bench.ask()
    # a foreign frame begins just before our next request and goes on for 10 ms
    start_us = bench.ticker.now_us
    for n in range(10):
        bench.transport.arrive(start_us + n * MS, b"\x08")
    assert bench.ask() == WORDS
    sent_us = bench.transport.written[1][0]
    assert sent_us - (start_us + 9 * MS) >= 4010  # 3.5 characters of 11 bits at 9600 baud: 4010.4 us
    assert bench.link.counters.discarded_bytes == 10


def test_a_line_that_never_falls_silent_is_told_and_not_talked_into() -> None:
    bench = Bench(answers(ANSWER))
    bench.ask()
    for n in range(5000):
        bench.transport.arrive(bench.ticker.now_us + n * MS, b"\x55")
    with pytest.raises(FrameError, match="never silent"):
        bench.ask()
    assert len(bench.transport.written) == 1


@pytest.mark.parametrize(
    ("baud_bd", "silence_us"),
    # 3.5 characters of 11 bits up to 19200 baud, 1750 us above (Modbus over Serial Line, 2.5.1.1)
    [(1200, 32083), (2400, 16041), (9600, 4010), (19200, 2005), (38400, 1750), (115200, 1750)],
)
def test_silence_before_every_rtu_request(baud_bd: int, silence_us: int) -> None:
    received: list[int] = []
    bench = Bench(answers(ANSWER), baud_bd=baud_bd)
    for _ in range(3):
        reply = bench.link.read_registers(7, 4, 0x48, 2)
        received.append(reply.received_us)
    for before_us, (sent_us, _) in zip(received, bench.transport.written[1:], strict=False):
        assert silence_us <= sent_us - before_us <= silence_us + 10


def test_a_device_that_wants_a_longer_pause_gets_it() -> None:
    bench = Bench(answers(ANSWER), pause_us=100 * MS)
    received_us = bench.link.read_registers(7, 4, 0x48, 2).received_us
    bench.ask()
    assert bench.transport.written[1][0] - received_us >= 100 * MS


def test_the_first_request_on_a_line_waits_for_an_answer_left_behind_by_another_process() -> None:
    bench = Bench(answers(ANSWER))
    bench.transport.arrive(bench.ticker.now_us + 100 * MS, rtu(7, registers_pdu(4, [9, 9])))
    assert bench.ask() == WORDS


def test_the_times_of_a_reply_hold_the_moment_of_the_answer() -> None:
    bench = Bench(answers(ANSWER, after_us=50 * MS))
    reply = bench.link.read_registers(7, 4, 0x48, 2)
    sent_us = bench.transport.written[0][0]
    assert reply.sent_us == sent_us
    assert reply.received_us >= sent_us + 50 * MS


def test_a_lost_port_is_closed_and_opened_again_by_the_next_request() -> None:
    bench = Bench(answers(ANSWER))
    bench.ask()
    bench.transport.lost = True
    with pytest.raises(TransportLostError):
        bench.ask()
    assert not bench.transport.is_open
    bench.transport.lost = False
    assert bench.ask() == WORDS
    assert bench.transport.openings == 2


def test_a_question_broken_off_leaves_a_quiet_behind() -> None:
    """Whoever interrupts the program in mid-question leaves an answer under way."""
    calls = iter([KeyboardInterrupt])

    def peer(_request: bytes) -> list[tuple[int, bytes]]:
        for interruption in calls:
            raise interruption
        return [(20 * MS, ANSWER)]

    bench = Bench(peer)
    with pytest.raises(KeyboardInterrupt):
        bench.ask()
    bench.transport.arrive(bench.ticker.now_us + 100 * MS, rtu(7, registers_pdu(4, [9, 9])))
    assert bench.ask() == WORDS
    first_us, second_us = (at_us for at_us, _ in bench.transport.written)
    assert second_us - first_us >= TIMEOUT_US


def test_after_a_gateway_gave_up_on_a_unit_it_is_left_in_peace() -> None:
    bench = Bench(answers(rtu(7, exception_pdu(4, 11))))
    for _ in range(2):
        with pytest.raises(RefusedError):
            bench.ask()
    first_us, second_us = (at_us for at_us, _ in bench.transport.written)
    assert second_us - first_us >= TIMEOUT_US
