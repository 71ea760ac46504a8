"""Two real Net Billing statements, to the cent: a PG&E and MCE household on E-ELEC, summer 2026.

The figures are those that https://github.com/eman/tariffkit quotes from the statements of 2026-07-07 and 2026-08-04
(tests/test_billing.py, test_mce.py, test_ledger.py at commits 0132668d and 00f96d77).
"""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.account.energy import EnergyTable
from gateway.account.programmes.nbt_banks import Charges, Purse, spend
from gateway.account.statement import Statement

from .energies import table
from .net_billing import account_text, amounts, bills

FIRST_BILL = (date(2026, 6, 3), date(2026, 6, 30))
SECOND_BILL = (date(2026, 6, 30), date(2026, 7, 29))
WITH_MCE = 'base_services_tier = "tier_3"\nsupplier = "mce"\npcia_vintage = "2011"'


def of_hours(first: date, end: date, flows: dict[int, tuple[int, int]]) -> EnergyTable:
    """Hourly intervals without energy but for (import, export) watt-hours in some hours of the first day."""
    hours = (end - first).days * 24
    return table(f"{first}T00:00", 60, [flows.get(hour, (0, 0)) for hour in range(hours)])


def bill(folder: Path, days: tuple[date, date], flows: dict[int, tuple[int, int]], customer: str) -> Statement:
    text = account_text(
        folder,
        months=False,
        tariff="pge-e-elec",
        prices="",
        pto=date(2026, 6, 3),
        application=date(2026, 1, 1),
        customer=customer,
        choices="",
        more="",
    ).replace("[billing]\n", f'[billing]\nread_dates = [{days[0]}, {days[1]}]\nread_day = "first_day"\n')
    (made,) = bills(folder, text, of_hours(*days, flows))
    return made


JUNE = {2: (22_903, 0), 15: (228, 0), 17: (458, 0), 12: (0, 180_680)}


def test_the_statement_of_july_comes_out_line_by_line(tmp_path: Path) -> None:
    made = bill(tmp_path, FIRST_BILL, JUNE, WITH_MCE)
    found = amounts(made)
    assert found["fixed.2026-06-03.base_services_charge"] == "21.42"  # 27 days at 0.79343
    assert found["credit.acc_plus"] == "-1.59"  # 180.68 kWh at 0.00880
    assert found["pcia.2026-06-03"] == "0.82"
    assert found["franchise_fee.2026-06-03"] == "0.01"
    rates = {line.key: line.rate for line in made.lines}
    assert rates["delivery.2026-06-03.summer_off_peak"] == Decimal("0.21261")  # "Energy Delivered"
    assert rates["non_bypassable.2026-06-03"] == Decimal("0.01230")


def test_its_six_kinds_of_energy_lines_sum_to_8_90(tmp_path: Path) -> None:
    found = amounts(bill(tmp_path, FIRST_BILL, JUNE, WITH_MCE))
    prefixes = ("delivery.", "non_bypassable.", "pcia.", "franchise_fee.")
    utility = sum(Decimal(amount) for key, amount in found.items() if key.startswith(prefixes))
    mce_generation, mce_cost_relief = Decimal("2.88"), Decimal("-0.15")
    assert utility + mce_generation + mce_cost_relief == Decimal("8.90")


def test_a_customer_of_the_utility_has_its_energy_produced_at_0_10867(tmp_path: Path) -> None:
    made = bill(tmp_path, FIRST_BILL, JUNE, 'base_services_tier = "tier_3"')
    rates = {line.key: line.rate for line in made.lines}
    assert rates["generation.2026-06-03.summer_off_peak"] == Decimal("0.10867")
    assert not [key for key in rates if key.startswith("pcia")]


def test_another_suppliers_customer_earns_no_generation_credit_of_the_utility(tmp_path: Path) -> None:
    made = bill(tmp_path, FIRST_BILL, JUNE, WITH_MCE)
    assert not [line.key for line in made.lines if line.key.startswith("credit.generation")]
    bundled = bill(tmp_path, FIRST_BILL, JUNE, 'base_services_tier = "tier_3"')
    assert [line.key for line in bundled.lines if line.key.startswith("credit.generation")]


def test_the_statement_of_august(tmp_path: Path) -> None:
    made = bill(tmp_path, SECOND_BILL, {2: (39_906, 0), 12: (0, 193_797)}, WITH_MCE)
    found = amounts(made)
    assert found["fixed.2026-06-30.base_services_charge"] == "23.01"
    assert found["credit.acc_plus"] == "-1.71"
    assert found["pcia.2026-06-30"] == "1.39"
    assert found["franchise_fee.2026-06-30"] == "0.02"


@pytest.mark.parametrize(
    ("hour", "delivery", "generation"),
    [(19, "0.35038", "0.10708"), (15, "0.00119", "0.05522"), (12, "0.00077", "0.05686")],
)
def test_export_prices_of_the_reconciled_cycle(tmp_path: Path, hour: int, delivery: str, generation: str) -> None:
    """One kilowatt-hour on Wednesday, 15 July 2026, at each hour that the repository pins."""
    made = bill(tmp_path, SECOND_BILL, {15 * 24 + hour: (0, 1_000)}, 'base_services_tier = "tier_3"')
    exact = {line.key.split(".")[1]: line.exact for line in made.lines if line.key.startswith("credit.")}
    assert exact["delivery"] == -Decimal(delivery)
    assert exact["generation"] == -Decimal(generation)


def test_the_banks_of_august_are_all_spent() -> None:
    """PG&E's half: earned 7.96 (delivery 6.25, bonus 1.71), applied 7.96, remaining 0.00."""
    delivery, beside = Decimal("6.19") + Decimal("1.81") + Decimal("0.15"), Decimal("0.48") + Decimal("1.41")
    charges = Charges(delivery=delivery, non_bypassable=beside, fixed=Decimal("23.01"))
    spent = spend(Purse(delivery=Decimal("6.25"), bonus=Decimal("1.71")), charges)
    assert spent.banks == Purse(delivery=Decimal("6.25"), bonus=Decimal("1.71"))


def test_the_other_suppliers_bank_of_august_carries_9_34() -> None:
    """MCE's half: opening 3.34, earned 9.63, net charges 3.63 all applied; its bonus of 3.29 is never applied."""
    held = Purse(generation=Decimal("3.34") + Decimal("9.63"), bonus=Decimal("3.29"))
    spent = spend(held, Charges(generation=Decimal("3.63")))
    assert held.minus(spent.banks) == Purse(generation=Decimal("9.34"), bonus=Decimal("3.29"))


def test_the_bonus_reaches_the_base_services_charge(tmp_path: Path) -> None:
    """The July statement applied 1.59 of it where energy lines alone left room for 0.92."""
    made = bill(tmp_path, FIRST_BILL, JUNE, WITH_MCE)
    spent = spend(Purse(bonus=Decimal("1.59")), Charges(delivery=Decimal("0.92"), fixed=Decimal("21.42")))
    assert spent.banks.bonus == Decimal("1.59")
    assert spent.paid.fixed == Decimal("0.67")
    assert amounts(made)["bank.bonus_credit"] == "-1.59"
