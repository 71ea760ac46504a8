"""Cases made here with PySAM and reckoned by this program: what the cases of the folder may lack, and cases by lot.

Tiers in kWh and kWh a day, weekday-only time of use, 15 minutes, two years, credit months, minimums, time-step prices
of exports and imports, carried and expiring credits. NETMETER_SAM_SEEDS=500 takes more lots.
Skipped where PySAM is not installed.
"""

import copy
import os
import random
from pathlib import Path
from typing import Any

import pytest

from .sam_case import Profile, account_of, energy_of
from .sam_engine import case_of
from .sam_outputs import differences
from .sam_random import random_inputs, random_profile

FLAT = [[1] * 24] * 12
PEAK_ON_WEEKDAYS = (
    [[1] * 16 + [2] * 5 + [1] * 3] * 5 + [[3] * 14 + [4] * 7 + [3] * 3] * 4 + [[1] * 16 + [2] * 5 + [1] * 3] * 3
)
OFF_PEAK = [[1] * 24] * 5 + [[3] * 24] * 4 + [[1] * 24] * 3
TOU = {
    "ur_ec_tou_mat": [[1, 1, "inf", 0, 0.31, 0.06], [2, 1, "inf", 0, 0.42, 0.11], [3, 1, "inf", 0, 0.36, 0.07],
                      [4, 1, "inf", 0, 0.61, 0.29]],
    "ur_ec_sched_weekday": PEAK_ON_WEEKDAYS,
    "ur_ec_sched_weekend": OFF_PEAK,
}  # fmt: skip
TIERED = {
    "ur_ec_tou_mat": [[1, 1, 180.5, 0, 0.17, 0.05], [1, 2, 420, 0, 0.24, 0.04], [1, 3, "inf", 0, 0.39, 0.02]],
    "ur_ec_sched_weekday": FLAT,
    "ur_ec_sched_weekend": FLAT,
}
TIERED_TOU = {
    "ur_ec_tou_mat": [
        [1, 1, 9.3, 2, 0.31, 0.06], [1, 2, "inf", 2, 0.38, 0.05],
        [2, 1, 9.3, 2, 0.42, 0.11], [2, 2, "inf", 2, 0.55, 0.09],
        [3, 1, 13.1, 2, 0.36, 0.07], [3, 2, "inf", 2, 0.44, 0.03],
        [4, 1, 13.1, 2, 0.61, 0.29], [4, 2, "inf", 2, 0.72, 0.21],
    ],
    "ur_ec_sched_weekday": PEAK_ON_WEEKDAYS,
    "ur_ec_sched_weekend": OFF_PEAK,
}  # fmt: skip
BY_HOUR = [round(0.02 + (hour % 37) / 200, 4) for hour in range(8760)]
BELOW_ZERO_TOO = [(hour * 31 % 97) / 1000 - 0.01 for hour in range(8760)]
BUY_BY_HOUR = [round(0.11 + (hour * 13 % 53) / 130, 5) for hour in range(8760)]
BY_STEP = [(step * 7919 % 3001) / 10000 for step in range(35040)]
MADE: dict[str, tuple[int, dict[str, Any]]] = {
    # name: (steps an hour, inputs)
    "o0_tiered_two_years_credit_april": (
        1, {"ur_metering_option": 0, **TIERED, "ur_nm_credit_month_0based": 3, "ur_nm_yearend_sell_rate": 0.03,
            "analysis_period": 2}),
    "o0_weekday_tou_15_minutes_surplus_as_credit": (
        4, {"ur_metering_option": 0, **TOU, "ur_nm_credit_rollover": 1, "ur_nm_yearend_sell_rate": 0.0275,
            "ur_nm_credit_month_0based": 9, "analysis_period": 2}),
    "o1_tiered_tou_by_the_day_with_minimums": (
        1, {"ur_metering_option": 1, **TIERED_TOU, "ur_monthly_min_charge": 12.5, "ur_annual_min_charge": 900,
            "ur_monthly_fixed_charge": 4.75, "ur_nm_credit_month_0based": 4, "analysis_period": 2}),
    "o1_paid_and_kept_as_the_engine_does": (
        1, {"ur_metering_option": 1, **TOU, "ur_nm_credit_rollover": 1, "ur_nm_credit_month_0based": 6,
            "analysis_period": 2}),
    "o2_tiered_15_minutes": (4, {"ur_metering_option": 2, **TIERED, "ur_monthly_min_charge": 10}),
    "o2_hourly_prices_over_15_minutes": (
        4, {"ur_metering_option": 2, **TOU, "ts_sell_rate": BY_HOUR}),
    "o3_tiered_tou_15_minutes_two_years": (
        4, {"ur_metering_option": 3, **TIERED_TOU, "ur_nm_credit_month_0based": 4, "analysis_period": 2,
            "ur_nb_apply_credit_current_month": 1}),
    "o3_credits_expire": (
        1, {"ur_metering_option": 3, **TOU, "ur_nb_credit_expire": 1, "ur_nm_credit_month_0based": 7,
            "ur_monthly_fixed_charge": 24.15, "analysis_period": 2}),
    "o3_prices_by_step": (
        4, {"ur_metering_option": 3, **TOU, "ts_sell_rate": BY_STEP}),
    "o4_tiered_tou_with_minimums": (
        1, {"ur_metering_option": 4, **TIERED_TOU, "ur_monthly_min_charge": 60, "ur_annual_min_charge": 4000}),
    "o2_bought_by_the_hour": (
        1, {"ur_metering_option": 2, **TIERED, "ts_buy_rate": BUY_BY_HOUR}),
    "o3_bought_and_sold_by_step_two_years": (
        4, {"ur_metering_option": 3, **TOU, "ts_buy_rate": [0.3 + one for one in BY_STEP], "ts_sell_rate": BY_STEP,
            "ur_monthly_min_charge": 25, "ur_annual_min_charge": 1200, "analysis_period": 2}),
    "o4_bought_by_the_hour_over_15_minutes": (
        4, {"ur_metering_option": 4, **TIERED_TOU, "ts_buy_rate": BUY_BY_HOUR}),
    "o4_prices_by_hour": (
        1, {"ur_metering_option": 4, **TIERED, "ts_sell_rate": BELOW_ZERO_TOO}),
}  # fmt: skip
SEEDS = range(int(os.environ.get("NETMETER_SAM_SEEDS", "12")))


def profile_of(name: str, steps_per_hour: int) -> Profile:
    return random_profile(random.Random(name), steps_per_hour)


@pytest.mark.parametrize("name", MADE)
def test_a_case_made_with_pysam_has_the_engines_bills(name: str, tmp_path: Path) -> None:
    steps_per_hour, inputs = MADE[name]
    profile = profile_of(name, steps_per_hour)
    assert differences(account_of(tmp_path, inputs), energy_of(inputs, profile), case_of(inputs, profile)) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_sam_case_by_lot_has_the_engines_bills(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    steps_per_hour = chance.choice([1, 2, 4])
    inputs, profile = random_inputs(chance, steps_per_hour), random_profile(chance, steps_per_hour)
    assert differences(account_of(tmp_path, inputs), energy_of(inputs, profile), case_of(inputs, profile)) == []


@pytest.mark.parametrize("name", ["o0_tiered_two_years_credit_april", "o3_tiered_tou_15_minutes_two_years"])
def test_a_price_off_by_a_hundredth_of_a_cent_is_found(name: str, tmp_path: Path) -> None:
    """The positive control: the engine has another price in its highest tier."""
    steps_per_hour, inputs = MADE[name]
    profile, other = profile_of(name, steps_per_hour), copy.deepcopy(inputs)
    other["ur_ec_tou_mat"][-1][4] += 0.0001
    found = differences(account_of(tmp_path, inputs), energy_of(inputs, profile), case_of(other, profile))
    assert any(one.startswith("utility_bill_w_sys") for one in found)


def test_a_day_of_the_week_that_is_off_is_found(tmp_path: Path) -> None:
    """The positive control of the calendar: the engine has its peak on weekends."""
    steps_per_hour, inputs = MADE["o2_tiered_15_minutes"]
    inputs = {**inputs, **TOU}
    turned = {**inputs, "ur_ec_sched_weekday": OFF_PEAK, "ur_ec_sched_weekend": PEAK_ON_WEEKDAYS}
    profile = profile_of("week", steps_per_hour)
    assert differences(account_of(tmp_path, inputs), energy_of(inputs, profile), case_of(turned, profile))
