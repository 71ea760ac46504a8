"""What `[opening]` states reaches a bill or is refused with its line: nothing of it is lost unseen."""

from decimal import Decimal

import pytest

from gateway.account.account_file import AccountError
from gateway.account.reckon import make_statements
from gateway.account.slots import TimelineError
from gateway.account.sources import Energy

from .accounts import account
from .energies import table

FROM_2022 = ("from = 2025-01-01", "from = 2022-01-01")
OPENING = "[opening]\nas_of = 2025-03-01\nlast_true_up = 2024-06-01\ncycles = 9\n"
GENERIC = ('name = "nem2"', 'name = "net_metering_usd"')
PLAIN = ('name = "nem2"', 'name = "plain"')
NONE = ("Home", "Home")
WRONG = [
    # what is changed, what is stated (from line 22 on), what is said
    (NONE, '[opening.banks]\ncredits = "5"\n', ":23: ", "nem2 has no bank credits: it has energy_credit, surplus_kwh"),
    (NONE, '[opening.banks]\nbill_credit = "-5"\n', ":23: ", "the bank bill_credit is below zero"),
    (NONE, 'import_kwh = "-5"\n', ":22: ", "import_kwh is below zero"),
    (NONE, 'minimums_billed = "-5"\n', ":22: ", "minimums_billed is below zero"),
    (GENERIC, 'energy_charges = "5"\n', ":22: ", "net_metering_usd has no use for energy_charges"),
    (
        GENERIC,
        '[opening.banks]\nbill_credit = "5"\n',
        ":23: ",
        "net_metering_usd has no bank bill_credit: it has credit",
    ),
    (PLAIN, 'export_kwh = "5"\n', ":22: ", "plain has no use for export_kwh"),
    (
        ('name = "nem2"', 'name = "net_metering_kwh"'),
        '[opening.banks]\n"kwh.summer_pek" = "5"\n',
        ":23: ",
        "it has credit, year_surplus_kwh, kwh.summer_off_peak, kwh.summer_peak",
    ),
]


@pytest.mark.parametrize(("change", "stated", "line", "said"), WRONG, ids=[one[3] for one in WRONG])
def test_what_the_programme_does_not_take_over_is_refused(
    tmp_path, change: tuple[str, str], stated: str, line: str, said: str
) -> None:
    with pytest.raises(AccountError) as caught:
        account(tmp_path, FROM_2022, change, more=OPENING + stated)
    assert line in str(caught.value)
    assert said in str(caught.value)


def test_charges_below_zero_and_large_sums_are_taken_over(tmp_path) -> None:
    """A factory's year has more kilowatt-hours than 99,999."""
    more = 'energy_charges = "-123456.78"\nimport_kwh = "1234567.890"\n'
    opening = account(tmp_path, FROM_2022, more=OPENING + more).terms.opening
    assert opening is not None
    assert (opening.energy_charges, opening.import_kwh) == (Decimal("-123456.78"), Decimal("1234567.890"))


def test_ten_digits_are_a_slip(tmp_path) -> None:
    with pytest.raises(AccountError, match="at most nine before and nine after"):
        account(tmp_path, FROM_2022, more=OPENING + 'import_kwh = "1234567890"\n')


def test_twelve_bills_before_are_refused(tmp_path) -> None:
    with pytest.raises(AccountError, match="cycles = 12 is outside 0 to 11"):
        account(tmp_path, FROM_2022, more=OPENING.replace("cycles = 9", "cycles = 12"))


@pytest.mark.parametrize(("cycles", "told"), [(7, 1), (8, 0), (9, 0), (10, 1)])
def test_a_number_of_bills_that_the_days_cannot_hold_is_worth_a_word(tmp_path, cycles: int, told: int) -> None:
    """273 days: 9.75 of 28 at the most; eight whole ones of 33 and a cut one before them at the least."""
    made = account(tmp_path, FROM_2022, more=OPENING.replace("cycles = 9", f"cycles = {cycles}"))
    assert len([one for one in made.warnings if "cycles lie in 273 days" in str(one)]) == told


TAX = '[[charge]]\nname = "tax"\nsource = "state"\nfrom = 2024-01-01\nper_kwh = "0.001"\nof = "year_net"\n'


@pytest.mark.parametrize(
    ("stated", "quantity", "amount", "told"),
    [('import_kwh = "2256"\n', "3000", "3.00", "tax"), ("", None, "0", "tax: pending, not all energy of the year")],
)
def test_a_charge_on_the_years_energy_is_pending_where_that_is_not_known(
    tmp_path, stated: str, quantity: str | None, amount: str, told: str
) -> None:
    """One of twelve bills takes 744 kWh; eleven before it took 2,256, or nobody knows what."""
    opening = "[opening]\nas_of = 2025-05-01\nlast_true_up = 2024-06-01\ncycles = 11\n"
    made = account(tmp_path, FROM_2022, more=opening + stated + TAX)
    (bill,) = make_statements(made, Energy(table("2025-05-01T00:00", 15, [(250, 0)] * 96 * 31), ())).statements
    (line,) = bill.other
    assert (line.quantity, line.amount) == (None if quantity is None else Decimal(quantity), Decimal(amount))
    assert line.label.startswith(told)


@pytest.mark.parametrize("as_of", ["2025-02-01", "2025-05-01"])
def test_an_opening_of_a_day_without_a_bill_is_refused(tmp_path, as_of: str) -> None:
    """The energy is that of March and April."""
    made = account(tmp_path, FROM_2022, more=OPENING.replace("2025-03-01", as_of))
    energy = Energy(table("2025-03-01T00:00", 60, [(1000, 0)] * 24 * 61), ())
    with pytest.raises(TimelineError, match=f"as_of {as_of} is in none of the billing cycles"):
        make_statements(made, energy)


def test_an_opening_with_figures_before_permission_to_operate_is_refused(tmp_path) -> None:
    more = '[generator]\ntechnology = "solar"\nsize_kw = "5"\npto = 2025-04-10\n'
    made = account(tmp_path, FROM_2022, more=OPENING + 'energy_charges = "5"\n' + more)
    energy = Energy(table("2025-03-01T00:00", 60, [(1000, 0)] * 24 * 62), ())
    with pytest.raises(TimelineError, match="nothing is credited on that day yet"):
        make_statements(made, energy)
