"""Dollar banks of members with shares that change (`vnem`, `net_metering_usd` at retail), under hypothesis.

The recurrence is written a second time in whole cents: a flat price of 0.30, and shares and energies whose products are
whole kilowatt-hours. (net-metering 1.6, 3.1; corrections A-13)
"""

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ..pipeline.world import tries
from .arrangement_site import days, flat_tariff, reckoned, write_account, write_arrangement, write_meter
from .laws import bank_complaints

FIRST = date(2026, 1, 1)
MONTH_DAYS = [31, 28, 31, 30, 31, 30]
CENTS = 30
"""Of each kWh."""
NAMES = ("a", "b", "c")
ARRAY = '[[meter]]\nname = "array"\nfrom = "csv"\nfile = "array.csv"\n'
MONTHS = st.lists(st.integers(0, 300), min_size=6, max_size=6)
TENTHS = st.lists(st.integers(0, 10), min_size=2, max_size=2).map(lambda cuts: _cut(sorted(cuts)))
"""Shares of three members in tenths, ten in sum."""


def _cut(cuts: list[int]) -> list[int]:
    return [cuts[0], cuts[1] - cuts[0], 10 - cuts[1]]


def by_day(kwh: list[int]) -> list[int]:
    """A month's energy on its third day, in watt-hours."""
    return [one for month, long in zip(kwh, MONTH_DAYS, strict=True) for one in (0, 0, month * 1000, *[0] * (long - 3))]


@given(st.lists(MONTHS, min_size=3, max_size=3), st.lists(st.integers(0, 60), min_size=6, max_size=6), TENTHS, TENTHS)
@tries(12)
def test_each_members_credit_pays_its_own_later_months_to_the_cent(tmp_path_factory, uses, tens, early, late) -> None:
    """Ten kWh for each of `tens` are made in a month; shares change on 1 April."""
    folder = tmp_path_factory.mktemp("dollars")
    total = sum(MONTH_DAYS)
    members = {
        name: f'meter = "{name}"\nfile = "{write_meter(folder, name, days(FIRST, total, by_day(used), [0]))}"'
        for name, used in zip(NAMES, uses, strict=True)
    }
    write_meter(folder, "array", days(FIRST, total, [0], by_day([one * 10 for one in tens])))
    write_account(folder, flat_tariff(folder, "0.30"))
    versions = "".join(
        f'[[shares]]\nfrom = {day}\nby = "percent"\n[shares.of]\n'
        + "".join(f'{name} = "{one * 10}"\n' for name, one in zip(NAMES, shares, strict=True))
        for day, shares in ((FIRST, early), (date(2026, 4, 1), late))
    )
    made = reckoned(write_arrangement(folder, "vnem", members, ARRAY + versions))
    for at, name in enumerate(NAMES):
        bills = made.statements[name].statements
        assert len(bills) == 6
        assert not list(bank_complaints(bills))
        bank = 0
        for month, bill in enumerate(bills):
            share = (early if month < 3 else late)[at]
            owed = CENTS * (uses[at][month] - share * tens[month])
            paid = min(bank, max(0, owed))
            bank += max(0, -owed) - paid
            assert bill.due_now == Decimal(max(0, owed) - paid).scaleb(-2)
            assert [move.after for move in bill.banks if move.name == "credit"][-1:] == [Decimal(bank).scaleb(-2)]
