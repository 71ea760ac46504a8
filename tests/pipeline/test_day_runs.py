"""Runs of days with one version, season and month: whoever asks day by day gets what each day alone would give."""

from datetime import date, timedelta

import pytest

from gateway.tariff.days import DayRules, in_season
from gateway.tariff.types import Period, Season, Tariff, Version

SEASONS = [
    (("02-29", "02-29"),),
    (("03-01", "02-28"),),
    (("01-01", "12-31"),),
    (("06-01", "09-30"), ("10-01", "05-31")),
    (("11-16", "02-29"), ("03-01", "06-30")),
    (("12-31", "01-01"), ("01-31", "04-30")),
]


def tariff(seasons: tuple[tuple[str, str], ...], months: tuple[int, ...]) -> Tariff:
    return Tariff(
        format=1,
        id="made",
        name="made",
        utility="made",
        zone="Etc/GMT+8",
        currency="USD",
        source="a test",
        season=tuple(Season(name=f"s{at}", first=first, last=last) for at, (first, last) in enumerate(seasons)),
        period=(Period(name="all", start="00:00", end="24:00", months=months),),
        version=(
            Version(effective=date(2023, 2, 11), source="a test", last_day=date(2024, 2, 29)),
            Version(effective=date(2024, 3, 5), source="a test"),
            Version(effective=date(2024, 12, 31), source="a test"),
        ),
    )


@pytest.mark.parametrize("months", [(), (2, 3)])
@pytest.mark.parametrize("seasons", SEASONS)
def test_a_run_has_one_version_season_and_month(seasons: tuple[tuple[str, str], ...], months: tuple[int, ...]) -> None:
    made = tariff(seasons, months)
    rules = DayRules(made)
    for number in range((date(2026, 4, 1) - date(2023, 1, 1)).days):
        day = date(2023, 1, 1) + timedelta(days=number)
        held = [one for one in made.version if one.effective <= day and not (one.last_day and day > one.last_day)]
        newest = held[-1] if held and held[-1] is [one for one in made.version if one.effective <= day][-1] else None
        expected = [one for one in made.season if in_season(one, day)] if newest else []
        assert rules.version_on(day) is newest, day
        assert rules.season_on(day) is (expected[0] if expected else None), day
        assert rules.kind_of(day).month == (day.month if months and newest else 0), day
