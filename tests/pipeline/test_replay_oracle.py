"""What a replay books against the oracle: tables made of a counting meter's true flow, over nights of the clock change.

Expected energies come from `tests.oracle`, which imports nothing of the program; the year's sums are made by hand.
"""

from fractions import Fraction
from pathlib import Path

import pytest

from gateway.config.types import GapPolicy
from gateway.energy import Direction, Interval, Part, Quality
from gateway.replay import MeterReplay, Service, Terms, read_table, replay
from gateway.tariff.walltime import iso_utc
from tests.oracle import etouc as oracle
from tests.oracle.flow import Flow
from tests.oracle.meter import CountingMeter, Display
from tests.oracle.split import split

from .world import MIN, H, S, etouc, utc_us

NIGHTS = {
    "spring": ("2026-03-06T00:00-08:00", 4),
    "autumn": ("2026-10-30T00:00-07:00", 4),
    "summer begins": ("2026-05-30T00:00-07:00", 3),
    "new year": ("2025-12-30T00:00-08:00", 3),
}
SERVICE = Service(40, 240)


def house_flow(start_us: int, days: int, powers_milliw: tuple[int, ...]) -> Flow:
    """A power for each 40 minutes, in turn."""
    return Flow(tuple((start_us + 40 * MIN * n, powers_milliw[n % len(powers_milliw)]) for n in range(days * 36)))


def write_table(path: Path, meters: tuple[CountingMeter, CountingMeter], times_us: range, late_us: int) -> Path:
    """What the meters showed `late_us` after the time that stands beside it."""
    lines = ["time,import_wh,export_wh"]
    for at_us in times_us:
        cells = [meter.shown(at_us + late_us) for meter in meters]
        lines.append(",".join([iso_utc(at_us), *(f"{one // 1000}.{one % 1000:03d}" for one in cells)]))
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


def parts(interval: Interval) -> dict[Direction, Part]:
    both = {Direction.IMPORT: interval.energy_import, Direction.EXPORT: interval.energy_export}
    return {direction: part for direction, part in both.items() if part is not None}


def assert_truth_is_told(
    meter: MeterReplay, flows: dict[Direction, Flow], first_us: int, last_us: int, open_end_milliwh: int
) -> None:
    """`open_end_milliwh`: what the last row leaves open in its bucket, its digit and window: no edge tells that."""
    assert len(meter.intervals) > 200
    for interval in meter.intervals:
        for direction, part in parts(interval).items():
            truth = flows[direction].energy_between(interval.start_us, interval.end_us)
            assert abs(truth - part.milliwh) <= part.uncertain_milliwh, (direction, interval)
    running = oracle.bucket_of_minute(last_us // MIN)
    for direction, account in meter.directions.items():
        true: dict[str, Fraction] = {}
        for start_us, end_us, bucket in oracle.stretches(first_us, last_us):
            true[bucket] = true.get(bucket, Fraction(0)) + flows[direction].energy_between(start_us, end_us)
        for bucket, energy in true.items():
            uncertain_milliwh = account.uncertain_milliwh.get(bucket, 0) + (bucket == running) * open_end_milliwh
            assert abs(energy - account.buckets_milliwh.get(bucket, 0)) <= uncertain_milliwh, (direction, bucket)
            assert uncertain_milliwh < energy / 4 or energy < 10_000_000  # nor is everything called uncertain


@pytest.mark.parametrize("night", NIGHTS)
@pytest.mark.parametrize(("step_us", "clock_error_s"), [(5 * MIN, 2), (15 * MIN, 0), (15 * MIN, 9), (437 * S, 1)])
def test_truth_lies_within_what_is_told(tmp_path: Path, night: str, step_us: int, clock_error_s: int) -> None:
    """The meter counts in steps of 1 Wh; its table is by a clock that is wrong by as much as is said."""
    start, days = NIGHTS[night]
    start_us = utc_us(start)
    flows = {
        Direction.IMPORT: house_flow(start_us, days, (3_000_000, 0, 4_321_987, 150_000, 9_000_000)),
        Direction.EXPORT: house_flow(start_us, days, (0, 0, 0, 5_555_555, 0, 1_000_003, 7)),
    }
    display = Display(1000, 0)
    meters = (
        CountingMeter(flows[Direction.IMPORT], display, 8_000_000, start_us),
        CountingMeter(flows[Direction.EXPORT], display, 0, start_us),
    )
    times_us = range(start_us, start_us + days * 24 * H + 1, step_us)
    path = write_table(tmp_path / "house.csv", meters, times_us, clock_error_s * S)
    result = replay(read_table(str(path)), etouc(), Terms(SERVICE, clock_error_us=clock_error_s * S))
    (meter,) = result.meters
    assert result.is_whole
    assert result.law_holds
    assert meter.directions[Direction.IMPORT].digit.milliwh == 1000
    open_end_milliwh = 1000 + 12_000_000 * clock_error_s // 3600 + 1
    assert_truth_is_told(meter, flows, start_us, times_us[-1], open_end_milliwh)


def test_a_clock_that_is_worse_than_stated_would_be_seen(tmp_path: Path) -> None:
    start_us = utc_us("2026-07-01T00:00-07:00")
    flow = house_flow(start_us, 3, (3_000_000, 0, 9_000_000))
    meter = CountingMeter(flow, Display(1000, 0), 0, start_us)
    times_us = range(start_us, start_us + 72 * H + 1, 15 * MIN)
    path = write_table(tmp_path / "house.csv", (meter, meter), times_us, 9 * S)
    (booked,) = replay(read_table(str(path)), etouc(), Terms(SERVICE, clock_error_us=0)).meters
    with pytest.raises(AssertionError):
        assert_truth_is_told(booked, dict.fromkeys(Direction, flow), start_us, times_us[-1], 1001)


@pytest.mark.parametrize("night", NIGHTS)
def test_buckets_are_the_oracles_split_of_the_registers(tmp_path: Path, night: str) -> None:
    """To the milliwatt-hour, odd steps and all: each edge on the straight line between the rows around it."""
    start, days = NIGHTS[night]
    start_us = utc_us(start)
    meter = CountingMeter(house_flow(start_us, days, (3_000_000, 0, 4_321_987)), Display(1, 0), 5, start_us)
    times_us = range(start_us, start_us + days * 24 * H, 437 * S)
    path = write_table(tmp_path / "house.csv", (meter, meter), times_us, 0)
    (booked,) = replay(read_table(str(path)), etouc(), Terms(SERVICE)).meters
    names = sorted({bucket for _, _, bucket in oracle.stretches(start_us, times_us[-1])})
    readings = [(at_us, meter.shown(at_us)) for at_us in times_us]
    edges = [(at_us, names.index(bucket)) for at_us, bucket in oracle.edges(start_us, times_us[-1], 15)]
    expected, at_edges = split(readings, names.index(oracle.bucket_of_minute(start_us // MIN)), edges)
    account = booked.directions[Direction.IMPORT]
    assert account.buckets_milliwh == {names[number]: milliwh for number, milliwh in expected.items()}
    assert [one.end_us for one in booked.intervals] == list(at_edges)
    assert [part.register_milliwh for one in booked.intervals for part in [one.energy_import] if part] == [
        *at_edges.values()
    ]


@pytest.mark.parametrize(
    ("day", "quarters", "peak_wh"),
    [("2026-03-08T00:00-08:00", 92, 5000), ("2026-11-01T00:00-07:00", 100, 5000), ("2026-07-01T00:00-07:00", 96, 5000)],
)
def test_a_kilowatt_all_day(tmp_path: Path, day: str, quarters: int, peak_wh: int) -> None:
    """By hand: 1 kW is 250 Wh a quarter; the peak is five hours on any day; the rest is 18, 20 or 19."""
    start_us = utc_us(day)
    flat = CountingMeter(Flow(((start_us, 1_000_000),)), Display(1, 0), 0, start_us)
    none = CountingMeter(Flow(((start_us, 0),)), Display(1, 0), 777, start_us)
    times_us = range(start_us, start_us + quarters * 15 * MIN + 1, 15 * MIN)
    path = write_table(tmp_path / "day.csv", (flat, none), times_us, 0)
    (meter,) = replay(read_table(str(path)), etouc(), Terms(SERVICE, clock_error_us=0)).meters
    season = "summer" if "-07-" in day else "winter"
    imported, exported = meter.directions[Direction.IMPORT], meter.directions[Direction.EXPORT]
    assert imported.buckets_milliwh == {
        f"{season}_peak": peak_wh * 1000,
        f"{season}_off_peak": (quarters * 250 - peak_wh) * 1000,
    }
    assert imported.booked_milliwh == quarters * 250_000
    assert exported.booked_milliwh == 0
    assert len(meter.intervals) == quarters
    assert {part.milliwh for one in meter.intervals for part in [one.energy_import] if part} == {250_000}
    assert meter.intervals.count_quality(Quality.MEASURED) == quarters
    assert meter.open_interval is not None
    assert set(meter.open_interval.energy_milliwh.values()) == {0}


def test_gap_over_an_edge_is_shared_by_time_or_unassigned(tmp_path: Path) -> None:
    """Noon to eight with 8 kWh: four hours off peak, four of peak."""
    path = tmp_path / "gap.csv"
    path.write_text(
        "time,import_wh,export_wh\n"
        "2026-07-01T11:50:00-07:00,0,0\n2026-07-01T11:55:00-07:00,0,0\n2026-07-01T12:00:00-07:00,0,0\n"
        "2026-07-01T20:00:00-07:00,8000,0\n2026-07-01T20:05:00-07:00,8000,0\n",
        encoding="ascii",
    )
    table = read_table(str(path))
    for gap, buckets, unassigned in (
        (GapPolicy.PRO_RATA, {"summer_off_peak": 4_000_000, "summer_peak": 4_000_000}, 0),
        (GapPolicy.UNASSIGNED, {"summer_off_peak": 0, "summer_peak": 0}, 8_000_000),
    ):
        (meter,) = replay(table, etouc(), Terms(SERVICE, gap=gap, clock_error_us=0)).meters
        account = meter.directions[Direction.IMPORT]
        assert {name: account.buckets_milliwh.get(name, 0) for name in buckets} == buckets
        assert account.unassigned_milliwh == unassigned
        assert [event.row.kind for event in meter.events] == ["epoch", "gap"]
        assert meter.events[1].line == 5
        assert meter.law_holds
