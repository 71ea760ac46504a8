"""A tariff file that is wrong: every mistake with file, line and mend. Lines are counted in the text below."""

from decimal import Decimal
from pathlib import Path

import pytest

from gateway.tariff.prices import price_total
from gateway.tariff.tariff_file import TariffError, load_tariff, shipped_tariffs

GOOD = """\
format = 1
id = "mine"
name = "my tariff"
utility = "my utility"
zone = "Europe/Berlin"
currency = "EUR"
source = "https://example.org/prices"

[[season]]
name = "summer"
from = "04-01"
to = "10-15"

[[season]]
name = "winter"
from = "10-16"
to = "03-31"

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
effective = 2026-01-01
source = "price sheet of December"

[version.adders_per_kwh]
grid = "0.10"

[version.energy_per_kwh]
summer_peak = { energy = "0.30" }
summer_off_peak = { energy = "0.20" }
winter_peak = { energy = "0.31" }
winter_off_peak = { energy = "0.21" }

[version.published_per_kwh]
summer_peak = "0.40"
summer_off_peak = "0.30"
winter_peak = "0.41"
winter_off_peak = "0.31"

[[version]]
effective = 2027-01-01
source = "price sheet of the year after"
"""


def write(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def told(folder: Path, text: str) -> list[str]:
    path = write(folder, text)
    with pytest.raises(TariffError) as error:
        load_tariff(path)
    return [str(problem).removeprefix(f"{path}:") for problem in error.value.problems]


def test_a_good_file_is_read_by_path_and_by_name_in_a_folder(tmp_path):
    tariff = load_tariff(write(tmp_path, GOOD))
    assert (tariff.id, tariff.zone, len(tariff.version)) == ("mine", "Europe/Berlin", 2)
    assert load_tariff("mine", search=[tmp_path]) == tariff


def test_the_shipped_tariff_is_listed():
    assert "pge-e-tou-c" in shipped_tariffs()


CHANGES = [
    ("format = 1", "format = 2", 1, "format = 2 is outside 1 to 1"),
    ('id = "mine"', 'id = "My Tariff"', 2, "small letters, digits"),
    ('"Europe/Berlin"', '"Europe/Belin"', 5, 'no time zone "Europe/Belin": did you mean "Europe/Berlin"?'),
    ('"Europe/Berlin"', '"../../etc/passwd"', 5, "there is no time zone"),
    ('zone = "Europe/Berlin"', 'timezone = "Europe/Berlin"', 5, 'unknown key "timezone": did you mean "zone"?'),
    ('from = "04-01"', 'from = "04-31"', 11, '"04-31" is no day of the year: month and day: "06-01"'),
    ('from = "04-01"', "from = 04:01:00", 11, "is not text"),
    ('to = "10-15"', 'to = "10-20"', 14, "seasons summer and winter both hold on 10-16"),
    ('name = "peak"', 'name = "unassigned"', 20, '"unassigned" is taken'),
    ('from = "16:00"', 'from = "4pm"', 21, '"4pm" is no time of day'),
    ('to = "21:00"', 'to = "24:30"', 22, '"24:30" is no time of day'),
    ('to = "21:00"', 'to = "16:00"', 22, 'begins and ends at 16:00: the whole day is "00:00" to "24:00"'),
    ('to = "21:00"', 'to = "00:00"', 22, 'cannot end at 00:00: write "24:00"'),
    ('days = ["weekday"]', 'days = ["weekdays"]', 23, 'did you mean "weekday"?'),
    (
        'days = ["weekday"]',
        'seasons = ["sumer"]',
        23,
        'there is no season "sumer": did you mean "summer"?',
    ),
    ("effective = 2026-01-01", 'effective = "2026-01-01"', 31, "is not a date: without quotes"),
    ("effective = 2027-01-01", "effective = 2026-01-01", 50, "versions must be in order of time"),
    ("effective = 2027-01-01", "effective = 2199-01-01", 50, "2199-01-01 is outside the years 1970 to 2198"),
    ("effective = 2027-01-01", "effective = 2027-01-01\nlast_day = 9999-12-31", 51, "leave last_day out where"),
    ('from = "04-01"', 'from = "4-001"', 11, '"4-001" is no day of the year'),
    ('from = "04-01"', 'from = "٠٤-٠١"', 11, "is no day of the year"),
    ('from = "16:00"', 'from = "+6:00"', 21, '"+6:00" is no time of day'),
    ('from = "16:00"', 'from = " 6:00"', 21, '" 6:00" is no time of day'),
    ('days = ["weekday"]', "months = [13]", 23, "outside 1 to 12"),
    ("effective = 2027-01-01", "effective = 2027-01-01\nuntil = 2027-12-31", 51, 'did you mean "last_day"?'),
    ('grid = "0.10"', "grid = 0.10", 35, 'grid = 0.1 is not a number in quotes: grid = "0.1"'),
    ('grid = "0.10"', 'grid = "ten cents"', 35, "is not a number: digits and a point"),
    ('grid = "0.10"', 'grid = "NaN"', 35, "is not a number"),
    ('grid = "0.10"', 'grid = "1_0"', 35, "is not a number: digits and a point"),  # Python reads ten
    ('grid = "0.10"', 'grid = "٠.١"', 35, "is not a number"),
    ('grid = "0.10"', 'grid = " 0.10"', 35, "is not a number"),
    ('grid = "0.10"', 'grid = "100000"', 35, "at most five before and nine after it"),
    ('grid = "0.10"', 'grid = "0.1234567891"', 35, "at most five before and nine after it"),
    ('grid = "0.10"', '"grid\\u001b[2J" = "0.10"', 34, "take the control character \\x1b out"),
    ('name = "my tariff"', 'name = "x"\n"\\u001b[2J" = 1', 4, 'unknown key "\\x1b[2J"'),
    ('name = "my tariff"', 'name = "my \\u001b[2Jtariff"', 3, "take the control character \\x1b out"),
    ('"Europe/Berlin"', '"localtime"', 5, 'there is no time zone "localtime"'),  # that of the machine
    ('"Europe/Berlin"', '"right/Europe/Berlin"', 5, 'did you mean "Europe/Berlin"?'),  # 27 s off
    ('grid = "0.10"', 'grid = "1e5000"', 35, "is not a number"),
    (
        "summer_peak = {",
        "sumer_peak = {",
        38,
        'no season and period give a bucket "sumer_peak": did you mean "summer_peak"?',
    ),
    ('{ energy = "0.30" }', '{ grid = "0.30" }', 38, '"grid" stands both here and in adders_per_kwh'),
    ('summer_peak = "0.40"', 'summer_peak = "0.04"', 44, "sum to 0.40, the printed total is 0.04"),
    ('winter_off_peak = { energy = "0.21" }\n', "", 37, 'bucket "winter_off_peak" has no price'),
    (
        'winter_off_peak = { energy = "0.21" }\n',
        'winter_off_peak = { energy = "0.21" }\n[[version]]\neffective = 2026-02-01\nsource = "x"\n'
        "[version.energy_per_kwh]\nsummer_peak = {}\n",
        46,
        'bucket "summer_peak" has no price: write its components',
    ),
]


def test_two_kinds_of_hours_are_not_one_bucket(tmp_path):
    text = GOOD[: GOOD.index("[version.adders")].replace('"winter"', '"summer_off"')
    (one,) = told(tmp_path, text)
    assert one == (
        "19: season summer_off with period peak is bucket summer_off_peak, as is summer with off_peak:"
        " let one of them have another name"
    )


@pytest.mark.parametrize("table", ["adders_per_kwh", "published_per_kwh"])
def test_prices_that_stand_alone_are_no_hours_price(tmp_path, table):
    (one,) = told(tmp_path, f'{GOOD}[version.{table}]\nwinter_peak = "0.10"\n')
    assert one.startswith(f"52: [[version]] 2027-01-01 [{table}]: {table} stands alone, and is the price of no hour")
    assert one.endswith("write the price of each bucket: [version.energy_per_kwh.summer_peak]")


def test_a_bucket_may_cost_what_holds_at_all_hours_alone(tmp_path):
    tariff = load_tariff(write(tmp_path, GOOD.replace('{ energy = "0.30" }', "{}").replace('"0.40"', '"0.10"')))
    assert price_total(tariff.version[0], "summer_peak") == Decimal("0.10")


@pytest.mark.parametrize(("old", "new", "line", "words"), CHANGES, ids=lambda value: str(value)[:40])
def test_one_mistake_is_told_with_its_line_and_its_mend(tmp_path, old, new, line, words):
    found = [one for one in told(tmp_path, GOOD.replace(old, new, 1)) if words in one]
    assert len(found) == 1, told(tmp_path, GOOD.replace(old, new, 1))
    assert found[0].startswith(f"{line}:"), found[0]


def test_a_list_of_holidays_comes_before_the_files_own(tmp_path):
    own = '[[holiday]]\nname = "Patron saint"\non = "08-15"\nobserved = "none"\n\n[[season]]'
    text = GOOD.replace("[[season]]", own, 1).replace('source = "https', 'holidays = "pge-tou"\nsource = "https', 1)
    tariff = load_tariff(write(tmp_path, text))
    assert [one.name for one in tariff.holiday][-2:] == ["Christmas Day", "Patron saint"]
    assert len(tariff.holiday) == 9
    assert tariff.holidays_of(tariff.version[1]) == tariff.holiday


def test_a_version_may_name_a_list_of_its_own_or_have_no_holidays(tmp_path):
    text = GOOD.replace('source = "https', 'holidays = "pge-tou"\nsource = "https', 1)
    later = "effective = 2027-01-01\n"
    peco = load_tariff(write(tmp_path, text.replace(later, later + 'holidays = "peco-tou"\n')))
    assert [len(peco.holidays_of(one)) for one in peco.version] == [8, 9]
    none = load_tariff(write(tmp_path, text.replace(later, later + "holiday = []\n")))
    assert [len(none.holidays_of(one)) for one in none.version] == [8, 0]


# lines of a [[holiday]] that begins on line 9, after name = "x" on line 10; the line that is told
HOLIDAYS = [
    ([], 9, "needs one of date and on"),
    (['on = "easter"', "date = 2026-01-01"], 9, "has both date and on"),
    (['on = "third monday of may"'], 11, 'names no day of the year: rules are "07-04"'),
    (['on = "02-30"', 'observed = "none"'], 11, "day is out of range for month: rules are"),
    (['on = "07-04"'], 11, '"observed" is missing: say where it goes: "none"'),
    (['on = "07-04"', 'observance = "none"'], 12, 'did you mean "observed"?'),
    (['on = "07-04"', 'observed = "monday"'], 12, "is not one of"),
    (["date = 2026-07-04", 'observed = "nearest_weekday"'], 12, "is observed on itself"),
    (['on = "easter"', "keep_day = true"], 12, "nothing is observed on another day"),
    (['on = "easter"', "first_year = 2027", "last_year = 2026"], 13, "is before first_year"),
    (['on = "easter"', "first_year = 0"], 12, "first_year = 0 is outside 1 to 9999"),
    (['on = "easter"', "last_year = 10000"], 12, "last_year = 10000 is outside 1 to 9999"),
]


@pytest.mark.parametrize(("rows", "line", "words"), HOLIDAYS, ids=lambda value: str(value)[:40])
def test_a_holiday_that_is_wrong_is_told_with_its_line(tmp_path, rows, line, words):
    holiday = "\n".join(["[[holiday]]", 'name = "x"', *rows, "", "[[season]]"])
    found = [one for one in told(tmp_path, GOOD.replace("[[season]]", holiday, 1)) if words in one]
    assert len(found) == 1, told(tmp_path, GOOD.replace("[[season]]", holiday, 1))
    assert found[0].startswith(f"{line}:"), found[0]


def test_a_list_that_does_not_exist_is_told(tmp_path):
    found = told(tmp_path, GOOD.replace('source = "https', 'holidays = "pge-tuo"\nsource = "https', 1))
    assert found == ['7: there is no list of holidays "pge-tuo": did you mean "pge-tou"?']


def test_a_version_cannot_end_before_it_begins(tmp_path):
    later = "effective = 2027-01-01"
    found = told(tmp_path, GOOD.replace(later, f"{later}\nlast_day = 2026-12-31"))
    assert found[0].startswith("51: [[version]] 2027-01-01: last_day 2026-12-31 is before effective 2027-01-01")


def test_several_mistakes_come_at_once(tmp_path):
    text = GOOD.replace('"Europe/Berlin"', '"Mars/Base"').replace('"16:00"', '"25:00"').replace('"0.10"', "0.1")
    assert [one.split(":")[0] for one in told(tmp_path, text)] == ["5", "21", "35"]


def test_a_tariff_without_versions_or_periods_is_refused(tmp_path):
    assert "there is no [[version]]" in told(tmp_path, GOOD[: GOOD.index("[[version]]")])[0]
    without = GOOD[: GOOD.index("[[period]]")] + '[[version]]\neffective = 2026-01-01\nsource = "x"\n'
    assert "no [[period]] says which hours are which" in told(tmp_path, without)[0]


def test_a_name_that_does_not_exist_is_told_with_what_there_is():
    with pytest.raises(TariffError, match='there is no tariff "pge-etou-c": did you mean "pge-e-tou-c"'):
        load_tariff("pge-etou-c")


def test_a_name_is_never_a_way_out_of_the_folder(tmp_path):
    write(tmp_path, GOOD)
    inner = tmp_path / "inner"
    inner.mkdir()
    with pytest.raises(TariffError, match="does not exist"):
        load_tariff("../mine", search=[inner])


def test_the_example_in_the_documentation_is_a_good_file(tmp_path):
    text = (Path(__file__).parents[2] / "docs" / "tariffs.md").read_text(encoding="utf-8")
    tariff = load_tariff(write(tmp_path, text.split("```toml\n")[1].split("```")[0]))
    assert tariff.bucket_names_of(tariff.version[0]) == ("summer_peak", "summer_off_peak", "winter_off_peak")
