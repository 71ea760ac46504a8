"""The simulated optical meter: parity and rates by hand, answers as the standard has them; the judge of the soak."""

from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from hil.counters import Count
from hil.house import DAY_START_US
from hil.house_time import US_PER_S, Anchor
from hil.meters.optical_bits import as_heard, with_parity, without_parity
from hil.meters.optical_data import Face, MeterTime, Periods, data_sets
from hil.meters.optical_faults import FAULTS, Faults, parse_fault
from hil.meters.optical_meter import Mode, OpticalMeter, Say
from hil.optical.real import truth_of
from hil.optical.soak import OpticalSoak
from hil.optical.trial import run_unguarded, run_virtual, setting


def test_parity_as_annex_e_prints_it() -> None:
    # IEC 62056-21, annex E: the acknowledgement 06 "252" CR LF in eight bits.
    assert with_parity(b"\x06252\r\n") == bytes.fromhex("06 B2 35 B2 8D 0A")
    assert without_parity(bytes.fromhex("06 B2 35 B2 8D 0A")) == b"\x06252\r\n"
    assert without_parity(bytes.fromhex("06 B2 34 B2 8D 0A")) is None


@pytest.mark.parametrize(
    ("sent", "heard"),
    [
        (b"\xff", b"\xfe"),  # the start bit lasts two of the receiver's: its own start bit and a 0
        (b"\x00", b"\x00"),  # eighteen zeros: a character without a stop bit, then the line rests
    ],
)
def test_twice_the_rate_hears_each_bit_twice(sent: bytes, heard: bytes) -> None:
    assert as_heard(sent, 300, 600) == heard
    assert as_heard(sent, 300, 300) == sent


def talk(meter: OpticalMeter, *said: tuple[int, bytes]) -> list[Say]:
    """What a meter says to messages at their instants; silence after the last."""
    life, messages, answers = meter.live(), list(said), []
    wanted, now_us = next(life), 0
    while True:
        if isinstance(wanted, Say):
            answers.append(wanted)
            now_us = wanted.at_us + len(wanted.characters) * 10_000_000 // wanted.baud_bd
            wanted = life.send((now_us, b""))
        elif messages and (wanted.until_us is None or now_us + messages[0][0] <= wanted.until_us):
            pause_us, text = messages.pop(0)
            now_us += pause_us
            wanted = life.send((now_us, with_parity(text)))
        elif wanted.until_us is not None:
            now_us = wanted.until_us
            wanted = life.send((now_us, b""))
        else:
            return answers


def meter_of(mode: Mode, baud_bd: int = 9600, **more: str) -> OpticalMeter:
    sets = {"1.8.0": "000001.000*kWh", "2.8.0": "000002.000*kWh"}
    return OpticalMeter(mode, baud_bd, "00012345", "XYZmodel", lambda: sets, lambda *_: "P.01()\r\n", **more)


def plain(said: Say) -> bytes:
    text = without_parity(said.characters)
    assert text is not None
    return text


DATA = b"1.8.0(000001.000*kWh)\r\n2.8.0(000002.000*kWh)\r\n!\r\n"


def test_mode_c_agrees_on_a_rate_and_keeps_its_reaction_time() -> None:
    first, second = talk(meter_of(Mode.C), (0, b"/?!\r\n"), (200_000, b"\x06050\r\n"))
    assert (first.baud_bd, plain(first), first.at_us) == (300, b"/XYZ5model\r\n", 200_000)
    assert (second.baud_bd, plain(second)[:-1]) == (9600, b"\x02" + DATA + b"\x03")
    check = 0
    for one in DATA + b"\x03":  # 6.3.1: exclusive or behind STX, ETX included
        check ^= one
    assert plain(second)[-1] == check


def test_another_rate_than_the_meters_own_leaves_300_bd() -> None:
    _, second = talk(meter_of(Mode.C), (0, b"/?!\r\n"), (200_000, b"\x06040\r\n"))
    assert second.baud_bd == 300


def test_without_an_acknowledgement_it_reads_out_at_300_bd() -> None:
    first, second = talk(meter_of(Mode.C), (0, b"/?!\r\n"))
    end_us = first.at_us + len(first.characters) * 10_000_000 // 300
    assert (second.baud_bd, second.at_us - end_us) == (300, 2_200_000 + 200_000)


def test_modes_a_and_b_go_on_by_themselves() -> None:
    assert [one.baud_bd for one in talk(meter_of(Mode.A), (0, b"/?!\r\n"))] == [300, 300]
    said = talk(meter_of(Mode.B, 4800), (0, b"/?!\r\n"))
    assert ([one.baud_bd for one in said], plain(said[0])) == ([300, 4800], b"/XYZDmodel\r\n")


def test_an_address_is_heard_with_its_leading_zeros_or_without() -> None:
    for address, count in ((b"12345", 2), (b"00012345", 2), (b"000", 2), (b"99", 0)):
        assert len(talk(meter_of(Mode.C), (0, b"/?" + address + b"!\r\n"))) == count


def framed(text: bytes) -> bytes:
    check = 0
    for one in text[1:]:
        check ^= one
    return text + bytes([check])


def test_programming_mode_reads_after_the_password_and_writes_nothing() -> None:
    meter = meter_of(Mode.C, password="secret")
    commands = [
        b"R5\x021.8.0()",
        b"R5\x02P.01(;)",
        b"P1\x02(wrong)",
        b"P1\x02(secret)",
        b"R5\x02P.01(;)",
        b"W1\x02X(1)",
    ]
    said = talk(
        meter,
        (0, b"/?!\r\n"),
        (200_000, b"\x06051\r\n"),
        *((200_000, framed(b"\x01" + one + b"\x03")) for one in commands),
        (200_000, bytes.fromhex("01 42 30 03 71")),  # the break as the standard prints it
    )
    assert [plain(one)[:-1] if len(plain(one)) > 1 else plain(one) for one in said[1:]] == [
        b"\x01P0\x02(00012345)\x03",
        b"\x021.8.0(000001.000*kWh)\r\n\x03",
        b"\x02(ER02)\x03",
        b"\x15",
        b"\x06",
        b"\x02P.01()\r\n\x03",
        b"\x02(ER03)\x03",
    ]
    assert meter.refused_commands == ["W1"]


def test_registers_are_cut_and_the_clock_tells_its_season() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    at_us = int(datetime(2025, 7, 15, 23, 0, 5, tzinfo=UTC).timestamp()) * US_PER_S  # 16:00:05 in summer
    told = data_sets(Face("1"), MeterTime(zone, 3 * US_PER_S), Count(1_999_999, 5_000_000, -2500), at_us)
    assert told["1-0:1.8.0*255"] == "000001.999*kWh"
    assert told["1-0:2.8.0*255"] == "000005.000*kWh"
    assert (told["1-0:0.9.1*255"], told["1-0:0.9.2*255"]) == ("1160008", "1250715")


def test_the_load_profile_is_cut_by_the_meters_own_clock() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    start_us = int(datetime(2025, 7, 15, 22, 55, tzinfo=UTC).timestamp()) * US_PER_S
    asked: list[int] = []

    def count_at(at_us: int) -> Count:
        asked.append((at_us - start_us) // US_PER_S)
        return Count((at_us - start_us) // US_PER_S * 1000, 0, 0)  # a watt-hour a second

    periods = Periods(Face("1"), MeterTime(zone, 60 * US_PER_S), start_us, count_at)
    periods.advance(start_us + 40 * 60 * US_PER_S)
    # A minute ahead: its 16:00 is 240 s after the start, then every 900 s.
    assert asked == [240, 1140, 2040]
    assert periods.text("", "") == (
        "P.01(1250715161500)(08)(15)(2)(1-0:1.29.0)(kWh)(1-0:2.29.0)(kWh)\r\n"
        "(0000.900)(0000.000)\r\n(0000.900)(0000.000)\r\n"
    )
    assert periods.text("12507151620", "") is not None
    assert periods.text("12507151700", "") is None


def test_a_fault_comes_as_often_as_it_is_said() -> None:
    told: list[str] = []
    faults = Faults({"silent": 3}, told.append)
    assert [faults.due("silent") for _ in range(7)] == [False, False, True, False, False, True, False]
    assert told == ["fault silent 1", "fault silent 2"]
    assert not faults.due("cut")
    for wrong in ("cut", "cut=0", "cut=x", "burn=1"):
        with pytest.raises(ValueError, match="NAME=EVERY"):
            parse_fault(wrong)


def test_the_driver_believes_nothing_wrong_and_each_fault_came() -> None:
    counts: Counter[str] = Counter()
    for trial in range(40):
        verdict = run_virtual(7, trial)
        assert not verdict.findings, verdict.findings[0]
        counts += verdict.counts
    assert all(counts[f"fault_{name.replace('-', '_')}"] for name in FAULTS), counts
    assert counts["believed"] > counts["sessions"] // 3


def test_the_judge_of_real_ptys_may_be_asked_for_any_instant() -> None:
    """A window reaches back by the meter's lag: behind the end of the window before it."""
    anchor = Anchor(0, DAY_START_US, 1)
    truth = truth_of(7, anchor)
    late, early = truth(90_000_000), truth(30_000_000)
    assert truth(90_000_000) == late
    assert late != early == truth_of(7, anchor)(30_000_000)


def test_a_reader_that_checks_nothing_is_found_wrong() -> None:
    assert {one.what for one in run_unguarded(1, 0).findings} == {OpticalSoak().control_finding}


def test_the_same_seed_is_the_same_plan() -> None:
    assert [str(setting(5, n)) for n in range(20)] == [str(setting(5, n)) for n in range(20)]
    assert len({str(setting(5, n)) for n in range(20)}) > 10
