"""Shared by the tests of the simulated world: meters as real processes, and their truth files read back."""

import csv
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hil.house import DAY_START_US
from hil.house_time import Anchor, monotonic_us
from hil.process import Child

Truth = dict[int, tuple[int, int]]
"""House second -> import and export, milliwatt-hours."""
StartMeter = Callable[..., tuple[Child, str]]


@pytest.fixture
def start_child(tmp_path: Path) -> Iterator[Callable[[str, list[str]], tuple[Child, str]]]:
    """Start `python -m module options`, wait for its ready line; ended after the test."""
    children: list[Child] = []

    def start(module: str, options: list[str]) -> tuple[Child, str]:
        child = Child.python(module, module, options, tmp_path / f"{module}.log")
        children.append(child)
        return child, child.wait_ready()

    yield start
    for child in children:
        child.stop()


def read_truth(path: Path) -> Truth:
    with path.open(newline="") as source:
        rows = csv.DictReader(source)
        return {int(row["utc_s"]): (int(row["import_milliwh"]), int(row["export_milliwh"])) for row in rows}


@pytest.fixture
def truth_reaching() -> Callable[[Path, int], Truth]:
    """The truth file, once it holds the row of a given house second."""

    def wait(path: Path, second: int) -> Truth:
        deadline_s = time.monotonic() + 20
        while second not in (truth := read_truth(path)):
            assert time.monotonic() < deadline_s, f"truth file ends before {second}"
            time.sleep(0.05)
        return truth

    return wait


@pytest.fixture
def anchor() -> Anchor:
    """A house that starts now, sixty times as fast as life."""
    return Anchor(monotonic_us(), DAY_START_US, 60)
