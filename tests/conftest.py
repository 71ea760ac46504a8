"""What every test run needs, whoever starts it."""

import itertools
import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No test is judged by how long it took: these machines are shared. In CI the examples are the same every time.
settings.register_profile("ours", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ours-ci", settings.get_profile("ours"), derandomize=True, print_blob=True)
settings.load_profile("ours-ci" if os.environ.get("CI") else "ours")


# Whole processes mostly wait: begun first, they leave no worker alone with a long file at the end. So do those beside
# this file: type checks, a wheel and a set-up take a minute each.
WAITING_FIRST = ("whole", "tests", "hil", "wire")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The rooms that wait come first; within a room the order stays.

    Where several workers take files (pytest-xdist), a file that reckons follows each that waits: else the processors
    idle in the first half of a run, and all workers want them in the second.
    """
    items.sort(key=lambda item: _turn(item.path.parent.name))
    if not hasattr(config, "workerinput"):
        return
    files: dict[bool, dict[Path, list[pytest.Item]]] = {True: {}, False: {}}
    for item in items:
        files[_turn(item.path.parent.name) < len(WAITING_FIRST)].setdefault(item.path, []).append(item)
    mixed = itertools.zip_longest(files[True].values(), files[False].values(), fillvalue=[])
    items[:] = [item for pair in mixed for file in pair for item in file]


def _turn(room: str) -> int:
    return WAITING_FIRST.index(room) if room in WAITING_FIRST else len(WAITING_FIRST)


def pytest_configure() -> None:
    """A run started in the background inherits an ignored SIGINT, and so would every process a test interrupts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
