"""What every test run needs, whoever starts it."""

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

# No test is judged by how long it took: these machines are shared. In CI the examples are the same every time.
settings.register_profile("ours", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ours-ci", settings.get_profile("ours"), derandomize=True, print_blob=True)
settings.load_profile("ours-ci" if os.environ.get("CI") else "ours")


# Whole processes mostly wait: begun first, they leave no worker alone with a long file at the end.
WAITING_FIRST = ("whole", "hil", "wire")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The rooms that wait come first; within a room the order stays."""
    items.sort(key=lambda item: _turn(item.path.parent.name))


def _turn(room: str) -> int:
    return WAITING_FIRST.index(room) if room in WAITING_FIRST else len(WAITING_FIRST)


def pytest_configure() -> None:
    """A run started in the background inherits an ignored SIGINT, and so would every process a test interrupts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
