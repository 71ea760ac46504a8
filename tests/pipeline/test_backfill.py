"""An outage filled from the load profile: energies and instants by hand, the clock of the meter off or right."""

from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.iec62056.load_profile import IntervalEnergy
from drivers.iec62056.meter_stamp import MeterStamp, Season
from drivers.meter_time import ClockZone
from gateway.reading.backfill import Offset, entries_of, recut, stamp_at
from gateway.reading.load_profile import ProfileEntry
from gateway.tariff.calendar import Calendar
from gateway.tariff.tariff_file import load_tariff

from .world import S, tries

QUARTER = 900 * S
ZONE = Calendar(load_tariff("pge-e-tou-c")).zone


def us(text: str) -> int:
    """An instant of UTC, written by hand."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * S


def shown(text: str, season: Season | None) -> MeterStamp:
    return MeterStamp(datetime.fromisoformat(text), season)


@pytest.mark.parametrize(
    ("utc", "zone", "stamp"),
    [
        ("2026-07-15T23:00:00", ClockZone.LOCAL, shown("2026-07-15T16:00:00", Season.SUMMER)),
        ("2026-07-15T23:00:00", ClockZone.STANDARD, shown("2026-07-15T15:00:00", Season.WINTER)),
        ("2026-07-15T23:00:00", ClockZone.UTC, shown("2026-07-15T23:00:00", Season.UTC)),
        ("2026-01-15T23:00:00", ClockZone.LOCAL, shown("2026-01-15T15:00:00", Season.WINTER)),
        # 1 November 2026: 01:30 comes twice, first in summer time (UTC-7), then in winter time (UTC-8).
        ("2026-11-01T08:30:00", ClockZone.LOCAL, shown("2026-11-01T01:30:00", Season.SUMMER)),
        ("2026-11-01T09:30:00", ClockZone.LOCAL, shown("2026-11-01T01:30:00", Season.WINTER)),
    ],
)
def test_a_stretch_is_asked_for_in_the_meters_own_time(utc: str, zone: ClockZone, stamp: MeterStamp) -> None:
    assert stamp_at(us(utc), ZONE, zone) == stamp


def line(start: str, end: str, season: Season | None, milliwh: int) -> IntervalEnergy:
    return IntervalEnergy(shown(start, season), shown(end, season), milliwh, 1, "00")


def test_the_hour_that_comes_twice_is_placed_by_its_season() -> None:
    energies = [
        line("2026-11-01T01:00:00", "2026-11-01T01:15:00", Season.SUMMER, 5),
        line("2026-11-01T01:00:00", "2026-11-01T01:15:00", Season.WINTER, 7),
        line("2026-11-01T01:00:00", "2026-11-01T01:15:00", Season.WINTER, 7),  # read twice
    ]
    first, second = us("2026-11-01T08:00:00"), us("2026-11-01T09:00:00")
    assert entries_of(energies, ClockZone.LOCAL, ZONE, Fraction(1)) == [
        ProfileEntry(first, first + QUARTER, 5),
        ProfileEntry(second, second + QUARTER, 7),
    ]


def test_without_a_season_the_hour_that_comes_twice_is_left_out() -> None:
    energies = [
        line("2026-11-01T00:30:00", "2026-11-01T00:45:00", None, 3),
        line("2026-11-01T01:00:00", "2026-11-01T01:15:00", None, 5),
    ]
    start = us("2026-11-01T07:30:00")
    assert entries_of(energies, ClockZone.LOCAL, ZONE, Fraction(1)) == [ProfileEntry(start, start + QUARTER, 3)]


def test_transformers_multiply_the_profile_as_they_do_the_registers() -> None:
    energies = [line("2026-01-01T00:00:00", "2026-01-01T00:15:00", Season.WINTER, 10)]
    assert [one.milliwh for one in entries_of(energies, ClockZone.LOCAL, ZONE, Fraction(200, 5))] == [400]


def quarters(*milliwh: int) -> list[ProfileEntry]:
    return [ProfileEntry(n * QUARTER, (n + 1) * QUARTER, one) for n, one in enumerate(milliwh)]


def test_a_right_clock_moves_nothing() -> None:
    entries = quarters(100, 200, 300, 400)
    assert recut(entries, Offset(1 * S, 2 * S), QUARTER, 3 * QUARTER) == tuple(entries[1:3])


def test_a_clock_that_is_ahead_gives_each_quarter_the_beginning_of_the_next() -> None:
    # 90 s ahead: what the meter calls 00:15 is our 00:13:30, so a tenth of its next quarter is still ours.
    entries = quarters(100, 200, 300, 400)
    found = recut(entries, Offset(90 * S, 1 * S), 0, 3 * QUARTER)
    assert [one.milliwh for one in found] == [90 + 20, 180 + 30, 270 + 40]
    # Behind: a tenth of the quarter before.
    found = recut(entries, Offset(-90 * S, 1 * S), QUARTER, 4 * QUARTER)
    assert [one.milliwh for one in found] == [10 + 180, 20 + 270, 30 + 360]


def test_a_hole_stays_a_hole() -> None:
    entries = [one for one in quarters(100, 200, 300, 400) if one.milliwh != 200]
    assert [one.start_us for one in recut(entries, Offset(0, S), 0, 4 * QUARTER)] == [0, 2 * QUARTER, 3 * QUARTER]
    # Moved, the hole reaches into the quarter beside it; and the last quarter's end is not there.
    assert [one.start_us for one in recut(entries, Offset(90 * S, S), 0, 4 * QUARTER)] == [2 * QUARTER]


@given(
    milliwh=st.lists(st.integers(0, 10**9), min_size=4, max_size=12),
    offset_s=st.integers(-400, 400),
)
@tries(100)
def test_what_is_moved_is_neither_lost_nor_doubled(milliwh: list[int], offset_s: int) -> None:
    """Between two of our quarters lies what the meter counted between the same instants of its own, to its digits."""
    entries = quarters(*milliwh)
    found = recut(entries, Offset(offset_s * S, 0), QUARTER, (len(milliwh) - 1) * QUARTER)
    assert len(found) == len(milliwh) - 2
    share = Fraction(offset_s, 900)
    for place, one in enumerate(found, 1):
        beside = milliwh[place + 1] if share > 0 else milliwh[place - 1]
        exact = milliwh[place] * (1 - abs(share)) + beside * abs(share)
        assert abs(one.milliwh - exact) < 2
    assert [one.start_us for one in found] == [n * QUARTER for n in range(1, len(milliwh) - 1)]
