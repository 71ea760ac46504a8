"""The accumulator kernel as the program calls it: columns are checked here, because compiled code would not look.

A column is an `array("q")`, a contiguous memoryview over one, or a one-dimensional contiguous numpy int64 array.
"""

import ctypes
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast

from .split import EDGES_NOT_IN_ORDER, NO_SUCH_BUCKET, NOT_IN_ORDER, OK, OVERFLOW, WENT_BACKWARDS

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Column = array[int] | memoryview[int] | NDArray[numpy.int64]

_MESSAGES = {
    NOT_IN_ORDER: "readings are not in order of time",
    WENT_BACKWARDS: "a register is smaller than the one before",
    OVERFLOW: "a total passes the range of int64",
    EDGES_NOT_IN_ORDER: "the calendar's edges are not in order of time",
    NO_SUCH_BUCKET: "a bucket id that the calendar does not have",
}


ARGUMENTS = {"split_series": "ccnccncc", "accumulate_rows": "cccnccnncccccc"}
"""The compiled entries: c stands for the address of an int64 column, n for a number. Each returns a status."""


class Build(StrEnum):
    """How the kernel was made. All give the same bits."""

    AOT = "aot"
    JIT = "jit"
    PYTHON = "python"


class KernelError(Exception):
    """The kernel refused its input: nothing was booked. A fault in the caller, not in the meter."""


class RowRefusal(StrEnum):
    """Why a row was not booked."""

    NOT_IN_ORDER = "time_not_advanced"
    WENT_BACKWARDS = "went_backwards"


@dataclass(frozen=True, slots=True)
class BookedRows:
    """What `accumulate_rows` booked. Milliwatt-hours.

    `rows`: how many rows are booked, from the first on. `refusal`: why row number `rows` is not; None where all are.
    Totals have an entry a bucket. The edge columns have an entry an edge, -1 where the edge lies outside (first row,
    last booked row]: the registers booked there, and in `edge_rows` the first row at or after the edge.
    """

    rows: int
    refusal: RowRefusal | None
    import_totals_milliwh: "array[int]"
    export_totals_milliwh: "array[int]"
    import_at_edges_milliwh: "array[int]"
    export_at_edges_milliwh: "array[int]"
    edge_rows: "array[int]"


@dataclass(frozen=True, slots=True)
class Kernel:
    """One build of the kernel. `path`: the library. `why`: why it is not the library, where that was wanted."""

    build: Build
    _entries: Mapping[str, Callable[..., int]]
    path: str = ""
    why: str = ""

    def told(self) -> dict[str, str]:
        """What `status` and `health` say of it."""
        return {"kernel": self.build.value, "kernel_why": self.why}

    def split_series(
        self, times_us: "Column", registers: "Column", edges_us: "Column", bucket_ids: "Column", bucket_count: int
    ) -> tuple["array[int]", "array[int]"]:
        """Split a series over edges: (energy per bucket, register booked at each edge), milliwatt-hours.

        The second array is -1 at edges that lie outside (first reading, last reading]. Raises KernelError.
        """
        _check_lengths(times_us, registers)
        _check_lengths(edges_us, bucket_ids)
        if len(bucket_ids) and not 0 <= min(bucket_ids) <= max(bucket_ids) < bucket_count:
            raise KernelError(_MESSAGES[NO_SUCH_BUCKET])
        totals, edge_registers = _zeros(bucket_count), _unset(len(edges_us))
        times, values, edges, buckets, sums, at_edges = self._views(
            times_us, registers, edges_us, bucket_ids, totals, edge_registers
        )
        split, n, n_edges = self._entries["split_series"], len(times_us), len(edges_us)
        status = split(times, values, n, edges, buckets, n_edges, sums, at_edges)
        if status != OK:
            raise KernelError(_MESSAGES.get(status, f"status {status}"))
        return totals, edge_registers

    def accumulate_rows(
        self,
        time_us: "Column",
        import_milliwh: "Column",
        export_milliwh: "Column",
        edges_us: "Column",
        bucket_ids: "Column",
        bucket_count: int,
    ) -> BookedRows:
        """Book years of rows of a meter's two registers: to the end, or up to the first row that breaks the order.

        time_us, import_milliwh, export_milliwh: the rows; UTC microseconds, cumulative registers. One register: give
        it twice. edges_us, bucket_ids: `bucket_ids[i]` holds from `edges_us[i]` on; `edges_us[0] <= time_us[0]`.
        A row whose time does not advance, or whose register is below the row before, is not judged here: the caller
        decides, and goes on from a later row with slices of the columns (memoryview and numpy slices copy nothing;
        slice the edges as well: what is returned has their length).
        Raises KernelError for columns that cannot be rows at all, and for what passes int64: nothing is booked then.
        """
        _check_lengths(time_us, import_milliwh, export_milliwh)
        _check_lengths(edges_us, bucket_ids)
        if not len(time_us) or not len(edges_us) or edges_us[0] > time_us[0]:
            raise KernelError("no rows, or a calendar that begins after the first of them")
        imported, exported = _zeros(bucket_count), _zeros(bucket_count)
        import_at, export_at, edge_rows = (_unset(len(edges_us)) for _ in range(3))
        rows = _zeros(1)
        times, imports, exports, edges, buckets, *outcome = self._views(
            *(time_us, import_milliwh, export_milliwh, edges_us, bucket_ids),
            *(imported, exported, import_at, export_at, edge_rows, rows),
        )
        book, n, n_edges = self._entries["accumulate_rows"], len(time_us), len(edges_us)
        status = book(times, imports, exports, n, edges, buckets, n_edges, bucket_count, *outcome)
        if status not in (OK, NOT_IN_ORDER, WENT_BACKWARDS):
            raise KernelError(_MESSAGES.get(status, f"status {status}"))
        refusal = {NOT_IN_ORDER: RowRefusal.NOT_IN_ORDER, WENT_BACKWARDS: RowRefusal.WENT_BACKWARDS}.get(status)
        return BookedRows(rows[0], refusal, imported, exported, import_at, export_at, edge_rows)

    def _views(self, *columns: "Column") -> list[Any]:
        """What the build takes for a column: an address, or for plain Python something whose items are plain ints."""
        if self.build is Build.PYTHON:
            return [column if isinstance(column, array) else _view(column) for column in columns]
        return [_address(column) for column in columns]


def entry_at(name: str, address: int) -> Callable[..., int]:
    """The compiled entry of that name, which lies at an address. It runs without the interpreter's lock."""
    kinds = (ctypes.c_void_p if one == "c" else ctypes.c_int64 for one in ARGUMENTS[name])
    return ctypes.CFUNCTYPE(ctypes.c_int64, *kinds)(address)


def _zeros(count: int) -> "array[int]":
    return array("q", bytes(8 * count))


def _unset(count: int) -> "array[int]":
    return array("q", [-1]) * count


def _check_lengths(first: "Column", *others: "Column") -> None:
    if any(len(other) != len(first) for other in others):
        raise KernelError("columns that belong together differ in length")
    for column in (first, *others):
        _check_type(column)


def _check_type(column: "Column") -> None:
    view = _view(column)
    if isinstance(column, memoryview) and column.readonly:
        raise KernelError("a read-only memoryview has no address: give the array that it looks at")
    if view.format not in ("q", "l") or view.itemsize != 8 or view.ndim != 1 or not view.c_contiguous:
        raise KernelError("a column is not one row of int64")


def _view(column: "Column") -> "memoryview[int]":
    return memoryview(cast(Any, column))  # numpy's arrays are buffers, which Python 3.11 has no type for


def _address(column: "Column") -> int:
    """Where the column's first item lies. The caller keeps the column alive and as long as it is."""
    if isinstance(column, array):
        return column.buffer_info()[0]
    if isinstance(column, memoryview):
        return ctypes.addressof(ctypes.c_char.from_buffer(column)) if len(column) else 0
    return int(column.__array_interface__["data"][0])
