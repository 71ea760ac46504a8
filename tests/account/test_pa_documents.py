"""Pennsylvania by document 002, from 15-minute registers to the statement: carried kWh, 31 May, price to compare.

Expected values by hand: full retail 0.15 to November 2024, then 0.17; the price to compare 0.10, then 0.12.
(net-metering rows 41 to 57; corrections A-11)
"""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.account.lines import Due, LineKind
from gateway.account.reckon import make_statements
from gateway.account.rows import added
from gateway.account.sources import Energy, energy_of
from gateway.account.statement import Statement

from .house import Days, spread
from .laws import bank_complaints, energy_complaints
from .pennsylvania import account_text, tariff
from .reckon import Books, account_file, amount_of, books_of, statements

JUNE = date(2024, 6, 1)
NIGHT, NOON = range(5), range(10, 14)
YEAR = (
    Days(JUNE, date(2024, 6, 20), 100, 200, NIGHT, NOON),
    Days(date(2024, 6, 21), date(2024, 6, 30)),
    Days(date(2024, 7, 1), date(2024, 7, 20), 250, 100, NIGHT, NOON),
    Days(date(2024, 7, 21), date(2024, 11, 30)),
    Days(date(2024, 12, 1), date(2024, 12, 20), 0, 300, NIGHT, NOON),
    Days(date(2024, 12, 21), date(2024, 12, 31)),
    Days(date(2025, 1, 1), date(2025, 4, 20), 100, 0, NIGHT, NOON),
    Days(date(2025, 4, 21), date(2025, 5, 20)),
    Days(date(2025, 5, 21), date(2025, 5, 31), 0, 50, NIGHT, NOON),
    Days(date(2025, 6, 1), date(2025, 6, 20), 0, 40, NIGHT, NOON),
)
"""June gives 100 kWh net, July takes 150, December gives 300, January to April take 100; 50 to the end of May; 40."""
BOOKS: list[Books] = []


def bills_of(folder: Path, text: str) -> list[Statement]:
    file = account_file(folder, text)
    if not BOOKS:
        BOOKS.append(books_of(folder, spread(YEAR), file.terms.tariff))
    return statements(file, BOOKS[0])


def reads() -> list[date]:
    """The 21st of each month from the first of June on."""
    return [JUNE, *(date(2024 + month // 12, month % 12 + 1, 21) for month in range(5, 18))]


def paid(bill: Statement) -> Decimal:
    return -sum((one.amount for one in bill.lines if one.kind is LineKind.SURPLUS), Decimal(0))


def test_a_surplus_is_carried_to_the_next_bill_at_full_retail(tmp_path: Path) -> None:
    """July takes 150 kWh; 100 are June's, 50 x 0.15 = 7.50 are billed beside the customer charge of 10.00."""
    june, july = bills_of(tmp_path, account_text(tmp_path, JUNE))[:2]
    assert (june.due_now, july.due_now) == (Decimal("10.00"), Decimal("17.50"))
    assert [(one.name, one.before, one.used, one.after) for one in july.banks] == [("kwh_bank.all", 100, 100, 0)]


PAYOUTS = {
    # 100 at 0.10, 300 and 50 at 0.12: 52.00 for 450 kWh, of which 250 are left: 28.888...
    "weighted": "28.89",
    "at_year_end": "30.00",
    "at_closing_day": "30.00",
}


@pytest.mark.parametrize("method", list(PAYOUTS))
def test_what_is_left_on_31_may_is_paid_at_the_price_to_compare(method: str, tmp_path: Path) -> None:
    """250 kWh are left: 300 - 100 + 50. Supply and transmission, without distribution."""
    bills = bills_of(tmp_path, account_text(tmp_path, JUNE, choices={"ptc_method": method}))
    may = bills[11]
    assert may.slot.cycle.last_day == date(2025, 5, 31)
    line = next(one for one in may.lines if one.key == "true_up.surplus.all")
    assert (line.quantity, line.amount, line.due) == (-250, -Decimal(PAYOUTS[method]), Due.NOW)
    assert [paid(one) for one in bills[:11]] == [0] * 11
    assert [one.after for one in may.banks][-1] == 0


ENDS = {
    # The bill of 21 May to 20 June holds 31 May: 200 + 50 + 40 kWh, weighted with June 2025's 0.15 for the last 40.
    "cycle_containing_may31": (date(2025, 6, 20), -290, "34.33"),
    # Cut at midnight of 1 June: 250 kWh as by calendar months.
    "exact_june1": (date(2025, 5, 31), -250, "28.89"),
}


@pytest.mark.parametrize("end", list(ENDS))
def test_the_year_ends_with_the_bill_that_holds_31_may_or_with_the_day(end: str, tmp_path: Path) -> None:
    """52.00 + 40 x 0.15 = 58.00 for 490 kWh: 290 of them are 34.3265; the surplus of one cycle is split by its days."""
    last, left, amount = ENDS[end]
    bills = bills_of(tmp_path, account_text(tmp_path, JUNE, read_dates=reads(), choices={"year_end": end}))
    (closing,) = (one for one in bills if one.bill.true_up is not None)
    line = next(one for one in closing.lines if one.key == "true_up.surplus.all")
    assert (closing.slot.cycle.last_day, line.quantity, line.amount) == (last, left, -Decimal(amount))
    after = [one for one in bills if one.slot.cycle.first_day > last]
    assert [one.slot.cycle.first_day for one in after] == ([] if end != "exact_june1" else [date(2025, 6, 1)])
    charges = [one.amount for bill in bills[-2:] for one in bill.lines if one.kind is LineKind.FIXED]
    assert sum(charges) == (10 if end == "exact_june1" else 20)  # a bill that is cut has one customer charge
    assert not list(energy_complaints(bills, spread(YEAR)))
    assert not list(bank_complaints(bills))


CLOSING = {"at_year_end": "34.80", "at_closing_day": "43.50"}
"""290 kWh at the 0.12 of 31 May; at the 0.15 of 20 June, the closing bill's last day: the price rose on 1 June."""


@pytest.mark.parametrize("method", list(CLOSING))
def test_a_price_to_compare_that_changes_on_1_june_is_that_of_31_may_or_of_the_closing_bill(
    method: str, tmp_path: Path
) -> None:
    bills = bills_of(tmp_path, account_text(tmp_path, JUNE, read_dates=reads(), choices={"ptc_method": method}))
    (closing,) = (one for one in bills if one.bill.true_up is not None)
    assert closing.slot.cycle.last_day == date(2025, 6, 20)
    assert amount_of(closing, "true_up.surplus.all") == -Decimal(CLOSING[method])


def test_without_the_price_by_component_the_bill_stands_and_the_payment_is_refused(tmp_path: Path) -> None:
    text = account_text(tmp_path, JUNE, tariff_file=tariff(tmp_path, parts=False))
    bills = bills_of(tmp_path, text)
    line = next(one for one in bills[11].lines if one.key == "true_up.surplus.all")
    assert bills[1].due_now == Decimal("17.50")
    assert (line.kind, line.amount) == (LineKind.NOT_INCLUDED, 0)
    assert any("total only" in one for one in bills[11].notes)


def test_a_supplier_leaves_the_utility_distribution_alone_and_the_year_unpaid(tmp_path: Path) -> None:
    """July: 50 x 0.05 = 2.50 and the customer charge; what is left in May is zeroed."""
    bills = bills_of(tmp_path, account_text(tmp_path, JUNE, customer='supplier = "A supplier"'))
    july, may = bills[1], bills[11]
    assert july.due_now == Decimal("12.50")
    assert paid(may) == 0
    assert [(one.name, one.forfeited, one.after) for one in may.banks][-1] == ("distribution_kwh.all", 250, 0)
    assert "egs" in {one.key for one in july.lines}


def test_another_supplier_ends_the_year_and_the_weights(tmp_path: Path) -> None:
    """The utility supplied to December: 300 kWh are left, 46.00 for 400, 34.50; the new bank begins empty."""
    more = '[[supplier]]\nname = "A supplier"\nfrom = 2025-01-01'
    bills = bills_of(tmp_path, account_text(tmp_path, JUNE, more=more))
    assert amount_of(bills[6], "true_up.surplus.all") == Decimal("-34.50")
    assert {one.name for one in bills[7].banks} <= {"distribution_kwh.all"}
    assert all(one.before == 0 for one in bills[7].banks)


def test_a_supplier_that_nets_by_contract_bills_its_own_kilowatt_hours(tmp_path: Path) -> None:
    """July: 50 x 0.05 of distribution, 50 x 0.09 of the supplier's; its bank of 250 kWh goes on after May."""
    top = f'supplier_tariff = "{tariff(tmp_path, generation_only=True)}"'
    for left, after in (("kept", 250), ("zeroed", None)):
        choices = {"egs_generation": "kwh_bank", "egs_left": left}
        text = account_text(tmp_path, JUNE, top=top, customer='supplier = "A supplier"', choices=choices)
        bills = bills_of(tmp_path, text)
        assert bills[1].due_now == Decimal("17.00")
        assert not any("on its own bill" in one for one in bills[1].notes)
        held = {one.name: one.after for one in bills[11].banks}
        assert held["generation_kwh.all"] == (0 if after is None else after)


def test_two_one_way_meters_are_billed_as_one_that_turns_both_ways(tmp_path: Path) -> None:
    """Dual meters: 100 kWh in by night, 60 out at noon; 40 x 0.15 = 6.00 and the customer charge."""
    june = JUNE, date(2024, 6, 30)
    tables = {}
    for name, taken, given_kwh in (("in", 100, 0), ("out", 0, 60), ("both", 100, 60)):
        folder = tmp_path / name
        folder.mkdir()
        file = account_file(folder, account_text(folder, JUNE))
        tables[name] = books_of(folder, spread([Days(*june, taken, given_kwh, NIGHT, NOON)]), file.terms.tariff).energy
    two = Energy(added([tables["in"].table, tables["out"].table]), ())
    for energy in (two, tables["both"]):
        (bill,) = make_statements(file, energy).statements
        assert bill.due_now == Decimal("16.00")


FARM = """
[[meter]]
name = "house"
from = "csv"
file = "house.csv"
[[meter]]
name = "barn"
from = "csv"
file = "barn.csv"
"""
COSTS = """
[[charge]]
name = "Equipment for physical aggregation"
source = "the utility's invoice"
from = 2024-06-10
amount = "250.00"
[[charge]]
name = "Processing"
source = "the utility's invoice"
from = 2024-07-01
last_day = 2024-08-31
per_month = "3.50"
"""


def test_physical_aggregation_nets_a_farms_meters_from_their_registers_at_the_customers_cost(tmp_path: Path) -> None:
    """June: the house takes 100 kWh, the barn 20 and its array gives 60 of them back: 60 x 0.15, 10.00 and 250.00.

    Each meter has a file of its own; one customer charge is due, as for one meter.
    """
    june = JUNE, date(2024, 6, 30)
    for name, taken, given_kwh in (("house", 100, 0), ("barn", 20, 60)):
        (tmp_path / name).mkdir()
        books_of(tmp_path / name, spread([Days(*june, taken, given_kwh, NIGHT, NOON)]), tariff(tmp_path))
        intervals = (tmp_path / name / "intervals.csv").read_text(encoding="utf-8")
        (tmp_path / f"{name}.csv").write_text(intervals.replace("grid,", f"{name},"), encoding="utf-8")
    file = account_file(tmp_path, account_text(tmp_path, JUNE, meters=FARM, more=COSTS))
    (bill,) = make_statements(file, energy_of(file.terms.meter, tmp_path, lambda _: ("", ()))).statements
    assert (bill.energy.import_milliwh, bill.energy.export_milliwh) == (120_000_000, 60_000_000)
    assert bill.due_now == Decimal("269.00")


def test_a_monthly_expense_of_processing_is_on_the_bills_of_its_months(tmp_path: Path) -> None:
    """10.00 in June with 250.00 once; 17.50 and 3.50 in July, 10.00 and 3.50 in August, 10.00 in September."""
    bills = bills_of(tmp_path, account_text(tmp_path, JUNE, more=COSTS))
    assert [one.due_now for one in bills[:4]] == [260, Decimal("21.00"), Decimal("13.50"), 10]


def test_a_monthly_expense_is_due_once_of_a_billing_cycle_that_is_cut(tmp_path: Path) -> None:
    """Permission on 15 July cuts its bill: 3.50 stand on the piece that ends it."""
    bills = bills_of(tmp_path, account_text(tmp_path, JUNE, more=COSTS, pto=date(2024, 7, 15)))
    fees = [[one.amount for one in bill.other if one.label == "Processing"] for bill in bills[:4]]
    assert [one.slot.cycle.last_day for one in bills[1:3]] == [date(2024, 7, 14), date(2024, 7, 31)]
    assert fees == [[], [], [Decimal("3.50")], [Decimal("3.50")]]


@pytest.mark.parametrize("programme", ["pennsylvania", "plain"])
def test_who_gives_nothing_is_billed_as_a_customer_without_net_metering(programme: str, tmp_path: Path) -> None:
    """No fee, no other rate: 250 kWh x 0.15 and the customer charge of 10.00, line by line the same."""
    taken = [Days(date(2024, 7, 1), date(2024, 7, 31), 250, 0, NIGHT, NOON)]
    text = account_text(tmp_path, JUNE).replace('name = "pennsylvania"', f'name = "{programme}"')
    file = account_file(tmp_path, text)
    (bill,) = statements(file, books_of(tmp_path, spread(taken), file.terms.tariff))
    lines = {one.key: one.amount for one in bill.lines}
    assert lines == {
        "energy.2024-07-01.all": Decimal("37.50"),
        "fixed.2024-07-01.customer_charge.month": Decimal("10.00"),
    }
