"""The kernel in every build: hand-worked splits, the refusals, and the builds alike on histories made to hurt."""

from array import array
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.kernels import Build, KernelError, split
from tests.oracle.split import split as oracle_split

from .kernel_builds import BUILDS, builds_here, kernel_of
from .world import tries

MAX = 2**63 - 1
MIN = -(2**63)
LONGEST = 2**62 - 1
BACKWARDS = "a register is smaller than the one before"
DISORDER = "readings are not in order of time"
OVERFLOW = "a total passes the range of int64"
EDGES = "the calendar's edges are not in order of time"

Edges = Sequence[tuple[int, int]]
Outcome = tuple[list[int], list[int]] | str


def run(build: Build, readings: Sequence[tuple[int, int]], edges: Edges, bucket_count: int = 3) -> Outcome:
    """The totals and the registers at the edges, or the words of the refusal."""
    try:
        totals, at_edges = kernel_of(build).split_series(
            array("q", [at for at, _ in readings]),
            array("q", [value for _, value in readings]),
            array("q", [at for at, _ in edges]),
            array("q", [bucket for _, bucket in edges]),
            bucket_count,
        )
    except KernelError as error:
        return str(error)
    return list(totals), list(at_edges)


# Readings (instant, register), edges (instant, bucket from it) -> energy of buckets 0, 1, 2; register at each edge.
HAND_WORKED: dict[str, tuple[Sequence[tuple[int, int]], Edges, tuple[list[int], list[int]]]] = {
    "no edge": ([(10, 5), (20, 12)], [(0, 1)], ([0, 7, 0], [-1])),
    "one reading books nothing": ([(10, 5)], [(0, 1), (10, 2)], ([0, 0, 0], [-1, -1])),
    "half and half": ([(0, 0), (10, 100)], [(0, 1), (5, 2)], ([0, 50, 50], [-1, 50])),
    # 10 over thirds: 3.33 and 6.67 are cut to 3 and 6, so the later parts get 3 and 4.
    "remainder to the later part": ([(0, 100), (3, 110)], [(0, 0), (1, 1), (2, 2)], ([3, 3, 4], [-1, 103, 106])),
    # 1 over two: 0.5 is cut to 0, the one milliwatt-hour is the later bucket's.
    "the single unit is the later one's": ([(0, 7), (2, 8)], [(0, 1), (1, 2)], ([0, 0, 1], [-1, 7])),
    "edge at the last reading": ([(0, 0), (10, 100)], [(0, 1), (10, 2)], ([0, 100, 0], [-1, 100])),
    "edge at the first reading": ([(10, 0), (20, 100)], [(0, 1), (10, 2)], ([0, 0, 100], [-1, -1])),
    "edge between two that agree": ([(0, 9), (10, 9)], [(0, 1), (5, 2)], ([0, 0, 0], [-1, 9])),
    "edge at a reading in the middle": (
        [(0, 0), (10, 7), (20, 8)],
        [(0, 1), (10, 2)],
        ([0, 7, 1], [-1, 7]),
    ),
    # 0 -> 10 in 4: 2 at 1, 5 at 2; then 10 -> 11 in 4: 10.5 at 6 is 10.
    "edges in two steps, buckets come again": (
        [(0, 0), (4, 10), (8, 11)],
        [(0, 1), (1, 2), (2, 1), (6, 2)],
        ([0, 2 + 5, 3 + 1], [-1, 2, 5, 10]),
    ),
    "edges before and after the readings": ([(10, 1), (20, 3)], [(0, 0), (5, 1), (30, 2)], ([0, 2, 0], [-1, -1, -1])),
    "times before 1970": ([(-10, 0), (10, 4)], [(-20, 1), (0, 2)], ([0, 2, 2], [-1, 2])),
    # (2**63 - 1) / 2 is 4611686018427387903.5
    "the widest register": ([(0, 0), (2, MAX)], [(0, 1), (1, 2)], ([0, 2**62 - 1, 2**62], [-1, 2**62 - 1])),
    # (2**63 - 1) * 1 / (2**62 - 1) is 2 and a little
    "the widest register over the longest step": (
        [(0, 0), (LONGEST, MAX)],
        [(0, 1), (1, 2)],
        ([0, 2, MAX - 2], [-1, 2]),
    ),
    "a step of any length without an edge": ([(MIN, 0), (MAX, 5)], [(MIN, 1)], ([0, 5, 0], [-1])),
}

REFUSED: dict[str, tuple[Sequence[tuple[int, int]], Edges, str]] = {
    "no reading": ([], [(0, 1)], DISORDER),
    "no edge table": ([(0, 1)], [], DISORDER),
    "same instant twice": ([(0, 1), (0, 2)], [(0, 1)], DISORDER),
    "time goes back": ([(5, 1), (4, 2)], [(0, 1)], DISORDER),
    "table begins too late": ([(5, 1), (6, 2)], [(6, 1)], DISORDER),
    "register falls by one": ([(0, 5), (1, 4)], [(0, 1)], BACKWARDS),
    "register falls at an edge": ([(0, 5), (2, 4)], [(0, 1), (1, 2)], BACKWARDS),
    "register below zero": ([(0, -1), (1, 4)], [(0, 1)], BACKWARDS),
    "lowest register of all": ([(0, MIN), (1, 4)], [(0, 1)], BACKWARDS),
    "step a microsecond too long over an edge": ([(0, 0), (LONGEST + 1, 5)], [(0, 1), (1, 2)], OVERFLOW),
    "edges out of order": ([(0, 0), (9, 5)], [(0, 1), (5, 2), (3, 0)], EDGES),
    "the same edge twice": ([(0, 0), (9, 5)], [(0, 1), (5, 2), (5, 0)], EDGES),
    "step over the whole of int64": ([(MIN, 0), (MAX, 5)], [(MIN, 1), (0, 2)], OVERFLOW),
    "step whose length alone would wrap": ([(-(2**62), 0), (2**62, 5)], [(MIN, 1), (0, 2)], OVERFLOW),
}


@BUILDS
@pytest.mark.parametrize("case", HAND_WORKED)
def test_split_is_as_worked_by_hand(build: Build, case: str) -> None:
    readings, edges, expected = HAND_WORKED[case]
    assert run(build, readings, edges) == expected


@BUILDS
@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused_with_its_reason(build: Build, case: str) -> None:
    readings, edges, reason = REFUSED[case]
    assert run(build, readings, edges) == reason


def arguments(build: Build, *columns: "array[int]") -> list[object]:
    """The kernel's own arguments, so that totals can begin above zero."""
    return list(columns) if build is Build.PYTHON else [column.buffer_info()[0] for column in columns]


@BUILDS
@pytest.mark.parametrize(
    ("already", "growth", "expected"),
    [(MAX - 10, 10, split.OK), (MAX - 10, 11, split.OVERFLOW), (MAX, 0, split.OK), (MAX, 1, split.OVERFLOW)],
)
@pytest.mark.parametrize("edge", [99, 1], ids=["within a bucket", "before an edge"])
def test_total_may_reach_the_end_of_int64_and_not_pass_it(
    build: Build, already: int, growth: int, expected: int, edge: int
) -> None:
    # All the growth comes before the edge at 1: 0 -> growth at t=1, which the second reading confirms.
    columns = [[0, 1, 2], [0, growth, growth], [0, edge], [0, 1], [already, 0], [-1, -1]]
    arrays = [array("q", column) for column in columns]
    times, registers, edges, buckets, totals, at_edges = arguments(build, *arrays)
    function: Callable[..., int] = kernel_of(build)._entries["split_series"]
    assert function(times, registers, 3, edges, buckets, 2, totals, at_edges) == expected
    if expected == split.OK:
        assert list(arrays[4]) == [already + growth, 0]


INT64 = st.integers(0, MAX)


@given(a=INT64, c=st.integers(1, LONGEST), data=st.data())
@tries(300)
def test_muldiv_is_the_floor_of_the_true_quotient(a: int, c: int, data: st.DataObject) -> None:
    b = data.draw(st.integers(0, c))
    assert split.muldiv(a, b, c) == a * b // c


@pytest.mark.parametrize(
    ("a", "b", "c"),
    [(MAX, LONGEST, LONGEST), (MAX, LONGEST - 1, LONGEST), (MAX, 1, LONGEST), (MAX, 0, 1), (0, 1, 1), (MAX, 1, 2)],
)
def test_muldiv_at_its_limits(a: int, b: int, c: int) -> None:
    assert split.muldiv(a, b, c) == a * b // c


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """A history in order, with edges before, on, between and after its readings, small or at the ends of int64."""
    top = draw(st.sampled_from([12, 10_000, 10**15, LONGEST]))
    times = sorted(draw(st.sets(st.integers(0, top), min_size=1, max_size=8)))
    growth = draw(st.lists(st.integers(0, MAX // 8), min_size=len(times), max_size=len(times)))
    registers = [sum(growth[: index + 1]) for index in range(len(times))]
    near = [st.just(at) for at in times] + [st.integers(times[0], max(times[-1], times[0]))]
    edges = sorted({times[0] - draw(st.integers(0, 3)), *draw(st.sets(st.one_of(near), max_size=8))})
    buckets = draw(st.lists(st.integers(0, 2), min_size=len(edges), max_size=len(edges)))
    return list(zip(times, registers, strict=True)), list(zip(edges, buckets, strict=True))


@given(history=histories())
@tries(200)
def test_sum_of_the_buckets_is_last_minus_first(history: tuple[list[tuple[int, int]], list[tuple[int, int]]]) -> None:
    readings, edges = history
    for build in builds_here():
        outcome = run(build, readings, edges)
        assert not isinstance(outcome, str), outcome
        assert sum(outcome[0]) == readings[-1][1] - readings[0][1]


@given(history=histories())
@tries(200)
def test_split_is_the_oracles_split(history: tuple[list[tuple[int, int]], list[tuple[int, int]]]) -> None:
    readings, edges = history
    sums, crossed = oracle_split(readings, edges[0][1], edges[1:])
    expected = [sums.get(bucket, 0) for bucket in range(3)], [crossed.get(at, -1) for at, _ in edges]
    for build in builds_here():
        assert run(build, readings, edges) == expected


ANY = st.one_of(
    st.integers(MIN, MAX), st.integers(-3, 12), st.sampled_from([MIN, MIN + 1, -LONGEST, LONGEST, MAX - 1, MAX])
)


@given(
    times=st.lists(ANY, max_size=6),
    registers=st.lists(ANY, min_size=6, max_size=6),
    edges=st.sets(ANY, max_size=5),
    in_order=st.booleans(),
    buckets=st.lists(st.integers(0, 2), min_size=5, max_size=5),
)
@tries(600)
def test_every_build_gives_the_same_bits_or_the_same_refusal(
    times: list[int], registers: list[int], edges: set[int], in_order: bool, buckets: list[int]
) -> None:
    if in_order:  # else nearly every history stops at its first step
        times, registers = sorted(times), sorted(registers)
    readings = list(zip(times, registers, strict=False))
    table = list(zip(sorted(edges), buckets, strict=False))
    twin = run(Build.PYTHON, readings, table)
    for build in builds_here():
        assert run(build, readings, table) == twin


@given(history=histories(), data=st.data())
@tries(100)
def test_register_on_the_line_is_never_above_the_truth_and_less_than_one_below(
    history: tuple[list[tuple[int, int]], list[tuple[int, int]]], data: st.DataObject
) -> None:
    readings, edges = history
    outcome = run(Build.PYTHON, readings, edges)
    assert not isinstance(outcome, str)
    for (at, _), booked in zip(edges, outcome[1], strict=True):
        if booked == -1:
            continue
        (t0, r0), (t1, r1) = next((before, after) for before, after in pairwise(readings) if before[0] < at <= after[0])
        exact = r0 + Fraction((r1 - r0) * (at - t0), t1 - t0)
        assert 0 <= exact - booked < 1


def test_daemon_side_build_needs_no_numba() -> None:
    kernel = kernel_of(Build.PYTHON)
    assert kernel._entries["split_series"] is split.split_series


@BUILDS
@pytest.mark.parametrize("bucket", [-1, 3, 2**40])
def test_bucket_that_does_not_exist_is_refused_before_compiled_code_sees_it(build: Build, bucket: int) -> None:
    assert run(build, [(0, 0), (10, 100)], [(0, 1), (5, bucket)]) == "a bucket id that the calendar does not have"
