"""The calendar of PG&E E-TOU-C. Expected instants are written by hand from the schedule and the US rules for DST.

Pacific standard time is UTC-8: 16:00 is 00:00Z of the next day, 21:00 is 05:00Z. Daylight time is UTC-7: 23:00Z and
04:00Z. DST runs from the second Sunday of March, 2 a.m. (10:00Z), to the first of November, 2 a.m. (09:00Z):
2025-03-09 to 11-02, 2026-03-08 to 11-01, 2027-03-14 to 11-07.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.tariff.calendar import Calendar
from gateway.tariff.tariff_file import load_tariff

CALENDAR = Calendar(load_tariff("pge-e-tou-c"))
LOS_ANGELES = ZoneInfo("America/Los_Angeles")
MINUTE = timedelta(minutes=1)


def us(text: str) -> int:
    """`2026-03-08T00:00` in UTC -> microseconds."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def edges_between(start: str, end: str) -> list[tuple[str, str]]:
    """True edges only: what the start itself has is left out."""
    table = CALENDAR.edges(us(start), us(end))
    instants = [datetime.fromtimestamp(edge // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M") for edge in table.edges_us]
    buckets = [CALENDAR.bucket_names[bucket] for bucket in table.bucket_ids]
    return list(zip(instants, buckets, strict=True))[1:]


WP, WO, SP, SO = "winter_peak", "winter_off_peak", "summer_peak", "summer_off_peak"

BY_HAND = {
    "spring 2025": ("2025-03-08T20:00", "2025-03-10T05:00", [
        ("2025-03-09T00:00", WP), ("2025-03-09T05:00", WO), ("2025-03-09T23:00", WP), ("2025-03-10T04:00", WO),
    ]),
    "autumn 2025": ("2025-11-01T20:00", "2025-11-03T06:00", [
        ("2025-11-01T23:00", WP), ("2025-11-02T04:00", WO), ("2025-11-03T00:00", WP), ("2025-11-03T05:00", WO),
    ]),
    "spring 2026": ("2026-03-07T20:00", "2026-03-09T05:00", [
        ("2026-03-08T00:00", WP), ("2026-03-08T05:00", WO), ("2026-03-08T23:00", WP), ("2026-03-09T04:00", WO),
    ]),
    "autumn 2026": ("2026-10-31T20:00", "2026-11-02T06:00", [
        ("2026-10-31T23:00", WP), ("2026-11-01T04:00", WO), ("2026-11-02T00:00", WP), ("2026-11-02T05:00", WO),
    ]),
    "spring 2027": ("2027-03-13T20:00", "2027-03-15T05:00", [
        ("2027-03-14T00:00", WP), ("2027-03-14T05:00", WO), ("2027-03-14T23:00", WP), ("2027-03-15T04:00", WO),
    ]),
    "autumn 2027": ("2027-11-06T20:00", "2027-11-08T06:00", [
        ("2027-11-06T23:00", WP), ("2027-11-07T04:00", WO), ("2027-11-08T00:00", WP), ("2027-11-08T05:00", WO),
    ]),
    "summer begins 2026": ("2026-05-31T20:00", "2026-06-02T05:00", [
        ("2026-05-31T23:00", WP), ("2026-06-01T04:00", WO), ("2026-06-01T07:00", SO),
        ("2026-06-01T23:00", SP), ("2026-06-02T04:00", SO),
    ]),
    "summer ends 2026": ("2026-09-30T20:00", "2026-10-02T05:00", [
        ("2026-09-30T23:00", SP), ("2026-10-01T04:00", SO), ("2026-10-01T07:00", WO),
        ("2026-10-01T23:00", WP), ("2026-10-02T04:00", WO),
    ]),
    "a weekend and a holiday are days like any other": ("2026-07-04T12:00", "2026-07-05T12:00", [
        ("2026-07-04T23:00", SP), ("2026-07-05T04:00", SO),
    ]),
    "the first version begins": ("2024-12-30T00:00", "2025-01-02T06:00", [
        ("2025-01-01T08:00", WO), ("2025-01-02T00:00", WP), ("2025-01-02T05:00", WO),
    ]),
    "a change of prices alone is no edge": ("2026-03-01T06:00", "2026-03-01T20:00", []),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
def test_edges_are_those_written_by_hand(name):
    start, end, expected = BY_HAND[name]
    assert edges_between(start, end) == expected


def test_bucket_names_are_numbered_with_unassigned_first():
    assert CALENDAR.bucket_names == ("unassigned", SP, SO, WP, WO)
    assert CALENDAR.tariff_id == "pge-e-tou-c"


def test_before_the_first_version_nothing_is_assigned():
    assert CALENDAR.bucket_at(us("2024-07-01T00:00")) == 0
    assert CALENDAR.explain(us("2024-07-01T00:00")) == "unassigned: the tariff's first version begins on 2025-01-01"
    assert CALENDAR.version_at(us("2024-07-01T00:00")) == ""


@pytest.mark.parametrize(
    ("instant", "version"),
    [
        ("2025-01-01T07:59", ""),
        ("2025-01-01T08:00", "2025-01-01"),
        ("2025-03-01T07:59", "2025-01-01"),
        ("2025-03-01T08:00", "2025-03-01"),
        ("2025-09-01T06:59", "2025-03-01"),
        ("2025-09-01T07:00", "2025-09-01"),
        ("2026-01-01T08:00", "2026-01-01"),
        ("2026-03-01T07:59", "2026-01-01"),
        ("2026-03-01T08:00", "2026-03-01"),
        ("2030-01-01T00:00", "2026-03-01"),
    ],
)
def test_a_version_holds_from_its_local_midnight(instant, version):
    assert CALENDAR.version_at(us(instant)) == version


def test_the_next_edge_is_strictly_after():
    edge = us("2026-07-01T23:00")
    assert CALENDAR.next_edge_us(edge - 1) == edge
    assert CALENDAR.next_edge_us(edge) == us("2026-07-02T04:00")
    assert CALENDAR.next_edge_us(us("2024-12-01T00:00")) == us("2025-01-01T08:00")


def test_a_reason_names_version_season_day_and_period():
    assert CALENDAR.explain(us("2026-07-02T00:00")) == (
        "summer_peak: version 2026-03-01, season summer (06-01 to 09-30), Wednesday (days: every),"
        " period peak (16:00 to 21:00)"
    )


def test_an_edge_belongs_to_what_begins_with_it():
    edge = us("2026-07-01T23:00")
    names = CALENDAR.bucket_names
    assert (names[CALENDAR.bucket_at(edge - 1)], names[CALENDAR.bucket_at(edge)]) == (SO, SP)


def slow_bucket(instant: datetime) -> str:
    """The schedule in four lines, minute by minute."""
    local = instant.astimezone(LOS_ANGELES)
    if local.year < 2025:
        return "unassigned"
    season = "summer" if 6 <= local.month <= 9 else "winter"
    return f"{season}_peak" if 16 <= local.hour < 21 else f"{season}_off_peak"


@given(st.integers(0, 366 * 5 * 24 * 60), st.integers(1, 3 * 24 * 60))
def test_any_stretch_agrees_with_a_slow_reading_of_the_schedule(first_minute, minutes):
    start = datetime(2024, 11, 1, tzinfo=UTC) + first_minute * MINUTE
    start_us = us(start.strftime("%Y-%m-%dT%H:%M"))
    table = CALENDAR.edges(start_us, start_us + minutes * 60_000_000)
    slow = [slow_bucket(start + offset * MINUTE) for offset in range(minutes)]
    changes = [0, *(offset for offset in range(1, minutes) if slow[offset] != slow[offset - 1])]
    assert list(table.edges_us) == [start_us + offset * 60_000_000 for offset in changes]
    assert [CALENDAR.bucket_names[bucket] for bucket in table.bucket_ids] == [slow[offset] for offset in changes]
    assert table.end_us == start_us + minutes * 60_000_000
