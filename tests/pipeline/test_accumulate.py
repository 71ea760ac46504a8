"""The accumulate step by hand: splits, intervals, gaps, exchanges, directions that come late or are not proven.

The calendar is written by hand: bucket `low`, then `high` from noon on. Power is 3.6 kW at most, so that one
milliwatt-hour flows in a millisecond and every doubt can be reckoned in the head.
"""

import pytest

from gateway.buckets.accumulate import Accumulator
from gateway.config.types import GapPolicy
from gateway.energy import AccumulatorState, Direction, DirectionState, Interval, Part, Quality

from .world import MIN, NOON_US, WH, H, S, accumulator, by_hand, reading, register

LIMIT_MILLIW = 3_600_000
QUARTER = 15 * MIN


def opened(at_us: int, energy_import: int = 1000 * WH, **options: object) -> Accumulator:
    """An accumulator at noon's edge from `low` to `high`, opened by a reading sharp in time."""
    account = accumulator(by_hand((NOON_US, 2)), limit_milliw=LIMIT_MILLIW, **options)  # type: ignore[arg-type]
    assert account.start_epoch(1, reading(at_us, energy_import)) == []
    return account


def importing(account: Accumulator) -> DirectionState:
    return account.state.directions[Direction.IMPORT]


def parts(intervals: list[Interval]) -> list[Part | None]:
    return [interval.energy_import for interval in intervals]


def test_growth_inside_a_segment_goes_to_its_bucket() -> None:
    account = opened(NOON_US - 10 * S)
    assert account.add(reading(NOON_US - 5 * S, 1000 * WH + 7)) == []
    assert importing(account).totals_milliwh == {"unassigned": 0, "low": 7}


def test_growth_over_an_edge_is_split_by_time_and_the_later_bucket_has_the_remainder() -> None:
    account = opened(NOON_US - 1 * S)
    # 10 mWh in 3 s, a third of the time before noon: 3.33 is cut to 3
    (closed,) = account.add(reading(NOON_US + 2 * S, 1000 * WH + 10))
    assert importing(account).totals_milliwh == {"unassigned": 0, "low": 3, "high": 7}
    assert (closed.start_us, closed.end_us, closed.bucket) == (NOON_US - 1 * S, NOON_US, "low")
    assert closed.tariff_version == "v1"
    assert closed.quality is Quality.MEASURED
    # The first register's digit (1), and the edge: low 1000000, high min(1000011, 1001001), booked 1000003 -> 8.
    assert closed.energy_import == Part(3, 0, 1 + 8, 1000 * WH + 3)
    assert closed.energy_export is None
    assert importing(account).uncertain_milliwh == {"low": 1 + 8, "high": 8}


def test_interval_edge_inside_a_bucket_adds_no_doubt_to_the_bucket() -> None:
    account = opened(NOON_US + 14 * MIN)
    (closed,) = account.add(reading(NOON_US + 16 * MIN, 1000 * WH + 100))
    assert closed.energy_import is not None
    assert closed.energy_import.uncertain_milliwh == 1 + 51  # half of 100 and a digit
    assert importing(account).uncertain_milliwh == {"high": 1}


def test_second_interval_carries_the_doubt_of_both_its_edges() -> None:
    account = opened(NOON_US - 1 * S)
    account.add(reading(NOON_US + 1 * S, 1000 * WH + 10))  # noon: 1000005 booked, doubt max(6, 5)
    account.add(reading(NOON_US + QUARTER - 1 * S, 1000 * WH + 60))
    (closed,) = account.add(reading(NOON_US + QUARTER + 1 * S, 1000 * WH + 100))  # 80 booked, doubt max(21, 20)
    assert closed.energy_import == Part(75, 0, 6 + 21, 1000 * WH + 80)


def test_interval_waits_for_a_reading_that_is_surely_after_the_edge() -> None:
    account = opened(NOON_US - 10 * S)
    around = reading(NOON_US + 10_000, 1000 * WH + 100, half_window_us=20_000)  # latched 10 ms before to 30 ms after
    assert account.add(around) == []
    assert len(account.state.pending) == 1
    # 100 in 10.01 s, at noon 99.9; low: 1000100 - 30; high: 1000100 + 1 + 10
    (closed,) = account.add(reading(NOON_US + 5 * S, 1000 * WH + 200))
    assert closed.energy_import == Part(99, 0, 1 + max(1_000_111 - 1_000_099, 1_000_099 - 1_000_070), 1_000_099)


def test_reading_that_ends_after_the_edge_is_no_reading_before_it() -> None:
    account = opened(NOON_US - 10 * S)
    account.add(reading(NOON_US - 5_000, 1000 * WH + 100, half_window_us=15_000))  # 20 ms before to 10 ms after noon
    (closed,) = account.add(reading(NOON_US + 5 * S, 1000 * WH + 100))
    # high 1000101 by the later register; it may have been latched 10 ms late: low 1000090
    assert closed.energy_import == Part(100, 0, 1 + 10, 1000 * WH + 100)


def test_last_reading_that_surely_ended_is_kept_behind_a_wide_one() -> None:
    account = opened(NOON_US - 30 * S)
    account.add(reading(NOON_US - 1 * S, 1000 * WH + 100, half_window_us=20 * S))
    (closed,) = account.add(reading(NOON_US + 30 * S, 1000 * WH + 100))
    # The wide one alone would say: 20,000 too high. The sharp one before it says 100.
    assert closed.energy_import == Part(100, 0, 1 + 100, 1000 * WH + 100)


def test_edges_close_oldest_first_and_without_a_hole() -> None:
    account = opened(NOON_US - QUARTER - 1 * S)
    closed = account.add(reading(NOON_US + QUARTER + 1 * S, 1000 * WH + 1802))  # 1 mWh a second
    assert [(one.start_us - NOON_US, one.end_us - NOON_US, one.bucket) for one in closed] == [
        (-QUARTER - 1 * S, -QUARTER, "low"),
        (-QUARTER, 0, "low"),
        (0, QUARTER, "high"),
    ]
    assert [part.milliwh for part in parts(closed) if part] == [1, 900, 900]
    # The edges before and after noon were read within a second; noon is 15 minutes from any reading, and in two.
    assert [one.quality for one in closed] == [Quality.MEASURED, Quality.ESTIMATED, Quality.ESTIMATED]


@pytest.mark.parametrize(
    ("before_s", "after_s", "quality"),
    [
        (9, 100, Quality.MEASURED),
        (100, 9, Quality.MEASURED),
        (10, 10, Quality.ESTIMATED),
    ],
)
def test_measured_means_read_within_nine_seconds_of_the_edge(before_s: int, after_s: int, quality: Quality) -> None:
    account = opened(NOON_US - before_s * S)
    (closed,) = account.add(reading(NOON_US + after_s * S, 1000 * WH))
    assert closed.quality is quality


@pytest.mark.parametrize(("half_window_s", "quality"), [(9, Quality.MEASURED), (10, Quality.ESTIMATED)])
def test_reading_across_the_edge_measures_it_where_all_its_window_is_near(half_window_s: int, quality: Quality) -> None:
    account = opened(NOON_US - 100 * S)
    assert account.add(reading(NOON_US, 1000 * WH, half_window_us=half_window_s * S)) == []
    (closed,) = account.add(reading(NOON_US + 100 * S, 1000 * WH))
    assert closed.quality is quality


GAP_CASES = {  # policy, hours from noon of the two readings -> unassigned, low, high of 4000 mWh
    "a gap over the edge, pro rata": (GapPolicy.PRO_RATA, -1, 3, (0, 1000, 3000)),
    "a gap over the edge, unassigned": (GapPolicy.UNASSIGNED, -1, 3, (4000, 0, 0)),
    "a gap just as long as allowed": (GapPolicy.UNASSIGNED, -1, 0.5, (0, 2666, 1334)),
    "a long gap inside one bucket": (GapPolicy.UNASSIGNED, 1, 5, (0, 0, 4000)),
}


@pytest.mark.parametrize("case", GAP_CASES)
def test_gap_over_an_edge_follows_the_policy(case: str) -> None:
    policy, before_h, after_h, (unassigned, low, high) = GAP_CASES[case]
    account = opened(NOON_US + int(before_h * H), gap=policy, max_gap_us=3 * H // 2)
    closed = account.add(reading(NOON_US + int(after_h * H), 1000 * WH + 4000))
    booked = importing(account).totals_milliwh
    assert [booked.get(name, 0) for name in ("unassigned", "low", "high")] == [unassigned, low, high]
    in_intervals = [part for part in parts(closed) if part]
    assert sum(part.milliwh for part in in_intervals) == 4000  # the last edge is the reading's own instant
    assert sum(part.unassigned_milliwh for part in in_intervals) == unassigned


def test_interval_keeps_what_was_measured_before_the_gap_in_its_bucket() -> None:
    account = opened(NOON_US + 1 * MIN - H, gap=GapPolicy.UNASSIGNED)
    account.add(reading(NOON_US + 11 * MIN - H, 1000 * WH + 600))
    closed = account.add(reading(NOON_US + 1 * MIN + H, 1000 * WH + 600 + 1100))  # 110 min: 10 mWh a minute
    first, *others = (part for part in parts(closed) if part)
    assert (first.milliwh, first.unassigned_milliwh) == (640, 40)
    assert [(part.milliwh, part.unassigned_milliwh) for part in others] == [(150, 150)] * 7
    assert importing(account).totals_milliwh == {"unassigned": 1100, "low": 600}
    # The open interval has its minute of the gap, and counts on in its bucket.
    (last,) = account.add(reading(NOON_US + 15 * MIN + H, 1000 * WH + 600 + 1100 + 5))
    assert last.energy_import is not None
    assert (last.energy_import.milliwh, last.energy_import.unassigned_milliwh) == (10 + 5, 10)


def test_exchange_books_both_meters_and_tells_what_was_unread() -> None:
    account = opened(NOON_US + 1 * MIN)
    account.add(reading(NOON_US + 2 * MIN, 1000 * WH + 50))
    assert account.start_epoch(2, reading(NOON_US + 3 * MIN, 7 * WH)) == []
    account.add(reading(NOON_US + 4 * MIN, 7 * WH + 30))
    state = importing(account)
    assert (state.earlier_epochs_milliwh, state.epoch_first_milliwh, state.last_milliwh) == (50, 7 * WH, 7 * WH + 30)
    assert state.totals_milliwh == {"unassigned": 0, "high": 80}
    # The first digit; then the old meter's digit, a minute at 3.6 kW and the new meter's digit.
    assert state.uncertain_milliwh == {"high": 1 + (1 + 60_000 + 1)}
    (closed,) = account.add(reading(NOON_US + QUARTER, 7 * WH + 90))
    assert closed.quality is Quality.INCOMPLETE
    assert closed.register_epoch == 2
    # The edge was read sharply: its doubt is one digit.
    assert closed.energy_import == Part(50 + 90, 0, 1 + (1 + 60_000 + 1) + 1, 7 * WH + 90)


def test_old_meters_last_digit_is_part_of_what_an_exchange_leaves_unknown() -> None:
    """A register of whole kilowatt-hours can have counted one nearly to its end before it was taken off the wall."""
    account = accumulator(by_hand((NOON_US, 2)), limit_milliw=LIMIT_MILLIW)
    account.start_epoch(1, reading(NOON_US + 1 * MIN, register(5_000_000, 1_000_000)))
    account.add(reading(NOON_US + 2 * MIN, register(5_000_000, 1_000_000)))
    account.start_epoch(2, reading(NOON_US + 2 * MIN + 1 * S, 0))
    assert importing(account).uncertain_milliwh == {"high": 1_000_000 + 1_000_000 + 1000 + 1}


def test_exchange_over_an_interval_edge_tells_the_whole_unread_time_to_the_bucket() -> None:
    account = opened(NOON_US + 1 * MIN)
    closed = account.start_epoch(2, reading(NOON_US + 31 * MIN, 0))
    # first digit; the old digit and half an hour at 3.6 kW and the new digit
    assert importing(account).uncertain_milliwh == {"high": 1 + 1 + 1_800_000 + 1}
    assert [one.quality for one in closed] == [Quality.INCOMPLETE] * 2
    assert [part.milliwh for part in parts(closed) if part] == [0, 0]
    # Up to the first edge 14 minutes and a digit; between the edges that and 29 minutes and a digit.
    uncertain = [part.uncertain_milliwh for part in parts(closed) if part]
    assert uncertain == [1 + 840_001, 840_001 + 1_740_001]


def test_direction_that_the_meter_lacks_is_none() -> None:
    account = opened(NOON_US - 1 * S)
    (closed,) = account.add(reading(NOON_US + 1 * S, 1000 * WH))
    assert closed.energy_export is None
    assert set(account.state.directions) == {Direction.IMPORT}


def test_direction_that_comes_late_begins_at_its_own_register_and_tells_the_time_before() -> None:
    account = opened(NOON_US + 1 * MIN)
    account.add(reading(NOON_US + 11 * MIN, 1000 * WH, 500 * WH))
    (closed,) = account.add(reading(NOON_US + QUARTER, 1000 * WH, 500 * WH + 9))
    # Ten minutes at 3.6 kW may have been exported unseen; the first digit, the edge's digit.
    assert closed.energy_export == Part(9, 0, 600_000 + 1 + 1, 500 * WH + 9)
    assert closed.quality is Quality.INCOMPLETE
    assert account.state.directions[Direction.EXPORT].totals_milliwh == {"unassigned": 0, "high": 9}


def test_zero_that_may_mean_not_implemented_is_told_as_nothing_until_it_counts() -> None:
    account = accumulator(by_hand((NOON_US, 2)), limit_milliw=LIMIT_MILLIW)
    nought = register(0, unproven=True)
    account.start_epoch(1, reading(NOON_US + 1 * MIN, 5, nought))
    (first,) = account.add(reading(NOON_US + QUARTER, 6, nought))
    (second,) = account.add(reading(NOON_US + 2 * QUARTER, 7, 12))
    assert first.energy_export is None
    assert second.energy_export is not None
    assert second.energy_export.milliwh == 12


def test_exchange_for_a_meter_with_an_unproven_zero_does_not_hide_what_the_old_one_counted() -> None:
    account = accumulator(by_hand((NOON_US, 2)), limit_milliw=LIMIT_MILLIW)
    account.start_epoch(1, reading(NOON_US + 1 * MIN, 5, 100))
    account.add(reading(NOON_US + 2 * MIN, 5, 140))
    account.start_epoch(2, reading(NOON_US + 3 * MIN, 0, register(0, unproven=True)))
    (closed,) = account.add(reading(NOON_US + QUARTER, 0, register(0, unproven=True)))
    assert closed.energy_export is not None
    assert closed.energy_export.milliwh == 40


def test_reading_that_is_not_later_is_refused_and_changes_nothing() -> None:
    account = opened(NOON_US)
    with pytest.raises(ValueError, match="is not after"):
        account.add(reading(NOON_US, 2000 * WH))
    assert importing(account).last_milliwh == 1000 * WH


def test_fresh_accumulator_has_not_started() -> None:
    account = accumulator(by_hand())
    assert not account.started
    assert account.state == AccumulatorState()
    account.start_epoch(1, reading(NOON_US, 0))
    assert account.started


def test_two_accumulators_share_nothing() -> None:
    """A default that is mutable would let one meter book into another."""
    one, other = accumulator(by_hand()), accumulator(by_hand())
    one.start_epoch(1, reading(NOON_US, 5))
    one.add(reading(NOON_US + H, 6))
    assert other.state == AccumulatorState()
