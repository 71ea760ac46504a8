"""The clock is set: 24 zones, both ways, in 2026; the leap day; the end of the year; standard time. By hand.

Each zone's rule is written as the UTC instant of its change and the minutes from UTC before and after it, from the
rules as its government states them; what follows is addition.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.tariff.calendar import Calendar
from gateway.tariff.reasons import clock_note
from gateway.tariff.types import ClockKind, DayClass, Period, Season, Tariff, Version
from gateway.tariff.walltime import clock_changes

HOUR_US = 3_600_000_000

# zone: the change to summer time and the one back, each as (UTC, offset before, offset after), in minutes
CHANGES = {
    # second Sunday of March, first Sunday of November, 02:00
    "America/Los_Angeles": (("2026-03-08T10:00", -480, -420), ("2026-11-01T09:00", -420, -480)),
    "America/Denver": (("2026-03-08T09:00", -420, -360), ("2026-11-01T08:00", -360, -420)),
    "America/Chicago": (("2026-03-08T08:00", -360, -300), ("2026-11-01T07:00", -300, -360)),
    "America/New_York": (("2026-03-08T07:00", -300, -240), ("2026-11-01T06:00", -240, -300)),
    "America/Halifax": (("2026-03-08T06:00", -240, -180), ("2026-11-01T05:00", -180, -240)),
    "America/St_Johns": (("2026-03-08T05:30", -210, -150), ("2026-11-01T04:30", -150, -210)),
    "America/Anchorage": (("2026-03-08T11:00", -540, -480), ("2026-11-01T10:00", -480, -540)),
    # the same Sundays, at midnight: 00:00 becomes 01:00, and 01:00 becomes 00:00
    "America/Havana": (("2026-03-08T05:00", -300, -240), ("2026-11-01T05:00", -240, -300)),
    # first Sunday on or after 2 September and 2 April, 24:00 of the Saturday
    "America/Santiago": (("2026-09-06T04:00", -240, -180), ("2026-04-05T03:00", -180, -240)),
    # last Sundays of March and October, 01:00 UTC in the whole Union
    "Atlantic/Azores": (("2026-03-29T01:00", -60, 0), ("2026-10-25T01:00", 0, -60)),
    "Europe/London": (("2026-03-29T01:00", 0, 60), ("2026-10-25T01:00", 60, 0)),
    "Europe/Dublin": (("2026-03-29T01:00", 0, 60), ("2026-10-25T01:00", 60, 0)),
    "Europe/Berlin": (("2026-03-29T01:00", 60, 120), ("2026-10-25T01:00", 120, 60)),
    "Europe/Athens": (("2026-03-29T01:00", 120, 180), ("2026-10-25T01:00", 180, 120)),
    "America/Nuuk": (("2026-03-29T01:00", -120, -60), ("2026-10-25T01:00", -60, -120)),
    "Antarctica/Troll": (("2026-03-29T01:00", 0, 120), ("2026-10-25T01:00", 120, 0)),
    # last Friday of April 00:00, last Thursday of October 24:00
    "Africa/Cairo": (("2026-04-23T22:00", 120, 180), ("2026-10-29T21:00", 180, 120)),
    # Friday before the last Sunday of March 02:00, last Sunday of October 02:00
    "Asia/Jerusalem": (("2026-03-27T00:00", 120, 180), ("2026-10-24T23:00", 180, 120)),
    # last Sunday of March 00:00, of October 00:00
    "Asia/Beirut": (("2026-03-28T22:00", 120, 180), ("2026-10-24T21:00", 180, 120)),
    # Ramadan is spent on UTC: 15 February 03:00, 22 March 02:00
    "Africa/Casablanca": (("2026-03-22T02:00", 0, 60), ("2026-02-15T02:00", 60, 0)),
    # first Sundays of October and April, 02:00 standard time
    "Australia/Sydney": (("2026-10-03T16:00", 600, 660), ("2026-04-04T16:00", 660, 600)),
    "Australia/Adelaide": (("2026-10-03T16:30", 570, 630), ("2026-04-04T16:30", 630, 570)),
    "Australia/Lord_Howe": (("2026-10-03T15:30", 630, 660), ("2026-04-04T15:00", 660, 630)),
    # last Sunday of September 02:00 standard time, first of April 03:00 summer time; Chatham 45 minutes ahead
    "Pacific/Auckland": (("2026-09-26T14:00", 720, 780), ("2026-04-04T14:00", 780, 720)),
    "Pacific/Chatham": (("2026-09-26T14:00", 765, 825), ("2026-04-04T14:00", 825, 765)),
}
BOTH_WAYS = [(zone, *change) for zone, changes in CHANGES.items() for change in changes]


def us(moment: datetime) -> int:
    return round(moment.timestamp()) * 1_000_000


def calendar_of(
    zone: str, *periods: tuple[str, str, str], clock: ClockKind = ClockKind.LOCAL, seasons: tuple[Season, ...] = ()
) -> Calendar:
    made = (Period(name=name, start=start, end=end, days=(DayClass.EVERY,)) for name, start, end in periods)
    version = Version(effective=date(2020, 1, 1), source="x")
    return Calendar(
        Tariff(
            format=1, id="x", name="x", utility="x", zone=zone, currency="X", source="x", clock=clock,
            season=seasons, period=tuple(made), version=(version,),
        )
    )  # fmt: skip


def true_edges(calendar: Calendar, start: datetime, end: datetime) -> list[datetime]:
    table = calendar.edges(us(start), us(end))
    return [datetime.fromtimestamp(edge // 1_000_000, UTC) for edge in table.edges_us[1:]]


def at(wall: datetime, offset_min: int) -> datetime:
    return wall - timedelta(minutes=offset_min)


@pytest.mark.parametrize(("zone", "instant", "before", "after"), BOTH_WAYS)
def test_hours_go_by_the_clock_on_both_sides_of_a_change(zone, instant, before, after):
    change = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    first = (change + timedelta(minutes=before)).replace(hour=12, minute=0) - timedelta(days=2)
    walls = [first.replace(hour=hour) + timedelta(days=day) for day in range(4) for hour in (16, 21)]
    expected = [at(wall, before if at(wall, before) < change else after) for wall in walls]
    assert expected == sorted(expected)
    calendar = calendar_of(zone, ("peak", "16:00", "21:00"), ("off", "00:00", "24:00"))
    assert (
        true_edges(calendar, at(walls[0], before) - timedelta(hours=3), expected[-1] + timedelta(hours=1)) == expected
    )


@pytest.mark.parametrize(("zone", "instant", "before", "after"), BOTH_WAYS)
def test_the_change_itself_is_found_and_the_day_has_its_length(zone, instant, before, after):
    change = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    found = clock_changes(us(change - timedelta(hours=30)), us(change + timedelta(hours=30)), ZoneInfo(zone))
    assert [one.at_us for one in found] == [us(change)]
    shown = change.replace(tzinfo=None)
    assert found[0].before == shown + timedelta(minutes=before)
    assert found[0].after == shown + timedelta(minutes=after)
    assert str(found[0]).endswith(f"a day of {24 - (after - before) / 60:g} hours")
    assert (" jumps " in str(found[0])) == (after > before)


@pytest.mark.parametrize(("zone", "instant", "before", "after"), BOTH_WAYS)
def test_an_edge_within_the_change_is_jumped_over_or_comes_twice(zone, instant, before, after):
    # A period of six hours that begins in the middle of what is jumped over, or comes twice.
    change = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    half = timedelta(minutes=abs(after - before)) / 2
    middle = change + timedelta(minutes=min(before, after)) + half
    clocks = f"{middle:%H:%M}", f"{middle + timedelta(hours=6):%H:%M}"
    calendar = calendar_of(zone, ("x", *clocks), ("off", "00:00", "24:00"))
    found = true_edges(calendar, change - timedelta(hours=2), change + timedelta(hours=2))
    # Never: it begins with the jump. Twice: it begins, the clock goes back before it, it begins again.
    assert found == ([change] if after > before else [change - half, change, change + half])


def test_zones_without_summer_time_have_the_same_hours_all_year():
    # Nepal is 5:45 ahead: 16:00 is 10:15 UTC; India 5:30; the Line Islands 14 hours.
    for zone, utc in (("Asia/Kathmandu", "10:15"), ("Asia/Kolkata", "10:30"), ("Pacific/Kiritimati", "02:00")):
        calendar = calendar_of(zone, ("peak", "16:00", "21:00"), ("off", "00:00", "24:00"))
        found = true_edges(calendar, datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
        assert {f"{one:%H:%M}" for one in found[::2]} | {f"{one:%H:%M}" for one in found[1::2]} >= {utc}
        assert len(found) == 2 * 365


def test_standard_time_goes_on_when_the_clock_on_the_wall_is_set():
    # 16:00 Pacific standard time is 00:00 UTC on every day of the year, and 17:00 on the wall in summer
    calendar = calendar_of(
        "America/Los_Angeles", ("peak", "16:00", "21:00"), ("off", "00:00", "24:00"), clock=ClockKind.STANDARD
    )
    found = true_edges(calendar, datetime(2026, 3, 6, 12, tzinfo=UTC), datetime(2026, 3, 10, 12, tzinfo=UTC))
    assert [f"{one:%d %H:%M}" for one in found] == [
        f"{day:02} {hour}:00" for day in (7, 8, 9, 10) for hour in ("00", "05")
    ]
    assert "standard time all year" in clock_note(calendar, us(datetime(2026, 7, 1, tzinfo=UTC)))


SEASONS = (Season(name="a", first="03-01", last="12-31"), Season(name="b", first="01-01", last="02-28"))


def test_the_leap_day_has_the_bucket_that_its_season_gives_it():
    # February to the 28th: the 29th belongs to no season, and is unassigned for 24 hours from 08:00 UTC
    calendar = calendar_of("America/Los_Angeles", ("all", "00:00", "24:00"), seasons=SEASONS)
    found = true_edges(calendar, datetime(2028, 2, 20, tzinfo=UTC), datetime(2028, 3, 10, tzinfo=UTC))
    assert [f"{one:%m-%d %H:%M}" for one in found] == ["02-29 08:00", "03-01 08:00"]
    names = [calendar.bucket_names[calendar.bucket_at(us(one))] for one in found]
    assert names == ["unassigned", "a_all"]
    assert "has no season for 02-29" in calendar.explain(us(found[0]))
    # In 2026 and 2100 there is none
    for year in (2026, 2100):
        found = true_edges(calendar, datetime(year, 2, 20, tzinfo=UTC), datetime(year, 3, 10, tzinfo=UTC))
        assert [f"{one:%m-%d %H:%M}" for one in found] == ["03-01 08:00"]


def test_a_season_to_the_leap_day_has_no_hole():
    seasons = (SEASONS[0], Season(name="b", first="01-01", last="02-29"))
    calendar = calendar_of("America/Los_Angeles", ("all", "00:00", "24:00"), seasons=seasons)
    for year in (2026, 2028):
        found = true_edges(calendar, datetime(year, 2, 20, tzinfo=UTC), datetime(year, 3, 10, tzinfo=UTC))
        assert [f"{one:%m-%d %H:%M}" for one in found] == ["03-01 08:00"]


@pytest.mark.parametrize(
    ("zone", "edge"),
    [
        ("America/Los_Angeles", "2027-01-01T08:00"),
        ("Australia/Sydney", "2026-12-31T13:00"),
        ("Asia/Kathmandu", "2026-12-31T18:15"),
        ("Pacific/Kiritimati", "2026-12-31T10:00"),
        ("Pacific/Pago_Pago", "2027-01-01T11:00"),
    ],
)
def test_the_year_ends_at_local_midnight(zone, edge):
    calendar = calendar_of(zone, ("all", "00:00", "24:00"), seasons=SEASONS)
    instant = datetime.fromisoformat(edge).replace(tzinfo=UTC)
    found = true_edges(calendar, instant - timedelta(days=3), instant + timedelta(days=3))
    assert found == [instant]


def test_a_day_that_a_zone_left_out_does_not_happen():
    # Samoa crossed the date line: Thursday 29 December 2011 was followed by Saturday 31, at 10:00 UTC
    calendar = Calendar(
        Tariff(
            format=1, id="x", name="x", utility="x", zone="Pacific/Apia", currency="X", source="x",
            period=(
                Period(name="friday", start="00:00", end="24:00", days=(DayClass.FRIDAY,)),
                Period(name="saturday", start="00:00", end="24:00", days=(DayClass.SATURDAY,)),
                Period(name="other", start="00:00", end="24:00"),
            ),
            version=(Version(effective=date(2010, 1, 1), source="x"),),
        )
    )  # fmt: skip
    table = calendar.edges(us(datetime(2011, 12, 27, tzinfo=UTC)), us(datetime(2012, 1, 2, tzinfo=UTC)))
    names = [calendar.bucket_names[one] for one in table.bucket_ids]
    assert names == ["other", "saturday", "other"]
    assert table.edges_us[1] == us(datetime(2011, 12, 30, 10, tzinfo=UTC))
