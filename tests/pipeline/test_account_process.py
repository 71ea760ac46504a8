"""The process that reckons an account for the daemon: its answer, and what a person reads where there is none."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.config.types import AccountSection
from gateway.daemon.account_process import AccountProcess

from .world import utc_us

ACCOUNT = """\
format = 1
id = "elm"
name = "Elm Street 5"
tariff = "pge-e-tou-c"
[customer]
utility = "pge"
baseline = "basic_x"
base_services_tier = "tier_3"
[[programme]]
name = "nem2"
from = 2026-07-01
[generator]
technology = "solar"
size_kw = "9"
application = 2023-04-01
pto = 2026-07-01
[[meter]]
name = "grid"
from = "csv"
file = "energy.csv"
[billing]
months = true
"""


@pytest.fixture
def section(tmp_path: Path) -> AccountSection:
    """Four kilowatt-hours an hour from the first of July on, for two days."""
    start = datetime(2026, 7, 1, 7, tzinfo=UTC)
    rows = ["start,end,import_milliwh,export_milliwh"]
    for number in range(2 * 96):
        at = start + timedelta(minutes=15 * number)
        rows.append(f"{at.isoformat()},{(at + timedelta(minutes=15)).isoformat()},1000000,0")
    (tmp_path / "energy.csv").write_text("\n".join(rows) + "\n", encoding="ascii")
    (tmp_path / "home.toml").write_text(ACCOUNT, encoding="utf-8")
    return AccountSection(name="home", file=str(tmp_path / "home.toml"))


def test_the_answer_is_of_the_instant_that_was_asked(section: AccountSection, tmp_path: Path) -> None:
    """Up to 4 p.m. of the second day: 40 hours at 4 kWh, and two days at 0.79343."""
    until_us = utc_us("2026-07-02T23:00:00Z")
    found = AccountProcess(tmp_path / "gateway.toml").reckon(section, until_us)
    assert (found["as_of_utc_us"], found["import_milliwh"], found["is_whole"]) == (until_us, 160_000_000, 1)
    assert (found["due_cents"], found["period_days"]) == (159, 2)
    assert json.loads(json.dumps(found)) == found


def test_a_slip_in_the_accounts_file_is_the_reason_with_its_line(section: AccountSection, tmp_path: Path) -> None:
    path = Path(section.file)
    path.write_text(ACCOUNT.replace("pge-e-tou-c", "pge-e-tou-z"), encoding="utf-8")
    found = AccountProcess(tmp_path / "gateway.toml").reckon(section, None)
    assert list(found) == ["why_not"]
    assert f"{path}:4:" in found["why_not"]
    assert "Traceback" not in found["why_not"]


def test_one_that_is_stopped_starts_no_child_any_more(section: AccountSection, tmp_path: Path) -> None:
    process = AccountProcess(tmp_path / "gateway.toml")
    process.stop()
    assert process.reckon(section, None) == {"why_not": "the gateway ends"}
