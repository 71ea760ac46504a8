"""A gap over many price edges: what is told of a bucket is bounded by what flowed, reckoned by hand and against truth.

The calendar takes turns between `low` and `high`; 12 kW at most, a digit of one milliwatt-hour.
"""

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.buckets.swing import Swing
from gateway.config.types import GapPolicy
from gateway.energy import Direction
from gateway.kernels import service_kernel
from gateway.tariff.calendar import UNASSIGNED_NAME
from tests.oracle.flow import Flow

from .world import KWH, MIN, NOON_US, SERVICE_MILLIW, WH, H, S, accumulator, by_hand, moved, reading, register, tries

DAY = 24 * H


def test_fifty_hours_by_hand() -> None:
    """5 kWh over edges at 10, 20, 30 and 40 of 50 h: `low` has the first, third and fifth part, 1 kWh each."""
    edges = [(NOON_US + 10 * n * H, 2 if n % 2 else 1) for n in range(1, 5)]
    account = accumulator(by_hand(*edges))
    account.start_epoch(1, reading(NOON_US, 0))
    closed = account.add(reading(NOON_US + 50 * H, 5 * KWH))
    state = account.state.directions[Direction.IMPORT]
    assert state.totals_milliwh == {"unassigned": 0, "low": 3 * KWH, "high": 2 * KWH}
    # At each edge the register was something between 0 and 5 kWh and a digit: booked 1, 2, 3, 4 kWh. Each edge alone is
    # wrong by 4, 3, 3 and 4 kWh at the most; all of them together by what a bucket has or lacks: `low` has 3 kWh too
    # much at the most, `high` lacks 3; and a digit. The first digit of all is `low`'s too.
    assert state.uncertain_milliwh == {"low": 3 * KWH + 2, "high": 3 * KWH + 1}
    assert len(closed) == 200
    # A quarter of an hour carries 3 kWh, and what can hide in a clock: 1 s, and 500 ppm of 50 h; booked are 25 Wh.
    slack_us = 1 * S + 50 * H * 500 // 1_000_000
    most = -(-SERVICE_MILLIW * (15 * MIN + slack_us) // 3_600_000_000) - 25 * WH
    parts = [one.energy_import for one in closed[41:160]]
    assert {part.milliwh for part in parts if part} == {25 * WH}
    assert {part.uncertain_milliwh for part in parts if part} == {most}


@pytest.mark.parametrize(
    ("ends", "booked", "uncertain"),
    [
        # Registers 10, 30, 60 are booked; the true ones lie anywhere between 0 and 100, in order.
        ([True], [10], 90),
        ([False], [10], 90),
        ([True, False], [10, 30], 80),  # ends, begins: lacks 20, which may be 0 and may be 100
        ([False, True], [10, 30], 80),  # has 20
        ([True, False, True], [10, 30, 60], 60),  # has 10 and 30 of 100
        ([False, True, False], [10, 30, 60], 60),  # lacks 10 and 30
    ],
)
def test_each_way_to_begin_and_to_end(ends: list[bool], booked: list[int], uncertain: int) -> None:
    swing = Swing(0, ends[0])
    for one, milliwh in zip(ends, booked, strict=True):
        swing.add(one, milliwh, 100, max(100 - milliwh, milliwh))
    assert swing.uncertain_milliwh == uncertain


@dataclass(frozen=True)
class Gap:
    """One gap over edges that are told in order, and what flowed."""

    edges_us: tuple[int, ...]
    sent_us: tuple[int, int]
    flow: Flow
    step_milliwh: int
    gap: GapPolicy


@st.composite
def gaps(draw: st.DrawFn) -> Gap:
    distances = draw(st.lists(st.integers(1, 20 * H) | st.sampled_from([1, 15 * MIN, 12 * H]), min_size=2, max_size=12))
    edges = [NOON_US + draw(st.integers(1, 3 * H))]
    for one in distances:
        edges.append(edges[-1] + one)
    steps = [(NOON_US, draw(st.sampled_from([0, SERVICE_MILLIW])))]
    for one in draw(st.lists(st.integers(1, 2 * DAY), max_size=8)):
        power = draw(st.sampled_from([0, SERVICE_MILLIW, SERVICE_MILLIW // 3]))
        steps.append((steps[-1][0] + one, power))
    end_us = edges[-1] + draw(st.integers(2 * S, 30 * H))
    step_milliwh = draw(st.sampled_from([1, WH, KWH]))
    return Gap(
        tuple(edges), (NOON_US, end_us), Flow(tuple(steps)), step_milliwh, draw(st.sampled_from(list(GapPolicy)))
    )


@given(case=gaps())
@tries(200)
def test_truth_lies_within_what_is_told_and_that_is_no_more_than_flowed(case: Gap) -> None:
    timeline = by_hand(*((at_us, 2 - index % 2) for index, at_us in enumerate(case.edges_us)), interval_min=60)
    account = accumulator(timeline, gap=case.gap)

    def shown(at_us: int) -> int:
        return int(case.flow.energy_between(NOON_US, at_us)) // case.step_milliwh * case.step_milliwh

    marks = [moved(reading(at, register(shown(at), case.step_milliwh)), earliest_us=at - S) for at in case.sent_us]
    account.start_epoch(1, marks[0])
    closed = account.add(marks[1])
    state = account.state.directions[Direction.IMPORT]
    middle = [one.instant_us for one in marks]
    bounds = [middle[0], *case.edges_us, middle[1]]
    true = {"low": Fraction(0), "high": Fraction(0)}
    for index, (from_us, to_us) in enumerate(pairwise(bounds)):
        true["high" if index % 2 else "low"] += case.flow.energy_between(from_us, to_us)
    grown = shown(case.sent_us[1])
    own = case.step_milliwh + 2 * SERVICE_MILLIW * S // 3_600_000_000 + 2  # a digit and a window
    for bucket, flowed in true.items():
        told, booked = state.uncertain_milliwh[bucket], state.totals_milliwh.get(bucket, 0)
        nowhere = state.totals_milliwh[UNASSIGNED_NAME]
        running = own if bucket == ("high" if len(case.edges_us) % 2 else "low") else 0
        assert booked - told - running <= flowed <= booked + told + running + nowhere, bucket
        assert told <= grown + 2 * own
    for one in closed:
        flowed = case.flow.energy_between(max(one.start_us, middle[0]), one.end_us)
        assert one.energy_import is not None
        assert abs(one.energy_import.milliwh - flowed) <= one.energy_import.uncertain_milliwh


def test_a_year_is_told_with_what_flowed_in_it() -> None:
    """Two price edges a day, 7.3 MWh in a year: neither bucket can be wrong by more, nor an interval by its hour."""
    edges = [(NOON_US + n * 12 * H + 5 * MIN, 1 + n % 2) for n in range(1, 730)]
    account = accumulator(by_hand(*edges))
    account._kernel = service_kernel()
    account.start_epoch(1, reading(NOON_US, 0))
    closed = account.add(reading(NOON_US + 365 * DAY, 7300 * KWH))
    state = account.state.directions[Direction.IMPORT]
    assert state.totals_milliwh["low"] + state.totals_milliwh["high"] == 7300 * KWH
    for bucket in ("low", "high"):
        assert 3600 * KWH < state.uncertain_milliwh[bucket] < 3700 * KWH
    # An hour carries 12 kWh; 500 ppm of a year are 4.38 hours.
    most = SERVICE_MILLIW // 1000 * WH * (0.25 + 4.38 + 0.001)
    assert max(one.energy_import.uncertain_milliwh for one in closed if one.energy_import) < most
