"""The figures of every shipped tariff: some by hand from the sheets, all against the collected figures where they are.

Figures by hand are those that the schedules' sheets and cards print (sources stand in each file's head).
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from gateway.config.problem import Severity
from gateway.tariff.calendar import Calendar
from gateway.tariff.coverage import coverage
from gateway.tariff.flags import Need
from gateway.tariff.prices import LeftOutError, part_per_kwh, price_components, price_total, require
from gateway.tariff.tariff_file import load_tariff, read_tariff, shipped_tariffs
from tests.pipeline.tariff_data import STAGED, record, rows, sheet, staged

PGE = {
    "pge-e-1": "e1",
    "pge-e-tou-c": "etouc",
    "pge-e-tou-d": "etoud",
    "pge-ev2-a": "ev2a",
    "pge-e-elec": "eelec",
}
TOTALS = {
    "sce-tou-d-4-9pm": "sce-tou-d-4-9pm",
    "sce-tou-d-prime": "sce-tou-d-prime",
    "sdge-tou-dr-1": "sdge-tou-dr-1",
    "sdge-ev-tou-5": "sdge-ev-tou-5",
    "peco-r": "peco-rate-r-residential",
    "peco-r-tou": "peco-rate-r-tou",
}
# Weekdays of the year after each version begins that have the prices of a weekend, by hand from the utilities' lists:
# 4 July 2026 is a Saturday and moves nothing; 4 July 2027 is a Sunday and lies outside the year.
EIGHT = ("2026-09-07", "2026-11-11", "2026-11-26", "2026-12-25", "2027-01-01", "2027-02-15", "2027-05-31")
PECO = ("2026-09-07", "2026-11-26", "2026-11-27")
PECO_LAST_DAY = date(2026, 11, 30)  # the supply price changes on 1 December, and no figure of that is known
WEEKEND_PRICED = {name: EIGHT for name in TOTALS if name.startswith(("sce", "sdge"))} | {
    "peco-r-tou": PECO,
    "pge-e-tou-d": ("2026-05-25", *EIGHT[:-1]),
}
MCE = {"mce-e-tou-c": "etouc", "mce-e-elec": "eelec", "mce-ev2-a": "ev2a"}
DATED = ["2025-01-01", "2025-03-01", "2025-09-01", "2026-01-01", "2026-03-01"]

# tariff, version, bucket, USD per kWh: sheets' totals; SCE 0.58477 + 0.00842; PECO R 0.10276 + 0.13130 and
# R-TOU 0.31430 + 0.11210; Duquesne (10.9568 + 2.7187 + 10.2473) cents; MCE 0.26299 - 0.00620.
PRICES = [
    ("pge-e-1", "2026-03-01", "winter_all", "0.40702"),
    ("pge-e-tou-d", "2026-03-01", "summer_peak", "0.47708"),
    ("pge-e-tou-d", "2026-03-01", "winter_off_peak", "0.34886"),
    ("pge-ev2-a", "2025-01-01", "summer_peak", "0.61590"),
    ("pge-ev2-a", "2025-03-01", "winter_off_peak", "0.31027"),
    ("pge-ev2-a", "2026-03-01", "summer_part_peak", "0.42760"),
    ("pge-e-elec", "2025-01-01", "summer_peak", "0.60728"),
    ("pge-e-elec", "2026-03-01", "winter_off_peak", "0.28468"),
    ("sce-tou-d-4-9pm", "2026-06-01", "summer_on_peak", "0.59319"),
    ("sce-tou-d-prime", "2026-06-01", "winter_mid_peak", "0.57488"),
    ("sdge-tou-dr-1", "2026-06-01", "summer_on_peak", "0.68459"),
    ("sdge-ev-tou-5", "2026-06-01", "winter_super_off_peak", "0.12115"),
    ("peco-r", "2026-06-01", "all", "0.23406"),
    ("peco-r-tou", "2026-07-01", "peak", "0.42640"),
    ("duquesne-rs", "2026-07-01", "all", "0.239228"),
    ("mce-e-elec", "2026-04-01", "summer_peak", "0.25679"),
    ("mce-e-elec", "2027-01-01", "summer_peak", "0.26299"),
    ("mce-e-tou-c", "2026-04-01", "winter_off_peak", "0.10422"),
]


def version_of(name, effective):
    tariff = load_tariff(name)
    return tariff, next(one for one in tariff.version if one.id == effective)


def test_these_tariffs_are_shipped_and_no_other():
    assert set(shipped_tariffs()) == {*PGE, *TOTALS, *MCE, "duquesne-rs"}


@pytest.mark.parametrize(("name", "effective", "bucket", "price"), PRICES)
def test_a_price_by_hand(name, effective, bucket, price):
    assert price_total(version_of(name, effective)[1], bucket) == Decimal(price)


@pytest.mark.parametrize("name", ["pge-e-tou-c", "pge-ev2-a", "pge-e-elec"])
def test_five_dated_versions(name):
    assert [version.id for version in load_tariff(name).version] == DATED


@pytest.mark.parametrize("name", shipped_tariffs())
def test_every_version_prices_every_bucket_and_names_its_source(name):
    tariff = load_tariff(name)
    for version in tariff.version:
        assert version.source
        assert set(version.energy_per_kwh) == set(tariff.bucket_names_of(version))


WARNED = {
    "pge-e-tou-d": ["holidays unsettled: the utility's own pages disagree"],
    "peco-r": ["version 2026-06-01 ends on 2026-11-30 and none follows"],
    "peco-r-tou": [
        "holidays peco-tou: PECO lists New Year's Day observed and says nothing of",
        "holidays peco-tou: nor of New Year's Day on a Saturday",
        "version 2026-07-01 ends on 2026-11-30 and none follows",
    ],
}


@pytest.mark.parametrize("name", shipped_tariffs())
def test_a_check_warns_of_what_is_open_and_of_nothing_else(name):
    warnings = [one.message for one in coverage(read_tariff(name)) if one.severity is Severity.WARNING]
    expected = WARNED.get(name, [])
    assert len(warnings) == len(expected)
    for words in expected:
        assert any(one.startswith(words) for one in warnings), warnings


@pytest.mark.parametrize(
    ("effective", "price"),
    [
        ("2025-01-01", "0.03154"),
        ("2025-03-01", "0.03143"),
        ("2025-09-01", "0.03143"),
        ("2026-01-01", "0.03445"),
        ("2026-03-01", "0.01230"),
    ],
)
@pytest.mark.parametrize("name", ["pge-e-tou-c", "pge-ev2-a", "pge-e-elec"])
def test_the_non_bypassable_part_by_hand(name, effective, price):
    # 2026-03-01: 0.00614 - 0.00002 + 0.00027 + 0.00591
    tariff, version = version_of(name, effective)
    assert part_per_kwh(tariff, version, "summer_peak", Need.NON_BYPASSABLE) == Decimal(price)


def test_supply_and_delivery_by_hand():
    # E-ELEC 2026-03-01, summer peak: 0.26299 - 0.01011 is what another supplier replaces; the total is 0.55214
    tariff, version = version_of("pge-e-elec", "2026-03-01")
    assert part_per_kwh(tariff, version, "summer_peak", Need.SUPPLY) == Decimal("0.25288")
    assert part_per_kwh(tariff, version, "summer_peak", Need.DELIVERY) == Decimal("0.29926")
    assert part_per_kwh(tariff, version, "summer_peak", Need.RETAIL) == Decimal("0.55214")


def test_duquesnes_price_to_compare_by_hand():
    # 10.9568 + 2.7187 cents
    tariff, version = version_of("duquesne-rs", "2026-06-01")
    assert part_per_kwh(tariff, version, "all", Need.PRICE_TO_COMPARE) == Decimal("0.136755")


REFUSED = [
    ("peco-r", Need.PRICE_TO_COMPARE, "total only"),
    ("peco-r-tou", Need.DELIVERY, "total only"),
    ("sce-tou-d-prime", Need.NON_BYPASSABLE, "total only"),
    ("sdge-ev-tou-5", Need.SUPPLY, "total only"),
    ("sce-tou-d-4-9pm", Need.WHOLE_BILL, "no baseline credit"),
    ("sdge-tou-dr-1", Need.WHOLE_BILL, "allowance unsettled"),
    ("duquesne-rs", Need.WHOLE_BILL, "no customer charge"),
    ("duquesne-rs", Need.FIXED_CHARGES, "no customer charge"),
    ("mce-e-elec", Need.RETAIL, "generation only"),
    ("mce-e-elec", Need.FIXED_CHARGES, "generation only"),
    ("pge-ev2-a", Need.WHOLE_BILL, "no minimum charge"),
]


@pytest.mark.parametrize(("name", "need", "reason"), REFUSED)
def test_what_a_flag_leaves_out_is_refused_with_its_reason(name, need, reason):
    tariff = load_tariff(name)
    with pytest.raises(LeftOutError, match=reason) as error:
        require(tariff, tariff.version[0], need)
    assert f"tariff {name}, version {tariff.version[0].id}: {need.value} is needed" in str(error.value)


@pytest.mark.parametrize(
    ("name", "need"),
    [
        ("peco-r", Need.RETAIL),
        ("sce-tou-d-prime", Need.FIXED_CHARGES),
        ("duquesne-rs", Need.RETAIL),
        ("mce-e-elec", Need.SUPPLY),
        ("pge-e-elec", Need.WHOLE_BILL),
    ],
)
def test_what_the_figures_have_is_not_refused(name, need):
    tariff = load_tariff(name)
    require(tariff, tariff.version[0], need)


def test_a_part_that_nobody_tagged_is_not_guessed():
    tariff, version = version_of("pge-e-elec", "2026-03-01")
    with pytest.raises(LeftOutError, match="does not say which components are transmission"):
        part_per_kwh(tariff, version, "summer_peak", Need.PRICE_TO_COMPARE)


def test_mces_credit_ends_with_2026_and_its_supply_part_holds_it():
    tariff, version = version_of("mce-ev2-a", "2026-04-01")
    assert part_per_kwh(tariff, version, "winter_peak", Need.SUPPLY) == Decimal("0.12523")  # 0.13143 - 0.00620
    assert part_per_kwh(tariff, tariff.version[1], "winter_peak", Need.SUPPLY) == Decimal("0.13143")
    assert version.options_per_kwh == {"deep_green": Decimal("0.0125")}


# ---- against the collected figures -------------------------------------------------------------------------------


@staged("tariffkit/tariff/pge")
@pytest.mark.parametrize(("name", "slug"), PGE.items())
def test_every_pge_figure_equals_its_sheet(name, slug):
    tariff = load_tariff(name)
    sheets = {path.stem for path in (STAGED / "tariffkit/tariff/pge" / slug).glob("*.toml")}
    assert sheets == {version.id for version in tariff.version}
    for version in tariff.version:
        there = sheet(f"tariffkit/tariff/pge/{slug}/{version.id}.toml")
        assert date.fromisoformat(there["effective"]) == version.effective
        assert version.source == f"Advice Letter {there['advice_letter']}"
        assert tariff.source == there["source_url"]
        assert version.adders_per_kwh == there["adders"]
        assert version.energy_per_kwh == flat(there["energy"], slug)
        assert version.published_per_kwh == flat(there["totals"], slug)
        daily = {key: rate for key, rate in there.get("base_services_charge", {}).items() if key != "unit"}
        assert version.base_services_per_day == daily
        assert version.pcia_per_kwh == there["cca"]["pcia_vintages"]
        assert version.franchise_fee_per_kwh == there["cca"]["franchise_fee_vintages"]
        assert set(tariff.parts.supply) == set(there["cca"]["drop_components"])
        assert (version.baseline is not None) == there["has_baseline"]
        if version.baseline is not None:
            compare_baseline(version.baseline, there["baseline"])


def flat(table, slug):
    # E-1 has one price at all hours; the collection files it under off_peak
    name = {"off_peak": "all"} if slug == "e1" else {}
    return {
        f"{season}_{name.get(period, period)}": row for season, some in table.items() for period, row in some.items()
    }


def compare_baseline(ours, there):
    assert (ours.credit_per_kwh, ours.within_per_kwh) == (there["credit"], there["within_rate"])
    assert ours.over_per_kwh == there["over_rate"]
    quantities = {
        f"{kind}_{territory.lower()}": allowance
        for kind, territories in there["quantities"].items()
        for territory, allowance in territories.items()
    }
    assert ours.allowance_kwh_per_day == quantities


@staged("ratebook")
@pytest.mark.parametrize(("name", "file"), TOTALS.items())
def test_every_hour_of_a_year_has_the_collected_total(name, file):
    tariff, there = load_tariff(name), record(f"ratebook/{file}.json")
    version = tariff.version[0]
    assert version.id == there["effective_range"]["start"]
    last = [one["tiers"][-1] for one in there["energy"]["periods"]]
    calendar, schedule = Calendar(tariff), there["schedule"]
    holidays = WEEKEND_PRICED.get(name, ()) if schedule["holiday_policy"] == "as_weekend" else ()
    wrong = []
    for instant, local in hours_of_a_year(tariff.zone, version.effective):
        kind = "weekend" if local.weekday() >= 5 or local.date().isoformat() in holidays else "weekday"
        tier = last[schedule[kind][local.month - 1][local.hour]]
        price = price_total(version, calendar.bucket_names[calendar.bucket_at(instant)])
        known = Decimal(tier["rate"]) + Decimal(tier["adj"])
        if price != (None if name.startswith("peco") and local.date() > PECO_LAST_DAY else known):
            wrong.append((local.isoformat(), price, tier))
    assert not wrong, wrong[:5]


@staged("tariffkit/tariff/pge")
@pytest.mark.parametrize(("name", "slug"), PGE.items())
def test_every_hour_of_a_year_has_the_sheets_total(name, slug):
    tariff, there = load_tariff(name), sheet(f"tariffkit/tariff/pge/{slug}/2026-03-01.toml")
    calendar, version = Calendar(tariff), tariff.version[-1]
    holidays = WEEKEND_PRICED.get(name, ())
    for instant, local in hours_of_a_year(tariff.zone, version.effective):
        season = "summer" if 6 <= local.month <= 9 else "winter"
        totals, period = there["totals"][season], "off_peak"
        free = local.weekday() >= 5 or local.date().isoformat() in holidays
        if not (free and there["periods"].get("peak_weekdays_only")):
            for kind, spans in there["periods"].items():
                if kind in totals and any(start <= local.hour < end for start, end in spans):
                    period = kind
        bucket = calendar.bucket_names[calendar.bucket_at(instant)]
        assert version.published_per_kwh[bucket] == totals[period], local


@staged("ratebook")
@pytest.mark.parametrize("name", ["sce-tou-d-prime", "sdge-tou-dr-1", "peco-r-tou"])
def test_the_fixed_charge_is_the_collected_one(name):
    version = load_tariff(name).version[0]
    (fixed,) = record(f"ratebook/{TOTALS[name]}.json")["fixed_charges"]
    charges = version.fixed_per_day if fixed["unit"] == "$/day" else version.fixed_per_month
    assert list(charges.values()) == [Decimal(fixed["amount"])]


def hours_of_a_year(zone, first):
    """UTC microseconds and local time of each hour of 365 days."""
    start = datetime(first.year, first.month, first.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    for hour in range(365 * 24):
        instant = start + timedelta(hours=hour)
        yield int(instant.timestamp()) * 1_000_000, instant.astimezone(ZoneInfo(zone))


@staged("ratebook")
def test_sdges_credit_within_the_allowance_is_the_collected_one():
    baseline = load_tariff("sdge-tou-dr-1").version[0].baseline
    there = record("ratebook/sdge-tou-dr-1.json")["energy"]["periods"]
    assert {-Decimal(period["tiers"][0]["adj"]) for period in there} == {baseline.credit_per_kwh}
    limits = [Decimal(period["tiers"][0]["max"]) for period in there]
    coastal = baseline.allowance_kwh_per_day["coastal"]
    assert limits == [coastal["summer"]] * 3 + [coastal["winter"]] * 3


@staged("duquesne")
def test_every_duquesne_figure_equals_the_table():
    versions = {version.id: version for version in load_tariff("duquesne-rs").version}
    there = [row for row in rows("duquesne/rates.csv") if row["Class"] == "RS"]
    assert set(versions) == {row["Effective Date"] for row in there}
    for row in there:
        version = versions[row["Effective Date"]]
        cents = {part: Decimal(row[f"{part.title()} Rate"]) for part in ("supply", "transmission", "distribution")}
        assert price_components(version, "all") == {part: price / 100 for part, price in cents.items()}
        assert version.published_per_kwh["all"] == Decimal(row["Total Rate"]) / 100


@staged("tariffkit/cca/mce")
@pytest.mark.parametrize(("name", "slug"), MCE.items())
def test_every_mce_figure_equals_the_card(name, slug):
    card = sheet("tariffkit/cca/mce/2026-04-01.toml")
    now, later = load_tariff(name).version
    assert (now.id, later.id) == (card["effective"], "2027-01-01")
    assert card["cost_relief_credit"]["through"] == "2026-12-31"
    assert now.adders_per_kwh == {"cost_relief_credit": card["cost_relief_credit"]["rate"]}
    assert later.adders_per_kwh == {"cost_relief_credit": 0}
    for version in (now, later):
        prices = {bucket: row["generation"] for bucket, row in version.energy_per_kwh.items()}
        assert prices == flat(card["generation"][slug], slug)
        assert version.options_per_kwh == {"deep_green": card["options"]["deep_green"]}
