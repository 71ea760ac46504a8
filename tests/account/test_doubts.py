"""What lines from banks and true-ups may be off by, by hand: one account of each kind of programme.

`simple_tariff` off-peak: 0.30 in sum, of it 0.15 generation, 0.12 delivery and 0.03 non-bypassable. A month takes in
one quarter of an hour and gives in another, each with its own doubt and none beside it to make it good. `100+-10` is
kilowatt-hours.
"""

import tempfile
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.account.account_file import read_account
from gateway.account.bill_parts import uncertain_of_cycle
from gateway.account.compare import Column, Wanted
from gateway.account.reckon import make_statements
from gateway.account.sources import Energy
from gateway.account.statement import Statement

from . import pennsylvania
from .doubted import Case, Month, months_of
from .reckon import account_file

NONE: Month = (0, 0, 0, 0)


def bills(case: Case, months: Sequence[Month]) -> list[Statement]:
    with tempfile.TemporaryDirectory() as name:
        return case.bills(Path(name), months_of(case.first, months))


def line(bill: Statement, key: str) -> tuple[str, str]:
    """From where to where, in cents or finer."""
    assert bill.ranges is not None
    return ends(bill.ranges.lines[key])


def bank(bill: Statement, name: str) -> tuple[str, str]:
    """What it can hold after the bill."""
    assert bill.ranges is not None
    (at,) = (at for at, move in enumerate(bill.bill.settled.banks) if move.name == name)
    return ends(bill.ranges.after[at])


def due(bill: Statement) -> tuple[str, str]:
    assert bill.ranges is not None
    return ends(bill.ranges.due_now)


def ends(one) -> tuple[str, str]:  # type: ignore[no-untyped-def]
    return f"{one.low.normalize():f}", f"{one.high.normalize():f}"


def test_net_billing_pays_back_the_lesser_of_what_banks_hold_and_what_was_paid() -> None:
    """January takes 100+-10: generation 15.00+-1.50, delivery 12.00+-1.20, paid in cash. December gives 400+-20 at 0.07
    and 0.02: the banks hold 28.00+-1.40 and 8.00+-0.40. Of generation what was paid is less, surely: it comes back.
    Of delivery the bank is less."""
    closing = bills(Case("nbt"), [(100, 0, 10, 0), *[NONE] * 10, (0, 400, 0, 20)])[-1]
    assert line(closing, "true_up.paid_back.generation") == ("-16.5", "-13.5")
    assert line(closing, "true_up.paid_back.delivery") == ("-8.4", "-7.6")
    assert bank(closing, "generation_credit") == ("26.6", "29.4")


def test_a_compared_year_is_as_uncertain_as_its_true_up() -> None:
    """The year above: January's 100+-10 x 0.30 are off by 3.00. December asks -23.00 (15.00 and 8.00 come back; 300+-30
    kWh of surplus at 0.03 are reversed), told from -26.70 to -17.50: off by 5.50, not by the 20 x 0.09 = 1.80 of its
    own credits."""
    year = bills(Case("nbt"), [(100, 0, 10, 0), *[NONE] * 10, (0, 400, 0, 20)])
    assert due(year[-1]) == ("-26.7", "-17.5")
    assert Column(Wanted("nbt", "any"), bills=tuple(year)).uncertain == Decimal("8.50")


def test_a_net_billing_bank_that_is_surely_used_up_is_sure_again() -> None:
    """January gives 100+-10: 7.00+-0.70. February takes 80+-4: generation 12.00+-0.60 uses it up, whatever it was.
    March takes 10+-1, and its 1.50 are due: no doubt of January's is left."""
    months = bills(Case("nbt"), [(0, 100, 0, 10), (80, 0, 4, 0), (10, 0, 1, 0), NONE])
    assert line(months[1], "bank.generation_credit") == ("-7.7", "-6.3")
    assert bank(months[1], "generation_credit") == ("0", "0")
    # 80+-4 x 0.30 = 24.00+-1.20 less 7.00+-0.70 and 2.00+-0.20.
    assert due(months[1]) == ("12.9", "17.1")
    assert due(months[2]) == ("2.7", "3.3")


def test_a_bill_whose_bank_alone_is_in_doubt_is_not_told_as_sure() -> None:
    """January gives 100+-10: the banks hold 7.00+-0.70 and 2.00+-0.20. February takes 80, surely: 24.00 less what the
    banks have, so what it asks is off by 0.90, and no line of energy is. With January it is the same 0.90, once."""
    second = bills(Case("nbt"), [(0, 100, 0, 10), (80, 0, 0, 0), NONE])[1]
    assert due(second) == ("14.1", "15.9")
    assert second.uncertain_amount == Decimal("0.9")
    assert second.uncertain_in_year == Decimal("0.9")


def test_a_closing_bill_counts_the_charges_on_its_own_cycle() -> None:
    """December takes 100+-10: 0.27 of each kilowatt-hour is due now, 27.00+-2.70, and 7.5 % of it, +-0.2025; 0.03 goes
    to the true-up, +-0.30. The true-up itself is not in it: 2.70 + 0.2025 + 0.30."""
    tax = '[[charge]]\nname = "tax"\npercent = "7.5"\nfrom = 2024-01-01\nsource = "s"\n'
    case = Case("nem2", (("energy_due", "monthly"),), more=tax)
    with tempfile.TemporaryDirectory() as name:
        closing = case.bills(Path(name), months_of(case.first, [*[NONE] * 11, (100, 0, 10, 0)]))[11]
        terms = read_account(Path(name) / "home.toml").terms
    assert uncertain_of_cycle(terms, closing) == Decimal("3.2025")


def test_where_credits_of_a_year_surely_outweigh_its_energy_only_other_charges_are_off() -> None:
    """nem2 nets at 0.27: 100+-10 in January are 27.00+-2.70, 400+-20 in December -108.00+-5.40: -81.00+-8.10, below
    zero in any case. What is left is non-bypassable: 100+-10 x 0.03. The surplus of 300+-30 kWh is paid 0.03."""
    closing = bills(Case("nem2"), [(100, 0, 10, 0), *[NONE] * 10, (0, 400, 0, 20)])[-1]
    assert line(closing, "true_up.energy") == ("-89.1", "-72.9")
    assert line(closing, "true_up.adjustment") == ("0", "0")  # minimum charges of 200.40 were billed, and count
    assert line(closing, "true_up.non_bypassable") == ("2.7", "3.3")
    assert line(closing, "true_up.surplus") == ("-9.9", "-8.1")


def test_a_tier_may_be_reached_by_more_taken_and_less_given_at_once() -> None:
    """nem1 nets 30+-10 less 20+-10: 10+-20 kWh at 0.30, 3.00+-6.00. Up to 30 kWh may be net, of which 10 lie above the
    limit of 20 and cost 0.10 more: no line says so, and up to 10.00 may go to the true-up. Below zero it is -10 kWh at
    the most, above no limit. Mirrored: -10+-20 are -9.00 - 10 x 0.10 to 3.00."""
    case = Case("nem1", has_tiers=True)
    first, second = bills(case, [(30, 20, 10, 10), (20, 30, 10, 10), NONE])[:2]
    assert first.ranges is not None
    assert second.ranges is not None
    assert ends(first.ranges.carried) == ("-3", "10")
    assert ends(second.ranges.carried) == ("-10", "3")


def test_an_adjustment_about_zero_is_never_below_it() -> None:
    """nem1: 1000+-10 x 0.30 = 300.00+-3.00 less 330+-5 x 0.30 = 99.00+-1.50, less minimum charges of 200.40 (334 days
    at 0.60 before December): 0.60+-4.50, cut off at zero."""
    closing = bills(Case("nem1"), [(1000, 0, 10, 0), *[NONE] * 10, (0, 330, 0, 5)])[-1]
    assert line(closing, "true_up.adjustment") == ("0", "5.1")


def test_monthly_net_metering_pays_out_of_a_bank_that_may_be_off() -> None:
    """January gives 50+-5 at 0.27: 13.50+-1.35 to the bank. February takes 100+-10: 27.00+-2.70, of which the bank pays
    what it has; the rest is 13.50+-4.05, and the bank surely empty."""
    case = Case("nem2", (("energy_due", "monthly"),))
    first, second = bills(case, [(0, 50, 0, 5), (100, 0, 10, 0), NONE])[:2]
    assert bank(first, "energy_credit") == ("12.15", "14.85")
    assert line(second, "bank.energy_credit") == ("-14.85", "-12.15")
    assert bank(second, "energy_credit") == ("0", "0")
    # With 7.00 for the days (28 x 0.25) and the minimum of 16.80.
    assert due(second) == ("33.25", "41.35")


def test_a_surplus_that_rolls_over_brings_its_own_doubt_and_no_more() -> None:
    """300+-30 kWh of the first year count as exported in the second, which takes 200+-20: 100+-50 are left."""
    year = [(100, 0, 10, 0), *[NONE] * 10, (0, 400, 0, 20)]
    made = bills(Case("nem2", (("surplus_payout", "rollover_kwh"),)), [*year, (200, 0, 20, 0), *[NONE] * 11])
    for bill, wanted in ((made[11], ("270", "330")), (made[23], ("50", "150"))):
        assert bill.ranges is not None
        (at,) = (at for at, move in enumerate(bill.banks) if move.name == "surplus_kwh")
        assert ends(bill.ranges.after[at]) == wanted


def test_kilowatt_hours_out_of_a_bank_are_as_sure_as_the_bank() -> None:
    """January gives 50+-5, February takes 30+-2: 20+-7 are left. March takes 40+-1: 20+-8 are billed at 0.30, and the
    bank is empty in any case, so April's 10+-1 are off by themselves alone."""
    case = Case("net_metering_kwh", (("surplus_to", "same_bucket"),))
    months = bills(case, [(0, 50, 0, 5), (30, 0, 2, 0), (40, 0, 1, 0), (10, 0, 1, 0), NONE])
    assert bank(months[1], "kwh.winter_off_peak") == ("13", "27")
    assert line(months[2], "energy.2025-03-01.winter_off_peak") == ("3.6", "8.4")
    assert bank(months[2], "kwh.winter_off_peak") == ("0", "0")
    assert line(months[3], "energy.2025-04-01.winter_off_peak") == ("2.7", "3.3")


@pytest.mark.parametrize(
    "case",
    [
        Case("net_metering_usd", (("export_price", "retail"),)),
        Case("net_billing_carryover", (("export_price", "retail"), ("credit_from", "same_cycle"))),
    ],
)
def test_dollars_out_of_a_bank_are_as_sure_as_the_bank(case: Case) -> None:
    """At 0.30: January earns 15.00+-1.50, February uses 9.00+-0.60, so 6.00+-2.10 are left. March costs 12.00+-0.30, of
    which the bank pays what it has."""
    months = bills(case, [(0, 50, 0, 5), (30, 0, 2, 0), (40, 0, 1, 0), NONE])
    assert line(months[1], "bank.credit") == ("-9.6", "-8.4")
    assert bank(months[1], "credit") == ("3.9", "8.1")
    assert line(months[2], "bank.credit") == ("-8.1", "-3.9")
    assert bank(months[2], "credit") == ("0", "0")


def test_a_minimum_makes_a_bill_sure_below_it() -> None:
    """30+-2 x 0.30 = 9.00+-0.60, and 31 days at 0.25: 16.75+-0.60, below 31 x 0.60 = 18.60 in any case."""
    (first, *_) = bills(Case("net_billing"), [(30, 0, 2, 0), NONE])
    assert line(first, "minimum") == ("1.25", "2.45")
    assert due(first) == ("18.6", "18.6")


def test_mce_has_its_own_bank_and_its_own_doubt() -> None:
    """Generation at 0.071: January gives 100+-10, 7.10+-0.71; February takes 50+-5, 3.55+-0.355 out of it."""
    first, second = bills(Case("mce"), [(0, 100, 0, 10), (50, 0, 5, 0), NONE])[:2]
    assert bank(first, "mce_credit") == ("6.39", "7.81")
    assert line(second, "bank.mce_credit") == ("-3.905", "-3.195")
    assert line(second, "mce.due") == ("0", "0")
    assert bank(second, "mce_credit") == ("2.485", "4.615")


def test_pennsylvania_bills_what_its_bank_may_not_cover_and_pays_what_is_left() -> None:
    """June gives 50+-5, July takes 80+-2: 30+-7 are billed at 0.15. August gives 20+-1, which are left in May: at the
    price to compare of June and August alike, 0.10, 2.00+-0.10."""
    year = [(0, 50, 0, 5), (80, 0, 2, 0), (0, 20, 0, 1), *[NONE] * 9]
    made = bills(Case("pennsylvania"), year)
    assert line(made[1], "energy.2024-07-01.summer_off_peak") == ("3.45", "5.55")
    assert bank(made[1], "kwh_bank.off_peak") == ("0", "0")
    low, high = (Decimal(one) for one in line(made[11], "true_up.surplus.off_peak"))
    # Averages are told outwards to the twelfth place.
    assert abs(low + Decimal("2.10")) < Decimal("1e-9")
    assert abs(high + Decimal("1.90")) < Decimal("1e-9")


def test_a_tax_is_off_by_its_share_of_what_is_due() -> None:
    """7.5 % of 12.90 to 17.10, of the bill above."""
    tax = '[[charge]]\nname = "tax"\npercent = "7.5"\nfrom = 2024-01-01\nsource = "s"\n'
    bill = bills(Case("nbt", more=tax), [(0, 100, 0, 10), (80, 0, 4, 0), NONE])[1]
    assert line(bill, "other.1") == ("0.9675", "1.2825")


def test_sure_energy_has_no_ranges() -> None:
    for bill in bills(Case("nbt"), [(0, 100, 0, 0), (80, 0, 0, 0), NONE]):
        assert bill.ranges is None


@pytest.mark.parametrize(("last", "off"), [(905, "12.34"), (920, "0")])
def test_purchases_are_held_against_those_of_a_year_in_doubt(tmp_path: Path, last: int, off: str) -> None:
    """The first year takes 12,000+-12, so 90 % of it are 10,800+-10.8. The second takes 10,805, surely: more than
    10,800, and less than 10,810.8, so a share of 12.34 may be asked for. Of 10,820 none can be."""
    june = date(2024, 6, 1)
    terms = 'independent_load = true\nstranded_share = "12.34"'
    text = pennsylvania.account_text(tmp_path, june, customer='kind = "commercial"', pennsylvania=terms)
    months = [*[(1000, 0, 1, 0)] * 12, *[(900, 0, 0, 0)] * 11, (last, 0, 0, 0)]
    made = make_statements(account_file(tmp_path, text), Energy(months_of(june, months), ())).statements
    assert "true_up.stranded" not in {one.key for one in made[23].lines}
    assert made[23].ranges is not None
    assert made[23].ranges.due_now.high - made[23].due_now == Decimal(off)
    assert made[23].ranges.due_now.low == made[23].due_now


def test_purchases_of_a_year_in_doubt_stay_so_with_another_supplier(tmp_path: Path) -> None:
    """The same two years: of 12,000+-12 a share may be asked for where 10,805 follow. Another one supplies then."""
    june, change = date(2024, 6, 1), '[[supplier]]\nname = "Second Power"\nfrom = 2025-06-01\n'
    terms = 'independent_load = true\nstranded_share = "12.34"'
    text = pennsylvania.account_text(tmp_path, june, customer='kind = "commercial"', pennsylvania=terms, more=change)
    months = [*[(1000, 0, 1, 0)] * 12, *[(900, 0, 0, 0)] * 11, (905, 0, 0, 0)]
    made = make_statements(account_file(tmp_path, text), Energy(months_of(june, months), ())).statements
    assert {one.slot.supplier for one in made} == {"", "Second Power"}
    assert made[23].ranges is not None
    assert made[23].ranges.due_now.high - made[23].due_now == Decimal("12.34")


@pytest.mark.parametrize(
    ("base", "taken", "wanted"),
    [
        ("net", (10, 30, 20, 10), ("0", "1")),
        ("net", (40, 30, 5, 0), ("0.5", "1.5")),
        ("import", (3, 0, 5, 0), ("0", "0.8")),
    ],
)
def test_a_charge_by_the_kilowatt_hour_is_never_on_less_than_nothing(
    base: str, taken: Month, wanted: tuple[str, str]
) -> None:
    """At 0.10: -20+-30 kWh net are 10 at the most; 10+-5; an import of 3+-5."""
    more = f'[[charge]]\nname = "tax"\nper_kwh = "0.10"\nof = "{base}"\nfrom = 2024-01-01\nsource = "s"\n'
    assert line(bills(Case("nem1", more=more), [taken, NONE])[0], "other.1") == wanted


def test_what_a_year_may_be_off_counts_a_banks_doubt_once() -> None:
    """Credits at 0.07 and 0.02: January's 100+-10 are 9.00+-0.90 in banks. February takes 20 of it, surely: 6.00 of
    generation 3.00 and delivery 2.40, which the banks of 7.00+-0.70 and 2.00+-0.20 pay but for 0.20 to 0.60 of
    delivery. What February asks is off by 0.20, and so is the sum of both bills; the rest is in the banks still: 0.70
    of generation. March uses all up: 0.70 more are off, and nothing is left."""
    months = bills(Case("nbt"), [(0, 100, 0, 10), (20, 0, 0, 0), (100, 0, 0, 0), NONE])
    assert [str(one.uncertain_in_year.normalize()) for one in months[:3]] == ["0.9", "0.9", "0.9"]
    assert [str(one.uncertain_amount.normalize()) for one in months[:3]] == ["0.9", "0.2", "0.7"]
