"""The kernel's source compiled by numba: for this process (`jit`), or as LLVM text for the library (`aot`).

The only file that imports numba. Functions are compiled in a namespace of their own, so that the twin stays plain
Python. Arguments are addresses: what is indexed is raw memory, and nothing in compiled code raises.
"""

import types
from collections.abc import Callable
from functools import cache
from typing import Any

import numba
import numba.extending
from llvmlite import ir

from . import rows, split
from .kernel import ARGUMENTS, entry_at

HELPERS = (
    split.muldiv,
    split.add_growth,
    rows.rows_break_order,
    rows.block_breaks_order,
    rows.row_before,
    rows.booked_before,
    rows.cross_edges,
)
_COLUMN, _NUMBER = numba.types.CPointer(numba.types.int64), numba.types.int64
SOURCES = {"split_series": split.split_series, "accumulate_rows": rows.accumulate_rows}


@numba.extending.intrinsic  # type: ignore[untyped-decorator]
def prefetch(_context: Any, column: Any, row: Any) -> Any:
    """`rows.prefetch` as LLVM's own instruction: for reading, to be kept in every cache."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        number, address = ir.IntType(32), ir.IntType(8).as_pointer()
        hint = builder.module.globals.get("llvm.prefetch.p0")
        if hint is None:
            shape = ir.FunctionType(ir.VoidType(), [address, number, number, number])
            hint = ir.Function(builder.module, shape, "llvm.prefetch.p0")
        where = builder.bitcast(builder.gep(arguments[0], [arguments[1]]), address)
        builder.call(hint, [where, number(0), number(3), number(1)])
        return None

    return numba.types.void(column, row), generate


def compile_entries() -> dict[str, Any]:
    """Each entry as a numba C callback, for the processor that numba is set to."""
    namespace: dict[str, Any] = {**vars(split), **vars(rows)}
    namespace["prefetch"] = prefetch
    for helper in HELPERS:
        namespace[helper.__name__] = numba.njit(error_model="numpy")(_moved(helper, namespace))
    compiled = {}
    for name, source in SOURCES.items():
        signature = _NUMBER(*(_COLUMN if one == "c" else _NUMBER for one in ARGUMENTS[name]))
        compiled[name] = numba.cfunc(signature, error_model="numpy")(_moved(source, namespace))
    return compiled


@cache
def compile_now() -> dict[str, Any]:
    """Each entry by name. What is returned must be kept as long as the code it holds is called."""
    return compile_entries()


def load_jit() -> dict[str, Callable[..., int]]:
    """Each entry ready to be called in this process, by name."""
    return {name: entry_at(name, entry.address) for name, entry in compile_now().items()}


def _moved(function: Any, namespace: dict[str, Any]) -> Any:
    return types.FunctionType(function.__code__, namespace, function.__name__)
