"""What a meter's own clock says: words become the calendar fields that it shows. No zone rules, no time of ours.

Whether those fields are UTC, standard time or daylight saving time is passed on as the profile says it; what instant
they mean is decided by `gateway`. A time that no calendar has is refused, never mended.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from .decode import WordOrder
from .errors import BadValueError
from .meter import Stepped
from .steps import Steps

_UNIX = datetime(1970, 1, 1)


class ClockFormat(enum.StrEnum):
    """How the words of a clock are meant."""

    UNIX = "unix"
    """Two words: seconds since 1970, of the clock's own zone."""
    WORDS = "words"
    """Six words: year (four digits, or two from 2000 on), month, day, hour, minute, second."""
    BYTES = "bytes"
    """Three words of two bytes: year from 2000 on and month, day and hour, minute and second."""
    BCD = "bcd"
    """The same, each byte two decimal digits."""


CLOCK_WORDS = {ClockFormat.UNIX: 2, ClockFormat.WORDS: 6, ClockFormat.BYTES: 3, ClockFormat.BCD: 3}


class ClockZone(enum.StrEnum):
    """Which time a meter shows."""

    UTC = "utc"
    STANDARD = "standard"
    """The place's standard time, all the year."""
    LOCAL = "local"
    """The place's time as people have it, daylight saving included."""


@dataclass(frozen=True, slots=True)
class ClockRegister:
    """Where a meter keeps its time. `dst_address`: a word that is not 0 while daylight saving time holds."""

    function: int
    address: int
    format: ClockFormat
    zone: ClockZone
    dst_address: int | None
    resolution_us: int
    """The step of what it shows: a meter that shows seconds has been at this second for up to that long."""
    lag_us: int
    """How old what it answers can be."""
    source: str
    confirmed: bool

    @property
    def words(self) -> int:
        return CLOCK_WORDS[self.format]

    @property
    def first(self) -> int:
        """First address of the one request that brings the time and its flag together."""
        return self.address if self.dst_address is None else min(self.address, self.dst_address)

    @property
    def last(self) -> int:
        """Last address of that request."""
        end = self.address + self.words - 1
        return end if self.dst_address is None else max(end, self.dst_address)


@dataclass(frozen=True, slots=True)
class MeterTime:
    """What the clock showed, without zone. `daylight_saving` is None where the meter has no flag for it."""

    shown: datetime
    zone: ClockZone
    daylight_saving: bool | None


@dataclass(frozen=True, slots=True)
class TimeSample:
    """A meter's time, and when it was asked for and answered, on the ticker's monotonic scale, microseconds.

    The meter showed it within [sent_us - lag_us, received_us], and had shown it for less than `resolution_us`.
    """

    time: MeterTime
    sent_us: int
    received_us: int
    lag_us: int
    resolution_us: int


@runtime_checkable
class Timed(Stepped, Protocol):
    """A meter that may tell the time too."""

    def read_time(self) -> TimeSample:
        """Read the meter's clock once. Raises DriverError; ConfigurationError where the profile has no clock."""
        ...

    def read_time_steps(self) -> Steps[TimeSample]:
        """`read_time` as steps."""
        ...


def decode_time(register: ClockRegister, words: Sequence[int], order: WordOrder) -> MeterTime:
    """The time in `words`, which start at `register.first`. Raises BadValueError for what is no time."""
    begin = register.address - register.first
    found = words[begin : begin + register.words]
    flag = None if register.dst_address is None else words[register.dst_address - register.first] != 0
    try:
        shown = _shown(register.format, found, order)
    except (ValueError, OverflowError) as error:
        listed = " ".join(f"0x{word:04X}" for word in found)
        raise BadValueError(f"clock at {register.address}: {listed} is no time ({error})") from error
    return MeterTime(shown, register.zone, flag)


def _shown(clock_format: ClockFormat, words: Sequence[int], order: WordOrder) -> datetime:
    if clock_format is ClockFormat.UNIX:
        high, low = words if order is WordOrder.BIG else reversed(words)
        return _UNIX + timedelta(seconds=high << 16 | low)
    if clock_format is ClockFormat.WORDS:
        year, month, day, hour, minute, second = words
        return datetime(year if year >= 100 else 2000 + year, month, day, hour, minute, second)
    parts = [part for word in words for part in (word >> 8, word & 0xFF)]
    if clock_format is ClockFormat.BCD:
        parts = [_decimal(part) for part in parts]
    year, month, day, hour, minute, second = parts
    return datetime(2000 + year, month, day, hour, minute, second)


def _decimal(byte: int) -> int:
    tens, ones = byte >> 4, byte & 0xF
    if tens > 9 or ones > 9:
        raise ValueError(f"0x{byte:02X} is not decimal")
    return 10 * tens + ones
