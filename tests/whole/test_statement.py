"""`netmeter statement` as a person runs it: cumulative registers every 15 minutes -> `netmeter replay --intervals` ->
statements, over a change of season, both nights on which the clock is set, new prices on 2026-03-01, permission to
operate in the middle of a cycle, and a gap over the beginning of a peak. Held against tests/oracle/bill.py.
"""

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import jsonschema
import pytest

from tests.oracle.bill import Bill, Reading, Sheet, cents, lines_of, reckon

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from gateway.cli import main; main(prog_name='netmeter')"]
PACIFIC = ZoneInfo("America/Los_Angeles")
FIRST, END = datetime(2025, 9, 16, tzinfo=PACIFIC), datetime(2026, 3, 16, tzinfo=PACIFIC)
GAP = datetime(2025, 12, 10, 15, tzinfo=PACIFIC), datetime(2025, 12, 10, 17, tzinfo=PACIFIC)
ALLOWANCE = {"summer": Fraction("9.8"), "winter": Fraction("9.7")}


def sheet(first: str, prices: str, charge: str, credit: str, fixed: str = "0") -> Sheet:
    names = ("summer_peak", "summer_off_peak", "winter_peak", "winter_off_peak")
    price = dict(zip(names, map(Fraction, prices.split()), strict=True))
    return Sheet(date.fromisoformat(first), price, Fraction(charge), Fraction(credit), Fraction(fixed), ALLOWANCE)


# Sums of the components of PG&E's sheets (Advice Letters 7684-E, 7797-E, 7846-E), added up by hand from the figures
# that SOURCES.md names; territory X, basic; third income tier.
SHEETS = [
    sheet("2025-09-01", "0.61457 0.49157 0.48974 0.45974", "0.03143", "0.10084"),
    sheet("2026-01-01", "0.58943 0.46643 0.46459 0.43459", "0.03445", "0.09566"),
    sheet("2026-03-01", "0.52240 0.39940 0.39757 0.36757", "0.01230", "0.0814", "0.79343"),
]
ACCOUNT = """\
format = 1
id = "home"
name = "Elm Street 5"
tariff = "pge-e-tou-c"

[customer]
utility = "pge"
baseline = "basic_x"
base_services_tier = "tier_3"

[[programme]]
name = "nem2"
from = 2025-09-16

[generator]
technology = "solar"
size_kw = "9"
application = 2023-04-01
pto = 2025-10-28

[[meter]]
name = "grid"
from = "csv"
file = "intervals.csv"

[billing]
read_dates = [2025-09-16, 2025-10-16, 2025-11-15, 2025-12-16, 2026-01-15, 2026-02-14, 2026-03-16]
read_day = "first_day"

[[charge]]
name = "Utility users' tax"
percent = "7.5"
from = 2026-01-15
source = "city"

[[charge]]
name = "Energy Commission tax"
per_kwh = "0.00030"
of = "import"
from = 2026-01-15
last_day = 2026-02-13
source = "state"

[[charge]]
name = "Climate credit"
amount = "-58.23"
from = 2026-03-15
source = "state"
"""
BILLS = [
    # first day, last day, whether exports are credited: the cycle with permission to operate is cut
    ("2025-09-16", "2025-10-15", False),
    ("2025-10-16", "2025-10-27", False),
    ("2025-10-28", "2025-11-14", True),
    ("2025-11-15", "2025-12-15", True),
    ("2025-12-16", "2026-01-14", True),
    ("2026-01-15", "2026-02-13", True),
    ("2026-02-14", "2026-03-15", True),
]


def readings() -> list[Reading]:
    """A house with an array: takes and gives in the same quarter at times; nothing is read in the gap."""
    rows: list[Reading] = []
    at, taken_wh, given_wh, number = FIRST.astimezone(UTC), 1_000_000, 5_000, 0
    while at <= END.astimezone(UTC):
        if not GAP[0] < at < GAP[1]:
            rows.append((at, taken_wh, given_wh))
        sun = 17 <= at.hour < 23
        in_gap = GAP[0] <= at < GAP[1]
        taken_wh += 120 if in_gap else number * 31 % 37 if sun else 90 + number * 7919 % 301
        given_wh += 40 if in_gap else 250 + number * 104729 % 401 if sun else 0
        at, number = at + timedelta(minutes=15), number + 1
    return rows


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT), "TZ": "Asia/Tokyo"}
    done = subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, env=environment, cwd=folder, timeout=300, check=False
    )
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A folder with the account and its intervals, as `netmeter replay` made them of the registers."""
    folder = tmp_path_factory.mktemp("home")
    rows = [f"{at:%Y-%m-%dT%H:%M:%SZ},{taken}.000,{given}.000" for at, taken, given in readings()]
    (folder / "registers.csv").write_text("time,import_wh,export_wh\n" + "\n".join(rows) + "\n", encoding="ascii")
    (folder / "home.toml").write_text(ACCOUNT, encoding="utf-8")
    service = ["--tariff", "pge-e-tou-c", "--service-amps", "100", "--service-volts", "240", "--clock-error-s", "0"]
    done = run(folder, "replay", "--readings", "registers.csv", *service, "--intervals", "intervals.csv")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def told(home) -> dict:
    done = run(home, "statement", "--account", "home.toml", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def expected(zone=PACIFIC) -> list[Bill]:
    bills = [Bill(date.fromisoformat(first), date.fromisoformat(last), credited) for first, last, credited in BILLS]
    reckon(readings(), bills, SHEETS, zone)
    return bills


@pytest.fixture(scope="module")
def bills() -> list[Bill]:
    return expected()


def exact(lines: list[dict], kind: str) -> list[Fraction]:
    return sorted(Fraction(line["exact"]) for line in lines if line["kind"] == kind)


def test_the_bills_are_those_of_the_dates(told) -> None:
    found = [(one["first_day"], one["last_day"], one["programme"] == "nem2") for one in told["statements"]]
    assert found == BILLS
    assert [one["number_in_year"] for one in told["statements"]] == [1, 2, 0, 1, 2, 3, 4]


def test_each_line_is_the_oracles_exactly(told, bills) -> None:
    for one, bill in zip(told["statements"], bills, strict=True):
        for kind, amounts in lines_of(bill, SHEETS).items():
            if kind == "baseline":
                amounts = [amount for amount in amounts if amount]
            assert exact([line for line in one["lines"] if Fraction(line["exact"])], kind) == sorted(
                amount for amount in amounts if amount
            ), (one["first_day"], kind)


def test_what_is_due_and_carried_adds_rounded_lines(told, bills) -> None:
    for one, bill in zip(told["statements"], bills, strict=True):
        lines = {kind: sum(map(cents, amounts), Fraction(0)) for kind, amounts in lines_of(bill, SHEETS).items()}
        energy = lines["energy"] + lines["baseline"] + lines["non_bypassable"]
        others = sum((Fraction(line["amount"]) for line in one["other_lines"]), Fraction(0))
        assert Fraction(one["due_now"]) == lines["fixed"] + (0 if bill.credited else energy) + others
        assert Fraction(one["carried_to_true_up"]) == (energy if bill.credited else 0)


def test_the_oracle_would_find_a_clock_without_daylight_saving_time(told) -> None:
    """The positive control: an hour off in summer is another bill."""
    wrong = expected(timezone(timedelta(hours=-8)))
    with pytest.raises(AssertionError):
        test_each_line_is_the_oracles_exactly(told, wrong)


def test_no_watt_hour_is_lost_between_registers_and_bills(told) -> None:
    rows = readings()
    for place, name in ((1, "import_milliwh"), (2, "export_milliwh")):
        assert sum(one[name] for one in told["statements"]) == (rows[-1][place] - rows[0][place]) * 1000


def test_the_gap_is_in_its_bill_and_said(told) -> None:
    (one,) = [one for one in told["statements"] if one["first_day"] == "2025-11-15"]
    estimated = [cell["estimated_intervals"] for cell in one["energy"]]
    assert sum(estimated) > 0
    assert any("nobody read" in note for note in one["notes"])
    assert one["is_whole"]


def test_charges_of_the_account(told) -> None:
    """7.5 % of nothing due, a tax on imports alone, a credit once."""
    january, march = told["statements"][5:]
    (tax, energy) = january["other_lines"]
    assert (tax["exact"], tax["amount"]) == ("0.000", "0.00")
    assert Fraction(energy["exact"]) == Fraction(january["import_milliwh"], 10**6) * Fraction("0.00030")
    (tax, credit) = march["other_lines"]
    # 15 days x 0.79343 = 11.90145 -> 11.90; 7.5 % of it is 0.8925
    (fixed,) = [line["amount"] for line in march["lines"] if line["kind"] == "fixed"]
    assert (fixed, tax["exact"], tax["amount"]) == ("11.90", "0.89250", "0.89")
    assert credit["amount"] == "-58.23"
    assert march["due_now"] == "-45.44"


def test_json_holds_its_schema_and_is_the_same_twice(home, told) -> None:
    schema = json.loads((ROOT / "gateway/account/statement.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(told, schema)
    assert json.loads(run(home, "statement", "--account", "home.toml", "--json").stdout) == told
    broken = {**told, "statements": [{**told["statements"][0], "due_now": 1.5}]}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, schema)


def test_text_names_every_line(home, told) -> None:
    done = run(home, "statement", "--account", "home.toml", "--period", "7")
    for line in told["statements"][6]["lines"]:
        assert line["key"] in done.stdout
        assert f"exact {line['exact']}" in done.stdout
    assert "Due now" in done.stdout
    assert "your own meter" in done.stderr


def test_html_stands_alone(home) -> None:
    done = run(home, "statement", "--account", "home.toml", "--period", "2026-03", "--html", "bill.html")
    assert "wrote bill.html" in done.stderr
    page = (home / "bill.html").read_text(encoding="utf-8")
    assert done.returncode == 0
    assert "-45.44" in page
    assert "Elm Street 5" in page
    for outside in ("<script", "http://", "src=", "@import", "url("):
        assert outside not in page


def test_explain_adds_up_by_the_day(home, told) -> None:
    key = "energy.2025-10-28.winter_peak"
    done = run(home, "statement", "--account", "home.toml", "--explain", key, "--json")
    (cell,) = json.loads(done.stdout)["cells"]
    assert cell["adds_up"]
    assert [day["intervals"] for day in cell["days"]] == [20] * 18
    assert cell["rate_is"] == "the price without its non-bypassable components"
    assert cell["price"] == "0.48974"
    off_peak = run(
        home, "statement", "--account", "home.toml", "--explain", "energy.2025-10-28.winter_off_peak", "--json"
    )
    (cell,) = json.loads(off_peak.stdout)["cells"]
    assert {day["day"]: day["intervals"] for day in cell["days"]}["2025-11-02"] == 80  # a day of 25 hours


def test_a_correction_is_a_new_statement_with_a_difference(home, told, tmp_path) -> None:
    """One quarter's import is corrected by 1 kWh at a winter night of January 2026: 0.43459 - 0.03445, and 0.03445."""
    (tmp_path / "before.json").write_text(json.dumps(told), encoding="utf-8")
    (tmp_path / "home.toml").write_text(ACCOUNT, encoding="utf-8")
    lines = (home / "intervals.csv").read_text(encoding="utf-8").splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("grid,2026-01-20T10:00:00Z"))
    cells = lines[at].split(",")
    cells[7] = str(int(cells[7]) + 1_000_000)
    lines[at] = ",".join(cells)
    (tmp_path / "intervals.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = run(tmp_path, "statement", "--account", "home.toml", "--against", "before.json", "--json")
    change, later = json.loads(done.stdout)["changes"]
    assert (later["first_day"], later["energy_changed"]) == ("2026-02-14", False)
    assert {line["key"].split(".")[0] for line in later["lines"]} <= {"summary"}
    assert later["in_year_before"] != later["in_year_after"]  # the year goes on with another sum
    assert (change["first_day"], change["energy_changed"]) == ("2026-01-15", True)
    assert (change["import_milliwh"], change["export_milliwh"]) == (1_000_000, 0)
    keys = {line["key"] for line in change["lines"]}
    assert "energy.2026-01-15.winter_off_peak" in keys
    assert any(key.startswith("non_bypassable.2026-01-15") for key in keys)
    same = run(home, "statement", "--account", "home.toml", "--against", str(tmp_path / "before.json"))
    assert same.stdout == "no bill has changed\n"


def test_as_of_a_day_only_what_had_ended(home, told) -> None:
    done = run(home, "statement", "--account", "home.toml", "--as-of", "2026-01-20", "--json")
    early = json.loads(done.stdout)
    assert early["statements"] == told["statements"][:5]
    assert any(note.startswith("not billed yet: 2026-01-15 to 2026-01-20") for note in early["notes"])


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--account", "gone.toml"], 1, "gone.toml: does not exist"),
        (["--account", "home.toml", "--energy", "gone.csv"], 1, "gone.csv: cannot be read"),
        (["--account", "home.toml", "--energy", "registers.csv"], 1, "registers.csv:1: the column start is missing"),
        (["--account", "home.toml", "--period", "99"], 2, "there is no bill 99; there are 1 to 7"),
        (["--account", "home.toml", "--period", "1999-01"], 2, "there is no bill 1999-01"),
        (["--account", "home.toml", "--as-of", "soon"], 2, "soon is no date"),
        (["--account", "home.toml", "--as-of", "2025-09-20"], 1, "no billing cycle ends within the energy there is"),
        (
            ["--account", "home.toml", "--explain", "peak"],
            1,
            'no statement has a line "peak": statement 7 has energy.2026-02-14',
        ),
        (
            ["--account", "home.toml", "--explain", "energy.2026-02-14.winter_paek"],
            1,
            'did you mean "energy.2026-02-14.winter_peak"?',
        ),
        (["--account", "home.toml", "--against", "home.toml"], 1, "home.toml: is no JSON"),
        (["--account", "home.toml", "--html", "gone/bill.html"], 1, "gone/bill.html: cannot be written"),
    ],
)
def test_a_mistake_is_told(home, arguments: list[str], code: int, said: str) -> None:
    done = run(home, "statement", *arguments)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
