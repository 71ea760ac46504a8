"""A case of the SAM engine (JSON with inputs, profile and outputs) as an account, a tariff and energy of this program.

The engine's calendar: 1 January is a Monday, 365 days, no daylight saving time, no holidays. Here it is 2018 in a zone
of fixed offset; for 2019, when 1 January is a Tuesday, the tariff has a version whose "weekdays" are one day later, so
that the second year has the engine's weekdays. Nothing here reckons a bill.
"""

import gzip
import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from gateway.account.account_file import AccountFile, read_account
from gateway.account.energy import EnergyTable, Flow
from gateway.account.price_series import PriceSeries, series_of
from gateway.account.sources import Energy

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("NETMETER_SAM_CASES", ROOT.parent / "shared/data/sam_cases"))
PROGRAMMES = ("net_metering_kwh", "net_metering_usd", "net_billing", "net_billing_carryover", "buy_all_sell_all")
FIRST_YEAR = 2018
START_US = int(datetime(FIRST_YEAR, 1, 1, 8, tzinfo=UTC).timestamp()) * 1_000_000  # midnight at UTC-8
STEPS_A_YEAR = 8760
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NO_LIMIT_KWH = 1e30
KWH, KWH_DAILY = 0, 2


@dataclass(frozen=True, slots=True)
class Profile:
    """Watt-hours of one year's steps."""

    load_wh: Sequence[int]
    gen_wh: Sequence[int]
    steps_per_hour: int


@cache
def read_profile(path: Path) -> Profile:
    with gzip.open(path) as file:
        made = json.load(file)
    return Profile(made["load_wh"], made["gen_wh"], len(made["load_wh"]) // STEPS_A_YEAR)


def number(given: Any, default: float = 0) -> float:
    """A field that may be null or left out."""
    return default if given is None else given


def text(value: float) -> str:
    """A float as it was written, in plain digits, of which a tariff file may have nine after the point."""
    return f"{Decimal(repr(float(value))).quantize(Decimal('1e-9')).normalize():f}"


def most_rounded_away(inputs: Mapping[str, Any], profile: Profile) -> Decimal:
    """What `text` may make of a bill at the most: the largest change of a price, times all energy of the case."""
    prices = [value for row in inputs["ur_ec_tou_mat"] for value in row[4:6]]
    for name in ("ts_buy_rate", "ts_sell_rate", "ts_sell_rate_month_hour"):
        given = inputs.get(name) or ()
        prices += [one for row in given for one in (row if isinstance(row, list) else [row])]
    prices.append(number(inputs.get("ur_nm_yearend_sell_rate")))
    most = max(abs(Decimal(text(one)) - Decimal(repr(float(one)))) for one in prices)
    return most * (sum(profile.load_wh) + sum(profile.gen_wh)) * first_years(inputs) / 1000


def first_years(inputs: Mapping[str, Any]) -> int:
    return int(number(inputs.get("analysis_period"), 1))


def account_of(folder: Path, inputs: Mapping[str, Any]) -> AccountFile:
    """Writes the two files that a person would write, and reads them as `netmeter statement` does."""
    (folder / "sam-tariff.toml").write_text("\n".join(tariff_lines(inputs)), "utf-8")
    (folder / "account.toml").write_text("\n".join(account_lines(inputs)), "utf-8")
    return read_account(folder / "account.toml")


def account_lines(inputs: Mapping[str, Any]) -> Iterator[str]:
    option = int(inputs["ur_metering_option"])
    after_credit = int(number(inputs.get("ur_nm_credit_month_0based"), 11)) + 2
    yield from ("format = 1", 'id = "sam"', 'name = "A case of SAM"', 'tariff = "./sam-tariff.toml"')
    if has_series(inputs):
        yield 'export_prices = "handed in by the test"'
    if inputs.get("ts_buy_rate") is not None:
        yield 'import_prices = "handed in by the test"'
    yield from ("[customer]", 'utility = "sam"', f"moved_in = {FIRST_YEAR}-01-01")
    yield from ("[[programme]]", f'name = "{PROGRAMMES[option]}"', f"from = {FIRST_YEAR}-01-01")
    yield from ("[[meter]]", 'name = "meter"')
    if option == 4:
        yield from ("[[meter]]", 'name = "solar"', 'role = "production"')
    yield from ("[billing]", "months = true", 'rounding = "none"')
    if after_credit <= 12:
        yield f"anniversary = {FIRST_YEAR}-{after_credit:02}-01"
    yield "[choices]"
    yield from (f'{name} = "{value}"' for name, value in choices(option, inputs).items())


def choices(option: int, inputs: Mapping[str, Any]) -> dict[str, str]:
    """The engine's switches by their names here; what is not named has the programme's default."""
    made: dict[str, str] = {}
    rollover = bool(number(inputs.get("ur_nm_credit_rollover")))
    if option == 0 and rollover:
        made["year_surplus"] = "bill_credit"
    if option == 1 and rollover:
        made["leftover"] = "paid_out_and_kept"
    if option == 3 and number(inputs.get("ur_nb_apply_credit_current_month")):
        made["credit_from"] = "same_cycle"
    if option == 3 and number(inputs.get("ur_nb_credit_expire")):
        made["leftover"] = "lost"
    if has_series(inputs):
        made["export_price"] = "series"
    if inputs.get("ts_buy_rate") is not None:
        made["import_price"] = "series"
    return made


def tariff_lines(inputs: Mapping[str, Any]) -> Iterator[str]:
    yield from ("format = 1", 'id = "sam"', 'name = "A rate of SAM"', 'utility = "sam"', 'zone = "Etc/GMT+8"')
    yield from ('currency = "USD"', 'source = "a case of SAM"')
    for year in range(first_years(inputs)):
        yield from ("[[version]]", f"effective = {FIRST_YEAR + year}-01-01", 'source = "a case of SAM"')
        yield f'surplus_per_kwh = "{text(number(inputs.get("ur_nm_yearend_sell_rate")))}"'
        yield from _periods(inputs, date(FIRST_YEAR + year, 1, 1).weekday())
        yield from _prices(inputs)


def _periods(inputs: Mapping[str, Any], first_weekday: int) -> Iterator[str]:
    """Every run of hours of one period, with the months that have it; the engine's Monday is `first_weekday` here."""
    weekdays = [WEEK[(day + first_weekday) % 7] for day in range(7)]
    kinds = (("ur_ec_sched_weekday", weekdays[:5]), ("ur_ec_sched_weekend", weekdays[5:]))
    months: dict[tuple[str, int, int, int], list[int]] = defaultdict(list)
    for kind, _ in kinds:
        for month, hours in enumerate(inputs[kind], start=1):
            starts = [hour for hour in range(24) if not hour or hours[hour] != hours[hour - 1]]
            for start, end in zip(starts, [*starts[1:], 24], strict=True):
                months[kind, int(hours[start]), start, end].append(month)
    days = dict(kinds)
    for (kind, period, start, end), having in months.items():
        yield from ("[[version.period]]", f'name = "p{period}"', f'from = "{start:02}:00"', f'to = "{end:02}:00"')
        yield f"days = {json.dumps(days[kind])}"
        yield f"months = {having}"


def _prices(inputs: Mapping[str, Any]) -> Iterator[str]:
    used = {int(one) for kind in ("weekday", "weekend") for row in inputs[f"ur_ec_sched_{kind}"] for one in row}
    rows = sorted((row for row in inputs["ur_ec_tou_mat"] if int(row[0]) in used), key=lambda row: (row[0], row[1]))
    charges = {
        "fixed_per_month": "ur_monthly_fixed_charge",
        "minimum_per_month": "ur_monthly_min_charge",
        "minimum_per_year": "ur_annual_min_charge",
    }
    for table, key in charges.items():
        if number(inputs.get(key)):
            yield from (f"[version.{table}]", f'charge = "{text(inputs[key])}"')
    lowest = {int(row[0]): row for row in reversed(rows)}
    yield "[version.export_per_kwh]"
    yield from (f'p{period} = "{text(row[5])}"' for period, row in sorted(lowest.items()))
    for period, row in sorted(lowest.items()):
        yield from (f"[version.energy_per_kwh.p{period}]", f'energy = "{text(row[4])}"')
    yield from _tiers(rows)


def _tiers(rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    by_limit: dict[tuple[int, str], list[Sequence[Any]]] = defaultdict(list)
    for below, row in pairwise(rows):
        if row[0] == below[0]:
            by_limit[int(row[1]), _limit(below)].append(row)
    for (_, limit), having in by_limit.items():
        yield from ("[[version.tier]]", limit)
        for row in having:
            yield from (f"[version.tier.energy_per_kwh.p{int(row[0])}]", f'energy = "{text(row[4])}"')
        yield "[version.tier.export_per_kwh]"
        yield from (f'p{int(row[0])} = "{text(row[5])}"' for row in having)


def _limit(row: Sequence[Any]) -> str:
    unit = int(number(row[3]))
    if unit not in (KWH, KWH_DAILY):
        raise NotImplementedError(f"tiers in kWh per kW of demand (unit {unit}) are not reckoned: {row}")
    return f'{"above_kwh" if unit == KWH else "above_kwh_per_day"} = "{text(row[2])}"'


def energy_of(inputs: Mapping[str, Any], profile: Profile) -> Energy:
    """The registers' steps: the net of load and production, or under option 4 both whole."""
    years, step_us = first_years(inputs), 3_600_000_000 // profile.steps_per_hour
    load, gen = (np.array(one, dtype=np.int64) * 1000 for one in (profile.load_wh, profile.gen_wh))
    if int(inputs["ur_metering_option"]) == 4:
        taken, given = load, gen
    else:
        taken, given = np.maximum(load - gen, 0), np.maximum(gen - load, 0)
    starts = START_US + np.arange(len(load) * years, dtype=np.int64) * step_us
    flows = [Flow.sure(np.tile(one, years)) for one in (taken, given)]
    table = EnergyTable("meter", "case", starts, starts + step_us, *flows, np.zeros(len(starts), dtype=bool))
    selling = series(inputs, profile.steps_per_hour, years) if has_series(inputs) else None
    buying = None
    if inputs.get("ts_buy_rate") is not None:
        buying = series({"ts_sell_rate": inputs["ts_buy_rate"]}, profile.steps_per_hour, years)
    return Energy(table, (), selling, buying)


def has_series(inputs: Mapping[str, Any]) -> bool:
    return inputs.get("ts_sell_rate") is not None or inputs.get("ts_sell_rate_month_hour") is not None


def by_hour(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The same with its month-hour prices written out as an hourly list."""
    return {**inputs, "ts_sell_rate": list(_month_hour(inputs["ts_sell_rate_month_hour"]))}


def series(inputs: Mapping[str, Any], steps_per_hour: int, years: int) -> PriceSeries:
    """The price of each step. The engine starts its list anew each year."""
    given = inputs.get("ts_sell_rate")
    if isinstance(given, list):
        rates = _as_the_engine_reads([float(one) for one in given], steps_per_hour)
    else:
        rates = [rate for rate in _month_hour(inputs["ts_sell_rate_month_hour"]) for _ in range(steps_per_hour)]
    step_us = 3_600_000_000 // steps_per_hour
    starts = [START_US + step_us * at for at in range(len(rates) * years)]
    return series_of("case", starts, [Decimal(text(one)) for one in rates] * years, starts[-1] + step_us)


def _as_the_engine_reads(rates: Sequence[float], steps_per_hour: int) -> list[float]:
    """An hourly list over shorter steps: the first step of an hour has its rate, the others that of the next hour.

    So does ssc (rate_data::setup_time_series): it counts on after the first step; beyond the list the rate is 0.
    """
    per_hour = len(rates) // STEPS_A_YEAR
    made: list[float] = []
    at = 0
    for _ in range(STEPS_A_YEAR):
        for step in range(steps_per_hour):
            made.append(rates[at] if at < len(rates) else 0.0)
            at += step < per_hour
    return made


def _month_hour(rates: Sequence[Any]) -> Iterator[float]:
    """A year of hours from twelve days of 24, in one list or a list each."""
    day = date(FIRST_YEAR, 1, 1)
    rows = rates if isinstance(rates[0], list) else [rates[24 * month : 24 * month + 24] for month in range(12)]
    for _ in range(365):
        yield from (float(one) for one in rows[day.month - 1])
        day += timedelta(days=1)
