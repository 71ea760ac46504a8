"""Net billing, rule by rule, on energies and prices that can be multiplied in the head.

`simple_tariff`: generation 0.15, delivery 0.22 at peak (16 to 21 h) and 0.12 else, non-bypassable 0.03 USD per kWh.
"""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.account.charges import PriceError
from gateway.account.energy import EnergyError, EnergyTable

from .energies import table
from .net_billing import HEADER, account_text, amounts, bills, closing_moves, flat, moves, write_table

HOURS_IN_JANUARY = 31 * 24


def hours(start: str, count: int, flows: dict[int, tuple[int, int]]) -> EnergyTable:
    """Hourly steps, (import, export) watt-hours in some of them."""
    return table(start, 60, [flows.get(hour, (0, 0)) for hour in range(count)])


def january(folder: Path, flows: dict[int, tuple[int, int]], **more: str) -> dict[str, str]:
    """The bill of January 2026; the 1st is a holiday, the 2nd a Friday."""
    (bill,) = bills(folder, account_text(folder, **more), hours("2026-01-01T00:00", HOURS_IN_JANUARY, flows))  # type: ignore[arg-type]
    return amounts(bill)


def test_nothing_nets_across_intervals(tmp_path: Path) -> None:
    """A kilowatt-hour taken and one given an hour later: both are priced, under net metering neither would be."""
    write_table(tmp_path, flat("0.05", "0.01"))
    found = january(tmp_path, {8: (1_000, 0), 9: (0, 1_000)})
    assert found["generation.2026-01-01.winter_off_peak"] == "0.15"
    assert found["delivery.2026-01-01.winter_off_peak"] == "0.12"
    assert found["non_bypassable.2026-01-01"] == "0.03"
    assert found["credit.generation.2026-01-01.winter_off_peak"] == "-0.05"
    assert found["credit.delivery.2026-01-01.winter_off_peak"] == "-0.01"


def test_not_even_within_one_interval(tmp_path: Path) -> None:
    """An interval that took and gave, as the meter counts both: not their difference."""
    write_table(tmp_path, flat("0.05", "0.01"))
    found = january(tmp_path, {8: (1_000, 1_000)})
    assert found["non_bypassable.2026-01-01"] == "0.03"
    assert found["credit.generation.2026-01-01.winter_off_peak"] == "-0.05"


def test_the_programme_is_also_called_nem3(tmp_path: Path) -> None:
    write_table(tmp_path, flat())
    flows = {8: (1_000, 0), 9: (0, 1_000)}
    assert january(tmp_path, flows, programme="nem3") == january(tmp_path, flows)


def test_a_scoped_credit_pays_its_own_charges_alone(tmp_path: Path) -> None:
    """10 kWh taken: 1.50 generation, 1.20 delivery, 0.30 not bypassable. 100 kWh given: 5.00 and 0.50."""
    write_table(tmp_path, flat("0.05", "0.005"))
    text = account_text(tmp_path)
    (bill,) = bills(tmp_path, text, hours("2026-01-01T00:00", HOURS_IN_JANUARY, {8: (10_000, 0), 9: (0, 100_000)}))
    found = amounts(bill)
    assert (found["bank.generation_credit"], found["bank.delivery_credit"]) == ("-1.50", "-0.50")
    assert bill.due_now == Decimal("1.00")  # 0.70 of delivery and 0.30 that no scoped credit pays
    assert moves(bill)["generation_credit"].after == Decimal("3.50")
    assert moves(bill)["delivery_credit"].after == 0


@pytest.mark.parametrize(
    ("choice", "due", "left"), [("all_electric", "0.00", "4.00"), ("all_but_non_bypassable", "0.30", "4.30")]
)
def test_the_bonus_comes_after_the_scoped_banks(tmp_path: Path, choice: str, due: str, left: str) -> None:
    """0.05 a kWh of bonus on 100 kWh: it pays the 0.70 and the 0.30 that the case above leaves."""
    write_table(tmp_path, flat("0.05", "0.005"))
    adder = (
        "[[export_adder]]\nname = 'storage'\nper_kwh = '0.05'\nbank = 'bonus'\nsource = 'letter'\nfrom = 2026-01-01\n"
    )
    text = account_text(tmp_path, choices=f'acc_plus = "none"\nbonus_pays = "{choice}"', more=adder)
    (bill,) = bills(tmp_path, text, hours("2026-01-01T00:00", HOURS_IN_JANUARY, {8: (10_000, 0), 9: (0, 100_000)}))
    assert (bill.due_now, moves(bill)["bonus_credit"].after) == (Decimal(due), Decimal(left))
    assert moves(bill)["generation_credit"].used == Decimal("1.50")


def test_there_are_no_adders_unless_the_account_names_them(tmp_path: Path) -> None:
    write_table(tmp_path, flat())
    found = january(tmp_path, {9: (0, 100_000)})
    assert [key for key in found if key.startswith("credit.adder")] == []


@pytest.mark.parametrize(("bank", "after"), [("generation", ("7.00", "1.00")), ("delivery", ("5.00", "3.00"))])
def test_an_adder_goes_into_the_bank_that_it_names(tmp_path: Path, bank: str, after: tuple[str, str]) -> None:
    """0.02 a kWh more on 100 kWh, and only from its day on."""
    write_table(tmp_path, flat("0.05", "0.01"))
    adder = f"[[export_adder]]\nname = 'storage'\nper_kwh = '0.02'\nbank = '{bank}'\nsource = 's'\nfrom = 2026-01-31\n"
    later = adder.replace("from = 2026-01-31", "from = 2026-02-01")
    table_ = hours("2026-01-01T00:00", HOURS_IN_JANUARY, {9: (0, 100_000)})
    (bill,) = bills(tmp_path, account_text(tmp_path, more=adder + later), table_)
    assert tuple(f"{moves(bill)[name].after:f}" for name in ("generation_credit", "delivery_credit")) == after


@pytest.mark.parametrize(
    ("application", "kind", "rate"),
    [
        (date(2023, 4, 15), "residential", "0.02200"),
        (date(2024, 1, 1), "residential", "0.01760"),
        (date(2025, 12, 31), "residential", "0.01320"),
        (date(2026, 1, 1), "residential", "0.00880"),
        (date(2023, 12, 31), "residential_low_income", "0.09000"),
        (date(2024, 6, 1), "residential_low_income", "0.07200"),
        (date(2025, 6, 1), "residential_low_income", "0.05400"),
        (date(2026, 1, 1), "residential_low_income", "0.03600"),
    ],
)
def test_acc_plus_goes_by_the_year_of_the_application(tmp_path: Path, application: date, kind: str, rate: str) -> None:
    """Figures: Schedule NBT, facts 1.3. A hundred kilowatt-hours given earn a hundred times the rate."""
    write_table(tmp_path, flat())
    text = account_text(tmp_path, application=application, choices=f'acc_plus = "{kind}"')
    (bill,) = bills(tmp_path, text, hours("2026-01-01T00:00", HOURS_IN_JANUARY, {9: (0, 100_000)}))
    assert amounts(bill)["credit.acc_plus"] == f"{-100 * Decimal(rate):.2f}"


@pytest.mark.parametrize("customer", ['kind = "commercial"', ""])
def test_who_has_no_acc_plus(tmp_path: Path, customer: str) -> None:
    """No business has it, and nobody at SDG&E."""
    write_table(tmp_path, flat())
    utility = "pge" if customer else "sdge"
    text = account_text(tmp_path, choices="", customer=customer, utility=utility)
    (bill,) = bills(tmp_path, text, hours("2026-01-01T00:00", HOURS_IN_JANUARY, {9: (0, 100_000)}))
    assert "credit.acc_plus" not in amounts(bill)


def test_a_utility_whose_acc_plus_is_not_known_is_told(tmp_path: Path) -> None:
    write_table(tmp_path, flat())
    text = account_text(tmp_path, choices="", utility="sce")
    (bill,) = bills(tmp_path, text, hours("2026-01-01T00:00", HOURS_IN_JANUARY, {9: (0, 100_000)}))
    assert any("no ACC Plus bonus is known" in note for note in bill.notes)


def test_an_exports_holiday_is_a_weekend_and_the_import_knows_none(tmp_path: Path) -> None:
    """4 July 2026 is a Saturday: exports of Friday the 3rd have the weekend's price; Thursday's the weekday's."""
    write_table(tmp_path, lambda component, month, weekend, hour: "0.07" if weekend else "0.02")
    text = account_text(tmp_path, pto=date(2026, 7, 1))
    days = {2: "0.02", 3: "0.07", 4: "0.07", 6: "0.02"}
    for day, price in days.items():
        at = (day - 1) * 24 + 12
        (bill,) = bills(tmp_path, text, hours("2026-07-01T00:00", 31 * 24, {at: (0, 100_000)}))
        assert amounts(bill)["credit.generation.2026-07-01.summer_off_peak"] == f"{-100 * Decimal(price):.2f}", day


@pytest.mark.parametrize(("autumn", "second"), [("next_hour", "0.02"), ("same_hour", "0.01")])
def test_the_hour_that_comes_twice(tmp_path: Path, autumn: str, second: str) -> None:
    """1 November 2026: the second 01:00 hour has the price of 02:00 where the table says so; the one after too."""
    header = HEADER.replace('autumn_hour = "next_hour"', f'autumn_hour = "{autumn}"')
    write_table(tmp_path, lambda component, month, weekend, hour: f"0.0{min(hour, 9)}", header)
    text = account_text(tmp_path, pto=date(2026, 11, 1))
    for at, price in ((0, "0.00"), (1, "0.01"), (2, second), (3, "0.02"), (4, "0.03")):
        flows = {at: (0, 100_000)}
        (bill,) = bills(tmp_path, text, hours("2026-11-01T00:00", 30 * 24 + 1, flows))
        assert Decimal(amounts(bill)["credit.delivery.2026-11-01.winter_off_peak"]) == -100 * Decimal(price), at


def test_the_hour_that_is_not_there_in_spring(tmp_path: Path) -> None:
    """8 March 2026: after 01:00 comes 03:00, and has its price."""
    write_table(tmp_path, lambda component, month, weekend, hour: f"0.0{min(hour, 9)}")
    text = account_text(tmp_path, pto=date(2026, 3, 1))
    for at, price in ((1, "0.01"), (2, "0.03"), (3, "0.04")):
        (bill,) = bills(tmp_path, text, hours("2026-03-01T00:00", 31 * 24 - 1, {7 * 24 + at: (0, 100_000)}))
        assert amounts(bill)["credit.delivery.2026-03-01.winter_off_peak"] == f"{-100 * Decimal(price):.2f}", at


def test_the_price_lock_ends_nine_years_after_permission_to_operate(tmp_path: Path) -> None:
    """PTO on 15 January 2017: 14 January 2026 is the last day that has prices, the next is refused by name."""
    header = HEADER + "applications_from = 2016-01-01\napplications_to = 2016-12-31\nlock_years = 9\n"
    write_table(tmp_path, flat(), header)
    text = account_text(tmp_path, pto=date(2017, 1, 15), application=date(2016, 12, 1)).replace(
        "months = true", "months = true\nanniversary = 2026-01-01"
    )
    last_day, after = 13 * 24 + 12, 14 * 24 + 12
    (bill,) = bills(tmp_path, text, hours("2026-01-01T00:00", HOURS_IN_JANUARY, {last_day: (0, 100_000)}))
    assert amounts(bill)["credit.generation.2026-01-01.winter_off_peak"] == "-5.00"
    with pytest.raises(EnergyError, match=r"2026-01-15T20:00.*made \(2025-01-01 to 2026-01-14, where .*lock ends\)"):
        bills(tmp_path, text, hours("2026-01-01T00:00", HOURS_IN_JANUARY, {after: (0, 100_000)}))


def test_a_locked_table_needs_to_know_when_the_lock_began(tmp_path: Path) -> None:
    write_table(tmp_path, flat(), HEADER + "lock_years = 9\n")
    text = account_text(tmp_path).replace("pto = 2026-01-01\n", "", 1)
    with pytest.raises(PriceError, match="9 years from permission to operate: say pto"):
        bills(tmp_path, text, hours("2026-01-01T00:00", HOURS_IN_JANUARY, {9: (0, 1_000)}))


@pytest.mark.parametrize(
    ("application", "table_id"),
    [
        (date(2023, 4, 15), "pge-nbt23"),
        (date(2024, 2, 29), "pge-nbt24"),
        (date(2025, 12, 31), "pge-nbt25"),
        (date(2026, 1, 1), "pge-nbt26"),
        (date(2023, 4, 14), "pge-nbt00"),
    ],
)
def test_the_application_decides_the_vintage(tmp_path: Path, application: date, table_id: str) -> None:
    text = account_text(tmp_path, prices="", application=application)
    (bill,) = bills(tmp_path, text, hours("2026-01-01T00:00", HOURS_IN_JANUARY, {9: (0, 1_000)}))
    assert {line.source.split(":")[0] for line in bill.lines if line.key.startswith("credit.gen")} == {table_id}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"application": date(2027, 6, 1), "pto": date(2027, 6, 1)},
            "no export prices for an application of 2027-06-01",
        ),
        ({"utility": "sce"}, 'there are no export prices of "sce"'),
        ({"prices": "hours.csv"}, "needs generation and delivery apart"),
        ({"prices": "pge-nbt99"}, "needs generation and delivery apart"),
        ({"prices": "missing.toml"}, "missing.toml"),
    ],
)
def test_without_a_table_nothing_is_reckoned(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    settings = {"prices": "", **changes}
    text = account_text(tmp_path, **settings)  # type: ignore[arg-type]
    first = settings.get("pto", date(2026, 1, 1))
    with pytest.raises(PriceError, match=message):
        bills(tmp_path, text, hours(f"{first}T00:00", 31 * 24, {9: (0, 1_000)}))


def test_a_tariff_with_one_price_at_all_hours_is_refused(tmp_path: Path) -> None:
    from gateway.account.account_file import AccountError

    write_table(tmp_path, flat())
    with pytest.raises(AccountError, match="nbt requires time of use"):
        bills(
            tmp_path,
            account_text(tmp_path, tariff="pge-e-1", customer='baseline = "basic_x"\nbase_services_tier = "tier_3"'),
            hours("2026-03-01T00:00", 31 * 24 - 1, {}),
        )


def test_exports_before_permission_to_operate_earn_nothing(tmp_path: Path) -> None:
    write_table(tmp_path, flat())
    text = account_text(tmp_path, pto=date(2026, 1, 20)).replace("from = 2026-01-20", "from = 2026-01-01")
    found = bills(
        tmp_path, text, hours("2026-01-01T00:00", HOURS_IN_JANUARY, {9: (0, 100_000), 19 * 24 + 9: (0, 1_000)})
    )
    assert [one.slot.programme for one in found] == ["plain", "nbt"]
    assert sum(line.quantity or 0 for line in found[1].lines if line.key.startswith("credit.generation")) == -1


def test_an_opening_brings_its_banks(tmp_path: Path) -> None:
    write_table(tmp_path, flat())
    opening = (
        "[opening]\nas_of = 2026-03-01\nlast_true_up = 2026-01-01\ncycles = 2\n"
        "[opening.banks]\ngeneration_credit = '1.00'\ndelivery_credit = '5.00'\nbonus_credit = '0.20'\n"
    )
    text = account_text(tmp_path, more=opening)
    (bill,) = bills(tmp_path, text, hours("2026-03-01T00:00", 31 * 24 - 1, {8: (10_000, 0)}))
    # 1.50 generation less 1.00; 1.20 delivery all; 0.30 and the 0.50 left, of which the bonus pays 0.20.
    assert bill.due_now == Decimal("0.60")
    assert {name: move.after for name, move in moves(bill).items()} == {
        "generation_credit": 0,
        "delivery_credit": Decimal("3.80"),
        "bonus_credit": 0,
    }


def test_export_prices_below_zero_are_a_charge(tmp_path: Path) -> None:
    write_table(tmp_path, flat("-0.02", "0.01"))
    found = january(tmp_path, {9: (0, 100_000)})
    assert found["export_cost.generation"] == "2.00"
    assert "bank.generation_credit" not in found


def test_the_doubt_of_exports_is_priced_at_their_hours(tmp_path: Path) -> None:
    """Two hours of 0.05 and 0.10, each uncertain by 1 kWh: the edge between them changes the worth, so both count."""
    write_table(tmp_path, lambda component, month, weekend, hour: "0.05" if hour < 12 else "0.10")
    flows = [(0, 5_000) if hour in (11, 12) else (0, 0) for hour in range(HOURS_IN_JANUARY)]
    made = table("2026-01-01T00:00", 60, flows)
    doubt = made.flow_export.uncertain_milliwh.copy()
    doubt[[11, 12]] = 1_000_000
    object.__setattr__(made.flow_export, "uncertain_milliwh", doubt)
    (bill,) = bills(tmp_path, account_text(tmp_path), made)
    line = next(one for one in bill.lines if one.key == "credit.generation.2026-01-01.winter_off_peak")
    assert line.uncertain_amount == Decimal("0.15")


def test_daily_prices_go_by_the_day_across_march_2026(tmp_path: Path) -> None:
    """A cycle over 2026-03-01 on E-ELEC: two blocks, each with its own prices and base services charge."""
    write_table(tmp_path, flat())
    text = account_text(
        tmp_path, months=False, tariff="pge-e-elec", pto=date(2026, 2, 15), customer='base_services_tier = "tier_1"'
    ).replace("[billing]\n", '[billing]\nread_dates = [2026-02-15, 2026-03-17]\nread_day = "first_day"\n')
    flows = {2: (10_000, 0), 20 * 24: (10_000, 0)}
    (bill,) = bills(tmp_path, text, hours("2026-02-15T00:00", 30 * 24 - 1, flows))
    found = amounts(bill)
    assert found["fixed.2026-02-15.base_services_charge"] == "6.90"  # 14 days at 0.49281 = 6.89934
    assert found["fixed.2026-03-01.base_services_charge"] == "3.15"  # 16 days at 0.19713 = 3.15408
    assert found["non_bypassable.2026-02-15"] == "0.34"  # 10 kWh at 0.03445
    assert found["non_bypassable.2026-03-01"] == "0.12"  # 10 kWh at 0.01230


def test_a_year_without_a_leftover_closes_quietly(tmp_path: Path) -> None:
    write_table(tmp_path, flat())
    found = bills(tmp_path, account_text(tmp_path), hours("2026-01-01T00:00", 365 * 24, {8: (10_000, 0)}))
    assert found[-1].bill.true_up is not None
    assert closing_moves(found[-1]) == {}
