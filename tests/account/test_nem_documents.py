"""The documents' numbers and real bills' facts for NEM, each from 15-minute registers to the statement.

1,000 kWh of surplus are 30.00; San Jose's 1,500 are 45.00, and credits offset 90 % of its bill; non-bypassable sums of
real sheets. The published true-up is in `test_nem_true_up`, tiers and baseline in `test_nem_mirrored`.
(net-metering.md rows 36, 68; corrections D)
"""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.account.lines import Due, LineKind
from gateway.account.statement import Statement

from .house import Days, spread, with_gap
from .reckon import (
    Books,
    account_file,
    account_text,
    amount_of,
    books_of,
    lines_of,
    reckoned,
    statements,
    with_surplus_rate,
)
from .simple_tariff import simple_tariff

ONE_DAY = timedelta(days=1)
NOBODY = 'pcia_vintage = ""'


def monthly(first: date) -> list[date]:
    """Thirteen read dates: twelve bills."""
    months = [first.month - 1 + more for more in range(13)]
    return [date(first.year + month // 12, month % 12 + 1, first.day) for month in months]


MARCH = date(2024, 3, 15)
BOOKS: dict[tuple[int, int, date, range, tuple[Days, ...]], Books] = {}
"""Replayed once: the hours of the tariff are the same in every test."""


def year_of(
    folder: Path,
    import_kwh: int,
    export_kwh: int,
    *,
    rate: str | None = "0.03",
    programme: str = "nem2",
    choices: dict[str, str] | None = None,
    customer: str = NOBODY,
    more: str = "",
    account: str = "",
    first: date = MARCH,
    after: Sequence[Days] = (),
    import_hours: range = range(24),
    rounding: str = "cent",
) -> list[Statement]:
    """Twelve bills with that energy in sum, and those of `after`; it crosses both clock changes and a gap."""
    read = monthly(first)
    parts = [Days(read[0], read[-1] - ONE_DAY, import_kwh, export_kwh, import_hours), *after]
    rows = with_gap(spread(parts), f"{first.year}-11-03T00:40", f"{first.year}-11-03T03:10")
    text = account_text(
        programme,
        [*read, *(one.last + ONE_DAY for one in after)],
        pto=first,
        tariff=simple_tariff(folder, more=more),
        choices=choices,
        customer=customer,
        more=account,
        rounding=rounding,
    )
    file = account_file(folder, text)
    key = import_kwh, export_kwh, first, import_hours, tuple(after)
    if key not in BOOKS:
        BOOKS[key] = books_of(folder, rows, file.terms.tariff)
    return statements(file if rate is None else with_surplus_rate(file, rate), BOOKS[key])


@pytest.mark.parametrize("programme", ["nem1", "nem2"])
def test_a_surplus_of_1000_kwh_at_3_cents_is_30_dollars(programme: str, tmp_path: Path) -> None:
    bills = year_of(tmp_path, 5000, 6000, programme=programme, choices={"surplus_payout": "check"})
    assert amount_of(bills[-1], "true_up.surplus") == Decimal("-30.00")
    assert [one.bill.true_up is not None for one in bills] == [False] * 11 + [True]


@pytest.mark.parametrize(("rate", "amount"), [("0.02", "-30.00"), ("0.03", "-45.00"), ("0.05", "-75.00")])
def test_san_jose_13500_against_12000_kwh_is_1500_kwh_of_surplus(rate: str, amount: str, tmp_path: Path) -> None:
    """At the document's 0.02 to 0.05 they are 30 to 75 dollars."""
    bills = year_of(tmp_path, 12_000, 13_500, rate=rate, choices={"surplus_payout": "check"})
    line = lines_of(bills[-1], LineKind.SURPLUS)["true_up.surplus"]
    assert (line.quantity, line.rate, line.amount) == (Decimal(-1500), Decimal(rate), Decimal(amount))
    assert any("1500 kWh more were exported than imported: the array makes more" in one for one in bills[-1].notes)


@pytest.mark.parametrize(("kind", "due"), [("residential", Due.TRUE_UP), ("commercial", Due.NOW)])
def test_a_household_is_billed_by_the_year_and_a_business_by_the_month(kind: str, due: Due, tmp_path: Path) -> None:
    bills = year_of(tmp_path, 5000, 6000, programme="nem1", choices={}, customer=f'{NOBODY}\nkind = "{kind}"')
    assert {one.due for bill in bills for one in lines_of(bill, LineKind.ENERGY).values()} == {due}


def test_san_jose_credits_offset_90_percent_of_the_bill(tmp_path: Path) -> None:
    """Document 001: "roughly 90 %"; non-bypassable charges of up to 0.03 "on all imported kWh" are what no credit pays.

    12,000 kWh at 0.30 are 3,600 without an array; with 13,500 kWh of credits 12,000 x 0.03 = 360 are left.
    """
    night, nothing = range(10), {"surplus_payout": "rollover_kwh"}
    credited = year_of(tmp_path, 12_000, 13_500, import_hours=night, rounding="none", choices=nothing)
    without = year_of(tmp_path, 12_000, 13_500, import_hours=night, rounding="none", programme="plain", choices={})
    paid, full = (sum(one.due_now for one in bills) for bills in (credited, without))
    assert (paid, full) == (360, 3600)
    assert 1 - paid / full == Decimal("0.9")


def test_the_rate_is_that_of_the_month_in_which_the_year_ends(tmp_path: Path) -> None:
    """PG&E's table: 2025-03 is 0.03043."""
    assert amount_of(year_of(tmp_path, 5000, 6000, rate=None)[-1], "true_up.surplus") == Decimal("-30.43")


def test_a_surplus_without_a_published_rate_is_pending_and_not_zero(tmp_path: Path) -> None:
    """PG&E's table ends with 2026-08."""
    bills = year_of(tmp_path, 5000, 6000, rate=None, first=date(2025, 10, 15))
    line = lines_of(bills[-1], LineKind.NOT_INCLUDED)["true_up.surplus"]
    assert (line.due, "pending" in line.label) == (Due.NOTED, True)
    assert not lines_of(bills[-1], LineKind.SURPLUS)
    assert any("1000 kWh is pending" in note and "2026-10" in note for note in bills[-1].notes)


def test_leftover_dollars_are_lost_and_only_kilowatt_hours_are_paid(tmp_path: Path) -> None:
    """The year takes 100 kWh more than it gives, so nothing is paid whatever the dollars."""
    bills = year_of(tmp_path, 5000, 4900, choices={"surplus_payout": "check"})
    assert not lines_of(bills[-1], LineKind.SURPLUS)


def test_a_customer_of_another_supplier_gets_no_surplus_payment_from_the_utility(tmp_path: Path) -> None:
    more = '[version.pcia_per_kwh]\n2023 = "0.02"\n[version.franchise_fee_per_kwh]\n2023 = "0.001"'
    customer = 'supplier = "mce"\npcia_vintage = "2023"'
    bills = year_of(tmp_path, 5000, 6000, customer=customer, more=more)
    assert not lines_of(bills[-1], LineKind.SURPLUS)
    assert any("1000 kWh of surplus are not paid for" in note for note in bills[-1].notes)
    # 0.22 delivery + 0.03 + 0.02 PCIA + 0.001 franchise - 0.03 non-bypassable: generation is the supplier's.
    assert {one.rate for one in lines_of(bills[0], LineKind.ENERGY).values()} == {Decimal("0.241"), Decimal("0.141")}


def test_the_surplus_pays_the_closing_bill_first_and_the_rest_the_next_ones(tmp_path: Path) -> None:
    """13 bills of 10.90 a month. 1,000 kWh are 30.00: F.8, then a credit on the bill that follows."""
    more = '[version.fixed_per_month]\nbase = "10.90"'
    after = [Days(date(2025, 3, 15), date(2025, 4, 14)), Days(date(2025, 4, 15), date(2025, 5, 14))]
    bills = year_of(tmp_path, 0, 1000, more=more, after=after)
    assert [one.due_now for one in bills[:11]] == [Decimal("10.90")] * 11
    assert [one.due_now for one in bills[11:]] == [
        Decimal(0),
        Decimal(0),
        Decimal("2.70"),
    ]  # 30.00 - 10.90 - 10.90 = 8.20
    moves = {move.name: move for move in bills[12].banks}
    assert (moves["bill_credit"].before, moves["bill_credit"].used) == (Decimal("19.10"), Decimal("10.90"))
    (last,) = bills[13].banks
    assert (last.used, last.after) == (Decimal("8.20"), Decimal(0))


def test_the_credit_outlives_the_programme(tmp_path: Path) -> None:
    """19.10 of the 30.00 are left when nem2 follows nem1: they pay its first bills."""
    after = [Days(date(2025, 3, 15), date(2025, 4, 14)), Days(date(2025, 4, 15), date(2025, 5, 14))]
    bills = year_of(
        tmp_path,
        0,
        1000,
        programme="nem1",
        more='[version.fixed_per_month]\nbase = "10.90"',
        account='[[programme]]\nname = "nem2"\nfrom = 2025-03-15',
        after=after,
    )
    assert [one.slot.programme for one in bills[11:]] == ["nem1", "nem2", "nem2"]
    assert [one.due_now for one in bills[11:]] == [Decimal(0), Decimal(0), Decimal("2.70")]


def test_another_programme_before_the_year_is_over_pays_no_surplus(tmp_path: Path) -> None:
    """A-14: a complete period of twelve cycles; the bills of this one are eleven."""
    bills = year_of(tmp_path, 0, 1000, programme="nem1", account='[[programme]]\nname = "nem2"\nfrom = 2025-02-15')
    closing = bills[10]
    assert (closing.slot.closes_year, closing.slot.programme, bills[11].slot.programme) == (True, "nem1", "nem2")
    assert not lines_of(closing, LineKind.SURPLUS)
    assert any("the period has 11 of 12 cycles" in note for note in closing.notes)


def test_a_cheque_leaves_no_credit(tmp_path: Path) -> None:
    more = '[version.fixed_per_month]\nbase = "10.90"'
    bills = year_of(tmp_path, 0, 1000, more=more, choices={"surplus_payout": "check"})
    assert bills[-1].due_now == Decimal("-19.10")  # 10.90 - 30.00
    assert not bills[-1].banks


def test_rolled_over_kilowatt_hours_are_paid_nothing_and_kept(tmp_path: Path) -> None:
    bills = year_of(tmp_path, 0, 1000, choices={"surplus_payout": "rollover_kwh"})
    assert not lines_of(bills[-1], LineKind.SURPLUS)
    (move,) = bills[-1].banks
    assert (move.name, move.after) == ("surplus_kwh", Decimal(1000))


SHEETS = {
    "2024-12": ("0.02649", "-0.00259", "0.00101", "0.00561", Decimal("3.05")),  # 0.03052
    "2025-01": ("0.02644", "-0.00013", "-0.00072", "0.00595", Decimal("3.15")),  # 0.03154
    "2026-03": ("0.00614", "-0.00002", "0.00027", "0.00591", Decimal("1.23")),  # 0.01230
}


@pytest.mark.parametrize("sheet", list(SHEETS))
def test_the_non_bypassable_parts_of_a_sheet_are_charged_on_what_was_taken(sheet: str, tmp_path: Path) -> None:
    """100 kWh taken, 300 given at other hours: the charge is on the 100, of which none flows in the gap."""
    *parts, amount = SHEETS[sheet]
    names = ("purpose", "nuclear", "transition", "wildfire")
    charges = "\n".join(f'{name} = "{part}"' for name, part in zip(names, parts, strict=True))
    tariff = simple_tariff(tmp_path, charges=charges, non_bypassable=", ".join(f'"{name}"' for name in names))
    rows = spread([Days(date(2024, 10, 20), date(2024, 11, 18), 100, 300, range(17, 21))])
    text = account_text("nem2", [date(2024, 10, 20), date(2024, 11, 19)], tariff=tariff, customer=NOBODY)
    (bill,) = reckoned(tmp_path, with_gap(rows, "2024-11-03T00:30", "2024-11-03T03:30"), text)
    summer, winter = lines_of(bill, LineKind.NON_BYPASSABLE).values()
    assert (summer.quantity, winter.quantity) == (Decimal(40), Decimal(60))  # 12 and 18 days
    assert (summer.amount + winter.amount, summer.due) == (amount, Due.TRUE_UP)


@pytest.mark.parametrize(("netting", "base_kwh"), [("15min", 28 * 24), ("60min", 0)])
def test_an_hour_that_takes_and_gives_alike_is_charged_by_quarters_and_not_by_hours(
    netting: str, base_kwh: int, tmp_path: Path
) -> None:
    """A-1: each hour takes 1 kWh in its first quarter and gives it in its second. A night has an hour more,
    and an hour of it was not read: its kilowatt-hours are split by time, and no quarter takes more than it gives.
    """
    first = date(2024, 10, 20)
    rows = spread([Days(first, date(2024, 11, 16))])
    rows = [
        (at_us, taken + (number + 3) // 4 * 1_000_000, given + (number + 2) // 4 * 1_000_000)
        for number, (at_us, taken, given) in enumerate(rows)
    ]
    rows = with_gap(rows, "2024-11-03T00:00", "2024-11-03T01:00")
    text = account_text(
        "nem2",
        [first, date(2024, 11, 17)],
        tariff=simple_tariff(tmp_path),
        choices={"netting_interval": netting},
        customer=NOBODY,
    )
    (bill,) = reckoned(tmp_path, rows, text)
    assert sum(one.quantity or 0 for one in lines_of(bill, LineKind.NON_BYPASSABLE).values()) == base_kwh


def test_27_days_of_the_base_services_charge_are_21_42(tmp_path: Path) -> None:
    """Of March, and of May and June, whatever season they are of; 53 days between are 42.05."""
    read = [date(2026, 3, 1), date(2026, 3, 28), date(2026, 5, 20), date(2026, 6, 16)]
    rows = with_gap(spread([Days(read[0], read[-1] - ONE_DAY, 200, 100)]), "2026-03-08T01:30", "2026-03-08T04:00")
    customer = 'base_services_tier = "tier_3"\nbaseline = "basic_x"'
    bills = reckoned(tmp_path, rows, account_text("nem2", read, tariff="pge-e-tou-c", customer=customer))
    charges = [list(lines_of(one, LineKind.FIXED).values()) for one in bills]
    assert [[one.amount for one in each] for each in charges] == [
        [Decimal("21.42")],
        [Decimal("42.05")],
        [Decimal("21.42")],
    ]
    assert [one.due_now for one in bills] == [Decimal("21.42"), Decimal("42.05"), Decimal("21.42")]
