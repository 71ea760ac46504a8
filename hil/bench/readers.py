"""What reading the columns alone allows: each row of all three read once and folded into one number.

Several ways, because none is the fastest on every machine; the benchmark takes the best as its floor.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numba

from gateway.kernels import rows as source
from gateway.kernels.compiled import prefetch

if TYPE_CHECKING:
    from .books import Rows, Sums

NOTHING: "Sums" = ([], [])


def readers() -> "dict[str, Callable[[Rows], Sums]]":
    """By name; each returns nothing of use."""
    column, number = numba.types.CPointer(numba.types.int64), numba.types.int64
    signature = number(column, column, column, number)
    return {
        "all at once": _reader(numba.cfunc(signature, error_model="numpy")(_read)),
        "asked ahead": _reader(numba.cfunc(signature, error_model="numpy")(_read_ahead)),
        "numpy max": _numpy_max,
    }


def _read(time_us: Any, import_milliwh: Any, export_milliwh: Any, n: int) -> int:
    folded = 0
    for row in range(n):
        folded |= time_us[row] ^ import_milliwh[row] ^ export_milliwh[row]
    return folded


STRIDE_ROWS, AHEAD_ROWS, LINE_ROWS = source.STRIDE_ROWS, source.AHEAD_ROWS, source.LINE_ROWS


def _read_ahead(time_us: Any, import_milliwh: Any, export_milliwh: Any, n: int) -> int:
    """The same hints as the kernel gives, so that they are no advantage over its floor."""
    folded = 0
    first = 0
    while first < n:
        end = min(first + STRIDE_ROWS, n)
        for row in range(first + AHEAD_ROWS, end + AHEAD_ROWS, LINE_ROWS):
            prefetch(time_us, row)
            prefetch(import_milliwh, row)
            prefetch(export_milliwh, row)
        for row in range(first, end):
            folded |= time_us[row] ^ import_milliwh[row] ^ export_milliwh[row]
        first = end
    return folded


def _reader(compiled: Any) -> "Callable[[Rows], Sums]":
    import ctypes

    function = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_void_p] * 3, ctypes.c_int64)(compiled.address)

    def read(rows: "Rows") -> "Sums":
        _kept = compiled  # the code lives as long as this does
        function(*(column.ctypes.data for column in rows.columns), rows.rows)
        return NOTHING

    return read


def _numpy_max(rows: "Rows") -> "Sums":
    for column in rows.columns:
        column.max()
    return NOTHING
