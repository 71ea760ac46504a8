"""The clock port: when the time counts as known, how wrong it can be, what waits for it and how it is placed.

The kernel is asked for real once; what it cannot be made to say here is put into its mouth.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import clock
from gateway.bookkeeping.hold import HELD_MOST, Held
from gateway.clock import STA_UNSYNC, ClockState, SystemClock
from gateway.config.types import ClockSource
from gateway.ledger.schema import migrate
from gateway.reading.read import Reading
from gateway.reading.schedule import Schedule
from gateway.tariff.calendar import NO_EDGE_US
from gateway.timeline import Timeline

from .test_books import LIFE, Desk
from .world import MIN, NOON_US, H, S, accumulator, by_hand, etouc, moved, reading, utc_us

YEARS_US = 56 * 365 * 24 * H
"""How far a clock is behind that boots at about 1970."""


def unset(one: Reading) -> Reading:
    """The same reading by a clock that was not set: monotonic time is as it was."""
    return moved(
        one,
        earliest_us=one.earliest_us - YEARS_US,
        latest_us=one.latest_us - YEARS_US,
        clock_state=ClockState.UNSYNCED,
    )


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    migrate(tmp_path / "ledger.sqlite")
    one = Desk(tmp_path / "ledger.sqlite")
    yield one
    one.store.close()


HISTORY = [(-10, 0), (-9, 0), (-1, 90), (2, 120)]
"""Seconds from noon, milliwatt-hours since the first: 30 flow in the three seconds around noon, 10 before it."""


def test_readings_before_the_time_is_known_are_placed_afterwards(desk: Desk) -> None:
    early = [unset(reading(NOON_US + at * S, LIFE + grown)) for at, grown in HISTORY]
    assert desk.take(*early) == ["Waiting"] * 4
    assert desk.books.state_record() is None
    assert desk.books.counters.waiting == 4
    assert desk.take(reading(NOON_US + 5 * S, LIFE + 150)) == ["Accepted"]
    record = desk.books.state_record()
    assert record is not None
    assert (record["import_bucket_low_milliwh"], record["import_bucket_high_milliwh"]) == (100, 50)
    assert desk.books.counters.waiting == 0
    desk.commit()
    (interval,) = desk.sent("interval")
    assert (interval["end_utc_us"], interval["import_milliwh"]) == (NOON_US, 100)
    told = {event["event"]: event for event in desk.sent("event")}
    assert (told["clock_set"]["placed"], told["clock_set"]["not_placed"]) == (4, 0)
    assert told["clock_set"]["from_utc_us"] == NOON_US - 10 * S


def test_a_restart_in_the_same_boot_keeps_what_waits(desk: Desk) -> None:
    early = [unset(reading(NOON_US + at * S, LIFE + grown)) for at, grown in HISTORY]
    desk.take(*early[:2])
    desk.commit()
    desk.reopen()
    desk.take(*early[2:])
    desk.take(reading(NOON_US + 5 * S, LIFE + 150))
    record = desk.books.state_record()
    assert record is not None
    assert (record["import_bucket_low_milliwh"], record["import_bucket_high_milliwh"]) == (100, 50)
    desk.commit()
    desk.reopen()
    assert desk.books.take(reading(NOON_US + 6 * S, LIFE + 150), desk.batch).reading.latest_us == NOON_US + 6 * S
    assert [event["event"] for event in desk.sent("event")].count("clock_set") == 1


def test_readings_of_an_earlier_boot_are_counted_and_never_placed(desk: Desk) -> None:
    desk.take(reading(NOON_US - 60 * S, LIFE), reading(NOON_US - 59 * S, LIFE))
    desk.take(unset(reading(NOON_US - 30 * S, LIFE + 7, boot_id="dead")))
    desk.commit()
    desk.reopen()
    assert desk.take(reading(NOON_US - 10 * S, LIFE + 9, boot_id="alive")) == ["Accepted"]
    desk.commit()
    (told,) = [event for event in desk.sent("event") if event["event"] == "clock_set"]
    assert (told["placed"], told["not_placed"], told["from_utc_us"]) == (0, 1, None)
    record = desk.books.state_record()
    assert record is not None
    assert record["import_bucket_low_milliwh"] == 9  # the register carries what the lost reading knew


def test_a_long_wait_thins_and_keeps_the_ends() -> None:
    held = Held()
    for second in range(3 * HELD_MOST):
        held.add(unset(reading(NOON_US + second * S, LIFE + second)))
        assert len(held) <= HELD_MOST
    placed = held.release(reading(NOON_US + 4 * HELD_MOST * S, LIFE))
    assert placed[0].latest_us == NOON_US
    assert placed[-1].latest_us == NOON_US + (3 * HELD_MOST - 1) * S
    assert [one.latest_us for one in placed] == sorted(one.latest_us for one in placed)
    assert {one.clock_state for one in placed} == {ClockState.PLACED}
    assert len(held) == 0


def test_the_store_forgets_what_a_long_wait_let_go(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.bookkeeping.hold.HELD_MOST", 4)
    for second in range(7):
        desk.take(unset(reading(NOON_US + second * S, LIFE + second)))
        desk.commit()
    # The fifth finds four places taken: 0 and 2 stay. The seventh finds 0, 2, 4 and 5: 0 and 4 stay.
    rows = desk.store._connection.execute("SELECT reading FROM held_reading ORDER BY held_id").fetchall()
    assert [json.loads(row)["monotonic_us"] - 1000 * H for (row,) in rows] == [0, 4 * S, 6 * S]


@pytest.mark.parametrize(("step_s", "told"), [(90, 90), (-90, -90), (1, 1), (0, None)])
def test_a_clock_that_is_set_is_told_with_its_step(desk: Desk, step_s: int, told: int | None) -> None:
    desk.take(reading(NOON_US - 600 * S, LIFE), reading(NOON_US - 599 * S, LIFE))
    one = reading(NOON_US - 400 * S, LIFE + 10)
    desk.take(moved(one, earliest_us=one.earliest_us + step_s * S, latest_us=one.latest_us + step_s * S))
    desk.commit()
    steps = [event["step_us"] for event in desk.sent("event") if event["event"] == "clock_step"]
    assert steps == ([] if told is None else [told * S])


def test_slewing_is_no_step(desk: Desk) -> None:
    desk.take(reading(NOON_US - 6000 * S, LIFE), reading(NOON_US - 5999 * S, LIFE))
    one = reading(NOON_US - 1000 * S, LIFE + 10)
    # 500 ppm of 4999 s are 2.4995 s, and half a second is free
    desk.take(moved(one, earliest_us=one.earliest_us + 2_900_000, latest_us=one.latest_us + 2_900_000))
    desk.commit()
    assert "clock_step" not in [event["event"] for event in desk.sent("event")]


def test_a_step_near_an_edge_puts_the_limit_times_the_step_in_doubt() -> None:
    account = accumulator(by_hand((NOON_US, 2)), limit_milliw=3_600_000)  # one milliwatt-hour a millisecond
    account.start_epoch(1, reading(NOON_US + 60 * S, 0))
    state = next(iter(account.state.directions.values()))
    before = dict(state.uncertain_milliwh)
    account.doubt_clock_step(-90 * S)
    assert {bucket: state.uncertain_milliwh.get(bucket, 0) - before.get(bucket, 0) for bucket in ("low", "high")} == {
        "low": 90_500,  # and the half second by which it can have been set besides, unnoticed
        "high": 90_500,
    }


def test_a_step_puts_every_bucket_edge_since_the_clock_was_set_in_doubt() -> None:
    """Noon passes; then the clock is set back twice, on again, and loses a second a day that is set right each day."""
    account = accumulator(by_hand((NOON_US, 2)), limit_milliw=3_600_000)
    account.start_epoch(1, reading(NOON_US - 5 * S, 0))
    account.add(reading(NOON_US + 5 * S, 10))
    account.add(reading(NOON_US + 20 * 60 * S, 10))
    state = next(iter(account.state.directions.values()))
    # It was wrong by the sum of the two, and half a second; what a third step takes back has been told; 43 s a day may
    # be drift.
    for step_s, expected in ((-90, 90_500), (-90, 90_000), (100, 0), (-100, 0)):
        before = dict(state.uncertain_milliwh)
        account.doubt_clock_step(step_s * S)
        told = {bucket: state.uncertain_milliwh[bucket] - before[bucket] for bucket in ("low", "high")}
        assert told == {"low": expected, "high": expected}


def test_steps_that_drift_explains_do_not_add_up() -> None:
    account = accumulator(by_hand((NOON_US, 2)), limit_milliw=3_600_000)
    account.start_epoch(1, reading(NOON_US - 5 * S, 0))
    account.add(reading(NOON_US + 5 * S, 10))
    state = next(iter(account.state.directions.values()))
    noon = state.uncertain_milliwh["low"]
    for day in (1, 2, 3):
        account.add(reading(NOON_US + day * 24 * H, 10))
        account.doubt_clock_step(-1 * S)  # the first ends the doubt about noon: a second, once
        assert state.uncertain_milliwh["low"] == noon + 1000
    account.doubt_clock_step(-90 * S)  # no drift: the clock may have been wrong for long, and half a second more
    assert state.uncertain_milliwh["low"] == noon + 1000 + 90_500
    account.add(reading(NOON_US + 4 * 24 * H, 10))
    account.doubt_clock_step(-2 * S)  # the rest of it
    assert state.uncertain_milliwh["low"] == noon + 1000 + 92_000


def test_an_interval_whose_edge_is_not_confirmed_yet_tells_the_step_too() -> None:
    """The clock is 90 s fast and set right while an edge waits. 300 mWh a second; the service carries 1000."""
    account = accumulator(by_hand(), limit_milliw=3_600_000)
    account.start_epoch(1, reading(NOON_US - 10 * S, LIFE))
    assert account.add(reading(NOON_US + 5 * S, LIFE + 4500, half_window_us=20 * S)) == []
    account.doubt_clock_step(-90 * S)
    (closed,) = account.add(reading(NOON_US + 30 * S, LIFE + 4500 + 115 * 300))
    assert closed.energy_import is not None
    # Until the true noon 90 s more flowed than until the one that the clock showed: 27,000 mWh are missing in it.
    assert closed.energy_import.milliwh == 3000
    # The first digit, the step, and the edge: at most 10 s of 1000 mWh after the first reading.
    assert closed.energy_import.uncertain_milliwh == 1 + 90_000 + 7001


@pytest.mark.parametrize("started", [True, False])
@pytest.mark.parametrize("step_us", [-90 * S, -YEARS_US, 200 * 365 * 24 * H])
def test_a_step_beyond_the_calendar_or_before_the_first_reading_is_borne(step_us: int, started: bool) -> None:
    account = accumulator(Timeline(etouc(), 15))
    if started:
        account.start_epoch(1, reading(NOON_US, 0))
    account.doubt_clock_step(step_us)
    assert account.started is started


def test_an_error_of_the_clock_widens_what_is_uncertain_at_an_edge() -> None:
    # 10 mWh a second; the readings 2 s before and after noon could each be a second off: 3 s to either side.
    account = accumulator(by_hand((NOON_US, 2)), limit_milliw=36_000)
    for at, grown in ((-20, 0), (-2, 180), (2, 220)):
        one = moved(reading(NOON_US + at * S, LIFE + grown), clock_error_us=1 * S)
        closed = account.start_epoch(1, one) if at == -20 else account.add(one)
    assert closed[0].energy_import is not None
    # Booked 200. Before: at most 180 + 1 + 10 * 3 = 211; after: at least 220 - 10 * 3 = 190; so 11. The start: 1 + 10.
    assert closed[0].energy_import.uncertain_milliwh == 11 + 11


def test_an_error_of_the_clock_moves_the_edge_readings_away_from_the_edge() -> None:
    class Edges:
        def next_edge_us(self, utc_us: int) -> int:
            return (utc_us // (15 * MIN) + 1) * 15 * MIN

    schedule = Schedule(5 * MIN, 1 * S)
    times, at_us = [], 14 * MIN
    for _ in range(3):
        at_us = schedule.next_read_us(at_us, Edges(), clock_error_us=2 * S)
        times.append(at_us - 15 * MIN)
    assert times == [-2_500_000, 0, 3_020_000]


@pytest.mark.parametrize(("now_us", "edge_us"), [(0, utc_us("2025-01-01T00:00+00:00")), (2**62, NO_EDGE_US)])
def test_a_clock_that_is_not_set_has_no_edges_to_read_at(now_us: int, edge_us: int) -> None:
    # In Los Angeles the first hours of 1970 lie in 1969, which no calendar holds.
    assert Timeline(etouc(), 15).next_edge_us(now_us) == edge_us


def kernel(monkeypatch: pytest.MonkeyPatch, status: int, error_us: int) -> None:
    monkeypatch.setattr(clock, "_kernel_clock", lambda: (status, error_us))


def test_ntp_clock_is_known_once_the_kernel_says_so_and_stays_known(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel(monkeypatch, STA_UNSYNC, 16_000_000)
    one = SystemClock(ClockSource.NTP)
    assert one.state() is ClockState.UNSYNCED
    kernel(monkeypatch, 0, 1234)
    assert one.state() is ClockState.SYNCED
    at_us = 5_000_000
    monkeypatch.setattr(one, "monotonic_us", lambda: at_us)
    assert one.state() is ClockState.SYNCED
    kernel(monkeypatch, STA_UNSYNC, 16_000_000)
    at_us += 1000 * S
    assert one.state() is ClockState.SYNCED
    assert one.error_us() == 1234 + 500 * 1000  # 500 ppm of a thousand seconds


@pytest.mark.parametrize(("source", "error_us"), [(ClockSource.RTC, 30 * S), (ClockSource.OPERATOR, 60 * S)])
def test_a_clock_set_by_other_means_is_known_by_its_date_alone(
    monkeypatch: pytest.MonkeyPatch, source: ClockSource, error_us: int
) -> None:
    kernel(monkeypatch, STA_UNSYNC, 16_000_000)
    one = SystemClock(source)
    assert (one.state(), one.error_us()) == (ClockState.SYNCED, error_us)
    assert SystemClock(source, 5 * S).error_us() == 5 * S
    monkeypatch.setattr(one, "wall_us", lambda: 3600 * S)  # 1970-01-01 01:00
    assert one.state() is ClockState.UNSYNCED


def test_the_kernel_answers_for_real() -> None:
    status, error_us = clock._kernel_clock()
    assert status >= 0
    assert error_us >= 0
    assert SystemClock().state() in (ClockState.SYNCED, ClockState.UNSYNCED)


def test_monotonic_time_counts_sleep() -> None:
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
    now = SystemClock().monotonic_us()
    assert before <= now <= time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
