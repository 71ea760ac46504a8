"""Sharing under hypothesis: allocated = generated to the last milliwatt-hour, over years, with changing shares.

Against exact fractions, never against our own sums. Each law has a positive control: a spoiled allocation is refused.
"""

from collections.abc import Sequence
from datetime import UTC, date, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.account.arrangement.allocation import Allocation
from gateway.account.arrangement.by_cycle import (
    Site,
    Span,
    by_cumulative_use,
    by_cumulative_use_per_bucket,
    by_host_first,
)
from gateway.account.arrangement.fixed_shares import allocated_by_shares
from gateway.account.arrangement.shares import equally_up_to, largest_remainder, largest_remainder_rows, over_rows
from gateway.account.arrangement.terms import ArrangementTerms, Kind, Member, Shares, ShareUnit, Vacant, VacantShare
from gateway.account.cells import energy_of_cycles
from gateway.account.energy import EnergyTable, Flow
from gateway.account.netting import NettingInterval
from gateway.account.rows import added
from gateway.tariff.calendar import Calendar
from gateway.tariff.cycles import Cycle
from gateway.tariff.tariff_file import load_tariff

from ..pipeline.world import tries
from .arrangement_site import flat_tariff

DAY_US = 86_400_000_000
FIRST = date(2024, 1, 1)
FIRST_OF_1970 = date(1970, 1, 1)
"""On which the rows of `table` begin, as instants."""
WEIGHTS = st.lists(st.integers(0, 10**6), min_size=1, max_size=24).filter(any)
WHOLES = st.integers(0, 10**11)


def table(taken: Sequence[int], given_: Sequence[int]) -> EnergyTable:
    """A row a day from 2024-01-01 UTC."""
    starts = np.arange(len(taken), dtype=np.int64) * DAY_US
    flows = [Flow.sure(np.array(one, dtype=np.int64)) for one in (taken, given_)]
    return EnergyTable("meter", "made", starts, starts + DAY_US, *flows, np.zeros(len(taken), dtype=bool))


@given(WHOLES, WEIGHTS)
@tries(60)
def test_parts_add_up_and_none_is_a_unit_off_its_fraction(whole, weights) -> None:
    parts = largest_remainder(whole, weights)
    assert sum(parts) == whole
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(whole * weight, sum(weights))) < 1


def test_the_largest_remainder_gets_the_odd_unit_and_a_tie_goes_to_the_first_listed() -> None:
    assert largest_remainder(10, [3, 3, 1]) == [4, 4, 2]  # 4.286, 4.286, 1.429: the last has the largest
    assert largest_remainder(100, [1, 1, 1]) == [34, 33, 33]
    assert largest_remainder(101, [1, 1, 1]) == [34, 34, 33]


@given(st.lists(st.one_of(WHOLES, st.integers(0, 2**62)), min_size=1, max_size=9), WEIGHTS)
@tries(60)
def test_many_rows_at_once_are_shared_as_each_alone(wholes, weights) -> None:
    rows = largest_remainder_rows(np.array(wholes, dtype=np.int64), weights).tolist()
    assert rows == [largest_remainder(one, weights) for one in wholes]


@given(st.integers(0, 10**6), st.lists(st.integers(0, 10**5), min_size=1, max_size=9))
@tries(60)
def test_equal_parts_stop_at_the_need_and_leave_nothing_that_somebody_needs(whole, needs) -> None:
    parts = equally_up_to(whole, needs)
    assert sum(parts) == min(whole, sum(needs))
    assert all(0 <= part <= need for part, need in zip(parts, needs, strict=True))
    short = [part for part, need in zip(parts, needs, strict=True) if part < need]
    assert not short or max(parts) - min(short) <= 1


def test_900_to_needs_of_500_200_and_400_are_350_200_and_350() -> None:
    assert equally_up_to(900, [500, 200, 400]) == [350, 200, 350]
    assert equally_up_to(5, [9, 9]) == [3, 2]


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=30), WEIGHTS)
@tries(60)
def test_parts_laid_over_rows_keep_both_sums_and_never_fall_below_zero(wholes, weights) -> None:
    parts = largest_remainder(sum(wholes), weights)
    laid = over_rows(wholes, parts)
    assert [sum(row) for row in laid] == wholes
    assert [sum(column) for column in zip(*laid, strict=True)] == parts
    assert min(min(row) for row in laid) >= 0


SHARE = st.integers(0, 2000).map(lambda one: Decimal(one) / 10)


@st.composite
def arrangements(draw) -> ArrangementTerms:
    names = [f"unit-{at}" for at in range(draw(st.integers(2, 6)))]
    days = sorted(draw(st.sets(st.integers(-40, 800), min_size=1, max_size=5)))
    versions = []
    for day in days:
        shares = draw(st.lists(SHARE, min_size=len(names), max_size=len(names)).filter(any))
        versions.append(
            Shares(first=FIRST + timedelta(day), by=ShareUnit.SQUARE_FEET, of=dict(zip(names, shares, strict=True)))
        )
    empty = draw(st.lists(st.tuples(st.sampled_from(names[1:]), st.integers(0, 700), st.integers(0, 300)), max_size=3))
    vacant = tuple(
        Vacant(member=name, first=FIRST + timedelta(day), last_day=FIRST + timedelta(day + long))
        for name, day, long in empty
    )
    return ArrangementTerms(
        format=1,
        id="site",
        name="Site",
        kind=Kind.VNEM,
        member=tuple(Member(id=one) for one in names),
        shares=tuple(versions),
        vacant=vacant,
        vacant_share=draw(st.sampled_from(VacantShare)),
        owner=names[0],
    )


def expected(terms: ArrangementTerms, day: date, name: str) -> Fraction:
    """A member's fraction of a day's energy, from the text of the rule alone."""
    versions = [one for one in terms.shares if one.first <= day]
    if not versions:
        return Fraction(0)
    of = versions[-1].of
    empty = {one.member for one in terms.vacant if one.first <= day <= one.last_day}
    own = Fraction(0) if name in empty else Fraction(of.get(name, 0))
    if name == terms.owner and terms.vacant_share is VacantShare.OWNER:
        own += sum(Fraction(of[one]) for one in empty)
    return own / sum(Fraction(one) for one in of.values())


@given(arrangements(), st.lists(st.integers(0, 10**9), min_size=760, max_size=760))
@tries(15)
def test_over_two_years_with_changing_shares_allocated_is_generated(terms, made) -> None:
    plant = table([0] * len(made), made)
    found = allocated_by_shares(terms, plant, lambda day: (day - FIRST).days * DAY_US)
    total = found.given.sum(axis=1) + found.lost
    assert total.tolist() == made
    for at, member in enumerate(terms.member):
        parts = found.of_member(at).tolist()
        for number in range(0, len(made), 7):
            exact = made[number] * expected(terms, FIRST + timedelta(number), member.id)
            assert abs(parts[number] - exact) < 1


def spans(cycles: int, year: int) -> list[Span]:
    """Cycles of ten days, each `year` of them a Relevant Period."""
    return [Span(at * 10 * DAY_US, (at + 1) * 10 * DAY_US, True, (at + 1) % year == 0) for at in range(cycles)]


DAYS = st.lists(st.one_of(st.just(0), st.integers(0, 10**8)), min_size=120, max_size=120)


@given(st.lists(DAYS, min_size=2, max_size=3), DAYS)
@tries(15)
def test_cumulative_shares_are_those_of_cumulative_use_at_the_end_of_every_cycle(uses, made) -> None:
    """G so far as U so far, anew in each period of four cycles; in each row all of it goes to somebody."""
    tables = [table(one, made if at == 0 else [0] * 120) for at, one in enumerate(uses)]
    found = by_cumulative_use(Site(tables, 0), spans(12, 4), UTC)
    assert found.given.sum(axis=1).tolist() == made
    assert not found.adjusted.sum(axis=1).any()
    for end in range(10, 121, 10):
        begin = (end - 1) // 40 * 40
        used = [sum(one[begin:end]) for one in uses]
        for at in range(len(uses)):
            share = Fraction(used[at], sum(used)) if any(used) else Fraction(at == 0)
            assert abs(int(found.of_member(at)[begin:end].sum()) - sum(made[begin:end]) * share) < 1


@given(st.lists(DAYS, min_size=2, max_size=3), DAYS)
@tries(10)
def test_what_bears_non_bypassable_charges_is_never_more_than_the_meter_took(tmp_path_factory, uses, made) -> None:
    """In each cycle, whatever shares do: imports are the meter's own, and the net is those less the share."""
    folder = tmp_path_factory.getbasetemp()
    path = folder / flat_tariff(folder, "0.30", "utc")
    path.write_text(path.read_text(encoding="utf-8").replace("America/Los_Angeles", "Etc/UTC"), encoding="utf-8")
    cycles = [Cycle(FIRST_OF_1970 + timedelta(at), FIRST_OF_1970 + timedelta(at + 9)) for at in range(0, 120, 10)]
    tables = [table(one, made if at == 0 else [0] * 120) for at, one in enumerate(uses)]
    found = by_cumulative_use(Site(tables, 0), spans(12, 4), UTC)
    for at, own in enumerate(uses):
        joined = added([table(own, [0] * 120), found.table(at, "member")])
        cells = energy_of_cycles(joined, cycles, Calendar(load_tariff(str(path))), NettingInterval.NONE)
        for number, one in enumerate(cells):
            days = slice(number * 10, number * 10 + 10)
            assert one.import_milliwh == sum(own[days])
            assert sum(cell.positive_net_milliwh for cell in one.cells) <= sum(own[days])
            assert one.net_milliwh == sum(own[days]) - int(found.of_member(at)[days].sum())


@given(st.lists(DAYS, min_size=2, max_size=3), DAYS)
@tries(10)
def test_by_bucket_each_bucket_is_shared_by_its_own_use_alone(uses, made) -> None:
    """Even and odd days as two buckets: in each, G so far as U so far; all of each row goes to somebody."""
    tables = [table(one, made if at == 0 else [0] * 120) for at, one in enumerate(uses)]
    found = by_cumulative_use_per_bucket(Site(tables, 0), spans(12, 4), UTC, lambda one: one.start_us // DAY_US % 2)
    assert found.given.sum(axis=1).tolist() == made
    assert not found.adjusted.sum(axis=1).any()
    for end in range(10, 121, 10):
        for bucket in (0, 1):
            days = slice((end - 1) // 40 * 40 + bucket, end, 2)
            used = [sum(one[days]) for one in uses]
            for at in range(len(uses)):
                share = Fraction(used[at], sum(used)) if any(used) else Fraction(at == 0)
                assert abs(int(found.of_member(at)[days].sum()) - sum(made[days]) * share) < 1


@given(st.lists(DAYS, min_size=2, max_size=4), DAYS)
@tries(15)
def test_nobody_but_the_host_gets_more_than_it_used_and_the_host_keeps_its_own_need(uses, made) -> None:
    tables = [table(one, made if at == 0 else [0] * 120) for at, one in enumerate(uses)]
    found = by_host_first(Site(tables, 0), spans(12, 4))
    assert found.given.sum(axis=1).tolist() == made
    for begin in range(0, 120, 10):
        rows = slice(begin, begin + 10)
        for at in range(1, len(uses)):
            assert int(found.of_member(at)[rows].sum()) <= sum(uses[at][rows])
        assert int(found.of_member(0)[rows].sum()) >= min(sum(uses[0][rows]), sum(made[rows]))


def test_an_allocation_that_loses_a_milliwatt_hour_is_refused() -> None:
    plant = table([0], [10])
    nothing = np.zeros((1, 2), dtype=np.int64)
    with pytest.raises(ValueError, match="9 mWh were shared out"):
        Allocation(plant, np.array([[5, 4]]), nothing, np.zeros(1, dtype=np.int64), nothing)


def test_an_adjustment_that_goes_to_nobody_is_refused() -> None:
    plant = table([0], [9])
    nothing = np.zeros(1, dtype=np.int64)
    doubt = np.zeros((1, 2), dtype=np.int64)
    Allocation(plant, np.array([[5, 4]]), np.array([[3, -3]]), nothing, doubt)
    with pytest.raises(ValueError, match="1 mWh were moved to nobody"):
        Allocation(plant, np.array([[5, 4]]), np.array([[4, -3]]), nothing, doubt)


def test_what_falls_is_taken_back_in_the_same_cycle() -> None:
    """First cycle: only A uses, 100 made, all to A. Second: B uses nine times as much, 100 made: A falls to 20 of 200.

    A then has 20 - 100 = -80 in the second cycle, and B 180.
    """
    uses, made = ([10, 0], [0, 90]), [100, 100]
    tables = [table(one, made if at == 0 else [0, 0]) for at, one in enumerate(uses)]
    days = [Span(at * DAY_US, (at + 1) * DAY_US, True, False) for at in range(2)]
    found = by_cumulative_use(Site(tables, 0), days, UTC)
    assert [found.of_member(at).tolist() for at in range(2)] == [[100, -80], [0, 180]]
    assert found.given.tolist() == [[100, 0], [0, 100]]
    assert found.table(0, "a").credited_milliwh.tolist() == [100, -80]
    assert not found.table(0, "a").flow_import.milliwh.any()
