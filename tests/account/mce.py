"""Accounts with MCE for tests: a tariff of PG&E's delivery, MCE's generation beside it, an account, its energy.

Prices can be multiplied in the head; nothing here reckons. Generation is what document 003 names: 0.071 USD per kWh
outside 4 to 9 p.m., 0.082 in summer.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np

from gateway.account.energy import EnergyTable, Flow

from .house import PACIFIC
from .simple_tariff import SEASONS, simple_tariff

DOCUMENT_003 = {"winter_off_peak": "0.071", "summer_off_peak": "0.082", "winter_peak": "0.15", "summer_peak": "0.20"}


def generation_tariff(
    folder: Path, versions: Mapping[str, Mapping[str, str]] | None = None, flags: str = "generation_only"
) -> str:
    """MCE's rates: effective date -> bucket -> price; those of document 003 unless others are given."""
    text = f"""
format = 1
id = "mce-made"
name = "MCE made"
utility = "Marin Clean Energy"
zone = "America/Los_Angeles"
currency = "USD"
source = "document 003"
flags = [{f'"{flags}"' if flags else ""}]
[parts]
supply = ["generation"]
{SEASONS}
"""
    for effective, prices in (versions or {"2020-01-01": DOCUMENT_003}).items():
        text += f'[[version]]\neffective = {effective}\nsource = "document 003"\n'
        text += '[version.options_per_kwh]\ndeep_green = "0.0125"\n[version.energy_per_kwh]\n'
        text += "".join(f'{bucket} = {{ generation = "{price}" }}\n' for bucket, price in prices.items())
    path = folder / "mce-made.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def delivery_tariff(folder: Path) -> str:
    """`simple_tariff` with a PCIA of nothing: delivery nets at 0.22 in the peak, else at 0.12; 0.03 beside it."""
    return simple_tariff(folder, more='[version.pcia_per_kwh]\n2023 = "0"')


def account_text(
    folder: Path,
    first: date,
    *,
    read_dates: Sequence[date] = (),
    choices: Mapping[str, str] | None = None,
    programmes: str = "",
    customer: str = 'supplier = "mce"\npcia_vintage = "2023"',
    supplier_tariff: str | None = None,
    application: date = date(2022, 1, 10),
    pto: date | None = None,
    more: str = "",
) -> str:
    """An account's file: calendar months unless `read_dates` (first days) are given."""
    dates = f'read_day = "first_day"\nread_dates = [{", ".join(map(str, read_dates))}]'
    chosen = "\n".join(f'{name} = "{value}"' for name, value in (choices or {}).items())
    supplied = generation_tariff(folder) if supplier_tariff is None else supplier_tariff
    return f"""
format = 1
id = "home"
name = "Home"
tariff = "{delivery_tariff(folder)}"
{f'supplier_tariff = "{supplied}"' if supplied else ""}
[customer]
utility = "pge"
{customer}
{programmes or f'[[programme]]{chr(10)}name = "mce"{chr(10)}from = {first}'}
[[meter]]
name = "grid"
[generator]
technology = "pv"
size_kw = "9"
application = {application}
pto = {pto or first}
[billing]
{dates if read_dates else "months = true"}
[choices]
{chosen}
{more}
"""


def months_table(first: date, kwh: Sequence[tuple[int, int]]) -> EnergyTable:
    """A table with one quarter of an hour a month that takes and one that gives, at noon of the 10th; hours are holes.

    `kwh`: (import, export) of each calendar month. What a month took or gave lies off peak.
    """
    starts: list[int] = []
    flows: list[tuple[int, int]] = []
    day = first.replace(day=1)
    for taken, given in kwh:
        noon = _us(day + timedelta(days=9), 12)
        starts += [_us(day, 0), noon, noon + 900_000_000]
        flows += [(0, 0), (taken * 1_000_000, 0), (0, given * 1_000_000)]
        day = (day + timedelta(days=31)).replace(day=1)
        starts.append(_us(day, 0) - 900_000_000)
        flows.append((0, 0))
    begin = np.array(starts, dtype=np.int64)
    nothing = np.zeros(len(starts), dtype=np.int64)
    imported, exported = (Flow(np.array(one, dtype=np.int64), nothing, nothing) for one in zip(*flows, strict=True))
    return EnergyTable("grid", "made", begin, begin + 900_000_000, imported, exported, np.zeros(len(starts), bool))


def _us(day: date, hour: int) -> int:
    return round(datetime.combine(day, time(hour), PACIFIC).timestamp()) * 1_000_000
