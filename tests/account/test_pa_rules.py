"""Pennsylvania's rules at their edges: 50 kW, 3 MW, 5 MW; 110 %; two miles; exactly 10 %; banks by period; openings.

Energy of whole months from a table; expected values by hand. (net-metering 1.5, 1.7; corrections A-11)
"""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.account.account_file import AccountError, AccountFile
from gateway.account.pa_checks import size_faults, tier_of
from gateway.account.reckon import make_statements
from gateway.account.sources import Energy
from gateway.account.statement import Statement
from gateway.account.terms import CustomerClass, Generator
from gateway.account.year_ends import YearEnd, ends_year, follows_year_end
from gateway.tariff.cycles import Cycle

from .laws import bank_complaints
from .mce import months_table
from .pennsylvania import account_text, tariff
from .reckon import account_file, amount_of

JUNE = date(2024, 6, 1)
RESIDENTIAL, COMMERCIAL = CustomerClass.RESIDENTIAL, CustomerClass.COMMERCIAL


def reckoned(file: AccountFile, first: date, kwh: list[tuple[int, int]]) -> list[Statement]:
    return list(make_statements(file, Energy(months_table(first, kwh), ())).statements)


SIZES = [
    ("50", RESIDENTIAL, False, True),
    ("50.001", RESIDENTIAL, False, False),
    ("50.001", COMMERCIAL, False, True),
    ("3000", COMMERCIAL, False, True),
    ("3000.001", COMMERCIAL, False, False),
    ("3000.001", COMMERCIAL, True, True),
    ("5000", COMMERCIAL, True, True),
    ("5000.001", COMMERCIAL, True, False),
    ("51", RESIDENTIAL, True, False),
]


@pytest.mark.parametrize(("size", "kind", "standby", "allowed"), SIZES)
def test_50_kw_3_mw_and_5_mw_are_within_the_limits(
    size: str, kind: CustomerClass, *, standby: bool, allowed: bool
) -> None:
    found = list(size_faults(Generator(technology="pv", size_kw=Decimal(size)), kind, standby=standby))
    assert bool(found) is not allowed


def third_party(made: str, used: str) -> str:
    return (
        "independent_load = true\nthird_party_owned = true\n"
        f'design_kwh_per_year = "{made}"\nuse_kwh_per_year = "{used}"'
    )


OTHER = '\n[[pennsylvania.property]]\nname = "barn"\nmiles = "{0}"\nutility = "{1}"'
HAS_LOAD = "independent_load = true"
STATED = {
    "exactly 110 %": (third_party("11000", "10000"), ""),
    "a kilowatt-hour above it": (third_party("11001", "10000"), "more than 110 %"),
    "a third party's plant without its figures": (f"{HAS_LOAD}\nthird_party_owned = true", "are needed"),
    "two miles": (HAS_LOAD + OTHER.format("2.0", "peco"), ""),
    "more than two miles": (HAS_LOAD + OTHER.format("2.01", "peco"), "more than 2 miles"),
    "another utility": (HAS_LOAD + OTHER.format("0.5", "ppl"), "another utility"),
    "no load": ("independent_load = false", "independent load"),
    "a place without load": (HAS_LOAD + OTHER.format("1", "peco") + "\nindependent_load = false", "no load of its own"),
}


@pytest.mark.parametrize("case", list(STATED))
def test_what_the_account_states_is_held_against_the_rules(case: str, tmp_path: Path) -> None:
    stated, message = STATED[case]
    text = account_text(tmp_path, JUNE, pennsylvania=stated)
    if not message:
        assert account_file(tmp_path, text)
        return
    with pytest.raises(AccountError) as caught:
        account_file(tmp_path, text)
    assert [one for one in caught.value.problems if message in one.message and one.line]


def test_500_kw_need_the_commissions_approval(tmp_path: Path) -> None:
    def warned(size: str) -> bool:
        text = account_text(
            tmp_path, JUNE, customer='kind = "commercial"', generator=f'technology = "pv"\nsize_kw = "{size}"'
        )
        return any("Commission approves" in one.message for one in account_file(tmp_path, text).warnings)

    assert (warned("499.9"), warned("500")) == (False, True)


def stranded(folder: Path, monthly_kwh: list[int], kind: str, base: str = "12000") -> Statement:
    """The bill that ends a year of those purchases, after one of `base` kWh."""
    more = f'independent_load = true\nbase_year_kwh = "{base}"\nstranded_share = "12.34"'
    text = account_text(folder, JUNE, customer=f'kind = "{kind}"', pennsylvania=more)
    return reckoned(account_file(folder, text), JUNE, [(one, 0) for one in monthly_kwh])[-1]


@pytest.mark.parametrize("kind", ["small_commercial", "commercial", "industrial", "agricultural"])
def test_purchases_less_by_exactly_10_percent_are_flagged(kind: str, tmp_path: Path) -> None:
    """10,800 of 12,000 kWh are 90 %; one more is not."""
    exactly, above = (stranded(tmp_path, [900] * 11 + [last], kind) for last in (900, 901))
    assert amount_of(exactly, "true_up.stranded") == Decimal("12.34")
    assert any("10 % or more less" in one for one in exactly.notes)
    assert "true_up.stranded" not in {one.key for one in above.lines}
    assert not any("10 % or more less" in one for one in above.notes)


def test_a_residential_customer_is_told_and_owes_nothing(tmp_path: Path) -> None:
    bill = stranded(tmp_path, [900] * 12, "residential")
    assert "true_up.stranded" not in {one.key for one in bill.lines}
    assert any("document 002" in one for one in bill.notes)


def test_a_part_of_a_year_is_not_held_against_a_whole_one(tmp_path: Path) -> None:
    text = account_text(
        tmp_path,
        date(2025, 3, 1),
        customer='kind = "commercial"',
        pennsylvania='independent_load = true\nbase_year_kwh = "12000"\nstranded_share = "12.34"',
    )
    bill = reckoned(account_file(tmp_path, text), date(2025, 3, 1), [(100, 0)] * 3)[-1]
    assert bill.bill.true_up is not None
    assert "true_up.stranded" not in {one.key for one in bill.lines}


def test_the_year_after_a_part_of_one_is_held_against_none(tmp_path: Path) -> None:
    """March to May 2025, then a year of 10,800 kWh, which would be 90 % of a base that is two periods old."""
    begins = date(2025, 3, 1)
    more = 'independent_load = true\nbase_year_kwh = "12000"\nstranded_share = "12.34"'
    text = account_text(tmp_path, begins, customer='kind = "commercial"', pennsylvania=more)
    bill = reckoned(account_file(tmp_path, text), begins, [(100, 0)] * 3 + [(900, 0)] * 12)[-1]
    assert bill.bill.true_up is not None
    assert "true_up.stranded" not in {one.key for one in bill.lines}
    assert any("held against none" in one for one in bill.notes)


@pytest.mark.parametrize(
    ("first", "last", "ends"),
    [
        (date(2025, 5, 2), date(2025, 6, 1), True),
        (date(2025, 5, 31), date(2025, 6, 29), True),
        (date(2025, 5, 1), date(2025, 5, 31), True),
        (date(2025, 6, 1), date(2025, 6, 30), False),
        (date(2025, 5, 1), date(2025, 5, 30), False),
    ],
)
def test_31_may_is_the_years_last_day(first: date, last: date, *, ends: bool) -> None:
    assert ends_year(Cycle(first, last)) is ends


def test_a_year_is_known_from_its_first_day_only() -> None:
    assert follows_year_end(date(2025, 6, 28), YearEnd.BILL)
    assert not follows_year_end(date(2025, 6, 29), YearEnd.BILL)
    assert not follows_year_end(date(2025, 6, 2), YearEnd.DAY)


def test_a_time_of_use_bank_goes_over_the_season_and_stays_in_its_period(tmp_path: Path) -> None:
    """November's 100 kWh at noon pay December's at noon: the bank is of the period, not of the season."""
    text = account_text(tmp_path, JUNE, tariff_file=tariff(tmp_path, time_of_use=True))
    bills = reckoned(account_file(tmp_path, text), date(2024, 11, 1), [(0, 100), (80, 0)])
    assert bills[1].due_now == Decimal("10.00")
    assert {one.name: one.after for one in bills[1].banks} == {"kwh_bank.off_peak": 20}


OPENING = """
[opening]
as_of = 2025-05-01
last_true_up = 2024-06-01
cycles = 11
[opening.banks]
"kwh_bank.all" = "100"
"""


def test_an_opening_brings_the_bank_and_its_weights(tmp_path: Path) -> None:
    """400 kWh worth 42.00 and 100 of May at 0.12: 54.00 for 500; 200 left are 21.60."""
    weights = '"excess_kwh.all" = "400"\n"excess_worth.all" = "42.00"\n'
    text = account_text(tmp_path, date(2024, 1, 1), more=OPENING + weights)
    (bill,) = reckoned(account_file(tmp_path, text), date(2025, 5, 1), [(0, 100)])
    assert amount_of(bill, "true_up.surplus.all") == Decimal("-21.60")
    lacking = account_text(tmp_path, date(2024, 1, 1), more=OPENING)
    (pending,) = reckoned(account_file(tmp_path, lacking), date(2025, 5, 1), [(0, 100)])
    assert any("excess_kwh.all" in one for one in pending.notes)
    assert amount_of(pending, "true_up.surplus.all") == 0


def test_an_account_that_begins_within_the_year_has_no_payment(tmp_path: Path) -> None:
    """What the bank held before is not known; the customer charge is due all the same."""
    text = account_text(tmp_path, date(2024, 1, 1))
    bill = reckoned(account_file(tmp_path, text), date(2025, 4, 1), [(0, 100), (0, 100)])[1]
    assert bill.due_now == Decimal("10.00")
    assert any("pending" in one for one in bill.notes)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), min_size=13, max_size=13))
def test_no_kilowatt_hour_of_the_bank_is_made_or_lost(
    tmp_path_factory: pytest.TempPathFactory, kwh: list[tuple[int, int]]
) -> None:
    """By an oracle of its own, month by month, a year and the first month of the next."""
    folder = tmp_path_factory.mktemp("bank")
    bills = reckoned(account_file(folder, account_text(folder, JUNE)), JUNE, kwh)
    assert not list(bank_complaints(bills))
    held, weights = 0, [(0, Decimal(0))]
    for bill, (taken, given_kwh) in zip(bills, kwh, strict=True):
        month = bill.slot.cycle.first_day
        compare = Decimal("0.10") if month < date(2024, 12, 1) else Decimal("0.12")
        compare = compare if month < date(2025, 6, 1) else Decimal("0.15")
        net = taken - given_kwh
        weights.append((max(0, -net), compare))
        billed, held = max(0, net - held), max(0, held - net)
        due = (billed * (compare + Decimal("0.05"))).quantize(Decimal("0.01"), "ROUND_HALF_UP") + 10
        if month.month == 5:
            given_all = sum(one for one, _ in weights)
            worth = held * sum(one * price for one, price in weights) / given_all if held else Decimal(0)
            due, held, weights = due - worth.quantize(Decimal("0.01"), "ROUND_HALF_UP"), 0, []
        assert bill.due_now == due
        assert next((one.after for one in reversed(bill.banks)), Decimal(0)) == held


LISTED = (
    "pv solar_thermal wind hydro geothermal biomass fuel_cell chp municipal_waste waste_coal coal_mine_methane "
    "distributed_generation demand_side_management"
)
"""Document 002: photovoltaics, solar-thermal, wind, hydropower, geothermal, biomass, fuel cells, CHP, municipal solid
waste, waste coal, coal-mine methane, other distributed generation, demand-side management."""


def test_every_technology_of_the_document_has_its_tier() -> None:
    assert {tier_of(one) for one in LISTED.split()} == {1, 2}
    assert (tier_of("solar"), tier_of("waste_coal"), tier_of("perpetual_motion")) == (1, 2, None)
