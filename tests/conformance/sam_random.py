"""Random cases for SAM's engine: rates, switches and a year of load and sun, from a seed. Reckons no bill."""

import math
import random
from typing import Any

from .sam_case import KWH, KWH_DAILY, STEPS_A_YEAR, Profile


def random_profile(chance: random.Random, steps_per_hour: int) -> Profile:
    """A house with an array of a size by lot; watt-hours."""
    size = chance.choice([0.5, 1, 2, 4])
    load, gen = [], []
    for step in range(STEPS_A_YEAR * steps_per_hour):
        hour, day = (step / steps_per_hour) % 24, step / steps_per_hour / 24
        evening = 1.6 if 17 <= hour < 22 else 1.0
        sun = math.sin((hour - 6) / 12 * math.pi) if 6 < hour < 18 else 0.0
        summer = 2500 + 1500 * math.sin((day - 80) / 365 * 2 * math.pi)
        load.append(int(chance.randrange(50, 1500) * evening / steps_per_hour))
        gen.append(int(max(0.0, sun) * summer * size * chance.random() / steps_per_hour))
    return Profile(load, gen, steps_per_hour)


def random_inputs(chance: random.Random, steps_per_hour: int) -> dict[str, Any]:
    """Every switch of the cases by lot."""
    option = chance.randrange(5)
    made: dict[str, Any] = {
        "ur_metering_option": option,
        **random_rates(chance),
        "ur_monthly_fixed_charge": chance.choice([0, 0, 12.5, 24.15, None]),
        "ur_monthly_min_charge": chance.choice([0, 0, 10.0, 30]),
        "ur_annual_min_charge": chance.choice([0, 0, 200.0, 2000]),
        "ur_nm_credit_month_0based": chance.choice([11, 11, 0, 3, 4, 9, 10]),
        "ur_nm_credit_rollover": chance.choice([0, 0, 1]),
        "ur_nm_yearend_sell_rate": chance.choice([0, 0.03, 0.0275]),
        "ur_nb_apply_credit_current_month": chance.choice([0, 1]),
        "ur_nb_credit_expire": chance.choice([0, 0, 1]),
        "ts_sell_rate": None,
        "ts_sell_rate_month_hour": None,
        "analysis_period": chance.choice([1, 2]),
    }
    if option >= 2 and chance.random() < 0.35:
        steps = chance.choice([STEPS_A_YEAR, STEPS_A_YEAR * steps_per_hour])
        made["ts_sell_rate"] = [round(chance.uniform(-0.02, 0.3), 4) for _ in range(steps)]
    if option >= 2 and chance.random() < 0.25:
        # The engine reads the list of imports at the pace of that of exports: they are of one length here.
        steps = len(made["ts_sell_rate"] or ()) or chance.choice([STEPS_A_YEAR, STEPS_A_YEAR * steps_per_hour])
        made["ts_buy_rate"] = [round(chance.uniform(0.02, 0.7), 4) for _ in range(steps)]
    return made


def random_rates(chance: random.Random) -> dict[str, Any]:
    """One or two seasons of up to four periods, up to three tiers, weekdays alike or not."""
    periods, tiers, seasons = chance.choice([1, 2, 3, 4]), chance.choice([1, 1, 2, 3]), chance.choice([1, 2])
    unit = chance.choice([KWH, KWH, KWH_DAILY])
    rows: list[list[Any]] = []
    for season in range(seasons):
        limits = [one / (30 if unit == KWH_DAILY else 1) for one in sorted(chance.sample(range(20, 700), tiers - 1))]
        for period in range(periods):
            for tier in range(tiers):
                limit = round(limits[tier], 2) if tier < tiers - 1 else "inf"
                buy, sell = round(chance.uniform(0.05, 0.6), 5), round(chance.uniform(0, 0.4), 5)
                rows.append([season * periods + period + 1, tier + 1, limit, unit, buy, sell])
    cuts = sorted(chance.sample(range(1, 24), 3))
    order = [chance.randrange(periods) for _ in range(4)]
    first, last = sorted(chance.sample(range(12), 2))
    of_month = [1 if seasons == 2 and first <= month < last else 0 for month in range(12)]
    weekday = [
        [season * periods + order[sum(hour >= cut for cut in cuts)] + 1 for hour in range(24)] for season in of_month
    ]
    weekend = [[season * periods + 1] * 24 for season in of_month] if chance.random() < 0.5 else weekday
    return {"ur_ec_tou_mat": rows, "ur_ec_sched_weekday": weekday, "ur_ec_sched_weekend": weekend}
