"""The household: the same everywhere, plausible, and moving in both directions on the demo's afternoon."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil import sun
from hil.house import DAY_START_US, DEFAULT_SEED
from hil.household import ZONE, Feed, Household

START_S = DAY_START_US // 1_000_000
SECONDS = st.integers(min_value=0, max_value=4_102_444_800)
SEEDS = st.integers(min_value=0, max_value=2**63)


def test_the_day_starts_ten_minutes_before_four_on_a_tuesday_in_july() -> None:
    # 15:50 Pacific daylight time is 22:50 UTC.
    assert datetime.fromtimestamp(START_S, UTC) == datetime(2025, 7, 15, 22, 50, tzinfo=UTC)
    assert datetime.fromtimestamp(START_S, ZONE).weekday() == 1


@given(SEEDS, SECONDS)
def test_the_grid_gives_what_the_array_does_not(seed: int, second: int) -> None:
    house = Household(seed)
    load, pv = house.load_milliw(second), house.pv_milliw(second)
    assert house.flow_milliw(Feed.GRID, second) == load - pv
    assert house.flow_milliw(Feed.PRODUCTION, second) == -pv
    assert house.flow_milliw(Feed.LOAD, second) == load
    assert load > 0
    assert -8_000 <= pv <= 9_000_000


def test_another_process_lives_in_the_same_house() -> None:
    seconds = range(START_S, START_S + 900, 7)
    text = (
        "from hil.household import *\n"
        f"house = Household({DEFAULT_SEED})\n"
        f"print([house.flow_milliw(Feed.GRID, s) for s in reversed(range({START_S}, {START_S + 900}, 7))])"
    )
    said = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True).stdout
    here = [Household(DEFAULT_SEED).flow_milliw(Feed.GRID, second) for second in reversed(seconds)]
    assert said.strip() == str(here)


def test_another_seed_is_another_house() -> None:
    ours, theirs = Household(1), Household(2)
    assert any(ours.load_milliw(START_S + i) != theirs.load_milliw(START_S + i) for i in range(600))
    assert any(ours.pv_milliw(START_S + i) != theirs.pv_milliw(START_S + i) for i in range(600))


def test_the_sun_stands_where_the_table_says() -> None:
    # July: sunrise 295 min, sunset 1170 min PST, so noon is minute 732.5 = 12:12:30 PST = 20:12:30 UTC; peak 7600 W.
    noon_s = int(datetime(2025, 7, 15, 20, 12, 30, tzinfo=UTC).timestamp())
    assert sun.clear_sky_milliw(noon_s) == 7_600_000
    # Half way from noon to sunset a parabola has three quarters of its height: 218.75 min = 13125 s.
    assert sun.clear_sky_milliw(noon_s + 13_125) == 5_700_000
    assert sun.clear_sky_milliw(noon_s + 26_250) == 0
    midnight_s = int(datetime(2025, 7, 15, 8, 0, tzinfo=UTC).timestamp())
    assert sun.array_milliw(1, midnight_s) == -8_000


@pytest.mark.parametrize("day", [0, 58, 59, 60, 364, 365, 11_016, 20_284, 47_540])
def test_months_are_those_of_the_calendar(day: int) -> None:
    assert sun._month(day) + 1 == (date(1970, 1, 1) + timedelta(days=day)).month


def test_months_of_every_day_of_a_century() -> None:
    for day in range(36_525):
        assert sun._month(day) + 1 == (date(1970, 1, 1) + timedelta(days=day)).month


def test_both_directions_move_before_and_after_the_edge() -> None:
    house, edge_s = Household(DEFAULT_SEED), START_S + 600
    before = [house.flow_milliw(Feed.GRID, second) for second in range(START_S, edge_s)]
    after = [house.flow_milliw(Feed.GRID, second) for second in range(edge_s, edge_s + 1200)]
    for flow in (before, after):
        assert max(flow) > 0
        assert min(flow) < 0
    assert sum(before) < 0, "the array exports at first"
    assert sum(after) > 0, "the house imports later"


def test_people_live_by_the_local_clock() -> None:
    """The car charges from 16:10 local, in July (UTC-7) and in January (UTC-8) alike; 5.1 kW are the most before."""
    house = Household(DEFAULT_SEED)
    for day in (datetime(2025, 7, 15, tzinfo=ZONE), datetime(2025, 1, 14, tzinfo=ZONE)):
        noon_s = int(day.replace(hour=12).timestamp())
        until_s = int(day.replace(hour=15, minute=30).timestamp())
        assert max(house.load_milliw(second) for second in range(noon_s, until_s)) < 5_100_000
        car_s = int(day.replace(hour=16, minute=10).timestamp())
        assert max(house.load_milliw(second) for second in range(car_s, car_s + 1320)) > 7_500_000
