"""Every collected URDB file: imported and held hour by hour against its own matrix, or refused with the reason.

The matrix is read here by itself, with nothing of the importer: month, hour, weekday or weekend, rate + adj.
"""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from gateway.tariff.calendar import Calendar
from gateway.tariff.prices import price_total
from gateway.tariff.tariff_file import load_tariff
from gateway.tariff.urdb_file import UrdbError, read_urdb
from gateway.tariff.urdb_questions import Answers, Service, open_questions
from gateway.tariff.urdb_record import parse_rate
from gateway.tariff.urdb_text import import_rate
from tests.pipeline.tariff_data import STAGED

ZONE = "America/Los_Angeles"
FILES = sorted(path for folder in ("urdb_raw", "urdb_from_ratebook") for path in (STAGED / folder).glob("*.json"))
REFUSED = {
    # no rate in the only tier; a schedule with period 1 where there is only period 0
    "reopt_539fc25dec4f024c27d8b0a5": "period 0 tier 1 has no rate",
    "reopt_539fb6c7ec4f024bc1dc0445": "month 1, hour 0 of energyweekdayschedule names period 1; there are 0 to 0",
}
# Last days by hand, from `enddate`: seconds 1451520000, 1548896400, 1430352000, 1561874400, and text.
LAST_DAYS = {
    "reopt_55fc81d7682bea28da64f9ae": date(2015, 12, 31),
    "reopt_5a592c995457a3371c423a7d": date(2019, 1, 31),
    "reopt_53ac8daa5257a3406ac32a35": date(2015, 4, 30),
    "reopt_5cef0a415457a33576f60fe2": date(2019, 6, 30),
    "smud-residential-r": date(2023, 8, 21),
}
# First days by hand: seconds at midnight in Denver (06:00Z, 07:00Z), at 00:00Z and at 23:00Z of the day before; text.
FIRST_DAYS = {
    "PGE_BEV-2-S_2025-09-08": date(2024, 10, 1),
    "San_Diego_Gas_Electric_Co_AL_TOU_Secondary_Above_500kW": date(2024, 10, 1),
    "LADWP_A-3": date(2025, 1, 1),
    "reopt_53ac8daa5257a3406ac32a35": date(2014, 6, 1),
    "reopt_5cef0a415457a33576f60fe2": date(2019, 5, 1),
    "sdge-dr": date(2024, 9, 30),
}

pytestmark = pytest.mark.skipif(not FILES, reason=f"no collected URDB files in {STAGED} (NETMETER_TARIFFS)")


def answered(rate, holidays="none"):
    """Every question that this record leaves open, and no other."""
    return Answers(
        zone=ZONE,
        holidays=holidays,
        whole_hours=True,
        non_bypassable="unknown",
        tier="last",
        service=None if rate.text("servicetype") else Service.BUNDLED,
        effective=None if rate.start else date(2026, 1, 1),
        id="imported",
        name=rate.text("name") or "a test rate",
        utility=rate.text("utility") or "a utility",
    )


def imported(path, tmp_path):
    rate = parse_rate(read_urdb(path, None))
    answers = answered(rate)
    assert open_questions(rate, answers) == ()
    made = import_rate(rate, answers)
    (tmp_path / "imported.toml").write_text(made.text, encoding="utf-8")
    return made, load_tariff(str(tmp_path / "imported.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem[:40])
def test_a_file_is_imported_hour_by_hour_or_refused_with_its_reason(path, tmp_path):
    if path.stem in REFUSED:
        with pytest.raises(UrdbError, match=REFUSED[path.stem]) as error:
            imported(path, tmp_path)
        assert error.value.problems[0].line > 0
        return
    _, tariff = imported(path, tmp_path)
    (version,) = tariff.version
    assert version.last_day == LAST_DAYS.get(path.stem)
    if path.stem in FIRST_DAYS:
        assert version.effective == FIRST_DAYS[path.stem]
    record = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    record = record["items"][0] if "items" in record else record
    calendar, wrong = Calendar(tariff), []
    start = datetime(version.effective.year, version.effective.month, version.effective.day, tzinfo=ZoneInfo(ZONE))
    for hour in range(365 * 24):
        instant = start.astimezone(UTC) + timedelta(hours=hour)
        local = instant.astimezone(ZoneInfo(ZONE))
        price = price_total(version, calendar.bucket_names[calendar.bucket_at(int(instant.timestamp()) * 1_000_000)])
        over = version.last_day is not None and local.date() > version.last_day
        if price != (None if over else naive_price(record, local)):
            wrong.append((local.isoformat(), price))
    assert not wrong, wrong[:5]


def naive_price(record, local):
    kind = "energyweekendschedule" if local.weekday() >= 5 else "energyweekdayschedule"
    tier = record["energyratestructure"][record[kind][local.month - 1][local.hour]][-1]
    return Decimal(tier["rate"]) + Decimal(tier.get("adj", 0))


def test_the_two_refused_files_are_among_them():
    assert set(REFUSED) <= {path.stem for path in FILES}
    assert len(FILES) >= 38


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        # 4.56 + 4.291; 26.2 and 7.51; (17.74 + 10.01), 27.4, (40.17 + 10.01): by hand from the files
        ("LADWP_A-3", ["demand charge of the month: 8.851 USD per kW"]),
        ("Consolidated-Edison_SC-9_Zone_J_NYC", ["demand charge by time of use: 27.75, 27.4, 50.18 USD per kW"]),
        ("reopt_53ac8daa5257a3406ac32a35", ["demand charge at the system's peak: 0.79 USD per kW"]),
        ("smud-residential-r", ["what is paid for export in rate_0: 0.074 USD per kWh"]),
        ("pge-e-tou-c", ["tier 1 of rate_0: 0.441 USD per kWh to 13.5 kWh daily"]),
        ("sdge-tou-dr-1", ["tier 1 of rate_5: 0.33104 USD per kWh to 9.2 kWh daily"]),  # 0.43767 - 0.10663
    ],
)
def test_what_is_left_out_is_told_with_its_figures(name, lines, tmp_path):
    (path,) = [one for one in FILES if one.stem == name]
    made, tariff = imported(path, tmp_path)
    assert set(lines) <= set(made.not_included)
    assert tariff.version[0].not_included == made.not_included
