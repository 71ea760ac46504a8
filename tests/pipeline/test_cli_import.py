"""`netmeter tariff import-urdb` as a person runs it: questions, the file, refusals, and what an existing file needs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline.urdb_record import record, write

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from gateway.cli import main; main(prog_name='netmeter')"]
FULL = ["--zone", "America/New_York", "--holidays", "none", "--whole-hours", "--non-bypassable", "unknown"]


@pytest.fixture
def netmeter(tmp_path):
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
        command = [*COMMAND, "tariff", *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=60, check=False
        )
        assert "Traceback" not in done.stderr
        return done

    write(tmp_path, record(flatdemandstructure=[[{"rate": 7.5}]]))
    return run


def test_open_questions_end_with_3_and_name_their_options(netmeter, tmp_path):
    done = netmeter("import-urdb", "rate.json", "--out", "made.toml")
    assert (done.returncode, done.stdout) == (3, "")
    assert "rate.json: URDB leaves 4 questions open; nothing is written" in done.stderr
    assert [line.split(":")[0].split()[0] for line in done.stderr.splitlines()[1:]] == [
        "--zone",
        "--holidays",
        "--whole-hours,",
        "--non-bypassable",
    ]
    assert not (tmp_path / "made.toml").exists()


def test_questions_as_json_for_a_program(netmeter):
    done = netmeter("import-urdb", "rate.json", *FULL[2:], "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["imported"]) == (3, False)
    assert [one["option"] for one in told["questions"]] == ["--zone ZONE"]


def test_the_written_file_is_a_tariff_that_can_be_shown(netmeter):
    done = netmeter("import-urdb", "rate.json", *FULL, "--out", "made.toml")
    assert done.returncode == 0
    assert "wrote made.toml: look at it with netmeter tariff check ./made.toml" in done.stdout
    assert "not included: demand charge of the month: 7.5 USD per kW" in done.stderr
    assert "flag: no_demand_charges" in done.stderr
    checked = netmeter("check", "./made.toml")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "note: no demand charges: what is billed per kilowatt is not in these figures" in checked.stdout
    shown = netmeter("show", "./made.toml", "--at", "2026-07-01T17:00")
    assert "price    0.3123456 USD per kWh" in shown.stdout
    assert "besides 12.5 a month, fixed_charge" in shown.stdout
    assert "no demand charges: what is billed per kilowatt is not in these figures" in shown.stdout
    assert "not included: demand charge of the month: 7.5 USD per kW" in shown.stdout


def test_without_out_the_file_is_printed_and_nothing_else(netmeter, tmp_path):
    done = netmeter("import-urdb", "rate.json", *FULL)
    (tmp_path / "printed.toml").write_text(done.stdout, encoding="utf-8")
    shown = json.loads(netmeter("show", "./printed.toml", "--at", "2026-07-04T17:00", "--json").stdout)
    assert (shown["price_per_kwh"], shown["flags"]) == ("0.1", ["total_only", "no_demand_charges"])
    assert shown["fixed"] == {"per_month": {"fixed_charge": "12.5"}}


def test_a_file_that_is_there_is_not_written_over(netmeter, tmp_path):
    (tmp_path / "made.toml").write_text("mine", encoding="utf-8")
    done = netmeter("import-urdb", "rate.json", *FULL, "--out", "made.toml")
    assert done.returncode == 1
    assert "made.toml is there already: choose another name, or --force to write over it" in done.stderr
    assert (tmp_path / "made.toml").read_text(encoding="utf-8") == "mine"
    assert netmeter("import-urdb", "rate.json", *FULL, "--out", "made.toml", "--force").returncode == 0
    assert (tmp_path / "made.toml").read_text(encoding="utf-8").startswith("# My Utility: TOU-1")
    assert {path.name for path in tmp_path.iterdir()} == {"made.toml", "rate.json"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["none.json"], 1, "none.json: does not exist"),
        (["."], 1, ".: is a folder, not a file"),
        (["rate.json", "--label", "x"], 1, 'holds 0 records with the label "x"'),
        (["rate.json", *FULL[2:], "--zone", "Mars/Base"], 1, 'there is no time zone "Mars/Base"'),
        (["rate.json", *FULL, "--out", "none/made.toml"], 1, "none/made.toml cannot be written: No such file"),
        (["rate.json", "--edge", "4pm"], 2, "'4pm' is no edge: write 16:00=16:30"),
        (["rate.json", "--edge", "16:00=18:00"], 2, "less than an hour apart"),
        (["rate.json", "--edge", "15:00=15:30"], 2, "nothing changes at 15:00; edges are 16:00, 21:00"),
        (["rate.json", "--non-bypassable", "some"], 2, "'some' is neither \"unknown\" nor a price per kWh"),
        (["rate.json", "--tier", "0"], 2, "'0' is neither last nor a number from 1"),
        (["rate.json", "--service", "all"], 2, "'all' is not one of 'bundled', 'delivery', 'generation'"),
        (["rate.json", "--effective", "soon"], 2, "'soon' does not match the format"),
        ([], 2, "Missing argument 'FILE.json'"),
    ],
)
def test_a_mistake_is_told(netmeter, arguments, code, words):
    done = netmeter("import-urdb", *arguments)
    assert done.returncode == code, done.stderr
    assert words in " ".join(done.stderr.split())


def test_edges_that_pass_each_other_are_refused(netmeter, tmp_path):
    hours = [0] * 16 + [1] + [2] * 4 + [0] * 3
    write(tmp_path, record(energyweekdayschedule=[hours] * 12))
    refused = "the change at 16:00 is moved beyond the one at 17:00: the hours between them would be gone"
    for minutes in (("45", "15"), ("30", "30")):
        edges = [word for hour, to in zip("67", minutes, strict=True) for word in ("--edge", f"1{hour}:00=16:{to}")]
        done = netmeter("import-urdb", "rate.json", *FULL, *edges)
        assert (done.returncode, done.stdout) == (2, "")
        assert refused in " ".join(done.stderr.split())
    assert netmeter("import-urdb", "rate.json", *FULL, "--edge", "16:00=16:15", "--edge", "17:00=16:45").returncode == 0


def test_a_record_that_contradicts_itself_is_refused_with_its_line(netmeter, tmp_path):
    path = write(tmp_path, record(energyweekendschedule=[[7] * 24] * 12))
    text = path.read_text(encoding="utf-8")
    line = text[: text.index("energyweekendschedule")].count("\n") + 1
    done = netmeter("import-urdb", "rate.json", *FULL)
    assert done.returncode == 1
    assert f"rate.json:{line}: month 1, hour 0 of energyweekendschedule names period 7" in done.stderr
    told = json.loads(netmeter("import-urdb", "rate.json", *FULL, "--json").stdout)
    assert (told["imported"], told["problems"][0]["line"]) == (False, line)
