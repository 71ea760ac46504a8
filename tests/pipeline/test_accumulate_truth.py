"""What is booked against what truly flowed: a counting meter of the oracle, read late, coarsely, rarely, over edges.

For every closed interval and every bucket the truth must lie within booked +- told uncertain. The truth comes from
`tests.oracle`; the calendar from the real tariff, its edges from the oracle's walk over the minutes.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from gateway.buckets.accumulate import Accumulator
from gateway.config.types import GapPolicy
from gateway.energy import Direction, Interval, Part
from gateway.reading.read import Reading
from gateway.timeline import Timeline
from tests.oracle import etouc as oracle
from tests.oracle.flow import MICROSECONDS_IN_AN_HOUR, Flow
from tests.oracle.meter import Answer, CountingMeter, Display

from .world import KWH, MIN, SERVICE_MILLIW, H, S, accumulator, etouc, moved, reading, register, tries, utc_us

MOMENTS = [
    "2026-07-01T15:50-07:00",
    "2026-07-01T20:40-07:00",
    "2026-03-08T01:30-08:00",
    "2026-11-01T00:45-07:00",
    "2026-09-30T23:40-07:00",
    "2026-02-28T23:59:59-08:00",
]
DISPLAYS = st.builds(
    Display,
    step_milliwh=st.sampled_from([1, 8, 1000, 100_000, KWH]),
    refresh_us=st.sampled_from([0, 200_000, 1 * S, 5 * S, 60 * S]),
    nearest=st.booleans(),
)
PAUSES = st.one_of(
    st.integers(1, 10 * S),
    st.sampled_from([5 * S, 15 * MIN, H, 5 * H, 11 * H]),
    st.integers(10 * S, 8 * H),
)


@st.composite
def flows(draw: st.DrawFn, start_us: int) -> Flow:
    """Power in steps, up to what the service carries."""
    lengths = draw(st.lists(st.integers(1, 6 * H), min_size=0, max_size=6))
    powers = st.sampled_from([0, 1, 3_600_000, SERVICE_MILLIW - 1, SERVICE_MILLIW]) | st.integers(0, SERVICE_MILLIW)
    steps = [(start_us, draw(powers))]
    for length in lengths:
        steps.append((steps[-1][0] + length, draw(powers)))
    return Flow(tuple(steps))


@dataclass
class Watch:
    """The truth, and since when the account counts."""

    import_flow: Flow
    export_flow: Flow
    since_us: int = 0

    def flow(self, direction: Direction) -> Flow:
        return self.import_flow if direction is Direction.IMPORT else self.export_flow

    def check_intervals(self, closed: Sequence[Interval]) -> None:
        for interval in closed:
            for direction, part in parts_of(interval).items():
                truth = self.flow(direction).energy_between(interval.start_us, interval.end_us)
                assert abs(truth - part.milliwh) <= part.uncertain_milliwh, (direction, interval, float(truth))

    def check_buckets(self, account: Accumulator, last: Reading) -> None:
        """Once no edge waits for its confirmation. The running bucket ends at the last reading, whose own doubt
        (its digit and its window) no edge has told yet. What went to `unassigned` is missing elsewhere, and told.
        """
        if account.state.pending:
            return
        for direction, state in account.state.directions.items():
            if not state.present:  # what flows meanwhile is told when it is back
                continue
            true: dict[str, Fraction] = {}
            for start_us, end_us, bucket in oracle.stretches(self.since_us, last.instant_us):
                true[bucket] = true.get(bucket, Fraction(0)) + self.flow(direction).energy_between(start_us, end_us)
            running = oracle.bucket_of_minute(last.instant_us // MIN)
            for bucket in {*true, *state.totals_milliwh} - {"unassigned"}:
                doubt = state.uncertain_milliwh.get(bucket, 0) + (open_end(last, direction) if bucket == running else 0)
                missing = true.get(bucket, Fraction(0)) - state.totals_milliwh.get(bucket, 0)
                nowhere = state.totals_milliwh["unassigned"] + state.uncertain_milliwh.get("unassigned", 0)
                assert -doubt <= missing <= doubt + nowhere, (direction, bucket, missing)


def parts_of(interval: Interval) -> dict[Direction, Part]:
    both = {Direction.IMPORT: interval.energy_import, Direction.EXPORT: interval.energy_export}
    return {direction: part for direction, part in both.items() if part is not None}


def open_end(last: Reading, direction: Direction) -> Fraction:
    """What one reading leaves open about the register at its middle: its digit, and what flows in half its window."""
    shown = last.snapshot.energy_import if direction is Direction.IMPORT else last.snapshot.energy_export
    assert shown is not None
    half_us = max(last.instant_us - last.earliest_us, last.latest_us - last.instant_us)
    digit_milliwh = shown.resolution_milliwh + shown.rounding_milliwh
    return digit_milliwh + Fraction(SERVICE_MILLIW * half_us, MICROSECONDS_IN_AN_HOUR)


def as_reading(answers: tuple[Answer, Answer], display: Display) -> Reading:
    """Both registers of one answer, in its window."""
    latest_us = answers[0].latest_us
    both = [register(one.register_milliwh, display.step_milliwh, display.rounding_milliwh) for one in answers]
    return moved(reading(latest_us, *both), earliest_us=answers[0].earliest_us)


@dataclass(frozen=True)
class House:
    """A meter of two registers, both shown alike and looked at in one moment."""

    energy_import: CountingMeter
    energy_export: CountingMeter

    hides: bool = False
    """Whether it may say "not available" for its export."""

    def ask(self, data: st.DataObject, sent_us: int) -> Reading:
        """Ask at `sent_us`; the answer takes up to two seconds, rarely half a minute."""
        took_us = data.draw(st.one_of(st.integers(1, 2 * S), st.just(1000), st.just(30 * S)))
        latched_us = sent_us + data.draw(st.integers(0, took_us))
        answers = [one.ask(sent_us, latched_us, sent_us + took_us) for one in (self.energy_import, self.energy_export)]
        one = as_reading((answers[0], answers[1]), self.energy_import.display)
        if self.hides and data.draw(st.booleans()):
            return moved(one, snapshot=dataclasses.replace(one.snapshot, energy_export=None))
        return one


def house(watch: Watch, display: Display, first: int, since_us: int) -> House:
    return House(
        CountingMeter(watch.import_flow, display, first, since_us),
        CountingMeter(watch.export_flow, display, first, since_us),
    )


def one_by_one(data: st.DataObject, meter: House, account: Accumulator, watch: Watch, now_us: int) -> Reading:
    """Open an epoch with one reading and book up to ten more, checking after each. Returns the last."""
    last = meter.ask(data, now_us)
    watch.since_us = watch.since_us or last.instant_us
    watch.check_intervals(account.start_epoch(account.state.register_epoch + 1, last))
    for pause_us in data.draw(st.lists(PAUSES, min_size=1, max_size=10)):
        last = meter.ask(data, last.latest_us + pause_us)
        watch.check_intervals(account.add(last))
        watch.check_buckets(account, last)
    return last


@given(data=st.data())
@tries(150)
def test_truth_lies_within_what_is_told(data: st.DataObject) -> None:
    start_us = utc_us(data.draw(st.sampled_from(MOMENTS)))
    watch = Watch(data.draw(flows(start_us)), data.draw(flows(start_us)))
    meter = house(watch, data.draw(DISPLAYS), data.draw(st.integers(0, 10**9)), start_us)
    gap = data.draw(st.sampled_from(list(GapPolicy)))
    account = accumulator(Timeline(etouc(), data.draw(st.sampled_from([15, 60]))), gap=gap)
    one_by_one(data, meter, account, watch, start_us + data.draw(st.integers(0, H)))


@given(data=st.data())
@tries(150)
def test_truth_lies_within_what_is_told_when_a_direction_comes_and_goes(data: st.DataObject) -> None:
    start_us = utc_us(data.draw(st.sampled_from(MOMENTS)))
    watch = Watch(data.draw(flows(start_us)), data.draw(flows(start_us)))
    meter = house(watch, data.draw(DISPLAYS), data.draw(st.integers(0, 10**9)), start_us)
    account = accumulator(Timeline(etouc(), 15), gap=data.draw(st.sampled_from(list(GapPolicy))))
    both = meter.ask(data, start_us)
    watch.since_us = both.instant_us
    watch.check_intervals(account.start_epoch(1, both))
    shy, last = dataclasses.replace(meter, hides=True), both
    for pause_us in data.draw(st.lists(PAUSES, min_size=2, max_size=10)):
        last = shy.ask(data, last.latest_us + pause_us)
        watch.check_intervals(account.add(last))
        watch.check_buckets(account, last)
    last = meter.ask(data, last.latest_us + data.draw(PAUSES))
    watch.check_intervals(account.add(last))
    watch.check_buckets(account, last)


@given(data=st.data())
@tries(150)
def test_truth_lies_within_what_is_told_when_the_meter_is_exchanged(data: st.DataObject) -> None:
    """The new meter begins at its own count; what flowed since the old one's last reading must be told."""
    start_us = utc_us(data.draw(st.sampled_from(MOMENTS)))
    watch = Watch(data.draw(flows(start_us)), data.draw(flows(start_us)))
    account = accumulator(Timeline(etouc(), 15))
    old = house(watch, data.draw(DISPLAYS), data.draw(st.integers(0, 10**9)), start_us)
    last = one_by_one(data, old, account, watch, start_us + data.draw(st.integers(0, H)))
    swapped_us = last.latest_us + data.draw(st.integers(0, 10 * S))
    new = house(watch, data.draw(DISPLAYS), data.draw(st.integers(0, 10**9)), swapped_us)
    one_by_one(data, new, account, watch, swapped_us + data.draw(PAUSES))
