"""An account-year of 15-minute data for `bench statement`: as an account, as a case of NREL's engine, as a store.

The same rate and energy for both: summer and winter, a peak on weekdays, a fixed charge, exports at a price of their
own. The engine's year has 365 days and begins on a Monday, as 2018 does.
"""

import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gateway.account.account_file import AccountFile, read_account
from gateway.account.energy import EnergyTable, Flow
from gateway.account.reckon import make_statements
from gateway.account.sources import Energy
from gateway.ledger.records import Batch
from gateway.tariff.calendar import Calendar

from .ledger_days import METER, House, Ledger, Plan, instants_us

START_US = int(datetime(2018, 1, 1, 8, tzinfo=UTC).timestamp()) * 1_000_000  # midnight at UTC-8
STEPS, STEP_US = 35_040, 900_000_000
FIXED = "12.5"
SUMMER = range(6, 10)
READINGS_A_COMMIT = 2000
PRICES = (("winter", "off_peak", "0.31", "0.06"), ("winter", "peak", "0.42", "0.11"),
          ("summer", "off_peak", "0.36", "0.07"), ("summer", "peak", "0.61", "0.29"))  # fmt: skip
OPTIONS = ("net_metering_kwh", "net_metering_usd", "net_billing", "net_billing_carryover")
"""By SAM's number; buy_all_sell_all (4) has another meter."""
TARIFF = """\
format = 1
id = "bench"
name = "Bench"
utility = "bench"
zone = "Etc/GMT+8"
currency = "USD"
source = "made up"

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
days = ["weekday"]
[[period]]
name = "off_peak"
from = "00:00"
to = "24:00"

[[version]]
effective = 2018-01-01
source = "made up"
surplus_per_kwh = "0.03"
[version.fixed_per_month]
charge = "{fixed}"
[version.energy_per_kwh]
{energy}
[version.export_per_kwh]
{export}
"""
ACCOUNT = """\
format = 1
id = "bench"
name = "Bench"
tariff = "./bench-tariff.toml"
[customer]
utility = "bench"
moved_in = 2018-01-01
[[programme]]
name = "{programme}"
from = 2018-01-01
[[meter]]
name = "grid"
[billing]
months = true
rounding = "none"
"""
STORED_ACCOUNT = f"""\
format = 1
id = "bench"
name = "Bench"
tariff = "pge-e-tou-c"
[customer]
utility = "pge"
baseline = "basic_x"
base_services_tier = "tier_3"
moved_in = 2026-01-01
[[programme]]
name = "nem2"
from = 2026-01-01
[generator]
technology = "solar"
size_kw = "9"
application = 2023-04-01
[[meter]]
name = "{METER}"
file = "ledger.sqlite"
[billing]
months = true
"""


@dataclass(frozen=True, slots=True)
class Year:
    """Watt-hours a step."""

    load_wh: npt.NDArray[np.int64]
    gen_wh: npt.NDArray[np.int64]


def make_year() -> Year:
    """A house and an array, at random but always the same."""
    chance = np.random.default_rng(11)
    hour = np.arange(STEPS) / 4 % 24
    sun = np.clip(np.sin((hour - 6) / 12 * np.pi), 0, None)
    gen = (sun * chance.integers(100, 1500, STEPS)).astype(np.int64)
    return Year(chance.integers(20, 700, STEPS, dtype=np.int64), gen)


def account_in(folder: Path, programme: str) -> AccountFile:
    """The account and its tariff, written and read."""
    energy = "\n".join(f'{season}_{name} = {{ energy = "{buy}" }}' for season, name, buy, _ in PRICES)
    export = "\n".join(f'{season}_{name} = "{sell}"' for season, name, _, sell in PRICES)
    tariff = TARIFF.format(fixed=FIXED, energy=energy, export=export)
    (folder / "bench-tariff.toml").write_text(tariff, encoding="utf-8")
    path = folder / f"{programme}.toml"
    path.write_text(ACCOUNT.format(programme=programme), encoding="utf-8")
    return read_account(path)


def energy_of(year: Year) -> Energy:
    """The net of each step, as the meter's two registers have it."""
    net = (year.load_wh - year.gen_wh) * 1000
    starts = START_US + np.arange(STEPS, dtype=np.int64) * STEP_US
    flows = Flow.sure(np.maximum(net, 0)), Flow.sure(np.maximum(-net, 0))
    return Energy(EnergyTable("grid", "bench", starts, starts + STEP_US, *flows, np.zeros(STEPS, dtype=bool)), ())


def engine_for(year: Year, option: int) -> Any:
    """PySAM's Utilityrate5, ready for execute(). Raises ImportError where it is not installed."""
    from PySAM import Utilityrate5

    engine = Utilityrate5.new()
    weekday = [[_period(month, 16 <= hour < 21) for hour in range(24)] for month in range(1, 13)]
    engine.Lifetime.assign({"analysis_period": 1, "inflation_rate": 0.0, "system_use_lifetime_output": 0})
    engine.SystemOutput.assign({"gen": [one / 250 for one in year.gen_wh.tolist()], "degradation": [0.0]})
    engine.Load.assign({"load": [one / 250 for one in year.load_wh.tolist()], "load_escalation": [0.0]})
    engine.ElectricityRates.assign(
        {
            "en_electricity_rates": 1,
            "rate_escalation": [0.0],
            "ur_metering_option": option,
            "ur_ec_tou_mat": [[at, 1, 1e38, 0, float(one[2]), float(one[3])] for at, one in enumerate(PRICES, 1)],
            "ur_ec_sched_weekday": weekday,
            "ur_ec_sched_weekend": [[_period(month, False)] * 24 for month in range(1, 13)],
            "ur_monthly_fixed_charge": float(FIXED),
            "ur_monthly_min_charge": 0,
            "ur_annual_min_charge": 0,
            "ur_nm_credit_month": 11,
            "ur_nm_credit_rollover": 0,
            "ur_nm_yearend_sell_rate": 0.03,
            "ur_nb_apply_credit_current_month": 0,
            "ur_nb_credit_expire": 0,
            "ur_en_ts_sell_rate": 0,
            "ur_en_ts_buy_rate": 0,
            "ur_sell_eq_buy": 0,
            "ur_dc_enable": 0,
            "ur_enable_billing_demand": 0,
            "TOU_demand_single_peak": 0,
        }
    )
    return engine


def bills_of_engine(engine: Any) -> list[Decimal]:
    """Twelve bills."""
    return [Decimal(repr(one)) for one in engine.Outputs.year1_monthly_utility_bill_w_sys]


def bills_of(account: AccountFile, energy: Energy, calendar: Calendar | None = None) -> list[Decimal]:
    """Twelve bills; `calendar` as in make_statements."""
    return [one.due_now for one in make_statements(account, energy, calendar=calendar).statements]


def stored_year(folder: Path) -> None:
    """A store with 15-minute intervals of 366 days, booked reading by reading, and an account for it."""
    plan = Plan(days=366, poll_s=900, keep_days=40)
    ledger, house, batch = Ledger(folder / "ledger.sqlite", plan), House(), Batch()
    for number, at_us in enumerate(instants_us(plan, ledger.timeline), 1):
        ledger.books.take(house.reading(at_us), batch)
        if number % READINGS_A_COMMIT == 0:
            ledger.store.commit(batch)
            batch = Batch()
    ledger.store.commit(batch)
    ledger.store.close()
    (folder / "home.toml").write_text(STORED_ACCOUNT, encoding="utf-8")


def command_s(folder: Path) -> tuple[float, float]:
    """How long `netmeter statement` takes, process and all: by the wall's clock, and of the processor.

    Raises CalledProcessError.
    """
    command = [sys.executable, "-m", "gateway.cli", "statement", "--account", "home.toml", "--json"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    begun_s, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - begun_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _period(month: int, is_peak: bool) -> int:
    return 1 + is_peak + 2 * (month in SUMMER)
