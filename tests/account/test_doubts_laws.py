"""A bill's ranges hold whatever truth its energy's doubt allows, under every programme; and no more where it is simple.

The truth is reckoned as a bill of its own, from energy without a doubt (`doubted`): each line, bank and sum of it must
lie in what the doubted bill tells. Positive controls: a range that is a little too narrow is complained of.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.account.doubts.ranges import Range
from gateway.account.statement import Statement, StatementRanges

from ..pipeline.world import tries
from .doubted import MONTHS, Case, Sizes, months_of, pair_of

ZERO = Decimal(0)
FINE = Decimal("1e-9")
"""What averages are rounded by."""
BONUS = "[[export_adder]]\nname='b'\nper_kwh='0.01'\nbank='bonus'\nsource='s'\nfrom=2025-01-01\n"
TAX = '[[charge]]\nname = "tax"\npercent = "7.5"\nfrom = 2024-01-01\nsource = "s"\n'
CASES = [
    Case("nem1"),
    Case("nem1", (("surplus_payout", "check"), ("minimum_credit", "all_cycles"))),
    Case("nem2", more=TAX),
    Case("nem2", (("energy_due", "monthly"), ("non_bypassable_due", "monthly"))),
    Case("nem2", (("surplus_payout", "rollover_kwh"),)),
    Case("nbt", more=TAX),
    Case("nbt", (("surplus_payout", "check"),), BONUS),
    Case("nbt", (("surplus_payout", "check"), ("leftover", "forfeit")), BONUS, below_zero=True),
    Case("mce"),
    Case("pennsylvania"),
    Case("net_metering_kwh"),
    Case("net_metering_kwh", (("surplus_to", "same_bucket"), ("year_surplus", "bill_credit"))),
    Case("net_metering_kwh", has_tiers=True),
    Case("net_metering_usd"),
    Case("net_billing", more=TAX),
    Case("net_billing", has_tiers=True),
    Case("nem1", has_tiers=True),
    Case("buy_all_sell_all", more='[[meter]]\nname = "sun"\nrole = "production"\n'),
    Case("net_billing_carryover"),
    Case("net_billing_carryover", (("credit_from", "same_cycle"), ("leftover", "lost"))),
]
SIZES = [
    Sizes(40, 40, Decimal(4)),
    Sizes(40, 10, Decimal(1)),
    Sizes(10, 40, Decimal(4)),
    Sizes(30, 30, Decimal("0.01")),
    Sizes(0, 30, Decimal(2)),
    Sizes(30, 0, Decimal(2)),
]


def outside(told: Statement, true: Statement, fine: Decimal = FINE) -> Iterator[str]:
    """What of the truth the ranges do not hold by more than `fine`, in words."""
    ranges = told.ranges
    if ranges is None:
        yield "no ranges"
        return
    amounts = {line.key: line.amount for line in true.lines}  # printed: a cheque is always of whole cents
    found = [(key, one, amounts.get(key, ZERO)) for key, one in ranges.lines.items()]
    held = {(move.name, at >= len(true.bill.settled.banks)): move for at, move in enumerate(true.banks)}
    for at, move in enumerate(told.banks):
        other = held.get((move.name, at >= len(told.bill.settled.banks)))
        if other is not None:
            found += [
                (f"{move.name} before", ranges.before[at], other.before),
                (f"{move.name} after", ranges.after[at], other.after),
            ]
    found += [
        ("due now", ranges.due_now, true.due_now),
        ("carried", ranges.carried, true.carried),
        ("carried in the year", ranges.carried_in_year, true.carried_in_year),
    ]
    for name, one, amount in found:
        if not one.low - fine <= amount <= one.high + fine:
            yield f"bill {told.number}: {name} is {amount}, told {one.low} .. {one.high}"


def complaints(told: Sequence[Statement], true: Sequence[Statement]) -> list[str]:
    return [text for one, other in zip(told, true, strict=True) for text in outside(one, other)]


def name_of(case: Case) -> str:
    return "-".join(
        [
            case.programme,
            *(value for _, value in case.choices),
            *(["more"] if case.more else []),
            *(["tiers"] if case.has_tiers else []),
        ]
    )


@pytest.mark.parametrize("case", CASES, ids=name_of)
@tries(4)
@given(seed=st.integers(0, 2**32), size=st.sampled_from(SIZES))
def test_the_truth_lies_in_what_is_told(case: Case, seed: int, size: Sizes) -> None:
    pair = pair_of(seed, case.first, size)
    with tempfile.TemporaryDirectory() as name:
        told, true = (case.bills(Path(name), one) for one in (pair.booked, pair.true))
    assert complaints(told, true) == []
    assert [one.number for one in told if one.uncertain_amount < off_of_cycle(one)] == []
    assert further_off(told, true) == []


def further_off(told: Sequence[Statement], true: Sequence[Statement]) -> list[int]:
    """Bills whose year, its true-up left out, asked and carried more or less than it says that it may be off by."""
    found: list[int] = []
    off = ZERO
    for one, other in zip(told, true, strict=True):
        if one.bill.true_up is not None:
            off = ZERO
            continue
        off += one.due_now + one.carried - other.due_now - other.carried
        if abs(off) > one.uncertain_in_year + FINE:
            found.append(one.number)
    return found


def off_of_cycle(told: Statement) -> Decimal:
    """By how much a bill's ranges say that it is off; of one that closes a year they do not tell the cycle apart."""
    if told.ranges is None or told.bill.true_up is not None:
        return ZERO
    return told.ranges.due_now.furthest_from(told.due_now) + told.ranges.carried.furthest_from(told.carried)


def narrowed(told: Statement) -> Statement:
    """Ranges of half the width about what was reckoned."""
    ranges = told.ranges
    assert ranges is not None

    def half(one: Range, amount: Decimal) -> Range:
        return Range(amount - (amount - one.low) / 2, amount + (one.high - amount) / 2)

    amounts = {line.key: line.amount for line in told.lines}
    banks = [
        tuple(half(one, getattr(move, name)) for one, move in zip(getattr(ranges, name), told.banks, strict=True))
        for name in ("before", "after")
    ]
    return replace(
        told,
        uncertain_in_year=told.uncertain_in_year / 2,
        ranges=StatementRanges(
            {key: half(one, amounts[key]) for key, one in ranges.lines.items()},
            banks[0],
            banks[1],
            half(ranges.due_now, told.due_now),
            half(ranges.carried, told.carried),
            half(ranges.carried_in_year, told.carried_in_year),
        ),
    )


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_ranges_of_half_the_width_are_found_out(case: Case) -> None:
    """The positive control: one quarter a month takes and one gives, each off as far as it can be."""
    months = [(130, 20, 3, 2)] * MONTHS
    with tempfile.TemporaryDirectory() as name:
        told = case.bills(Path(name), months_of(case.first, months))
        true = case.bills(Path(name), months_of(case.first, [(133, 18, 0, 0)] * MONTHS))
    assert complaints(told, true) == []
    halves = [narrowed(one) for one in told]
    assert any("due now" in one or "carried" in one for one in complaints(halves, true))
    assert further_off(told, true) == []
    assert further_off(halves, true)
