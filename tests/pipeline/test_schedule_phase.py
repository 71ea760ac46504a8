"""Meters that are polled equally often and read by one thread do not all have their polls in the same instant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.schedule import Schedule, phase_of

from .world import NOON_US, S, by_hand

LAG_US = 300_000
TIMELINE = by_hand()  # an edge at noon and at each quarter


def reads(schedule: Schedule, from_us: int, until_us: int) -> list[int]:
    """Every read in (from, until], microseconds from noon."""
    found, at_us = [], NOON_US + from_us
    while (at_us := schedule.next_read_us(at_us, TIMELINE)) <= NOON_US + until_us:
        found.append(at_us - NOON_US)
    return found


def test_a_phase_moves_the_polls_and_no_reading_at_an_edge() -> None:
    # polls at 2 s past every fifth second; around the edge half a second before, and 320 ms after
    moved = Schedule(5 * S, LAG_US, phase_us=2 * S)
    assert reads(moved, -6 * S, 8 * S) == [-3_000_000, -500_000, 320_000, 2_000_000, 7_000_000]


def test_the_first_meter_stays_on_the_whole_second() -> None:
    assert phase_of(0, 5 * S) == 0


def test_phases_are_golden_sections_of_the_poll() -> None:
    # 1 / 1.6180339887 = 0.6180339887; twice that less 1 is 0.2360679775
    assert [phase_of(n, 1_000_000) for n in (1, 2)] == [618_033, 236_067]


@pytest.mark.parametrize("meters", [2, 3, 10, 500, 2000, 5000])
def test_however_many_meters_no_two_gaps_differ_much(meters: int) -> None:
    """Three gaps at most (Steinhaus); for the golden ratio the largest is at most 2.618 times the smallest, here up to
    2.7 because its 32 bits and the microseconds are cut. The mean gap lies between them."""
    poll_us = 60 * S
    at_us = sorted(phase_of(n, poll_us) for n in range(meters))
    gaps_us = [after - before for before, after in zip(at_us, [*at_us[1:], at_us[0] + poll_us], strict=True)]
    assert max(gaps_us) <= 2.7 * min(gaps_us)
    assert max(gaps_us) * meters < 2.7 * poll_us


@given(position=st.integers(0, 100_000), poll_s=st.integers(1, 3600), after_us=st.integers(0, 4 * 10**15))
def test_a_poll_comes_after_the_last_one_and_within_one_interval_of_it(
    position: int, poll_s: int, after_us: int
) -> None:
    poll_us = poll_s * S
    phase_us = phase_of(position, poll_us)
    due_us = Schedule(poll_us, 0, phase_us=phase_us).poll_due_us(after_us)
    assert 0 <= phase_us < poll_us
    assert after_us < due_us <= after_us + poll_us
    assert due_us % poll_us == phase_us


@given(position=st.integers(0, 5000), poll_s=st.integers(1, 900), after_us=st.integers(-(10**10), 10**10))
def test_an_edge_has_its_two_readings_whatever_the_phase(position: int, poll_s: int, after_us: int) -> None:
    """From anywhere, the readings up to two quarters on are those without a phase, but for polls."""
    begin_us, until_us = after_us, after_us + 1800 * S
    poll_us = poll_s * S
    grid, moved = Schedule(poll_us, LAG_US), Schedule(poll_us, LAG_US, phase_us=phase_of(position, poll_us))

    def at_edges(schedule: Schedule) -> set[int]:
        quarter_us = 900 * S
        return {us for us in reads(schedule, begin_us, until_us) if us % quarter_us in (quarter_us - 500_000, 320_000)}

    assert at_edges(moved) == at_edges(grid)
