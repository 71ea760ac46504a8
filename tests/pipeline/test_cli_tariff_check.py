"""`netmeter tariff check`: what is hardly meant, each with its line. Lines are counted in the text below."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.config.problem import Severity
from gateway.tariff.coverage import coverage
from gateway.tariff.tariff_file import read_tariff

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from gateway.cli import main; main(prog_name='netmeter')"]

GOOD = """\
format = 1
id = "mine"
name = "my tariff"
utility = "my utility"
zone = "America/New_York"
currency = "USD"
source = "x"

[[holiday]]
name = "Independence Day"
on = "07-04"
observed = "sunday_to_monday"

[[season]]
name = "summer"
from = "06-01"
to = "09-30"

[[season]]
name = "winter"
from = "10-01"
to = "05-31"

[[period]]
name = "peak"
from = "14:00"
to = "18:00"
days = ["weekday"]

[[period]]
name = "night"
from = "00:00"
to = "06:00"

[[period]]
name = "off_peak"
from = "00:00"
to = "24:00"

[[version]]
effective = 2026-01-01
last_day = 2026-12-31
source = "a"

[[version]]
effective = 2027-01-01
source = "b"
"""


def write(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def found(folder: Path, text: str, severity: Severity = Severity.WARNING) -> list[str]:
    path = write(folder, text)
    told = coverage(read_tariff(path))
    return [str(one).removeprefix(f"{path}:") for one in told if one.severity is severity]


def test_a_good_file_has_notes_and_no_warnings(tmp_path):
    assert found(tmp_path, GOOD) == []
    assert found(tmp_path, GOOD, Severity.NOTE) == [
        "35: note: [[period]] off_peak: period peak lies inside off_peak: peak decides there, as it stands first",
        "35: note: [[period]] off_peak: period night lies inside off_peak: night decides there, as it stands first",
    ]


REST = 'from = "00:00"\nto = "24:00"'
EVENING = 'from = "18:00"\nto = "24:00"'
NIGHT = 'from = "00:00"\nto = "06:00"'
SHADOWED = 'from = "15:00"\nto = "16:00"\ndays = ["mon"]'
NOWHERE = 'to = "06:00"\nmonths = [1]\nseasons = ["summer"]'
LIST = 'source = "x"\nholidays = "peco-tou"'
FOURTH = 'on = "07-04"\nobserved = "sunday_to_monday"'
LAST = "last_day = 2026-12-31"

# what stands in GOOD, what replaces it, the line that is told, words that are told
CHANGES = [
    # the rest of the day goes: weekdays have an afternoon, weekends and the holiday of July none
    (REST, EVENING, 24, "no period covers 06:00 to 14:00 on weekdays in winter"),
    (REST, EVENING, 24, "no period covers 06:00 to 18:00 on weekends and holidays in summer"),
    # ... on holidays alone
    ('to = "24:00"', 'to = "24:00"\ndays = ["weekday", "weekend"]', 24,
     "no period covers 06:00 to 24:00 on holidays in summer: such as 2026-07-04"),
    ('to = "09-30"', 'to = "09-29"', 14, "no season holds from 09-30 to 09-30"),
    ('to = "05-31"', 'to = "12-24"', 14, "no season holds from 12-25 to 05-31"),
    ('to = "06:00"', 'to = "15:30"', 30, "peak and night both claim hours from 14:00 on weekdays: peak decides"),
    (NIGHT, SHADOWED, 30, "period night never decides: the ones before it take all its hours"),
    ('to = "06:00"', NOWHERE, 30, "period night never decides: no day of this tariff fits it"),
    (LAST, "last_day = 2026-11-30", 42, "no version holds from 2026-12-01 to 2026-12-31"),
    (LAST, "last_day = 2027-01-31", 42, "both hold from 2027-01-01 to 2027-01-31: the later one decides"),
    ('source = "b"', 'source = "b"\nlast_day = 2027-12-31', 48,
     "ends on 2027-12-31 and none follows: from 2028-01-01 on no hour has a bucket"),
    (FOURTH, "date = 2026-07-04", 9, "the holidays end with 2026-07-04: later ones are days like any other"),
    ('source = "x"', LIST, 8, "holidays peco-tou: PECO lists New Year's Day observed"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "words"), CHANGES, ids=lambda value: str(value)[:40])
def test_what_is_hardly_meant_is_told_with_its_line(tmp_path, old, new, line, words):
    assert old in GOOD
    told = [one for one in found(tmp_path, GOOD.replace(old, new, 1)) if words in one]
    assert len(told) == 1, found(tmp_path, GOOD.replace(old, new, 1))
    assert told[0].startswith(f"{line}:"), told[0]


def test_a_hole_on_a_kind_of_day_that_is_years_away_is_found(tmp_path):
    head = GOOD[: GOOD.index("[[season]]")].replace('"sunday_to_monday"', '"none"')
    hours = [
        ("day", "06:00", "22:00", '"every"'),
        ("night", "22:00", "06:00", '"weekday", "weekend"'),
        ("evening", "22:00", "24:00", '"holiday"'),
        ("morning", "00:00", "06:00", '"mon", "wed", "thu", "fri", "sat", "sun", "holiday"'),
    ]
    for name, start, end, days in hours:
        head += f'[[period]]\nname = "{name}"\nfrom = "{start}"\nto = "{end}"\ndays = [{days}]\n\n'
    # from 2025 on 4 July is first a Monday in 2033
    told = found(tmp_path, head + '[[version]]\neffective = 2025-01-01\nsource = "a"\n')
    assert any("no period covers 00:00 to 06:00 on days after holidays: such as 2033-07-05" in one for one in told)


def test_holidays_that_change_nothing_are_noted(tmp_path):
    told = found(tmp_path, GOOD.replace('days = ["weekday"]', 'days = ["every"]', 1), Severity.NOTE)
    assert any("the holidays change nothing: every period holds on every day" in one for one in told)


def test_shared_rules_are_told_once_and_a_versions_own_at_its_place(tmp_path):
    text = GOOD.replace('from = "00:00"\nto = "24:00"', 'from = "18:00"\nto = "24:00"', 1)
    assert len(found(tmp_path, text)) == 4  # two holes, in two seasons; not again for the second version
    own = '[[version.period]]\nname = "day"\nfrom = "00:00"\nto = "23:00"\n'
    told = found(tmp_path, GOOD + own)
    assert [one.split(":")[0] for one in told] == ["45", "45"]
    assert "no period covers 23:00 to 24:00 on all days in winter: such as 2027-01-01" in told[0] + told[1]


@pytest.fixture
def run(tmp_path):
    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*COMMAND, *arguments],
            capture_output=True,
            text=True,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "PYTHONPATH": str(ROOT),
                "TZ": "Asia/Tokyo",
                "XDG_RUNTIME_DIR": "/run/netmeter-test",  # short, as a socket's path must be; nothing is made there
            },
            cwd=tmp_path,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done

    return command


@pytest.fixture
def check(run):
    return lambda *arguments: run("tariff", "check", *arguments)


def test_exit_codes_tell_good_warned_and_unusable(check, tmp_path):
    path = write(tmp_path, GOOD)
    good = check(path)
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.endswith("mine.toml: 2 versions, nothing to warn of\n")
    write(tmp_path, GOOD.replace('to = "09-30"', 'to = "09-29"', 1))
    warned = check(path)
    assert warned.returncode == 3
    assert warned.stderr == (f"{path}:14: warning: no season holds from 09-30 to 09-30: let each day have one season\n")
    assert warned.stdout.endswith("mine.toml: 2 versions, 1 warning\n")
    write(tmp_path, GOOD.replace('observed = "sunday_to_monday"\n', "", 1))
    broken = check(path)
    assert (broken.returncode, broken.stdout) == (1, "")
    assert f"{path}:11: [[holiday]] Independence Day: 07-04 falls on a weekend in some years" in broken.stderr
    assert '"observed" is missing: say where it goes: "none", "sunday_to_monday"' in broken.stderr
    assert check("a", "b").returncode == 2


def test_json_tells_the_same_to_a_program(check, tmp_path):
    path = write(tmp_path, GOOD.replace('to = "09-30"', 'to = "09-29"', 1))
    done = check(path, "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["usable"], told["warnings"]) == (3, True, 1)
    assert told["versions"][0] == {"effective": "2026-01-01", "last_day": "2026-12-31"}
    assert [one["line"] for one in told["problems"] if one["severity"] == "warning"] == [14]
    write(tmp_path, GOOD.replace('"07-04"', '"07-44"', 1))
    done = check(path, "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["usable"], told["problems"][0]["line"]) == (1, False, 11)


def test_the_shipped_tariff_has_nothing_to_warn_of(check):
    assert check("pge-e-tou-c").returncode == 0


CONFIG = """\
[gateway]
id = "home"
clock = "ntp"

[mqtt]
host = "localhost"

[accounting]
tariff = "./mine.toml"

[[meter]]
name = "grid"
profile = "sunspec"
role = "grid"
register = "own"
service_amps = 100
service_volts = 240
host = "192.0.2.1"
"""


def test_the_configs_tariff_is_checked_too(run, tmp_path):
    write(tmp_path, GOOD.replace('to = "09-30"', 'to = "09-29"', 1))
    (tmp_path / "gateway.toml").write_text(CONFIG, encoding="utf-8")
    done = run("check", "gateway.toml")
    assert "mine.toml:14: warning: no season holds from 09-30 to 09-30" in done.stderr
    assert (done.returncode, "can be used, 1 warning" in done.stdout) == (0, True)
    assert run("tariff", "check", "--config", "gateway.toml").returncode == 3
