"""One transaction over a scripted line with virtual time: every way an answer can be wrong, late or not there."""

import contextlib
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import ConfigurationError, DriverError, FrameError, NoAnswerError, RefusedError, TransportLostError
from drivers.modbus.link import Framing, ModbusLink
from drivers.transport.scripted import Peer, ScriptedTransport, VirtualTicker
from tests.protocol.modbus_bytes import exception_pdu, registers_pdu, rtu, tcp

MS = 1000
TIMEOUT_US = 300 * MS
WORDS = [0x1234, 0xABCD]
ANSWER = rtu(7, registers_pdu(4, WORDS))
TABLE = {  # what the bus brings -> what becomes of it; the answer itself is unit 7, FC4, two registers
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


def test_a_request_is_the_bytes_of_the_standard() -> None:
    # Unit 17, FC3, address 0x006B, count 3, CRC low byte first: the example found in many Modbus texts
    bench = Bench(lambda _: [(0, rtu(0x11, registers_pdu(3, [0, 0, 0])))])
    bench.ask(unit=0x11, function=3, address=0x6B, count=3)
    assert bench.transport.written[0][1] == bytes.fromhex("11 03 00 6B 00 03 76 87")


@pytest.mark.parametrize("case", TABLE)
def test_the_table_in_one_piece(case: str) -> None:
    data, error = TABLE[case]
    expect(Bench(answers(*data)), error)


@pytest.mark.parametrize("case", TABLE)
def test_the_table_byte_by_byte(case: str) -> None:
    data, error = TABLE[case]
    single = [bytes([byte]) for chunk in data for byte in chunk]
    apart_us = min(1146, 200 * MS // max(1, len(single)))
    expect(Bench(answers(*single, apart_us=apart_us)), error)


@pytest.mark.parametrize("case", TABLE)
def test_the_next_request_after_the_table_gets_its_own_answer(case: str) -> None:
    data, _ = TABLE[case]
    later = rtu(7, registers_pdu(4, [5, 6]))
    replies = iter([data, [later]])
    bench = Bench(lambda _: [(20 * MS, chunk) for chunk in next(replies)])
    with contextlib.suppress(DriverError):
        bench.ask()
    assert bench.ask() == [5, 6]


@given(st.integers(0, len(ANSWER) * 8 - 1))
def test_no_answer_with_one_bit_flipped_is_taken(bit: int) -> None:
    flipped = bytearray(ANSWER)
    flipped[bit // 8] ^= 1 << bit % 8
    bench = Bench(answers(bytes(flipped)))
    with pytest.raises(FrameError):
        bench.ask()


@given(st.integers(1, len(ANSWER) - 1))
def test_a_cut_answer_is_never_taken(length: int) -> None:
    bench = Bench(answers(ANSWER[:length]))
    with pytest.raises(FrameError):
        bench.ask()


@given(st.binary(min_size=1, max_size=300))
def test_whatever_comes_a_transaction_ends_by_its_deadline(data: bytes) -> None:
    bench = Bench(answers(*[bytes([byte]) for byte in data], apart_us=5 * MS))
    with pytest.raises(DriverError):
        bench.ask()
    sent_us = bench.transport.written[0][0]
    wire_us = (8 + 5 + 2 * 2) * 1146
    assert bench.ticker.now_us <= sent_us + wire_us + TIMEOUT_US


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


@pytest.mark.parametrize("function", [0, 1, 2, 5, 6, 15, 16, 22, 23, 43, 0x83, -1])
def test_only_reads_can_be_sent(function: int) -> None:
    bench = Bench(answers(ANSWER))
    with pytest.raises(ValueError, match="only reads"):
        bench.ask(function=function)
    assert bench.transport.written == []


@pytest.mark.parametrize(
    ("unit", "address", "count"), [(0, 0, 1), (248, 0, 1), (1, 0, 0), (1, 0, 126), (1, 65535, 2), (1, -1, 1)]
)
def test_a_question_outside_the_standard_is_a_mistake_of_the_caller(unit: int, address: int, count: int) -> None:
    bench = Bench(answers(ANSWER))
    with pytest.raises(ValueError, match="expected"):
        bench.ask(unit=unit, address=address, count=count)
    assert bench.transport.written == []


CAUSES = [
    ("foreign unit", "foreign"),
    ("wrong function", "mismatched"),
    ("too many registers", "mismatched"),
    ("wrong CRC", "damaged"),
    ("truncated", "truncated"),
    ("noise only", "noise"),
    ("nothing", "silent"),
    ("busy", "refused"),
    ("illegal address", "impossible"),
    ("whole", "answers"),
    ("after our own echo", "echoes"),
]


@pytest.mark.parametrize(("case", "cause"), CAUSES)
def test_every_cause_is_counted_under_its_name(case: str, cause: str) -> None:
    data, error = TABLE[case]
    bench = Bench(answers(*data))
    expect(bench, error)
    assert getattr(bench.link.counters, cause) == 1
    assert bench.link.counters.requests == 1


@pytest.mark.parametrize(
    ("case", "part"),
    [
        ("wrong CRC", "wrong CRC: 07 04 04 12 34 ab cd"),
        ("foreign unit", "unit 8"),
        ("wrong function", "function 3 came, expected 4"),
        ("too many registers", "6 data bytes came, expected 4"),
        ("truncated", "8 of 9 bytes"),
        ("illegal address", "exception 2, illegal data address"),
    ],
)
def test_a_message_says_where_what_was_expected_and_what_came(case: str, part: str) -> None:
    data, _ = TABLE[case]
    bench = Bench(answers(*data))
    with pytest.raises(DriverError) as caught:
        bench.ask()
    assert part in str(caught.value)
    assert "unit 7 FC4 0x0048+2" in str(caught.value)


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


# --- Modbus TCP -------------------------------------------------------------------------------------------------------

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
