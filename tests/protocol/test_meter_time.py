"""What a meter's clock says, word by word: each format, its nonsense, the flag, and the one request that brings them.

2026-07-01 12:34:56 is 1,782,909,296 s after 1970 (20,635 days of 86,400 s and 45,296 s); 27,205 * 65,536 + 2416:
0x6A450970.
"""

from datetime import datetime
from pathlib import Path

import pytest

from drivers import BadValueError, ConfigurationError, ProfileError, load_profile
from drivers.decode import WordOrder
from drivers.meter_time import ClockFormat, ClockRegister, ClockZone, Timed, decode_time
from drivers.modbus.meter import ModbusMeter
from drivers.vectors import check_vector

from .test_meters import SDM, Device, sdm_table
from .test_profiles import GOOD

MOMENT = datetime(2026, 7, 1, 12, 34, 56)
WORDS = {
    ClockFormat.UNIX: [0x6A45, 0x0970],
    ClockFormat.WORDS: [2026, 7, 1, 12, 34, 56],
    ClockFormat.BYTES: [0x1A07, 0x010C, 0x2238],  # 26 07, 1 12, 34 56
    ClockFormat.BCD: [0x2607, 0x0112, 0x3456],
}
CLOCK = """
[clock]
address = 0x30
format = "bcd"
zone = "local"
dst_address = 0x34
source = "test"
confirmed = true

[[vectors]]
title = "at noon"
source = "synthetic"
[[vectors.blocks]]
address = 0x30
words = [0x2607, 0x0112, 0x3456, 0xFFFF, 1]
[vectors.expected]
clock = "2026-07-01T12:34:56"
daylight_saving = true
absent = ["energy_import"]
"""


def clock(kind: ClockFormat, dst_address: int | None = None) -> ClockRegister:
    return ClockRegister(3, 100, kind, ClockZone.LOCAL, dst_address, 1_000_000, 0, "test", True)


@pytest.mark.parametrize("kind", list(ClockFormat))
def test_each_format_says_the_same_moment(kind: ClockFormat) -> None:
    time = decode_time(clock(kind), WORDS[kind], WordOrder.BIG)
    assert (time.shown, time.zone, time.daylight_saving) == (MOMENT, ClockZone.LOCAL, None)


def test_seconds_may_come_low_word_first_and_a_year_with_two_digits() -> None:
    assert decode_time(clock(ClockFormat.UNIX), [0x0970, 0x6A45], WordOrder.LITTLE).shown == MOMENT
    assert decode_time(clock(ClockFormat.WORDS), [26, 7, 1, 12, 34, 56], WordOrder.BIG).shown == MOMENT


@pytest.mark.parametrize(("dst_address", "words"), [(103, [9, 9, 9, 1]), (98, [1, 9, 9, 9, 9])])
def test_flag_is_found_before_and_behind_the_time(dst_address: int, words: list[int]) -> None:
    begin = 0 if dst_address > 100 else 2
    words[begin : begin + 3] = WORDS[ClockFormat.BCD]
    for flag in (1, 0):
        words[dst_address - min(100, dst_address)] = flag
        time = decode_time(clock(ClockFormat.BCD, dst_address), words, WordOrder.BIG)
        assert (time.shown, time.daylight_saving) == (MOMENT, bool(flag))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (ClockFormat.WORDS, [2026, 13, 1, 0, 0, 0]),
        (ClockFormat.WORDS, [2026, 2, 29, 0, 0, 0]),
        (ClockFormat.WORDS, [2026, 7, 1, 24, 0, 0]),
        (ClockFormat.WORDS, [0xFFFF] * 6),
        (ClockFormat.BYTES, [0, 0, 0]),
        (ClockFormat.BCD, [0x260A, 0x0112, 0x3456]),
        (ClockFormat.BCD, [0xFFFF, 0xFFFF, 0xFFFF]),
    ],
)
def test_what_no_calendar_has_is_refused(kind: ClockFormat, words: list[int]) -> None:
    with pytest.raises(BadValueError, match=r"clock at 100: .* is no time"):
        decode_time(clock(kind), words, WordOrder.BIG)


def test_profile_with_a_clock_reads_its_own_vectors(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD + CLOCK)
    profile = load_profile(str(path))
    assert [check_vector(profile, vector) for vector in profile.vectors] == [(), ()]
    path.write_text(GOOD + CLOCK.replace("12:34:56", "12:34:57"))
    wrong = [line for vector in load_profile(str(path)).vectors for line in check_vector(profile, vector)]
    assert wrong == ["at noon: clock should be 2026-07-01T12:34:57, is 2026-07-01T12:34:56"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('format = "bcd"', 'format = "bdc"', "clock.format = 'bdc': did you mean `bcd`"),
        ('zone = "local"', 'zone = "utc"', "clock.dst_address = 52: only a clock with zone `local`"),
        ('zone = "local"', "", "clock.zone: missing"),
        ("dst_address = 0x34", "dst_address = 0x134", "the time and its flag do not fit into one request"),
        ("address = 0x30", "address = 0xFFFF", "do not fit into one request"),
        ("dst_address = 0x34", "dst_adress = 0x34", "clock.dst_adress"),
    ],
)
def test_wrong_clock_is_refused_with_the_mend(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    text = GOOD + CLOCK
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(ProfileError) as caught:
        load_profile(str(path))
    assert message in str(caught.value)


def test_sunspec_profile_has_no_clock(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    shipped = load_profile("sunspec").path.read_text()
    path.write_text(shipped + CLOCK[: CLOCK.index("[[vectors]]")])
    with pytest.raises(ProfileError, match="SunSpec models have no clock"):
        load_profile(str(path))


def test_meter_is_asked_for_its_time_in_one_request_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD + CLOCK)
    device = Device({**sdm_table(), 0x30: 0x2607, 0x31: 0x0112, 0x32: 0x3456, 0x33: 0, 0x34: 1})
    meter = ModbusMeter(load_profile(str(path)), device.link(), 1)
    assert isinstance(meter, Timed)
    sample = meter.read_time()
    assert device.asked == [(4, 0x30, 5)]
    assert (sample.time.shown, sample.time.daylight_saving) == (MOMENT, True)
    assert (sample.received_us - sample.sent_us, sample.lag_us, sample.resolution_us) == (20_000, 0, 1_000_000)


def test_meter_without_a_clock_says_so() -> None:
    device = Device(sdm_table())
    with pytest.raises(ConfigurationError, match=r"eastron-sdm630 has no \[clock\]"):
        ModbusMeter(SDM, device.link(), 1).read_time()
    assert device.asked == []
