"""Under which terms a table is replayed: what the daemon has from its config and from the meter's profile.

Values only. A table says nothing of the service, of the meter's last digit or of the clock that its times came from.
"""

from dataclasses import dataclass

from ..buckets.accumulate import Rules
from ..clock import STATED_ERROR_US
from ..config.types import ClockSource, GapPolicy, MeterSection, RegisterOwner, Role

GRID, PRODUCTION = "grid", "production"
GAP_LEAST_US = 30_000_000
GAP_POLLS = 3
CLOCK_ERROR_US = STATED_ERROR_US[ClockSource.METER]
"""What is assumed of a table whose clock nobody states: that the meter stamped its readings itself."""


@dataclass(frozen=True, slots=True)
class Service:
    """The size of a circuit: how much can flow through it at all."""

    amps: int
    volts: int
    phases: int = 1


@dataclass(frozen=True, slots=True)
class Terms:
    """Service, grid of intervals, and how sharp the table's times and digits are."""

    service: Service
    production: Service | None = None
    """The array's own circuit; None: as the service."""
    interval_min: int = 15
    gap: GapPolicy = GapPolicy.PRO_RATA
    max_gap_us: int = 3_600_000_000
    poll_us: int | None = None
    """The table's usual step; None: the median of its steps."""
    half_window_us: int = 0
    """How far from its time a reading can have been latched, either way."""
    clock_error_us: int = CLOCK_ERROR_US
    resolution_milliwh: int | None = None
    """The meter's last digit; None: as the table shows it (`digits`)."""
    rounded: bool = False
    """Whether registers were rounded to the nearest digit; else they were cut off."""

    def section(self, meter: str) -> MeterSection:
        """The [[meter]] table that a daemon would have for it."""
        array = meter == PRODUCTION
        circuit = self.production if array and self.production is not None else self.service
        return MeterSection(
            name=meter,
            profile="",
            role=Role.PRODUCTION if array else Role.GRID,
            register=RegisterOwner.OWN,
            service_amps=circuit.amps,
            service_volts=circuit.volts,
            service_phases=circuit.phases,
        )

    def rules(self, meter: str) -> Rules:
        """What the accumulator has to know."""
        return Rules(limit_milliw=self.section(meter).limit_milliw, gap=self.gap, max_gap_us=self.max_gap_us)

    def gap_us(self, usual_step_us: int) -> int:
        """From this time without a reading on it is told as a gap."""
        return max(GAP_POLLS * (usual_step_us if self.poll_us is None else self.poll_us), GAP_LEAST_US)
