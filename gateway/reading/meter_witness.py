"""How far a meter's own clock is off ours, and how fast it drifts: measured, published, never acted on.

A meter switches its tariff counters and cuts its load profile by its own clock. It is asked after its registers, every
ten minutes, while our time is known. What a question leaves open (its way there and back, the meter's last digit, our
own clock's stated error) is told beside it. Nine seconds is 1 % of 15 min (PTB-A 50.8), 27 the older 3 % (PTB-A 50.7).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from drivers import DriverError
from drivers.meter_time import TimeSample

from ..clock import Clock, ClockState
from ..clock_steps import drift_us
from ..ledger.records import Record
from ..log import event_line, logger
from .meter_clock import utc_of

ASK_EVERY_US = 600_000_000
DRIFT_AFTER_US = 3_600_000_000
"""A second's digit over less than an hour says less than 300 ppm."""
LIMITS_US = (9_000_000, 27_000_000)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOT_KNOWN: Record = {"meter_clock_offset_us": None, "meter_clock_within_us": None, "meter_clock_drift_ppb": None}


@dataclass(frozen=True, slots=True)
class Heard:
    """The meter's time less ours lay in [low_us, high_us] at a monotonic time."""

    low_us: int
    high_us: int
    at_us: int

    @property
    def offset_us(self) -> int:
        """The middle."""
        return self.low_us + (self.high_us - self.low_us) // 2


class MeterWitness:
    """One meter's clock. `hear` and `fail` are the line's thread's; `word` is replaced whole, and anybody's to read."""

    def __init__(self, clock: Clock, zone: tzinfo) -> None:
        self.word: Record = NOT_KNOWN
        self._clock, self._zone = clock, zone
        self._first: Heard | None = None
        self._ask_us: int | None = None
        self._level = 0
        self._news: Record | None = None

    @property
    def wants_time(self) -> bool:
        """Whether the meter is to be asked now."""
        due = self._ask_us is None or self._clock.monotonic_us() >= self._ask_us
        return due and self._clock.state() is ClockState.SYNCED

    def hear(self, sample: TimeSample) -> None:
        """What the meter's clock showed."""
        clock = self._clock
        real_us, wall_us, monotonic_us = clock.real_us(), clock.wall_us(), clock.monotonic_us()
        self._ask_us = monotonic_us + ASK_EVERY_US
        utc = utc_of(sample.time, self._zone)
        if utc is None:
            return  # its time without a flag comes twice or never: the next one will do
        shown_us = (utc - _EPOCH) // timedelta(microseconds=1)
        asked_us = wall_us - (real_us - sample.sent_us + sample.lag_us) * clock.rate
        answered_us = wall_us - (real_us - sample.received_us) * clock.rate
        error_us = clock.error_us()
        now = Heard(
            shown_us - answered_us - error_us, shown_us + sample.resolution_us - asked_us + error_us, monotonic_us
        )
        first = self._first
        if first is None or not _may_drift(first, now):
            self._first = first = now  # one of both clocks was set since
        self.word = {
            "meter_clock_offset_us": now.offset_us,
            "meter_clock_within_us": -(-(now.high_us - now.low_us) // 2),
            "meter_clock_drift_ppb": _drift_ppb(first, now),
        }
        surely_off_us = max(now.low_us, -now.high_us, 0)
        level = sum(surely_off_us > limit_us for limit_us in LIMITS_US)
        if level != self._level:
            self._level, self._news = level, {**self.word, "limit_us": LIMITS_US[max(level, 1) - 1]}

    def fail(self, error: DriverError) -> None:
        """The meter did not tell the time. What was heard is old now, and not told any more."""
        self._ask_us = self._clock.monotonic_us() + ASK_EVERY_US
        if self.word is not NOT_KNOWN:
            logger.info(event_line("meter_time_not_told", why=str(error)))
        self.word = NOT_KNOWN

    def news(self) -> Record | None:
        """The meter's clock has passed a limit, or come back within it, since the last call; else None."""
        news, self._news = self._news, None
        return news


def _may_drift(first: Heard, now: Heard) -> bool:
    """Whether drift alone can have led from one to the other."""
    most_us = drift_us(now.at_us - first.at_us)
    return now.at_us >= first.at_us and now.low_us - first.high_us <= most_us and first.low_us - now.high_us <= most_us


def _drift_ppb(first: Heard, now: Heard) -> int | None:
    """Parts in 10**9 that the meter's clock runs fast against ours, rounded down; None before an hour has passed."""
    passed_us = now.at_us - first.at_us
    if passed_us < DRIFT_AFTER_US:
        return None
    return (now.offset_us - first.offset_us) * 1_000_000_000 // passed_us
