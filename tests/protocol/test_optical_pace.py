"""How often an optical meter can be read: the longest of its last five sessions, reckoned by hand from the line's rate.
What is read of its load profile after an outage says nothing of that.

A character is ten bits, at 300 Bd a thirtieth of a second (IEC 62056-21, 5.4); a meter answers after 200 ms or later.
"""

from datetime import datetime
from pathlib import Path

import pytest

from drivers import NoAnswerError, load_profile
from drivers.iec62056.build import open_optical
from drivers.iec62056.meter import OpticalMeter
from drivers.iec62056.meter_stamp import MeterStamp
from drivers.profile_find import OPTICAL
from drivers.transport.scripted import ScriptedTransport, VirtualTicker
from tests.protocol.iec_telegrams import framed, with_parity

REQUEST = b"/?!\r\n"
ANSWER = b"/XYZ5model\r\n" + framed(b"1.8.0(000123.456*kWh)\r\n2.8.0(000007.000*kWh)\r\n!\r\n")
assert len(REQUEST + ANSWER) == 69  # 2.3 s at 300 Bd


class Port(ScriptedTransport):
    """A scripted transport that stays at 300 Bd."""

    def set_baud(self, baud_bd: int) -> None:
        assert baud_bd == 300


class SlowMeter:
    """Answers character by character, `reaction_us` after the request is through; not at all while it is dead."""

    def __init__(self) -> None:
        self.reaction_us, self.is_dead = 200_000, False

    def __call__(self, data: bytes) -> list[tuple[int, bytes]]:
        if data != with_parity(REQUEST) or self.is_dead:
            return []
        coming = enumerate(with_parity(ANSWER), len(REQUEST) + 1)
        return [(self.reaction_us + nth * 10_000_000 // 300, bytes([one])) for nth, one in coming]


def opened(peer: SlowMeter) -> OpticalMeter:
    ticker = VirtualTicker()
    return open_optical(load_profile("optical-a"), Port(ticker, peer), ticker, settle_us=0)


def test_a_session_of_69_characters_at_300_baud_is_told_whole() -> None:
    meter = opened(SlowMeter())
    assert meter.counters.smallest_interval_ms == 0  # not known yet
    meter.read()
    assert meter.counters.smallest_interval_ms == 2_300 + 200


def test_the_wake_up_of_a_battery_meter_is_part_of_it(tmp_path: Path) -> None:
    # Annex B: NUL for 2.1 to 2.3 s, then 1.5 to 1.7 s of silence; what is sent is 66 characters, 2.2 s.
    text = (OPTICAL / "optical-a.toml").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(text.replace('mode = "A"', 'mode = "A"\nwakes_up = true'), encoding="utf-8")
    ticker = VirtualTicker()
    port = Port(ticker, SlowMeter())
    meter = open_optical(load_profile("mine", (tmp_path,)), port, ticker, settle_us=0)
    meter.read()
    assert [sent for _, sent in port.written] == [bytes(66), with_parity(REQUEST)]
    woken_ms = meter.counters.smallest_interval_ms - 2_500
    assert 2_200 + 1_500 <= woken_ms <= 2_200 + 1_700


def test_the_longest_counts_until_five_others_have_been() -> None:
    peer = SlowMeter()
    meter = opened(peer)
    peer.reaction_us = 1_100_000
    meter.read()
    peer.reaction_us = 200_000
    told = []
    for _ in range(5):
        meter.read()
        told.append(meter.counters.smallest_interval_ms)
    assert told == [3_400, 3_400, 3_400, 3_400, 2_500]


def test_a_session_that_failed_says_nothing_of_it() -> None:
    peer = SlowMeter()
    meter = opened(peer)
    meter.read()
    peer.is_dead = True
    with pytest.raises(NoAnswerError):
        meter.read()
    assert (meter.counters.failed, meter.counters.smallest_interval_ms) == (1, 2_500)


PROFILE = framed(b"P.01(1220823161500)(00)(15)(1)(1.5)(kW)\r\n" + b"(0.18374)\r\n" * 200)
SAID = {
    REQUEST: b"/XYZ0model\r\n",
    b"\x06000\r\n": ANSWER[12:],
    b"\x06001\r\n": b"\x01P0\x02()\x03\x60",
}


def in_mode_c(data: bytes) -> list[tuple[int, bytes]]:
    """Stays at 300 Bd, and has a load profile of 2,200 characters and more."""
    plain = bytes(one & 0x7F for one in data)
    answer = PROFILE if plain.startswith(b"\x01R") else SAID.get(plain, b"")
    coming = enumerate(with_parity(answer), len(plain) + 1)
    return [(200_000 + nth * 10_000_000 // 300, bytes([one])) for nth, one in coming]


def test_a_load_profile_is_no_reading_and_does_not_count() -> None:
    ticker = VirtualTicker()
    meter = open_optical(load_profile("optical-c-p01"), Port(ticker, in_mode_c), ticker, settle_us=0)
    meter.read()
    told_ms = meter.counters.smallest_interval_ms
    assert told_ms > 0
    begun_us = ticker.now_us
    (block,) = meter.read_profile(MeterStamp(datetime(2022, 8, 23)), MeterStamp(datetime(2022, 8, 26)))
    assert len(block.lines) == 200
    assert ticker.now_us - begun_us > 2_200 * 10_000_000 // 300  # it took over a minute
    assert meter.takes_us > 2_200 * 10_000_000 // 300  # which is kept free before an edge
    assert meter.counters.smallest_interval_ms == told_ms


class WaitsForAWord:
    """A meter in mode C that listens for ACK or NAK alone for 1.5 s after its readout (6.4.3); a head makes it 1.6."""

    def __init__(self, ticker: VirtualTicker) -> None:
        self._ticker, self._free_us = ticker, 0
        self.missed = 0

    def __call__(self, data: bytes) -> list[tuple[int, bytes]]:
        if self._ticker.now_us < self._free_us:
            self.missed += 1
            return []
        coming = in_mode_c(data)
        if data.startswith(b"\x06"):
            self._free_us = self._ticker.now_us + coming[-1][0] + 1_600_000
        return coming


def test_a_reading_at_once_after_another_is_not_asked_for_in_vain() -> None:
    ticker = VirtualTicker()
    peer = WaitsForAWord(ticker)
    meter = open_optical(load_profile("optical-c"), Port(ticker, peer), ticker, settle_us=0)
    meter.read()
    meter.read()
    assert (peer.missed, meter.counters.repeats) == (0, 0)
