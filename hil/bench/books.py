"""Rows to be booked, what they were made of, and the ways to book them that are compared.

Rows are 5 s apart and every edge falls on a row, as the gateway polls: so growth since the row before belongs to the
bucket at that row, which every program can say in its own words. Each proves that time rises and no register falls.
"""

from array import array
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy
from numpy.typing import NDArray

from gateway.kernels import Build, LibraryError, load_kernel
from gateway.tariff.calendar import Calendar
from gateway.tariff.tariff_file import load_tariff
from gateway.timeline import Timeline

Sums = tuple[list[int], list[int]]
Column = NDArray[numpy.int64]

TARIFF = "pge-e-tou-c"
START_US = int(datetime(2026, 1, 1, 8, tzinfo=UTC).timestamp()) * 1_000_000  # midnight in California
STEP_US = 5_000_000
MOST_MILLIWH = 14_000  # in 5 s: 10 kW


@dataclass(frozen=True, slots=True)
class Rows:
    """Columns of int64, the calendar over them, and the growth that they were made of."""

    time_us: Column
    import_milliwh: Column
    export_milliwh: Column
    edges_us: "array[int]"
    bucket_ids: "array[int]"
    bucket_count: int

    @property
    def rows(self) -> int:
        return len(self.time_us)

    @property
    def columns(self) -> tuple[Column, Column, Column]:
        return self.time_us, self.import_milliwh, self.export_milliwh

    def first(self, rows: int) -> "Rows":
        """The first so many of them."""
        time_us, import_milliwh, export_milliwh = (column[:rows] for column in self.columns)
        return replace(self, time_us=time_us, import_milliwh=import_milliwh, export_milliwh=export_milliwh)

    def expected(self) -> Sums:
        """Sums per bucket from the rows' places alone: row i lies at START + i * STEP, and so do the edges."""
        places = [min((edge - START_US) // STEP_US, self.rows - 1) for edge in self.edges_us] + [self.rows - 1]
        sums: Sums = ([0] * self.bucket_count, [0] * self.bucket_count)
        for total, register in zip(sums, (self.import_milliwh, self.export_milliwh), strict=True):
            for bucket, begin, end in zip(self.bucket_ids, places, places[1:], strict=False):
                total[bucket] += int(register[end]) - int(register[begin])
        return sums


def make_rows(rows: int, intervals: bool) -> Rows:
    """A house that imports and exports at random, and PG&E's E-TOU-C over it; with `intervals` quarter hours too."""
    chance = numpy.random.default_rng(1)
    time_us = numpy.arange(rows, dtype=numpy.int64) * STEP_US + START_US
    imported, exported = (chance.integers(0, MOST_MILLIWH, rows, dtype=numpy.int64) for _ in range(2))
    imported.cumsum(out=imported)
    exported.cumsum(out=exported)
    calendar = Calendar(load_tariff(TARIFF))
    last_us = int(time_us[-1])
    table = Timeline(calendar, 15).table(START_US, last_us) if intervals else calendar.edges(START_US, last_us + 1)
    return Rows(time_us, imported, exported, table.edges_us, table.bucket_ids, len(calendar.bucket_names))


def contestants() -> tuple[dict[str, Callable[[Rows], Sums]], list[str]]:
    """Those that can run here by name, and those that are not installed. The plain-Python kernel stands apart."""
    found: dict[str, Callable[[Rows], Sums]] = {"kernel jit": _kernel(Build.JIT)}
    missing = []
    try:
        found["kernel aot"] = _kernel(Build.AOT)
    except LibraryError as error:
        missing.append(f"kernel aot ({error})")
    found["numpy by edges"], found["numpy by rows"] = book_numpy_edges, book_numpy_rows
    for name, work in {"polars": book_polars, "pandas": book_pandas, "duckdb": book_duckdb}.items():
        try:
            __import__(name)
        except ImportError:
            missing.append(name)
        else:
            found[name] = work
    return found, missing


def _kernel(build: Build) -> Callable[[Rows], Sums]:
    kernel = load_kernel(build)

    def book(rows: Rows) -> Sums:
        booked = kernel.accumulate_rows(*rows.columns, rows.edges_us, rows.bucket_ids, rows.bucket_count)
        if booked.refusal is not None:
            raise ValueError(f"row {booked.rows}: {booked.refusal}")
        return list(booked.import_totals_milliwh), list(booked.export_totals_milliwh)

    return book


def kernel_python(rows: Rows) -> Sums:
    """The twin, over the same arrays."""
    return _kernel(Build.PYTHON)(rows)


def book_numpy_edges(rows: Rows) -> Sums:
    """As an expert writes it: registers at the edges, and a proof by comparing each column with itself."""
    _prove(rows)
    edges = numpy.array(rows.edges_us)
    inside = edges <= rows.time_us[-1]
    places = numpy.append(numpy.searchsorted(rows.time_us, edges[inside]), rows.rows - 1)
    buckets = numpy.array(rows.bucket_ids)[inside]
    sums: Sums = ([], [])
    for total, register in zip(sums, (rows.import_milliwh, rows.export_milliwh), strict=True):
        per_bucket = numpy.zeros(rows.bucket_count, dtype=numpy.int64)
        numpy.add.at(per_bucket, buckets, numpy.diff(register[places]))
        total.extend(per_bucket.tolist())
    return sums


def book_numpy_rows(rows: Rows) -> Sums:
    """As it is mostly written: the bucket of each row, then a sum over rows (in doubles, exact below 2**53)."""
    _prove(rows)
    places = numpy.searchsorted(numpy.array(rows.edges_us), rows.time_us[:-1], side="right") - 1
    buckets = numpy.array(rows.bucket_ids)[places]
    sums: Sums = ([], [])
    for total, register in zip(sums, (rows.import_milliwh, rows.export_milliwh), strict=True):
        counted = numpy.bincount(buckets, weights=numpy.diff(register), minlength=rows.bucket_count)
        total.extend(int(one) for one in counted)
    return sums


def _prove(rows: Rows) -> None:
    if not (rows.time_us[1:] > rows.time_us[:-1]).all():
        raise ValueError("time does not rise")
    for register in (rows.import_milliwh, rows.export_milliwh):
        if not (register[1:] >= register[:-1]).all():
            raise ValueError("a register falls")


def book_polars(rows: Rows) -> Sums:
    import polars

    data = polars.DataFrame({"time": rows.time_us, "imported": rows.import_milliwh, "exported": rows.export_milliwh})
    edges = polars.DataFrame({"edge": numpy.array(rows.edges_us), "bucket": numpy.array(rows.bucket_ids)})
    grown = data.lazy().select(
        polars.col("time").shift(1).alias("since"), polars.col("time", "imported", "exported").diff()
    )
    answer = (
        grown.slice(1)
        .set_sorted("since")
        .join_asof(edges.lazy().set_sorted("edge"), left_on="since", right_on="edge", strategy="backward")
        .group_by("bucket")
        .agg(
            polars.col("imported", "exported").sum(),
            polars.min_horizontal(polars.col("imported").min(), polars.col("exported").min()).alias("least"),
            polars.col("time").min().alias("step"),
        )
        .collect()
    )
    if answer["least"].min() < 0 or answer["step"].min() <= 0:
        raise ValueError("rows are out of order")
    return _by_bucket(rows, zip(answer["bucket"], answer["imported"], answer["exported"], strict=True))


def book_pandas(rows: Rows) -> Sums:
    import pandas

    data = pandas.DataFrame(
        {
            "since": rows.time_us[:-1],
            "step": numpy.diff(rows.time_us),
            "imported": numpy.diff(rows.import_milliwh),
            "exported": numpy.diff(rows.export_milliwh),
        }
    )
    if (data["step"] <= 0).any() or (data["imported"] < 0).any() or (data["exported"] < 0).any():
        raise ValueError("rows are out of order")
    edges = pandas.DataFrame({"edge": numpy.array(rows.edges_us), "bucket": numpy.array(rows.bucket_ids)})
    placed = pandas.merge_asof(data, edges, left_on="since", right_on="edge")
    answer = placed.groupby("bucket")[["imported", "exported"]].sum()
    return _by_bucket(rows, answer.itertuples())


def book_duckdb(rows: Rows) -> Sums:
    import duckdb

    connection = duckdb.connect(config={"threads": 1})
    rows_table = {"time": rows.time_us, "imported": rows.import_milliwh, "exported": rows.export_milliwh}
    edges_table = {"edge": numpy.array(rows.edges_us), "bucket": numpy.array(rows.bucket_ids)}
    connection.register("meter", rows_table)
    connection.register("calendar", edges_table)
    found = connection.execute(
        """
        with grown as (
            select lag(time) over w as since, time - lag(time) over w as step,
                   imported - lag(imported) over w as imported, exported - lag(exported) over w as exported
            from (select *, row_number() over () as place from meter) window w as (order by place)
        )
        select bucket, sum(imported)::bigint, sum(exported)::bigint, min(step), min(least(imported, exported))
        from grown asof join calendar on grown.since >= calendar.edge
        where since is not null group by bucket
        """
    ).fetchall()
    connection.close()
    if min(row[3] for row in found) <= 0 or min(row[4] for row in found) < 0:
        raise ValueError("rows are out of order")
    return _by_bucket(rows, (row[:3] for row in found))


def _by_bucket(rows: Rows, found: Any) -> Sums:
    sums: Sums = ([0] * rows.bucket_count, [0] * rows.bucket_count)
    for bucket, imported, exported in found:
        sums[0][bucket], sums[1][bucket] = int(imported), int(exported)
    return sums
