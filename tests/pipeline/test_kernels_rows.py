"""The kernel for years of rows, in every build: worked by hand, against the slow oracle, and the builds alike.

A row that breaks the order is where it stops: all before it is booked, as if it had never been there.
"""

from array import array
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.kernels import BookedRows, Build, KernelError, RowRefusal
from gateway.kernels.rows import BLOCK_ROWS
from tests.oracle.split import split as oracle_split

from .kernel_builds import BUILDS, builds_here, kernel_of
from .world import tries

MAX = 2**63 - 1
MIN = -(2**63)
LONGEST = 2**62 - 1
BACK = RowRefusal.WENT_BACKWARDS
DISORDER = RowRefusal.NOT_IN_ORDER

Row = tuple[int, int, int]  # instant, import, export
Edges = Sequence[tuple[int, int]]


def columns_of(rows: Sequence[Sequence[int]], width: int) -> list["array[int]"]:
    return [array("q", [row[index] for row in rows]) for index in range(width)]


def book(build: Build, rows: Sequence[Row], edges: Edges, bucket_count: int = 3) -> BookedRows | str:
    """What is booked, or the words of the refusal."""
    try:
        return kernel_of(build).accumulate_rows(*columns_of(rows, 3), *columns_of(edges, 2), bucket_count)
    except KernelError as error:
        return str(error)


def plain(booked: BookedRows | str) -> tuple[list[int], list[int], list[int], list[int], list[int]]:
    assert not isinstance(booked, str), booked
    return (
        list(booked.import_totals_milliwh),
        list(booked.export_totals_milliwh),
        list(booked.import_at_edges_milliwh),
        list(booked.export_at_edges_milliwh),
        list(booked.edge_rows),
    )


# rows, edges -> totals of import, of export, import and export at each edge, first row at or after each edge
HAND_WORKED: dict[str, tuple[Sequence[Row], Edges, tuple[list[int], list[int], list[int], list[int], list[int]]]] = {
    "one row books nothing": ([(10, 5, 6)], [(0, 1), (10, 2)], ([0, 0, 0], [0, 0, 0], [-1, -1], [-1, -1], [-1, -1])),
    # import 0 -> 10 in 4: at 1 it is 2.5, cut to 2; export 0 -> 3: at 1 it is 0.75, cut to 0
    "each register by its own line": (
        [(0, 0, 0), (4, 10, 3)],
        [(0, 1), (1, 2)],
        ([0, 2, 8], [0, 0, 3], [-1, 2], [-1, 0], [-1, 1]),
    ),
    "two edges between two rows, one on a row": (
        [(0, 0, 0), (4, 8, 0), (8, 8, 4)],
        [(0, 0), (1, 1), (2, 2), (8, 0)],
        ([2, 2, 4], [0, 0, 4], [-1, 2, 4, 8], [-1, 0, 0, 4], [-1, 1, 1, 2]),
    ),
    "edges before the rows and after them": (
        [(10, 0, 5), (20, 7, 5)],
        [(-50, 0), (0, 1), (10, 2), (21, 0)],
        ([0, 0, 7], [0, 0, 0], [-1] * 4, [-1] * 4, [-1] * 4),
    ),
    # (2**63 - 1) * 1 / (2**62 - 1) is 2 and a little
    "the widest register over the longest step": (
        [(0, 0, MAX), (LONGEST, MAX, MAX)],
        [(0, 1), (1, 2)],
        ([0, 2, MAX - 2], [0, 0, 0], [-1, 2], [-1, MAX], [-1, 1]),
    ),
    "a step of any length without an edge": (
        [(MIN, 0, 0), (MAX, 5, 0)],
        [(MIN, 1)],
        ([0, 5, 0], [0, 0, 0], [-1], [-1], [-1]),
    ),
}

FIRST_THREE: list[Row] = [(0, 0, 0), (10, 5, 1), (20, 6, 9)]
STOPPED: dict[str, tuple[Row, RowRefusal]] = {
    "the same instant again": ((20, 7, 9), DISORDER),
    "time goes back": ((19, 7, 9), DISORDER),
    "time at the lowest of all": ((MIN, 7, 9), DISORDER),
    "import falls by one": ((30, 5, 9), BACK),
    "export falls to zero": ((30, 7, 0), BACK),
    "import below zero": ((30, -1, 9), BACK),
    "a register at the lowest of all": ((30, 7, MIN), BACK),
    "both are wrong": ((20, 0, 0), DISORDER),
}

VOID: dict[str, tuple[Sequence[Row], Edges, str]] = {
    "no row": ([], [(0, 1)], "no rows, or a calendar that begins after the first of them"),
    "no calendar": ([(0, 1, 1)], [], "no rows, or a calendar that begins after the first of them"),
    "calendar begins late": ([(5, 1, 1)], [(6, 1)], "no rows, or a calendar that begins after the first of them"),
    "edges out of order": (
        [(0, 0, 0), (9, 5, 5)],
        [(0, 1), (5, 2), (3, 0)],
        "the calendar's edges are not in order of time",
    ),
    "bucket below zero": ([(0, 0, 0), (9, 5, 5)], [(0, -1)], "a bucket id that the calendar does not have"),
    "bucket that there is not": (
        [(0, 0, 0), (9, 5, 5)],
        [(0, 3), (5, 0)],
        "a bucket id that the calendar does not have",
    ),
    "step too long over an edge": (
        [(0, 0, 0), (LONGEST + 1, 5, 5)],
        [(0, 1), (1, 2)],
        "a total passes the range of int64",
    ),
    "step whose length alone would wrap": (
        [(-(2**62), 0, 0), (2**62, 5, 5)],
        [(MIN, 1), (0, 2)],
        "a total passes the range of int64",
    ),
}


@BUILDS
@pytest.mark.parametrize("case", HAND_WORKED)
def test_rows_are_booked_as_worked_by_hand(build: Build, case: str) -> None:
    rows, edges, expected = HAND_WORKED[case]
    booked = book(build, rows, edges)
    assert plain(booked) == expected
    assert isinstance(booked, BookedRows)
    assert (booked.rows, booked.refusal) == (len(rows), None)


@BUILDS
@pytest.mark.parametrize("case", STOPPED)
@pytest.mark.parametrize("after", [[], [(40, 50, 50)]], ids=["last", "more follow"])
def test_it_stops_at_the_row_that_breaks_the_order(build: Build, case: str, after: list[Row]) -> None:
    row, refusal = STOPPED[case]
    edges = [(0, 0), (5, 1), (15, 2), (25, 0)]
    booked = book(build, [*FIRST_THREE, row, *after], edges)
    # import 0, 5, 6: at 5 it is 2 (2.5), at 15 it is 5 (5.5); export 0, 1, 9: at 5 it is 0 (0.5), at 15 it is 5
    assert plain(booked) == ([2, 3, 1], [0, 5, 4], [-1, 2, 5, -1], [-1, 0, 5, -1], [-1, 1, 2, -1])
    assert isinstance(booked, BookedRows)
    assert (booked.rows, booked.refusal) == (3, refusal)


@BUILDS
def test_first_row_below_zero_books_nothing(build: Build) -> None:
    booked = book(build, [(0, 5, -1), (1, 6, 6)], [(0, 1)])
    assert isinstance(booked, BookedRows)
    assert (booked.rows, booked.refusal) == (0, BACK)
    assert sum(booked.import_totals_milliwh) == 0


@BUILDS
@pytest.mark.parametrize("case", VOID)
def test_what_cannot_be_rows_is_refused_with_its_reason(build: Build, case: str) -> None:
    rows, edges, reason = VOID[case]
    assert book(build, rows, edges) == reason


@BUILDS
@pytest.mark.parametrize(
    ("already", "status"), [((MAX - 9, 0), 0), ((0, MAX - 9), 0), ((MAX - 8, 0), 3), ((0, MAX - 8), 3)]
)
def test_total_may_reach_the_end_of_int64_and_not_pass_it(build: Build, already: tuple[int, int], status: int) -> None:
    """Below the shell, which begins at zero: 4 before the edge at 1 and 5 after it, in either direction."""
    import_totals, export_totals = array("q", [already[0]]), array("q", [already[1]])
    rows = columns_of([(0, 0, 0), (1, 4, 4), (2, 9, 9)], 3)
    table = columns_of([(0, 0), (1, 0)], 2)
    unset = [array("q", [-1, -1]) for _ in range(3)]
    columns = [*rows, 3, *table, 2, 1, import_totals, export_totals, *unset, array("q", [0])]
    arguments: list[Any] = columns  # which live as long as their addresses are used
    if build is not Build.PYTHON:
        arguments = [one.buffer_info()[0] if isinstance(one, array) else one for one in columns]
    assert kernel_of(build)._entries["accumulate_rows"](*arguments) == status
    if status == 0:
        assert (import_totals[0], export_totals[0]) == (already[0] + 9, already[1] + 9)


@BUILDS
@pytest.mark.parametrize("wrong", [BLOCK_ROWS - 1, BLOCK_ROWS, BLOCK_ROWS + 1, 2 * BLOCK_ROWS, None])
def test_a_row_is_found_wherever_it_lies_in_a_block(build: Build, wrong: int | None) -> None:
    """Rows at 0, 10, 20 ... with import 3 and export 1 a row; edges halfway between rows, also around block ends."""
    n = 2 * BLOCK_ROWS + 7
    rows = [(10 * index, 3 * index, index) for index in range(n)]
    if wrong is not None:
        rows[wrong] = (10 * wrong, 3 * wrong, wrong - 2)
    booked_rows = n if wrong is None else wrong
    at = [BLOCK_ROWS - 2, BLOCK_ROWS - 1, BLOCK_ROWS, 2 * BLOCK_ROWS - 1, 2 * BLOCK_ROWS]
    edges = [(0, 0), *((10 * index + 5, 1 + position % 2) for position, index in enumerate(at))]
    booked = book(build, rows, edges)
    crossed = [index for index in at if index + 1 < booked_rows]
    unset = [-1] * (len(at) - len(crossed))
    imported, exported, import_at, export_at, edge_rows = plain(booked)
    assert import_at == [-1, *(3 * index + 1 for index in crossed), *unset]  # half of 3 is cut to 1
    assert export_at == [-1, *crossed, *unset]
    assert edge_rows == [-1, *(index + 1 for index in crossed), *unset]
    assert (sum(imported), sum(exported)) == (3 * (booked_rows - 1), booked_rows - 1)
    assert isinstance(booked, BookedRows)
    assert (booked.rows, booked.refusal) == (booked_rows, None if wrong is None else BACK)


@st.composite
def row_histories(draw: st.DrawFn) -> tuple[list[Row], list[tuple[int, int]]]:
    """Mostly rising rows, small or at the ends of int64, with some put in that break the order."""
    top = draw(st.sampled_from([12, 10_000, 10**15, LONGEST, MAX]))
    floor = draw(st.sampled_from([0, 0, -top, MIN]))
    times = sorted(draw(st.sets(st.integers(floor, top), min_size=1, max_size=9)))
    growth = st.lists(st.one_of(st.integers(0, 5), st.integers(0, MAX // 9)), min_size=len(times), max_size=len(times))
    registers = [[sum(column[: index + 1]) for index in range(len(times))] for column in (draw(growth), draw(growth))]
    rows = list(zip(times, *registers, strict=True))
    anything = st.integers(MIN, MAX)
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        at, column = draw(st.integers(0, len(rows) - 1)), draw(st.integers(0, 2))
        rows[at] = (*rows[at][:column], draw(anything), *rows[at][column + 1 :])  # type: ignore[assignment]
    near = st.one_of([st.just(at) for at in times] + [st.integers(times[0], times[-1]), anything])
    begin = max(MIN, min(times[0], rows[0][0]) - draw(st.integers(0, 3)))
    edges = sorted({begin, *draw(st.sets(near, max_size=8))})
    buckets = draw(st.lists(st.integers(0, 2), min_size=len(edges), max_size=len(edges)))
    return rows, list(zip(edges, buckets, strict=True))


def stops_at(rows: Sequence[Row]) -> int:
    """The first row that breaks the order, the obvious way; how many rows there are, where none does."""
    if min(rows[0][1:]) < 0:
        return 0
    for index, (before, row) in enumerate(pairwise(rows), 1):
        if row[0] <= before[0] or row[1] < before[1] or row[2] < before[2]:
            return index
    return len(rows)


@given(history=row_histories())
@tries(600)
def test_what_is_booked_is_the_oracles(history: tuple[list[Row], list[tuple[int, int]]]) -> None:
    rows, edges = history
    booked = book(Build.PYTHON, rows, edges)
    if isinstance(booked, str):
        return  # void; the builds are held against each other below, and the reasons are worked by hand above
    good = rows[: stops_at(rows)]
    assert booked.rows == len(good)
    assert (booked.refusal is None) == (len(good) == len(rows))
    if not good:
        return
    for column, totals, at_edges in (
        (1, booked.import_totals_milliwh, booked.import_at_edges_milliwh),
        (2, booked.export_totals_milliwh, booked.export_at_edges_milliwh),
    ):
        series = [(row[0], row[column]) for row in good]
        expected, expected_at = oracle_split(series, edges[0][1], edges[1:])
        assert {bucket: total for bucket, total in enumerate(totals) if total} == {
            bucket: total for bucket, total in expected.items() if total
        }
        assert list(at_edges) == [expected_at.get(at, -1) for at, _ in edges]
        assert sum(totals) == series[-1][1] - series[0][1]
    for (at, _), row in zip(edges, booked.edge_rows, strict=True):
        if row != -1:
            assert good[row - 1][0] < at <= good[row][0]


@given(history=row_histories())
@tries(600)
def test_every_build_gives_the_same_bits_or_the_same_refusal(
    history: tuple[list[Row], list[tuple[int, int]]],
) -> None:
    twin = book(Build.PYTHON, *history)
    for build in builds_here():
        assert book(build, *history) == twin


@given(history=row_histories())
@tries(200)
def test_one_register_alone_is_split_as_by_the_live_kernel(history: tuple[list[Row], list[tuple[int, int]]]) -> None:
    rows, edges = history
    booked = book(Build.PYTHON, rows, edges)
    if isinstance(booked, str) or booked.refusal is not None:
        return
    for column, totals, at_edges in (
        (1, booked.import_totals_milliwh, booked.import_at_edges_milliwh),
        (2, booked.export_totals_milliwh, booked.export_at_edges_milliwh),
    ):
        series = columns_of(rows, 3)
        live = kernel_of(Build.PYTHON).split_series(series[0], series[column], *columns_of(edges, 2), 3)
        assert live == (totals, at_edges)


@BUILDS
def test_slices_and_numpy_columns_are_taken_as_they_lie(build: Build) -> None:
    import numpy

    rows = [(99, 99, 99), *FIRST_THREE, (30, 7, 9)]
    edges = [(0, 0), (5, 1), (15, 2)]
    arrays, table = columns_of(rows, 3), columns_of(edges, 2)
    kernel = kernel_of(build)
    views = [memoryview(column)[1:] for column in arrays]
    numbers = [numpy.array(column, dtype=numpy.int64)[1:] for column in arrays]
    for number in numbers:
        number.flags.writeable = False  # such as numpy.load(mmap_mode="r") gives
    expected = book(Build.PYTHON, rows[1:], edges)
    assert kernel.accumulate_rows(*views, *table, 3) == expected
    assert kernel.accumulate_rows(*numbers, *table, 3) == expected


@BUILDS
@pytest.mark.parametrize("wrong", ["float64", "int32", "every other", "two rows", "read-only view", "bytes"])
def test_column_of_another_shape_is_refused_before_compiled_code_sees_it(build: Build, wrong: str) -> None:
    import numpy

    numbers = numpy.arange(8, dtype=numpy.int64)
    column = {
        "float64": numbers[:4].astype(numpy.float64),
        "int32": numbers[:4].astype(numpy.int32),
        "every other": numbers[::2],
        "two rows": numbers.reshape(4, 2),
        "read-only view": memoryview(bytes(32)).cast("q"),
        "bytes": b"1234",
    }[wrong]
    times = array("q", range(4))
    with pytest.raises(KernelError, match=r"int64|read-only"):
        kernel_of(build).accumulate_rows(times, column, times, array("q", [0]), array("q", [0]), 1)  # type: ignore[arg-type]
