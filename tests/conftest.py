"""What every test run needs, whoever starts it."""

import os
import signal

from hypothesis import HealthCheck, settings

# No test is judged by how long it took: these machines are shared. In CI the examples are the same every time.
settings.register_profile("ours", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ours-ci", settings.get_profile("ours"), derandomize=True, print_blob=True)
settings.load_profile("ours-ci" if os.environ.get("CI") else "ours")


def pytest_configure() -> None:
    """A run started in the background inherits an ignored SIGINT, and so would every process a test interrupts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
