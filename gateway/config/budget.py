"""What a config means in megabytes a month on the wire and gigabytes a year on disk. Pure arithmetic, upper bounds.

    wire, a month  = 30 days x meters x (state messages x their size + interval records x their size)
    disk, standing = keep_days x meters x readings + the write-ahead log
    disk, a year   = 365 days x meters x interval records, each with the readings around its edge that thinning leaves

State goes out on change, at most every `state_every_s`: a meter at rest costs less than is told here.
"""

from dataclasses import dataclass

from .types import Config

DAY_S = 86_400
MONTH_DAYS = 30
YEAR_DAYS = 365

# Payloads, bytes, for names of usual length and registers of eleven digits; tests hold them against real messages.
STATE_BYTES = 600
STATE_BUCKET_BYTES = 200
INTERVAL_BYTES = 740
HEAD_BYTES = 300
# One QoS 1 message besides its payload: topic (about 40), MQTT header and properties (15), PUBACK (6), and three
# TCP/IPv4 segments (message, answer, its acknowledgement) of 52 bytes each.
MESSAGE_OVERHEAD_BYTES = 40 + 15 + 6 + 3 * 52
TLS_OVERHEAD_BYTES = 2 * 22  # one record each way (RFC 8446, 5.2, with a 16-byte tag)

# Rows of the store with their share of the pages, bytes; measured on SQLite.
READING_ROW_BYTES = 75
INTERVAL_ROW_BYTES = 300
READINGS_PER_EDGE = 2
KEPT_PER_EDGE = 5
"""Readings that thinning leaves of each interval; measured (docs/store.md)."""
LOG_BYTES = 4_200_000
"""The write-ahead log between two checkpoints: 1000 pages of 4096 bytes and their headers."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The estimate and the figures it comes from. All sizes in bytes."""

    meters: int
    buckets: int
    states_a_day: int
    """Per meter, at most."""
    intervals_a_day: int
    """Per meter."""
    readings_a_day: int
    """Per meter."""
    keep_days: int
    state_message_bytes: int
    interval_message_bytes: int
    wire_bytes_a_month: int
    disk_bytes_first_year: int
    disk_bytes_each_later_year: int

    def lines(self) -> tuple[str, ...]:
        """The estimate in words, with its arithmetic."""
        meters = "1 meter" if self.meters == 1 else f"{self.meters} meters"
        wire = (
            f"on the wire: at most {_mb(self.wire_bytes_a_month)} MB a month ({meters} x 30 days x"
            f" ({self.states_a_day} states x {self.state_message_bytes} bytes"
            f" + {self.intervals_a_day} intervals x {self.interval_message_bytes} bytes, their heads among them))"
        )
        disk = (
            f"on disk: {_gb(self.disk_bytes_first_year)} GB after a year,"
            f" then {_gb(self.disk_bytes_each_later_year)} GB more a year ({meters} x"
            f" ({self.readings_a_day} readings a day, kept {self.keep_days} days, and {self.intervals_a_day} intervals"
            f" with {KEPT_PER_EDGE} readings each, kept for ever))"
        )
        return wire, disk


def estimate(config: Config, buckets: int) -> Budget:
    """The budget of `config` under a tariff with so many buckets (`unassigned` not counted)."""
    meters = len(config.meter)
    overhead = MESSAGE_OVERHEAD_BYTES + (TLS_OVERHEAD_BYTES if config.mqtt.tls else 0)
    state_bytes = STATE_BYTES + buckets * STATE_BUCKET_BYTES + overhead
    interval_bytes = INTERVAL_BYTES + HEAD_BYTES + 2 * overhead  # each is followed by a head
    intervals = 24 * 60 // config.accounting.interval_min
    states, wire, grown_bytes, standing_bytes, readings = 0, 0, 0, LOG_BYTES, 0
    keep_days = config.store.keep_days
    for meter in config.meter:
        meter_states = DAY_S // max(config.mqtt.state_every_s, meter.poll_s)  # no state without a new reading
        meter_readings = DAY_S // meter.poll_s + READINGS_PER_EDGE * intervals
        wire += MONTH_DAYS * (meter_states * state_bytes + intervals * interval_bytes)
        grown_bytes += YEAR_DAYS * intervals * (KEPT_PER_EDGE * READING_ROW_BYTES + INTERVAL_ROW_BYTES)
        standing_bytes += min(keep_days, YEAR_DAYS) * meter_readings * READING_ROW_BYTES
        states, readings = max(states, meter_states), max(readings, meter_readings)
    return Budget(
        meters=meters,
        buckets=buckets,
        states_a_day=states,
        intervals_a_day=intervals,
        readings_a_day=readings,
        keep_days=keep_days,
        state_message_bytes=state_bytes,
        interval_message_bytes=interval_bytes,
        wire_bytes_a_month=wire,
        disk_bytes_first_year=grown_bytes + standing_bytes,
        disk_bytes_each_later_year=grown_bytes,
    )


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.0f}" if size_bytes >= 10_000_000 else f"{size_bytes / 1e6:.1f}"


def _gb(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.2f}"
