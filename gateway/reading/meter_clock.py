"""The wall clock of a gateway whose own is dead: the machine's monotonic time, placed by a meter that tells the time.

`clock = "meter"`. A meter's time is believed once a second one agrees with it, so late that a clock that stands still
could not; a later one that contradicts what is known needs the same, and then is a step. What agrees only narrows what
is known and never moves the clock by more than it can have drifted. Asks no machine for the time: `clock` does.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol

from drivers import DriverError, MeterIdentity, Sample
from drivers.meter_time import ClockZone, MeterTime, Timed, TimeSample
from drivers.profile import Register
from drivers.recording import Tape
from drivers.steps import Steps
from drivers.want import Want

from ..clock import DRIFT_PPM, FIRST_CREDIBLE_US, LAST_CREDIBLE_US, STATED_ERROR_US, Clock, ClockState
from ..config.types import ClockSource
from ..log import event_line, logger

ASK_EVERY_US = 60_000_000
"""How often a meter is asked for the time once it is known: 500 ppm of drift are 30 ms of it."""
_HOUR = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Placed:
    """Wall minus monotonic time lies within [low_us, high_us]; `at_us`: monotonic time for which that was found."""

    low_us: int
    high_us: int
    at_us: int

    def at(self, monotonic_us: int) -> "Placed":
        """The same, as wide as two clocks can have drifted apart since (or before)."""
        drift_us = abs(monotonic_us - self.at_us) * DRIFT_PPM // 1_000_000
        return Placed(self.low_us - drift_us, self.high_us + drift_us, monotonic_us)

    def narrowed(self, other: "Placed") -> "Placed | None":
        """What both allow at the other's moment; None where they contradict each other."""
        mine = self.at(other.at_us)
        low_us, high_us = max(mine.low_us, other.low_us), min(mine.high_us, other.high_us)
        return Placed(low_us, high_us, other.at_us) if low_us <= high_us else None

    @property
    def width_us(self) -> int:
        return self.high_us - self.low_us


@dataclass(frozen=True, slots=True)
class Discipline:
    """What is known (with the offset in use), and what waits for a second word."""

    known: Placed | None = None
    offset_us: int = 0
    waiting: Placed | None = None


def discipline(state: Discipline, heard: Placed) -> Discipline:
    """One more time from the meter. Pure. What agrees slews the clock, no faster than it can drift."""
    if state.known is not None and (agreed := state.known.narrowed(heard)) is not None:
        slew_us = abs(heard.at_us - state.known.at_us) * DRIFT_PPM // 1_000_000
        nearest_us = min(max(state.offset_us, agreed.low_us), agreed.high_us)
        offset_us = min(max(nearest_us, state.offset_us - slew_us), state.offset_us + slew_us)
        return Discipline(agreed, offset_us)
    if state.waiting is None or (agreed := state.waiting.narrowed(heard)) is None:
        return replace(state, waiting=heard)
    if heard.at_us - state.waiting.at_us <= state.waiting.width_us + heard.width_us:
        return state  # too soon: a clock that stands still would say the same
    return Discipline(agreed, agreed.low_us + agreed.width_us // 2)


def utc_of(time: MeterTime, zone: tzinfo) -> datetime | None:
    """The instant that a meter in `zone` shows; None where its time without a flag comes twice, or never."""
    if time.zone is ClockZone.UTC:
        return time.shown.replace(tzinfo=UTC)
    first, second = (time.shown.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    saving = first.dst() or timedelta(0)
    standard = (first.utcoffset() or timedelta(0)) - saving
    if time.zone is ClockZone.STANDARD or time.daylight_saving is not None:
        ahead = (saving or second.dst() or _HOUR) if time.daylight_saving else timedelta(0)
        return (time.shown - standard - ahead).replace(tzinfo=UTC)
    return first.astimezone(UTC) if first.utcoffset() == second.utcoffset() else None


class MeterClock:
    """A `Clock`. `hear` is for the thread of the meter's line; each field is replaced whole, so no lock is needed."""

    def __init__(self, base: Clock, zone: tzinfo, stated_error_us: int | None = None) -> None:
        """`base` gives monotonic time and the boot; its wall clock is shown only while nothing is known.

        `stated_error_us`: how far the meter's clock can be off, the user's word; None: what is assumed.
        """
        self._base, self._zone = base, zone
        self._stated_error_us = STATED_ERROR_US[ClockSource.METER] if stated_error_us is None else stated_error_us
        self._state = Discipline()
        self._ask_us = 0
        self._complaint = ""
        self.boot_id, self.rate = base.boot_id, base.rate

    def wall_us(self) -> int:
        state = self._state
        return self._base.wall_us() if state.known is None else self._base.monotonic_us() + state.offset_us

    def monotonic_us(self) -> int:
        return self._base.monotonic_us()

    def real_us(self) -> int:
        return self._base.real_us()

    def state(self) -> ClockState:
        """A clock that was placed once stays known while the meter is away; its error grows instead."""
        return ClockState.UNSYNCED if self._state.known is None else ClockState.SYNCED

    def error_us(self) -> int:
        """The stated error of the meter's clock, what its window and its digit leave open, and the drift since."""
        state = self._state
        if state.known is None:
            return 0
        now = state.known.at(self._base.monotonic_us())
        return self._stated_error_us + max(now.high_us - state.offset_us, state.offset_us - now.low_us)

    @property
    def wants_time(self) -> bool:
        """Whether the meter is to be asked now: until it is believed, each time it is read."""
        return self._state.known is None or self._state.waiting is not None or self.monotonic_us() >= self._ask_us

    def hear(self, sample: TimeSample) -> None:
        """What the meter's clock showed."""
        self._ask_us = self.monotonic_us() + ASK_EVERY_US
        utc = utc_of(sample.time, self._zone)
        if utc is None:
            self._complain(f"{sample.time.shown} comes twice or never in {self._zone}")
            return
        utc_us = (utc - _EPOCH) // timedelta(microseconds=1)
        if not FIRST_CREDIBLE_US <= utc_us < LAST_CREDIBLE_US:
            self._complain(f"{sample.time.shown} cannot be now")
            return
        real_us, monotonic_us = self.real_us(), self.monotonic_us()
        earliest_us = monotonic_us - (real_us - sample.sent_us + sample.lag_us) * self.rate
        latest_us = monotonic_us - (real_us - sample.received_us) * self.rate
        heard = Placed(utc_us - latest_us, utc_us + sample.resolution_us - earliest_us, latest_us)
        known_before, self._state = self._state.known, discipline(self._state, heard)
        if known_before is None and self._state.known is not None:
            logger.info(event_line("meter_time_known", error_us=self.error_us()))
        self._complain("it contradicts what is known" if self._state.known and self._state.waiting else "")

    def fail(self, error: DriverError) -> None:
        """The meter did not tell the time: what is known is kept."""
        self._ask_us = self.monotonic_us() + ASK_EVERY_US
        self._complain(str(error))

    def _complain(self, why: str) -> None:
        if why and why != self._complaint:
            logger.warning(event_line("meter_time_refused", why=why))
        self._complaint = why


class TimeListener(Protocol):
    """Who wants to know a meter's time."""

    @property
    def wants_time(self) -> bool: ...

    def hear(self, sample: TimeSample) -> None: ...

    def fail(self, error: DriverError) -> None: ...


class ClockMeter:
    """A `drivers.Stepped` that is asked for its time after its registers, which never wait for it."""

    def __init__(self, inner: Timed, clock: TimeListener) -> None:
        self._inner, self._clock = inner, clock

    @property
    def update_lag_us(self) -> int:
        return self._inner.update_lag_us

    def identify(self) -> MeterIdentity:
        """The meter's own. Raises DriverError."""
        return self._inner.identify()

    def read(self, *, want: Want = Want.DUE) -> Sample:
        """The meter's own registers; a clock that cannot be read costs no energy. Raises DriverError."""
        sample = self._inner.read(want=want)
        if self._clock.wants_time:
            try:
                self._clock.hear(self._inner.read_time())
            except DriverError as error:
                self._clock.fail(error)
        return sample

    def identify_steps(self) -> Steps[MeterIdentity]:
        """`identify` as steps."""
        return self._inner.identify_steps()

    def read_steps(self, *, want: Want = Want.DUE) -> Steps[Sample]:
        """`read` as steps."""
        sample = yield from self._inner.read_steps(want=want)
        if self._clock.wants_time:
            try:
                self._clock.hear((yield from self._inner.read_time_steps()))
            except DriverError as error:
                self._clock.fail(error)
        return sample

    @property
    def registers(self) -> tuple[Register, ...]:
        """The meter's own."""
        return self._inner.registers

    def record(self, tape: Tape | None) -> None:
        """The meter's own, its clock included."""
        self._inner.record(tape)

    def relearn(self) -> None:
        """The meter's own."""
        self._inner.relearn()

    def forget(self) -> None:
        """The meter's own."""
        self._inner.forget()

    def close(self) -> None:
        """The meter's own."""
        self._inner.close()
