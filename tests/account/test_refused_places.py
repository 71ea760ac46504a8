"""What keeps an account from being reckoned names the account's file and line, and the mend; as a command tells it."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.statement import statement

ACCOUNT = """\
format = 1
id = "home"
name = "Elm"
tariff = "pge-e-tou-c"
[customer]
utility = "pge"
kind = "residential"
baseline = "basic_x"
base_services_tier = "tier_3"
[[programme]]
name = "nem2"
from = 2022-03-08
[generator]
technology = "solar"
size_kw = "9"
application = 2021-11-30
pto = 2022-03-08
[[meter]]
name = "grid"
role = "grid"
register = "own"
from = "csv"
file = "grid.csv"
[billing]
months = true
"""
QUARTERS = [datetime(2026, 7, 1, 7, tzinfo=UTC) + timedelta(minutes=15 * at) for at in range(31 * 96 + 1)]
ROWS = [f"{start:%Y-%m-%dT%H:%M:%SZ},{end:%Y-%m-%dT%H:%M:%SZ}" for start, end in pairwise(QUARTERS)]
HEADER = "meter,start,end,import_milliwh,export_milliwh\n"
ARRAY = """\
[[meter]]
name = "array"
role = "production"
from = "csv"
file = "array.csv"
[billing]"""
CONTRACT = '[choices]\ncontract_price = "12 cents"\n[[meter]]\nname = "array"'
FUEL_CELL = (('name = "nem2"', 'name = "nem_fc"'), ('technology = "solar"', 'technology = "fuel_cell"'))
NET_BILLING = (('name = "nem2"', 'name = "nbt"'), ('"pge-e-tou-c"', '"pge-e-elec"'), ('baseline = "basic_x"\n', ""))
OPENING = "[opening]\nas_of = 2026-07-15\nlast_true_up = 2026-03-01\ncycles = 4\n[billing]"

SLIPS = {
    # what stands there and what is written instead; the line of the mistake; words of what is told
    "a meter that the file lacks": ((('name = "grid"', 'name = "net"'),), "[[meter]]", "its meters: grid: write that"),
    "a file that is not there": ((("grid.csv", "gird.csv"),), "[[meter]]", "name a file with intervals"),
    "no file": ((('file = "grid.csv"\n', ""),), "[[meter]]", "name it, or give --energy FILE"),
    "no programme yet": ((("from = 2022-03-08", "from = 2026-08-01"),), "from = 2026-08-01", "write one before it"),
    "an anniversary within a bill": (
        (("months = true", "months = true\nanniversary = 2026-07-15"),),
        "anniversary = 2026-07-15",
        "near it are 2026-06-01 and 2026-07-01",
    ),
    "an opening within a bill": ((("[billing]", OPENING),), "as_of = 2026-07-15", "not the first day of a billing"),
    "no fuel cell": (FUEL_CELL[:1], 'technology = "solar"', "write fuel_cell"),
    "too late a fuel cell": ((*FUEL_CELL, ("pto = 2022", "pto = 2024")), "pto = 2024-03-08", "see the letter"),
    "too large a fuel cell": ((*FUEL_CELL, ('"9"', '"5001"')), 'size_kw = "5001"', "see the permission"),
    "no date of a price lock": (
        (*NET_BILLING, ("= 2021-11-30", "= 2025-01-05"), ("pto = 2022-03-08\n", "")),
        "[generator]",
        "say pto",
    ),
    "no export prices of a utility": ((*NET_BILLING, ('"pge"', '"sce"')), 'utility = "sce"', "write a table"),
    "no price of a contract": (
        (('name = "nem2"', 'name = "feed_in"'), ("[billing]", ARRAY), ('[[meter]]\nname = "array"', CONTRACT)),
        'contract_price = "12 cents"',
        'write it as "0.1234"',
    ),
    "nothing that makes what is sold": ((('name = "nem2"', 'name = "feed_in"'),), "[[meter]]", 'role = "production"'),
}


def told(folder: Path, *slips: tuple[str, str]) -> tuple[int, str]:
    """Exit code, and all that is told, of an account with some slips."""
    text = ACCOUNT
    for stands, written in slips:
        assert stands in text
        text = text.replace(stands, written, 1)
    (folder / "home.toml").write_text(text, encoding="utf-8")
    (folder / "grid.csv").write_text(HEADER + "".join(f"grid,{row},1000,0\n" for row in ROWS), encoding="utf-8")
    (folder / "array.csv").write_text(HEADER + "".join(f"array,{row},0,1000\n" for row in ROWS), encoding="utf-8")
    done = CliRunner().invoke(statement, ["--account", str(folder / "home.toml")])
    return done.exit_code, done.output


@pytest.mark.parametrize("slip", SLIPS)
def test_what_cannot_be_reckoned_is_told_with_its_line(tmp_path: Path, slip: str) -> None:
    slips, row, words = SLIPS[slip]
    code, output = told(tmp_path, *slips)
    rows = (tmp_path / "home.toml").read_text(encoding="utf-8").splitlines()
    assert code == 1
    assert f"Error: {tmp_path / 'home.toml'}:{rows.index(row) + 1}: " in output
    assert words in output


def test_control_the_account_without_a_slip_is_reckoned(tmp_path: Path) -> None:
    code, output = told(tmp_path)
    assert (code, "Error" in output) == (0, False), output


def test_a_file_that_the_command_line_named_is_no_mistake_of_the_account(tmp_path: Path) -> None:
    told(tmp_path)
    wrong = tmp_path / "none.csv"
    done = CliRunner().invoke(statement, ["--account", str(tmp_path / "home.toml"), "--energy", str(wrong)])
    assert (done.exit_code, f"Error: {wrong}: cannot be read" in done.output) == (1, True), done.output
