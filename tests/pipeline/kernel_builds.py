"""Every build of the kernel, for tests: the library is made once a test run, in a folder of its own, by the command.

Where no linker is, its tests are skipped and say so.
"""

import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest

from gateway.kernels import Build, Kernel, load_kernel
from gateway.kernels.build import BuildError, find_linker
from gateway.kernels.library import native_target, open_library

BUILDS = pytest.mark.parametrize("build", list(Build))


def no_linker() -> str:
    """Why no library can be made here; "" where it can."""
    try:
        find_linker(native_target())
    except BuildError as error:
        return str(error)
    return ""


def needs_linker() -> pytest.MarkDecorator:
    return pytest.mark.skipif(bool(no_linker()), reason=no_linker())


@cache
def _folder() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="netmeter-kernel-")


@cache
def made_library() -> Path:
    """The library of this checkout, made by `netmeter kernel build`."""
    command = [sys.executable, "-m", "gateway.cli", "kernel", "build", "--into", _folder().name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@cache
def _aot() -> Kernel:
    return open_library(made_library())


def kernel_of(build: Build) -> Kernel:
    if build is not Build.AOT:
        return load_kernel(build)
    if no_linker():
        pytest.skip(no_linker())
    return _aot()


def builds_here() -> list[Build]:
    """Those that can be had; a test that is about the library alone says when it is not among them."""
    return [build for build in Build if build is not Build.AOT or not no_linker()]
