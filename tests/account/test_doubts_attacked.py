"""Ranges over holes, of accounts that open within a year, and of bills rounded to the cent, against random truths.

As `test_doubts_laws`. Printing rounds each line of both bills to the cent: so far a figure may lie outside, a cent for
each line of this bill and those before it, and no further. Positive controls: ranges of half the width are found out.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.account.statement import Statement

from ..pipeline.world import MORE, tries
from .doubted import MONTHS, Case, Sizes, months_of, pair_of
from .holed import holed
from .test_doubts_laws import BONUS, CASES, FINE, TAX, complaints, further_off, name_of, narrowed, outside

CENT = Decimal("0.01")
OPENING = "[opening]\nas_of = 2025-01-01\nlast_true_up = 2024-06-01\ncycles = 7\n"
ENERGY = "import_kwh = '900'\nexport_kwh = '400'\n"
NEM = f"{OPENING}{ENERGY}energy_charges = '120.50'\nminimums_billed = '128.40'\n"
NBT = f"""{OPENING}{ENERGY}[opening.paid]
generation = '20.00'
delivery = '15.00'
non_bypassable = '5.00'
fixed = '3.00'
[opening.earned]
generation_credit = '30.00'
delivery_credit = '8.00'
[opening.banks]
generation_credit = '12.00'
delivery_credit = '2.00'
bill_credit = '4.00'
"""
PENNSYLVANIA = f"""{OPENING}[opening.banks]
"kwh_bank.off_peak" = "50"
"kwh_bank.peak" = "10"
"excess_kwh.off_peak" = "90"
"excess_worth.off_peak" = "9.00"
"excess_kwh.peak" = "20"
"excess_worth.peak" = "2.10"
year_import_kwh = "700"
"""
OPENED = [
    Case("nem1", opening=f"{NEM}[opening.banks]\nbill_credit = '7.00'\n"),
    Case("nem2", opening=f"{NEM}non_bypassable_charges = '25.00'\n", more=TAX),
    Case("nem2", (("surplus_payout", "rollover_kwh"),), opening=f"{NEM}[opening.banks]\nsurplus_kwh = '150'\n"),
    Case(
        "nem2",
        (("energy_due", "monthly"),),
        opening=f"{NEM}energy_paid = '60.00'\n[opening.banks]\nenergy_credit = '9.00'\n",
    ),
    Case("nbt", opening=NBT, more=TAX),
    Case("nbt", (("surplus_payout", "check"),), BONUS, opening=f"{NBT}bonus_credit = '1.50'\n"),
    Case("net_metering_kwh", opening=f"{OPENING}[opening.banks]\n\"kwh.winter_off_peak\" = '30'\ncredit = '2.00'\n"),
    Case("net_metering_usd", opening=f"{OPENING}[opening.banks]\ncredit = '11.00'\n"),
    Case("net_billing_carryover", opening=f"{OPENING}[opening.banks]\ncredit = '11.00'\n"),
    Case("pennsylvania", opening=PENNSYLVANIA),
]
ROUNDED = [
    replace(one, rounding="cent")
    for one in (
        *OPENED,
        Case("nem1"),
        Case("nbt", more=TAX),
        Case("mce"),
        Case("pennsylvania"),
        Case("net_metering_kwh", has_tiers=True),
        Case("net_billing", more=TAX),
    )
]
LARGE = [Sizes(40, 40, Decimal(4)), Sizes(10, 40, Decimal(4)), Sizes(0, 30, Decimal(2)), Sizes(30, 0, Decimal(2))]


def called(case: Case) -> str:
    return "-".join([name_of(case), *(["opened"] if case.opening else []), case.rounding])


def with_cents(told: Sequence[Statement], true: Sequence[Statement]) -> Iterator[str]:
    """What lies further outside than printing can bring it."""
    printed = 0
    for one, other in zip(told, true, strict=True):
        printed += len(one.lines) + len(other.lines)
        yield from outside(one, other, FINE + CENT * printed / 2)


def both_bills(case: Case, seed: int, size: Sizes) -> tuple[list[Statement], list[Statement]]:
    pair = pair_of(seed, case.first, size)
    with tempfile.TemporaryDirectory() as name:
        return case.bills(Path(name), pair.booked), case.bills(Path(name), pair.true)


@pytest.mark.parametrize("case", OPENED, ids=called)
@tries(3)
@given(seed=st.integers(0, 2**32), size=st.sampled_from(LARGE))
def test_an_opened_years_truth_lies_in_what_is_told(case: Case, seed: int, size: Sizes) -> None:
    assert complaints(*both_bills(case, seed, size)) == []


@pytest.mark.parametrize("case", CASES[::2] if MORE == 1 else CASES, ids=called)
@tries(2)
@given(seed=st.integers(0, 2**32))
def test_a_hole_over_a_months_end_lies_in_what_is_told(case: Case, seed: int) -> None:
    pair = holed(seed, case.first)
    with tempfile.TemporaryDirectory() as name:
        told, true = case.bills(Path(name), pair.booked), case.bills(Path(name), pair.true)
    assert complaints(told, true) == []
    assert further_off(told, true) == []


@pytest.mark.parametrize("case", ROUNDED, ids=called)
@tries(2)
@given(seed=st.integers(0, 2**32), size=st.sampled_from(LARGE))
def test_a_rounded_truth_lies_in_what_is_told_but_for_its_cents(case: Case, seed: int, size: Sizes) -> None:
    assert list(with_cents(*both_bills(case, seed, size))) == []


@pytest.mark.parametrize("case", [*OPENED, *ROUNDED], ids=called)
def test_ranges_of_half_the_width_are_found_out(case: Case) -> None:
    """A quarter of an hour a month takes and one gives, each off as far as it can be."""
    with tempfile.TemporaryDirectory() as name:
        told = case.bills(Path(name), months_of(case.first, [(130, 20, 3, 2)] * MONTHS))
        true = case.bills(Path(name), months_of(case.first, [(133, 18, 0, 0)] * MONTHS))
    assert list(with_cents(told, true)) == []
    assert any("due now" in one or "carried" in one for one in with_cents([narrowed(one) for one in told], true))
