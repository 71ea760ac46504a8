"""The only place that knows which build of the accumulator kernel runs: `aot`, `jit`, or `python`, their twin.

The daemon takes the compiled library where there is a sound one, else the twin, and says why. numba is imported only
when `jit` is asked for, by commands that are processes of their own. All builds give the same bits.
"""

from collections.abc import Callable, Mapping
from functools import cache

from .. import places
from . import rows, split
from .kernel import BookedRows, Build, Kernel, KernelError, RowRefusal
from .library import LibraryError, find_library

__all__ = [
    "BookedRows",
    "Build",
    "Kernel",
    "KernelError",
    "LibraryError",
    "RowRefusal",
    "kernel_for_rows",
    "load_kernel",
    "service_kernel",
]

ROWS_WORTH_COMPILING = 6_000_000  # numba compiles for two seconds; the twin books three million rows in one
TWIN: Mapping[str, Callable[..., int]] = {
    "split_series": split.split_series,
    "accumulate_rows": rows.accumulate_rows,
}


@cache
def load_kernel(build: Build) -> Kernel:
    """The kernel in the build asked for. `jit` compiles for about two seconds. Raises LibraryError for `aot`."""
    if build is Build.PYTHON:
        return Kernel(build, TWIN)
    if build is Build.AOT:
        return find_library(places.kernel_folders())
    from .compiled import load_jit

    return Kernel(build, load_jit())


def service_kernel() -> Kernel:
    """What the daemon runs: the library, else the twin, which then says why. Imports no numba."""
    try:
        return load_kernel(Build.AOT)
    except LibraryError as error:
        return Kernel(Build.PYTHON, TWIN, why=str(error))


def kernel_for_rows(count: int) -> Kernel:
    """What a command takes that books `count` rows once: the library, else what is done soonest."""
    kernel = service_kernel()
    if kernel.build is Build.AOT or count < ROWS_WORTH_COMPILING:
        return kernel
    return load_kernel(Build.JIT)
