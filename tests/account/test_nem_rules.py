"""What begins, ends or refuses a NEM account: permission to operate, the fee, the tariff, the stored interval's length.

Each from 15-minute registers over the night of 2024-11-03 and a gap in it. Prices: `simple_tariff`, 0.40 and 0.30.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.account.account_file import AccountError
from gateway.account.charges import PriceError, Prices
from gateway.account.energy import EnergyError
from gateway.account.lines import Due, LineKind
from gateway.account.period import Period
from gateway.account.programmes.nem_maker import make_nem
from gateway.account.reckon import make_statements
from gateway.account.setting import Setting
from gateway.account.slots import TimelineError
from gateway.account.sources import energy_of
from gateway.account.statement import Statement
from gateway.tariff.tariff_file import load_tariff

from .house import Days, Row, spread, with_gap
from .reckon import account_file, account_text, amount_of, lines_of, reckoned
from .simple_tariff import simple_tariff

ONE_DAY = timedelta(days=1)
READ = [date(2024, 10, 10), date(2024, 11, 10), date(2024, 12, 10)]
PTO = date(2024, 10, 31)
NOBODY = 'pcia_vintage = ""'
BEFORE = Days(READ[0], PTO - ONE_DAY, 2016, 50)
AFTER = Days(PTO, READ[1] - ONE_DAY, 100, 40)
NEXT = Days(READ[1], READ[2] - ONE_DAY, 300, 60)


def house(parts: Sequence[Days] = (BEFORE, AFTER, NEXT)) -> list[Row]:
    return with_gap(spread(parts), "2024-11-03T00:30", "2024-11-03T03:30")


def bills_with_pto(
    folder: Path, *, pto: date = PTO, choices: dict[str, str] | None = None, more: str = ""
) -> list[Statement]:
    tariff = simple_tariff(folder, more=more)
    text = account_text("nem2", READ, pto=pto, tariff=tariff, choices=choices, customer=NOBODY)
    return reckoned(folder, house(), text)


def days_of(bill: Statement) -> tuple[str, date, date]:
    return bill.slot.programme, bill.slot.cycle.first_day, bill.slot.cycle.last_day


def test_a_charge_by_the_month_can_be_on_the_piece_that_ends_a_cut_cycle(tmp_path: Path) -> None:
    """10.00 a month: the piece before permission to operate has none, the one that ends the cycle has it."""
    months = '[version.fixed_per_month]\ncustomer_charge = "10.00"\n[version.minimum_per_month]\nminimum = "4.00"'
    first, second, third = bills_with_pto(tmp_path, more=months, choices={"monthly_charges": "last_day"})
    assert not lines_of(first, LineKind.FIXED)
    for bill in (second, third):
        assert [one.amount for one in lines_of(bill, LineKind.FIXED).values()] == [Decimal("10.00")]
        assert [one.amount for one in lines_of(bill, LineKind.MINIMUM).values()] == [Decimal("4.00")]


def test_charges_by_the_year_are_named_as_not_included(tmp_path: Path) -> None:
    years = '[version.fixed_per_year]\nmeter_rent = "24.00"\n[version.minimum_per_year]\nminimum = "60.00"'
    for bill in bills_with_pto(tmp_path, more=years):
        told = [one.label for one in bill.not_included]
        assert sum("meter rent, 24.00 a year" in one for one in told) == 1
        assert sum("minimum, 60.00 a year" in one for one in told) == 1


def test_before_permission_to_operate_exports_earn_nothing_and_imports_cost_their_price(tmp_path: Path) -> None:
    first, second, _ = bills_with_pto(tmp_path)
    assert days_of(first) == ("plain", READ[0], PTO - ONE_DAY)
    assert days_of(second) == ("nem2", PTO, READ[1] - ONE_DAY)
    # 1 kWh a quarter: 420 of 2,016 in the five hours of the peak.
    assert [one.amount for one in lines_of(first, LineKind.ENERGY).values()] == [Decimal("168.00"), Decimal("478.80")]
    assert first.due_now == Decimal("646.80")
    assert second.due_now == 0


def test_the_cut_cycle_belongs_to_the_year_and_is_none_of_its_twelve(tmp_path: Path) -> None:
    _, second, third = bills_with_pto(tmp_path)
    assert (second.slot.number, third.slot.number) == (0, 1)
    both = [sum(one.amount for one in lines_of(bill, LineKind.ENERGY).values()) for bill in (second, third)]
    assert amount_of(third, "summary.energy") == sum(both)


@pytest.mark.parametrize(
    ("rule", "first_day"),
    [("pto", PTO), ("read_before_pto", READ[0]), ("read_after_pto", READ[1])],
)
def test_the_day_from_which_exports_count_is_an_option(rule: str, first_day: date, tmp_path: Path) -> None:
    bills = bills_with_pto(tmp_path, choices={"nem_start": rule})
    assert next(one.slot.cycle.first_day for one in bills if one.slot.programme == "nem2") == first_day


@pytest.mark.parametrize("rule", ["pto", "read_before_pto", "read_after_pto"])
@pytest.mark.parametrize(("when", "due"), [("noted", Due.NOTED), ("first_bill", Due.NOW)])
def test_the_interconnection_fee_comes_once(rule: str, when: str, due: Due, tmp_path: Path) -> None:
    bills = bills_with_pto(tmp_path, choices={"nem_start": rule, "interconnection_fee_due": when})
    fees = [one for bill in bills for one in lines_of(bill, LineKind.FEE).values()]
    assert [(one.amount, one.due) for one in fees] == [(Decimal("145.00"), due)]
    first = next(bill for bill in bills if bill.slot.programme == "nem2")
    assert list(lines_of(first, LineKind.FEE)) == ["fee.interconnection"]


@pytest.mark.parametrize(("utility", "fee"), [("pge", "145"), ("sdge", "132"), ("sce", "75")])
def test_the_fee_is_the_utilitys(utility: str, fee: str, tmp_path: Path) -> None:
    """A-15. SDG&E credits from the reading before the permission."""
    text = account_text("nem2", READ, pto=PTO, tariff=simple_tariff(tmp_path), customer=NOBODY)
    bills = reckoned(tmp_path, house(), text.replace('utility = "pge"', f'utility = "{utility}"'))
    fees = [one.amount for bill in bills for one in lines_of(bill, LineKind.FEE).values()]
    assert fees == [Decimal(fee)]


def test_a_minimum_before_permission_is_only_what_energy_falls_short_of(tmp_path: Path) -> None:
    more = '[version.minimum_per_day]\nminimum_delivery = "40"'
    first, second, _ = bills_with_pto(tmp_path, more=more)
    assert first.due_now == Decimal("840.00")  # 21 days; energy is 646.80 of it
    assert second.due_now == Decimal("400.00")  # 10 days, to be credited


def test_an_account_that_began_in_the_middle_shows_no_true_up(tmp_path: Path) -> None:
    text = account_text("nem2", READ, tariff=simple_tariff(tmp_path), customer=NOBODY)
    bills = reckoned(tmp_path, house(), text.replace(f"from = {READ[0]}", "from = 2020-01-01"))
    assert all(one.bill.true_up is None for one in bills)
    assert not any(one.key.startswith("summary") for bill in bills for one in bill.lines)


def test_a_flat_tariff_is_refused_by_nem2_and_taken_by_nem1(tmp_path: Path) -> None:
    """Winter, and a bill of 17 days of May and 13 of June, whose allowances are 9.7 and 9.8 kWh a day."""
    read = [date(2026, 3, 2), date(2026, 4, 2), date(2026, 5, 15), date(2026, 6, 14)]
    customer = 'base_services_tier = "tier_1"\nbaseline = "basic_x"'
    with pytest.raises(AccountError, match="time of use"):
        account_file(tmp_path, account_text("nem2", read, tariff="pge-e-1", customer=customer))
    used = [(300, 60), (0, 0), (300, 60)]
    parts = [Days(read[at], read[at + 1] - ONE_DAY, *one) for at, one in enumerate(used)]
    rows = with_gap(spread(parts), "2026-03-08T01:30", "2026-03-08T04:00")
    winter, _, both = reckoned(tmp_path, rows, account_text("nem1", read, tariff="pge-e-1", customer=customer))
    # 240 kWh at 0.40702 within 31 x 9.7 kWh of baseline, 0.08141 less
    assert [one.amount for one in lines_of(winter, LineKind.ENERGY).values()] == [Decimal("97.68")]
    assert [one.amount for one in lines_of(winter, LineKind.BASELINE).values()] == [Decimal("-19.54")]
    # 136 and 104 kWh of them, within 164.9 and 127.4
    assert [one.amount for one in lines_of(both, LineKind.ENERGY).values()] == [Decimal("55.35"), Decimal("42.33")]
    assert [one.amount for one in lines_of(both, LineKind.BASELINE).values()] == [Decimal("-11.07"), Decimal("-8.47")]


def test_nem2_itself_refuses_a_flat_tariff(tmp_path: Path) -> None:
    """Whoever makes the programme without the account's file is refused too."""
    read = [date(2026, 3, 2), date(2026, 4, 2)]
    rows = with_gap(spread([Days(read[0], read[1] - ONE_DAY, 300, 60)]), "2026-03-08T01:30", "2026-03-08T04:00")
    text = account_text(
        "nem2", read, tariff="pge-e-tou-c", customer='base_services_tier = "tier_1"\nbaseline = "basic_x"'
    )
    account = account_file(tmp_path, text)
    (bill,) = reckoned(tmp_path, rows, text)
    flat = Prices(load_tariff("pge-e-1"), account.terms.customer, account.terms.billing.rounding)
    ready = make_nem(Setting(account.terms, account.programmes["nem2"], flat, whole=True))
    (other,) = reckoned(tmp_path, rows, text.replace("pge-e-tou-c", "pge-e-1").replace('"nem2"', '"nem1"'))
    with pytest.raises(PriceError, match="nem2 requires a time-of-use tariff"):
        ready.programme.settle(ready.state, Period(other.energy, 1, False))
    assert bill.slot.programme == "nem2"


def test_an_interval_longer_than_the_netting_interval_is_refused_with_its_row(tmp_path: Path) -> None:
    first = datetime(2025, 1, 1, 8, tzinfo=UTC)
    hours = [first + timedelta(hours=hour) for hour in range(24 * 31)]
    rows = [f"{one.isoformat()},{(one + timedelta(hours=1)).isoformat()},1000,0" for one in hours]
    path = tmp_path / "intervals.csv"
    path.write_text("\n".join(["start,end,import_milliwh,export_milliwh", *rows]) + "\n", encoding="utf-8")
    read = [date(2025, 1, 1), date(2025, 2, 1)]
    account = account_file(tmp_path, account_text("nem2", read, tariff=simple_tariff(tmp_path), customer=NOBODY))
    energy = energy_of(account.terms.meter, tmp_path, lambda _: ("", ()), override=path)
    with pytest.raises(EnergyError, match=r"intervals\.csv:2.*15min"):
        make_statements(account, energy)
    by_hour = account_text(
        "nem2", read, tariff=simple_tariff(tmp_path), customer=NOBODY, choices={"netting_interval": "60min"}
    )
    assert len(make_statements(account_file(tmp_path, by_hour), energy).statements) == 1


def test_permission_after_the_data_leaves_all_at_the_full_price(tmp_path: Path) -> None:
    bills = bills_with_pto(tmp_path, pto=date(2025, 6, 1))
    assert {one.slot.programme for one in bills} == {"plain"}


def test_a_day_without_a_price_is_refused(tmp_path: Path) -> None:
    tariff = simple_tariff(tmp_path)
    path = Path(tariff)
    path.write_text(path.read_text().replace("effective = 2024-01-01", "effective = 2024-01-01\nlast_day = 2024-11-20"))
    text = account_text("nem2", READ, tariff=tariff, customer=NOBODY)
    with pytest.raises((PriceError, TimelineError), match="no price for 2024-11-21 to 2024-12-09"):
        reckoned(tmp_path, house(), text)


def test_a_true_up_under_a_tariff_without_its_minimum_charge_says_so(tmp_path: Path) -> None:
    """E-TOU-C of 2025 has no minimum charge in its figures, and the utility credits what it billed of it."""
    opening = '[opening]\nas_of = {}\nlast_true_up = {}\ncycles = 11\nenergy_charges = "100"\n'
    customer = 'base_services_tier = "tier_1"\nbaseline = "basic_x"'
    told = []
    for year in (2025, 2026):
        first, following = date(year, 3, 2), date(year, 4, 2)
        rows = spread([Days(first, following - ONE_DAY, 300, 60)])
        more = opening.format(first, first.replace(year=year - 1))
        text = account_text("nem2", [first, following], tariff="pge-e-tou-c", customer=customer, more=more)
        (bill,) = reckoned(tmp_path, with_gap(rows, f"{year}-03-08T01:30", f"{year}-03-09T04:00"), text)
        told.append([one for one in bill.notes if "minimum charges of this year are not in" in one])
    assert [len(one) for one in told] == [1, 0]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ('[[payment]]\nday = 2024-11-01\namount = "-5"', "is no payment"),
        ('[[generator.enlargement]]\nday = 2024-11-01\nadded_kw = "0"', "is no enlargement"),
    ],
)
def test_a_payment_or_an_enlargement_of_nothing_is_refused(more: str, says: str, tmp_path: Path) -> None:
    text = account_text("nem2", READ, pto=PTO, tariff=simple_tariff(tmp_path), customer=NOBODY, more=more)
    with pytest.raises(AccountError, match=says):
        account_file(tmp_path, text)


def opened(folder: Path, more: str) -> Statement:
    """The last of twelve bills: it gives 400 kWh and takes 100. At 0.03 each 300 are 9.00."""
    first, following = date(2024, 10, 10), date(2024, 11, 10)
    rows = with_gap(spread([Days(first, following - ONE_DAY, 100, 400)]), "2024-11-03T00:30", "2024-11-03T03:30")
    opening = f"[opening]\nas_of = {first}\nlast_true_up = 2023-11-10\ncycles = 11\n{more}"
    text = account_text("nem2", [first, following], tariff=simple_tariff(folder), customer=NOBODY, more=opening)
    (bill,) = reckoned(folder, rows, text, "0.03")
    return bill


def test_a_surplus_of_a_year_whose_earlier_kilowatt_hours_are_not_stated_is_not_known(tmp_path: Path) -> None:
    """One month's surplus is none of the year's."""
    bill = opened(tmp_path, 'energy_charges = "50"')
    assert not lines_of(bill, LineKind.SURPLUS)
    assert any("net surplus is not known" in one for one in bill.notes)
    line = lines_of(bill, LineKind.NOT_INCLUDED)["true_up.surplus"]
    assert (line.due, line.amount) == (Due.NOTED, 0)


def test_a_surplus_after_an_opening_counts_the_bills_before_it(tmp_path: Path) -> None:
    bill = opened(tmp_path, 'import_kwh = "5000"\nexport_kwh = "4800"')
    assert amount_of(bill, "true_up.surplus") == Decimal("-3.00")  # 4,800 - 5,000 + 400 - 100 = 100 kWh


def test_a_credit_in_the_opening_pays_the_bill_and_a_misspelt_one_is_refused(tmp_path: Path) -> None:
    bill = opened(tmp_path, 'import_kwh = "5000"\nexport_kwh = "4000"\nbanks = { surplus_kwh = "750" }')
    assert amount_of(bill, "true_up.surplus") == Decimal("-1.50")  # -1,000 + 300 + 750 = 50 kWh
    with pytest.raises(AccountError, match="nem2 has no bank bil_credit"):
        opened(tmp_path, 'banks = { bil_credit = "7" }')
