"""The one file that asks the machine for the time. Everything else is handed a `Clock`.

Wall time is UTC microseconds since 1970. Monotonic time never steps, runs at the wall clock's rate and goes on while
the machine sleeps (CLOCK_BOOTTIME), because the meter's register does too. Whether the wall clock is known to be set,
and how wrong it can be, depends on whom the user trusts: `clock = ntp | rtc | operator`. A meter's
own time is in `meter_clock`.
"""

import ctypes
import enum
import time
from pathlib import Path
from typing import Protocol

from .config.types import ClockSource

STA_UNSYNC = 0x0040  # <linux/timex.h>: the kernel's own word for "nobody disciplines this clock"


FIRST_CREDIBLE_US = 1_735_689_600_000_000
"""2025-01-01 UTC: no release of this program is older, so a wall clock before it has not been set."""
LAST_CREDIBLE_US = 7_226_582_400_000_000
"""2199-01-01 UTC: the calendar ends with that year; a later clock is a broken one."""
DRIFT_PPM = 500
"""How fast the kernel lets a clock's error grow that nobody disciplines (MAXFREQ, <linux/timex.h>)."""
STATED_ERROR_US = {ClockSource.RTC: 30_000_000, ClockSource.METER: 9_000_000, ClockSource.OPERATOR: 60_000_000}
"""What is assumed where the user states no `clock_error_s`; NTP's error is asked of the kernel."""


class ClockState(enum.Enum):
    """What is known of the wall clock."""

    SYNCED = "synced"
    """Set, by the source that the user trusts; `error_us` says how well."""
    UNSYNCED = "unsynced"
    """Not known to be set: no energy is given to an hour by it."""
    PLACED = "placed"
    """Not set when the meter was read; placed afterwards by monotonic time of the same boot."""


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

    def error_us(self) -> int:
        """How far the wall clock can be off while it is SYNCED, pipeline microseconds."""
        ...


class SystemClock:
    """The machine's clocks (Linux), judged by the source that the user trusts."""

    rate = 1

    def __init__(self, source: ClockSource = ClockSource.NTP, stated_error_us: int | None = None) -> None:
        """`stated_error_us`: the user's word; None: STATED_ERROR_US, and for NTP the kernel's own bound."""
        self._source, self._stated_error_us = source, stated_error_us
        self._synced_us: int | None = None
        """When NTP was last seen in charge (monotonic), and how wrong the clock was then."""
        self._synced_error_us = 0
        self.boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()

    def wall_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic_us(self) -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000

    def real_us(self) -> int:
        return time.monotonic_ns() // 1000

    def state(self) -> ClockState:
        """A clock that NTP has once set stays known when the network goes; its error grows instead."""
        if not FIRST_CREDIBLE_US <= self.wall_us() < LAST_CREDIBLE_US:
            return ClockState.UNSYNCED
        if self._source is not ClockSource.NTP:
            return ClockState.SYNCED
        status, error_us = _kernel_clock()
        if not status & STA_UNSYNC:
            self._synced_us, self._synced_error_us = self.monotonic_us(), error_us
        return ClockState.UNSYNCED if self._synced_us is None else ClockState.SYNCED

    def error_us(self) -> int:
        if self._stated_error_us is not None:
            return self._stated_error_us
        if self._source is not ClockSource.NTP:
            return STATED_ERROR_US[self._source]
        if self._synced_us is None:
            return 0
        return self._synced_error_us + (self.monotonic_us() - self._synced_us) * DRIFT_PPM // 1_000_000


class _Timex(ctypes.Structure):
    """`struct timex` of <linux/timex.h>, as far as it is read here."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


_LIBC = ctypes.CDLL(None, use_errno=True)


def _kernel_clock() -> tuple[int, int]:
    """`status` and `maxerror` (microseconds) of adjtimex(2), read only; STA_UNSYNC where the call is forbidden."""
    timex = _Timex()
    if _LIBC.adjtimex(ctypes.byref(timex)) < 0:
        return STA_UNSYNC, 0
    return int(timex.status), int(timex.maxerror)
