"""Holidays for 2024 to 2032, against lists written by hand from the utilities' rules.

By hand: 1 January is a Monday in 2024, then Wed 2025, Thu 2026, Fri 2027, Sat 2028, Mon 2029, Tue 2030, Wed 2031,
Thu 2032 (a weekday on each year, two after the leap years 2024 and 2028; 2033 begins on a Saturday). 4 July is day
186 of a leap year, 185 of others: Thu Fri Sat Sun Tue Wed Thu Fri Sun. 11 November, 130 days later: Mon Tue Wed Thu
Sat Sun Mon Tue Thu. 25 December, 44 days after that: Wed Thu Fri Sat Mon Tue Wed Thu Sat.
"""

import os
import tomllib
from datetime import date
from pathlib import Path

import pytest

from gateway.tariff.dates import easter, parse_rule
from gateway.tariff.holiday_lists import load_list, shipped_lists
from gateway.tariff.holidays import Holidays
from gateway.tariff.types import Holiday, Observance

YEARS = range(2024, 2033)
TARIFFS = Path(os.environ.get("NETMETER_TARIFFS", Path(__file__).parents[3] / "shared/data/tariffs"))

# The days that are always the same weekday: the month's first such day, and weeks after it.
PRESIDENTS = "2024-02-19 2025-02-17 2026-02-16 2027-02-15 2028-02-21 2029-02-19 2030-02-18 2031-02-17 2032-02-16"
MEMORIAL = "2024-05-27 2025-05-26 2026-05-25 2027-05-31 2028-05-29 2029-05-28 2030-05-27 2031-05-26 2032-05-31"
LABOR = "2024-09-02 2025-09-01 2026-09-07 2027-09-06 2028-09-04 2029-09-03 2030-09-02 2031-09-01 2032-09-06"
THANKSGIVING = "2024-11-28 2025-11-27 2026-11-26 2027-11-25 2028-11-23 2029-11-22 2030-11-28 2031-11-27 2032-11-25"
DAY_AFTER = "2024-11-29 2025-11-28 2026-11-27 2027-11-26 2028-11-24 2029-11-23 2030-11-29 2031-11-28 2032-11-26"
KING = "2024-01-15 2025-01-20 2026-01-19 2027-01-18 2028-01-17 2029-01-15 2030-01-21 2031-01-20 2032-01-19"
GOOD_FRIDAY = "2024-03-29 2025-04-18 2026-04-03 2027-03-26 2028-04-14 2029-03-30 2030-04-19 2031-04-11 2032-03-26"
NEW_YEAR = "2024-01-01 2025-01-01 2026-01-01 2027-01-01 2028-01-01 2029-01-01 2030-01-01 2031-01-01 2032-01-01"

# Sunday to Monday: 4 July of 2027 and 2032, Veterans Day of 2029; Saturdays stay.
JULY_4_TO_MONDAY = "2024-07-04 2025-07-04 2026-07-04 2027-07-05 2028-07-04 2029-07-04 2030-07-04 2031-07-04 2032-07-05"
VETERANS_TO_MONDAY = (
    "2024-11-11 2025-11-11 2026-11-11 2027-11-11 2028-11-11 2029-11-12 2030-11-11 2031-11-11 2032-11-11"
)
CHRISTMAS = "2024-12-25 2025-12-25 2026-12-25 2027-12-25 2028-12-25 2029-12-25 2030-12-25 2031-12-25 2032-12-25"
CALIFORNIA = [NEW_YEAR, PRESIDENTS, MEMORIAL, JULY_4_TO_MONDAY, LABOR, VETERANS_TO_MONDAY, THANKSGIVING, CHRISTMAS]

# Nearest weekday: Saturdays go to Friday besides, New Year's Day of 2028 and 2033 into the year before.
NEAREST = [
    "2024-01-01 2025-01-01 2026-01-01 2027-01-01 2027-12-31 2029-01-01 2030-01-01 2031-01-01 2032-01-01 2032-12-31",
    "2024-07-04 2025-07-04 2026-07-03 2027-07-05 2028-07-04 2029-07-04 2030-07-04 2031-07-04 2032-07-05",
    "2024-11-11 2025-11-11 2026-11-11 2027-11-11 2028-11-10 2029-11-12 2030-11-11 2031-11-11 2032-11-11",
    "2024-12-25 2025-12-25 2026-12-25 2027-12-24 2028-12-25 2029-12-25 2030-12-25 2031-12-25 2032-12-24",
]
JULY_4 = "2024-07-04 2025-07-04 2026-07-04 2027-07-04 2028-07-04 2029-07-04 2030-07-04 2031-07-04 2032-07-04"

LISTS = {
    "pge-tou": CALIFORNIA,
    "sce-tou": CALIFORNIA,
    # a Sunday's holiday is one on the Sunday and on the Monday
    "sdge-tou": [*CALIFORNIA, "2027-07-04 2032-07-04 2029-11-11"],
    "pge-nbt-export": [PRESIDENTS, MEMORIAL, LABOR, THANKSGIVING, *NEAREST],
    "peco-tou": [NEW_YEAR, KING, PRESIDENTS, MEMORIAL, JULY_4, LABOR, THANKSGIVING, DAY_AFTER, CHRISTMAS],
}


def days(texts: list[str]) -> list[date]:
    return sorted(date.fromisoformat(one) for text in texts for one in text.split())


@pytest.mark.parametrize("name", LISTS)
def test_a_shipped_list_has_the_days_written_by_hand(name):
    holidays = Holidays(load_list(name).holiday)
    assert [one.day for year in YEARS for one in holidays.in_year(year)] == days(LISTS[name])


def test_every_shipped_list_has_days_written_by_hand():
    assert set(shipped_lists()) == set(LISTS)


@pytest.mark.parametrize(
    ("rule", "written"),
    [
        ("third mon of jan", KING),
        ("third mon of feb", PRESIDENTS),
        ("last mon of may", MEMORIAL),
        ("first mon of sep", LABOR),
        ("fourth thu of nov", THANKSGIVING),
        ("fourth thu of nov + 1", DAY_AFTER),
        ("easter - 2", GOOD_FRIDAY),
        ("07-04", JULY_4),
        ("02-29", "2024-02-29 2028-02-29 2032-02-29"),
        # where 1 March is a Friday, Saturday or Sunday: Fri 2024, Sat 2025, Sun 2026, Mon 2027, Wed 2028, Thu 2029,
        # Fri 2030, Sat 2031, Mon 2032
        ("fifth sun of mar", "2024-03-31 2025-03-30 2026-03-29 2030-03-31 2031-03-30"),
        # Canada's Victoria Day, and midsummer's eve in Sweden
        ("mon on or before 05-24", "2024-05-20 2025-05-19 2026-05-18 2027-05-24 2028-05-22 2029-05-21 2030-05-20 "
                                   "2031-05-19 2032-05-24"),
        ("fri on or after 06-19", "2024-06-21 2025-06-20 2026-06-19 2027-06-25 2028-06-23 2029-06-22 2030-06-21 "
                                  "2031-06-20 2032-06-25"),
    ],
)  # fmt: skip
def test_a_rule_names_the_days_written_by_hand(rule, written):
    parsed = parse_rule(rule)
    found = [day for year in YEARS if (day := parsed.in_year(year)) is not None]
    assert found == days([written])


def test_easter_from_the_church_tables():
    # the earliest and latest possible, and the years in which naive rules fail
    table = "1818-03-22 1943-04-25 1954-04-18 1981-04-19 2000-04-23 2038-04-25 2049-04-18 2076-04-19 2106-04-18"
    assert [easter(one.year) for one in days([table])] == days([table])


def observed(observance: Observance, day: str, *, others: tuple[str, ...] = ()) -> str:
    rules = [Holiday(name="x", on=day[5:], observed=observance), *(Holiday(name="y", on=one) for one in others)]
    return str(next(one.day for one in Holidays(rules).in_year(int(day[:4])) if one.name == "x"))


@pytest.mark.parametrize(
    ("observance", "saturday", "sunday"),
    [
        (Observance.NONE, "2026-07-04", "2027-07-04"),
        (Observance.SUNDAY_TO_MONDAY, "2026-07-04", "2027-07-05"),
        (Observance.SATURDAY_TO_FRIDAY, "2026-07-03", "2027-07-04"),
        (Observance.NEAREST_WEEKDAY, "2026-07-03", "2027-07-05"),
        (Observance.NEXT_WORKDAY, "2026-07-06", "2027-07-05"),
    ],
)
def test_a_holiday_on_a_weekend_goes_where_its_rule_says(observance, saturday, sunday):
    assert observed(observance, "2026-07-04") == saturday
    assert observed(observance, "2027-07-04") == sunday
    assert observed(observance, "2025-07-04") == "2025-07-04"  # a Friday


def test_the_next_workday_is_one_that_is_no_holiday_yet():
    # England: Christmas and Boxing Day, Saturday and Sunday in 2021, Sunday and Monday in 2022
    rules = [Holiday(name=one, on=on, observed=Observance.NEXT_WORKDAY) for one, on in (("C", "12-25"), ("B", "12-26"))]
    holidays = Holidays(rules)
    assert [(str(one.day), one.name) for one in holidays.in_year(2021)] == [("2021-12-27", "C"), ("2021-12-28", "B")]
    assert [(str(one.day), one.name) for one in holidays.in_year(2022)] == [("2022-12-26", "B"), ("2022-12-27", "C")]


def test_a_holiday_may_begin_and_end_with_a_year():
    holidays = Holidays([Holiday(name="Juneteenth", on="06-19", observed=Observance.NONE, first_year=2022)])
    assert [len(holidays.in_year(year)) for year in (2021, 2022, 2023)] == [0, 1, 1]
    holidays = Holidays([Holiday(name="x", on="06-19", observed=Observance.NONE, last_year=2022)])
    assert [len(holidays.in_year(year)) for year in (2021, 2022, 2023)] == [1, 1, 0]


def test_an_observed_day_says_for_which_day_it_is():
    holiday = Holidays(load_list("pge-tou").holiday).on(date(2027, 7, 5))
    assert str(holiday) == "Independence Day, observed for Sunday 2027-07-04"
    assert Holidays(load_list("pge-tou").holiday).on(date(2026, 7, 3)) is None


def test_the_export_holidays_agree_with_pges_own_price_tables():
    path = TARIFFS / "tariffkit" / "holidays.toml"
    if not path.is_file():
        pytest.skip(f"no recorded tariffs in {TARIFFS}: set NETMETER_TARIFFS")
    tables = tomllib.loads(path.read_text(encoding="utf-8"))["holidays"]
    holidays = Holidays(load_list("pge-nbt-export").holiday)
    # The tables were joined from several vintages and list some days of 2044 and 2045 twice.
    for year in range(2024, 2044):
        assert [str(one.day) for one in holidays.in_year(year)] == tables[str(year)], year
    # Control: the import list, Saturdays unmoved, does not agree.
    imports = Holidays(load_list("pge-tou").holiday)
    assert [str(one.day) for one in imports.in_year(2026)] != tables["2026"]


@pytest.mark.parametrize(
    "text",
    ["", "7-4", "13-01", "02-30", "third monday of feb", "third mon of february", "sixth mon of may", "easter + 90",
     "07-04 +1", "mon on 05-24", "07-04 + 1 + 1", "07-04\n"],
)  # fmt: skip
def test_what_is_no_rule_is_refused(text):
    with pytest.raises(ValueError, match=r"names no day|is no day|more than|month must be|day is out|invalid"):
        parse_rule(text)
