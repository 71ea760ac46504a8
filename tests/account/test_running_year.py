"""The year that runs: a hole in an earlier bill, its last day, a first year by read dates, the closing bill in two.

All by hand on a kilowatt-hour at noon each day, at 0.30 USD, with 0.25 USD a day that is due with each bill.
"""

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.account.account_file import AccountFile, read_account
from gateway.account.cost_date import What
from gateway.account.dates_to_come import months_after
from gateway.account.energy import EnergyTable, Flags, Flow
from gateway.account.projection import Method, came_to, project, year_on
from gateway.account.reckon import make_statements
from gateway.account.sources import Energy
from gateway.cli.account import reckoned

from .energies import us
from .net_billing import account_text
from .simple_tariff import simple_tariff
from .test_cost_dates import found as dates_on
from .test_projection import hours, run
from .test_timeline import FIRSTS

STANDING = '[version.fixed_per_day]\nbase = "0.25"\n'


def noon(local: datetime) -> tuple[int, int]:
    """A kilowatt-hour at noon."""
    return 1000 * (local.hour == 12), 0


def known(folder: Path, *, pto: date = date(2025, 1, 1), read: tuple[date, ...] = (), more: str = "") -> AccountFile:
    tariff = simple_tariff(folder, more=STANDING)
    text = account_text(folder, programme="nem1", prices="", choices="", pto=pto, tariff=tariff, more=more)
    if read:
        dates = f'read_dates = [{", ".join(map(str, read))}]\nread_day = "first_day"'
        text = text.replace("months = true", dates)
    (folder / "account.toml").write_text(text, encoding="utf-8")
    return read_account(folder / "account.toml")


def without(table: EnergyTable, first: str, until: str) -> EnergyTable:
    """The table with no rows of that time: nothing is known of it."""
    keep = (table.start_us < us(first)) | (table.start_us >= us(until))
    assert 0 < keep.sum() < len(keep)
    columns = {name: getattr(table, name)[keep] for name in ("start_us", "end_us", "estimated")}
    flows = {name: flow_of(getattr(table, name), keep) for name in ("flow_import", "flow_export")}
    return replace(table, **columns, **flows)


def flow_of(flow: Flow, keep: Flags) -> Flow:
    return Flow(*(getattr(flow, name)[keep] for name in Flow.__slots__))


TWO_YEARS = hours(date(2025, 1, 1), date(2026, 12, 31), noon)
HOLED = without(TWO_YEARS, "2026-02-10T00:00", "2026-02-13T00:00")
"""Three days of February 2026 of which nothing is known."""


def test_a_hole_in_an_earlier_bill_is_told_with_the_projection(tmp_path: Path) -> None:
    """The bill of February (the 14th) lacks three noons: the year is 362 x 0.30 and 365 x 0.25, and says so."""
    account, energy = known(tmp_path), Energy(HOLED, ())
    found = project(account, energy, date(2026, 9, 30), Method.SAME_DAYS_LAST_YEAR)
    assert not found.is_whole
    assert found.year_due == Decimal("108.60") + Decimal("91.25")
    told = [note for note in found.notes if "not all energy of bill 14 (2026-02-01 to 2026-02-28) is known" in note]
    assert len(told) == 1
    assert "2026-02-10" in told[0]
    whole = project(account, Energy(TWO_YEARS, ()), date(2026, 9, 30), Method.SAME_DAYS_LAST_YEAR)
    assert whole.is_whole
    assert not [note for note in whole.notes if "not all energy" in note]


def test_to_date_tells_it_too(tmp_path: Path) -> None:
    found = project(known(tmp_path), Energy(HOLED, ()), date(2026, 4, 10), Method.TO_DATE)
    assert not found.is_whole
    assert "not all energy of bill 14" in found.notes[0]


@pytest.mark.parametrize(
    ("method", "as_of"),
    [("same_days_last_year", "2026-09-30"), ("same_days_last_year", "2026-01-31"), ("to_date", "2026-04-10")],
)
def test_the_command_ends_with_three_over_a_hole(tmp_path: Path, method: str, as_of: str) -> None:
    """Also where the hole is ahead of the day of asking, and only what the year came to is not known."""
    known(tmp_path)
    done = run(tmp_path, HOLED, "--project", method, "--as-of", as_of, "--json")
    assert done.exit_code == 3, done.output
    told = json.loads(done.stdout)
    assert (told["came_to"], told["error"]) == (None, None)
    assert told["is_whole"] == (as_of == "2026-01-31")
    if method != "to_date":
        assert "not all energy of bill 14 (2026-02-01 to 2026-02-28)" in told["came_to_why_not"]
    text = run(tmp_path, HOLED, "--project", method, "--as-of", as_of).stdout
    assert ("INCOMPLETE" in text) == (as_of != "2026-01-31")
    assert "not all energy of bill 14" in text


def test_a_year_that_closes_with_a_hole_has_come_to_nothing_that_is_known(tmp_path: Path) -> None:
    """The whole one came to 365 x 0.30 and 365 x 0.25."""
    account = known(tmp_path)
    found = project(account, Energy(TWO_YEARS, ()), date(2026, 9, 30), Method.SAME_DAYS_LAST_YEAR)
    assert came_to(account, Energy(TWO_YEARS, ()), found).year_due == Decimal("200.75")
    for holed in (HOLED, without(TWO_YEARS, "2026-12-05T00:00", "2026-12-06T00:00")):
        outcome = came_to(account, Energy(holed, ()), found)
        assert outcome.year_due is None
        assert "not all energy of bill" in outcome.why_not


def test_the_running_account_tells_a_hole_in_its_year(tmp_path: Path) -> None:
    """In April, of which all is known; in the year after it is forgotten."""
    account, energy = known(tmp_path), Energy(HOLED, ())
    told = reckoned(account, energy, us("2026-04-10T00:00"), Method.TO_DATE)
    assert (told["is_whole"], told["year_is_whole"]) == (1, 0)
    assert "not all energy of bill 14" in told["notes"]
    assert "not all energy of bill 14" in told["assumed"]
    assert told["carried_in_year_cents"] == 2880  # 96 noons: 99 up to 9 April, less three
    before = reckoned(account, energy, us("2026-01-20T00:00"), Method.TO_DATE)
    assert (before["is_whole"], before["year_is_whole"], before["notes"]) == (1, 1, None)
    longer = without(hours(date(2025, 1, 1), date(2027, 1, 20), noon), "2026-02-10T00:00", "2026-02-13T00:00")
    after = reckoned(account, Energy(longer, ()), us("2027-01-20T00:00"), Method.TO_DATE)
    assert (after["is_whole"], after["year_is_whole"], after["notes"]) == (1, 1, None)


LAST_DAY = date(2026, 12, 31)


@pytest.mark.parametrize(
    ("day", "year"),
    [
        (date(2026, 12, 30), (date(2026, 1, 1), LAST_DAY)),
        (LAST_DAY, (date(2026, 1, 1), LAST_DAY)),
        (date(2027, 1, 1), (date(2027, 1, 1), date(2027, 12, 31))),
    ],
)
def test_the_last_day_of_a_year_is_in_it(tmp_path: Path, day: date, year: tuple[date, date]) -> None:
    assert year_on(known(tmp_path), Energy(TWO_YEARS, ()), day) == year


@pytest.mark.parametrize(
    ("at", "estimated", "closes"),
    [
        # Seen at midnight, the 31st counted: nothing of the year is estimated any more.
        ("2026-12-31T00:00", 1, "2026-12-31"),
        ("2026-12-31T18:00", 1, "2026-12-31"),
        ("2027-01-01T00:00", 0, "2026-12-31"),
        ("2027-01-01T01:00", 365, "2027-12-31"),
    ],
)
def test_on_its_last_day_the_account_tells_of_the_year_that_ends(
    tmp_path: Path, at: str, estimated: int, closes: str
) -> None:
    """365 noons at 0.30 and December's 31 days at 0.25: the year and what is projected of it are one and the same."""
    energy = Energy(hours(date(2025, 1, 1), date(2027, 1, 2), noon), ())
    told = reckoned(known(tmp_path), energy, us(at), Method.SAME_DAYS_LAST_YEAR)
    assert (told["year_last_day"], told["estimated_days"]) == (closes, estimated)
    assert told["projected_true_up_cents"] == 10950 + 775
    assert told["projected_bill_cents"] == 775
    assert told["projected_bill_last_day"] == ("2026-12-31" if closes.startswith("2026") else "2027-01-31")
    what = [one["what"] for one in told["dates"]]
    assert what == (["true_up"] if closes.startswith("2026") else [])


def test_at_midnight_the_projected_bill_is_the_one_that_runs(tmp_path: Path) -> None:
    """January's last evening: January's bill of 31 x 0.25, not February's of 28."""
    told = reckoned(known(tmp_path), Energy(TWO_YEARS, ()), us("2026-02-01T00:00"), Method.SAME_DAYS_LAST_YEAR)
    assert (told["period_first_day"], told["projected_bill_last_day"]) == ("2026-01-01", "2026-01-31")
    assert told["projected_bill_cents"] == 775


READ = tuple(date(2025, month, 5) for month in range(1, 13))
"""Twelve dates: eleven bills and the beginning of the twelfth."""


@pytest.mark.parametrize("count", [12, 3])
def test_in_the_first_year_the_reading_days_to_come_are_taken_a_month_apart(tmp_path: Path, count: int) -> None:
    """Read on the 5th since permission on 5 January 2025: the twelfth bill ends on 4 January 2026."""
    account = known(tmp_path, pto=READ[0], read=READ[:count])
    energy = Energy(hours(date(2024, 1, 1), date(2025, 12, 10), noon), ())
    assert year_on(account, energy, date(2025, 12, 10)) == (READ[0], date(2026, 1, 4))
    dates = dates_on(account, energy, date(2025, 12, 10))
    assert dates[What.TRUE_UP].day == date(2026, 1, 4)


def test_and_that_is_told(tmp_path: Path) -> None:
    """365 noons at 0.30 from 5 January on, and 365 days at 0.25."""
    account = known(tmp_path, pto=READ[0], read=READ)
    energy = Energy(hours(date(2024, 1, 1), date(2025, 12, 10), noon), ())
    found = project(account, energy, date(2025, 12, 10), Method.SAME_DAYS_LAST_YEAR)
    assert found.why_not == ""
    assert found.year_due == Decimal("109.50") + Decimal("91.25")
    assert [note for note in found.notes if "reading days after 2025-12-05 are not in the account yet" in note]
    assert "one a month after the last that is known" in "; ".join(found.notes)
    one = dates_on(account, energy, date(2025, 12, 10))[What.TRUE_UP]
    assert "reading days after 2025-12-05 are not in the account yet" in one.why


def test_credit_that_the_first_true_up_takes_is_told(tmp_path: Path) -> None:
    """A kilowatt-hour given each noon since 5 January: 340 up to 10 December, at 0.30 102.00, which nem1 loses."""

    def given(local: datetime) -> tuple[int, int]:
        return 0, 1000 * (local.hour == 12)

    account = known(tmp_path, pto=READ[0], read=READ)
    energy = Energy(hours(date(2025, 1, 5), date(2025, 12, 10), given), ())
    one = dates_on(account, energy, date(2025, 12, 10))[What.CREDIT_ZEROED]
    assert (one.day, one.amount) == (date(2026, 1, 4), Decimal("102.00"))


def test_dates_to_come_make_no_bill(tmp_path: Path) -> None:
    """Eleven bills have ended, whatever a projection takes for the day of the twelfth."""
    account = known(tmp_path, pto=READ[0], read=READ)
    energy = Energy(hours(date(2025, 1, 5), date(2026, 2, 10), noon), ())
    assert len(make_statements(account, energy).statements) == 11


@pytest.mark.parametrize(
    ("months", "day"),
    [
        (0, date(2027, 12, 31)),
        (1, date(2028, 1, 31)),
        (2, date(2028, 2, 29)),
        (4, date(2028, 4, 30)),
        (14, date(2029, 2, 28)),
    ],
)
def test_a_month_that_is_too_short_has_its_last_day(months: int, day: date) -> None:
    assert months_after(date(2027, 12, 31), months) == day


TAXES = """
[[charge]]
name = "tax"
percent = "7.5"
source = "city"
from = 2025-01-01
[[charge]]
name = "surcharge"
per_kwh = "0.00030"
of = "year_net"
source = "state"
from = 2025-01-01
[[charge]]
name = "fee of the month"
amount = "1.00"
source = "city"
from = 2026-12-05
"""


def test_the_closing_bill_and_its_true_up_each_have_their_own_taxes(tmp_path: Path) -> None:
    """December: 31 x 0.25 = 7.75 is due, with the fee of 1.00 and 7.5 % of 7.75 = 0.58125: 0.58. Together 9.33.

    The statement asks besides 365 x 0.30 = 109.50 of adjustment, 365 x 0.00030 = 0.1095: 0.11, and its tax is 7.5 % of
    7.75 + 109.50 = 117.25, 8.79375: 8.79, of which 0.58 are the cycle's. 109.50 + 0.11 + 8.21 = 117.82.
    """
    account, energy = known(tmp_path, more=TAXES), Energy(TWO_YEARS, ())
    told = reckoned(account, energy, us("2027-01-01T00:00"), Method.TO_DATE)
    assert (told["due_cents"], told["true_up_cents"]) == (933, 11782)
    bill = make_statements(account, energy).statements[-1]
    assert bill.due_now == Decimal("127.15")
    assert told["due_cents"] + told["true_up_cents"] == 12715
    projected = reckoned(account, energy, us("2026-12-20T00:00"), Method.SAME_DAYS_LAST_YEAR)
    assert (projected["projected_bill_cents"], projected["projected_true_up_cents"]) == (933, 12715)


def test_a_bill_without_a_true_up_has_no_part_of_one(tmp_path: Path) -> None:
    """April: 10 x 0.25 = 2.50 and 7.5 % of it, 0.1875: 0.19."""
    told = reckoned(known(tmp_path, more=TAXES), Energy(TWO_YEARS, ()), us("2026-04-11T00:00"), Method.TO_DATE)
    assert (told["due_cents"], told["true_up_cents"]) == (269, None)


def test_a_year_that_is_not_known_from_its_first_day_has_no_part_either(tmp_path: Path) -> None:
    """Energy since March, and the year since January: no true-up, which is not one of 0.00. 31 x 0.25 = 7.75."""
    known(tmp_path)
    text = (tmp_path / "account.toml").read_text(encoding="utf-8")
    text = text.replace("months = true", "months = true\nanniversary = 2026-01-01")
    (tmp_path / "account.toml").write_text(text, encoding="utf-8")
    energy = Energy(hours(date(2025, 3, 1), date(2025, 12, 31), noon), ())
    told = reckoned(read_account(tmp_path / "account.toml"), energy, us("2026-01-01T00:00"), Method.TO_DATE)
    assert (told["due_cents"], told["true_up_cents"]) == (775, None)


def test_with_what_the_running_bill_closes_the_statement_agrees_every_day(tmp_path: Path) -> None:
    """The two parts are one statement's, on each evening of the closing bill."""
    account = known(tmp_path, more=TAXES)
    for day in range(0, 31, 5):
        at = date(2026, 12, 1) + timedelta(days=day)
        told = reckoned(account, Energy(TWO_YEARS, ()), us(f"{at + timedelta(days=1)}T00:00"), Method.TO_DATE)
        noons = (at - date(2025, 12, 31)).days
        days = at.day
        base = Decimal(25 * days)
        adjustment = Decimal(30 * noons)
        fee = 100 if days >= 5 else 0
        tax = ((base + adjustment) * 75 / 1000).quantize(Decimal(1), "ROUND_HALF_UP")
        year_net = (Decimal(noons) * 3 / 100).quantize(Decimal(1), "ROUND_HALF_UP")
        assert told["due_cents"] + told["true_up_cents"] == base + adjustment + fee + tax + year_net


ALL_READ = tuple(date(year, month, 5) for year in (2025, 2026) for month in range(1, 13))


@pytest.mark.parametrize("read", [(), ALL_READ, ALL_READ[:14]])
@pytest.mark.parametrize("anniversary", ["2026-03", "2025-03"])
def test_an_anniversary_that_is_ahead_counts_like_the_one_before(
    tmp_path: Path, read: tuple[date, ...], anniversary: str
) -> None:
    """Twelve bills from March on; seen on the evening of 20 February, with the closing bill of calendar months."""
    known(tmp_path, pto=date(2024, 6, 1), read=read)
    path = tmp_path / "account.toml"
    day = f"{anniversary}-{'05' if read else '01'}"
    text = path.read_text(encoding="utf-8").replace("[billing]", f"[billing]\nanniversary = {day}")
    path.write_text(text, encoding="utf-8")
    energy = Energy(hours(date(2025, 1, 5), date(2026, 2, 20), noon), ())
    told = reckoned(read_account(path), energy, us("2026-02-21T00:00"), Method.TO_DATE)
    first = date(2025, 3, 5) if read else date(2025, 3, 1)
    noons = (date(2026, 2, 20) - first).days + 1
    assert told["year_first_day"] == str(first)
    assert told["carried_in_year_cents"] == 30 * noons
    assert told["true_up_cents"] == 30 * noons


READ_UNLIKE_LAST_YEAR = tuple(map(date.fromisoformat, FIRSTS))


@pytest.mark.parametrize("count", [13, 16])
def test_an_anniversary_that_is_not_last_years_day_is_taken_as_stated(tmp_path: Path, count: int) -> None:
    """The year began on 9 April 2025 and ends on 9 April 2026, also while readings are known to 9 January alone.

    The evening of 20 January is its 287th: 287 x 0.30 = 86.10 to carry; the tenth bill has 12 days, 12 x 0.25 = 3.00.
    """
    known(tmp_path, pto=date(2024, 6, 1), read=READ_UNLIKE_LAST_YEAR[:count])
    path = tmp_path / "account.toml"
    text = path.read_text(encoding="utf-8").replace("[billing]", "[billing]\nanniversary = 2026-04-10")
    path.write_text(text, encoding="utf-8")
    energy = Energy(hours(date(2025, 1, 10), date(2026, 1, 20), noon), ())
    told = reckoned(read_account(path), energy, us("2026-01-21T00:00"), Method.TO_DATE)
    assert (told["carried_in_year_cents"], told["due_cents"], told["true_up_cents"]) == (8610, 300, None)
    assert (told["year_first_day"], told["year_last_day"]) == ("2025-04-09", "2026-04-09")
    assert make_statements(read_account(path), energy).statements[-1].slot.number == 9


def test_an_anniversary_ahead_of_a_year_that_began_before_the_account(tmp_path: Path) -> None:
    """The year ends in June; energy since March: no bill is the twelfth, and none has a true-up."""
    known(tmp_path, pto=date(2024, 6, 1))
    path = tmp_path / "account.toml"
    text = path.read_text(encoding="utf-8").replace("[billing]", "[billing]\nanniversary = 2025-07-01")
    path.write_text(text, encoding="utf-8")
    energy = Energy(hours(date(2025, 3, 1), date(2025, 5, 10), noon), ())
    told = reckoned(read_account(path), energy, us("2025-05-11T00:00"), Method.TO_DATE)
    assert (told["period_first_day"], told["true_up_cents"]) == ("2025-05-01", None)


def test_a_year_that_an_opening_states_began_with_its_last_true_up(tmp_path: Path) -> None:
    """The gateway's first bill is of April; the year that ends in December began in January, and is told so."""
    opening = "[opening]\nas_of = 2026-04-01\nlast_true_up = 2026-01-01\ncycles = 3\n"
    account = known(tmp_path, pto=date(2024, 7, 1), more=opening)
    energy = Energy(hours(date(2026, 4, 1), date(2026, 12, 10), noon), ())
    told = reckoned(account, energy, us("2026-12-11T00:00"), Method.TO_DATE)
    assert (told["year_first_day"], told["year_last_day"]) == ("2026-01-01", "2026-12-31")
    assert "the Relevant Period from 2026-01-01 ends" in dates_on(account, energy, date(2026, 12, 10))[What.TRUE_UP].why


@pytest.mark.parametrize(("until", "is_told"), [("2026-12-01", False), ("2026-12-17", True)])
def test_a_payment_for_surplus_without_a_rate_is_told_beside_a_true_up_of_nothing(
    tmp_path: Path, until: str, *, is_told: bool
) -> None:
    """A kilowatt-hour given each noon: 350 to the evening of 16 December, a month without a published rate."""
    given = hours(date(2026, 1, 1), date(2026, 12, 31), lambda local: (0, 1000 * (local.hour == 12)))
    told = reckoned(known(tmp_path, pto=date(2026, 1, 1)), Energy(given, ()), us(f"{until}T00:00"), Method.TO_DATE)
    assert told["true_up_cents"] == (0 if is_told else None)
    assert ("in no sum: Net surplus compensation for 350" in (told["notes"] or "")) == is_told


def test_without_net_metering_there_is_no_true_up_to_tell(tmp_path: Path) -> None:
    """Twelve bills of a year all the same."""
    known(tmp_path)
    path = tmp_path / "account.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('name = "nem1"', 'name = "plain"'), encoding="utf-8")
    assert dates_on(read_account(path), Energy(TWO_YEARS, ()), date(2026, 12, 10)) == {}


def test_before_permission_to_operate_no_year_runs(tmp_path: Path) -> None:
    """Permission is on 1 September 2026: on 31 August no Relevant Period runs, from then on it ends in August 2027."""
    known(tmp_path, pto=date(2025, 1, 1))
    path = tmp_path / "account.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("pto = 2025-01-01", "pto = 2026-09-01"), encoding="utf-8")
    account, energy = read_account(path), Energy(hours(date(2026, 1, 1), date(2026, 9, 10), noon), ())
    assert year_on(account, energy, date(2026, 8, 31)) is None
    assert year_on(account, energy, date(2026, 9, 1)) == (date(2026, 9, 1), date(2027, 8, 31))
    told = project(account, energy, date(2026, 8, 15), Method.SAME_DAYS_LAST_YEAR)
    assert "no Relevant Period that runs on 2026-08-16 is known" in told.why_not
