"""`netmeter replay` as a person runs it, on tables whose energy can be reckoned in the head, and on wrong ones."""

import csv
import gzip
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from gateway.cli import main; main(prog_name='netmeter')", "replay"]
SERVICE = ["--tariff", "pge-e-tou-c", "--service-amps", "40", "--service-volts", "240"]
HEAD = "time,import_wh,export_wh"
CLOSED = object()


@pytest.fixture
def run(tmp_path):
    def replay(*arguments: str, given: bytes | None = None, stdin: Any = None) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "TZ": "Asia/Tokyo"}
        done = subprocess.run(
            [*COMMAND, *arguments],
            capture_output=True,
            **({"stdin": None} if stdin is CLOSED else {"input": given} if stdin is None else {"stdin": stdin}),
            preexec_fn=(lambda: os.close(0)) if stdin is CLOSED else None,
            env=environment,
            cwd=tmp_path,
            timeout=300,
            check=False,
        )
        out, err = done.stdout.decode(), done.stderr.decode()
        assert "Traceback" not in err
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    return replay


def quarters(first: str, count: int, *, import_wh: int = 250, export_wh: int = 0) -> str:
    """So many quarters of an hour at a steady power; the registers begin at 1 MWh and at 0."""
    start = datetime.fromisoformat(first).astimezone(UTC)
    lines = [HEAD]
    for number in range(count + 1):
        at = start + timedelta(minutes=15) * number
        lines.append(f"{at.isoformat()},{1_000_000 + number * import_wh}.000,{number * export_wh}.000")
    return "\n".join(lines) + "\n"


@pytest.fixture
def day(tmp_path) -> Path:
    """A summer's day at 1 kW: 24 kWh, five of them from four to nine."""
    path = tmp_path / "day.csv"
    path.write_text(quarters("2026-07-01T00:00:00-07:00", 96), encoding="ascii")
    return path


def test_a_day_is_booked_and_told(run, day: Path) -> None:
    done = run("--readings", "day.csv", *SERVICE, "--clock-error-s", "0")
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert lines[0] == "readings day.csv: 97 rows"
    assert lines[1] == "2026-07-01T00:00:00-07:00 to 2026-07-02T00:00:00-07:00"
    assert lines[3] == "meter grid 96 readings booked, 0 not; one every 900 s"
    assert any(line.startswith("summer_off_peak 19.000000 kWh") for line in lines)
    assert any(line.startswith("summer_peak 5.000000 kWh") for line in lines)
    assert "all of it 24.000000 kWh == growth 24.000000 kWh" in lines
    assert "intervals 96: 96 measured, 0 estimated, 0 repeated, 0 corrected, 0 incomplete" in lines
    assert lines[-1].startswith("law holds")


def test_json_has_the_same_in_milliwatt_hours(run, day: Path) -> None:
    done = run("--readings", "day.csv", *SERVICE, "--clock-error-s", "0", "--json")
    told = json.loads(done.stdout)
    (meter,) = told["meters"]
    assert (told["schema"], told["readings"], told["whole"], told["law_holds"]) == (1, 97, True, True)
    assert meter["directions"]["import"]["buckets_milliwh"] == {"summer_off_peak": 19_000_000, "summer_peak": 5_000_000}
    assert meter["directions"]["import"]["resolution_milliwh"] == 250_000
    assert meter["directions"]["export"]["booked_milliwh"] == 0
    assert meter["intervals_by_quality"] == {
        "measured": 96,
        "estimated": 0,
        "repeated": 0,
        "corrected": 0,
        "incomplete": 0,
    }
    assert [event["kind"] for event in meter["events"]] == ["epoch"]


def test_intervals_are_written_one_a_line(run, day: Path) -> None:
    done = run("--readings", "day.csv", *SERVICE, "--clock-error-s", "0", "--intervals", "out.csv")
    assert done.returncode == 0
    with (day.parent / "out.csv").open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    assert len(rows) == 96
    assert (rows[0]["start"], rows[0]["end"]) == ("2026-07-01T07:00:00Z", "2026-07-01T07:15:00Z")
    assert {row["import_milliwh"] for row in rows} == {"250000"}
    assert [row["bucket"] for row in rows].count("summer_peak") == 20
    assert rows[-1]["import_register_milliwh"] == "1024000000"


def test_the_night_clocks_go_back_has_a_hundred_quarters(run, tmp_path: Path) -> None:
    (tmp_path / "night.csv").write_text(quarters("2026-11-01T00:00:00-07:00", 100), encoding="ascii")
    told = json.loads(run("--readings", "night.csv", *SERVICE, "--json").stdout)
    assert told["meters"][0]["intervals"] == 100
    assert told["meters"][0]["directions"]["import"]["buckets_milliwh"] == {
        "winter_off_peak": 20_000_000,
        "winter_peak": 5_000_000,
    }


def test_standard_input_and_gzip(run, day: Path) -> None:
    plain = json.loads(run("--readings", "day.csv", *SERVICE, "--json").stdout)
    packed = json.loads(run("--readings", "-", *SERVICE, "--json", given=gzip.compress(day.read_bytes())).stdout)
    assert packed.pop("source") == "standard input"
    assert plain.pop("source") == "day.csv"
    assert plain == packed


def test_production_is_a_meter_of_its_own(run, tmp_path: Path) -> None:
    rows = [
        f"2026-07-01T1{hour}:{minute:02d}:00-07:00,0,0,{1000 * n}.0"
        for n, (hour, minute) in enumerate((hour, minute) for hour in range(5) for minute in (0, 15, 30, 45))
    ]
    (tmp_path / "pv.csv").write_text(HEAD + ",production_wh\n" + "\n".join(rows) + "\n", encoding="ascii")
    told = json.loads(run("--readings", "pv.csv", *SERVICE, "--production-amps", "30", "--json").stdout)
    grid, array = told["meters"]
    assert (grid["meter"], array["meter"]) == ("grid", "production")
    assert array["directions"].keys() == {"export"}
    assert array["directions"]["export"]["booked_milliwh"] == 19_000_000
    assert (grid["limit_milliw"], array["limit_milliw"]) == (12_000_000, 9_000_000)


def test_two_meters_may_be_read_at_their_own_pace(run, tmp_path: Path) -> None:
    """A blank row of one meter is no reading of it; a row without any register is told once."""
    rows = [
        f"2026-07-01T10:{minute:02d}:00-07:00,{minute},0,{minute * 9 if minute % 15 == 0 else ''}"
        for minute in range(60)
    ]
    rows[31] = "2026-07-01T10:31:00-07:00,,,"
    rows[45] = "2026-07-01T10:45:00-07:00,,,405"
    (tmp_path / "pv.csv").write_text(HEAD + ",production_wh\n" + "\n".join(rows) + "\n", encoding="ascii")
    done = run("--readings", "pv.csv", *SERVICE, "--json")
    grid, array = json.loads(done.stdout)["meters"]
    assert done.returncode == 3
    assert [(one["kind"], one["reason"], one["first_line"]) for one in grid["refused"]] == [
        ("rejected", "not_available", 33)
    ]
    assert (grid["accepted"], grid["usual_step_us"]) == (57, 60_000_000)
    assert (array["accepted"], array["refused"], array["usual_step_us"]) == (3, [], 900_000_000)
    assert array["directions"]["export"]["booked_milliwh"] == 405_000


def test_a_column_that_is_blank_throughout_is_a_register_that_the_meter_lacks(run, day: Path) -> None:
    day.write_text(day.read_text(encoding="ascii").replace(",0.000", ","), encoding="ascii")
    done = run("--readings", "day.csv", *SERVICE, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["meters"][0]["directions"].keys() == {"import"}


def test_a_table_without_a_register_books_nothing(run, tmp_path: Path) -> None:
    (tmp_path / "none.csv").write_text(f"{HEAD}\n2026-07-01T00:00:00Z,,\n2026-07-01T00:05:00Z,,\n", encoding="ascii")
    done = run("--readings", "none.csv", *SERVICE)
    assert done.returncode == 3
    assert "readings rejected: 2 (not_available), the first in line 2" in done.stderr


def test_the_config_gives_what_the_command_line_does_not(run, day: Path) -> None:
    config = str(ROOT / "config/gateway.toml")
    told = json.loads(run("--readings", "day.csv", "--config", config, "--json").stdout)
    assert told["tariff"] == "pge-e-tou-c"
    assert told["meters"][0]["limit_milliw"] == 60_000_000  # 200 A, 240 V and a quarter more
    less = json.loads(run("--readings", "day.csv", "--config", config, "--service-amps", "40", "--json").stdout)
    assert less["meters"][0]["limit_milliw"] == 12_000_000


def test_a_momentary_zero_and_a_jump_are_quarantined_told_and_cost_nothing(run, day: Path) -> None:
    lines = day.read_text(encoding="ascii").splitlines()
    time, _, _ = lines[40].split(",")
    lines[40] = f"{time},0,0"
    time, _, _ = lines[50].split(",")
    lines[50] = f"{time},1000000000.000,0.000"
    day.write_text("\n".join(lines) + "\n", encoding="ascii")
    done = run("--readings", "day.csv", *SERVICE, "--json")
    (meter,) = json.loads(done.stdout)["meters"]
    assert done.returncode == 3
    assert [(one["reason"], one["readings"], one["first_line"]) for one in meter["refused"]] == [
        ("went_backwards", 1, 41),
        ("impossible_jump", 1, 51),
    ]
    assert meter["directions"]["import"]["buckets_milliwh"] == {"summer_off_peak": 19_000_000, "summer_peak": 5_000_000}
    assert [(event["kind"], event["line"]) for event in meter["events"]] == [
        ("epoch", 2),
        ("quarantined", 41),
        ("resumed", 42),
        ("quarantined", 51),
        ("resumed", 52),
    ]


def test_a_new_meter_is_a_new_epoch_and_the_law_holds_over_both(run, tmp_path: Path) -> None:
    old = quarters("2026-07-01T00:00:00-07:00", 20).splitlines()
    new = quarters("2026-07-01T05:15:00-07:00", 20).replace(",1000", ",0").replace(",100", ",0").splitlines()
    (tmp_path / "two.csv").write_text("\n".join(old + new[1:]) + "\n", encoding="ascii")
    done = run("--readings", "two.csv", *SERVICE, "--json")
    told = json.loads(done.stdout)
    (meter,) = told["meters"]
    account = meter["directions"]["import"]
    assert (done.returncode, told["law_holds"], meter["register_epochs"]) == (3, True, 2)
    assert (account["earlier_epochs_milliwh"], account["booked_milliwh"]) == (5_000_000, 10_000_000)


def test_bad_rows_stop_or_are_counted(run, day: Path) -> None:
    lines = day.read_text(encoding="ascii").splitlines()
    lines[9] = lines[9].replace(",1002000.000", ",two")
    lines[20] = "2026-02-30" + lines[20][10:]
    day.write_text("\n".join(lines) + "\n", encoding="ascii")
    stopped = run("--readings", "day.csv", *SERVICE)
    assert (stopped.returncode, stopped.stdout) == (1, "")
    assert stopped.stderr.startswith("Error: day.csv:10: import_wh: 'two' is no number: write watt-hours")
    counted = run("--readings", "day.csv", *SERVICE, "--on-bad-row", "count", "--json")
    told = json.loads(counted.stdout)
    assert (counted.returncode, told["bad_rows"], told["whole"]) == (3, 2, False)
    assert told["bad_rows_by_reason"] == {"bad_number": 1, "bad_time": 1}
    assert [row["line"] for row in told["bad_rows_listed"]] == [10, 21]
    assert told["meters"][0]["directions"]["import"]["booked_milliwh"] == 24_000_000
    assert "! line 10: import_wh: 'two' is no number" in counted.stderr


def test_energy_before_the_tariff_is_unassigned_and_said(run, tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text(quarters("2016-07-01T00:00:00-07:00", 96), encoding="ascii")
    done = run("--readings", "old.csv", *SERVICE, "--json")
    account = json.loads(done.stdout)["meters"][0]["directions"]["import"]
    assert (account["buckets_milliwh"], account["unassigned_milliwh"]) == ({}, 24_000_000)
    assert "begins before the tariff's first version, 2025-01-01: what flowed then is unassigned" in done.stderr


def test_a_table_that_comes_by_standard_input_is_not_overwritten(run, day: Path) -> None:
    before = day.read_bytes()
    with day.open("rb") as table:
        done = run("--readings", "-", *SERVICE, "--intervals", "day.csv", stdin=table)
    assert (done.returncode, day.read_bytes()) == (2, before)
    assert "--intervals would overwrite the readings" in done.stderr
    with day.open("rb") as table:
        assert run("--readings", "-", *SERVICE, "--intervals", "out.csv", stdin=table).returncode == 0


def test_a_standard_input_that_is_closed_is_said(run, day: Path) -> None:
    done = run("--readings", "-", *SERVICE, stdin=CLOSED)
    assert (done.returncode, done.stderr) == (1, "Error: standard input: is closed\n")


def test_intervals_that_no_disk_takes_are_said(run, day: Path) -> None:
    done = run("--readings", "day.csv", *SERVICE, "--intervals", "/dev/full")
    assert done.returncode == 1
    assert "/dev/full: cannot be written, what is there of it is not whole: No space left" in done.stderr


def test_where_the_last_digit_is_known_from_is_said(run, day: Path) -> None:
    """97 values of import, all of them quarters of a kWh; one of export, written to the milliwatt-hour."""
    words = run("--readings", "day.csv", *SERVICE).stdout
    assert "(steps of 0.250000 kWh, as the values show)" in words
    assert "(steps of 0.000001 kWh, as written: too few values to tell)" in words
    directions = json.loads(run("--readings", "day.csv", *SERVICE, "--json").stdout)["meters"][0]["directions"]
    assert [directions[name]["resolution_from"] for name in ("import", "export")] == ["values", "written"]
    words = run("--readings", "day.csv", *SERVICE, "--resolution-wh", "10").stdout
    assert words.count("(steps of 0.010000 kWh, stated)") == 2


def test_one_reading_alone_books_nothing_and_is_no_success(run, tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text(f"{HEAD}\n2026-07-01T00:00:00Z,1,1\n", encoding="ascii")
    done = run("--readings", "one.csv", *SERVICE)
    assert done.returncode == 3
    assert "readings quarantined: 1 (first_reading), the first in line 2" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "Missing option '--readings'"),
        (["--readings", "none.csv", *SERVICE], 1, "none.csv: cannot be read: No such file"),
        (["--readings", ".", *SERVICE], 1, "directory"),
        (["--readings", "day.csv"], 2, "which tariff?"),
        (["--readings", "day.csv", "--tariff", "pge-e-tou-c"], 2, "--service-amps and --service-volts"),
        (["--readings", "day.csv", *SERVICE, "--tariff", "pge-e-tou"], 1, 'there is no tariff "pge-e-tou"'),
        (["--readings", "day.csv", *SERVICE, "--clock-error-s", "1e999999999"], 2, "--clock-error-s"),
        (["--readings", "day.csv", *SERVICE, "--window-s", "-1"], 2, "--window-s"),
        (["--readings", "day.csv", *SERVICE, "--resolution-wh", "0"], 2, "--resolution-wh"),
        (["--readings", "day.csv", *SERVICE, "--meter", "x"], 2, "--meter goes with --config"),
        (["--readings", "day.csv", *SERVICE, "--intervals", "day.csv"], 2, "would overwrite the readings"),
        (["--readings", "day.csv", *SERVICE, "--intervals", "no/such/x.csv"], 1, "no/such/x.csv: its folder"),
        (["--readings", "day.csv", "--config", "none.toml"], 1, "none.toml: does not exist"),
        (["--readings", "day.csv", *SERVICE, "--interval-min", "7"], 2, "--interval-min"),
    ],
)
def test_a_mistake_on_the_command_line_is_told(run, day: Path, arguments: list[str], code: int, words: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in " ".join(done.stderr.split())


def test_help_has_an_example_and_the_exit_codes(run) -> None:
    done = run("--help")
    assert "netmeter replay --readings house.csv --tariff pge-e-tou-c" in done.stdout
    assert "4  the law does not hold" in done.stdout
