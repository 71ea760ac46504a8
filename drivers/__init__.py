"""Bytes on a wire become a `RegisterSnapshot`. Knows meters; no wall clock, no tariff, no database, no MQTT.

Must never import `gateway` or `hil`.
"""

from .errors import (
    ConfigurationError,
    DriverError,
    FrameError,
    NoAnswerError,
    RefusedError,
    TransportLostError,
)
from .meter import Polled, Sample
from .snapshot import EnergyRegister, MeterIdentity, RegisterSnapshot
from .timing import SystemTicker, Ticker

__all__ = [
    "ConfigurationError",
    "DriverError",
    "EnergyRegister",
    "FrameError",
    "MeterIdentity",
    "NoAnswerError",
    "Polled",
    "RefusedError",
    "RegisterSnapshot",
    "Sample",
    "SystemTicker",
    "Ticker",
    "TransportLostError",
]
