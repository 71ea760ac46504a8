"""The read step: ask a meter, and say within which window of UTC it can have latched what it answered.

This is the only time stamp in the pipeline: a window, not an instant, update lag included.
"""

from dataclasses import dataclass

from drivers import Polled, RegisterSnapshot, Sample
from drivers.want import Want

from ..clock import Clock, ClockState


@dataclass(frozen=True, slots=True)
class Reading:
    """One snapshot with its window.

    Times are UTC microseconds; `monotonic_us` is the pipeline's monotonic time at the window's end,
    comparable only under the same `boot_id`.
    """

    meter: str
    snapshot: RegisterSnapshot
    earliest_us: int
    latest_us: int
    monotonic_us: int
    boot_id: str
    clock_state: ClockState
    serial: str | None = None
    clock_error_us: int = 0
    """How far the wall clock could be off; the window is by that clock and does not include it."""

    notes: tuple[str, ...] = ()
    """What was learnt of the meter's map with it, to be told once."""
    read_by: str = ""
    """By which of the profile's readings; empty where it has one, or where that is not known."""

    def __post_init__(self) -> None:
        if self.earliest_us > self.latest_us:
            raise ValueError(f"empty window {self.earliest_us} .. {self.latest_us}")

    @property
    def instant_us(self) -> int:
        """The window's middle: the instant at which this reading is booked."""
        return self.earliest_us + (self.latest_us - self.earliest_us) // 2


def read_meter(name: str, meter: Polled, clock: Clock, serial: str | None = None, *, want: Want = Want.DUE) -> Reading:
    """Read `meter` once and stamp the answer; `want`: how much of it. Raises `drivers.DriverError`."""
    return stamp(name, meter.read(want=want), clock, serial)


def stamp(name: str, sample: Sample, clock: Clock, serial: str | None = None) -> Reading:
    """When in UTC the meter can have latched `sample`, which has just been answered."""
    # Both clocks are asked once, after the answer; the past is reckoned back by monotonic time.
    real_now_us, wall_now_us, monotonic_now_us = clock.real_us(), clock.wall_us(), clock.monotonic_us()
    sent_age_us = (real_now_us - sample.sent_us + sample.update_lag_us) * clock.rate
    received_age_us = (real_now_us - sample.received_us) * clock.rate
    return Reading(
        meter=name,
        snapshot=sample.snapshot,
        earliest_us=wall_now_us - sent_age_us,
        latest_us=wall_now_us - received_age_us,
        monotonic_us=monotonic_now_us - received_age_us,
        boot_id=clock.boot_id,
        clock_state=clock.state(),
        serial=serial,
        clock_error_us=clock.error_us(),
        notes=sample.notes,
        read_by=sample.read_by,
    )
