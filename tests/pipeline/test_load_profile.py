"""A gap corrected by the meter's load profile: weights by hand, the refusals, and the new revisions in a real store."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.bookkeeping.recompute import Again, begin, is_same
from gateway.buckets.accumulate import Rules
from gateway.buckets.unread import tell_anew
from gateway.config.types import GapPolicy
from gateway.energy import Direction, DirectionState, Unread
from gateway.kernels import Build, load_kernel
from gateway.ledger.schema import migrate
from gateway.reading.load_profile import (
    Disagreement,
    Gap,
    ProfileEntry,
    edge_uncertain_milliwh,
    registers_at_edges,
    shares_of,
)

from .test_books import LIFE, QUARTER, Desk, assert_chain, started
from .world import MIN, NOON_US, SERVICE_MILLIW, S, reading, tries


@pytest.mark.parametrize(
    ("total", "weights", "shares"),
    [
        (10, (1, 1, 1), [4, 3, 3]),  # 3.33 each: the first has the odd one
        (7, (3, 1), [5, 2]),  # 5.25 and 1.75: the larger remainder is the second's
        (5, (0, 2, 0), [0, 5, 0]),
        (1, (5, 5), [1, 0]),
        (9, (0, 0), [0, 9]),
        (0, (4, 4), [0, 0]),
    ],
)
def test_shares_by_largest_remainder(total: int, weights: tuple[int, ...], shares: list[int]) -> None:
    assert shares_of(total, weights) == shares


@given(total=st.integers(0, 10**15), weights=st.lists(st.integers(0, 10**15), min_size=1, max_size=40))
@tries(100)
def test_shares_add_up_and_none_is_a_whole_milliwatt_hour_off(total: int, weights: list[int]) -> None:
    shares = shares_of(total, weights)
    assert sum(shares) == total
    whole = sum(weights)
    assert not whole or all(
        abs(one * whole - total * weight) < whole for one, weight in zip(shares, weights, strict=True)
    )


def quarters(*milliwh: int, length: int = QUARTER) -> list[ProfileEntry]:
    return [ProfileEntry(n * length, (n + 1) * length, one) for n, one in enumerate(milliwh)]


def gap(count: int, grown: int) -> Gap:
    return Gap(0, count * QUARTER, 1000, 1000 + grown, tuple(n * QUARTER for n in range(1, count)))


def test_registers_follow_the_profile_and_the_registers_at_both_ends_stay() -> None:
    assert registers_at_edges(gap(4, 1000), quarters(100, 600, 200, 100), 1) == (1100, 1700, 1900)
    # The profile shows whole 10 Wh: 90, 600, 200 and 100 for 1000 that the register grew; 1000 * 90 / 990 = 90.9
    assert registers_at_edges(gap(4, 1000), quarters(90, 600, 200, 100), 10) == (1091, 1697, 1899)


@pytest.mark.parametrize(("told", "fits"), [(950, True), (1050, True), (949, False), (1051, False)])
def test_more_than_n_and_one_resolutions_off_corrects_nothing(told: int, fits: bool) -> None:
    found = registers_at_edges(gap(4, 1000), quarters(told, 0, 0, 0), 10)  # four entries: 50
    assert isinstance(found, Disagreement) is not fits
    if isinstance(found, Disagreement):
        assert (found.reason, found.profile_milliwh, found.register_milliwh) == ("profile_differs", told, 1000)
        assert found.tolerance_milliwh == 50


def test_a_profile_with_a_hole_or_of_other_times_corrects_nothing() -> None:
    whole = quarters(250, 250, 250, 250)
    for entries in (whole[:-1], whole[1:], [whole[0], *whole[2:]], [], quarters(500, 500, length=3 * QUARTER)):
        found = registers_at_edges(gap(4, 1000), entries, 1000)
        assert isinstance(found, Disagreement)
        assert found.reason == "profile_has_a_hole"


def test_hours_give_quarters_by_time_and_say_that_they_do_not_know() -> None:
    hours = quarters(800, 200, length=4 * QUARTER)
    assert registers_at_edges(gap(8, 1000), hours, 1) == (1200, 1400, 1600, 1800, 1850, 1900, 1950)
    assert edge_uncertain_milliwh(QUARTER, hours, 1) == 3 + 800
    assert edge_uncertain_milliwh(4 * QUARTER, hours, 1) == 3


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    migrate(tmp_path / "ledger.sqlite")
    one = Desk(tmp_path / "ledger.sqlite")
    yield one
    one.store.close()


def gap_over_noon(desk: Desk) -> list[ProfileEntry]:
    """Read sharply at 11:45 and 12:45, not between: 400 mWh by time a hundred each; the truth was 10, 300, 80, 10."""
    started(desk, NOON_US - QUARTER - 10 * S)
    desk.take(reading(NOON_US - QUARTER, LIFE + 100), reading(NOON_US + 3 * QUARTER, LIFE + 500))
    desk.take(reading(NOON_US + 3 * QUARTER + 5 * S, LIFE + 500))
    desk.commit()
    starts = [NOON_US + n * QUARTER for n in (-1, 0, 1, 2)]
    return [ProfileEntry(at, at + QUARTER, one) for at, one in zip(starts, (10, 300, 80, 10), strict=True)]


def energies(desk: Desk) -> list[tuple[object, ...]]:
    keys = ("seq", "revision", "supersedes", "quality", "import_milliwh", "import_uncertain_milliwh", "bucket")
    return [tuple(one[key] for key in keys) for one in desk.sent("interval")]


def test_a_profile_makes_revisions_and_moves_energy_between_buckets(desk: Desk) -> None:
    entries = gap_over_noon(desk)
    first = energies(desk)
    assert [one[4] for one in first] == [100, 100, 100, 100, 100]
    assert [one[3] for one in first] == ["measured", *["estimated"] * 4]
    assert desk.books.correct(Direction.IMPORT, NOON_US - QUARTER, NOON_US + 3 * QUARTER, entries, 1, desk.batch)
    desk.commit()
    corrected = energies(desk)[5:]
    assert [one[:5] for one in corrected] == [
        (6, 1, 2, "corrected", 10),
        (7, 1, 3, "corrected", 300),
        (8, 1, 4, "corrected", 80),
        (9, 1, 5, "corrected", 10),
    ]
    # Two inner edges of five resolutions each.
    assert [one[5] for one in corrected[1:3]] == [10, 10]
    record = desk.books.state_record()
    assert record is not None
    assert (record["import_bucket_low_milliwh"], record["import_bucket_high_milliwh"]) == (110, 390)
    assert_chain(desk.sent("interval"), desk.store.store_epoch)
    assert desk.sent("event")[-1]["event"] == "corrected"
    desk.reopen()
    desk.take(reading(NOON_US + 3 * QUARTER + 10 * S, LIFE + 505))
    record = desk.books.state_record()
    assert record is not None
    assert (record["import_bucket_low_milliwh"], record["import_bucket_high_milliwh"]) == (110, 395)


def bucket_doubts(desk: Desk) -> tuple[object, object]:
    record = desk.books.state_record()
    assert record is not None
    return record["import_uncertain_low_milliwh"], record["import_uncertain_high_milliwh"]


def test_what_the_gap_left_open_of_a_bucket_goes_and_what_the_profile_leaves_comes(desk: Desk) -> None:
    """Booked at noon is 200; true is anything from 100 to under 501: 301. By the profile five resolutions of 1."""
    entries = gap_over_noon(desk)
    desk.reopen()  # what a gap has added is in the store
    desk.take(reading(NOON_US + 3 * QUARTER + 10 * S, LIFE + 505))
    desk.commit()
    low, high = bucket_doubts(desk)
    assert isinstance(low, int)
    assert isinstance(high, int)
    assert min(low, high) >= 301
    stretch = (NOON_US - QUARTER, NOON_US + 3 * QUARTER)
    assert desk.books.correct(Direction.IMPORT, *stretch, entries, 1, desk.batch)
    desk.commit()
    assert bucket_doubts(desk) == (low - 301 + 5, high - 301 + 5)


def test_a_correction_is_booked_again_as_it_was(desk: Desk) -> None:
    """From the stored readings: the buckets' energy and what is uncertain of it, to the last key."""
    entries = gap_over_noon(desk)
    assert desk.books.correct(Direction.IMPORT, NOON_US - QUARTER, NOON_US + 3 * QUARTER, entries, 1, desk.batch)
    desk.commit()
    stored, rules = desk.store.load_meter("grid"), Rules(SERVICE_MILLIW, GapPolicy.PRO_RATA, 60 * MIN)
    meter = begin(stored.meter_id, "grid", desk.timeline(), load_kernel(Build.PYTHON), rules, desk.store.past)
    Again({stored.meter_id: meter}, desk.store.past).catch_up()
    assert meter.state.directions[Direction.IMPORT].unread
    assert is_same(meter.state, stored.accumulator)


def test_another_gap_keeps_what_it_left_open() -> None:
    account = DirectionState(0, 0, 0, {}, {"low": 40, "high": 40}, [], True, 0)
    account.unread = [Unread(10, 20, {"low": 7, "high": 9}), Unread(30, 30, {"low": 3, "high": 3})]
    tell_anew(account, 9, 30, {"low": 1, "high": 2})  # the edge at 30 is the end of the stretch, not inside of it
    assert account.uncertain_milliwh == {"low": 34, "high": 33}
    assert account.unread == [Unread(30, 30, {"low": 3, "high": 3}), Unread(10, 20, {"low": 1, "high": 2})]
    tell_anew(account, 10, 40, {"low": 5})  # one gap's first edge is outside: only the other is told anew
    assert account.uncertain_milliwh == {"low": 36, "high": 30}


def test_a_profile_of_another_meter_is_told_and_changes_nothing(desk: Desk) -> None:
    entries = gap_over_noon(desk)
    before = energies(desk)
    more = [ProfileEntry(one.start_us, one.end_us, 3 * one.milliwh) for one in entries]
    for wrong in (more, entries[1:]):
        assert not desk.books.correct(Direction.IMPORT, NOON_US - QUARTER, NOON_US + 3 * QUARTER, wrong, 1, desk.batch)
    # A quarter that is not closed, and a direction that the meter does not have.
    assert not desk.books.correct(Direction.IMPORT, NOON_US, NOON_US + 9 * QUARTER, entries, 1, desk.batch)
    assert not desk.books.correct(Direction.EXPORT, NOON_US - QUARTER, NOON_US + 3 * QUARTER, entries, 1, desk.batch)
    desk.commit()
    told = [event["reason"] for event in desk.sent("event") if event["event"] == "profile_refused"]
    assert told == ["profile_differs", "profile_has_a_hole", "not_closed_intervals", "not_one_gap"]
    assert energies(desk) == before
    record = desk.books.state_record()
    assert record is not None
    assert (record["import_bucket_low_milliwh"], record["import_bucket_high_milliwh"]) == (200, 300)
