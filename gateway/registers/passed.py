"""How much time can have passed between two readings, and whether they can be compared at all.

In one boot the monotonic clock measures it; a wall clock that leapt, or a machine that was started anew, leaves it
open. Pure.
"""

from ..clock import DRIFT_PPM
from ..clock_steps import UNKNOWN_US, is_behind
from ..decision import Basis, Reason, RegisterMemory
from ..reading.read import Reading
from .frozen import CLOSE_US

CLOCK_JUMP_US = 600_000_000
"""A wall clock that moves this far against monotonic time, beyond slewing, has to be confirmed."""


def clock_jumped(previous: Reading, reading: Reading) -> bool:
    """Whether the wall clock leapt ahead of the monotonic clock between two readings of one boot."""
    if previous.boot_id != reading.boot_id:
        return False
    monotonic_us = reading.monotonic_us - previous.monotonic_us
    slewed_us = max(monotonic_us, 0) * DRIFT_PPM // 1_000_000
    return reading.latest_us - previous.latest_us - monotonic_us > CLOCK_JUMP_US + slewed_us


def changed_basis(old: Basis | None, new: Basis | None) -> Reason | None:
    """Why the registers cannot be compared with those before: they are read in another way."""
    if old is None or new is None or old == new:
        return None
    if old.profile == new.profile and old.registers != new.registers:
        return Reason.PROFILE_CHANGED if _differ(old.own, new.own) else Reason.RATIO_CHANGED
    return Reason.PROFILE_CHANGED if old.profile != new.profile or _differ(old.read_by, new.read_by) else None


def _differ(old: str, new: str) -> bool:
    """Whether both are known, and are not the same."""
    return bool(old and new) and old != new


def elapsed_us(previous: Reading, reading: Reading) -> int:
    """The longest time between two latches. In one boot the longer of both clocks, because a virtual machine that
    is paused stops the monotonic one; a wall clock that leapt ahead is held before it is asked here.
    """
    if previous.boot_id == reading.boot_id:
        passed_us = max(reading.monotonic_us - previous.monotonic_us, reading.latest_us - previous.latest_us)
        return passed_us + previous.latest_us - previous.earliest_us
    if is_behind(previous, reading):
        return UNKNOWN_US
    return reading.latest_us + reading.clock_error_us - previous.earliest_us + previous.clock_error_us


def since_lost_us(lost: Reading, previous: Reading, reading: Reading) -> int:
    """The longest time since a direction was lost: where that since `previous` is not known, by so much more."""
    return max(elapsed_us(lost, reading), elapsed_us(previous, reading) + previous.latest_us - lost.earliest_us)


def may_stand_since_us(memory: RegisterMemory | None, last: Reading) -> int:
    """Since when a register may stand that was read last with `last`."""
    return memory.stood_since_us if memory is not None and memory.stood_since_us else last.earliest_us - CLOSE_US
