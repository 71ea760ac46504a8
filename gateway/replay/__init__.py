"""Recorded registers through the daemon's own pipeline: a table of readings in, buckets and intervals out.

No store, no broker, no clock. What is here reads tables and goes fast; what a reading means is decided by
`gateway.registers.validate` and `gateway.buckets.accumulate`, as in the daemon. docs/replay.md
"""

from .result import MeterReplay, Replay
from .run import replay
from .table import OnBadRow, Readings, ReadingsError, read_table
from .terms import Service, Terms

__all__ = ["MeterReplay", "OnBadRow", "Readings", "ReadingsError", "Replay", "Service", "Terms", "read_table", "replay"]
