"""The figures of config/tariffs/pge-e-tou-c.toml: printed totals, and the staged sheets where they are there.

Totals are those of the schedule's sheets. NETMETER_TARIFFS names a folder with the collected sheets
(tariffkit/tariff/pge/etouc/*.toml of github.com/eman/tariffkit); default ../shared/data/tariffs.
"""

import os
import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.tariff.prices import price_components, price_total
from gateway.tariff.tariff_file import load_tariff

ROOT = Path(__file__).parents[2]
STAGED = Path(os.environ.get("NETMETER_TARIFFS", ROOT / "../shared/data/tariffs")) / "tariffkit/tariff/pge/etouc"

TARIFF = load_tariff("pge-e-tou-c")
BUCKETS = ("summer_peak", "summer_off_peak", "winter_peak", "winter_off_peak")

# As the sheets print them, USD per kWh above the baseline allowance, in the order of BUCKETS.
PRINTED = {
    "2025-01-01": ("0.60729", "0.50429", "0.49312", "0.46312"),
    "2025-03-01": ("0.62569", "0.50269", "0.50086", "0.47086"),
    "2025-09-01": ("0.61457", "0.49157", "0.48974", "0.45974"),
    "2026-01-01": ("0.58943", "0.46643", "0.46460", "0.43460"),
    "2026-03-01": ("0.52240", "0.39940", "0.39757", "0.36757"),
}
# Six winter totals are printed one step beside the sum of their components.
STEP = Decimal("0.00001")
BESIDE = {
    ("2025-01-01", "winter_peak"): -STEP,
    ("2025-01-01", "winter_off_peak"): -STEP,
    ("2025-03-01", "winter_peak"): STEP,
    ("2025-03-01", "winter_off_peak"): STEP,
    ("2026-01-01", "winter_peak"): STEP,
    ("2026-01-01", "winter_off_peak"): STEP,
}
ADVICE = {"2025-01-01": "7469-E", "2025-03-01": "7516-E", "2025-09-01": "7684-E"}
ADVICE |= {"2026-01-01": "7797-E", "2026-03-01": "7846-E"}


def test_all_five_versions_are_there_with_their_advice_letters():
    assert {version.id: version.source for version in TARIFF.version} == {
        day: f"Advice Letter {letter}" for day, letter in ADVICE.items()
    }


@pytest.mark.parametrize("version", TARIFF.version, ids=lambda version: version.id)
def test_components_sum_to_the_printed_totals_but_for_six_last_digits(version):
    for bucket, printed in zip(BUCKETS, PRINTED[version.id], strict=True):
        assert version.published_per_kwh[bucket] == Decimal(printed)
        total = price_total(version, bucket)
        assert Decimal(printed) - total == BESIDE.get((version.id, bucket), 0), bucket


def test_a_price_by_hand():
    # 2026-03-01, summer peak: 0.20782 generation + 0.20388 distribution; the flat components sum to 0.11070
    version = TARIFF.version[-1]
    components = price_components(version, "summer_peak")
    assert (components["generation"], components["distribution"]) == (Decimal("0.20782"), Decimal("0.20388"))
    assert sum(version.adders_per_kwh.values()) == Decimal("0.11070")
    assert price_total(version, "summer_peak") == Decimal("0.52240")
    assert price_total(version, "unassigned") is None


def test_the_base_services_charge_begins_on_2026_03_01():
    charges = {version.id: dict(version.base_services_per_day) for version in TARIFF.version}
    expected = {"tier_1": Decimal("0.19713"), "tier_2": Decimal("0.39688"), "tier_3": Decimal("0.79343")}
    assert charges.pop("2026-03-01") == expected
    assert not any(charges.values())


@pytest.mark.skipif(not STAGED.is_dir(), reason=f"the collected sheets are not here: {STAGED} (NETMETER_TARIFFS)")
@pytest.mark.parametrize("version", TARIFF.version, ids=lambda version: version.id)
def test_every_figure_equals_the_collected_sheet(version):
    with (STAGED / f"{version.id}.toml").open("rb") as file:
        sheet = tomllib.load(file, parse_float=Decimal)
    assert date.fromisoformat(sheet["effective"]) == version.effective
    assert sheet["source_url"] == TARIFF.source
    assert f"Advice Letter {sheet['advice_letter']}" == version.source
    assert version.adders_per_kwh == sheet["adders"]
    energy = {f"{season}_{period}": row for season, rows in sheet["energy"].items() for period, row in rows.items()}
    assert version.energy_per_kwh == energy
    totals = {f"{season}_{period}": total for season, rows in sheet["totals"].items() for period, total in rows.items()}
    assert version.published_per_kwh == totals
    baseline = sheet["baseline"]
    assert version.baseline is not None
    assert version.baseline.credit_per_kwh == baseline["credit"]
    assert version.baseline.within_per_kwh == baseline["within_rate"]
    assert version.baseline.over_per_kwh == baseline["over_rate"]
    daily = {key: rate for key, rate in sheet.get("base_services_charge", {}).items() if key != "unit"}
    assert version.base_services_per_day == daily
    assert sheet["periods"] == {"peak": [[16, 21]]}
    seasons = {season.name: (season.first, season.last) for season in TARIFF.season}
    assert seasons["summer"] == (sheet["seasons"]["summer_start"], sheet["seasons"]["summer_end"])


@pytest.mark.skipif(not STAGED.is_dir(), reason=f"the collected sheets are not here: {STAGED} (NETMETER_TARIFFS)")
def test_no_collected_sheet_is_left_out():
    assert {path.stem for path in STAGED.glob("*.toml")} == {version.id for version in TARIFF.version}
