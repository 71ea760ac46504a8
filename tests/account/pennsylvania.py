"""Accounts in Pennsylvania for tests: a tariff by component with prices to compare by date, and an account's text.

Prices can be multiplied in the head; nothing here reckons. The zone is that of the tests' houses.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

TIMES = {
    False: '[[period]]\nname = "all"\nfrom = "00:00"\nto = "24:00"\n',
    True: """
[[season]]
name = "summer"
from = "06-01"
to = "11-30"
[[season]]
name = "winter"
from = "12-01"
to = "05-31"
[[period]]
name = "peak"
from = "14:00"
to = "18:00"
[[period]]
name = "off_peak"
from = "00:00"
to = "24:00"
""",
}
BUCKETS = {False: ["all"], True: ["summer_peak", "summer_off_peak", "winter_peak", "winter_off_peak"]}
SUPPLY = {"2023-06-01": "0.08", "2024-12-01": "0.10", "2025-06-01": "0.13"}
"""With transmission of 0.02 the price to compare is 0.10, from December 0.12, then 0.15; distribution is 0.05."""


def tariff(folder: Path, *, time_of_use: bool = False, parts: bool = True, generation_only: bool = False) -> str:
    """The utility's tariff; or a supplier's generation alone, at 0.09."""
    name = "egs" if generation_only else "pa"
    tagged = '[parts]\nsupply = ["supply"]\ntransmission = ["transmission"]\n' if parts else ""
    flags = "" if parts else 'flags = ["total_only"]\n'
    if generation_only:
        tagged, flags = '[parts]\nsupply = ["supply"]\n', 'flags = ["generation_only"]\n'
    text = f"""
format = 1
id = "{name}"
name = "Made for Pennsylvania"
utility = "{"A supplier" if generation_only else "PECO Energy Company"}"
zone = "America/Los_Angeles"
currency = "USD"
source = "a test"
{flags}{tagged}{TIMES[time_of_use]}
"""
    for effective, supply in SUPPLY.items():
        text += f'[[version]]\neffective = {effective}\nsource = "a test"\n'
        text += "" if generation_only else '[version.fixed_per_month]\ncustomer_charge = "10.00"\n'
        text += "[version.energy_per_kwh]\n"
        for bucket in BUCKETS[time_of_use]:
            components = f'supply = "{supply}", transmission = "0.02", distribution = "0.05"'
            components = 'supply = "0.09"' if generation_only else components
            text += f"{bucket} = {{ {components} }}\n"
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def account_text(
    folder: Path,
    first: date,
    *,
    tariff_file: str = "",
    read_dates: Sequence[date] = (),
    choices: Mapping[str, str] | None = None,
    customer: str = "",
    generator: str = 'technology = "pv"\nsize_kw = "9"',
    pennsylvania: str = "independent_load = true",
    top: str = "",
    pto: date | None = None,
    meters: str = '[[meter]]\nname = "grid"',
    more: str = "",
) -> str:
    """An account's file: calendar months unless `read_dates` (first days) are given."""
    dates = f'read_day = "first_day"\nread_dates = [{", ".join(map(str, read_dates))}]'
    chosen = "\n".join(f'{name} = "{value}"' for name, value in (choices or {}).items())
    return f"""
format = 1
id = "home"
name = "Home"
tariff = "{tariff_file or tariff(folder)}"
{top}
[customer]
utility = "peco"
{customer}
[[programme]]
name = "pennsylvania"
from = {first}
{meters}
[generator]
{generator}
pto = {pto or first}
[pennsylvania]
{pennsylvania}
[billing]
{dates if read_dates else "months = true"}
[choices]
{chosen}
{more}
"""
