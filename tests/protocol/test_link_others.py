"""Who else talks on a line, and who says "not now": other masters, and devices that are busy."""

import pytest

from drivers import ConfigurationError, FrameError, RefusedError
from drivers.modbus.link import Framing, Reply
from tests.protocol.link_bench import ANSWER, MS, TIMEOUT_US, WORDS, Bench, answers
from tests.protocol.modbus_bytes import exception_pdu, registers_pdu, rtu

OWN = rtu(7, b"\x04\x00\x48\x00\x02")
FOREIGN = rtu(8, b"\x04\x00\x48\x00\x02")
SAME_SHAPE = rtu(7, b"\x04\x00\x00\x00\x02")
OTHER_COUNT = rtu(7, b"\x04\x00\x00\x00\x03")


def test_another_masters_request_between_ours_is_counted() -> None:
    bench = Bench(answers(ANSWER))
    bench.ask()
    bench.transport.arrive(bench.ticker.now_us, b"\x00" + FOREIGN + rtu(8, registers_pdu(4, [1, 2])) + SAME_SHAPE)
    bench.ticker.sleep_us(5000 * MS)
    assert bench.ask() == WORDS
    assert bench.link.counters.other_master == 2


@pytest.mark.parametrize(
    "heard",
    [
        ANSWER,  # a late answer is no request
        rtu(7, exception_pdu(4, 2)),
        b"\x55" * 40,
        FOREIGN[:-1],
        FOREIGN[:-1] + bytes([FOREIGN[-1] ^ 1]),
        rtu(7, registers_pdu(4, list(range(125)))),
    ],
)
def test_what_is_no_request_makes_no_other_master(heard: bytes) -> None:
    bench = Bench(answers(ANSWER))
    bench.ask()
    bench.transport.arrive(bench.ticker.now_us, heard)
    bench.ask()
    assert bench.link.counters.other_master == 0


def test_an_echo_that_comes_late_is_no_other_master() -> None:
    bench = Bench(lambda _: [(TIMEOUT_US + 20 * MS, OWN)])
    for _ in range(2):
        with pytest.raises(Exception, match="no answer"):
            bench.ask()
    assert bench.link.counters.other_master == 0


def test_an_answer_that_another_master_may_have_asked_for_is_refused() -> None:
    bench = Bench(answers(SAME_SHAPE + ANSWER))
    with pytest.raises(FrameError, match="another master asked this unit"):
        bench.ask()
    assert (bench.link.counters.ambiguous, bench.link.counters.other_master) == (1, 1)


@pytest.mark.parametrize("ahead_ms", [1, 5, 20, 49])
def test_an_answer_to_another_masters_question_is_waited_for_before_we_ask(ahead_ms: int) -> None:
    """It asks our unit for as many registers just before we would; the unit thinks for 50 ms."""
    bench = Bench(answers(ANSWER))
    bench.ask()
    asked_us = bench.ticker.now_us + 1000 * MS
    bench.transport.arrive(asked_us, SAME_SHAPE)
    bench.transport.arrive(asked_us + 50 * MS, rtu(7, registers_pdu(4, [9, 9])))
    bench.ticker.sleep_us(1000 * MS + ahead_ms * MS)
    assert bench.ask() == WORDS
    assert bench.transport.written[1][0] > asked_us + 50 * MS
    assert bench.link.counters.other_master == 1
    assert bench.link.counters.late == 0


def test_another_masters_question_that_nobody_answers_holds_us_up_for_one_timeout() -> None:
    bench = Bench(answers(ANSWER))
    bench.ask()
    asked_us = bench.ticker.now_us + 1000 * MS
    bench.transport.arrive(asked_us, FOREIGN)
    bench.ticker.sleep_us(1000 * MS)
    assert bench.ask() == WORDS
    assert TIMEOUT_US <= bench.transport.written[1][0] - asked_us <= TIMEOUT_US + 10 * MS


@pytest.mark.parametrize("other", [FOREIGN, OTHER_COUNT])
def test_a_request_whose_answer_looks_otherwise_takes_nothing_away(other: bytes) -> None:
    bench = Bench(answers(other + ANSWER))
    assert bench.ask() == WORDS
    assert bench.link.counters.other_master == 1


def test_numbers_on_tcp_are_no_masters() -> None:
    bench = Bench(lambda _: [(MS, FOREIGN)], Framing.TCP, None)
    with pytest.raises(FrameError):
        bench.ask()
    assert bench.link.counters.other_master == 0


def patient(bench: Bench) -> Reply:
    return bench.link.run(bench.link.ask_patiently(7, 4, 0x48, 2))


@pytest.mark.parametrize("code", [5, 6])
def test_a_busy_device_is_asked_again_after_a_growing_pause(code: int) -> None:
    replies = iter([rtu(7, exception_pdu(4, code)), rtu(7, exception_pdu(4, code)), ANSWER])
    bench = Bench(lambda _: [(20 * MS, next(replies))])
    assert list(patient(bench).words) == WORDS
    sent_us = [at_us for at_us, _ in bench.transport.written]
    # the pause of 50 ms, then 150 ms, each after the refusal that came 20 ms after the request
    assert sent_us[1] - sent_us[0] >= 70 * MS
    assert sent_us[2] - sent_us[1] >= 170 * MS
    assert bench.link.counters.refused == 2


def test_a_device_that_stays_busy_is_given_up_within_its_timeout() -> None:
    bench = Bench(answers(rtu(7, exception_pdu(4, 6)), after_us=20 * MS))
    with pytest.raises(RefusedError, match="busy"):
        patient(bench)
    assert 2 <= len(bench.transport.written) <= 4
    first_us, last_us = bench.transport.written[0][0], bench.transport.written[-1][0]
    assert last_us - first_us <= TIMEOUT_US + 21 * MS


@pytest.mark.parametrize(
    ("code", "error"), [(1, ConfigurationError), (2, ConfigurationError), (4, ConfigurationError), (11, RefusedError)]
)
def test_what_a_moment_does_not_mend_is_not_asked_again(code: int, error: type[Exception]) -> None:
    bench = Bench(answers(rtu(7, exception_pdu(4, code))))
    with pytest.raises(error):
        patient(bench)
    assert len(bench.transport.written) == 1
