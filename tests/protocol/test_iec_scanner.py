"""Telegrams in a stream, seven ways each: whole, bytewise, in any chunks, doubled, after noise, cut, every bit turned.

What is valid must be what was sent; what is not, tells the byte. Telegrams and checks are made by hand.
"""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.iec62056.readout import Telegram
from drivers.iec62056.scanner import MAX_BYTES, Scanner
from tests.protocol.iec_telegrams import (
    BLOCK_TEXT,
    NAME,
    PROTECTED,
    TELEGRAMS,
    UNPROTECTED,
    bytewise,
    chunked,
    fed,
    flips,
    framed,
    noise,
    with_parity,
)

PLACED = re.compile(r"byte [0-9]+: .+")


def scanner() -> Scanner:
    return Scanner(looks_behind=True)


def read(stream: bytes) -> list[Telegram]:
    return fed(scanner, [stream])


def said(telegram: Telegram) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.identifier, tuple(value.text for value in one.values)) for one in telegram.data_sets]


def valid(found: list[Telegram]) -> list[Telegram]:
    return [telegram for telegram in found if telegram.valid]


each = pytest.mark.parametrize("stream", TELEGRAMS.values(), ids=TELEGRAMS)
each_protected = pytest.mark.parametrize("stream", PROTECTED.values(), ids=PROTECTED)


def test_the_whole_of_a_readout_is_told() -> None:
    (telegram,) = read(PROTECTED["mode C"])
    assert telegram.valid
    assert telegram.identification is not None
    assert telegram.identification.text == "/EMH5\\@ED300L"
    assert said(telegram) == [
        ("F.F", ("00",)),
        ("0.0.0", ("  1EMH00123",)),
        ("1.8.0", ("001234.567*kWh",)),
        ("2.8.0", ("000089.010*kWh",)),
        ("16.7.0", (" 000.35*kW",)),
    ]
    assert [one.offset for one in telegram.data_sets] == [
        PROTECTED["mode C"].index(one) for one in (b"F.F", b"0.0.0", b"1.8.0", b"2.8.0", b"16.7.0")
    ]


@each
def test_each_telegram_is_valid_and_covers_its_bytes(stream: bytes) -> None:
    (telegram,) = read(stream)
    assert telegram.valid, telegram.faults
    assert (telegram.offset, telegram.length) == (0, len(stream))
    assert telegram.data_sets


@each
def test_chunks_change_nothing(stream: bytes) -> None:
    whole = read(stream)
    assert fed(scanner, bytewise(stream)) == whole
    for seed in range(5):
        assert fed(scanner, chunked(stream, seed)) == whole


@each
def test_both_of_two_are_found(stream: bytes) -> None:
    first, second = read(stream + stream)
    assert first.valid
    assert second.valid
    assert said(first) == said(second)
    assert second.offset == len(stream)


@each
@pytest.mark.parametrize("seed", range(12))
def test_noise_before_it_hides_nothing(stream: bytes, seed: int) -> None:
    before = noise(512, seed)
    found = valid(read(before + stream))
    assert [said(telegram) for telegram in found] == [said(read(stream)[0])]
    assert found[0].offset == 512


@each
def test_what_was_cut_is_not_valid_and_the_next_is_found(stream: bytes) -> None:
    (good,) = read(stream)
    for cut in range(len(stream)):
        part = read(stream[:cut])
        assert all(said(telegram) == said(good) for telegram in valid(part))
        assert not valid(part) or cut >= len(stream) - 2  # no more than the line end behind a CRC may be missing
        assert all(PLACED.fullmatch(str(fault)) for telegram in part for fault in telegram.faults)
        after = valid(read(stream[:cut] + stream))
        assert said(good) in [said(telegram) for telegram in after], cut
        assert all(said(telegram) == said(good) for telegram in after), cut


@each_protected
def test_no_turned_bit_changes_a_valid_value(stream: bytes) -> None:
    (good,) = read(stream)
    for at, damaged in flips(stream):
        found = read(damaged)
        assert all(said(telegram) == said(good) for telegram in valid(found)), at
        for telegram in found:
            assert all(0 <= fault.offset <= len(damaged) for fault in telegram.faults)
        assert said(good) in [said(telegram) for telegram in valid(read(damaged + stream))], at


@pytest.mark.parametrize("stream", UNPROTECTED.values(), ids=UNPROTECTED)
def test_a_turned_bit_without_a_check_is_no_exception(stream: bytes) -> None:
    for at, damaged in flips(stream):
        assert valid(read(damaged + stream)), at


def test_a_turned_bit_in_a_block_is_told_with_its_bcc() -> None:
    stream = PROTECTED["mode C"]
    damaged = stream.replace(b"001234", b"001235")
    (telegram,) = read(damaged)
    assert [str(fault) for fault in telegram.faults] == [
        f"byte {len(stream) - 1}: BCC is 0x{stream[-1]:02X}, the data give 0x{stream[-1] ^ 1:02X}"
    ]
    assert ("1.8.0", ("001235.567*kWh",)) in said(telegram)  # shown, to see what came


def test_a_wrong_parity_bit_is_told_at_its_character() -> None:
    stream = bytearray(with_parity(NAME + framed(BLOCK_TEXT)))
    at = stream.index(with_parity(b"1.8.0")) + 2
    stream[at] ^= 0x80
    (telegram,) = read(bytes(stream))
    assert [fault.offset for fault in telegram.faults] == [at]


def test_an_stx_that_was_lost_is_no_mode_d() -> None:
    (telegram, *_) = read(NAME + framed(BLOCK_TEXT)[1:])
    assert [fault.text for fault in telegram.faults] == ["ETX without STX"]


def test_data_sets_without_a_frame_are_told_and_are_no_telegram() -> None:
    (telegram,) = read(b"1.8.0(001234.567*kWh)\r\n2.8.0(000089.010*kWh)\r\n")
    assert not telegram.valid
    assert len(telegram.data_sets) == 2


@pytest.mark.parametrize(
    "echo", [b"/?!\r\n", b"/?!", b"\x7f\x7f\x7f/?!\r\n", b"/?12345678!\r\n", b"/?!\r\n\x06050\r\n"]
)
def test_an_echo_is_passed_over(echo: bytes) -> None:
    (telegram,) = valid(read(echo + PROTECTED["mode C"]))
    assert telegram.identification is not None


def test_an_option_select_behind_the_name_is_passed_over() -> None:
    (telegram,) = read(NAME + b"\x06050\r\n" + framed(BLOCK_TEXT))
    assert telegram.valid
    assert telegram.identification is not None


def test_a_password_on_the_line_is_never_told() -> None:
    inner = b"P1\x02(4711-secret)\x03"
    command = b"\x01" + inner + framed(inner)[-1:]
    found = read(NAME + command + b"\x06" + framed(b"1.8.0(001234.567*kWh)"))
    assert "secret" not in repr(found)
    assert [said(telegram) for telegram in valid(found)] == [[("1.8.0", ("001234.567*kWh",))]]


@pytest.mark.parametrize("endless", [b"x", b"(", b"\x02", b"/ABC5", b"1", b"(1)\r\n", b"\n", b"\x03"])
def test_a_flood_is_not_kept(endless: bytes) -> None:
    one = scanner()
    for lead in (b"\x02", NAME):
        one.feed(lead)
        for _ in range(5):
            one.feed(endless * (16384 // len(endless)))
            assert one.held_bytes <= MAX_BYTES + 4096
    assert valid(one.feed(b"\r\n" + PROTECTED["mode C"]) + one.finish())


FRAMING = [b"\x02", b"\x03", b"\x04", b"\x01R5", b"!\r\n", b"!12AB\r\n", b"\r\n", b"\n"]
WORDS = [*FRAMING, NAME, b"(1)", b"1.8.0(2*kWh)\r\n", b"/?!\r\n", b"/ISk5", b"/ABCDEF", b"MT1\r\n"]


@given(st.lists(st.binary(max_size=40) | st.sampled_from(WORDS)))
def test_any_bytes_in_any_chunks_give_the_same(pieces: list[bytes]) -> None:
    stream = b"".join(pieces)
    whole = fed(scanner, [stream])
    assert fed(scanner, pieces) == whole
    assert fed(scanner, bytewise(stream)) == whole
    assert all(telegram.offset + telegram.length <= len(stream) for telegram in whole)
