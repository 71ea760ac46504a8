"""A small time-of-use tariff with prices that can be multiplied in the head, as a file."""

from pathlib import Path

SEASONS = """
[[season]]
name = "summer"
from = "05-01"
to = "10-31"
[[season]]
name = "winter"
from = "11-01"
to = "04-30"
[[period]]
name = "peak"
from = "16:00"
to = "21:00"
[[period]]
name = "off_peak"
from = "00:00"
to = "24:00"
"""
"""Peak from 4 to 9 p.m. by the wall clock, every day; summer from May to October."""


def simple_tariff(
    folder: Path, *, charges: str = 'charges = "0.03"', more: str = "", non_bypassable: str = '"charges"'
) -> str:
    """Peak 0.40 and off-peak 0.30 USD in sum with a non-bypassable part of 0.03, by the wall clock; `more`: tables.

    Winter begins on 1 November at the same prices: a bill over it has twice the lines and the same sum.

    Generation is 0.15 of either. `charges` stand for the non-bypassable part; with others the sum is another.
    """
    path = folder / "simple.toml"
    path.write_text(
        f"""
format = 1
id = "simple"
name = "Simple"
utility = "Pacific Gas and Electric Company"
zone = "America/Los_Angeles"
currency = "USD"
source = "a test"
[parts]
supply = ["generation"]
non_bypassable = [{non_bypassable}]
{SEASONS}[[version]]
effective = 2024-01-01
source = "a test"
[version.adders_per_kwh]
{charges}
[version.energy_per_kwh]
summer_peak = {{ generation = "0.15", delivery = "0.22" }}
summer_off_peak = {{ generation = "0.15", delivery = "0.12" }}
winter_peak = {{ generation = "0.15", delivery = "0.22" }}
winter_off_peak = {{ generation = "0.15", delivery = "0.12" }}
{more}
""",
        encoding="utf-8",
    )
    return str(path)
