"""The running bill to date, by hand: energy to the instant, charges to the end of that day, nothing of what comes."""

import json
import re
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.account.account_file import AccountFile, read_account
from gateway.account.energy import EnergyError
from gateway.account.projection import Method
from gateway.account.running import running
from gateway.account.running_json import running_record
from gateway.account.slices import table_of_rows
from gateway.account.slots import TimelineError
from gateway.account.sources import Energy
from gateway.cli.account import account as command
from gateway.cli.account import reckoned

from .energies import us
from .net_billing import account_text
from .simple_tariff import simple_tariff
from .test_projection import hours

STANDING = '[version.fixed_per_day]\nbase = "0.25"\n'


def noon(local: datetime) -> tuple[int, int]:
    """A kilowatt-hour at noon; at 0.30."""
    return 1000 * (local.hour == 12), 0


def known(folder: Path, *, months: bool = True, more: str = "", standing: str = STANDING) -> AccountFile:
    text = account_text(
        folder,
        programme="nem1",
        prices="",
        choices="",
        pto=date(2026, 1, 1),
        tariff=simple_tariff(folder, more=standing),
        months=months,
        more=more,
    )
    (folder / "account.toml").write_text(text, encoding="utf-8")
    return read_account(folder / "account.toml")


def read_on(folder: Path, *days: str) -> AccountFile:
    """With read dates instead of months."""
    account = known(folder)
    text = (folder / "account.toml").read_text(encoding="utf-8")
    dates = f'read_dates = [{", ".join(days)}]\nread_day = "first_day"'
    (folder / "account.toml").write_text(text.replace("months = true", dates), encoding="utf-8")
    del account
    return read_account(folder / "account.toml")


SPRING = Energy(hours(date(2026, 1, 1), date(2026, 4, 10), noon), ())


@pytest.mark.parametrize(
    ("at", "kwh", "days", "due", "carried", "of_year"),
    [
        # Ten noons of April at 0.30 are carried, ten days at 0.25 are due; 100 noons since New Year.
        ("2026-04-11T00:00", 10, 10, "2.50", "3.00", "30.00"),
        ("2026-04-10T13:00", 10, 10, "2.50", "3.00", "30.00"),
        # The hour of noon has not ended: nine.
        ("2026-04-10T12:59", 9, 10, "2.50", "2.70", "29.70"),
        ("2026-04-10T00:00", 9, 9, "2.25", "2.70", "29.70"),
        # The last instant of March is March, as a whole; the first hour of April is a day of it.
        ("2026-04-01T00:00", 31, 31, "7.75", "9.30", "27.00"),
        ("2026-04-01T01:00", 0, 1, "0.25", "0", "27.00"),
        # On 8 March the clock is set: 23 hours, and a noon.
        ("2026-03-08T13:00", 8, 8, "2.00", "2.40", "20.10"),
    ],
)
def test_to_date(tmp_path: Path, at: str, kwh: int, days: int, due: str, carried: str, of_year: str) -> None:
    now = running(known(tmp_path), SPRING, us(at))
    assert now.bill.energy.import_milliwh == kwh * 1_000_000
    assert now.bill.slot.cycle.days == days
    assert now.bill.due_now == Decimal(due)
    assert now.bill.carried == Decimal(carried)
    assert now.bill.carried_in_year == Decimal(of_year)
    assert now.bill.holes == ()


def test_nothing_after_the_instant_is_looked_at(tmp_path: Path) -> None:
    account, at_us = known(tmp_path), us("2026-02-10T16:00")

    def wild(local: datetime) -> tuple[int, int]:
        return noon(local) if local < datetime(2026, 2, 10, 16, tzinfo=local.tzinfo) else (9000, 5000)

    other = Energy(hours(date(2026, 1, 1), date(2026, 4, 10), wild), ())
    assert running_record(account, running(account, other, at_us)) == running_record(
        account, running(account, SPRING, at_us)
    )


def test_the_bill_before_is_the_printed_one(tmp_path: Path) -> None:
    """March: 31 days at 0.25."""
    now = running(known(tmp_path), SPRING)
    assert now.last is not None
    assert (now.last.slot.cycle.last_day, now.last.due_now) == (date(2026, 3, 31), Decimal("7.75"))
    assert running(known(tmp_path), SPRING, us("2026-01-20T00:00")).last is None


def test_read_dates_that_are_not_known_yet_make_a_long_bill_and_that_is_told(tmp_path: Path) -> None:
    """Read on 3 February last: the bill since then has 67 days, and the owner is asked for the dates."""
    account = read_on(tmp_path, "2026-01-01", "2026-02-03")
    now = running(account, SPRING)
    assert (now.bill.slot.cycle.first_day, now.bill.slot.cycle.days) == (date(2026, 2, 3), 67)
    assert "has 67 days: add the days on which the meter was read since 2026-02-03" in now.notes[0]
    assert running(account, SPRING, us("2026-03-01T00:00")).notes == ()


def test_a_read_date_ahead_changes_nothing(tmp_path: Path) -> None:
    now = running(read_on(tmp_path, "2026-01-01", "2026-04-03", "2026-05-05"), SPRING)
    assert (now.bill.slot.cycle.first_day, now.day) == (date(2026, 4, 3), date(2026, 4, 10))


def test_in_the_closing_bill_the_true_up_is_left_out_of_what_is_due(tmp_path: Path) -> None:
    """31 days of December at 0.25; the year's 365 noons stand beside it, for the true-up."""
    account = known(tmp_path)
    year = Energy(hours(date(2026, 1, 1), date(2026, 12, 31), noon), ())
    record = running_record(account, running(account, year))
    assert (record["due_cents"], record["carried_in_year_cents"]) == (775, 10950)


def test_without_energy_by_then_or_a_bill_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(EnergyError, match="no interval of grid in it that had ended by then"):
        running(known(tmp_path), SPRING, us("2026-01-01T00:30"))
    with pytest.raises(TimelineError, match="no billing cycle has begun by 2026-04-10"):
        running(read_on(tmp_path, "2026-06-01", "2026-07-01"), SPRING)


def told(folder: Path, *arguments: str) -> Result:
    rows = ["start,end,import_milliwh,export_milliwh"]
    table = SPRING.table
    for start, end, milliwh in zip(table.start_us, table.end_us, table.flow_import.milliwh, strict=True):
        times = [f"{datetime.fromtimestamp(int(one) // 10**6).astimezone().isoformat()}" for one in (start, end)]
        rows.append(f"{times[0]},{times[1]},{milliwh},0")
    (folder / "energy.csv").write_text("\n".join(rows) + "\n", encoding="ascii")
    files = ["--account", str(folder / "account.toml"), "--energy", str(folder / "energy.csv")]
    return CliRunner().invoke(command, [*files, *arguments])


def test_the_command(tmp_path: Path) -> None:
    known(tmp_path)
    done = told(tmp_path, "--at", "2026-04-10T13:00", "--json")
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert (answer["due_cents"], answer["carried_cents"], answer["period_days"]) == (250, 300, 10)
    assert answer["projected_true_up_cents"] is None
    assert answer["projection_why_not"].startswith("to_date assumes nothing")
    text = told(tmp_path)
    assert re.search(r"due so far +2\.50 USD", text.stdout)
    refused = told(tmp_path, "--project", "same_days_last_year")
    assert refused.exit_code == 3
    assert "no projection: needs the twelve months before" in refused.stdout


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2026-01-01T02:00", "no projection: no energy is known of 2025-12-31 or before: it begins with the first"),
        ("2026-01-01T02:00", "running bill from 2026-01-01, its first day\n"),
        ("2026-01-02T12:00", "running bill from 2026-01-01, 2 days\n"),
        ("2026-01-02T12:00", "no projection: no bill of a running year has ended by 2026-01-01"),
    ],
)
def test_the_first_two_days_as_an_owner_reads_them(tmp_path: Path, at: str, said: str) -> None:
    known(tmp_path)
    done = told(tmp_path, "--at", at)
    assert done.exit_code == 0, done.output
    assert said in done.stdout


def test_before_the_first_interval_has_ended_it_is_said_when_that_is(tmp_path: Path) -> None:
    known(tmp_path)
    done = told(tmp_path, "--at", "2026-01-01T00:30")
    assert done.exit_code == 1
    assert "had ended by then; the first ended at 2026-01-01T09:00:00Z" in done.output  # 1 a.m. in California


def test_what_the_running_bill_lacks_is_told_with_its_time(tmp_path: Path) -> None:
    """A gateway that was put up on 2 January at 2 p.m., and was off from 5 to 7 January: two holes."""
    table = hours(date(2026, 1, 1), date(2026, 1, 20), noon)
    begin, off, again = us("2026-01-02T14:00"), us("2026-01-05T00:00"), us("2026-01-07T00:00")
    here = (table.start_us >= begin) & ((table.start_us < off) | (table.start_us >= again))
    now = running(known(tmp_path), Energy(table_of_rows(table, here), ()))
    (note,) = now.notes
    assert note == (
        "energy of the running bill is not known from 2026-01-01T00:00:00-08:00 to 2026-01-02T14:00:00-08:00"
        " and in 1 other stretch: it is in no sum"
    )
    assert running(known(tmp_path), SPRING).notes == ()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--at", "yesterday"], "'yesterday' is no time"),
        (["--project", "profile"], "--project profile needs --profile FILE"),
        (["--project", "linear"], "'linear' is not one of"),
    ],
)
def test_a_wrong_command_line(tmp_path: Path, arguments: list[str], message: str) -> None:
    known(tmp_path)
    done = told(tmp_path, *arguments)
    assert done.exit_code == 2
    assert message in done.output


def test_what_bill_year_and_true_up_will_come_to(tmp_path: Path) -> None:
    """365 noons at 0.30 and 365 days at 0.25. April has 30 days; December's bill has 31 and the year's energy.

    Seen within 11 April, the projection is that of the evening before, whatever that day has had.
    """
    known(tmp_path)
    text = (tmp_path / "account.toml").read_text(encoding="utf-8").replace("2026-01-01", "2025-01-01")
    (tmp_path / "account.toml").write_text(text, encoding="utf-8")
    energy = Energy(hours(date(2025, 1, 1), date(2026, 4, 11), noon), ())
    account = read_account(tmp_path / "account.toml")
    found = reckoned(account, energy, us("2026-04-11T21:00"), Method.SAME_DAYS_LAST_YEAR)
    assert (found["projected_bill_cents"], found["projected_bill_last_day"]) == (750, "2026-04-30")
    assert (found["projected_true_up_cents"], found["year_last_day"]) == (775 + 10950, "2026-12-31")
    assert found["projected_year_cents"] == 365 * 25 + 10950
    assert (found["estimated_days"], found["projected_days"]) == (265, 365)
    assert (found["projected_year_low_cents"], found["projected_year_high_cents"]) == (None, None)
    assert "one earlier year is known" in found["assumed"]
    assert (found["due_cents"], found["period_days"]) == (275, 11)
