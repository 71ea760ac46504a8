"""Bytes on a wire become a `RegisterSnapshot`. Knows meters; no wall clock, no tariff, no database, no MQTT.

Must never import `gateway` or `hil`. Importing this package loads no codec: what talks on a wire is in
`drivers.build`, `drivers.modbus` and `drivers.transport`.
"""

from .errors import (
    BadValueError,
    ConfigurationError,
    DriverError,
    FrameError,
    NoAnswerError,
    ProfileError,
    RefusedError,
    TransportLostError,
)
from .meter import Polled, Sample, Stepped
from .profile import Family, Profile
from .profile_file import load_profile
from .profile_find import shipped_profiles
from .snapshot import EnergyRegister, MeterIdentity, RegisterSnapshot
from .timing import SystemTicker, Ticker

__all__ = [
    "BadValueError",
    "ConfigurationError",
    "DriverError",
    "EnergyRegister",
    "Family",
    "FrameError",
    "MeterIdentity",
    "NoAnswerError",
    "Polled",
    "Profile",
    "ProfileError",
    "RefusedError",
    "RegisterSnapshot",
    "Sample",
    "Stepped",
    "SystemTicker",
    "Ticker",
    "TransportLostError",
    "load_profile",
    "shipped_profiles",
]
