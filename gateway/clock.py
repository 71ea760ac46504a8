"""The one file that asks the machine for the time. Everything else is handed a `Clock`.

Wall time is UTC microseconds since 1970; monotonic time never steps and runs at the wall clock's rate.
"""

import ctypes
import enum
import time
from pathlib import Path
from typing import Protocol

STA_UNSYNC = 0x0040  # <linux/timex.h>: the kernel's own word for "nobody disciplines this clock"


class ClockState(enum.Enum):
    """What is known of the wall clock."""

    SYNCED = "synced"
    UNSYNCED = "unsynced"


class Clock(Protocol):
    """Wall and monotonic time of the pipeline, in microseconds.

    `rate` is how many pipeline microseconds pass in one real microsecond: 1 in service; the simulated
    house in `hil` runs faster. Wire, disk and MQTT timers are always real.
    """

    @property
    def boot_id(self) -> str: ...

    @property
    def rate(self) -> int: ...

    def wall_us(self) -> int: ...

    def monotonic_us(self) -> int: ...

    def real_us(self) -> int:
        """CLOCK_MONOTONIC in microseconds, unscaled: the scale that `drivers.Ticker` uses."""
        ...

    def state(self) -> ClockState: ...


class SystemClock:
    """The machine's clocks (Linux)."""

    rate = 1

    def __init__(self) -> None:
        self.boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()

    def wall_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic_us(self) -> int:
        return time.monotonic_ns() // 1000

    def real_us(self) -> int:
        return time.monotonic_ns() // 1000

    def state(self) -> ClockState:
        return ClockState.UNSYNCED if _kernel_status() & STA_UNSYNC else ClockState.SYNCED


def _kernel_status() -> int:
    """The `status` word of adjtimex(2), read only; STA_UNSYNC where the call is forbidden."""

    class Timex(ctypes.Structure):
        _fields_ = (
            ("modes", ctypes.c_uint),
            ("offset", ctypes.c_long),
            ("freq", ctypes.c_long),
            ("maxerror", ctypes.c_long),
            ("esterror", ctypes.c_long),
            ("status", ctypes.c_int),
            ("rest", ctypes.c_char * 256),
        )

    timex = Timex()
    if ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex)) < 0:
        return STA_UNSYNC
    return int(timex.status)
