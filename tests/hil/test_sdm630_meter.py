"""The SDM630: its answers frame by frame, then the process on its pty at the pace of the wire."""

import os
import select
import struct
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hil.counters import Count
from hil.house_time import Anchor, monotonic_us
from hil.meters.rtu_line import silence_us, wire_us
from hil.meters.sdm630_rtu import Sdm630, crc16

Truth = dict[int, tuple[int, int]]
SHOWN = Count(import_milliwh=1_234_509_999, export_milliwh=5_678_250_000, power_milliw=-1_500_500)
METER = Sdm630(1, 12_345_678, lambda: SHOWN)
TURNAROUND_US = 30_000


def request(unit: int, function: int, address: int, registers: int) -> bytes:
    body = struct.pack(">BBHH", unit, function, address, registers)
    return body + crc16(body)


# Frames of the makers' manuals (a read of ten registers; voltage 1 asked and answered), and the check value that the
# catalogue of CRCs gives for CRC-16/MODBUS: "123456789" -> 0x4B37, low byte first.
@pytest.mark.parametrize(
    "frame", ["01030000000AC5CD", "01040000000271CB", "010404436633341B38", "313233343536373839374B"]
)
def test_check_bytes_are_those_of_published_frames(frame: str) -> None:
    data = bytes.fromhex(frame)
    assert crc16(data[:-2]) == data[-2:]


def test_energies_by_hand() -> None:
    # 1234.50 kWh = 0x449A5000 and 5678.25 kWh = 0x45B17200 in binary32; the third decimal is not on this meter.
    answer = METER.answer(request(1, 4, 0x48, 4))
    assert answer is not None
    assert answer[:-2].hex() == "010408" + "449a5000" + "45b17200"
    assert crc16(answer[:-2]) == answer[-2:]


def test_power_by_hand() -> None:
    answer = METER.answer(request(1, 4, 0x34, 2))
    assert answer is not None
    assert answer[3:-2].hex() == "c4bb9000"  # -1500.5 W


def test_it_has_a_clock_only_where_one_is_asked_for() -> None:
    asked = request(1, 3, 0xF800, 2)
    answer = Sdm630(1, 12_345_678, lambda: SHOWN, clock_s=lambda: 1_752_619_800).answer(asked)
    assert answer is not None
    assert answer[:-2].hex() == "010304" + "6876db18"  # 2025-07-15 22:50 UTC: 26,742 * 65,536 + 56,088
    without = METER.answer(asked)
    assert without is not None
    assert without[:-2].hex() == "018302"  # illegal data address


def test_the_serial_number_is_a_holding_register() -> None:
    answer = METER.answer(request(1, 3, 0xFC00, 2))
    assert answer is not None
    assert answer[:-2].hex() == "010304" + "00bc614e"  # 12 345 678


def test_holes_inside_the_map_read_as_zero_unless_refused() -> None:
    whole = METER.answer(request(1, 4, 0, 80))
    assert whole is not None
    assert len(whole) == 5 + 160
    assert whole[3 + 2 * 54 : 3 + 2 * 56] == bytes(4)
    refusing = Sdm630(1, 1, lambda: SHOWN, refuse_holes=True)
    assert refusing.answer(request(1, 4, 0x34, 4)) == b"\x01\x84\x02" + crc16(b"\x01\x84\x02")
    assert refusing.answer(request(1, 4, 0x48, 4)) == METER.answer(request(1, 4, 0x48, 4))


@pytest.mark.parametrize(
    ("frame", "exception"),
    [
        (request(1, 4, 0, 82), "018403"),
        (request(1, 4, 0, 0), "018403"),
        (request(1, 4, 0, 3), "018403"),
        (request(1, 4, 1, 2), "018402"),
        (request(1, 4, 0x0166, 2), "018402"),
        (request(1, 4, 0xFC00, 2), "018402"),
        (request(1, 3, 0x48, 2), "018302"),
        (request(1, 6, 0x48, 2), "018601"),
    ],
)
def test_what_it_refuses(frame: bytes, exception: str) -> None:
    body = bytes.fromhex(exception)
    assert METER.answer(frame) == body + crc16(body)


@pytest.mark.parametrize(
    "frame",
    [
        request(2, 4, 0x48, 4),
        request(1, 4, 0x48, 4)[:-1],
        request(1, 4, 0x48, 4)[:-1] + b"\0",
        request(1, 4, 0x48, 4) + b"\0",
        b"",
        b"\x01",
    ],
    ids=["another unit", "cut", "damaged", "noise behind", "nothing", "one byte"],
)
def test_when_it_stays_silent(frame: bytes) -> None:
    assert METER.answer(frame) is None


def test_wire_time_by_hand() -> None:
    # 8 characters of 10 bits at 9600 baud: 8333.3 us; 3.5 characters: 3645.8 us; above 19200 baud 1750 us fixed.
    assert wire_us(8, 9600) == 8334
    assert silence_us(9600) == 3646
    assert silence_us(38400) == 1750


@contextmanager
def port_at(link: Path, speed: int = termios.B9600) -> Iterator[int]:
    port = os.open(link, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(port)
    attributes = termios.tcgetattr(port)
    attributes[4] = attributes[5] = speed
    termios.tcsetattr(port, termios.TCSANOW, attributes)
    yield port
    os.close(port)


def heard(port: int, size: int, patience_s: float) -> list[tuple[int, int]]:
    """Bytes with the instant (monotonic us) at which each was had, until `size` or the end of patience."""
    had: list[tuple[int, int]] = []
    deadline_s = time.monotonic() + patience_s
    while len(had) < size and (left_s := deadline_s - time.monotonic()) > 0:
        if select.select([port], [], [], left_s)[0]:
            chunk = os.read(port, 256)
            had.extend((byte, monotonic_us()) for byte in chunk)
    return had


@pytest.fixture
def link(start_child: Callable[..., tuple[object, str]], anchor: Anchor, tmp_path: Path) -> Path:
    path, truth = tmp_path / "meter", tmp_path / "truth.csv"
    options = ["--seed=11", "--feed=production", f"--truth={truth}", f"--link={path}", *anchor.options()]
    assert start_child("hil.meters.sdm630_rtu", options)[1] == str(path)
    return path


def test_no_byte_comes_before_a_wire_would_bring_it(link: Path) -> None:
    with port_at(link) as port:
        for registers in (2, 80):
            asked_us = monotonic_us()
            os.write(port, request(1, 4, 0, registers))
            had = heard(port, 5 + 2 * registers, 20)
            assert len(had) == 5 + 2 * registers
            # By hand: 8 characters asked, 3.5 of silence, the turn-around, then a character each 1041.67 us.
            for index, (_byte, instant_us) in enumerate(had):
                earliest_us = (8 + 3.5 + index + 1) * 10 * 1_000_000 / 9600 + TURNAROUND_US
                assert instant_us - asked_us >= int(earliest_us)


def test_the_register_is_the_truth_of_at_most_a_second_ago_in_whole_digits(
    link: Path, anchor: Anchor, truth_reaching: Callable[[Path, int], Truth]
) -> None:
    seen = []
    with port_at(link) as port:
        for _ in range(12):
            asked_us = monotonic_us()
            os.write(port, request(1, 4, 0x48, 4))
            frame = bytes(byte for byte, _ in heard(port, 13, 20))
            assert crc16(frame[:-2]) == frame[-2:]
            seen.append((asked_us, *struct.unpack(">ff", frame[3:11]), monotonic_us()))
            time.sleep(0.1)
    truth = truth_reaching(link.with_name("truth.csv"), anchor.house_us(seen[-1][3]) // 1_000_000 + 1)
    start_s = anchor.start_utc_us // 1_000_000
    for asked_us, imported_kwh, exported_kwh, answered_us in seen:
        earliest = truth[max(start_s, anchor.house_us(asked_us - 1_000_000) // 1_000_000)]
        latest = truth[anchor.house_us(answered_us) // 1_000_000 + 1]
        for direction, register_kwh in enumerate((imported_kwh, exported_kwh)):
            # A binary32 is at most half its step off (0.002 kWh below 65 536 kWh): the digit is certain.
            digits = round(register_kwh * 100)
            assert abs(register_kwh * 100 - digits) < 0.4
            assert earliest[direction] // 10_000 <= digits <= latest[direction] // 10_000
    assert len({exported for _, _, exported, _ in seen}) > 1, "nothing moved"


def test_another_speed_is_noise_to_it(link: Path) -> None:
    with port_at(link, termios.B19200) as port:
        os.write(port, request(1, 4, 0, 2))
        assert heard(port, 1, 0.5) == []
    with port_at(link) as port:
        os.write(port, request(1, 4, 0, 2))
        assert len(heard(port, 9, 20)) == 9


def test_the_link_goes_when_the_meter_goes(
    start_child: Callable[..., tuple[object, str]], anchor: Anchor, tmp_path: Path
) -> None:
    path = tmp_path / "gone"
    child, _ = start_child("hil.meters.sdm630_rtu", [f"--link={path}", *anchor.options()])
    assert path.is_symlink()
    assert child.stop() == 0  # type: ignore[attr-defined]
    assert not path.is_symlink()


def test_a_file_in_the_way_is_not_overwritten(tmp_path: Path) -> None:
    from hil.meters.rtu_line import RtuLine

    path = tmp_path / "precious"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="precious"):
        RtuLine(path, 9600)
    assert path.read_text() == "mine"
