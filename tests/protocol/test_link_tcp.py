"""One transaction over Modbus TCP, scripted: numbers, headers, streams that make no sense, and the same quiet rule."""

import contextlib
from collections.abc import Callable, Iterator

import pytest

from drivers import ConfigurationError, DriverError, FrameError, NoAnswerError, RefusedError
from drivers.modbus.link import Framing
from tests.protocol.link_bench import MS, TIMEOUT_US, WORDS, Bench, expect
from tests.protocol.modbus_bytes import exception_pdu, registers_pdu, tcp

Wrap = Callable[[int], bytes]
TCP_ANSWER: Wrap = lambda number: tcp(number, 7, registers_pdu(4, WORDS))  # noqa: E731
TCP_TABLE: dict[str, tuple[Wrap, type[DriverError] | None]] = {
    "whole": (TCP_ANSWER, None),
    "after a wrong transaction id": (lambda n: tcp(n + 7, 7, registers_pdu(4, [1, 1])) + TCP_ANSWER(n), None),
    "after a foreign unit": (lambda n: tcp(n, 8, registers_pdu(4, [1, 1])) + TCP_ANSWER(n), None),
    "after a wrong function": (lambda n: tcp(n, 7, registers_pdu(3, [1, 1])) + TCP_ANSWER(n), None),
    "after a wrong count": (lambda n: tcp(n, 7, registers_pdu(4, [1])) + TCP_ANSWER(n), None),
    "doubled": (lambda n: TCP_ANSWER(n) + TCP_ANSWER(n), None),
    "nothing": (lambda _: b"", NoAnswerError),
    "only a wrong transaction id": (lambda n: tcp(n + 1, 7, registers_pdu(4, WORDS)), NoAnswerError),
    "only a foreign unit": (lambda n: tcp(n, 8, registers_pdu(4, WORDS)), FrameError),
    "only a wrong function": (lambda n: tcp(n, 7, registers_pdu(3, WORDS)), FrameError),
    "only a wrong count": (lambda n: tcp(n, 7, registers_pdu(4, [1, 2, 3])), FrameError),
    "a byte count that lies": (lambda n: tcp(n, 7, b"\x04\x06\x12\x34\xab\xcd"), FrameError),
    "truncated": (lambda n: TCP_ANSWER(n)[:-1], FrameError),
    "a wrong protocol": (lambda n: TCP_ANSWER(n)[:2] + b"\x00\x01" + TCP_ANSWER(n)[4:], FrameError),
    "a length of nothing": (lambda n: TCP_ANSWER(n)[:4] + b"\x00\x00" + TCP_ANSWER(n)[6:], FrameError),
    "a length beyond the standard": (lambda n: TCP_ANSWER(n)[:4] + b"\x01\x00" + TCP_ANSWER(n)[6:], FrameError),
    "a web server": (lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n", FrameError),
    "busy": (lambda n: tcp(n, 7, exception_pdu(4, 6)), RefusedError),
    "gateway target": (lambda n: tcp(n, 7, exception_pdu(4, 11)), RefusedError),
    "illegal address": (lambda n: tcp(n, 7, exception_pdu(4, 2)), ConfigurationError),
}


def tcp_bench(wrap: Wrap, bytewise: bool = False) -> Bench:
    def peer(request: bytes) -> list[tuple[int, bytes]]:
        data = wrap(int.from_bytes(request[:2], "big"))
        return [(MS + n, bytes([byte])) for n, byte in enumerate(data)] if bytewise else [(MS, data)]

    return Bench(peer, Framing.TCP, baud_bd=None)


@pytest.mark.parametrize("bytewise", [False, True])
@pytest.mark.parametrize("case", TCP_TABLE)
def test_the_tcp_table(case: str, bytewise: bool) -> None:
    wrap, error = TCP_TABLE[case]
    expect(tcp_bench(wrap, bytewise), error)


def test_a_cut_answer_filled_up_by_the_next_frame_is_not_believed() -> None:
    """The device cuts its answer and sends an old one again: the first bytes of that complete the cut one."""
    bench = tcp_bench(lambda n: TCP_ANSWER(n)[:-3] + tcp(n - 1, 7, registers_pdu(4, [9, 9])))
    expect(bench, FrameError)
    assert bench.link.counters.noise == 1
    assert not bench.transport.is_open


@pytest.mark.parametrize("case", TCP_TABLE)
def test_the_next_tcp_request_after_the_table_gets_its_own_answer(case: str) -> None:
    wraps: Iterator[Wrap] = iter([TCP_TABLE[case][0], lambda n: tcp(n, 7, registers_pdu(4, [5, 6]))])
    bench = tcp_bench(lambda n: next(wraps)(n))
    with contextlib.suppress(DriverError):
        bench.ask()
    assert bench.ask() == [5, 6]


def test_a_tcp_request_is_the_bytes_of_the_standard() -> None:
    # Messaging on TCP/IP V1.0b: transaction, protocol 0, length 6, unit, FC3, address 0x006B, count 3
    bench = Bench(lambda _: [(0, tcp(1, 0x11, registers_pdu(3, [0, 0, 0])))], Framing.TCP, None)
    bench.ask(unit=0x11, function=3, address=0x6B, count=3)
    assert bench.transport.written[0][1] == bytes.fromhex("00 01 00 00 00 06 11 03 00 6B 00 03")


def test_every_tcp_request_has_another_transaction_id() -> None:
    bench = tcp_bench(TCP_ANSWER)
    for _ in range(5):
        bench.ask()
    numbers = [request[:2] for _, request in bench.transport.written]
    assert len(set(numbers)) == 5


def test_a_stream_that_makes_no_sense_is_closed() -> None:
    bench = tcp_bench(TCP_TABLE["a web server"][0])
    with pytest.raises(FrameError, match="not a Modbus TCP header"):
        bench.ask()
    assert not bench.transport.is_open


def test_a_connection_that_never_stops_talking_is_closed() -> None:
    bench = Bench(lambda request: [(MS, TCP_ANSWER(request[1]))], Framing.TCP, None, pause_us=20 * MS)
    bench.ask()
    for n in range(5000):
        bench.transport.arrive(bench.ticker.now_us + n * MS, b"\x55")
    with pytest.raises(FrameError, match="never silent"):
        bench.ask()
    assert not bench.transport.is_open


def test_a_gateway_whose_unit_was_silent_is_not_asked_the_same_shape_at_once() -> None:
    """Exception 11; the unit's late answer would come under the next question's number."""
    bench = tcp_bench(TCP_TABLE["gateway target"][0])
    for _ in range(2):
        with pytest.raises(RefusedError):
            bench.ask()
    first_us, second_us = (at_us for at_us, _ in bench.transport.written)
    assert second_us - first_us >= 4 * TIMEOUT_US


def test_a_connection_that_stays_silent_three_times_is_made_anew() -> None:
    bench = tcp_bench(TCP_TABLE["nothing"][0])
    for _ in range(4):
        with pytest.raises(NoAnswerError):
            bench.ask()
    assert bench.transport.openings == 2


def test_the_quiet_rule_holds_over_tcp_too() -> None:
    bench = tcp_bench(TCP_TABLE["nothing"][0])
    for _ in range(2):
        with pytest.raises(NoAnswerError):
            bench.ask()
    first_us, second_us = (at_us for at_us, _ in bench.transport.written)
    assert second_us - first_us >= 2 * TIMEOUT_US
