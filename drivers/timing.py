"""The drivers' only idea of time: a monotonic count and a sleep, handed in. No wall clock exists in this package."""

import time
from typing import Protocol


class Ticker(Protocol):
    """Monotonic time and sleep, both in microseconds. Tests hand in a virtual one."""

    def monotonic_us(self) -> int: ...

    def sleep_us(self, duration_us: int) -> None: ...


class SystemTicker:
    """The machine's own CLOCK_MONOTONIC."""

    def monotonic_us(self) -> int:
        return time.monotonic_ns() // 1000

    def sleep_us(self, duration_us: int) -> None:
        if duration_us > 0:
            time.sleep(duration_us / 1_000_000)
