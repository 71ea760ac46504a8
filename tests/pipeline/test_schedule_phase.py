"""Meters that are polled equally often and read by one thread do not all have their polls in the same instant."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.reading.schedule import Schedule, phase_of

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


def test_phases_are_golden_sections_of_the_poll_in_whole_slots() -> None:
    # 1 / 1.6180339887 = 0.6180339887; twice that less 1 is 0.2360679775; slots of 10 ms
    assert [phase_of(n, 1_000_000) for n in (1, 2)] == [610_000, 230_000]


@pytest.mark.parametrize("meters", [1, 2, 10, 100, 500, 2000, 5000])
def test_however_many_meters_every_slot_has_its_share(meters: int) -> None:
    """Beside the even share up to three more or less: multiples of the golden ratio keep within that (Knuth, 6.4)."""
    slots = Counter(phase_of(n, 1 * S) for n in range(meters))
    assert len(slots) >= min(meters, 100) * 3 // 4
    assert all(abs(slots[slot_us] - meters / 100) <= 3 for slot_us in range(0, 1 * S, 10_000))


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
