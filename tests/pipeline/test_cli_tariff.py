"""`netmeter tariff show` as a person runs it. Times and prices are written by hand from the schedule."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from gateway.cli import main; main(prog_name='netmeter')"]


@pytest.fixture
def show(tmp_path):
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "TZ": "Asia/Tokyo"}
        done = subprocess.run(
            [*COMMAND, "tariff", "show", *arguments],
            capture_output=True,
            text=True,
            env=environment,
            cwd=tmp_path,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done

    return run


def test_a_moment_has_its_bucket_its_reason_and_its_price_by_component(show):
    done = show("pge-e-tou-c", "--at", "2026-07-01T17:00")
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert lines[1] == "at       2026-07-01T17:00:00-07:00 (2026-07-02T00:00:00Z)"
    assert lines[2] == "bucket   summer_peak until 2026-07-01T21:00:00-07:00"
    assert "version 2026-03-01, season summer (06-01 to 09-30), Wednesday" in lines[3]
    # the lines of [[period]] in the file, counted there
    assert lines[4].startswith("rule     ")
    assert lines[4].endswith("config/tariffs/pge-e-tou-c.toml:45 [[period]] peak")
    assert lines[5].endswith("config/tariffs/pge-e-tou-c.toml:51 [[period]] off_peak")
    assert lines[5].startswith("         gives way: ")
    assert lines[6] == "price    0.52240 USD per kWh, the sum of"
    assert "             0.20782  generation" in lines
    assert any("0.08140 per kWh within the baseline allowance" in line for line in lines)
    assert any("0.79343 a day base services charge, tier_3" in line for line in lines)
    assert lines[-1].startswith("source   Advice Letter 7846-E, https://www.pge.com/")


def test_the_same_moment_in_utc_is_the_same_answer(show):
    local = json.loads(show("pge-e-tou-c", "--at", "2026-07-01T17:00", "--json").stdout)
    utc = json.loads(show("pge-e-tou-c", "--at", "2026-07-02T00:00:00Z", "--json").stdout)
    assert local == utc
    assert (local["bucket"], local["price_per_kwh"], local["until_utc"]) == (
        "summer_peak",
        "0.52240",
        "2026-07-02T04:00:00Z",
    )


def test_a_printed_total_that_differs_is_told_beside_the_sum(show):
    done = show("pge-e-tou-c", "--at", "2026-01-15T17:00")
    assert "price    0.46459 USD per kWh" in done.stdout
    assert "(the sheet prints 0.46460)" in done.stdout


def test_before_the_first_version_nothing_is_assigned(show):
    told = json.loads(show("pge-e-tou-c", "--at", "2024-07-01T17:00", "--json").stdout)
    assert (told["bucket"], told["price_per_kwh"], told["version"]) == ("unassigned", None, None)
    assert "price    none" in show("pge-e-tou-c", "--at", "2024-07-01T17:00").stdout


def test_a_stretch_is_cut_where_the_bucket_or_the_price_changes(show):
    told = json.loads(show("pge-e-tou-c", "--from", "2026-02-28", "--to", "2026-03-01T18:00", "--json").stdout)
    assert [(row["from_utc"], row["bucket"], row["price_per_kwh"], row["version"]) for row in told["rows"]] == [
        ("2026-02-28T08:00:00Z", "winter_off_peak", "0.43459", "2026-01-01"),
        ("2026-03-01T00:00:00Z", "winter_peak", "0.46459", "2026-01-01"),
        ("2026-03-01T05:00:00Z", "winter_off_peak", "0.43459", "2026-01-01"),
        ("2026-03-01T08:00:00Z", "winter_off_peak", "0.36757", "2026-03-01"),
        ("2026-03-02T00:00:00Z", "winter_peak", "0.39757", "2026-03-01"),
    ]
    assert told["rows"][-1]["to_utc"] == "2026-03-02T02:00:00Z"


def test_a_stretch_over_the_end_of_summer_time(show):
    done = show("pge-e-tou-c", "--from", "2026-11-01", "--to", "2026-11-02")
    lines = done.stdout.splitlines()
    assert lines[-1] == "Sun 2026-11-01  the clock goes back from 02:00 to 01:00: a day of 25 hours"
    assert [line.split()[:3] for line in lines[1:-1]] == [
        ["2026-11-01T00:00:00-07:00", "2026-11-01T16:00:00-08:00", "winter_off_peak"],
        ["2026-11-01T16:00:00-08:00", "2026-11-01T21:00:00-08:00", "winter_peak"],
        ["2026-11-01T21:00:00-08:00", "2026-11-02T00:00:00-08:00", "winter_off_peak"],
    ]


MINE = """\
format = 1
id = "mine"
name = "evenings"
utility = "mine"
zone = "America/Los_Angeles"
currency = "USD"
source = "x"
holidays = "pge-tou"

[[period]]
name = "peak"
from = "17:00"
to = "20:00"
days = ["weekday"]

[[period]]
name = "night"
from = "22:00"
to = "02:00"
days = ["weekday"]

[[period]]
name = "off_peak"
from = "00:00"
to = "24:00"

[[version]]
effective = 2026-01-01
last_day = 2027-12-31
source = "y"
"""


def test_a_holiday_is_named_with_the_day_for_which_it_is_observed(show, tmp_path):
    (tmp_path / "mine.toml").write_text(MINE, encoding="utf-8")
    told = json.loads(show("./mine.toml", "--at", "2027-07-05T18:00", "--json").stdout)
    assert (told["bucket"], told["period"]) == ("off_peak", "off_peak")
    assert told["rule"].endswith("mine.toml:22")
    assert told["holiday"] == "Independence Day, observed for Sunday 2027-07-04"
    assert "Monday, holiday Independence Day, observed for Sunday 2027-07-04" in told["reason"]
    # Control: the Friday before Saturday 4 July 2026 is a day like any other.
    assert json.loads(show("./mine.toml", "--at", "2026-07-03T18:00", "--json").stdout)["bucket"] == "peak"


def test_a_small_price_is_shown_in_digits(show, tmp_path):
    prices = "".join(f'{name} = {{ levy = "0.00000001" }}\n' for name in ("peak", "night", "off_peak"))
    (tmp_path / "mine.toml").write_text(f"{MINE}[version.energy_per_kwh]\n{prices}", encoding="utf-8")
    told = json.loads(show("./mine.toml", "--at", "2027-07-05T18:00", "--json").stdout)
    assert (told["price_per_kwh"], told["components_per_kwh"]) == ("0.00000001", {"levy": "0.00000001"})
    shown = show("./mine.toml", "--at", "2027-07-05T18:00").stdout.splitlines()
    assert [one for one in shown if "E-" in one] == []
    assert "price    0.00000001 USD per kWh, the sum of" in shown


def test_hours_over_midnight_name_the_day_on_which_they_began(show, tmp_path):
    (tmp_path / "mine.toml").write_text(MINE, encoding="utf-8")
    done = show("./mine.toml", "--at", "2026-07-11T01:00")  # a Saturday
    assert "because  night: version 2026-01-01, Friday night (days: weekday), period night" in done.stdout
    assert "mine.toml:16 [[period]] night" in done.stdout


def test_a_stretch_ends_with_its_holidays_and_changes_of_the_clock(show, tmp_path):
    (tmp_path / "mine.toml").write_text(MINE, encoding="utf-8")
    arguments = ("./mine.toml", "--from", "2026-11-01", "--to", "2026-12-01")
    assert show(*arguments).stdout.splitlines()[-3:] == [
        "Wed 2026-11-11  holiday: Veterans Day",
        "Thu 2026-11-26  holiday: Thanksgiving Day",
        "Sun 2026-11-01  the clock goes back from 02:00 to 01:00: a day of 25 hours",
    ]
    told = json.loads(show(*arguments, "--json").stdout)
    assert [one["date"] for one in told["holidays"]] == ["2026-11-11", "2026-11-26"]
    assert [one["at_utc"] for one in told["clock_changes"]] == ["2026-11-01T09:00:00Z"]


def test_a_time_that_comes_twice_or_never_is_told(show):
    twice = show("pge-e-tou-c", "--at", "2026-11-01T01:30").stdout
    assert "2026-11-01T01:30 comes twice: the first is meant; the second is 2026-11-01T01:30:00-08:00" in twice
    assert "the first of the two times that it shows 01:30" in twice
    second = show("pge-e-tou-c", "--at", "2026-11-01T01:30-08:00").stdout
    assert "comes twice" not in second
    assert "the second of the two times that it shows 01:30" in second
    never = show("pge-e-tou-c", "--at", "2026-03-08T02:30").stdout
    assert "the clock jumps over 2026-03-08T02:30: the instant of the jump is meant" in never
    assert "clock    the clock jumps from 02:00 to 03:00: a day of 23 hours" in never
    assert "clock" not in show("pge-e-tou-c", "--at", "2026-07-01T02:30").stdout


def test_after_the_last_day_of_the_last_version_nothing_is_assigned(show, tmp_path):
    (tmp_path / "mine.toml").write_text(MINE, encoding="utf-8")
    done = show("./mine.toml", "--at", "2028-01-01T00:00")
    assert "bucket   unassigned for good" in done.stdout
    assert "version 2026-01-01 ended on 2027-12-31 and no other is in force" in done.stdout


def test_without_a_time_it_is_now(show):
    assert json.loads(show("pge-e-tou-c", "--json").stdout)["bucket"] in {
        "summer_peak",
        "summer_off_peak",
        "winter_peak",
        "winter_off_peak",
    }


def test_the_configs_tariff_is_shown(show):
    told = json.loads(show("--config", str(ROOT / "config/gateway.toml"), "--at", "2026-07-01T17:00", "--json").stdout)
    assert told["tariff"] == "pge-e-tou-c"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["pge-e-tou-cc"], 1, 'there is no tariff "pge-e-tou-cc": did you mean "pge-e-tou-c"?'),
        (["./none.toml"], 1, "none.toml: does not exist"),
        ([], 1, "no gateway.toml found: looked for"),
        (["--config", "none.toml"], 1, "none.toml: does not exist"),
        (["pge-e-tou-c", "--at", "tomorrow"], 2, "'tomorrow' is no time: write 2026-07-01T17:00"),
        (["pge-e-tou-c", "--at", "9999-01-01"], 2, "is outside the years 1971 to 2198"),
        (["pge-e-tou-c", "--from", "2026-01-02", "--to", "2026-01-01"], 2, "--from must be before --to"),
        (["pge-e-tou-c", "--from", "2026-01-02"], 2, "--from and --to go together"),
        (["pge-e-tou-c", "--at", "2026-01-02", "--to", "2026-01-02"], 2, "either --at, or --from and --to"),
        (["pge-e-tou-c", "--from", "1990-01-01", "--to", "2100-01-01"], 2, "ask for a shorter stretch"),
    ],
)
def test_a_mistake_on_the_command_line_is_told(show, arguments, code, words):
    done = show(*arguments)
    assert done.returncode == code
    assert words in done.stderr.replace("\n", " ")
