"""The only place that knows which build of the accumulator kernel runs: `jit` or `python` (its twin).

The daemon asks for `python` until the shared library exists; numba is imported only when `jit` is asked for.
"""

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from . import split
from .split import NOT_IN_ORDER, OK, OVERFLOW, WENT_BACKWARDS

__all__ = ["NOT_IN_ORDER", "OK", "OVERFLOW", "WENT_BACKWARDS", "Build", "Kernel", "KernelError", "load_kernel"]

_MESSAGES = {
    NOT_IN_ORDER: "readings are not in order of time",
    WENT_BACKWARDS: "a register is smaller than the one before",
    OVERFLOW: "a total passes the range of int64",
}


class Build(StrEnum):
    """How the kernel was made."""

    JIT = "jit"
    PYTHON = "python"


class KernelError(Exception):
    """The kernel refused its input: nothing was booked. A fault in the caller, not in the meter."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """One build of the kernel, called with int64 arrays."""

    build: Build
    _function: Callable[..., Any]

    def split_series(
        self,
        times_us: "array[int]",
        registers: "array[int]",
        edges_us: "array[int]",
        bucket_ids: "array[int]",
        bucket_count: int,
    ) -> tuple["array[int]", "array[int]"]:
        """Split a series over edges: (energy per bucket, register booked at each edge), milliwatt-hours.

        The second array is -1 at edges that lie outside (first reading, last reading]. Raises KernelError.
        """
        if len(bucket_ids) != len(edges_us) or len(times_us) != len(registers):
            raise KernelError("columns that belong together differ in length")
        if bucket_ids and not 0 <= min(bucket_ids) <= max(bucket_ids) < bucket_count:
            raise KernelError(f"a bucket id outside 0 .. {bucket_count - 1}")  # compiled code would not look
        totals = array("q", bytes(8 * bucket_count))
        edge_registers = array("q", [-1]) * len(edges_us)
        arguments = (times_us, registers, edges_us, bucket_ids, totals, edge_registers)
        times, values, edges, buckets, sums, at_edges = (self._view(column) for column in arguments)
        status = int(self._function(times, values, len(times_us), edges, buckets, len(edges_us), sums, at_edges))
        if status != OK:
            raise KernelError(_MESSAGES[status])
        return totals, edge_registers

    def _view(self, column: "array[int]") -> Any:
        if self.build is Build.PYTHON:
            return column
        import numpy

        return numpy.frombuffer(column, dtype=numpy.int64)


@cache
def load_kernel(build: Build) -> Kernel:
    """The kernel in the build asked for; compiling the first time takes about a second for `jit`."""
    if build is Build.PYTHON:
        return Kernel(build, split.split_series)
    return Kernel(build, _compile())


def _compile() -> Callable[..., Any]:
    """Compile the one source with numba, in a namespace of its own so that the twin stays plain Python."""
    import types

    import numba

    muldiv = numba.njit("int64(int64, int64, int64)")(split.muldiv)
    namespace = {**vars(split), "muldiv": muldiv}
    source = types.FunctionType(split.split_series.__code__, namespace, "split_series")
    column = "int64[::1]"
    signature = f"int64({column}, {column}, int64, {column}, {column}, int64, {column}, {column})"
    compiled: Callable[..., Any] = numba.njit(signature, error_model="numpy")(source)
    return compiled
