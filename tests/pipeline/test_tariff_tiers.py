"""Tiers, prices of exports and minimums in a tariff file: what they mean, and mistakes told with their line."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.tariff.flags import Need
from gateway.tariff.prices import LeftOutError, export_per_kwh, part_per_kwh, price_components
from gateway.tariff.tariff_file import TariffError, load_tariff

GOOD = """\
format = 1
id = "mine"
name = "my tariff"
utility = "my utility"
zone = "America/New_York"
currency = "USD"
source = "https://example.org/prices"

[[period]]
name = "peak"
from = "14:00"
to = "18:00"

[[period]]
name = "rest"
from = "00:00"
to = "24:00"

[[version]]
effective = 2026-01-01
source = "price sheet"
surplus_per_kwh = "0.03"

[version.minimum_per_year]
delivery = "120"

[version.adders_per_kwh]
lines = "0.02"

[version.export_per_kwh]
peak = "0.11"

[version.energy_per_kwh]
peak = { energy = "0.30" }
rest = { energy = "0.20" }

[[version.tier]]
above_kwh = "500"
[version.tier.energy_per_kwh]
peak = { energy = "0.40" }
rest = { energy = "0.25" }
[version.tier.export_per_kwh]
peak = "0.05"

[[version.tier]]
above_kwh = "1000"
[version.tier.energy_per_kwh]
peak = { energy = "0.50", lines = "0.03" }
"""


def write(folder: Path, *changes: tuple[str, str]) -> Path:
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_tier_says_what_is_another_price(tmp_path: Path) -> None:
    tariff = load_tariff(str(write(tmp_path)))
    (version,) = tariff.version
    prices = [part_per_kwh(tariff, version, "peak", Need.RETAIL, tier) for tier in (0, 1, 2)]
    assert prices == [Decimal("0.32"), Decimal("0.42"), Decimal("0.53")]
    assert price_components(version, "rest", 1) == {"energy": Decimal("0.25"), "lines": Decimal("0.02")}
    assert [len(version.tiers_of(name)) for name in ("peak", "rest")] == [2, 1]


def test_exports_have_the_price_of_their_tier_or_the_one_below(tmp_path: Path) -> None:
    tariff = load_tariff(str(write(tmp_path)))
    (version,) = tariff.version
    paid = [export_per_kwh(tariff, version, "peak", tier) for tier in (0, 1, 2)]
    assert paid == [Decimal("0.11"), Decimal("0.05"), Decimal("0.11")]
    with pytest.raises(LeftOutError, match="it does not say what exports in rest are paid; add export_per_kwh"):
        export_per_kwh(tariff, version, "rest")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('above_kwh = "500"', 'above_kwh = "0"', "a tier has one limit above zero"),
        ('above_kwh = "500"', 'above_kwh_per_day = "5"', "the tiers of peak mix above_kwh and above_kwh_per_day"),
        ('above_kwh = "500"', 'above_kwh = "500"\nabove_kwh_per_day = "9"', "a tier has one limit above zero"),
        ('above_kwh = "1000"', 'above_kwh = "500"', "the limits of peak do not rise from tier to tier"),
        ('peak = { energy = "0.40" }', 'peek = { energy = "0.40" }', 'no season and period give a bucket "peek"'),
        ('{ energy = "0.40" }', '{ enrgy = "0.40" }', 'bucket "peak" has no component "enrgy" below the limit'),
        ('peak = "0.11"', 'noon = "0.11"', 'no season and period give a bucket "noon"'),
        ('peak = "0.05"', 'rest = "0.05"\nnone = "1"', 'no season and period give a bucket "none"'),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = write(tmp_path, (old, new))
    with pytest.raises(TariffError) as error:
        load_tariff(str(path))
    assert said in str(error.value)
    assert all(one.file == str(path) and one.line for one in error.value.problems)


def test_an_export_price_needs_its_tier(tmp_path: Path) -> None:
    path = write(tmp_path, ('peak = { energy = "0.40" }\n', ""))
    with pytest.raises(TariffError, match="peak has no such tier"):
        load_tariff(str(path))


def test_show_tells_tiers_and_what_exports_are_paid(tmp_path: Path) -> None:
    path = write(tmp_path)
    command = [sys.executable, "-c", "from gateway.cli import main; main(prog_name='netmeter')", "tariff", "show"]
    asked = [*command, str(path), "--at", "2026-07-01T15:00"]
    shown = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    for line in (
        "at least 120 a year, delivery",
        "exports in peak are paid 0.11 per kWh",
        "above 500 kWh a cycle, rest: energy 0.25",
        "above 500 kWh a cycle, exports in peak are paid 0.05 per kWh",
        "above 1000 kWh a cycle, peak: energy 0.50, lines 0.03",
        "what is left over at the end of a year is paid 0.03 per kWh",
    ):
        assert line in shown
    told = json.loads(subprocess.run([*asked, "--json"], capture_output=True, text=True, check=True).stdout)
    assert told["export_per_kwh"] == {"peak": "0.11"}
    assert told["tiers"][0]["above_kwh"] == "500"
