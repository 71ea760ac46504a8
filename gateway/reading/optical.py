"""Meters on an optical port: from a [[meter]] to a meter that can be asked, with a serial line of its own.

A session lasts seconds, at 300 Bd minutes: the reading before an edge is begun so much earlier. A password is read out
of its file when the meter is opened, and is in no message and no log.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from drivers import Profile, ProfileError, Ticker
from drivers.iec62056.build import open_optical, settle_of
from drivers.iec62056.meter import OpticalCounters, OpticalMeter
from drivers.iec62056.optical_profile import with_mode
from drivers.iec62056.terms import Mode
from drivers.transport.serial import Parity, SerialTransport

from ..config.types import CREDENTIAL, MeterSection
from ..config.types import Parity as ParityKey
from ..ledger.records import Record
from ..publish.secret import read_secret
from .schedule import LEAD_US, Schedule

START_BD = 300
MARGIN_US = 250_000
SILENCE_S = 10.0
"""What an attempt costs at least that nobody answers."""


@dataclass(frozen=True, slots=True)
class SlowSchedule(Schedule):
    """The rhythm of a meter whose reading lasts: `takes_us` tells how long, as it was last."""

    takes_us: Callable[[], int] = lambda: 0

    @property
    def lead_us(self) -> int:
        """Before an edge, a reading and an eighth."""
        takes_us = self.takes_us()
        return max(LEAD_US, takes_us + takes_us // 8 + MARGIN_US) * self.rate


def open_optical_meter(section: MeterSection, profile: Profile, folder: Path, ticker: Ticker) -> OpticalMeter:
    """The meter of one port. `profile`: fitted to it. Nothing is sent yet. Raises drivers.ProfileError."""
    if not section.port:
        raise ProfileError(f"{profile.path}: an optical head is on a serial port, not on a host")
    if section.mode:
        profile = with_mode(profile, Mode(section.mode))
    has_parity = section.parity is ParityKey.EVEN
    port = SerialTransport(
        section.port,
        START_BD,
        ticker,
        parity=Parity.EVEN if has_parity else Parity.NONE,
        data_bits=7 if has_parity else 8,
    )
    device = Path(os.path.realpath(section.port)).name
    return open_optical(
        profile,
        port,
        ticker,
        settle_us=settle_of(device) if section.switch_delay_ms is None else section.switch_delay_ms * 1000,
        has_hardware_parity=has_parity,
        address=section.meter_address,
        password=_password(section, folder),
        swap_direction=section.swap_direction,
    )


def request_within_s(meter: OpticalMeter) -> float:
    """A twentieth of the longest that a reading can take: what a line reckons one request at."""
    return meter.terms.longest_s / 20 + 1.0


def pace_record(counters: OpticalCounters) -> Record:
    """How often this meter can be read, for its `state`; null before the first session has come to its end."""
    return {"smallest_interval_ms": counters.smallest_interval_ms or None}


def _password(section: MeterSection, folder: Path) -> str:
    if not section.password_file:
        return ""
    try:
        name = section.password_file
        return read_secret(name if name.startswith(CREDENTIAL) else str(folder / name))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no UTF-8 text"
        if section.password_file.startswith(CREDENTIAL) and not isinstance(error, OSError):
            why = str(error)
        raise ProfileError(f"meter {section.name}: password_file {section.password_file}: {why}") from error
