"""Charges and minimums by the month and by the year where a billing cycle is cut or its prices change, by hand.

Each from 15-minute registers over the night of 2024-11-03 and a gap in it, and over the change of season on 1 November.
"""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.account.lines import LineKind
from gateway.account.money import Rounding, exactly, share
from gateway.account.statement import Statement

from .house import Days, spread, with_gap
from .reckon import account_file, account_text, books_of, lines_of, reckoned, statements
from .simple_tariff import simple_tariff

ONE_DAY = timedelta(days=1)
READ = [date(2024, 10, 10), date(2024, 11, 10), date(2024, 12, 10)]
PTO = date(2024, 10, 31)
NOBODY = 'pcia_vintage = ""'
NIGHT = range(6)
GAP = ("2024-11-03T00:30", "2024-11-03T03:30")
MONTHS = '[version.fixed_per_month]\ncustomer_charge = "10.00"\n[version.minimum_per_month]\nminimum = "{minimum}"\n'
DEARER = """\
[[version]]
effective = 2024-11-01
source = "a test"
[version.adders_per_kwh]
charges = "0.03"
[version.energy_per_kwh]
summer_peak = { generation = "0.15", delivery = "0.22" }
summer_off_peak = { generation = "0.15", delivery = "0.12" }
winter_peak = { generation = "0.15", delivery = "0.22" }
winter_off_peak = { generation = "0.15", delivery = "0.12" }
[version.fixed_per_month]
customer_charge = "13.00"
[version.minimum_per_month]
minimum = "62.00"
"""


def bills_of(folder: Path, programme: str, more: str, *, pto: date | None, **choices: str) -> list[Statement]:
    """Two cycles, 21 and 10 days and 30; as many kWh taken at 0.30."""
    parts = [
        Days(READ[0], PTO - ONE_DAY, 21, 0, import_hours=NIGHT),
        Days(PTO, READ[1] - ONE_DAY, 10, 0, import_hours=NIGHT),
        Days(READ[1], READ[2] - ONE_DAY, 30, 0, import_hours=NIGHT),
    ]
    rows = with_gap(spread(parts), *GAP)
    tariff = simple_tariff(folder, more=more)
    return reckoned(
        folder, rows, account_text(programme, READ, pto=pto, tariff=tariff, choices=choices, customer=NOBODY)
    )


def amounts(bill: Statement, kind: LineKind) -> list[Decimal]:
    return [one.amount for one in lines_of(bill, kind).values()]


def test_each_piece_of_a_cut_cycle_bears_its_days(tmp_path: Path) -> None:
    """21 and 10 of 31 days: of 10.00 these are 6.77 and 3.23, of 4.00 they are 2.71 and 1.29."""
    plain, cut, whole = bills_of(tmp_path, "nem2", MONTHS.format(minimum="4.00"), pto=PTO)
    assert amounts(plain, LineKind.FIXED) == [Decimal("6.77")]
    assert (amounts(cut, LineKind.FIXED), amounts(cut, LineKind.MINIMUM)) == ([Decimal("3.23")], [Decimal("1.29")])
    assert (amounts(whole, LineKind.FIXED), amounts(whole, LineKind.MINIMUM)) == ([Decimal(10)], [Decimal(4)])


@pytest.mark.parametrize("programme", ["net_billing", "net_billing_carryover", "net_metering_usd", "net_metering_kwh"])
def test_a_piece_is_held_against_its_days_of_the_months_minimum(programme: str, tmp_path: Path) -> None:
    """31.00 a month are 21.00 and 10.00. Before the permission: 21 kWh are 6.30, and 14.70 lack (fixed charges are no
    part of a plain bill's floor). After it: 10 kWh and 3.23 make 6.23, and 3.77 lack; then 9.00 and 10.00, and 12.00.
    """
    plain, cut, whole = bills_of(tmp_path, programme, MONTHS.format(minimum="31.00"), pto=PTO)
    assert sorted(amounts(plain, LineKind.FIXED)) == [Decimal("6.77"), Decimal("14.70")]
    assert sorted(amounts(cut, LineKind.FIXED)) == [Decimal("3.23"), Decimal("3.77")]
    assert sorted(amounts(whole, LineKind.FIXED)) == [Decimal("10.00"), Decimal("12.00")]
    assert (plain.due_now, cut.due_now, whole.due_now) == (Decimal("27.77"), Decimal("10.00"), Decimal("31.00"))


def test_prices_that_change_within_a_cycle_split_the_months_charges_by_day(tmp_path: Path) -> None:
    """22 days at 10.00 and 100.00, 9 at 13.00 and 62.00: 7.10 + 3.77 and 70.97 + 18.00 = 88.97. The energy is 9.30, so
    68.80 lack of it; from then on 13.00, and 40.00 lack beside 9.00 of energy.
    """
    first, second = bills_of(tmp_path, "net_billing", MONTHS.format(minimum="100.00") + DEARER, pto=None)
    assert sorted(amounts(first, LineKind.FIXED)) == [Decimal("3.77"), Decimal("7.10"), Decimal("68.80")]
    assert first.due_now == Decimal("88.97")
    assert (sorted(amounts(second, LineKind.FIXED)), second.due_now) == ([Decimal(13), Decimal(40)], Decimal(62))


def test_the_last_days_charge_is_an_option(tmp_path: Path) -> None:
    more = MONTHS.format(minimum="100.00") + DEARER
    first, _ = bills_of(tmp_path, "net_billing", more, pto=None, monthly_charges="last_day")
    assert sorted(amounts(first, LineKind.FIXED)) == [Decimal("13.00"), Decimal("39.70")]  # 62.00 - 9.30 - 13.00
    assert first.due_now == Decimal("62.00")


def test_shares_of_a_charge_are_the_charge_to_the_cent() -> None:
    """10.01 in two halves is 5.01 and 5.00, not 5.01 twice."""
    with exactly():
        halves = [share(Decimal("10.01"), first, first + 15, 30, Rounding.CENT) for first in (0, 15)]
        thirds = [share(Decimal(10), first, first + 1, 3, Rounding.NONE) for first in range(3)]
    assert halves == [Decimal("5.01"), Decimal("5.00")]
    assert sum(thirds) == 10


def test_a_piece_of_a_cycle_is_no_cycle_of_the_years_twelve(tmp_path: Path) -> None:
    """366 kWh at 0.30 are 109.80; the year's minimum is 200.00, so 90.20 lack. With permission on 16 January eleven
    cycles and a piece of one are known, and nobody can say what lacks.
    """
    months = [date(2024, month, 1) for month in range(1, 13)] + [date(2025, 1, 1)]
    rows = with_gap(spread([Days(months[0], date(2024, 12, 31), 366, 0, import_hours=NIGHT)]), *GAP)
    tariff = simple_tariff(tmp_path, more='[version.minimum_per_year]\nminimum = "200.00"\n')
    books = books_of(tmp_path, rows, tariff)
    last: dict[int, Statement] = {}
    for day in (1, 16):
        pto = date(2024, 1, day)
        text = account_text("net_billing", months, pto=pto, tariff=tariff, customer=NOBODY)
        last[day] = statements(account_file(tmp_path, text), books)[-1]
    assert amounts(last[1], LineKind.FIXED) == [Decimal("90.20")]
    assert not amounts(last[16], LineKind.FIXED)
    assert any("not reckoned: 11 of its 12 cycles are known" in note for note in last[16].notes)


@pytest.mark.parametrize(("choice", "lacks"), [("by_day", "140.20"), ("last_day", "190.20")])
def test_a_years_minimum_that_changes_within_the_year_goes_by_the_day(choice: str, lacks: str, tmp_path: Path) -> None:
    """200.00 to 1 July and 300.00 from 2 July on, 183 days each: 250.00, or the 300.00 of the last day. 366 kWh at
    0.30 are 109.80.
    """
    months = [date(2024, month, 1) for month in range(1, 13)] + [date(2025, 1, 1)]
    rows = with_gap(spread([Days(months[0], date(2024, 12, 31), 366, 0, import_hours=NIGHT)]), *GAP)
    tariff = Path(simple_tariff(tmp_path, more='[version.minimum_per_year]\nminimum = "200.00"\n'))
    text = tariff.read_text(encoding="utf-8")
    later = text[text.index("[[version]]") :].replace("2024-01-01", "2024-07-02").replace("200.00", "300.00")
    tariff.write_text(f"{text}\n{later}", encoding="utf-8")
    more = account_text(
        "net_billing",
        months,
        pto=months[0],
        tariff=str(tariff),
        customer=NOBODY,
        choices={"monthly_charges": choice},
    )
    last = reckoned(tmp_path, rows, more)[-1]
    assert amounts(last, LineKind.FIXED) == [Decimal(lacks)]


def test_who_moves_in_or_out_within_a_cycle_bears_his_days(tmp_path: Path) -> None:
    """In on 20 October: 21 of 31 days are 6.77 of 10.00 and 21.00 of 31.00 at the least. Out on 24 November: 15 of 30
    days are 5.00 and 15.50.
    """
    rows = with_gap(spread([Days(READ[0], READ[2] - ONE_DAY, 0, 61, export_hours=NIGHT)]), *GAP)
    tariff = simple_tariff(tmp_path, more=MONTHS.format(minimum="31.00"))
    customer = f"{NOBODY}\nmoved_in = 2024-10-20\nmoved_out = 2024-11-24"
    text = account_text("plain", READ, tariff=tariff, customer=customer)
    first, last = reckoned(tmp_path, rows, text)
    assert sorted(amounts(first, LineKind.FIXED)) == [Decimal("6.77"), Decimal("21.00")]
    assert sorted(amounts(last, LineKind.FIXED)) == [Decimal("5.00"), Decimal("15.50")]
