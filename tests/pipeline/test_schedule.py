"""When a meter is read next: on the poll grid, just before an edge, and once the edge is surely over."""

import pytest

from gateway.reading.schedule import Schedule

from .world import NOON_US, S, by_hand

LAG_US = 300_000
TIMELINE = by_hand()  # an edge at noon and at each quarter
FIVE = Schedule(5 * S, LAG_US)


def times(schedule: Schedule, from_us: int, until_us: int, failures: int = 0) -> list[int]:
    """Every read in (from, until], microseconds from noon."""
    found, at_us = [], NOON_US + from_us
    while (at_us := schedule.next_read_us(at_us, TIMELINE, failures)) <= NOON_US + until_us:
        found.append(at_us - NOON_US)
    return found


def test_reads_around_an_edge_that_lies_on_the_poll_grid() -> None:
    # half a second before; at noon, by the grid; when 300 ms of lag and 20 ms more are over
    assert times(FIVE, -6 * S, 6 * S) == [-5_000_000, -500_000, 0, 320_000, 5_000_000]


def test_reads_around_an_edge_beside_the_poll_grid() -> None:
    # 7 s of Unix time: noon of this day is 1782907200 = 7 * 254701028 + 4, so the grid is at -4 s and +3 s
    assert times(Schedule(7 * S, LAG_US), -12 * S, 11 * S) == [-11 * S, -4 * S, -500_000, 320_000, 3 * S, 10 * S]


def test_edge_is_read_even_by_a_meter_that_is_polled_once_an_hour() -> None:
    assert times(Schedule(3600 * S, 2 * S), -890 * S, 899 * S) == [-500_000, 0, 2_020_000]


@pytest.mark.parametrize(
    ("failures", "step_s"), [(0, 5), (1, 10), (2, 20), (3, 40), (4, 60), (5, 60), (8, 60), (9, 60), (100_000, 60)]
)
def test_each_failure_doubles_the_poll_up_to_twelvefold(failures: int, step_s: int) -> None:
    start_us = NOON_US + 120 * S
    assert FIVE.next_read_us(start_us, TIMELINE, failures) == start_us + step_s * S


def test_edges_are_tried_by_a_meter_that_fails() -> None:
    assert times(FIVE, -59 * S, 59 * S, failures=20) == [-500_000, 320_000]


def test_house_time_widens_the_wires_real_times() -> None:
    """At sixty times the speed half a second of wire is thirty seconds of the house."""
    fast = Schedule(60 * S, LAG_US, rate=60)
    assert times(fast, -61 * S, 61 * S) == [-60 * S, -30 * S, 0, 19_200_000, 60 * S]


@pytest.mark.parametrize("offset_us", [0, 1, -1, -500_000, -499_999, -500_001, 319_999, 320_000, 320_001, 5 * S])
def test_next_read_is_later_than_now(offset_us: int) -> None:
    now_us = NOON_US + offset_us
    assert now_us < FIVE.next_read_us(now_us, TIMELINE) <= now_us + 5 * S


def test_bucket_edge_between_two_quarters_is_read_too() -> None:
    timeline = by_hand((NOON_US + 7 * S, 2))
    found, at_us = [], NOON_US + 5 * S
    while (at_us := FIVE.next_read_us(at_us, timeline)) < NOON_US + 10 * S:
        found.append(at_us - NOON_US)
    assert found == [6_500_000, 7_320_000]
