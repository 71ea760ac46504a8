"""What every test run needs, whoever starts it."""

import signal


def pytest_configure() -> None:
    """A run started in the background inherits an ignored SIGINT, and so would every process a test interrupts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
