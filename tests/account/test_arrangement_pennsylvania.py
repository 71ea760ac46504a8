"""Virtual aggregation with members under `pennsylvania`: host first, then equally, the rest in the host's own bank.

Full retail 0.15, from December 2024 0.17, from June 2025 0.20; price to compare 0.10, 0.12, 0.15; customer charge 10.00
(tests/account/pennsylvania). Banks against a second writing of the rule. (52 Pa. Code 75.13 as corrected, A-11)
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.account.arrangement.arrange import Arranged
from gateway.account.statement import Statement

from ..pipeline.world import tries
from .arrangement_site import days, reckoned, write_account, write_arrangement, write_meter
from .laws import bank_complaints
from .pennsylvania import tariff
from .reckon import amount_of

FIRST = date(2024, 11, 1)
MONTH_DAYS = [30, 31, 31, 28, 31, 30, 31, 30, 31]
"""November 2024 to July 2025."""
NOTHING = (0, 0)
Months = Sequence[tuple[int, int]]
"""kWh taken and given, by month."""


def site(folder: Path, kwh: Mapping[str, Months]) -> Arranged:
    """Each month's energy on its third day."""
    members = {}
    for name, months in kwh.items():
        taken = [one * 1000 for at, month in enumerate(months) for one in _on_the_third(month[0], at)]
        given_wh = [one * 1000 for at, month in enumerate(months) for one in _on_the_third(month[1], at)]
        file = write_meter(folder, name, days(FIRST, len(taken), taken, given_wh))
        members[name] = f'meter = "{name}"\nfile = "{file}"'
    more = "[pennsylvania]\nindependent_load = true"
    path = folder / write_account(folder, tariff(folder), "pennsylvania", first=FIRST, more=more)
    text = path.read_text(encoding="utf-8").replace('utility = "generic"', 'utility = "peco"')
    path.write_text(text.replace(f"anniversary = {FIRST}\n", ""), encoding="utf-8")
    plant = f'host = "host"\n[plant]\ntechnology = "pv"\nsize_kw = "9"\npto = {FIRST}\n'
    return reckoned(write_arrangement(folder, "pa_virtual", members, plant))


def _on_the_third(kwh: int, month: int) -> list[int]:
    return [0, 0, kwh, *[0] * (MONTH_DAYS[month] - 3)]


def bills(made: Arranged, name: str) -> Sequence[Statement]:
    return made.statements[name].statements


def bank_of(bill: Statement, before: Decimal) -> Decimal:
    """What the bill leaves in the bank of kilowatt-hours."""
    return next((one.after for one in reversed(bill.banks) if one.name == "kwh_bank.all"), before)


@pytest.fixture(scope="module")
def farm(tmp_path_factory) -> Arranged:
    """November to July; nothing flows from January to April."""
    idle = [NOTHING] * 4
    kwh = {
        "host": [(100, 400), (250, 100), *idle, (100, 1000), (300, 200), (100, 1000)],
        "a": [(100, 0), (500, 0), *idle, (100, 0), (100, 0), (500, 0)],
        "b": [NOTHING, (200, 0), *idle, (200, 0), NOTHING, (200, 0)],
        "c": [NOTHING, (400, 0), *idle, (150, 0), NOTHING, (400, 0)],
    }
    return site(tmp_path_factory.mktemp("farm"), kwh)


def dues(made: Arranged, name: str) -> list[Decimal]:
    return [one.due_now for one in bills(made, name)]


def test_what_no_member_uses_is_the_hosts_bank_and_pays_its_own_later_months_alone(farm) -> None:
    """November: 300 over, 100 to a, 200 to the bank. December: the host needs 150 of them; a pays 500 x 0.17 itself."""
    november, december = bills(farm, "host")[:2]
    assert (bank_of(november, Decimal(0)), bank_of(december, Decimal(200))) == (200, 50)
    assert dues(farm, "host")[:2] == [10, 10]
    assert dues(farm, "a")[:2] == [10, 95]
    assert [dues(farm, name)[1] for name in ("b", "c")] == [44, 78]


def test_the_hosts_bank_is_paid_on_31_may_at_the_price_to_compare_weighted_by_its_own_surplus(farm) -> None:
    """May: 900 over; a 100, b 200, c 150, the bank 450 and 50. (200 x 0.10 + 450 x 0.12) / 650 x 500 = 56.923."""
    may = bills(farm, "host")[6]
    assert amount_of(may, "true_up.surplus.all") == Decimal("-56.92")
    assert [dues(farm, name)[6] for name in ("a", "b", "c")] == [10, 10, 10]
    for name in ("a", "b", "c"):
        assert "true_up.surplus.all" not in {one.key for one in bills(farm, name)[6].lines}


def test_june_begins_with_an_empty_bank(farm) -> None:
    """The host needs 100 more than it gives: 100 x 0.20; nobody gets a share."""
    assert [dues(farm, name)[7] for name in ("host", "a", "b")] == [30, 30, 10]


def test_900_kwh_for_needs_of_500_200_and_400_are_350_200_and_350_on_the_bills(farm) -> None:
    """July: 150 x 0.20 and 50 x 0.20 are left to pay."""
    assert [dues(farm, name)[8] for name in ("host", "a", "b", "c")] == [10, 40, 10, 20]


KWH = st.lists(st.integers(0, 400), min_size=9, max_size=9)


@given(KWH, KWH, KWH, st.lists(st.integers(0, 1200), min_size=9, max_size=9))
@tries(12)
def test_no_kilowatt_hour_of_any_members_bank_is_made_or_lost(tmp_path_factory, host, a, b, made) -> None:
    """Month by month, by the rule's own text: host first, two equal parts capped by use, the rest the host's.

    Parts are halves at most, so hundredths hold them exactly.
    """
    folder = tmp_path_factory.mktemp("banks")
    zeros = [0] * 9
    kwh = {"host": list(zip(host, made, strict=True))} | {
        name: list(zip(used, zeros, strict=True)) for name, used in (("a", a), ("b", b))
    }
    found = site(folder, kwh)
    held = Decimal(0)
    for at in range(9):
        over = Decimal(max(0, made[at] - host[at]))
        half = over / 2
        parts = [min(Decimal(used[at]), max(half, over - other[at])) for used, other in ((a, b), (b, a))]
        assert sum(parts) == min(over, Decimal(a[at] + b[at]))
        need = Decimal(host[at] - made[at]) + sum(parts)
        bill = bills(found, "host")[at]
        held = Decimal(0) if at == 6 else max(Decimal(0), held - need)
        assert bank_of(bill, Decimal(0)) == held
        for name, used, part in (("a", a, parts[0]), ("b", b, parts[1])):
            other_bill = bills(found, name)[at]
            assert other_bill.energy.net_milliwh == (used[at] - part) * 1_000_000
            assert bank_of(other_bill, Decimal(0)) == 0
    for name in kwh:
        assert not list(bank_complaints(bills(found, name)))
