"""Electric generation suppliers (EGS) in Pennsylvania: two banks, one of each supplier, and what a change does to them.

Energy of whole months from a table. Distribution is 0.05; a supplier's own price 0.09; supply and transmission of the
utility 0.10 to November 2024. Expected values by hand. (52 Pa. Code 75.13(b); (f), (g) as recalled; corrections A-11)
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.account.account_file import AccountFile
from gateway.account.charges import PriceError
from gateway.account.compare import Wanted, compare
from gateway.account.lines import LineKind
from gateway.account.reckon import make_statements
from gateway.account.sources import Energy
from gateway.account.statement import Statement

from .energies import table
from .laws import bank_complaints
from .mce import months_table
from .pennsylvania import account_text, tariff
from .reckon import account_file, amount_of

JUNE = date(2024, 6, 1)
FIRST = 'supplier = "First Energy Sales"'
SUMMER = [(0, 100), (150, 0), (0, 300)]
"""June gives 100 kWh, July takes 150, August gives 300: a bank of 300 at the end of August."""


def contracted(folder: Path, *, then: str | None = None, choices: dict[str, str] | None = None) -> AccountFile:
    """Supplied by one that nets kilowatt-hours; by `then` from September on."""
    more = "" if then is None else f'[[supplier]]\nname = "{then}"\nfrom = 2024-09-01'
    top = f'supplier_tariff = "{tariff(folder, generation_only=True)}"'
    chosen = {"egs_generation": "kwh_bank", **(choices or {})}
    return account_file(folder, account_text(folder, JUNE, top=top, customer=FIRST, choices=chosen, more=more))


def bills_of(file: AccountFile, kwh: Sequence[tuple[int, int]]) -> list[Statement]:
    bills = list(make_statements(file, Energy(months_table(JUNE, list(kwh)), ())).statements)
    assert not list(bank_complaints(bills))
    return bills


def held(bill: Statement) -> dict[str, tuple[Decimal, Decimal]]:
    """Bank -> (before, after) over the whole bill, its year's end among it."""
    found: dict[str, tuple[Decimal, Decimal]] = {}
    for one in bill.banks:
        found[one.name] = found.get(one.name, (one.before, one.after))[0], one.after
    return found


def told(bill: Statement, what: str) -> bool:
    return any(what in one for one in bill.notes)


def test_a_supplier_and_the_utility_each_have_a_bank(tmp_path: Path) -> None:
    """July takes 150, of which June's 100 are in both banks: 50 x 0.05 to the utility, 50 x 0.09 to the supplier."""
    july, august = bills_of(contracted(tmp_path), SUMMER)[1:]
    assert july.due_now == 10 + Decimal("2.50") + Decimal("4.50")
    assert held(july) == {"distribution_kwh.all": (100, 0), "generation_kwh.all": (100, 0)}
    assert held(august) == {"distribution_kwh.all": (0, 300), "generation_kwh.all": (0, 300)}


def test_the_next_supplier_does_not_take_over_the_bank_of_the_last(tmp_path: Path) -> None:
    """300 kWh were the first's. September takes 100 of the second: 100 x (0.05 + 0.09) and the customer charge."""
    august, september = bills_of(contracted(tmp_path, then="Second Power"), [*SUMMER, (100, 0)])[2:]
    assert held(august) == {"distribution_kwh.all": (0, 0), "generation_kwh.all": (0, 0)}
    assert august.due_now == 10
    assert told(august, "300 kWh of First Energy Sales's own bank are forfeited")
    assert told(august, "egs_switch = forfeited")
    assert september.due_now == 10 + 5 + 9
    assert held(september) == {}


def test_a_contract_may_pay_what_its_bank_holds_when_the_customer_leaves(tmp_path: Path) -> None:
    """300 x 0.09 = 27.00 are paid with August's bill: 10.00 - 27.00. The next supplier still begins with nothing."""
    file = contracted(tmp_path, then="Second Power", choices={"egs_switch": "paid"})
    august, september = bills_of(file, [*SUMMER, (100, 0)])[2:]
    assert amount_of(august, "egs.left.all") == Decimal("-27.00")
    assert august.due_now == Decimal("-17.00")
    assert [one.paid_out for one in august.banks if one.name == "generation_kwh.all"][-1] == 300
    assert september.due_now == 24


def test_a_supplier_to_whom_the_customer_comes_back_begins_with_nothing(tmp_path: Path) -> None:
    """September is the utility's: 100 x 0.15. October is the first supplier's again: 100 x (0.05 + 0.09)."""
    contracted(tmp_path, then="")
    text = (tmp_path / "account.toml").read_text(encoding="utf-8") + '\n[[supplier]]\nname = "First Energy Sales"\n'
    back = account_file(tmp_path, text + "from = 2024-10-01\n")
    september, october = bills_of(back, [*SUMMER, (100, 0), (100, 0)])[3:]
    assert (september.due_now, october.due_now) == (10 + 15, 10 + 5 + 9)


def test_moving_out_leaves_the_suppliers_bank_to_its_contract(tmp_path: Path) -> None:
    """Moved out on 31 August: the same as another supplier; no month follows."""
    contracted(tmp_path)
    text = (tmp_path / "account.toml").read_text(encoding="utf-8")
    gone = account_file(tmp_path, text.replace(FIRST, f"{FIRST}\nmoved_out = 2024-08-31"))
    august = bills_of(gone, SUMMER)[2]
    assert held(august)["generation_kwh.all"] == (0, 0)
    assert told(august, "300 kWh of First Energy Sales's own bank are forfeited")


def test_an_opening_of_a_suppliers_bank_needs_its_contract(tmp_path: Path) -> None:
    """What no supplier nets would come back unseen with the next one that does."""
    opening = "\n[opening]\nas_of = 2024-06-01\nlast_true_up = 2024-06-01\n[opening.banks]\n"
    text = account_text(tmp_path, JUNE, more=f'{opening}"generation_kwh.all" = "100"\n')
    with pytest.raises(PriceError, match="states generation_kwh"):
        bills_of(account_file(tmp_path, text), SUMMER)


def test_before_permission_to_operate_a_suppliers_customer_pays_distribution_and_no_exit_fee(tmp_path: Path) -> None:
    """Permission on 15 June; on the 10th 100 kWh are taken and 40 given, which earn nothing: 100 x 0.05.

    The customer charge of 10.00 is cut: 14 of 30 days are 4.67, the rest 5.33. July takes 150 x 0.05 and 10.00.
    """
    text = account_text(tmp_path, JUNE, customer=FIRST, pto=date(2024, 6, 15))
    before, rest, july = bills_of(account_file(tmp_path, text), [(100, 40), (150, 0)])
    assert [one.slot.programme for one in (before, rest, july)] == ["plain", "pennsylvania", "pennsylvania"]
    assert [one.due_now for one in (before, rest, july)] == [Decimal("9.67"), Decimal("5.33"), Decimal("17.50")]
    assert told(before, "energy is sold by First Energy Sales: its lines are on its own bill")


def test_a_bank_of_a_period_that_the_last_day_does_not_have_waits_and_no_bill_is_refused_for_it(tmp_path: Path) -> None:
    """The supplier has peak hours to the end of June alone; the customer leaves on 31 July, its contract pays.

    1 kWh at 3 p.m. each day: 30 in June's peak, which July has no price for: pending; 31 of July x 0.09 = 2.79.
    With the customer charge of 10.00 July's bill is 10.00 - 2.79 = 7.21.
    """
    path = Path(tariff(tmp_path, time_of_use=True, generation_only=True))
    made = path.read_text(encoding="utf-8").replace("11-30", "06-30").replace('12-01"\nto', '07-01"\nto')
    made = made.replace('"peak"\n', '"peak"\nseasons = ["summer"]\n').replace('winter_peak = { supply = "0.09" }\n', "")
    path.write_text(made, encoding="utf-8")
    choices = {"egs_generation": "kwh_bank", "egs_switch": "paid"}
    customer = f"{FIRST}\nmoved_out = 2024-07-31"
    text = account_text(tmp_path, JUNE, top=f'supplier_tariff = "{path}"', customer=customer, choices=choices)
    hours = [(0, 1000 if one % 24 == 15 else 0) for one in range(61 * 24)]
    energy = Energy(table("2024-06-01T00:00", 60, hours), ())
    bill = make_statements(account_file(tmp_path, text), energy).statements[-1]
    left = {one.key: (one.kind, one.amount) for one in bill.lines if one.key.startswith("egs.left")}
    assert left == {
        "egs.left.peak": (LineKind.NOT_INCLUDED, Decimal(0)),
        "egs.left.off_peak": (LineKind.SURPLUS, Decimal("-2.79")),
    }
    assert bill.due_now == Decimal("7.21")


def test_a_californian_customer_of_another_supplier_still_needs_the_vintage_of_its_exit_fee(tmp_path: Path) -> None:
    """The positive control: without Pennsylvania's programme the same tariff and supplier are refused."""
    text = account_text(tmp_path, JUNE, customer=FIRST).replace('name = "pennsylvania"', 'name = "nem1"')
    text = text.replace("[pennsylvania]\nindependent_load = true\n", "")
    with pytest.raises(PriceError, match="pcia_vintage"):
        bills_of(account_file(tmp_path, text), [(100, 40)])


def test_two_suppliers_with_one_file_of_prices_are_told_unless_its_prices_change_with_them(tmp_path: Path) -> None:
    """The made file's prices change on 2024-12-01, as where two tariffs are joined by day."""

    def told_of(day: str) -> bool:
        text = account_text(
            tmp_path,
            JUNE,
            top=f'supplier_tariff = "{tariff(tmp_path, generation_only=True)}"',
            customer=FIRST,
            choices={"egs_generation": "kwh_bank"},
            more=f'[[supplier]]\nname = "Second Power"\nfrom = {day}',
        )
        return any("Second Power is billed by egs" in one.message for one in account_file(tmp_path, text).warnings)

    assert (told_of("2024-09-01"), told_of("2024-12-01")) == (True, False)


def test_a_comparison_says_whose_charges_a_column_leaves_out(tmp_path: Path) -> None:
    """The contract nets under `pennsylvania`; without net metering its supplier's part is on its own bill."""
    text = account_text(
        tmp_path,
        JUNE,
        top=f'supplier_tariff = "{tariff(tmp_path, generation_only=True)}"',
        customer=FIRST,
        choices={"egs_generation": "kwh_bank"},
    )
    file = account_file(tmp_path, text)
    energy = Energy(table("2024-06-01T00:00", 60, [(500, 200)] * 365 * 24), ())
    both = compare(file, energy, [Wanted(name, file.terms.tariff) for name in ("pennsylvania", "plain")]).columns
    assert [one.why_not for one in both] == ["", ""]
    told_of = ["First Energy Sales charges is on its own bill" in " ".join(one.notes) for one in both]
    assert told_of == [False, True]
