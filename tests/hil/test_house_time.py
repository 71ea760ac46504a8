"""House time is arithmetic on CLOCK_MONOTONIC, the same in every process."""

import argparse
import time
from pathlib import Path

import pytest

from gateway.clock import Clock, ClockState
from hil.house_time import Anchor, add_options, from_options
from hil.scaled_clock import ScaledClock

# Hand arithmetic: 7 s after the anchor at 30 times the speed, 210 s have passed in the house.
HAND = [
    (Anchor(1_000_000, 500_000_000, 30), 8_000_000, 710_000_000),
    (Anchor(1_000_000, 500_000_000, 1), 1_000_000, 500_000_000),
    (Anchor(1_000_000, 500_000_000, 30), 1_000_001, 500_000_030),
    (Anchor(1_000_000, 500_000_000, 30), 999_999, 499_999_970),
]


@pytest.mark.parametrize(("anchor", "monotonic_us", "house_us"), HAND)
def test_house_time_is_start_plus_scaled_monotonic(anchor: Anchor, monotonic_us: int, house_us: int) -> None:
    assert anchor.house_us(monotonic_us) == house_us


def test_an_anchor_survives_the_command_line() -> None:
    anchor = Anchor(12_345_678_901, 1_752_619_800_000_000, 30)
    parser = argparse.ArgumentParser()
    add_options(parser)
    assert from_options(parser.parse_args(anchor.options())) == anchor


def test_a_speed_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="speed 0"):
        Anchor(0, 0, 0)


def test_the_scaled_clock_lies_between_two_looks_at_the_machine() -> None:
    anchor = Anchor(time.monotonic_ns() // 1000 - 5_000_000, 1_752_619_800_000_000, 30)
    clock: Clock = ScaledClock(anchor)
    before_us = time.monotonic_ns() // 1000
    wall_us, monotonic_us, real_us = clock.wall_us(), clock.monotonic_us(), clock.real_us()
    after_us = time.monotonic_ns() // 1000
    elapsed_low_us, elapsed_high_us = before_us - anchor.anchor_monotonic_us, after_us - anchor.anchor_monotonic_us
    assert anchor.start_utc_us + 30 * elapsed_low_us <= wall_us <= anchor.start_utc_us + 30 * elapsed_high_us
    assert 30 * before_us <= monotonic_us <= 30 * after_us
    assert before_us <= real_us <= after_us


def test_the_scaled_clock_says_who_it_is() -> None:
    clock = ScaledClock(Anchor(0, 0, 30))
    assert clock.rate == 30
    assert clock.state() is ClockState.SYNCED
    assert clock.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
