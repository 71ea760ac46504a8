"""Edges that a wrong clock passed, long ago too: every one is told of a step, and many of them are no load.

The price changes twice a day; 12 kW at most, so that a hundred seconds are a third of a kilowatt-hour.
"""

import msgspec
import pytest

from gateway.buckets.accumulate import Accumulator
from gateway.energy import AccumulatorState, Direction

from .world import MIN, NOON_US, H, S, accumulator, by_hand, reading

HALF_DAYS = 420
TIMELINE = by_hand(*((NOON_US + n * 12 * H, 1 + n % 2) for n in range(1, HALF_DAYS)))


def lived(half_days: int) -> Accumulator:
    """An account that was read just before and after each price edge: two readings a half-day."""
    account = accumulator(TIMELINE)
    account.start_epoch(1, reading(NOON_US + 1 * H, 0))
    for n in range(1, half_days + 1):
        account.add(reading(NOON_US + n * 12 * H - 1 * S, 0))
        account.add(reading(NOON_US + n * 12 * H + 1 * S, 0))
    account.add(reading(NOON_US + half_days * 12 * H + 6 * H, 0))
    return account


@pytest.mark.parametrize("half_days", [3, 24, 100])
@pytest.mark.parametrize("step_us", [100 * S, -100 * S])
def test_every_edge_that_was_passed_is_told_once_on_both_its_sides(half_days: int, step_us: int) -> None:
    account = lived(half_days)
    told = account.state.directions[Direction.IMPORT].uncertain_milliwh
    before = dict(told)
    account.doubt_clock_step(step_us, 5 * S)
    # Drift explains 43 s of each day, and so all of it in 12 days; else half a second more may have gone unnoticed.
    wrong_ms = 100_500 if half_days == 3 else 100_000
    expected = -(-half_days * 12_000 * wrong_ms // 3600)  # W x ms / 3600 = mWh
    # Near enough to be passed anew none; each edge has one side in either bucket.
    assert {bucket: told[bucket] - before[bucket] for bucket in ("low", "high")} == {"low": expected, "high": expected}


def test_a_second_step_adds_only_what_the_sum_is_longer() -> None:
    account = lived(60)
    told = account.state.directions[Direction.IMPORT].uncertain_milliwh
    account.doubt_clock_step(100 * S, 5 * S)
    before = dict(told)
    account.doubt_clock_step(-100 * S, 5 * S)
    assert told == before  # back where it was: wrong by no more than was told
    account.doubt_clock_step(-130 * S, 5 * S)
    assert told["low"] - before["low"] == 60 * 12_000 * 30_500 // 3600


def test_an_edge_may_be_wrong_by_a_little_more_than_the_step_that_sets_the_clock_right() -> None:
    """The clock is 900.3 s fast when midnight passes; then it is set by -0.3 s, which nobody notices, and by -900 s."""
    account = lived(0)
    account.doubt_clock_step(900_300_000, 5 * S)
    told = account.state.directions[Direction.IMPORT].uncertain_milliwh
    account.add(reading(NOON_US + 12 * H - 1 * S, 0))
    account.add(reading(NOON_US + 12 * H + 1 * S, 0))
    before = dict(told)
    account.doubt_clock_step(-900 * S, 5 * S)
    for bucket in ("low", "high"):
        assert told.get(bucket, 0) - before.get(bucket, 0) >= 12_000 * 900_300 // 3600


def test_four_hundred_edges_are_a_small_state_that_is_written_and_read_again() -> None:
    account = lived(400)
    assert sum(edge.count for edge in (*account.state.at_risk, *account.state.at_risk_before)) == 400
    stored = msgspec.json.encode(account.state)
    assert len(stored) < 2000  # beside the rest of its row: one page of the store
    again = accumulator(TIMELINE, state=msgspec.json.decode(stored, type=AccumulatorState))
    for one in (account, again):
        one.doubt_clock_step(7 * MIN, 5 * S)
    assert again.state == account.state


def test_no_step_misplaces_more_than_flowed_since_the_account_began() -> None:
    account = lived(3)
    told = account.state.directions[Direction.IMPORT].uncertain_milliwh
    before = dict(told)
    account.doubt_clock_step(40 * 365 * 24 * H, 60 * S)
    age_us = 3 * 12 * H + 6 * H - 1 * H + 60 * S + 30_000 + 500_000  # a minute ago, 500 ppm of it, half a second
    most = -(-12_000_000 * age_us // 3_600_000_000)
    assert {bucket: told[bucket] - before[bucket] for bucket in ("low", "high")} == {"low": most, "high": most}
