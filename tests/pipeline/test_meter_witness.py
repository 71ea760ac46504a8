"""How far a meter's clock is off ours: what a question leaves open, drift over hours, limits, and who is not asked.

Our clock is right. A question takes 200 ms and the meter shows whole seconds: 1.2 s stay open.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from drivers import NoAnswerError
from drivers.meter_time import ClockZone, MeterTime, TimeSample
from gateway.clock import ClockState
from gateway.reading.meter_witness import NOT_KNOWN, MeterWitness

from .world import MIN, NOON_US, H, S


@dataclass
class RightClock:
    """Obeys `gateway.clock.Clock`."""

    monotonic: int = 1000 * S
    known: ClockState = ClockState.SYNCED
    error: int = 0
    rate: int = 1
    boot_id: str = "boot"

    def wall_us(self) -> int:
        return NOON_US + self.monotonic

    def monotonic_us(self) -> int:
        return self.monotonic

    def real_us(self) -> int:
        return self.monotonic

    def state(self) -> ClockState:
        return self.known

    def error_us(self) -> int:
        return self.error


@dataclass
class Bench:
    """A meter whose clock is `ahead_us` off and gains `ppm`."""

    clock: RightClock = field(default_factory=RightClock)
    ahead_us: int = 0
    ppm: int = 0

    def __post_init__(self) -> None:
        self.witness = MeterWitness(self.clock, ZoneInfo("UTC"))

    def hear(self, later_us: int = 0) -> None:
        """Ask so much later; the answer is there 200 ms after the question, and was looked up in the middle."""
        self.clock.monotonic += later_us
        sent_us = self.clock.monotonic
        self.clock.monotonic += 200_000
        shown_us = self.clock.wall_us() - 100_000 + self.ahead_us + self.ppm * (sent_us - 1000 * S) // 1_000_000
        shown = datetime.fromtimestamp(shown_us // S, UTC).replace(tzinfo=None)
        self.witness.hear(TimeSample(MeterTime(shown, ClockZone.UTC, None), sent_us, self.clock.monotonic, 0, S))

    def said(self, key: str) -> int:
        value = self.witness.word[f"meter_clock_{key}"]
        assert isinstance(value, int)
        return value


@pytest.mark.parametrize("ahead_us", [0, 3 * S, -5 * S, 400_000, 2 * H])
@pytest.mark.parametrize("error_us", [0, 700_000])
def test_the_offset_is_within_what_a_question_leaves_open(ahead_us: int, error_us: int) -> None:
    bench = Bench(ahead_us=ahead_us)
    bench.clock.error = error_us
    bench.hear()
    assert bench.said("within_us") == 600_000 + error_us
    assert abs(bench.said("offset_us") - ahead_us) <= 600_000


@pytest.mark.parametrize("ppm", [0, 20, -100])
def test_drift_is_told_after_an_hour_and_gets_sharper(ppm: int) -> None:
    bench = Bench(ppm=ppm)
    bench.hear()
    bench.hear(50 * MIN)
    assert bench.witness.word["meter_clock_drift_ppb"] is None
    bench.hear(10 * MIN)
    assert abs(bench.said("drift_ppb") - 1000 * ppm) <= 1_200_000_000 // 3600  # 1.2 s of an hour
    bench.hear(99 * H)
    assert abs(bench.said("drift_ppb") - 1000 * ppm) <= 1_200_000_000 // (100 * 3600)


def test_a_meter_whose_clock_was_set_is_watched_anew() -> None:
    bench = Bench()
    bench.hear()
    bench.hear(2 * H)
    bench.ahead_us = 60 * S
    bench.hear(10 * MIN)
    assert bench.witness.word["meter_clock_drift_ppb"] is None
    assert abs(bench.said("offset_us") - 60 * S) <= 600_000


def test_passing_nine_and_twenty_seven_seconds_is_told_once_each_way() -> None:
    bench, told = Bench(), []
    for ahead_s in (0, 9, 11, 20, -29, -30, -12, 3):
        bench.ahead_us = ahead_s * S
        bench.hear(10 * MIN)
        news = bench.witness.news()
        told.append(None if news is None else news["limit_us"])
    assert told == [None, None, 9 * S, None, 27 * S, None, 9 * S, 9 * S]
    assert bench.witness.news() is None


def test_it_is_asked_every_ten_minutes_and_only_while_our_time_is_known() -> None:
    bench = Bench()
    assert bench.witness.wants_time
    bench.hear()
    assert not bench.witness.wants_time
    bench.clock.monotonic += 10 * MIN
    assert bench.witness.wants_time
    bench.clock.known = ClockState.UNSYNCED
    assert not bench.witness.wants_time


def test_a_meter_that_does_not_tell_is_not_known() -> None:
    bench = Bench()
    assert bench.witness.word == NOT_KNOWN
    bench.hear()
    bench.witness.fail(NoAnswerError("no answer"))
    assert bench.witness.word == NOT_KNOWN
    assert not bench.witness.wants_time
