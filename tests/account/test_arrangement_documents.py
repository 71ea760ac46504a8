"""Shared plants as the documents describe them: the 24 units, the vineyard's three meters, Pennsylvania's host first.

Document 001 (24 units, 75 kW, by square footage, about 2,500 kWh each, 600 to 900 dollars a year; a vineyard with three
meters that offsets 85 % of its cost); 52 Pa. Code 75.13 as corrected (900 kWh to 500, 200 and 400). LADWP's own rules
are not public utility law, so the 24 units are billed by a generic utility. Expected values are hand arithmetic.
"""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from gateway.account.account_file import read_account
from gateway.account.reckon import make_statements
from gateway.account.sources import energy_of
from gateway.account.terms import AccountMeter, EnergyFrom

from .arrangement_site import days, flat_tariff, reckoned, write_account, write_arrangement, write_meter

FIRST = date(2026, 1, 1)
SUN_DAYS = 250
"""From 1 March to 5 November, 240 kWh on each: 60,000 kWh are 24 x 2,500."""
ARRAY = '[[meter]]\nname = "array"\nfrom = "csv"\nfile = "array.csv"\n'


def array(folder) -> None:
    dark, light = [0] * 59, [240_000] * SUN_DAYS
    write_meter(folder, "array", days(FIRST, 365, [0], [*dark, *light, *[0] * (365 - 59 - SUN_DAYS)]))


def building(folder, feet: list[int], price: str) -> object:
    """24 flats of 20 kWh a day each under the array."""
    array(folder)
    members = {}
    for at in range(1, 25):
        name = f"unit-{at:02}"
        members[name] = f'meter = "{name}"\nfile = "{write_meter(folder, name, days(FIRST, 365, [20_000], [0]))}"'
    write_account(folder, flat_tariff(folder, price))
    shares = "\n".join(f'unit-{at:02} = "{one}"' for at, one in enumerate(feet, 1))
    more = f'{ARRAY}[[shares]]\nfrom = {FIRST}\nby = "square_feet"\n[shares.of]\n{shares}\n'
    return reckoned(write_arrangement(folder, "vnem", members, more))


@pytest.mark.parametrize(("price", "saved"), [("0.24", 600), ("0.36", 900)])
def test_each_of_24_equal_units_has_2500_kwh_and_saves_600_to_900_dollars(tmp_path, price, saved) -> None:
    made = building(tmp_path, [700] * 24, price)
    assert int(made.allocation.plant.flow_export.milliwh.sum()) == 60_000_000_000
    for at, statements in enumerate(made.statements.values()):
        assert int(made.allocation.of_member(at).sum()) == 2_500_000_000
        without = 20 * 365 * Decimal(price)
        assert without - sum(one.due_now for one in statements.statements) == saved


def test_24_units_share_by_square_feet_to_the_last_milliwatt_hour(tmp_path) -> None:
    feet = [500 + 37 * at for at in range(24)]
    made = building(tmp_path, feet, "0.30")
    parts = [int(made.allocation.of_member(at).sum()) for at in range(24)]
    assert sum(parts) == 60_000_000_000
    for part, one in zip(parts, feet, strict=True):
        assert abs(part - Fraction(60_000_000_000 * one, sum(feet))) < SUN_DAYS  # less than one in each interval
    assert parts == sorted(parts)


def test_what_the_vineyard_pays_is_15_percent_of_its_cost_without_the_array(tmp_path) -> None:
    """Barn, pumps and cold storage, each on a schedule of its own: 85 kWh come for every 100 that all three take.

    Barn 40 kWh a day, pumps 250, storage 110: 400. The array behind the barn's meter gives 340. No day is different, so
    each has 85 % of its own use after every month.
    """
    uses, prices = {"barn": 40, "pumps": 250, "storage": 110}, {"barn": "0.35", "pumps": "0.20", "storage": "0.28"}
    members = {}
    for name, use in uses.items():
        given = 340_000 if name == "barn" else 0
        file = write_meter(tmp_path, name, days(FIRST, 365, [use * 1000], [given]))
        flat = flat_tariff(tmp_path, prices[name], f"price-{name}")
        account = write_account(tmp_path, flat, "nem1", f"account-{name}", meter=name, more="")
        members[name] = f'account = "{account}"\nfile = "{file}"'
    plant = f'host = "barn"\n[plant]\ntechnology = "solar"\nsize_kw = "100"\napplication = 2016-01-01\npto = {FIRST}\n'
    made = reckoned(write_arrangement(tmp_path, "nem_a", members, plant))
    for at, (name, use) in enumerate(uses.items()):
        assert int(made.allocation.of_member(at).sum()) == use * 365 * 850_000
        bills = made.statements[name].statements
        assert len(bills) == 12
        assert bills[-1].bill.true_up is not None
        cost = Decimal(use * 365) * Decimal(prices[name])
        assert sum(one.due_now for one in bills) == cost * Decimal("0.15")


def test_a_vineyard_that_makes_more_than_it_takes_is_paid_for_none_of_it(tmp_path) -> None:
    """Who aggregates has no net surplus compensation (SB 765): 30 kWh a day are over, and the bills are nothing."""
    members = {}
    for name, taken, given in (("barn", 10_000, 60_000), ("pumps", 20_000, 0)):
        members[name] = f'meter = "{name}"\nfile = "{write_meter(tmp_path, name, days(FIRST, 365, [taken], [given]))}"'
    write_account(tmp_path, flat_tariff(tmp_path, "0.30"), "nem1", more="")
    plant = f'host = "barn"\n[plant]\ntechnology = "solar"\nsize_kw = "100"\napplication = 2016-01-01\npto = {FIRST}\n'
    made = reckoned(write_arrangement(tmp_path, "nem_a", members, plant))
    for statements in made.statements.values():
        assert sum(one.due_now for one in statements.statements) == 0
        told = " ".join(statements.statements[-1].notes)
        assert "kWh of surplus are not paid for" in told
        assert "lost" in told


def test_aggregated_meters_are_paid_for_no_surplus_whatever_payout_their_accounts_chose(tmp_path) -> None:
    """2025: the barn takes 10 kWh a day and gives 60, so 18,250 kWh are over.

    Alone, with surplus_payout = check, it is paid 18,250 x 0.03145 (PG&E's rate of 2025-12) = 573.96. With the pumps,
    which take nothing, it is paid nothing, and the choice is told to mean nothing.
    """
    first = date(2025, 1, 1)
    files = {
        "barn": write_meter(tmp_path, "barn", days(first, 365, [10_000], [60_000])),
        "pumps": write_meter(tmp_path, "pumps", days(first, 365, [0], [0])),
    }
    members = {name: f'meter = "{name}"\nfile = "{file}"' for name, file in files.items()}
    chosen = '[choices]\nsurplus_payout = "check"'
    path = tmp_path / write_account(
        tmp_path, flat_tariff(tmp_path, "0.30"), "nem1", meter="barn", first=first, more=chosen
    )
    path.write_text(path.read_text(encoding="utf-8").replace('"generic"', '"pge"'), encoding="utf-8")
    own = read_account(path)
    meter = AccountMeter(name="barn", source=EnergyFrom.CSV, file="barn.csv")
    alone = make_statements(own, energy_of([meter], tmp_path, lambda _: ("", ()))).statements
    assert sum(one.due_now for one in alone) == Decimal("-573.96")
    plant = f'host = "barn"\n[plant]\ntechnology = "solar"\nsize_kw = "9"\napplication = 2016-01-01\npto = {first}\n'
    made = reckoned(write_arrangement(tmp_path, "nem_a", members, plant))
    assert [sum(one.due_now for one in each.statements) for each in made.statements.values()] == [0, 0]
    assert "barn: surplus_payout = check means nothing under nem_a" in " ".join(made.notes)


def test_pennsylvanias_host_first_then_equally_900_to_500_200_and_400(tmp_path) -> None:
    """January: the host gives 1,210 and takes 310; the others take 500, 200 and 400: 350, 200, 350, none is left."""
    rows = {"host": (310, 1210), "a": (500, 0), "b": (200, 0), "c": (400, 0)}
    members = {}
    for name, (taken, given) in rows.items():
        # All on the third of January: a month whose days sum to whole numbers.
        one = days(FIRST, 31, [0, 0, taken * 1000, *[0] * 28], [0, 0, given * 1000, *[0] * 28])
        members[name] = f'meter = "{name}"\nfile = "{write_meter(tmp_path, name, one)}"'
    write_account(tmp_path, flat_tariff(tmp_path, "0.18"), "net_metering_kwh", more="")
    made = reckoned(write_arrangement(tmp_path, "pa_virtual", members, 'host = "host"\n'))
    parts = [int(made.allocation.of_member(at).sum()) // 1_000_000 for at in range(4)]
    assert parts == [310, 350, 200, 350]
    nets = {name: one.statements[0].energy.net_milliwh // 1_000_000 for name, one in made.statements.items()}
    assert nets == {"host": 0, "a": 150, "b": 0, "c": 50}
    dues = {name: one.statements[0].due_now for name, one in made.statements.items()}
    assert dues == {"host": 0, "a": Decimal("27.00"), "b": 0, "c": Decimal("9.00")}
