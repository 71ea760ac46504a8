"""MCE's rules beside PG&E's: two years in one account, enrolment, openings, dates of the rules, what is refused.

Energy of whole months from a table; expected values by hand. (net-metering 1.4; corrections A-10, F.7)
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.account.account_file import AccountError, AccountFile
from gateway.account.cost_date import What
from gateway.account.cost_dates import cost_dates
from gateway.account.explain import explain
from gateway.account.programmes.mce_cashout import ends_mce_year
from gateway.account.projection import Method, project
from gateway.account.reckon import make_statements
from gateway.account.running import running
from gateway.account.sources import Energy
from gateway.account.statement import Statement
from gateway.tariff.cycles import Cycle

from .laws import bank_complaints
from .mce import DOCUMENT_003, account_text, generation_tariff, months_table
from .reckon import account_file, amount_of, with_surplus_rate
from .test_projection import hours

APRIL = date(2025, 4, 1)
SUPPLIER = '[[supplier]]\nname = "mce"\nfrom = {0}\npcia_vintage = "2023"'


def reckoned(file: AccountFile, first: date, kwh: list[tuple[int, int]], rate: str = "0.03") -> list[Statement]:
    return list(make_statements(with_surplus_rate(file, rate), Energy(months_table(first, kwh), ())).statements)


def keys(bill: Statement) -> set[str]:
    return {one.key for one in bill.lines}


@pytest.mark.parametrize(
    ("first", "last", "ends"),
    [
        (date(2026, 3, 3), date(2026, 4, 1), True),
        (date(2026, 3, 31), date(2026, 4, 29), True),
        (date(2026, 3, 1), date(2026, 3, 31), True),
        (date(2026, 4, 1), date(2026, 4, 30), False),
        (date(2026, 3, 1), date(2026, 3, 30), False),
        (date(2025, 12, 20), date(2026, 1, 18), False),
    ],
)
def test_the_cycle_that_holds_31_march_ends_mces_year(first: date, last: date, *, ends: bool) -> None:
    assert ends_mce_year(Cycle(first, last)) is ends


def test_mces_year_ends_in_march_and_pges_on_its_anniversary(tmp_path: Path) -> None:
    """From September on: MCE cashes out seven months, 1,000 kWh at 0.06; PG&E trues up twelve.

    MCE's next year begins with April. PG&E's delivery: 12 x 50 x 0.12 less 1,000 x 0.12, all non-bypassable 18.00.
    """
    first = date(2025, 9, 1)
    file = account_file(tmp_path, account_text(tmp_path, first, choices={"cashout_rule": "document_003"}))
    kwh = [(50, 1350), *[(50, 0)] * 6, *[(50, 0)] * 6]
    bills = reckoned(file, first, kwh)
    cashed = {bill.slot.cycle.last_day: amount_of(bill, "mce.cashout") for bill in bills if "mce.cashout" in keys(bill)}
    trued = [bill.slot.cycle.last_day for bill in bills if bill.bill.true_up is not None]
    assert cashed == {date(2026, 3, 31): Decimal("-60.00")}
    assert trued == [date(2026, 8, 31)]
    assert amount_of(bills[11], "true_up.adjustment") == Decimal("18.00")


def test_enrolment_trues_up_pges_period_and_pays_no_surplus_for_the_part_of_a_year(tmp_path: Path) -> None:
    """NEM 2.0 from March, MCE from June: 3 x 100 kWh at 0.27 and 0.03 are due with the May bill, and the year begins
    again on delivery alone."""
    programmes = (
        '[[programme]]\nname = "nem2"\nfrom = 2025-03-01\n[[programme]]\nname = "mce"\nfrom = 2025-06-01\n'
        + SUPPLIER.format("2025-06-01")
    )
    text = account_text(tmp_path, date(2025, 3, 1), programmes=programmes, customer="")
    bills = reckoned(account_file(tmp_path, text), date(2025, 3, 1), [(100, 0)] * 4)
    may, june = bills[2], bills[3]
    assert amount_of(may, "true_up.adjustment") == Decimal("90.00")
    assert "true_up.surplus" not in keys(may)
    assert (june.due_now, june.carried_in_year) == (Decimal("8.20"), Decimal("15.00"))
    over = reckoned(account_file(tmp_path, text), date(2025, 3, 1), [(100, 500)] * 4)[2]
    assert any("kWh of surplus are not paid for: the period has 3 of 12 cycles" in one for one in over.notes)


def test_an_account_that_begins_in_mces_year_leaves_the_cash_out_pending(tmp_path: Path) -> None:
    """Never zero: what was before is not known."""
    text = account_text(tmp_path, date(2024, 1, 1), pto=date(2024, 1, 1))
    bill = reckoned(account_file(tmp_path, text), date(2026, 2, 1), [(10, 500), (10, 500)])[1]
    line = next(one for one in bill.lines if one.key == "mce.cashout")
    assert line.label.endswith("pending")
    assert any("mce_import_kwh" in one for one in bill.notes)


def test_energy_from_pges_anniversary_on_is_a_whole_year_of_pge_and_none_of_mces(tmp_path: Path) -> None:
    """With MCE since 2022, energy from September 2025 on, PG&E's anniversary: PG&E trues up, MCE's first spring pends.

    April to August are missing of MCE's year: its 1,350 - 7 x 50 = 1,000 kWh to March are not the year's surplus. The
    bank: 1,300 x 0.082 = 106.60 less 50 x 0.082 and 5 x 50 x 0.071: 84.75, zeroed. The next spring is whole:
    1,600 - 12 x 50 = 1,000 kWh at 0.06. PG&E's delivery: (12 x 50 - 2,950) x 0.12 < 0, so 600 x 0.03 = 18.00.
    """
    first = date(2025, 9, 1)
    choices = {"cashout_rule": "document_003"}
    text = account_text(tmp_path, date(2022, 5, 1), choices=choices).replace(
        "months = true", f"months = true\nanniversary = {first}"
    )
    kwh = [(50, 1350), *[(50, 0)] * 6, *[(50, 0), (50, 1600)], *[(50, 0)] * 10]
    bills = reckoned(account_file(tmp_path, text), first, kwh)
    assert amount_of(bills[11], "true_up.adjustment") == Decimal("18.00")
    cashed = {bill.slot.cycle.last_day.year: bill for bill in bills if "mce.cashout" in keys(bill)}
    assert sorted(cashed) == [2026, 2027]
    pending = next(one for one in cashed[2026].lines if one.key == "mce.cashout")
    assert (pending.amount, pending.label.endswith("pending")) == (0, True)
    assert "not known from its first day: state mce_import_kwh" in " ".join(cashed[2026].notes)
    assert [one.forfeited for one in cashed[2026].banks if one.name == "mce_credit"] == [Decimal("84.75")]
    assert amount_of(cashed[2027], "mce.cashout") == Decimal("-60.00")


def test_an_opening_brings_mces_bank_and_its_year(tmp_path: Path) -> None:
    """5,000 - 4,200 before, 10 - 210 in March: 1,000 kWh, 60.00; the bank is 30.00 + 200 x 0.071 = 44.20 and zeroed."""
    more = """
[opening]
as_of = 2026-03-01
last_true_up = 2025-10-01
cycles = 5
[opening.banks]
mce_credit = "30.00"
mce_import_kwh = "4200"
mce_export_kwh = "5000"
"""
    text = account_text(tmp_path, date(2022, 5, 1), choices={"cashout_rule": "document_003"}, more=more)
    (bill,) = reckoned(account_file(tmp_path, text), date(2026, 3, 1), [(10, 210)])
    move = next(one for one in bill.banks if one.name == "mce_credit")
    assert amount_of(bill, "mce.cashout") == Decimal("-60.00")
    assert (move.before, move.earned, move.forfeited, move.after) == (
        Decimal("30.00"),
        Decimal("14.20"),
        Decimal("44.20"),
        0,
    )


RULES = {
    # last day of the closing cycle -> what 1,000 kWh at a wholesale rate of 0.06 come to
    2019: ("early", "81.00"),
    2021: ("document_003", "120.00"),
    2023: ("solar_customers", "120.00"),
    2025: ("current", "80.00"),
}


@pytest.mark.parametrize("year", list(RULES))
def test_each_spring_has_the_rule_of_its_day(year: int, tmp_path: Path) -> None:
    rule, worth = RULES[year]
    generation = generation_tariff(tmp_path, {"2018-01-01": DOCUMENT_003})
    first = date(year, 3, 1)
    text = account_text(tmp_path, first, application=date(2017, 5, 1), supplier_tariff=generation)
    text = text.replace("simple.toml", "earlier.toml")
    earlier = (tmp_path / "simple.toml").read_text(encoding="utf-8").replace("2024-01-01", "2018-01-01")
    (tmp_path / "earlier.toml").write_text(earlier, encoding="utf-8")
    (bill,) = reckoned(account_file(tmp_path, text), first, [(0, 1000)], "0.06")
    assert any(f"its rule {rule} holds" in one for one in bill.notes)
    held = next(one.after for one in bill.banks if one.name == "mce_credit")
    cheque = -sum((one.amount for one in bill.lines if one.key == "mce.cashout" and one.due == "now"), Decimal(0))
    assert held + cheque == Decimal(worth)


def test_mces_own_price_changes_do_not_split_pges_lines(tmp_path: Path) -> None:
    """MCE's card changes on 16 April: two lines of MCE, one of PG&E. 100 kWh on the 10th at 0.071."""
    dearer = {**DOCUMENT_003, "winter_off_peak": "0.09"}
    generation = generation_tariff(tmp_path, {"2020-01-01": DOCUMENT_003, "2025-04-16": dearer})
    text = account_text(tmp_path, APRIL, supplier_tariff=generation)
    (bill,) = reckoned(account_file(tmp_path, text), APRIL, [(100, 0)])
    assert amount_of(bill, "mce.energy.2025-04-01.winter_off_peak") == Decimal("7.10")
    assert [one.key for one in bill.lines if one.key.startswith("energy.")] == ["energy.2025-04-01.winter_off_peak"]


def test_deep_green_costs_an_eighth_of_ten_cents_besides(tmp_path: Path) -> None:
    text = account_text(tmp_path, APRIL, choices={"mce_product": "deep_green"})
    (bill,) = reckoned(account_file(tmp_path, text), APRIL, [(100, 0)])
    assert bill.due_now == Decimal("8.35")


def test_billed_as_net_metering_for_the_interim(tmp_path: Path) -> None:
    """Applied in May 2023, permitted in January 2024: net billing by right, billed as MCE's net metering to January."""
    programmes = '[[programme]]\nname = "nbt"\nfrom = 2024-01-01\nbilled_as = "mce"\nbilled_until = 2025-01-04\n'
    text = account_text(
        tmp_path, date(2024, 1, 5), application=date(2023, 5, 2), pto=date(2024, 1, 5), programmes=programmes
    )
    file = account_file(tmp_path, text)
    assert [(one.name, one.first) for one in file.terms.programme] == [
        ("mce", date(2024, 1, 1)),
        ("nbt", date(2025, 1, 5)),
    ]
    made = make_statements(file, Energy(months_table(date(2024, 1, 1), [(100, 0)] * 3), ()))
    assert [one.slot.programme for one in made.statements] == ["plain", "mce", "mce", "mce"]
    assert not any("its dates give" in one for one in made.notes)


WRONG = {
    "supplier_tariff is missing": {"supplier_tariff": ""},
    "the energy is not MCE's": {"customer": ""},
    "is not of generation alone": {"supplier_tariff": "pge-e-tou-c"},
    "go together": {"programmes": '[[programme]]\nname = "nbt"\nfrom = 2024-01-05\nbilled_as = "mce"\n'},
}


@pytest.mark.parametrize("message", list(WRONG))
def test_what_an_mce_account_lacks_is_told_with_its_line(message: str, tmp_path: Path) -> None:
    with pytest.raises(AccountError) as caught:
        account_file(tmp_path, account_text(tmp_path, APRIL, **WRONG[message]))  # type: ignore[arg-type]
    found = [one for one in caught.value.problems if message in one.message]
    assert found
    assert found[0].mend


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), min_size=14, max_size=14))
def test_mces_bank_never_makes_or_loses_a_cent(
    tmp_path_factory: pytest.TempPathFactory, kwh: list[tuple[int, int]]
) -> None:
    """What MCE charged in all is what was paid and what the bank gave; by an oracle of its own, month by month."""
    folder = tmp_path_factory.mktemp("bank")
    file = account_file(folder, account_text(folder, APRIL, choices={"cashout_rule": "document_003"}))
    bills = reckoned(file, APRIL, kwh)
    assert not list(bank_complaints(bills))
    held, surplus = Decimal(0), 0
    for bill, (taken, given_kwh) in zip(bills, kwh, strict=True):
        day = bill.slot.cycle.first_day
        price = Decimal("0.082") if 5 <= day.month <= 10 else Decimal("0.071")
        charge, surplus = (taken - given_kwh) * price, surplus + given_kwh - taken
        charge = charge.quantize(Decimal("0.01"), "ROUND_HALF_UP")
        due, held = max(Decimal(0), charge - held), max(Decimal(0), held - charge)
        if day.month == 3:
            worth = max(0, surplus) * Decimal("0.06")
            held, surplus = worth if worth < 50 else Decimal(0), 0
        assert amount_of(bill, "mce.due") == due
        assert next((one.after for one in bill.banks if one.name == "mce_credit"), Decimal(0)) == held


def test_the_law_above_finds_a_bank_that_loses_a_cent(tmp_path: Path) -> None:
    """The positive control of `bank_complaints` for this bank."""
    file = account_file(tmp_path, account_text(tmp_path, APRIL))
    bills = reckoned(file, APRIL, [(0, 100), (50, 0)])
    settled = bills[1].bill.settled
    moves = tuple(replace(one, before=one.before - Decimal("0.01")) for one in settled.banks)
    torn = replace(bills[1], bill=replace(bills[1].bill, settled=replace(settled, banks=moves)))
    assert list(bank_complaints([bills[0], torn]))


def test_a_line_of_mce_is_explained_by_mces_own_price(tmp_path: Path) -> None:
    """Not by PG&E's, of whose price generation is a part too."""
    file = account_file(tmp_path, account_text(tmp_path, APRIL))
    energy = Energy(months_table(APRIL, [(100, 0)]), ())
    made = make_statements(file, energy)
    told = explain(made, energy, made.statements[0], "mce.energy.2025-04-01.winter_off_peak")
    assert [one["price"] for one in told["cells"]] == ["0.071"]
    assert [one["import_milliwh"] for one in told["cells"]] == [100_000_000]


def test_the_schedules_of_both_tariffs_must_be_one(tmp_path: Path) -> None:
    file = account_file(tmp_path, account_text(tmp_path, APRIL))
    other = account_file(tmp_path, account_text(tmp_path, APRIL, supplier_tariff="mce-ev2-a"))
    assert not any("other seasons or hours" in one.message for one in file.warnings)
    assert any("other seasons or hours" in one.message for one in other.warnings)


RATES = {"closing_cycle": "57.20", "march": "59.24"}
"""PG&E published 0.02860 for April 2026 and 0.02962 for March: 1,000 kWh at twice that."""


@pytest.mark.parametrize("month", list(RATES))
def test_the_wholesale_rate_is_that_of_the_month_in_which_the_bill_ends_or_of_march(month: str, tmp_path: Path) -> None:
    first = date(2026, 3, 16)
    choices = {"cashout_rule": "document_003", "cashout_rate": month}
    text = account_text(tmp_path, first, read_dates=[first, date(2026, 4, 16)], choices=choices)
    energy = Energy(months_table(date(2026, 3, 1), [(0, 0), (0, 1000)]), ())
    (bill,) = make_statements(account_file(tmp_path, text), energy).statements
    assert amount_of(bill, "mce.cashout") == -Decimal(RATES[month])
    assert any("cash-out is incomplete" in one for one in bill.notes)


def test_a_rate_that_is_not_published_leaves_the_cash_out_pending(tmp_path: Path) -> None:
    """March 2027 is after the table's end. Retail dollars are zeroed all the same."""
    first = date(2027, 3, 1)
    text = account_text(tmp_path, first)
    (bill,) = make_statements(account_file(tmp_path, text), Energy(months_table(first, [(0, 1000)]), ())).statements
    assert next(one for one in bill.lines if one.key == "mce.cashout").label.endswith("pending")
    assert (bill.due_now, [one.forfeited for one in bill.banks if one.name == "mce_credit"]) == (0, [Decimal("71.00")])


def test_credit_of_a_customer_who_moves_out_is_told_and_is_no_solar_plans(tmp_path: Path) -> None:
    """Moved out on 31 May: 100 kWh of April are 7.10 in MCE's bank, and its year has not ended."""
    customer = 'supplier = "mce"\npcia_vintage = "2023"\nmoved_out = 2025-05-31'
    file = account_file(tmp_path, account_text(tmp_path, APRIL, customer=customer))
    last = reckoned(file, APRIL, [(0, 100), (0, 0)])[-1]
    told = " ".join(last.notes)
    assert "MCE holds 7.10 of credit" in told
    assert "who leaves MCE otherwise asks MCE for it" in told
    assert "100 kWh of surplus since the last cash-out are not paid for here" in told


@pytest.mark.parametrize(("day", "amount"), [(date(2026, 1, 29), None), (date(2026, 1, 31), "2.20")])
def test_credit_that_the_spring_zeroes_is_told_from_sixty_days_before_it_on(
    day: date, amount: str | None, tmp_path: Path
) -> None:
    """A kilowatt-hour given each noon: 31 x 0.071 = 2.20 are in the bank at the end of January."""
    first = date(2026, 1, 1)
    energy = Energy(hours(first, day, lambda local: (0, 1000 * (local.hour == 12))), ())
    file = account_file(tmp_path, account_text(tmp_path, first, choices={"netting_interval": "60min"}))
    dates = cost_dates(file, energy, running(file, energy), None, project(file, energy, day, Method.TO_DATE))
    lost = [(one.day, one.amount) for one in dates if one.what is What.SUPPLIER_CREDIT_ZEROED]
    assert lost == ([] if amount is None else [(date(2026, 3, 31), Decimal(amount))])


@pytest.mark.parametrize(
    ("day", "amount"), [(date(2026, 2, 12), None), (date(2026, 2, 14), "4.33"), (date(2026, 4, 5), "7.88")]
)
def test_the_spring_zeroes_with_the_bill_that_holds_31_march(day: date, amount: str | None, tmp_path: Path) -> None:
    """Read on the 16th: the bill with 31 March ends on 15 April, sixty days after 14 February, and takes the credit.

    A kilowatt-hour given each noon at 0.071, each bill in cents: 31 days to 15 January 2.20, 30 to 14 February 2.13:
    4.33. To 5 April 2.20, 2.20, 28 days 1.99 and 21 days 1.49: 7.88; there the running bill has the cash-out in it.
    """
    first = date(2025, 12, 16)
    reads = [first, *(date(2026, month, 16) for month in (1, 2, 3, 4))]
    energy = Energy(hours(first, day, lambda local: (0, 1000 * (local.hour == 12))), ())
    text = account_text(tmp_path, first, read_dates=reads, choices={"netting_interval": "60min"})
    file = account_file(tmp_path, text)
    dates = cost_dates(file, energy, running(file, energy), None, project(file, energy, day, Method.TO_DATE))
    lost = [(one.day, one.amount) for one in dates if one.what is What.SUPPLIER_CREDIT_ZEROED]
    assert lost == ([] if amount is None else [(date(2026, 4, 15), Decimal(amount))])


def test_the_two_credits_that_end_on_one_day_are_two_dates(tmp_path: Path) -> None:
    """PG&E's year ends on 31 March as MCE's does, and an event is known by its kind and its day: so two kinds.

    A kilowatt-hour given each noon, seen on the evening of 20 March. Delivery: 354 days x 0.12 = 42.48. MCE, each
    bill in cents: May to October at 0.082, 4 x 31 days (2.54) and 2 x 30 days (2.46), 15.08; April and November at
    0.071 2 x 30 days (2.13), December and January 2 x 31 days (2.20), February 28 days 1.99, March 20 days 1.42: 12.07.
    """
    file = account_file(tmp_path, account_text(tmp_path, APRIL, choices={"netting_interval": "60min"}))
    day = date(2026, 3, 20)
    energy = Energy(hours(APRIL, day, lambda local: (0, 1000 * (local.hour == 12))), ())
    year = (APRIL, date(2026, 3, 31))
    dates = cost_dates(file, energy, running(file, energy), year, project(file, energy, day, Method.TO_DATE))
    lost = {one.what: (one.day, one.amount) for one in dates if one.what is not What.TRUE_UP}
    assert lost == {
        What.CREDIT_ZEROED: (date(2026, 3, 31), Decimal("42.48")),
        What.SUPPLIER_CREDIT_ZEROED: (date(2026, 3, 31), Decimal("27.15")),
    }
