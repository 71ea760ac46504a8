"""The only place that knows which build of the accumulator kernel runs: `aot`, `jit`, or `python`, their twin.

The daemon takes the compiled library where there is a sound one, else the twin, and says why. numba is imported only
when `jit` is asked for, by commands that are processes of their own.
"""

from collections.abc import Callable, Mapping
from functools import cache

from . import rows, split
from .kernel import BookedRows, Build, Kernel, KernelError, RowRefusal

__all__ = ["BookedRows", "Build", "Kernel", "KernelError", "RowRefusal", "load_kernel"]


TWIN: Mapping[str, Callable[..., int]] = {"split_series": split.split_series, "accumulate_rows": rows.accumulate_rows}


@cache
def load_kernel(build: Build) -> Kernel:
    """The kernel in the build asked for; `jit` takes about two seconds to compile the first time."""
    if build is Build.PYTHON:
        return Kernel(build, TWIN)
    from .compiled import load_jit

    return Kernel(build, load_jit())
