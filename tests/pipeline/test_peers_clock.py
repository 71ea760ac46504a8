"""What went wrong elsewhere when the clock was set, each with the peer's own wrong result as control.

home-assistant/core#114721 and #90730 (a "month" of one hour), #102984 (the repeated hour is not reset),
evcc-io/evcc#28831 (a price zone one hour early), and two things that evcc's zones cannot say.
"""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from gateway.tariff.calendar import Calendar
from gateway.tariff.cycles import month_of
from gateway.tariff.types import DayClass, Holiday, Observance, Period, Tariff, Version
from gateway.timeline import Timeline

HOUR = timedelta(hours=1)


def us(instant: datetime) -> int:
    return round(instant.timestamp()) * 1_000_000


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def calendar_of(zone: str, *periods: Period, holidays: tuple[Holiday, ...] = ()) -> Calendar:
    version = Version(effective=date(2020, 1, 1), source="x")
    rest = Period(name="rest", start="00:00", end="24:00")
    return Calendar(
        Tariff(
            format=1, id="x", name="x", utility="x", zone=zone, currency="X", source="x",
            period=(*periods, rest), version=(version,), holiday=holidays,
        )
    )  # fmt: skip


def edges(calendar: Calendar, start: str, end: str) -> list[datetime]:
    table = calendar.edges(us(utc(start)), us(utc(end)))
    return [datetime.fromtimestamp(edge // 1_000_000, UTC) for edge in table.edges_us[1:]]


# --- Home Assistant: cycles --------------------------------------------------------------------------------------

PARIS = ZoneInfo("Europe/Paris")


def months_of(year: int) -> list[tuple[int, int]]:
    return [month_of(date(year, month, 1)).edges_us(PARIS) for month in range(1, 13)]


def months_with_the_shift_twice(year: int) -> list[datetime]:
    """The peer's resets: midnight of the month, moved by the clock's change since the reset before it, and again at
    midnight, because the month is not over yet when the first one comes."""
    resets = []
    for month in range(1, 13):
        first = datetime(year, month, 1, tzinfo=PARIS)
        following = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=PARIS)
        shift = (following.utcoffset() or HOUR) - (first.utcoffset() or HOUR)
        resets += sorted({(following - max(shift, timedelta(0))).astimezone(UTC), following.astimezone(UTC)})
    return resets


@pytest.mark.parametrize(
    ("year", "early"),
    [
        (2023, "2023-03-31T21:00"),  # core#90730: "Detected new cycle", and again at 22:00 UTC
        (2024, "2024-03-31T21:00"),  # core#114721: 23:00 in France, on the day of the change itself
    ],
)
def test_core_114721_no_thirteenth_month_of_one_hour(year, early):
    months = months_of(year)
    lengths = [(end - start) // 3_600_000_000 for start, end in months]
    march, october = 31 * 24 - 1, 31 * 24 + 1
    february = (29 if year == 2024 else 28) * 24
    assert lengths == [744, february, march, 720, 744, 720, 744, 744, 720, october, 720, 744]
    assert all(end == start for (_, end), (start, _) in pairwise(months))
    assert months[2][1] == us(utc(early) + HOUR)  # 22:00 UTC is midnight of 1 April
    # Control: the peer's reset of the log is among its own, thirteen in the year, and not among ours.
    peer = months_with_the_shift_twice(year)
    assert utc(early) in peer
    assert len(peer) == 13
    assert us(utc(early)) not in {edge for month in months for edge in month}


def resets_by_the_wall(start: datetime, hours: int) -> list[datetime]:
    """The peer's hourly resets: the next full hour of the wall clock, which knows each hour of a day once."""
    wall = start.astimezone(ZoneInfo("Europe/Stockholm")).replace(tzinfo=None)
    walls = (wall + hour * HOUR for hour in range(1, hours))
    return [one.replace(tzinfo=ZoneInfo("Europe/Stockholm")).astimezone(UTC) for one in walls]


def test_core_102984_the_repeated_hour_is_an_interval_of_its_own():
    # 25 October 2026 (the ticket's was 29 October 2023), 03:00 becomes 02:00 at 01:00 UTC
    start, end = utc("2026-10-24T22:00"), utc("2026-10-25T23:00")
    timeline = Timeline(calendar_of("Europe/Stockholm"), interval_min=60)
    found = list(timeline.table(us(start), us(end)).edges_us)
    assert [later - earlier for earlier, later in pairwise(found)] == [3_600_000_000] * 25
    # Control: the peer closes 02:00 once, after two hours.
    peer = [start, *resets_by_the_wall(start, 25)]
    assert max(later - earlier for earlier, later in pairwise(peer)) == 2 * HOUR
    assert len(peer) == 25


def test_core_102984_the_repeated_hour_is_in_its_bucket_both_times():
    night = Period(name="night", start="02:00", end="03:00")
    assert edges(calendar_of("Europe/Stockholm", night), "2023-10-28T22:00", "2023-10-29T23:00") == [
        utc("2023-10-29T00:00"),  # 02:00, 02:00 again at 01:00 UTC, until 03:00 at 02:00 UTC
        utc("2023-10-29T02:00"),
    ]


# --- evcc: price zones -------------------------------------------------------------------------------------------


def midnight_plus(zone: str, day: date, hours: int) -> datetime:
    """The peer's edge: so many hours after midnight, as time passes."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC) + hours * HOUR


@pytest.mark.parametrize(
    ("zone", "day", "begins", "peer"),
    [
        # evcc#28831: zone 18:00 to 20:00 was active from 17:00 on 5 April 2026; 18:00 AEST is 08:00 UTC
        ("Australia/Sydney", "2026-04-05", "2026-04-05T08:00", "2026-04-05T07:00"),
        # the other way: on 29 March 2026 in Germany midnight and 18 hours is 19:00
        ("Europe/Berlin", "2026-03-29", "2026-03-29T16:00", "2026-03-29T17:00"),
        ("America/Los_Angeles", "2026-11-01", "2026-11-02T02:00", "2026-11-02T01:00"),
        ("Australia/Lord_Howe", "2026-04-05", "2026-04-05T07:30", "2026-04-05T07:00"),
    ],
)
def test_evcc_28831_a_zone_begins_by_the_clock_on_the_day_of_the_change(zone, day, begins, peer):
    shoulder = Period(name="shoulder", start="18:00", end="20:00")
    calendar = calendar_of(zone, shoulder)
    start = utc(begins) - 12 * HOUR
    assert edges(calendar, f"{start:%Y-%m-%dT%H:%M}", f"{start + 20 * HOUR:%Y-%m-%dT%H:%M}") == [
        utc(begins),
        utc(begins) + 2 * HOUR,
    ]
    # Control: the peer's rule gives what its user saw, and there ours still has the other bucket.
    assert midnight_plus(zone, date.fromisoformat(day), 18) == utc(peer)
    at_peer = calendar.bucket_names[calendar.bucket_at(us(utc(peer)))]
    assert at_peer == ("rest" if utc(peer) < utc(begins) else "shoulder")
    assert (calendar.bucket_at(us(utc(peer) - HOUR)) == calendar.bucket_at(us(utc(begins)))) == (peer > begins)


def test_evcc_zones_cannot_run_over_midnight_and_ours_do():
    # Danish network charges, 21:00 to 06:00; the peer has `hours: 21-0` and a second zone
    night = Period(name="night", start="21:00", end="06:00")
    assert edges(calendar_of("Europe/Copenhagen", night), "2026-07-01T12:00", "2026-07-02T12:00") == [
        utc("2026-07-01T19:00"),
        utc("2026-07-02T04:00"),
    ]


def test_evcc_zones_know_no_holidays_and_ours_do():
    # Monday 5 July 2027 is the Fourth; a zone by weekday bills it as a Monday
    weekdays = Period(name="peak", start="17:00", end="20:00", days=(DayClass.WEEKDAY,))
    fourth = Holiday(name="Independence Day", on="07-04", observed=Observance.SUNDAY_TO_MONDAY)
    monday = ("2027-07-05T07:00", "2027-07-06T07:00")
    assert edges(calendar_of("America/Los_Angeles", weekdays, holidays=(fourth,)), *monday) == []
    assert len(edges(calendar_of("America/Los_Angeles", weekdays), *monday)) == 2  # control: without the list
