"""Billing cycles from read dates. Days are counted by hand."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.tariff.cycles import Cycle, ReadDay, blocks_of, cycle_on, cycles_of, expected_last_days, month_of
from gateway.tariff.days import DayRules
from gateway.tariff.tariff_file import load_tariff

LOS_ANGELES = ZoneInfo("America/Los_Angeles")
RULES = DayRules(load_tariff("pge-e-tou-c"))
# Read on 7 January, 5 February, 10 March (33 days), 7 April (28), 7 May, 8 June, 8 July.
READS = [date(2026, month, day) for month, day in ((1, 7), (2, 5), (3, 10), (4, 7), (5, 7), (6, 8), (7, 8))]


def test_a_read_date_can_be_the_last_day_or_the_first():
    last = cycles_of(READS, ReadDay.LAST_DAY)
    assert (last[0], last[0].days) == (Cycle(date(2026, 1, 8), date(2026, 2, 5)), 29)
    assert [one.days for one in last] == [29, 33, 28, 30, 32, 30]
    first = cycles_of(READS, ReadDay.FIRST_DAY)
    assert first[0] == Cycle(date(2026, 1, 7), date(2026, 2, 4))
    assert [one.days for one in first] == [29, 33, 28, 30, 32, 30]


def test_a_day_has_one_cycle_or_none():
    cycles = cycles_of(READS, ReadDay.LAST_DAY)
    assert cycle_on(cycles, date(2026, 1, 7)) is None
    assert cycle_on(cycles, date(2026, 1, 8)) == cycles[0]
    assert cycle_on(cycles, date(2026, 2, 5)) == cycles[0]
    assert cycle_on(cycles, date(2026, 2, 6)) == cycles[1]
    assert cycle_on(cycles, date(2026, 7, 9)) is None


def test_an_unusual_length_is_told_and_not_refused():
    assert [Cycle(date(2026, 1, 1), date(2026, 1, day)).is_usual for day in (27, 28)] == [False, True]
    assert [Cycle(date(2026, 1, 1), date(2026, 2, day)).is_usual for day in (2, 3)] == [True, False]


def test_an_open_cycle_ends_between_28_and_33_days():
    assert expected_last_days(date(2026, 2, 6)) == (date(2026, 3, 5), date(2026, 3, 10))


@pytest.mark.parametrize("days", [(5, 5), (6, 5)])
def test_read_dates_out_of_order_are_refused(days):
    with pytest.raises(ValueError, match="read dates must be in order"):
        cycles_of([date(2026, 1, day) for day in days], ReadDay.FIRST_DAY)


def test_a_cycle_over_a_change_of_the_clock_is_an_hour_shorter_or_longer():
    start_us, end_us = Cycle(date(2026, 2, 6), date(2026, 3, 10)).edges_us(LOS_ANGELES)
    assert datetime.fromtimestamp(start_us / 1e6, UTC).isoformat() == "2026-02-06T08:00:00+00:00"
    assert (end_us - start_us) / 3_600_000_000 == 33 * 24 - 1
    start_us, end_us = Cycle(date(2026, 10, 8), date(2026, 11, 5)).edges_us(LOS_ANGELES)
    assert (end_us - start_us) / 3_600_000_000 == 29 * 24 + 1


def blocks(first: date, last: date) -> list[tuple[str, str, int, str, str]]:
    return [
        (str(one.first_day), str(one.last_day), one.days, one.version.id, one.season.name)
        for one in blocks_of(Cycle(first, last), RULES)
        if one.version is not None and one.season is not None
    ]


def test_a_season_that_changes_within_a_cycle_gives_two_blocks():
    # 8 May to 8 June: 24 days of May, 8 of June
    assert blocks(date(2026, 5, 8), date(2026, 6, 8)) == [
        ("2026-05-08", "2026-05-31", 24, "2026-03-01", "winter"),
        ("2026-06-01", "2026-06-08", 8, "2026-03-01", "summer"),
    ]


def test_prices_that_change_within_a_cycle_give_two_blocks():
    # The base services charge began on 1 March: 23 days without, 10 with it.
    assert blocks(date(2026, 2, 6), date(2026, 3, 10)) == [
        ("2026-02-06", "2026-02-28", 23, "2026-01-01", "winter"),
        ("2026-03-01", "2026-03-10", 10, "2026-03-01", "winter"),
    ]


@pytest.mark.parametrize(
    ("day", "days"), [("2024-02-29", 29), ("2026-02-01", 28), ("2026-12-31", 31), ("2026-04-30", 30)]
)
def test_a_calendar_month_ends_with_its_last_day(day, days):
    month = month_of(date.fromisoformat(day))
    assert (month.first_day.day, month.days) == (1, days)


@given(st.lists(st.integers(1, 70), min_size=1, max_size=30), st.sampled_from(ReadDay))
def test_cycles_leave_no_day_out_and_none_twice(lengths, meaning):
    ordinal, reads = date(2025, 3, 1).toordinal(), [date(2025, 3, 1)]
    for length in lengths:
        ordinal += length
        reads.append(date.fromordinal(ordinal))
    cycles = cycles_of(reads, meaning)
    assert [one.days for one in cycles] == lengths
    first, last = cycles[0].first_day.toordinal(), cycles[-1].last_day.toordinal()
    held = [cycle_on(cycles, date.fromordinal(day)) for day in range(first, last + 1)]
    assert [held.count(one) for one in cycles] == lengths
    assert sum(block.days for one in cycles for block in blocks_of(one, RULES)) == sum(lengths)
