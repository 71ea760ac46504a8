"""A meter's counters are exact integers of milliwatt-seconds: checked by hand arithmetic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.counters import Count, Counters, Opening

ZERO = Opening(0, 0)
# 7200 mW for a second is 2 mWh; 1800 mW is half of one; -3600 mW is 1 mWh the other way.
PROFILE = [7200, 7200, 1800, -3600, 1800, 0]


def counters(origin_s: int = 100, opening: Opening = ZERO) -> Counters:
    return Counters(lambda second: PROFILE[second - 100], origin_s, opening)


@pytest.mark.parametrize(
    ("house_us", "imported", "exported", "power"),
    [
        (100_000_000, 0, 0, 7200),
        (100_499_999, 0, 0, 7200),
        (100_500_000, 1, 0, 7200),
        (101_000_000, 2, 0, 7200),
        (102_000_000, 4, 0, 1800),
        (103_000_000, 4, 0, -3600),
        (103_999_999, 4, 0, -3600),
        (104_000_000, 4, 1, 1800),
        (105_000_000, 5, 1, 0),
    ],
)
def test_energy_by_hand(house_us: int, imported: int, exported: int, power: int) -> None:
    assert counters().at(house_us) == Count(imported, exported, power)


def test_the_opening_counts_down_to_the_milliwatt_second() -> None:
    # 3599 mW s are on the counter already: the first milliwatt-hour is full with the next milliwatt-second.
    opened = counters(opening=Opening(3599, 3600 * 50))
    assert opened.at(100_000_000) == Count(0, 50, 7200)
    assert opened.at(100_000_139) == Count(1, 50, 7200)  # 7200 mW * 139 us = 1.0008 mW s


@given(st.lists(st.integers(min_value=-20_000_000, max_value=20_000_000), min_size=1, max_size=200), st.data())
def test_energy_is_the_sum_of_power_over_seconds(flow: list[int], data: st.DataObject) -> None:
    second = data.draw(st.integers(min_value=0, max_value=len(flow) - 1))
    count = Counters(lambda second: flow[second], 0, ZERO).at(second * 1_000_000)
    assert count.import_milliwh == sum(power for power in flow[:second] if power > 0) // 3600
    assert count.export_milliwh == -sum(power for power in flow[:second] if power < 0) // 3600


def test_a_counter_started_anew_counts_on() -> None:
    kept, anew = counters(), counters()
    for second in range(100, 105):
        kept.at(second * 1_000_000)
    assert kept.at(105_000_000) == anew.at(105_000_000)


def test_time_goes_forward_only() -> None:
    forward = counters()
    forward.at(103_000_000)
    with pytest.raises(ValueError, match="103, asked for 102"):
        forward.at(102_999_999)


def test_an_opening_is_within_its_bounds_and_differs_by_name() -> None:
    opening = Opening.from_seed(7, "grid", import_kwh=1000, export_kwh=10)
    assert 500 * 3_600_000_000 <= opening.import_milliw_s <= 1000 * 3_600_000_000
    assert 5 * 3_600_000_000 <= opening.export_milliw_s <= 10 * 3_600_000_000
    assert opening != Opening.from_seed(7, "array", import_kwh=1000, export_kwh=10)
