"""Simulated houses for `bench projection`: hourly energy of some years, with weather, weekdays, habits and drift.

The sky of each day and the habits of each year come from the seed; sunshine from `hil.sun`. Hour by hour on the local
clock, so that both nights on which it is set are in it. No bill is reckoned here.
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from gateway.account.account_file import AccountFile, read_account
from gateway.account.energy import EnergyTable, Flow

from ..chance import between
from ..household import ZONE
from ..sun import clear_sky_milliw

HOUR_US = 3_600_000_000
LOAD_WH = [350] * 6 + [600, 800, 500] + [350] * 6 + [500, 900, 1300, 1400, 1200, 900, 700, 500, 400]
SUMMER_PERCENT = {6: 115, 7: 140, 8: 140, 9: 120, 12: 120, 1: 120}
_SKY, _HABIT, _DRIFT, _SIZE = 11, 12, 13, 14
TARIFF = """\
format = 1
id = "bench"
name = "Bench"
utility = "bench"
zone = "America/Los_Angeles"
currency = "USD"
source = "made up"
[parts]
supply = ["generation"]
non_bypassable = ["charges"]
[[season]]
name = "summer"
from = "06-01"
to = "09-30"
[[season]]
name = "winter"
from = "10-01"
to = "05-31"
[[period]]
name = "peak"
from = "16:00"
to = "21:00"
[[period]]
name = "off_peak"
from = "00:00"
to = "24:00"
[[version]]
effective = 2000-01-01
source = "made up"
[version.fixed_per_day]
customer_charge = "0.35"
[version.adders_per_kwh]
charges = "0.025"
[version.energy_per_kwh]
summer_peak = { generation = "0.28", delivery = "0.26" }
summer_off_peak = { generation = "0.14", delivery = "0.19" }
winter_peak = { generation = "0.15", delivery = "0.22" }
winter_off_peak = { generation = "0.12", delivery = "0.19" }
"""
ACCOUNT = """\
format = 1
id = "bench"
name = "Bench"
tariff = "./bench.toml"
export_prices = "{prices}"
[customer]
utility = "pge"
[[programme]]
name = "{programme}"
from = {first}
[generator]
technology = "pv"
size_kw = "7"
application = {first}
pto = {first}
[[meter]]
name = "grid"
[billing]
months = true
[choices]
{choices}
"""
CHOICES = {"nem2": 'netting_interval = "60min"', "nbt": 'acc_plus = "none"'}
HEADER = """\
format = 1
id = "bench-exports"
name = "Bench"
utility = "pge"
zone = "America/Los_Angeles"
currency = "USD"
source = "made up"
file = "exports.csv"
first_day = {first}
last_day = {last}
holidays = "pge-nbt-export"
autumn_hour = "next_hour"
"""


def account_in(folder: Path, programme: str, first: int, last: int) -> AccountFile:
    """An account from 1 January of the first year to the end of the last, with its tariff and export prices."""
    begin = date(first, 1, 1)
    (folder / "bench.toml").write_text(TARIFF, encoding="utf-8")
    (folder / "exports.toml").write_text(HEADER.format(first=begin, last=date(last, 12, 31)), encoding="utf-8")
    rows = ["year,month,day_type,component," + ",".join(f"{hour:02}" for hour in range(24))]
    for year in range(first, last + 1):
        for month in range(1, 13):
            dear = ["0.25" if month in (8, 9) and 17 <= hour < 21 else "0.06" for hour in range(24)]
            rows += [f"{year},{month},{day},generation," + ",".join(dear) for day in ("weekday", "weekend")]
            rows += [f"{year},{month},{day},delivery," + ",".join(["0.005"] * 24) for day in ("weekday", "weekend")]
    (folder / "exports.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    prices = "exports.toml" if programme == "nbt" else ""
    text = ACCOUNT.format(programme=programme, first=begin, prices=prices, choices=CHOICES[programme])
    (folder / f"{programme}.toml").write_text(text, encoding="utf-8")
    return read_account(folder / f"{programme}.toml")


def energy_of(seed: int, first: int, last: int) -> EnergyTable:
    """Every hour of the years, both directions in watt-hours of the hour's net: an hour takes or gives."""
    begin, end = (datetime(year, 1, 1, tzinfo=ZONE).astimezone(UTC) for year in (first, last + 1))
    count = round((end - begin).total_seconds()) // 3600
    net_wh = [_net_wh(seed, begin + timedelta(hours=at)) for at in range(count)]
    start_us = np.arange(count, dtype=np.int64) * HOUR_US + round(begin.timestamp()) * 1_000_000
    taken, given = (np.array([max(0, sign * one) * 1000 for one in net_wh], dtype=np.int64) for sign in (1, -1))
    nothing = np.zeros(count, dtype=bool)
    return EnergyTable("grid", "simulated", start_us, start_us + HOUR_US, Flow.sure(taken), Flow.sure(given), nothing)


def _net_wh(seed: int, at: datetime) -> int:
    local = at.astimezone(ZONE)
    day = local.toordinal()
    load = LOAD_WH[local.hour] * SUMMER_PERCENT.get(local.month, 100) // 100
    load = load * (115 if local.weekday() > 4 else 100) // 100
    load = load * between(75, 130, seed, _HABIT, day) // 100 * between(92, 110, seed, _DRIFT, local.year) // 100
    middle_s = round(at.timestamp()) + 1800
    # Skies come in spells of three days, the better the drier the season.
    worst = 35 if local.month in (11, 12, 1, 2, 3) else 70
    sky = between(worst, 100, seed, _SKY, day // 3) * between(85, 100, seed, _SKY, day) // 100
    size = between(45, 110, seed, _SIZE)
    return load - clear_sky_milliw(middle_s) // 1000 * sky // 100 * size // 100
