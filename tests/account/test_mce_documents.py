"""Document 003's numbers, each from 15-minute registers to the statement: 60.00, 0.071 and 0.082, 49.99 to 5,000.

The document's year of 1,000 kWh of surplus at a wholesale rate of 0.03; MCE's other rules at their edges; what MCE
bills by the month, and PG&E at its true-up. Expected values by hand.
(net-metering rows 60 to 73; corrections A-10, B.6)
"""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.account.lines import Due
from gateway.account.statement import Statement

from .house import Days, spread, with_gap
from .laws import bank_complaints, energy_complaints
from .mce import account_text
from .reckon import Books, account_file, amount_of, books_of, statements, with_surplus_rate

MARCH = date(2026, 3, 1)
NIGHT, NOON = range(5), range(10, 14)
BOOKS: dict[tuple[Days, ...], Books] = {}


def bills_of(
    folder: Path, parts: tuple[Days, ...], rate: str = "0.03", choices: dict[str, str] | None = None, more: str = ""
) -> list[Statement]:
    """Bills by the calendar month, with MCE from the first day on; replayed once for the same energy."""
    file = account_file(folder, account_text(folder, parts[0].first, choices=choices, more=more))
    if parts not in BOOKS:
        BOOKS[parts] = books_of(folder, spread(parts), file.terms.tariff)
    return statements(with_surplus_rate(file, rate), BOOKS[parts])


def spring(folder: Path, rate: str, rule: str = "document_003", **choices: str) -> Statement:
    """MCE's year of an account that began in March: 1,000 kWh of surplus, in its closing bill."""
    parts = (Days(MARCH, date(2026, 3, 31), 100, 1100, NIGHT, NOON),)
    (bill,) = bills_of(folder, parts, rate, {"cashout_rule": rule, **choices})
    return bill


def told(bill: Statement, what: str) -> bool:
    return any(what in note for note in bill.notes)


def bank(bill: Statement) -> Decimal:
    """What MCE's bank holds after the bill."""
    return next(one.after for one in bill.banks if one.name == "mce_credit")


def test_1000_kwh_of_surplus_at_twice_the_wholesale_rate_of_3_cents_are_60_dollars(tmp_path: Path) -> None:
    bill = spring(tmp_path, "0.03")
    line = next(one for one in bill.lines if one.key == "mce.cashout")
    assert (line.quantity, line.rate, line.amount, line.due) == (-1000, Decimal("0.06"), Decimal("-60.00"), Due.NOW)
    assert told(bill, "60.00 is paid by MCE's cheque")


def test_pge_pays_no_surplus_beside_mce(tmp_path: Path) -> None:
    assert "true_up.surplus" not in {one.key for one in spring(tmp_path, "0.03").lines}


EDGES = {
    # rule, wholesale rate of 1,000 kWh: what is paid, and whether by cheque
    ("document_003", "0.024995"): ("49.99", False),
    ("document_003", "0.025"): ("50.00", True),
    ("document_003", "2.5"): ("5000.00", True),
    ("document_003", "3"): ("5000.00", True),
    ("solar_customers", "0.025"): ("50.00", False),
    ("solar_customers", "0.025005"): ("50.01", True),
    ("solar_customers", "3"): ("6000.00", True),
    ("current", "0.03"): ("50.00", False),
    ("current", "0.18"): ("200.00", False),
    ("current", "0.18001"): ("200.01", True),
    ("current", "5"): ("5000.00", True),
}


@pytest.mark.parametrize(("rule", "rate"), list(EDGES))
def test_what_is_a_cheque_what_is_credit_and_what_is_too_much(rule: str, rate: str, tmp_path: Path) -> None:
    """The payment is rounded to cents before it is held against the threshold; the rest of the bank is zeroed."""
    wanted, by_cheque = EDGES[rule, rate]
    bill = spring(tmp_path, rate, rule)
    paid = -sum((one.amount for one in bill.lines if one.key.startswith("mce.cashout")), Decimal(0))
    assert paid == Decimal(wanted)
    assert told(bill, "cheque, apart from this bill") == by_cheque
    assert bank(bill) == (0 if by_cheque else Decimal(wanted))


def test_6000_dollars_of_surplus_lose_1000(tmp_path: Path) -> None:
    assert told(spring(tmp_path, "3"), "1000.00 beyond the most of 5000 are lost")


def test_retail_dollars_left_are_zeroed_or_kept_by_choice(tmp_path: Path) -> None:
    """1,000 kWh at 0.071 are 71.00 of retail credit, and the same kilowatt-hours are paid 60.00."""
    (zeroed, kept) = (spring(tmp_path, "0.03", retail_left=choice) for choice in ("by_rule", "kept"))
    assert told(zeroed, "71.00 of retail credit are left")
    assert (bank(zeroed), bank(kept)) == (0, Decimal("71.00"))


def test_the_first_rule_pays_retail_and_a_cent_above_100_dollars_and_never_zeroes(tmp_path: Path) -> None:
    """1,000 x (0.071 + 0.01) = 81.00 stay; with Deep Green's 0.0125 besides 93.50, and 1,500 kWh are 121.50."""
    stays, deep = (spring(tmp_path, "0.03", "early", mce_product=product) for product in ("light_green", "deep_green"))
    assert (bank(stays), bank(deep)) == (Decimal("81.00"), Decimal("93.50"))
    parts = (Days(MARCH, date(2026, 3, 31), 100, 1600, NIGHT, NOON),)
    (paid,) = bills_of(tmp_path, parts, choices={"cashout_rule": "early"})
    assert (bank(paid), amount_of(paid, "mce.cashout")) == (0, Decimal("-121.50"))


def test_exports_outside_4_to_9_pm_earn_71_mills_and_82_in_summer(tmp_path: Path) -> None:
    """100 kWh in April and in May; delivery is credited likewise: 0.27 - 0.15 of generation = 0.12 (row 67)."""
    parts = (
        Days(date(2026, 4, 1), date(2026, 4, 30), 0, 100, NIGHT, NOON),
        Days(date(2026, 5, 1), date(2026, 5, 31), 0, 100, NIGHT, NOON),
    )
    april, may = bills_of(tmp_path, parts)
    assert amount_of(april, "mce.energy.2026-04-01.winter_off_peak") == Decimal("-7.10")
    assert amount_of(may, "mce.energy.2026-05-01.summer_off_peak") == Decimal("-8.20")
    assert amount_of(april, "energy.2026-04-01.winter_off_peak") == Decimal("-12.00")
    assert bank(may) == Decimal("15.30")


def test_banked_credits_are_used_before_mce_is_paid(tmp_path: Path) -> None:
    """April gives 100 kWh (7.10); June takes 100 at 0.082: 8.20 - 7.10 = 1.10 is due in June, delivery at the true-up.

    Delivery: 100 x 0.12 = 12.00 and 100 x 0.03 = 3.00 are carried.
    """
    parts = (
        Days(date(2026, 4, 1), date(2026, 4, 30), 0, 100, NIGHT, NOON),
        Days(date(2026, 5, 1), date(2026, 5, 31), 50, 50, NIGHT, NOON),
        Days(date(2026, 6, 1), date(2026, 6, 30), 100, 0, NIGHT, NOON),
    )
    june = bills_of(tmp_path, parts)[2]
    assert (june.due_now, june.carried) == (Decimal("1.10"), Decimal("15.00"))
    assert (amount_of(june, "bank.mce_credit"), amount_of(june, "mce.due")) == (Decimal("-7.10"), Decimal("1.10"))
    assert bank(june) == 0


def test_a_year_of_readings_with_read_dates_in_mid_month(tmp_path: Path) -> None:
    """MCE's year from the enrolment on 16 April to the cycle that holds 31 March; it crosses both clock changes.

    4,000 kWh taken at night, 5,500 given at noon, 1,500 of surplus: 90.00 at 0.06. PG&E's year ends with the same
    twelfth bill: credits of (4,000 - 5,500) x 0.12 pay no non-bypassable charge of 4,000 x 0.03 = 120.00.
    """
    first, last = date(2025, 4, 16), date(2026, 4, 15)
    reads = [date(2025 + (month - 1) // 12, (month - 1) % 12 + 1, 16) for month in range(4, 17)]
    parts = (Days(first, last, 4000, 5500, NIGHT, NOON),)
    text = account_text(tmp_path, first, read_dates=reads, choices={"cashout_rule": "document_003"})
    file = account_file(tmp_path, text)
    books = books_of(tmp_path, with_gap(spread(parts), "2025-11-02T00:40", "2025-11-02T03:10"), file.terms.tariff)
    bills = statements(with_surplus_rate(file, "0.03"), books)
    assert [bill.slot.cycle.last_day for bill in bills if "mce.cashout" in {one.key for one in bill.lines}] == [last]
    assert amount_of(bills[-1], "mce.cashout") == Decimal("-90.00")
    assert abs(amount_of(bills[-1], "true_up.adjustment") - 120) <= Decimal("0.06")
    assert not list(energy_complaints(bills, spread(parts)))
    assert not list(bank_complaints(bills))
