"""The law of DESIGN 2 after every step of any history, however mad, and after a kill between any two steps.

Registers, windows, gaps, epochs and directions come from hypothesis; the calendar is the real tariff around the nights
of the clock change. The expected sums come from the registers handed in and from the oracle's split.
"""

from dataclasses import dataclass, field

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from drivers import EnergyRegister
from gateway.buckets.accumulate import Accumulator
from gateway.config.types import GapPolicy
from gateway.energy import AccumulatorState, Direction, Interval, Part
from gateway.reading.read import Reading
from gateway.timeline import Timeline
from tests.oracle import etouc as oracle
from tests.oracle.split import split

from .world import MIN, H, S, accumulator, etouc, moved, reading, register, tries, utc_us

STARTS = [
    "2026-03-08T00:50-08:00",
    "2026-11-01T00:50-07:00",
    "2026-07-01T15:55-07:00",
    "2026-09-30T20:50-07:00",
    "2026-05-31T23:59:59.5-07:00",
]
STEPS = st.one_of(st.integers(1, 20 * S), st.sampled_from([1, 15 * MIN, H, 4 * H]), st.integers(1, 30 * H))
GROWTH = st.one_of(st.just(0), st.integers(0, 9), st.integers(0, 10**7))
WINDOWS = st.one_of(st.just(0), st.integers(0, 3 * S), st.integers(0, 40 * MIN))


@dataclass(frozen=True)
class Step:
    """A reading, and whether it opens an epoch."""

    opens: bool
    reading: Reading


@st.composite
def histories(draw: st.DrawFn, exchanges: bool = True) -> list[Step]:
    """Readings in order of time. Either direction can be absent anywhere; export is unproven while it is zero;
    epochs begin anywhere.
    """
    at_us = utc_us(draw(st.sampled_from(STARTS)))
    registers = [draw(st.integers(0, 10**12)), 0]
    export_from = draw(st.sampled_from([0, 0, 0, 3, 99]))
    zero_is_unproven = draw(st.booleans())
    import_gone, export_gone = (draw(st.one_of(st.just(set()), st.sets(st.integers(1, 13)))) for _ in range(2))
    steps: list[Step] = []
    for number in range(draw(st.integers(2, 14))):
        opens = number == 0 or (exchanges and draw(st.integers(0, 7)) == 7)
        for side in (0, 1):
            registers[side] = draw(st.integers(0, 10**9)) * side if opens else registers[side] + draw(GROWTH)
        export: EnergyRegister | None = None
        if number >= export_from and number not in export_gone:
            export = register(registers[1], 10, unproven=zero_is_unproven and registers[1] == 0)
        early_us, late_us = draw(WINDOWS), draw(WINDOWS)
        import_known = export is None or number not in import_gone or not exchanges
        one = reading(at_us, register(registers[0]) if import_known else None, export)
        # The instant booked is the window's middle: lay the window around `at_us` evenly, an odd microsecond later.
        half_us = (early_us + late_us) // 2
        one = moved(one, earliest_us=at_us - half_us, latest_us=at_us + half_us + (early_us + late_us) % 2)
        steps.append(Step(opens, one))
        at_us += draw(STEPS)
    return steps


@dataclass
class Ledger:
    """What the registers handed in say, reckoned beside the program."""

    growth: dict[Direction, int] = field(default_factory=dict)
    last: dict[Direction, int] = field(default_factory=dict)
    counting: set[Direction] = field(default_factory=set)
    """Directions that this epoch has had."""
    closed: list[Interval] = field(default_factory=list)

    def take(self, step: Step) -> None:
        snapshot = step.reading.snapshot
        if step.opens:
            self.counting.clear()
        for direction, one in ((Direction.IMPORT, snapshot.energy_import), (Direction.EXPORT, snapshot.energy_export)):
            if one is None:
                continue
            if direction in self.counting:
                self.growth[direction] = self.growth.get(direction, 0) + one.milliwh - self.last[direction]
            self.counting.add(direction)
            self.last[direction] = one.milliwh


def part_of(interval: Interval, direction: Direction) -> Part | None:
    return interval.energy_import if direction is Direction.IMPORT else interval.energy_export


def play(account: Accumulator, step: Step, epoch: int) -> list[Interval]:
    return account.start_epoch(epoch, step.reading) if step.opens else account.add(step.reading)


def assert_law(account: Accumulator, ledger: Ledger) -> None:
    """Buckets and unassigned are earlier epochs + last - first, which is what the registers grew."""
    for direction, state in account.state.directions.items():
        booked = sum(state.totals_milliwh.values())
        assert booked == state.earlier_epochs_milliwh + state.last_milliwh - state.epoch_first_milliwh
        assert booked == ledger.growth.get(direction, 0)
        assert state.last_milliwh == ledger.last[direction]
        assert min(state.totals_milliwh.values()) >= 0
        assert min(state.uncertain_milliwh.values(), default=0) >= 0


def assert_intervals_add_up(account: Accumulator, ledger: Ledger) -> None:
    """Closed intervals, those that wait and the open rest are all that was booked, bucket by bucket."""
    for direction, state in account.state.directions.items():
        sums: dict[str, int] = {"unassigned": 0}
        for interval in ledger.closed:
            part = part_of(interval, direction)
            if part is not None:
                sums[interval.bucket] = sums.get(interval.bucket, 0) + part.milliwh - part.unassigned_milliwh
                sums["unassigned"] += part.unassigned_milliwh
        for edge in account.state.pending:
            if direction in edge.shares:
                share = edge.shares[direction]
                sums[edge.bucket] = sums.get(edge.bucket, 0) + share.milliwh - share.unassigned_milliwh
                sums["unassigned"] += share.unassigned_milliwh
        calendar = etouc()
        running = calendar.bucket_names[calendar.bucket_at(account.state.instant_us)]
        unassigned = state.interval_unassigned_milliwh
        rest = state.last_milliwh - state.interval_first_milliwh + state.interval_extra_milliwh - unassigned
        sums[running] = sums.get(running, 0) + rest
        sums["unassigned"] += unassigned
        assert {k: v for k, v in sums.items() if v} == {k: v for k, v in state.totals_milliwh.items() if v}


def assert_no_hole(ledger: Ledger, start_us: int) -> None:
    """Intervals begin where the one before ended and never span an edge of the walk over the minutes."""
    edges_us = [start_us, *(one.end_us for one in ledger.closed)]
    assert [one.start_us for one in ledger.closed] == edges_us[:-1]
    if ledger.closed:
        expected = oracle.edges(start_us, edges_us[-1], 15)
        assert edges_us[1:] == [at for at, _ in expected]
        for interval in ledger.closed:
            assert interval.bucket == oracle.bucket_of_minute(interval.start_us // MIN)


@given(steps=histories(), gap=st.sampled_from(list(GapPolicy)), max_gap_us=st.sampled_from([1 * S, H]))
@tries(120)
def test_law_holds_after_every_step(steps: list[Step], gap: GapPolicy, max_gap_us: int) -> None:
    account = accumulator(Timeline(etouc(), 15), gap=gap, max_gap_us=max_gap_us)
    ledger, epoch = Ledger(), 0
    for step in steps:
        epoch += step.opens
        ledger.closed += play(account, step, epoch)
        ledger.take(step)
        assert_law(account, ledger)
        assert_intervals_add_up(account, ledger)
        assert_no_hole(ledger, steps[0].reading.instant_us)


@given(steps=histories(), kills=st.sets(st.integers(0, 14)), gap=st.sampled_from(list(GapPolicy)))
@tries(80)
def test_kill_between_any_two_steps_changes_nothing(steps: list[Step], kills: set[int], gap: GapPolicy) -> None:
    """The state goes through JSON, as through the store, into a new accumulator with a new timeline."""
    straight = accumulator(Timeline(etouc(), 15), gap=gap)
    killed = accumulator(Timeline(etouc(), 15), gap=gap)
    epoch = 0
    for number, step in enumerate(steps):
        epoch += step.opens
        if number in kills:
            stored = msgspec.json.encode(killed.state)
            state = msgspec.json.decode(stored, type=AccumulatorState)
            killed = accumulator(Timeline(etouc(), 15), state=state, gap=gap)
        assert play(straight, step, epoch) == play(killed, step, epoch)
        assert straight.state == killed.state


@given(steps=histories(exchanges=False))
@tries(80)
def test_buckets_are_the_oracles_split_of_the_registers(steps: list[Step]) -> None:
    account = accumulator(Timeline(etouc(), 15))
    for step in steps:
        play(account, step, 1)
    names = list(etouc().bucket_names)
    values = [one.reading.snapshot.energy_import.milliwh for one in steps if one.reading.snapshot.energy_import]
    readings = list(zip((step.reading.instant_us for step in steps), values, strict=True))
    first_us, last_us = readings[0][0], readings[-1][0]
    edges = [(at, names.index(bucket)) for at, bucket in oracle.edges(first_us, last_us, 15)]
    expected, _ = split(readings, names.index(oracle.bucket_of_minute(first_us // MIN)), edges)
    booked = account.state.directions[Direction.IMPORT].totals_milliwh
    assert {k: v for k, v in booked.items() if v} == {names[k]: v for k, v in expected.items() if v}
