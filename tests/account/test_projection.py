"""What a running year will come to: a house that repeats itself is foretold to the cent, whatever the clock does."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.account.account_file import AccountFile, read_account
from gateway.account.energy import EnergyTable
from gateway.account.projection import Method, Projection, project
from gateway.account.reckon import make_statements
from gateway.account.same_days import with_days
from gateway.account.sources import Energy
from gateway.cli.statement import METHODS, statement
from gateway.cli.statement_project import project_text

from .energies import PACIFIC, table, us
from .net_billing import account_text, flat, write_table

Hour = Callable[[datetime], tuple[int, int]]
"""Local time -> (import, export) watt-hours of the hour that begins then."""


def by_week(local: datetime) -> tuple[int, int]:
    """Something else at each hour of the week."""
    taken = 300 + 37 * local.weekday() + 11 * local.hour
    return (taken, 0) if not 9 <= local.hour < 16 else (50, 900 + 13 * local.weekday())


def hours(first: date, last: date, flow: Hour = by_week) -> EnergyTable:
    """Every hour of some local days."""
    start = us(f"{first}T00:00") // 1_000_000
    count = (us(f"{last + timedelta(days=1)}T00:00") // 1_000_000 - start) // 3600
    found = [flow(datetime.fromtimestamp(start + 3600 * at, UTC).astimezone(PACIFIC)) for at in range(count)]
    return table(f"{first}T00:00", 60, found)


def account(folder: Path, programme: str, choices: str = "") -> AccountFile:
    write_table(folder, flat("0.06", "0.01"))
    text = account_text(folder, programme=programme, pto=date(2025, 1, 1), choices=choices)
    (folder / "account.toml").write_text(
        text if programme == "nbt" else text.replace("made.toml", ""), encoding="utf-8"
    )
    return read_account(folder / "account.toml")


CHOICES = {"nem1": "", "nem2": 'netting_interval = "60min"', "nbt": 'acc_plus = "none"'}


@pytest.mark.parametrize(
    ("programme", "as_of"),
    [
        ("nem1", date(2026, 6, 30)),
        ("nem2", date(2026, 3, 8)),
        ("nem2", date(2026, 10, 31)),
        ("nbt", date(2026, 2, 10)),
        ("nbt", date(2026, 11, 1)),
    ],
)
def test_a_house_that_repeats_itself_is_foretold_to_the_cent(tmp_path: Path, programme: str, as_of: date) -> None:
    """Both nights of 2026 on which the clock is set lie ahead, or are the day itself, and those of 2025 behind."""
    known = account(tmp_path, programme, CHOICES[programme])
    energy = Energy(hours(date(2025, 1, 1), date(2026, 12, 31)), ())
    found = project(known, energy, as_of, Method.SAME_DAYS_LAST_YEAR)
    bills = [one for one in make_statements(known, energy).statements if one.slot.cycle.first_day.year == 2026]
    assert found.why_not == ""
    assert (found.first_day, found.closes) == (date(2026, 1, 1), date(2026, 12, 31))
    assert found.year_due == sum(one.due_now for one in bills)
    assert found.true_up_due == bills[-1].due_now
    assert found.days_estimated == (date(2026, 12, 31) - as_of).days
    assert found.days == 365


def test_by_hand(tmp_path: Path) -> None:
    """A kilowatt-hour at noon each day: 365 x 0.30 under nem1, of which 100 days have been."""
    energy = Energy(hours(date(2025, 1, 1), date(2026, 4, 10), noon), ())
    found = project(account(tmp_path, "nem1"), energy, date(2026, 4, 10), Method.SAME_DAYS_LAST_YEAR)
    assert found.energy_charges == Decimal("109.50")
    assert (found.days_estimated, found.days) == (265, 365)
    assert found.true_up_due == Decimal("109.50")


def noon(local: datetime) -> tuple[int, int]:
    """A kilowatt-hour at noon."""
    return 1000 * (local.hour == 12), 0


def test_what_has_not_been_is_not_looked_at(tmp_path: Path) -> None:
    """The same with a wild rest of the year in the table."""
    known, as_of = account(tmp_path, "nem1"), date(2026, 4, 10)

    def wild(local: datetime) -> tuple[int, int]:
        return noon(local) if local.date() <= as_of else (9000, 0)

    told = [
        project(known, Energy(hours(date(2025, 1, 1), date(2026, 12, 31), flow), ()), as_of, Method.SAME_DAYS_LAST_YEAR)
        for flow in (noon, wild)
    ]
    assert told[0] == told[1]


def test_without_the_year_before_there_is_none_and_the_reason(tmp_path: Path) -> None:
    energy = Energy(hours(date(2025, 3, 1), date(2026, 1, 31)), ())
    known = account(tmp_path, "nem1")
    text = (tmp_path / "account.toml").read_text(encoding="utf-8")
    (tmp_path / "account.toml").write_text(text.replace("2025-01-01", "2025-03-01"), encoding="utf-8")
    found = project(read_account(tmp_path / "account.toml"), energy, date(2025, 8, 31), Method.SAME_DAYS_LAST_YEAR)
    assert found.year_due is None
    assert found.why_not == "needs the twelve months before, and not all energy of 2024-09-02 is known"
    assert known.terms.id == "home"


def test_to_date_assumes_nothing(tmp_path: Path) -> None:
    """Three months of a kilowatt-hour at noon: 31, 28 and 31 days at 0.30, carried to the true-up."""
    energy = Energy(hours(date(2025, 1, 1), date(2026, 4, 10), noon), ())
    found = project(account(tmp_path, "nem1"), energy, date(2026, 4, 10), Method.TO_DATE)
    assert (found.energy_charges, found.true_up_due, found.closes) == (Decimal("27.00"), None, None)
    assert (found.days_estimated, found.days) == (0, 90)


def test_a_profile_of_the_users_own(tmp_path: Path) -> None:
    """Two kilowatt-hours at noon each day from the profile's year 2019: 100 x 0.30 and 265 x 0.60."""
    known = account(tmp_path, "nem1")
    energy = Energy(hours(date(2026, 1, 1), date(2026, 4, 10), noon), ())
    text = (tmp_path / "account.toml").read_text(encoding="utf-8").replace("2025-01-01", "2026-01-01")
    (tmp_path / "account.toml").write_text(text, encoding="utf-8")
    known = read_account(tmp_path / "account.toml")
    profile = hours(date(2019, 1, 1), date(2019, 12, 31), lambda local: (2000 * (local.hour == 12), 0))
    found = project(known, energy, date(2026, 4, 10), Method.PROFILE, profile)
    assert found.energy_charges == Decimal("189.00")
    short = hours(date(2019, 1, 1), date(2019, 11, 30))
    assert "needs a whole year" in project(known, energy, date(2026, 4, 10), Method.PROFILE, short).why_not
    assert "no profile" in project(known, energy, date(2026, 4, 10), Method.PROFILE).why_not


def by_year(local: datetime) -> tuple[int, int]:
    """At noon 1 kWh in 2025, 3 in 2026, 2 in 2027."""
    return {2025: 1000, 2026: 3000, 2027: 2000}[local.year] * (local.hour == 12), 0


def ranged(folder: Path) -> Projection:
    """Seen on 30 November 2027."""
    energy = Energy(hours(date(2025, 1, 1), date(2027, 11, 30), by_year), ())
    return project(account(folder, "nem1"), energy, date(2027, 11, 30), Method.SAME_DAYS_LAST_YEAR)


def test_a_range_needs_two_earlier_years(tmp_path: Path) -> None:
    """334 days of 2 kWh at 0.30 are 200.40. December's 31 days are those from 2 December 2026 to 1 January 2027, 30 of
    3 kWh and one of 2 (27.60); or from 3 December 2025 to 2 January 2026, 29 of 1 kWh and two of 3 (10.50).
    """
    both = ranged(tmp_path)
    assert both.year_due == Decimal("228.00")
    assert (both.low, both.high) == (Decimal("210.90"), Decimal("228.00"))


def test_one_earlier_year_gives_no_range(tmp_path: Path) -> None:
    energy = Energy(hours(date(2025, 1, 1), date(2026, 4, 10), noon), ())
    found = project(account(tmp_path, "nem1"), energy, date(2026, 4, 10), Method.SAME_DAYS_LAST_YEAR)
    assert (found.low, found.high) == (None, None)
    assert any("no range" in note for note in found.notes)


def test_prices_that_are_assumed_are_named(tmp_path: Path) -> None:
    found = ranged(tmp_path)
    assert any("prices are assumed to stay as version" in note for note in found.notes)


def test_a_year_that_is_known_in_part_is_told(tmp_path: Path) -> None:
    """Energy from March on, the year since January: nobody knows what it began with."""
    energy = Energy(hours(date(2025, 3, 1), date(2025, 8, 31)), ())
    found = project(account(tmp_path, "nem1"), energy, date(2025, 8, 31), Method.SAME_DAYS_LAST_YEAR)
    assert "no Relevant Period that runs on 2025-09-01 is known to its end" in found.why_not
    assert found.year_due is None


@pytest.mark.parametrize(
    ("day", "model", "count"),
    [
        (date(2026, 3, 8), date(2025, 3, 9), 23),
        (date(2026, 3, 8), date(2026, 3, 1), 23),
        (date(2026, 3, 15), date(2026, 3, 8), 24),
        (date(2026, 11, 1), date(2025, 11, 2), 25),
        (date(2026, 11, 1), date(2026, 10, 25), 25),
        (date(2026, 11, 8), date(2026, 11, 1), 24),
        (date(2026, 11, 1), date(2026, 3, 8), 25),
    ],
)
def test_a_made_day_has_each_of_its_hours_once(day: date, model: date, count: int) -> None:
    """Each hour's import says the local hour of the row that it was copied from."""
    source = hours(model, model, lambda local: (1000 * local.hour + 1, 0))
    before = hours(day - timedelta(days=1), day - timedelta(days=1), lambda local: (0, 0))
    made = with_days(before, source, [(day, model)], PACIFIC)
    start, end = us(f"{day}T00:00"), us(f"{day + timedelta(days=1)}T00:00")
    rows = made.rows_in(start, end)
    assert rows.stop - rows.start == count
    assert made.holes(start, end) == ()
    shown = [datetime.fromtimestamp(int(one) // 1_000_000, UTC).astimezone(PACIFIC).hour for one in made.start_us[rows]]
    copied = [int(one) // 1_000_000 for one in made.flow_import.milliwh[rows]]
    lacking = 2 not in {int(one) // 1_000_000 for one in source.flow_import.milliwh}
    assert copied == [1 if hour == 2 and lacking else hour for hour in shown]


def run(folder: Path, made: EnergyTable, *more: str) -> Result:
    rows = ["meter,start,end,import_milliwh,export_milliwh"]
    for start, end, taken, gift in zip(
        made.start_us, made.end_us, made.flow_import.milliwh, made.flow_export.milliwh, strict=True
    ):
        times = [
            datetime.fromtimestamp(int(one) // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for one in (start, end)
        ]
        rows.append(f"grid,{times[0]},{times[1]},{taken},{gift}")
    (folder / "energy.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    paths = ["--account", str(folder / "account.toml"), "--energy", str(folder / "energy.csv")]
    return CliRunner().invoke(statement, [*paths, *more])


def test_on_own_history_the_error_is_shown(tmp_path: Path) -> None:
    """275 days of 2025 stand for those of 2026, when noon took twice as much from 1 June on: 214 x 0.30 too low."""
    account(tmp_path, "nem1")

    def more_from_june(local: datetime) -> tuple[int, int]:
        return noon(local)[0] * (2 if local.date() >= date(2026, 6, 1) else 1), 0

    made = hours(date(2025, 1, 1), date(2026, 12, 31), more_from_june)
    done = run(tmp_path, made, "--project", "same_days_last_year", "--as-of", "2026-03-31", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["year_due"], told["came_to"], told["error"]) == ("109.50", "173.70", "-64.20")
    text = "\n".join(project_text(told))
    assert "it came to" in text
    assert "off by -64.20" in text


def test_the_command_tells_why_there_is_none(tmp_path: Path) -> None:
    account(tmp_path, "nem1")
    made = hours(date(2025, 1, 1), date(2025, 3, 31), noon)
    done = run(tmp_path, made, "--project", "same_days_last_year")
    assert done.exit_code == 3
    assert "none: needs the twelve months before" in done.stdout
    wrong = run(tmp_path, made, "--project", "to_date", "--period", "1")
    assert wrong.exit_code == 2


def test_the_command_offers_every_method() -> None:
    assert tuple(one.value for one in Method) == METHODS


def test_what_the_true_up_says_is_told_before_it(tmp_path: Path) -> None:
    """A kilowatt-hour given each noon, 365 x 0.30 of credit, of which nem1 keeps no dollar."""
    energy = Energy(hours(date(2025, 1, 1), date(2026, 4, 10), lambda local: noon(local)[::-1]), ())
    found = project(account(tmp_path, "nem1"), energy, date(2026, 4, 10), Method.SAME_DAYS_LAST_YEAR)
    assert any(note.startswith("at the true-up: energy credits of 109.50 are left and lost") for note in found.notes)
