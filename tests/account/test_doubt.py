"""What is uncertain of a sum: worked by hand from edges, each of which is off by so much."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.account.doubt import positive_uncertain, run_begins, run_uncertain
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
    uncertain = [one + two for one, two in itertools.pairwise(edges)]
    off = sum(two - one for one, two in itertools.pairwise(errors))
    (told,) = runs(table(uncertain), [0] * len(uncertain))
    assert abs(off) <= told


@given(st.lists(st.integers(0, 50), min_size=2, max_size=20), st.data())
def test_the_true_positive_net_is_never_further_off(edges: list[int], data) -> None:
    """The same for a sum of positive nets, whose inner edges count where a sign is in doubt."""
    count = len(edges) - 1
    booked = np.array([data.draw(st.integers(-200, 200)) for _ in range(count)], dtype=np.int64)
    errors = [data.draw(st.integers(-one, one)) for one in edges]
    uncertain = np.array([one + two for one, two in itertools.pairwise(edges)], dtype=np.int64)
    true = booked + np.array([two - one for one, two in itertools.pairwise(errors)], dtype=np.int64)
    connected = np.array([False] + [True] * (count - 1))
    told = int(positive_uncertain(booked, uncertain, connected).sum())
    assert abs(int(np.maximum(true, 0).sum() - np.maximum(booked, 0).sum())) <= told


def test_a_house_that_gives_all_day_owes_nothing_uncertain() -> None:
    gives = np.array([-100, -100, -100], dtype=np.int64)
    assert positive_uncertain(gives, np.array([9, 9, 9]), np.array([False, True, True])).tolist() == [0, 0, 0]


def test_inner_edges_of_what_takes_cancel() -> None:
    takes = np.array([100, 100, 100, 100], dtype=np.int64)
    assert positive_uncertain(takes, np.array([9, 9, 9, 9]), np.array([False, True, True, True])).tolist() == [
        9,
        0,
        0,
        9,
    ]
