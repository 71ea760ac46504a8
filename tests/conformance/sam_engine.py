"""PySAM's Utilityrate5 run on a case's inputs, and its outputs in the layout of the cases. Other people's engine.

What a case leaves open is off: no escalation, no degradation, no demand charges, no loans.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from .sam_case import NO_LIMIT_KWH, Profile, first_years, number

YEAR_1 = (
    "year1_monthly_utility_bill_w_sys",
    "year1_true_up_credits",
    "year1_monthly_ec_charge_with_system",
    "year1_monthly_ec_charge_gross_with_system",
    "year1_monthly_fixed_with_system",
    "year1_monthly_minimum_with_system",
    "year1_net_billing_credits",
    "year1_nm_dollars_applied",
    "year1_two_meter_sales",
    "year1_excess_kwhs_earned",
    "year1_monthly_cumulative_excess_generation",
)
BY_YEAR = (
    "utility_bill_w_sys_ym",
    "true_up_credits_ym",
    "charge_w_sys_ec_ym",
    "charge_w_sys_ec_gross_ym",
    "charge_w_sys_fixed_ym",
    "charge_w_sys_minimum_ym",
    "net_billing_credits_ym",
    "nm_dollars_applied_ym",
    "two_meter_sales_ym",
    "excess_kwhs_earned_ym",
)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def module(inputs: Mapping[str, Any], profile: Profile) -> Any:
    """A module of the engine, set up and ready for execute(). Skips the test where PySAM is not installed."""
    engine = pytest.importorskip("PySAM.Utilityrate5", reason="PySAM is not installed (nrel-pysam)")
    made = engine.new()
    years, per_kwh = first_years(inputs), 1000 / profile.steps_per_hour
    made.Lifetime.assign({"analysis_period": years, "inflation_rate": 0.0, "system_use_lifetime_output": 0})
    made.SystemOutput.gen = [one / per_kwh for one in profile.gen_wh]
    made.SystemOutput.degradation = [0.0]
    made.Load.load = [one / per_kwh for one in profile.load_wh]
    made.Load.load_escalation = [0.0]
    rates = made.ElectricityRates
    rates.en_electricity_rates = 1
    rates.rate_escalation = [0.0]
    rates.ur_dc_enable = 0
    rates.ur_dc_sched_weekday = rates.ur_dc_sched_weekend = [[1] * 24] * 12
    rates.ur_dc_tou_mat = [[1, 1, 1e38, 0]]
    rates.ur_dc_flat_mat = [[month, 1, 1e38, 0] for month in range(12)]
    rates.TOU_demand_single_peak = 0
    rates.ur_enable_billing_demand = 0
    rates.ur_en_ts_buy_rate = int(inputs.get("ts_buy_rate") is not None)
    if inputs.get("ts_buy_rate") is not None:
        rates.ur_ts_buy_rate = inputs["ts_buy_rate"]
    rates.ur_sell_eq_buy = 0
    rates.ur_metering_option = inputs["ur_metering_option"]
    rates.ur_ec_tou_mat = [_row(one) for one in inputs["ur_ec_tou_mat"]]
    rates.ur_ec_sched_weekday = inputs["ur_ec_sched_weekday"]
    rates.ur_ec_sched_weekend = inputs["ur_ec_sched_weekend"]
    for name in ("ur_monthly_fixed_charge", "ur_monthly_min_charge", "ur_annual_min_charge"):
        setattr(rates, name, number(inputs.get(name)))
    for name in ("ur_nm_credit_rollover", "ur_nm_yearend_sell_rate"):
        setattr(rates, name, number(inputs.get(name)))
    for name in ("ur_nb_apply_credit_current_month", "ur_nb_credit_expire"):
        setattr(rates, name, number(inputs.get(name)))
    rates.ur_nm_credit_month = number(inputs.get("ur_nm_credit_month_0based"), 11)
    listed = inputs.get("ts_sell_rate")
    rates.ur_en_ts_sell_rate = int(listed is not None)
    if listed is not None:
        rates.ur_ts_sell_rate = listed
    return made


def outputs_of(made: Any, years: int) -> dict[str, Any]:
    """What the engine says after execute()."""
    said = made.Outputs
    tables = {
        f"{what}_w_sys_ec_by_month_period_tier": [
            [list(row) for row in getattr(said, f"{what}_w_sys_ec_{month}_tp")] for month in MONTHS
        ]
        for what in ("energy", "surplus")
    }
    by_year = {name: [list(row) for row in getattr(said, name)] for name in BY_YEAR}
    return {name: list(getattr(said, name)) for name in YEAR_1} | {"ym": by_year} | tables


def case_of(inputs: Mapping[str, Any], profile: Profile) -> dict[str, Any]:
    """The inputs with what the engine makes of them."""
    made = module(inputs, profile)
    made.execute(0)
    return {"inputs": dict(inputs), "outputs": outputs_of(made, first_years(inputs))}


def _row(row: Sequence[Any]) -> list[float]:
    limit = 1e38 if row[2] == "inf" or float(row[2]) > NO_LIMIT_KWH else float(row[2])
    return [float(row[0]), float(row[1]), limit, *(float(one) for one in row[3:])]
