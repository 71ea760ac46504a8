"""Dates that cost money: from which day on they are told, with which amount, and that nothing is told without one."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.account.account_file import AccountFile, read_account
from gateway.account.cost_date import CostDate, What
from gateway.account.cost_dates import cost_dates
from gateway.account.projection import Method, project, year_on
from gateway.account.running import running
from gateway.account.sources import Energy

from .energies import us
from .net_billing import HEADER, account_text, flat, write_table
from .simple_tariff import simple_tariff
from .test_projection import hours

Flows = dict[What, CostDate]


def known(folder: Path, programme: str = "nem1", **changes: object) -> AccountFile:
    asked: dict[str, object] = {"prices": "", "choices": "", "pto": date(2025, 1, 1), **changes}
    text = account_text(folder, programme=programme, **asked)  # type: ignore[arg-type]
    (folder / "account.toml").write_text(text, encoding="utf-8")
    return read_account(folder / "account.toml")


def by_noon(local: datetime) -> tuple[int, int]:
    """A kilowatt-hour in at noon."""
    return 1000 * (local.hour == 12), 0


def given(local: datetime) -> tuple[int, int]:
    """A kilowatt-hour out at noon."""
    return 0, 1000 * (local.hour == 12)


def found(account: AccountFile, energy: Energy, day: date, method: Method = Method.TO_DATE) -> Flows:
    """Seen at the end of a day."""
    now = running(account, energy, us(f"{day + timedelta(days=1)}T00:00"))
    dates = cost_dates(account, energy, now, year_on(account, energy, day), project(account, energy, day, method))
    return {one.what: one for one in dates}


TWO_YEARS = Energy(hours(date(2025, 1, 1), date(2026, 12, 31), by_noon), ())
GIVEN = Energy(hours(date(2025, 1, 1), date(2026, 12, 31), given), ())


def test_a_true_up_is_told_from_sixty_days_before_it_on(tmp_path: Path) -> None:
    account = known(tmp_path)
    assert found(account, TWO_YEARS, date(2026, 10, 31)) == {}
    one = found(account, TWO_YEARS, date(2026, 11, 1))[What.TRUE_UP]
    assert (one.day, one.amount) == (date(2026, 12, 31), None)
    assert "not projected" in one.why


def test_with_a_projection_it_has_its_amount(tmp_path: Path) -> None:
    """365 kWh at 0.30."""
    one = found(known(tmp_path), TWO_YEARS, date(2026, 11, 20), Method.SAME_DAYS_LAST_YEAR)[What.TRUE_UP]
    assert (one.day, one.amount) == (date(2026, 12, 31), Decimal("109.50"))


@pytest.mark.parametrize(("day", "amount"), [(date(2026, 12, 16), "105.00"), (date(2026, 12, 31), "109.50")])
def test_in_the_closing_bill_a_true_up_has_what_the_year_came_to_so_far(day: date, amount: str, tmp_path: Path) -> None:
    """350 noons at 0.30, and all 365 on the last evening: nothing of it is projected."""
    one = found(known(tmp_path), TWO_YEARS, day)[What.TRUE_UP]
    assert (one.day, one.amount) == (date(2026, 12, 31), Decimal(amount))
    assert one.why == "the Relevant Period from 2026-01-01 ends; its closing bill: by the year to date"


def test_credit_that_a_true_up_takes_is_told_before_it(tmp_path: Path) -> None:
    """365 kWh given at 0.30 and nothing taken: 109.50 of credit, and nem1 carries no dollars over."""
    account = known(tmp_path)
    one = found(account, GIVEN, date(2026, 11, 20), Method.SAME_DAYS_LAST_YEAR)[What.CREDIT_ZEROED]
    assert (one.day, one.amount) == (date(2026, 12, 31), Decimal("109.50"))
    # Without a projection it is told in the closing bill, of the year to date: 350 days up to 16 December.
    assert What.CREDIT_ZEROED not in found(account, GIVEN, date(2026, 11, 20))
    to_date = found(account, GIVEN, date(2026, 12, 16))[What.CREDIT_ZEROED]
    assert to_date.amount == Decimal("105.00")
    assert "year to date" in to_date.why
    # Who owes loses nothing.
    assert What.CREDIT_ZEROED not in found(account, TWO_YEARS, date(2026, 12, 16))


@pytest.mark.parametrize(("day", "is_told"), [(date(2026, 3, 8), False), (date(2026, 3, 9), True)])
def test_a_vintage_ends_twenty_years_from_permission_to_operate(tmp_path: Path, day: date, is_told: bool) -> None:
    """Permission on 10 March 2007: the last day is 9 March 2027, told from a year before it on."""
    account = known(tmp_path, pto=date(2007, 3, 10), application=date(2007, 1, 1))
    text = (tmp_path / "account.toml").read_text(encoding="utf-8")
    text = text.replace("months = true", "months = true\nanniversary = 2026-01-01")
    (tmp_path / "account.toml").write_text(text.replace("from = 2007-03-10", "from = 2025-01-01"), encoding="utf-8")
    account = read_account(tmp_path / "account.toml")
    dates = found(account, TWO_YEARS, day)
    assert (What.VINTAGE_ENDS in dates) == is_told
    if is_told:
        assert dates[What.VINTAGE_ENDS].day == date(2027, 3, 9)


def test_permission_from_before_the_programme_was_there_has_no_end_and_no_error(tmp_path: Path) -> None:
    """NEM 2.0 begins in 2016."""
    known(tmp_path, "nem2", pto=date(2006, 9, 1), application=date(2006, 1, 1), choices='netting_interval = "60min"')
    text = (tmp_path / "account.toml").read_text(encoding="utf-8")
    text = text.replace("months = true", "months = true\nanniversary = 2026-01-01")
    (tmp_path / "account.toml").write_text(text.replace("from = 2006-09-01", "from = 2025-01-01"), encoding="utf-8")
    assert found(read_account(tmp_path / "account.toml"), TWO_YEARS, date(2026, 2, 10)) == {}


def test_a_price_lock_and_a_table_that_ends(tmp_path: Path) -> None:
    """Nine years from 1 April 2017: the last locked day is 31 March 2026. A table without a lock ends with itself."""
    header = HEADER + "applications_from = 2016-01-01\napplications_to = 2017-12-31\nlock_years = 9\n"
    write_table(tmp_path, flat(), header)
    locked = known(
        tmp_path,
        "nbt",
        prices="made.toml",
        choices='acc_plus = "none"',
        pto=date(2017, 4, 1),
        application=date(2017, 1, 1),
    )
    text = (tmp_path / "account.toml").read_text(encoding="utf-8")
    (tmp_path / "account.toml").write_text(text.replace("from = 2017-04-01", "from = 2025-01-01"), encoding="utf-8")
    locked = read_account(tmp_path / "account.toml")
    dates = found(locked, TWO_YEARS, date(2026, 2, 10))
    assert dates[What.PRICE_LOCK_ENDS].day == date(2026, 3, 31)
    assert What.EXPORT_PRICES_END not in dates
    write_table(tmp_path, flat(), HEADER.replace("2027-12-31", "2026-12-31"))
    open_ended = replace(locked)
    assert found(open_ended, TWO_YEARS, date(2026, 10, 1)) == {}
    assert found(open_ended, TWO_YEARS, date(2026, 11, 15))[What.EXPORT_PRICES_END].day == date(2026, 12, 31)


def test_a_tariff_whose_next_version_is_missing(tmp_path: Path) -> None:
    """Its one version ends on 30 September 2026; told from 60 days before on, and not where another follows."""
    path = Path(simple_tariff(tmp_path))
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("effective = 2024-01-01", "effective = 2024-01-01\nlast_day = 2026-09-30"))
    account = known(tmp_path, tariff=str(path))
    assert What.TARIFF_ENDS not in found(account, TWO_YEARS, date(2026, 7, 31))
    assert found(account, TWO_YEARS, date(2026, 8, 1))[What.TARIFF_ENDS].day == date(2026, 9, 30)
    version = path.read_text(encoding="utf-8").split("[[version]]")[1]
    later = version.replace("2024-01-01\nlast_day = 2026-09-30", "2026-10-01")
    path.write_text(path.read_text(encoding="utf-8") + "[[version]]" + later)
    again = known(tmp_path, tariff=str(path))
    assert What.TARIFF_ENDS not in found(again, TWO_YEARS, date(2026, 8, 1))
