"""One transaction over a scripted line with virtual time: every way an answer can be wrong, late or not there."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import DriverError, FrameError
from tests.protocol.link_bench import ANSWER, MS, TABLE, TIMEOUT_US, Bench, answers, expect
from tests.protocol.modbus_bytes import registers_pdu, rtu


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
