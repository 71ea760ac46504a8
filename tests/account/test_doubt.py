"""What is uncertain of a sum: worked by hand from edges, each of which is off by so much."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.account.doubt import Sides, positive_uncertain, run_begins, run_uncertain
from gateway.account.rows import Row, table_of

QUARTER_US = 900_000_000


def table(uncertain: list[int], missing: set[int] = frozenset(), quality: dict[int, str] | None = None):
    """Quarters one after the other, those of `missing` left out."""
    rows = [
        Row(at * QUARTER_US, (at + 1) * QUARTER_US, (quality or {}).get(at, "measured"), 10, 0, one, None, None, None)
        for at, one in enumerate(uncertain)
        if at not in missing
    ]
    return table_of("grid", "made", rows)


def runs(made, segments: list[int]) -> list[int]:
    begins = run_begins(made, slice(0, len(made)), np.array(segments, dtype=np.int64))
    return run_uncertain(made.flow_import.uncertain_milliwh, begins).tolist()


def test_only_the_ends_of_a_run_count() -> None:
    assert runs(table([5, 6, 7, 8]), [0, 0, 0, 0]) == [13]


def test_one_interval_is_its_own_end() -> None:
    assert runs(table([5]), [0]) == [5]


def test_another_bucket_is_another_run() -> None:
    assert runs(table([5, 6, 7, 8]), [0, 0, 1, 1]) == [11, 15]


def test_time_without_a_row_ends_a_run() -> None:
    assert runs(table([5, 6, 7, 8], missing={1}), [0, 0, 0]) == [5, 15]


@pytest.mark.parametrize("quality", ["incomplete", "repeated"])
def test_doubt_that_no_neighbour_makes_good_counts_whole(quality: str) -> None:
    """5 + 90 + (7 + 8): what no register has is not in the next interval instead."""
    assert runs(table([5, 90, 7, 8], quality={1: quality}), [0, 0, 0, 0]) == [5, 90, 15]


@given(st.lists(st.integers(0, 100), min_size=2, max_size=30), st.data())
def test_the_true_sum_is_never_further_off(edges: list[int], data) -> None:
    """Each edge is off by at most its own doubt; an interval's doubt is that of its two edges."""
    errors = [data.draw(st.integers(-one, one)) for one in edges]
    uncertain = [one + two for one, two in pairwise(edges)]
    off = sum(two - one for one, two in pairwise(errors))
    (told,) = runs(table(uncertain), [0] * len(uncertain))
    assert abs(off) <= told


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=2, max_size=20), st.data())
def test_the_true_positive_net_is_never_further_off(edges: list[tuple[int, int]], data) -> None:
    """Booked energy is that of registers that are off at each edge; the true one is never below zero."""
    count = len(edges) - 1
    true, booked, uncertain = [], [], []
    for side in (0, 1):
        doubts = [one[side] for one in edges]
        flowed = [data.draw(st.integers(0, 200)) for _ in range(count)]
        errors = [data.draw(st.integers(-one, one)) for one in doubts]
        seen = [one + later - earlier for one, (earlier, later) in zip(flowed, pairwise(errors), strict=True)]
        assume(min(seen) >= 0)
        true.append(np.array(flowed, dtype=np.int64))
        booked.append(np.array(seen, dtype=np.int64))
        uncertain.append(np.array([one + two for one, two in pairwise(doubts)], dtype=np.int64))
    connected = np.array([False] + [True] * (count - 1))
    told = int(positive_uncertain(Sides(*booked, *uncertain), connected).sum())
    off = np.maximum(true[0] - true[1], 0).sum() - np.maximum(booked[0] - booked[1], 0).sum()
    assert abs(int(off)) <= told


def sides(taken: list[int], given: list[int], taken_uncertain: int, given_uncertain: int) -> Sides:
    doubts = [[one] * len(taken) for one in (taken_uncertain, given_uncertain)]
    return Sides(*(np.array(one, dtype=np.int64) for one in (taken, given, *doubts)))


RUN = np.array([False, True, True, True])


def test_a_house_that_gives_all_day_owes_no_more_than_it_may_have_taken() -> None:
    assert positive_uncertain(sides([0] * 4, [100] * 4, 2, 9), RUN).tolist() == [2, 2, 2, 2]


def test_a_night_without_export_is_uncertain_at_its_ends_alone() -> None:
    assert positive_uncertain(sides([100] * 4, [0] * 4, 9, 0), RUN).tolist() == [9, 0, 0, 9]


def test_the_last_digit_of_the_export_counts_each_time() -> None:
    """Ends: 9 + 1; besides, in each quarter the export register may have moved by its digit."""
    assert positive_uncertain(sides([100] * 4, [0] * 4, 9, 1), RUN).tolist() == [11, 1, 1, 11]


def test_where_both_flow_each_interval_counts() -> None:
    assert positive_uncertain(sides([100] * 4, [90] * 4, 9, 8), RUN).tolist() == [17] * 4
