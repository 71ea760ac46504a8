"""The end of a Net Billing year: pay-back, the surplus and its reversal, rollover and loss, leaving. By hand.

`simple_tariff`: generation 0.15, delivery 0.12 off peak, non-bypassable 0.03. Exports at 0.05 and 0.01 unless said.
"""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.account.energy import EnergyTable
from gateway.account.statement import Statement

from .energies import table
from .net_billing import account_text, amounts, bills, closing_moves, flat, write_table

YEAR_HOURS = 365 * 24
JANUARY, DECEMBER = 8, 335 * 24 + 9
"""Hours of the year: 08:00 on 1 January and 09:00 on 2 December 2026."""


def hours(flows: dict[int, tuple[int, int]], count: int = YEAR_HOURS) -> EnergyTable:
    return table("2026-01-01T00:00", 60, [flows.get(hour, (0, 0)) for hour in range(count)])


def last_bill(folder: Path, flows: dict[int, tuple[int, int]], choices: str = "", **more: object) -> Statement:
    """The twelfth bill of 2026, with its true-up. `choices`: besides no ACC Plus."""
    text = account_text(folder, choices=f'acc_plus = "none"\n{choices}', **more)  # type: ignore[arg-type]
    found = bills(folder, text, hours(flows))
    assert len(found) == 12
    return found[-1]


def test_credits_left_pay_back_what_was_paid_earlier(tmp_path: Path) -> None:
    """January takes 10 kWh: 1.50, 1.20 and 0.30 in cash. December gives 9 kWh at 0.20 and 0.02."""
    write_table(tmp_path, flat("0.20", "0.02"))
    bill = last_bill(tmp_path, {JANUARY: (10_000, 0), DECEMBER: (0, 9_000)})
    found = amounts(bill)
    assert found["true_up.paid_back.generation"] == "-1.50"  # of 1.80
    assert found["true_up.paid_back.delivery"] == "-0.18"  # all there is
    assert "true_up.paid_back.non_bypassable" not in found
    assert bill.due_now == Decimal("-1.68")
    assert closing_moves(bill)["generation_credit"].after == Decimal("0.30")


def test_the_bonus_pays_back_every_kind_of_charge(tmp_path: Path) -> None:
    """A bonus of 0.30 on 9 kWh is 2.70: 1.50, 1.20 less the 0.09 of the delivery bank, then 0.09 of what is left."""
    write_table(tmp_path, flat("0", "0.01"))
    adder = "[[export_adder]]\nname = 'a'\nper_kwh = '0.30'\nbank = 'bonus'\nsource = 's'\nfrom = 2026-01-01\n"
    bill = last_bill(tmp_path, {JANUARY: (10_000, 0), DECEMBER: (0, 9_000)}, more=adder)
    found = amounts(bill)
    assert found["true_up.paid_back.generation"] == "-1.50"
    assert found["true_up.paid_back.delivery"] == "-1.20"
    assert found["true_up.paid_back.non_bypassable"] == "-0.09"


@pytest.mark.parametrize(("choice", "due"), [("scoped_banks", "-0.09"), ("none", "0")])
def test_who_pays_back_is_a_choice(tmp_path: Path, choice: str, due: str) -> None:
    write_table(tmp_path, flat("0", "0.01"))
    adder = "[[export_adder]]\nname = 'a'\nper_kwh = '0.30'\nbank = 'bonus'\nsource = 's'\nfrom = 2026-01-01\n"
    flows = {JANUARY: (10_000, 0), DECEMBER: (0, 9_000)}
    assert last_bill(tmp_path, flows, f'pay_back = "{choice}"', more=adder).due_now == Decimal(due)


@pytest.mark.parametrize(("utility", "left"), [("pge", "0.30"), ("sdge", "0.30"), ("sce", "0")])
def test_what_is_left_goes_by_the_utility(tmp_path: Path, utility: str, left: str) -> None:
    """PG&E's rolls over, SCE's is lost; the bonus stays at both."""
    write_table(tmp_path, flat("0.20", "0.02"))
    adder = "[[export_adder]]\nname = 'a'\nper_kwh = '1'\nbank = 'bonus'\nsource = 's'\nfrom = 2026-01-01\n"
    flows = {JANUARY: (10_000, 0), DECEMBER: (0, 9_000)}
    bill = last_bill(tmp_path, flows, 'pay_back = "scoped_banks"', utility=utility, more=adder)
    moved = closing_moves(bill)
    assert moved["generation_credit"].after == Decimal(left)
    assert moved["generation_credit"].forfeited == Decimal("0.30") - Decimal(left)
    assert moved["bonus_credit"].after == Decimal("9.00")


def test_the_next_year_begins_with_what_rolled_over(tmp_path: Path) -> None:
    write_table(tmp_path, flat("0.20", "0.02"))
    text = account_text(tmp_path)
    flows = {JANUARY: (10_000, 0), DECEMBER: (0, 9_000), YEAR_HOURS + 8: (10_000, 0)}
    found = bills(tmp_path, text, hours(flows, YEAR_HOURS + 31 * 24))
    assert amounts(found[12])["bank.generation_credit"] == "-0.30"


def surplus_of_ten(folder: Path, choices: str = "", payout: str = "check", **more: object) -> Statement:
    """2 kWh taken, 12 given: a surplus of 10 kWh, of which PG&E pays the month's rate (2025-12: 0.03145)."""
    text = account_text(
        folder,
        choices=f'acc_plus = "none"\nsurplus_payout = "{payout}"\n{choices}',
        pto=date(2025, 1, 1),
        **more,  # type: ignore[arg-type]
    )
    flows = {8: (2_000, 0), 335 * 24 + 9: (0, 12_000)}
    made = table("2025-01-01T00:00", 60, [flows.get(hour, (0, 0)) for hour in range(YEAR_HOURS)])
    return bills(folder, text, made)[-1]


def test_the_credit_for_a_surplus_is_taken_back_at_the_years_average(tmp_path: Path) -> None:
    """Earned 12 x 0.20 = 2.40 and 12 x 0.05 = 0.60: 10/12 of it is 2.00 and 0.50.

    The banks pay back 0.30 and 0.24 first and then hold 2.10 and 0.36, so that 0.14 come from the payment of 0.31.
    """
    write_table(tmp_path, flat("0.20", "0.05"))
    bill = surplus_of_ten(tmp_path)
    found, moved = amounts(bill), closing_moves(bill)
    assert (found["true_up.paid_back.generation"], found["true_up.paid_back.delivery"]) == ("-0.30", "-0.24")
    assert (found["true_up.reversal.generation"], found["true_up.reversal.delivery"]) == ("2.00", "0.50")
    assert found["true_up.surplus"] == "-0.31"
    assert found["true_up.reversal"] == "0.14"
    assert moved["generation_credit"].after == Decimal("0.10")
    assert moved["delivery_credit"].after == 0
    assert bill.due_now == Decimal("-0.71")  # 0.54 paid back and 0.17 left of the payment


def test_a_surplus_taken_back_from_its_payment_is_not_taxed(tmp_path: Path) -> None:
    """Of a bill of which only the payment and what is taken back from it are left, 7.5 % are nothing.

    100 kWh at peak cost 15, 22 and 3, which the credits of 300 kWh pay: 60 and 30, and a bonus of 3. The surplus of 200
    takes back 40 of the 45 in the one bank, and of 20 the 8 in the other; of the 12 that lack the payment has 6.29
    (200 x 0.03145). It was taxed: 7.5 % of 6.29 is 0.47.
    """
    write_table(tmp_path, flat("0.20", "0.10"))
    more = "[[charge]]\nname = 'tax'\npercent = '7.5'\nsource = 's'\nfrom = 2025-01-01\n"
    more += "[[export_adder]]\nname = 'a'\nper_kwh = '0.01'\nbank = 'bonus'\nsource = 's'\nfrom = 2025-01-01\n"
    choices = 'acc_plus = "none"\nsurplus_payout = "check"'
    text = account_text(tmp_path, choices=choices, pto=date(2025, 1, 1), more=more)
    flows = {8: (0, 300_000), 335 * 24 + 17: (100_000, 0)}
    made = table("2025-01-01T00:00", 60, [flows.get(hour, (0, 0)) for hour in range(YEAR_HOURS)])
    found = amounts(bills(tmp_path, text, made)[-1])
    assert (found["true_up.surplus"], found["true_up.reversal"]) == ("-6.29", "6.29")
    assert found["other.1"] == "0.00"


def test_a_reversal_larger_than_bank_and_payment_stops_there(tmp_path: Path) -> None:
    """12 kWh earn 3.60 and 2.40; 10 kWh at peak use 1.50 and 2.20 of it; the 2 kWh of surplus ask for 0.60 and 0.40.

    The generation bank has 2.10. The delivery bank has 0.20, the payment of 2 x 0.03145 has 0.06, and 0.14 stay.
    """
    write_table(tmp_path, flat("0.30", "0.20"))
    text = account_text(tmp_path, choices='acc_plus = "none"\nsurplus_payout = "check"', pto=date(2025, 1, 1))
    flows = {8: (0, 12_000), 40 * 24 + 17: (10_000, 0)}
    made = table("2025-01-01T00:00", 60, [flows.get(hour, (0, 0)) for hour in range(YEAR_HOURS)])
    last = bills(tmp_path, text, made)[-1]
    found = amounts(last)
    assert (found["true_up.reversal.generation"], found["true_up.reversal.delivery"]) == ("0.60", "0.40")
    assert (found["true_up.surplus"], found["true_up.reversal"]) == ("-0.06", "0.06")
    assert last.due_now == 0
    assert any("0.14 of the credit for the surplus stay" in note for note in last.notes)


def test_one_net_rate_takes_nothing_back(tmp_path: Path) -> None:
    write_table(tmp_path, flat("0.20", "0.05"))
    bill = surplus_of_ten(tmp_path, 'surplus_reversal = "single_net_rate"')
    found = amounts(bill)
    assert found["true_up.surplus"] == "-0.31"
    assert not [key for key in found if key.startswith("true_up.reversal")]
    assert closing_moves(bill)["generation_credit"].after == Decimal("2.10")


def test_another_suppliers_customer_is_paid_for_no_surplus(tmp_path: Path) -> None:
    """Schedule NBT, special condition 5.a: not eligible; so nothing is taken back either."""
    fees = "[version.pcia_per_kwh]\n2020 = '0.01'\n"
    from .simple_tariff import simple_tariff

    tariff = simple_tariff(tmp_path, more=fees)
    write_table(tmp_path, flat("0.20", "0.05"))
    bill = surplus_of_ten(tmp_path, tariff=tariff, customer='supplier = "mce"\npcia_vintage = "2020"')
    found = amounts(bill)
    assert not [key for key in found if key.startswith(("true_up.surplus", "true_up.reversal"))]
    assert any("mce" in note for note in bill.notes)
    assert closing_moves(bill)["delivery_credit"].after == Decimal("0.36")  # 0.60 less the 0.24 paid back


def test_a_month_without_a_published_rate_is_pending(tmp_path: Path) -> None:
    """2026-12 has none: the credit is taken back from the banks, and the payment has no amount yet.

    December earns 2.40 and 0.60 on 12 kWh, of which 0.30 and 0.24 pay January back: 2.10 and 0.36 are left. The 10 kWh
    of surplus ask for 2.00 and 0.50: the delivery bank lacks 0.14, which the payment that comes will be less.
    """
    write_table(tmp_path, flat("0.20", "0.05"))
    bill = last_bill(tmp_path, {JANUARY: (2_000, 0), DECEMBER: (0, 12_000)})
    line = next(one for one in bill.lines if one.key == "true_up.surplus")
    assert (line.amount, "pending" in line.label) == (0, True)
    assert any("0.14 of the credit for the surplus are taken from its payment, as far" in one for one in bill.notes)


def test_leaving_loses_scoped_credits_and_pays_the_bonus_out(tmp_path: Path) -> None:
    """Moved out on 31 March with 1.80 and 0.18 of credit and a bonus of 9.00, and nothing paid before."""
    write_table(tmp_path, flat("0.20", "0.02"))
    adder = "[[export_adder]]\nname = 'a'\nper_kwh = '1'\nbank = 'bonus'\nsource = 's'\nfrom = 2026-01-01\n"
    text = account_text(tmp_path, customer="moved_out = 2026-03-31", more=adder)
    found = bills(tmp_path, text, hours({9: (0, 9_000)}, 120 * 24))
    moved = closing_moves(found[-1])
    assert (moved["generation_credit"].forfeited, moved["delivery_credit"].forfeited) == (
        Decimal("1.80"),
        Decimal("0.18"),
    )
    assert moved["bonus_credit"].paid_out == Decimal("9.00")
    assert amounts(found[-1])["true_up.bonus_paid_out"] == "-9.00"
    assert found[-1].due_now == Decimal("-9.00")


def test_changing_to_another_programme_is_leaving(tmp_path: Path) -> None:
    write_table(tmp_path, flat("0.20", "0.02"))
    text = account_text(tmp_path).replace(
        "[generator]", '[[programme]]\nname = "plain"\nfrom = 2026-03-01\n[generator]'
    )
    found = bills(tmp_path, text, hours({9: (0, 9_000)}, 120 * 24))
    assert closing_moves(found[1])["generation_credit"].forfeited == Decimal("1.80")


def test_a_year_of_which_only_a_part_is_known_has_no_true_up(tmp_path: Path) -> None:
    write_table(tmp_path, flat("0.20", "0.02"))
    text = account_text(tmp_path, pto=date(2025, 7, 1)).replace(
        "months = true", "months = true\nanniversary = 2025-07-01"
    )
    found = bills(tmp_path, text, hours({9: (0, 9_000)}, 210 * 24))
    closing = next(one for one in found if one.slot.closes_year)
    assert [line.key for line in closing.true_up_lines] == []
    assert any("no true-up" in note for note in closing.notes)


def test_an_opening_does_not_tell_what_was_paid_in_cash(tmp_path: Path) -> None:
    write_table(tmp_path, flat("0.20", "0.02"))
    opening = (
        "[opening]\nas_of = 2026-11-01\nlast_true_up = 2026-01-01\ncycles = 10\nimport_kwh = '5'\nexport_kwh = '1'\n"
        "[opening.banks]\ngeneration_credit = '1.00'\n"
    )
    flows = {DECEMBER: (0, 1_000)}
    found = bills(tmp_path, account_text(tmp_path, more=opening), hours(flows))
    assert any("paid in cash before the account opened is not known" in note for note in found[-1].notes)


BONUS = "[[export_adder]]\nname = 'a'\nper_kwh = '1'\nbank = 'bonus'\nsource = 's'\nfrom = 2026-01-01\n"


@pytest.mark.parametrize("leaving", ["another programme", "moving out"])
def test_leaving_a_year_that_is_known_in_part_pays_the_bonus_out(tmp_path: Path, leaving: str) -> None:
    """Permission in July 2025, energy since January 2026: 9 kWh earn 1.80, 0.18 and a bonus of 9.00; none is used.

    With the end of March the bonus is paid out, the other two are lost, and what they would pay back is told. They
    stayed in the banks for good: 9.00 that the customer is owed.
    """
    write_table(tmp_path, flat("0.20", "0.02"))
    moved = "moved_out = 2026-03-31" if leaving == "moving out" else ""
    text = account_text(tmp_path, pto=date(2025, 7, 1), customer=moved, more=BONUS)
    if not moved:
        text = text.replace("[generator]", '[[programme]]\nname = "plain"\nfrom = 2026-04-01\n[generator]')
    last = bills(tmp_path, text, hours({9: (0, 9_000)}, 120 * 24))[2]
    moved_banks = closing_moves(last)
    assert amounts(last)["true_up.bonus_paid_out"] == "-9.00"
    assert last.due_now == Decimal("-9.00")
    assert (moved_banks["bonus_credit"].paid_out, moved_banks["bonus_credit"].after) == (Decimal("9.00"), 0)
    assert moved_banks["generation_credit"].forfeited == Decimal("1.80")
    assert moved_banks["delivery_credit"].forfeited == Decimal("0.18")
    assert any("what its credits pay back of the year is not known" in note for note in last.notes)


def test_a_year_that_is_known_in_part_and_goes_on_keeps_its_banks(tmp_path: Path) -> None:
    """The same to 30 June, when the year ends and the customer stays."""
    write_table(tmp_path, flat("0.20", "0.02"))
    text = account_text(tmp_path, pto=date(2025, 7, 1), more=BONUS).replace(
        "months = true", "months = true\nanniversary = 2026-07-01"
    )
    closing = bills(tmp_path, text, hours({9: (0, 9_000)}, 182 * 24))[5]
    assert closing.slot.closes_year
    assert closing.true_up_lines == ()
    assert closing.banks == closing.bill.settled.banks
    assert {one.name: one.after for one in closing.banks}["bonus_credit"] == Decimal("9.00")


def test_the_cheque_is_what_the_reversal_leaves_of_the_payment(tmp_path: Path) -> None:
    """As above: of the payment of 0.31 for 10 kWh the reversal takes 0.14, so the cheque is 0.17; 0.31 was told."""
    write_table(tmp_path, flat("0.20", "0.05"))
    bill = surplus_of_ten(tmp_path)
    assert any(note == "0.17 is paid by cheque" for note in bill.notes)
    assert bill.due_now == Decimal("-0.71")


def test_as_a_credit_it_is_the_same(tmp_path: Path) -> None:
    """0.17 go over as credit; what was paid back, 0.54, is this bill's, and the reversal is no reason to keep it."""
    write_table(tmp_path, flat("0.20", "0.05"))
    bill = surplus_of_ten(tmp_path, payout="credit")
    assert amounts(bill)["true_up.bill_credit"] == "0.17"
    assert closing_moves(bill)["bill_credit"].after == Decimal("0.17")
    assert bill.due_now == Decimal("-0.54")


def test_a_payment_that_the_reversal_eats_whole_is_no_cheque(tmp_path: Path) -> None:
    """12 kWh earn 3.60 and 2.40, 10 kWh at peak use some: of the 0.06 for 2 kWh the reversal takes all."""
    write_table(tmp_path, flat("0.30", "0.20"))
    text = account_text(tmp_path, choices='acc_plus = "none"\nsurplus_payout = "check"', pto=date(2025, 1, 1))
    flows = {8: (0, 12_000), 40 * 24 + 17: (10_000, 0)}
    made = table("2025-01-01T00:00", 60, [flows.get(hour, (0, 0)) for hour in range(YEAR_HOURS)])
    last = bills(tmp_path, text, made)[-1]
    assert amounts(last)["true_up.reversal"] == "0.06"
    assert not [note for note in last.notes if "cheque" in note]
