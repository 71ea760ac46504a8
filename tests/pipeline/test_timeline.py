"""Bucket and interval edges in one line: by hand, on days of 23, 24 and 25 hours, and asked for in any order."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.timeline import Timeline
from tests.oracle import etouc as oracle

from .world import MIN, NOON_US, HandCalendar, S, by_hand, etouc, tries, utc_us


def test_quarters_and_a_bucket_edge_between_them() -> None:
    timeline = by_hand((NOON_US + 20 * MIN, 2), first=1)
    table = timeline.table(NOON_US, NOON_US + 45 * MIN)
    assert [(at - NOON_US) // MIN for at in table.edges_us] == [0, 15, 20, 30, 45]
    assert list(table.bucket_ids) == [1, 1, 2, 2, 2]


def test_edge_is_strictly_after_the_instant() -> None:
    timeline = by_hand()
    assert timeline.next_edge_us(NOON_US - 1) == NOON_US
    assert timeline.next_edge_us(NOON_US) == NOON_US + 15 * MIN


def test_table_holds_an_edge_at_its_end_and_begins_with_its_start() -> None:
    assert list(by_hand().table(NOON_US + 1, NOON_US + 15 * MIN).edges_us) == [NOON_US + 1, NOON_US + 15 * MIN]
    assert list(by_hand().table(NOON_US + 1, NOON_US + 15 * MIN - 1).edges_us) == [NOON_US + 1]


@pytest.mark.parametrize(
    ("zone", "interval_min", "edge"),
    [
        ("UTC", 60, "2026-07-01T13:00+00:00"),
        ("Asia/Kolkata", 60, "2026-07-01T18:00+05:30"),  # 12:30 UTC
        ("Asia/Kathmandu", 60, "2026-07-01T18:00+05:45"),
        ("Asia/Kathmandu", 15, "2026-07-01T18:00+05:45"),
        ("America/St_Johns", 30, "2026-07-01T10:00-02:30"),
    ],
)
def test_interval_lies_on_the_zones_own_hours(zone: str, interval_min: int, edge: str) -> None:
    calendar = replace(HandCalendar(1, ()), zone=ZoneInfo(zone))
    assert Timeline(calendar, interval_min).next_edge_us(NOON_US) == utc_us(edge)


@pytest.mark.parametrize("interval_min", [15, 60])
@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-07-01T00:00-07:00", "2026-07-02T00:00-07:00"),
        ("2026-03-08T00:00-08:00", "2026-03-09T00:00-07:00"),  # 23 hours
        ("2026-11-01T00:00-07:00", "2026-11-02T00:00-08:00"),  # 25 hours
        ("2026-09-30T12:00-07:00", "2026-10-01T12:00-07:00"),  # summer ends
        ("2025-12-31T12:00-08:00", "2026-01-01T12:00-08:00"),  # a tariff version ends: same buckets
    ],
)
def test_table_is_the_walk_over_the_minutes(start: str, end: str, interval_min: int) -> None:
    calendar = etouc()
    table = Timeline(calendar, interval_min).table(utc_us(start), utc_us(end))
    found = [(at, calendar.bucket_names[b]) for at, b in zip(table.edges_us, table.bucket_ids, strict=True)]
    assert found[1:] == oracle.edges(utc_us(start), utc_us(end), interval_min)


@given(offsets=st.lists(st.integers(-3 * 24 * 60 * MIN, 3 * 24 * 60 * MIN), min_size=1, max_size=12))
@tries(50)
def test_answer_does_not_depend_on_what_was_asked_before(offsets: list[int]) -> None:
    """The kept answer of a live loop and the fresh one after a restart are the same, over the autumn change too."""
    middle_us = utc_us("2026-11-01T02:00-08:00")
    kept = Timeline(etouc(), 15)
    for offset_us in offsets:
        assert kept.next_edge_us(middle_us + offset_us) == Timeline(etouc(), 15).next_edge_us(middle_us + offset_us)


@pytest.mark.parametrize("before_us", [1, S, 15 * MIN])
def test_last_edge_before_the_hour_that_is_not_there(before_us: int) -> None:
    gone = utc_us("2026-03-08T03:00-07:00")  # 02:00 to 03:00 do not exist on this day
    assert Timeline(etouc(), 60).next_edge_us(gone - before_us) == gone
