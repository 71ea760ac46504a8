"""When protections and known prices end: an enlarged plant's own years, MCE's vintage, ACC Plus, files of prices."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.account.account_file import AccountFile, read_account
from gateway.account.cost_date import CostDate, What
from gateway.account.cost_dates import cost_dates
from gateway.account.price_series import series_of
from gateway.account.projection import Method, project
from gateway.account.running import running
from gateway.account.sources import Energy

from . import mce
from .energies import us
from .net_billing import HEADER, account_text, flat, write_table
from .test_cost_dates import by_noon, found, given
from .test_projection import hours

Flows = dict[What, CostDate]


def written(folder: Path, text: str, *changes: tuple[str, str]) -> AccountFile:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "account.toml").write_text(text, encoding="utf-8")
    return read_account(folder / "account.toml")


def told_on(account: AccountFile, day: date, energy: Energy | None = None) -> Flows:
    """Seen at the end of a day; energy of the month up to it unless some is given."""
    energy = energy or Energy(hours(day.replace(day=1), day, by_noon), ())
    now = running(account, energy, us(f"{day + timedelta(days=1)}T00:00"))
    dates = cost_dates(account, energy, now, None, project(account, energy, day, Method.TO_DATE))
    return {one.what: one for one in dates}


ENLARGED = "[[generator.enlargement]]\nday = 2018-06-01\nadded_kw = '4'\n"


def enlarged(folder: Path, more: str = ENLARGED) -> AccountFile:
    """5 kW of NEM 1.0 since 10 March 2010; 4 kW more on 1 June 2018, which is NEM 2.0."""
    text = account_text(
        folder,
        programme="nem2",
        prices="",
        choices='netting_interval = "60min"',
        pto=date(2010, 3, 10),
        application=date(2010, 1, 5),
        more=more,
    )
    earlier = '[[programme]]\nname = "nem1"\nfrom = 2010-03-10\n[[programme]]\nname = "nem2"\nfrom = 2018-06-01'
    return written(folder, text, ('[[programme]]\nname = "nem2"\nfrom = 2010-03-10', earlier))


@pytest.mark.parametrize(
    ("day", "until"),
    [(date(2029, 5, 31), None), (date(2029, 6, 1), None), (date(2037, 5, 30), None), (date(2037, 5, 31), "2038-05-31")],
)
def test_a_vintage_that_an_enlargement_began_has_its_own_twenty_years(
    tmp_path: Path, day: date, until: str | None
) -> None:
    """From 1 June 2018: the last day is 31 May 2038. By permission (2010) it was told as 2030 from 2029 on."""
    one = told_on(enlarged(tmp_path), day).get(What.VINTAGE_ENDS)
    assert (None if one is None else str(one.day)) == until
    assert one is None or "nbt begins: 20 years from 2018-06-01" in one.why


def test_an_enlargement_that_is_planned_ends_a_vintage(tmp_path: Path) -> None:
    """1 kW is the most that 5 kW may grow by: with 4 kW from 1 September 2026 on, 31 August is the last day of nem1."""
    text = account_text(
        tmp_path,
        programme="nem1",
        prices="",
        choices="",
        pto=date(2010, 3, 10),
        application=date(2010, 1, 5),
        more="[[generator.enlargement]]\nday = 2026-09-01\nadded_kw = '4'\n",
    )
    one = told_on(written(tmp_path, text), date(2026, 7, 31))[What.VINTAGE_ENDS]
    assert one.day == date(2026, 8, 31)
    assert "nem1 ends, and nbt begins: 4 kW added to 5 kW: more than 1 kW" in one.why
    small = written(tmp_path, text, ("added_kw = '4'", "added_kw = '1'"))
    assert What.VINTAGE_ENDS not in told_on(small, date(2026, 7, 31))


@pytest.mark.parametrize(("day", "is_told"), [(date(2041, 1, 8), False), (date(2041, 1, 9), True)])
def test_behind_mce_the_utilitys_vintage_ends(tmp_path: Path, day: date, is_told: bool) -> None:
    """NEM 2.0 of 10 January 2022, with MCE: the last day is 9 January 2042."""
    text = mce.account_text(tmp_path, date(2022, 1, 10), choices={"netting_interval": "60min"})
    dates = told_on(written(tmp_path, text), day)
    assert (What.VINTAGE_ENDS in dates) == is_told
    if is_told:
        assert dates[What.VINTAGE_ENDS].day == date(2042, 1, 9)


def test_a_suppliers_tariff_whose_next_version_is_missing(tmp_path: Path) -> None:
    """Its one version ends on 30 June 2026; told from 60 days before, 1 May, on."""
    text = mce.account_text(tmp_path, date(2022, 1, 10), choices={"netting_interval": "60min"})
    path = tmp_path / "mce-made.toml"
    ends = path.read_text(encoding="utf-8").replace(
        "effective = 2020-01-01", "effective = 2020-01-01\nlast_day = 2026-06-30"
    )
    path.write_text(ends, encoding="utf-8")
    account = written(tmp_path, text)
    assert What.SUPPLIER_TARIFF_ENDS not in told_on(account, date(2026, 4, 30))
    dates = told_on(account, date(2026, 5, 1))
    assert dates[What.SUPPLIER_TARIFF_ENDS].day == date(2026, 6, 30)
    assert "the supplier's tariff mce-made" in dates[What.SUPPLIER_TARIFF_ENDS].why
    assert What.TARIFF_ENDS not in dates


@pytest.mark.parametrize(("day", "is_told"), [(date(2026, 5, 16), False), (date(2026, 5, 17), True)])
def test_files_of_prices_by_time_that_end(tmp_path: Path, day: date, is_told: bool) -> None:
    """The last step ends with 31 May 2026; told from 14 days before on."""
    text = account_text(tmp_path, programme="net_billing", prices="", choices="", pto=date(2026, 1, 1))
    account = written(tmp_path, text)
    series = series_of("prices.csv", [us("2026-01-01T00:00")], [Decimal("0.05")], us("2026-06-01T00:00"))
    for what, energy in (
        (What.EXPORT_PRICES_END, Energy(MAY, (), export_prices=series)),
        (What.IMPORT_PRICES_END, Energy(MAY, (), import_prices=series)),
    ):
        dates = told_on(account, day, energy)
        assert {one for one in dates if one.value.endswith("prices_end")} == ({what} if is_told else set())
        if is_told:
            assert dates[what].day == date(2026, 5, 31)
            assert "prices.csv end" in dates[what].why


MAY = hours(date(2026, 5, 1), date(2026, 5, 31), by_noon)


def test_acc_plus_ends_nine_years_from_permission(tmp_path: Path) -> None:
    """Permission on 20 April 2024: its last day is 19 April 2033, told from a year before on; without it nothing is."""
    header = HEADER.replace("2025-01-01", "2032-01-01").replace("2027-12-31", "2033-12-31")
    write_table(tmp_path, flat(), header, range(2032, 2034))
    text = account_text(tmp_path, pto=date(2024, 4, 20), application=date(2024, 1, 2), choices="")
    account = written(tmp_path, text)
    assert What.BONUS_ENDS not in told_on(account, date(2032, 4, 18))
    one = told_on(account, date(2032, 4, 19))[What.BONUS_ENDS]
    assert (one.day, one.why) == (date(2033, 4, 19), "ACC Plus of 0.01760 per exported kWh ends")
    without = written(tmp_path, text, ("[choices]\n", '[choices]\nacc_plus = "none"\n'))
    assert What.BONUS_ENDS not in told_on(without, date(2032, 4, 19))


def locked(folder: Path) -> AccountFile:
    """Net billing since 2025 at prices that are locked to 31 March 2026."""
    header = HEADER + "applications_from = 2016-01-01\napplications_to = 2017-12-31\nlock_years = 9\n"
    write_table(folder, flat(), header)
    text = account_text(folder, pto=date(2017, 4, 1), application=date(2017, 1, 1))
    year = ("months = true", "months = true\nanniversary = 2025-01-01")
    return written(folder, text, ("from = 2017-04-01", "from = 2025-01-01"), year)


def test_a_year_in_which_the_price_lock_ends_is_not_projected_and_says_why(tmp_path: Path) -> None:
    """Exports after 31 March 2026 have no price that anybody knows: no guess is made of the rest of the year."""
    account, energy = locked(tmp_path), Energy(hours(date(2025, 1, 1), date(2026, 2, 10), given), ())
    told = project(account, energy, date(2026, 2, 10), Method.SAME_DAYS_LAST_YEAR)
    assert told.year_due is None
    assert "to 2026-03-31, where this customer's price lock ends) has no one price for it" in told.why_not
    assert project(account, energy, date(2026, 2, 10), Method.TO_DATE).year_due == 0
    dates = found(account, energy, date(2026, 2, 10), Method.SAME_DAYS_LAST_YEAR)
    assert dates[What.PRICE_LOCK_ENDS].day == date(2026, 3, 31)
    assert "a bill with exports after that day is refused" in dates[What.PRICE_LOCK_ENDS].why
