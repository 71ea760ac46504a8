"""Builders shared by the tests of the pure pipeline: readings, a calendar with hand-written edges, a meter's section.

Nothing here reckons energy. `S` is a second and `WH` a watt-hour, so that a table of readings can be read aloud.
"""

import dataclasses
import os
from array import array
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cache

from hypothesis import settings

from drivers import EnergyRegister, RegisterSnapshot
from gateway.buckets.accumulate import Accumulator, Rules
from gateway.clock import ClockState
from gateway.config.types import GapPolicy, MeterSection, RegisterOwner, Role
from gateway.energy import AccumulatorState
from gateway.kernels import Build, load_kernel
from gateway.reading.read import Reading
from gateway.tariff.calendar import NO_EDGE_US, Calendar, EdgeTable
from gateway.tariff.tariff_file import load_tariff
from gateway.timeline import Calendar as CalendarPort
from gateway.timeline import Timeline

S = 1_000_000
MIN = 60 * S
H = 3600 * S
WH = 1000
KWH = 1_000_000
NOON_US = 1_782_907_200_000_000
"""2026-07-01 12:00:00 UTC, a Wednesday."""
SERVICE_MILLIW = 12_000_000
"""40 A at 240 V and a quarter more: 12 kW."""
MORE = int(os.environ.get("NETMETER_HYPOTHESIS", "1"))
"""NETMETER_HYPOTHESIS=20 tries twenty times as many histories."""


def tries(count: int) -> settings:
    """How many examples a law is tried on; no deadline, because the machine is shared."""
    return settings(max_examples=count * MORE, deadline=None)


def utc_us(text: str) -> int:
    """Microseconds of a moment written with its offset, 2026-03-08T01:59:59.5-08:00."""
    moment = datetime.fromisoformat(text)
    assert moment.tzinfo is not None
    whole = datetime.fromtimestamp(int(moment.timestamp()), UTC)
    return int(whole.timestamp()) * S + moment.microsecond


def register(
    milliwh: int, resolution_milliwh: int = 1, rounding_milliwh: int = 0, unproven: bool = False
) -> EnergyRegister:
    return EnergyRegister(milliwh, resolution_milliwh, rounding_milliwh, unproven)


def snapshot(
    energy_import: EnergyRegister | int | None, energy_export: EnergyRegister | int | None = None
) -> RegisterSnapshot:
    """Registers as given; a bare number has a digit of one milliwatt-hour."""
    both = [register(one) if isinstance(one, int) else one for one in (energy_import, energy_export)]
    return RegisterSnapshot(both[0], both[1], power_milliw=None, one_moment=True, others={})


def reading(
    at_us: int,
    energy_import: EnergyRegister | int | None,
    energy_export: EnergyRegister | int | None = None,
    *,
    half_window_us: int = 0,
    serial: str | None = None,
    boot_id: str = "boot",
    monotonic_us: int | None = None,
    meter: str = "grid",
) -> Reading:
    """A reading around `at_us`; monotonic time runs with the wall clock unless told otherwise."""
    latest_us = at_us + half_window_us
    return Reading(
        meter=meter,
        snapshot=snapshot(energy_import, energy_export),
        earliest_us=at_us - half_window_us,
        latest_us=latest_us,
        monotonic_us=latest_us - NOON_US + 1000 * H if monotonic_us is None else monotonic_us,
        boot_id=boot_id,
        clock_state=ClockState.SYNCED,
        serial=serial,
    )


def moved(one: Reading, **changes: object) -> Reading:
    """The same reading with fields changed."""
    return dataclasses.replace(one, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True)
class HandCalendar:
    """A calendar written by hand: bucket `first` until the first edge, then as listed. Zone UTC."""

    first: int
    steps: tuple[tuple[int, int], ...]
    bucket_names: tuple[str, ...] = ("unassigned", "low", "high")
    zone: tzinfo = UTC
    tariff_id: str = "by-hand"

    def bucket_at(self, utc_us: int) -> int:
        index = bisect_right([edge for edge, _ in self.steps], utc_us)
        return self.first if index == 0 else self.steps[index - 1][1]

    def next_edge_us(self, utc_us: int) -> int:
        return next((edge for edge, _ in self.steps if edge > utc_us), NO_EDGE_US)

    def edges(self, start_us: int, end_us: int) -> EdgeTable:
        inner = [(edge, bucket) for edge, bucket in self.steps if start_us < edge < end_us]
        return EdgeTable(
            array("q", [start_us, *(edge for edge, _ in inner)]),
            array("q", [self.bucket_at(start_us), *(bucket for _, bucket in inner)]),
            end_us,
        )

    def version_at(self, utc_us: int) -> str:
        return "v1"


def by_hand(*steps: tuple[int, int], first: int = 1, interval_min: int = 15) -> Timeline:
    """A timeline over a hand-written calendar; steps are (edge, bucket), buckets 1 `low` and 2 `high`."""
    calendar: CalendarPort = HandCalendar(first, steps)
    return Timeline(calendar, interval_min)


@cache
def etouc() -> Calendar:
    """The real compiled calendar of the shipped tariff."""
    return Calendar(load_tariff("pge-e-tou-c"))


def accumulator(
    timeline: Timeline,
    *,
    state: AccumulatorState | None = None,
    limit_milliw: int = SERVICE_MILLIW,
    gap: GapPolicy = GapPolicy.PRO_RATA,
    max_gap_us: int = H,
) -> Accumulator:
    rules = Rules(limit_milliw=limit_milliw, gap=gap, max_gap_us=max_gap_us)
    return Accumulator(AccumulatorState() if state is None else state, timeline, load_kernel(Build.PYTHON), rules)


def section(name: str = "grid") -> MeterSection:
    """A meter on a 12 kW service: 40 A, 240 V, one phase."""
    return MeterSection(
        name=name,
        profile="sdm630",
        role=Role.GRID,
        register=RegisterOwner.OWN,
        service_amps=40,
        service_volts=240,
        port="/dev/null",
    )
