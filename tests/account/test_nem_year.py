"""A NEM year from 15-minute cumulative registers, line by line against the oracle: to the cent, and exactly.

It crosses both nights on which the clock is set, both changes of season, the change of prices of 2026-03-01 in the
middle of a bill, where the minimum charge ends and a fixed one begins, and two gaps, one over the beginning of a peak.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from gateway.account.lines import Due, LineKind
from gateway.account.statement import Statement
from tests.oracle import nem as oracle

from .house import House, Row, readings, with_gap
from .reckon import Books, account_file, account_text, books_of, lines_of, statements

READ = [
    *(date(2025, 6, 12), date(2025, 7, 12), date(2025, 8, 12), date(2025, 9, 11), date(2025, 10, 12)),
    *(date(2025, 11, 12), date(2025, 12, 12), date(2026, 1, 12), date(2026, 2, 11), date(2026, 3, 13)),
    *(date(2026, 4, 13), date(2026, 5, 13), date(2026, 6, 12)),
]
ONE_DAY = timedelta(days=1)
CYCLES = [(first, following - ONE_DAY) for first, following in pairwise(READ)]


def per_kwh(summer_peak: str, summer_off: str, winter_peak: str, winter_off: str) -> dict[str, Fraction]:
    names = ("summer_peak", "summer_off_peak", "winter_peak", "winter_off_peak")
    return dict(zip(names, map(Fraction, (summer_peak, summer_off, winter_peak, winter_off)), strict=True))


ALLOWANCE = {"summer": Fraction("9.8"), "winter": Fraction("9.7")}
SHEETS = [
    oracle.Sheet(
        first=date(2025, 1, 1),
        price=per_kwh("0.60729", "0.50429", "0.49313", "0.46313"),
        charge=Fraction("0.03154"),
        minimum_a_day=Fraction("0.39167"),
        baseline_credit=Fraction("0.10135"),
        allowance_a_day=ALLOWANCE,
    ),
    oracle.Sheet(
        first=date(2026, 3, 1),
        price=per_kwh("0.52240", "0.39940", "0.39757", "0.36757"),
        charge=Fraction("0.01230"),
        fixed_a_day=Fraction("0.79343"),
        baseline_credit=Fraction("0.08140"),
        allowance_a_day=ALLOWANCE,
    ),
]
SURPLUS = {"2026-06": Fraction("0.02862")}
"""PG&E's rate for net surplus of a year that ends in June 2026."""
HOUSES = {"takes more": House(55), "gives more": House(130)}


@dataclass(frozen=True)
class Meter:
    """One house's readings, and what the program and the oracle made of them, each once."""

    rows: list[Row]
    flows: list[tuple[int, int, int]]
    """What the oracle found in the rows."""
    books: Books
    years: dict[tuple[str, bool], oracle.Year] = field(default_factory=dict)
    bills: dict[tuple[str, str], list[Statement]] = field(default_factory=dict)

    def year(self, case: str, *, cents: bool = True) -> oracle.Year:
        """The oracle's."""
        if (case, cents) not in self.years:
            rules = replace(CASES[case][2], surplus=SURPLUS)
            self.years[case, cents] = oracle.year(self.flows, CYCLES, SHEETS, rules, cents=cents)
        return self.years[case, cents]


@pytest.fixture(scope="module", params=list(HOUSES))
def meter(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Meter:
    rows = readings(READ[0], READ[-1] - ONE_DAY, HOUSES[request.param].quarter)
    rows = with_gap(rows, "2025-08-20T13:15", "2025-08-20T18:40")
    rows = with_gap(rows, "2026-03-08T01:30", "2026-03-08T04:15")
    return Meter(rows, oracle.quarters(rows), books_of(tmp_path_factory.mktemp("books"), rows))


CASES: Mapping[str, tuple[str, dict[str, str], oracle.Rules]] = {
    "nem1": ("nem1", {}, oracle.Rules(second=False)),
    "nem1, billed by the month": ("nem1", {"energy_due": "monthly"}, oracle.Rules(second=False, energy_monthly=True)),
    "nem2": ("nem2", {}, oracle.Rules(second=True)),
    "nem2 on hours": ("nem2", {"netting_interval": "60min"}, oracle.Rules(second=True, step_min=60)),
    "nem2, charges monthly": (
        "nem2",
        {"non_bypassable_due": "monthly"},
        oracle.Rules(second=True, charges_monthly=True),
    ),
    "nem2, billed by the month": (
        "nem2",
        {"energy_due": "monthly"},
        oracle.Rules(second=True, energy_monthly=True),
    ),
    "nem2, all by the month": (
        "nem2",
        {"energy_due": "monthly", "non_bypassable_due": "monthly"},
        oracle.Rules(second=True, energy_monthly=True, charges_monthly=True),
    ),
}


def bills_of(meter: Meter, folder: Path, case: str, rounding: str = "cent") -> list[Statement]:
    """The program's."""
    if (case, rounding) not in meter.bills:
        programme, choices, _ = CASES[case]
        choices = {**choices, "surplus_payout": "check"}
        account = account_file(folder, account_text(programme, READ, pto=READ[0], choices=choices, rounding=rounding))
        meter.bills[case, rounding] = statements(account, meter.books)
    return meter.bills[case, rounding]


def exact(amount: Decimal) -> Fraction:
    return Fraction(amount)


@pytest.mark.parametrize("case", list(CASES))
def test_every_line_of_a_year_is_the_oracles(case: str, meter: Meter, tmp_path: Path) -> None:
    wanted = meter.year(case)
    bills = bills_of(meter, tmp_path, case)
    assert len(bills) == len(wanted.bills) == 12
    for number, (bill, want) in enumerate(zip(bills, wanted.bills, strict=True)):
        energy = lines_of(bill, LineKind.ENERGY)
        assert {key: exact(one.exact) for key, one in energy.items()} == {
            f"energy.{day}.{bucket}": amount for (day, bucket), amount in want.energy.items()
        }
        assert all(exact(one.amount) == oracle.cent(exact(one.exact)) for one in energy.values())
        charges = lines_of(bill, LineKind.NON_BYPASSABLE)
        assert {key: exact(one.exact) for key, one in charges.items()} == {
            f"non_bypassable.{day}": amount for day, amount in want.charges.items()
        }
        baseline = lines_of(bill, LineKind.BASELINE)
        assert {key: exact(one.exact) for key, one in baseline.items()} == {
            f"baseline.{day}": amount for day, amount in want.baseline.items()
        }
        if number < 11:
            assert exact(bill.due_now) == want.due, number


@pytest.mark.parametrize("case", list(CASES))
@pytest.mark.parametrize("rounding", ["cent", "none"])
def test_the_closing_bill_is_the_oracles(case: str, rounding: str, meter: Meter, tmp_path: Path) -> None:
    wanted = meter.year(case, cents=rounding == "cent")
    closing = bills_of(meter, tmp_path, case, rounding)[-1]
    adjusted = sum(exact(one.amount) for one in lines_of(closing, LineKind.ADJUSTMENT).values() if one.due is Due.NOW)
    assert adjusted == wanted.adjustment
    surplus = lines_of(closing, LineKind.SURPLUS)
    paid = -exact(surplus["true_up.surplus"].amount) if surplus else Fraction(0)
    assert paid == wanted.surplus_paid
    assert exact(closing.due_now) == wanted.closing_due - wanted.surplus_paid


def test_the_two_houses_differ_in_what_a_year_leaves(meter: Meter) -> None:
    """So the cases above have a charge at the end and a surplus at the end; a test of one alone could not fail."""
    wanted = meter.year("nem2")
    assert (wanted.adjustment > 0, wanted.surplus_paid > 0, wanted.energy < 0) in {
        (True, False, False),
        (False, True, True),
    }


def test_buckets_hold_what_the_registers_grew_by(meter: Meter, tmp_path: Path) -> None:
    bills = bills_of(meter, tmp_path, "nem2")
    taken = sum(cell.import_milliwh for bill in bills for cell in bill.energy.cells)
    given = sum(cell.export_milliwh for bill in bills for cell in bill.energy.cells)
    assert (taken, given) == (meter.rows[-1][1] - meter.rows[0][1], meter.rows[-1][2] - meter.rows[0][2])


def test_the_gaps_are_told_on_the_bills_they_lie_in(meter: Meter, tmp_path: Path) -> None:
    bills = bills_of(meter, tmp_path, "nem2")
    told = [number for number, one in enumerate(bills) if any(cell.estimated_rows for cell in one.energy.cells)]
    assert told == [2, 8], "20 August lies in the third bill, 8 March in the ninth"


BROKEN: Mapping[str, oracle.Rules] = {
    "hours for quarters": oracle.Rules(second=True, step_min=60, surplus=SURPLUS),
    "no non-bypassable charges": oracle.Rules(second=False, surplus=SURPLUS),
    "charges due monthly": oracle.Rules(second=True, charges_monthly=True, surplus=SURPLUS),
}


@pytest.mark.parametrize("broken", list(BROKEN))
def test_a_broken_rule_is_seen(broken: str, meter: Meter, tmp_path: Path) -> None:
    """A positive control: under each of these the comparisons above fail somewhere."""
    bills = bills_of(meter, tmp_path, "nem2")
    wanted = oracle.year(meter.flows, CYCLES, SHEETS, BROKEN[broken])
    same_charges = all(
        sorted(exact(one.exact) for one in lines_of(bill, LineKind.NON_BYPASSABLE).values())
        == sorted(want.charges.values())
        for bill, want in zip(bills, wanted.bills, strict=True)
    )
    same_due = all(exact(bill.due_now) == want.due for bill, want in zip(bills[:-1], wanted.bills[:-1], strict=True))
    assert not (same_charges and same_due)


@pytest.mark.parametrize("shift_us", [3_600_000_000, -3_600_000_000])
def test_an_hour_beside_the_wall_clock_is_seen(shift_us: int, meter: Meter, tmp_path: Path) -> None:
    """A positive control of the calendar: an hour off, the sums stay and the buckets do not."""
    bills = bills_of(meter, tmp_path, "nem1")
    beside = [(at_us + shift_us, taken, given) for at_us, taken, given in meter.rows]
    wanted = oracle.bill(oracle.quarters(beside), *CYCLES[4], SHEETS, oracle.Rules(second=False))
    found = lines_of(bills[4], LineKind.ENERGY)
    assert sorted(exact(one.exact) for one in found.values()) != sorted(wanted.energy.values())
