"""Tariffs that PG&E does not have: weekdays, holidays, hours over midnight, gaps, and clocks that jump.

Hand-written instants are in UTC. Any rules in any zone: test_calendar_oracle.
"""

from datetime import UTC, date, datetime

import pytest

from gateway.tariff.calendar import NO_EDGE_US, Calendar
from gateway.tariff.types import ClockKind, DayClass, Holiday, Observance, Period, Season, Tariff, Version


def us(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def period(name: str, start: str, end: str, *days: str, seasons: tuple[str, ...] = ()) -> Period:
    classes = tuple(DayClass(day) for day in days) or (DayClass.EVERY,)
    return Period(name=name, start=start, end=end, days=classes, seasons=seasons)


def tariff_of(
    *periods: Period,
    zone: str = "America/Los_Angeles",
    seasons: tuple[Season, ...] = (),
    holidays: tuple[Holiday, ...] = (),
    clock: ClockKind = ClockKind.LOCAL,
    versions: tuple[Version, ...] = (),
) -> Tariff:
    return Tariff(
        format=1,
        id="test",
        name="a test",
        utility="nobody",
        zone=zone,
        clock=clock,
        currency="USD",
        source="this test",
        season=seasons,
        period=periods,
        holiday=holidays,
        version=versions or (Version(effective=date(2020, 1, 1), source="this test"),),
    )


def edges_of(calendar: Calendar, start: str, end: str) -> list[tuple[str, str]]:
    table = calendar.edges(us(start), us(end))
    instants = [datetime.fromtimestamp(edge // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M") for edge in table.edges_us]
    return list(zip(instants, (calendar.bucket_names[bucket] for bucket in table.bucket_ids), strict=True))[1:]


def test_weekday_hours_hold_on_weekdays():
    calendar = Calendar(tariff_of(period("on", "14:00", "18:00", "weekday"), period("off", "00:00", "24:00")))
    # Friday 2026-07-10, 14:00 and 18:00 PDT; nothing until Monday
    assert edges_of(calendar, "2026-07-10T12:00", "2026-07-14T12:00") == [
        ("2026-07-10T21:00", "on"),
        ("2026-07-11T01:00", "off"),
        ("2026-07-13T21:00", "on"),
        ("2026-07-14T01:00", "off"),
    ]


def test_a_single_weekday_can_be_named():
    calendar = Calendar(tariff_of(period("wash", "08:00", "10:00", "tue"), period("off", "00:00", "24:00")))
    assert edges_of(calendar, "2026-07-10T12:00", "2026-07-17T12:00") == [
        ("2026-07-14T15:00", "wash"),
        ("2026-07-14T17:00", "off"),
    ]


def test_a_listed_holiday_is_neither_weekday_nor_weekend():
    holidays = (Holiday(date=date(2026, 7, 3), name="Independence Day observed"),)
    calendar = Calendar(
        tariff_of(
            period("on", "14:00", "18:00", "weekday"),
            period("rest", "14:00", "18:00", "weekend", "holiday"),
            period("off", "00:00", "24:00"),
            holidays=holidays,
        )
    )
    # Thursday, Friday (the holiday), Saturday
    assert edges_of(calendar, "2026-07-02T12:00", "2026-07-05T12:00") == [
        ("2026-07-02T21:00", "on"),
        ("2026-07-03T01:00", "off"),
        ("2026-07-03T21:00", "rest"),
        ("2026-07-04T01:00", "off"),
        ("2026-07-04T21:00", "rest"),
        ("2026-07-05T01:00", "off"),
    ]
    assert "Friday, holiday Independence Day observed" in calendar.explain(us("2026-07-03T22:00"))


def test_hours_over_midnight_belong_to_the_day_they_begin_on():
    calendar = Calendar(tariff_of(period("night", "22:00", "06:00", "weekday"), period("day", "00:00", "24:00")))
    # Friday 22:00 PDT to Saturday 06:00; Saturday and Sunday have none; Monday 22:00 begins the next
    assert edges_of(calendar, "2026-07-11T00:00", "2026-07-14T14:00") == [
        ("2026-07-11T05:00", "night"),
        ("2026-07-11T13:00", "day"),
        ("2026-07-14T05:00", "night"),
        ("2026-07-14T13:00", "day"),
    ]


def test_a_season_over_the_new_year_and_one_with_hours_of_its_own():
    seasons = (Season(name="winter", first="11-15", last="03-14"), Season(name="summer", first="03-15", last="11-14"))
    calendar = Calendar(
        tariff_of(
            period("sun", "10:00", "14:00", seasons=("winter",)), period("off", "00:00", "24:00"), seasons=seasons
        )
    )
    assert calendar.bucket_names == ("unassigned", "winter_sun", "winter_off", "summer_off")
    assert edges_of(calendar, "2026-11-14T12:00", "2026-11-16T00:00") == [
        ("2026-11-15T08:00", "winter_off"),
        ("2026-11-15T18:00", "winter_sun"),
        ("2026-11-15T22:00", "winter_off"),
    ]
    # PST to 2026-03-08, PDT after it: 15 March begins at 07:00Z
    assert edges_of(calendar, "2026-03-14T22:00", "2026-03-16T00:00") == [("2026-03-15T07:00", "summer_off")]


def test_hours_and_days_that_no_rule_covers_are_unassigned():
    seasons = (Season(name="summer", first="06-01", last="09-30"),)
    calendar = Calendar(tariff_of(period("peak", "16:00", "21:00"), seasons=seasons))
    assert edges_of(calendar, "2026-09-30T12:00", "2026-10-03T12:00") == [
        ("2026-09-30T23:00", "summer_peak"),
        ("2026-10-01T04:00", "unassigned"),
    ]
    assert calendar.explain(us("2026-09-30T12:00")).startswith("unassigned: no period covers this hour of version")
    assert calendar.explain(us("2026-10-02T12:00")) == "unassigned: version 2020-01-01 has no season for 10-02"


def test_a_period_may_exist_in_some_months_alone():
    # SDG&E's midday super off-peak on weekdays of March and April; 30 April 2026 is a Thursday, PDT
    noon = Period(name="noon", start="10:00", end="14:00", days=(DayClass.WEEKDAY,), months=(3, 4))
    calendar = Calendar(tariff_of(noon, period("off", "00:00", "24:00")))
    assert edges_of(calendar, "2026-04-30T12:00", "2026-05-05T12:00") == [
        ("2026-04-30T17:00", "noon"),
        ("2026-04-30T21:00", "off"),
    ]
    # 2 March is a Monday, PST
    assert edges_of(calendar, "2026-02-26T12:00", "2026-03-03T12:00")[0] == ("2026-03-02T18:00", "noon")


def test_a_holiday_that_is_observed_on_monday_leaves_its_sunday():
    fourth = Holiday(name="x", on="07-04", observed=Observance.SUNDAY_TO_MONDAY)
    periods = (period("free", "00:00", "24:00", "holiday"), period("off", "00:00", "24:00"))
    monday = [("2027-07-05T07:00", "free"), ("2027-07-06T07:00", "off")]
    calendar = Calendar(tariff_of(*periods, holidays=(fourth,)))
    assert edges_of(calendar, "2027-07-01T00:00", "2027-07-10T00:00") == monday
    # A Saturday in 2026: it stays there, and no weekday is a holiday
    saturday = [("2026-07-04T07:00", "free"), ("2026-07-05T07:00", "off")]
    assert edges_of(calendar, "2026-07-01T00:00", "2026-07-10T00:00") == saturday
    both = Holiday(name="x", on="07-04", observed=Observance.SUNDAY_TO_MONDAY, keep_day=True)
    calendar = Calendar(tariff_of(*periods, holidays=(both,)))
    assert edges_of(calendar, "2027-07-01T00:00", "2027-07-10T00:00") == [("2027-07-04T07:00", "free"), monday[1]]


def test_hours_over_midnight_are_those_of_the_day_on_which_they_began_holiday_or_not():
    # Thanksgiving, Thursday 26 November 2026, PST: Wednesday's night runs into it, its own night is the holiday's
    holiday = Holiday(name="Thanksgiving", on="fourth thu of nov")
    periods = (period("night", "22:00", "06:00", "weekday"), period("feast", "22:00", "06:00", "holiday"))
    calendar = Calendar(tariff_of(*periods, period("day", "00:00", "24:00"), holidays=(holiday,)))
    assert edges_of(calendar, "2026-11-26T00:00", "2026-11-28T00:00") == [
        ("2026-11-26T06:00", "night"),
        ("2026-11-26T14:00", "day"),
        ("2026-11-27T06:00", "feast"),
        ("2026-11-27T14:00", "day"),
    ]
    assert "Wednesday night (days: weekday)" in calendar.explain(us("2026-11-26T13:00"))
    assert "Thursday, holiday Thanksgiving night" in calendar.explain(us("2026-11-27T13:00"))


def test_a_version_may_end_with_a_hole_before_the_next():
    versions = (
        Version(effective=date(2026, 1, 1), last_day=date(2026, 6, 29), source="a"),
        Version(effective=date(2026, 7, 2), last_day=date(2026, 7, 2), source="b"),
    )
    calendar = Calendar(tariff_of(period("all", "00:00", "24:00"), versions=versions))
    assert edges_of(calendar, "2026-06-01T00:00", "2027-06-01T00:00") == [
        ("2026-06-30T07:00", "unassigned"),
        ("2026-07-02T07:00", "all"),
        ("2026-07-03T07:00", "unassigned"),
    ]
    assert calendar.explain(us("2026-07-01T12:00")) == (
        "unassigned: version 2026-01-01 ended on 2026-06-29 and no other is in force"
    )
    assert calendar.version_at(us("2026-08-01T00:00")) == ""
    assert calendar.next_edge_us(us("2026-08-01T00:00")) == NO_EDGE_US


def test_of_two_versions_that_overlap_the_later_decides():
    versions = (
        Version(effective=date(2026, 1, 1), last_day=date(2026, 7, 31), source="a"),
        Version(effective=date(2026, 7, 1), source="b", period=(period("new", "00:00", "24:00"),)),
    )
    calendar = Calendar(tariff_of(period("old", "00:00", "24:00"), versions=versions))
    assert edges_of(calendar, "2026-06-01T00:00", "2027-06-01T00:00") == [("2026-07-01T07:00", "new")]


def test_a_version_may_have_holidays_of_its_own_or_none():
    fourth = Holiday(name="x", on="07-04", observed=Observance.NONE)
    versions = (
        Version(effective=date(2025, 1, 1), source="a"),
        Version(effective=date(2026, 1, 1), source="b", holiday=()),
        Version(effective=date(2027, 1, 1), source="c", holiday=(Holiday(name="y", date=date(2027, 7, 7)),)),
    )
    periods = (period("free", "00:00", "24:00", "holiday"), period("off", "00:00", "24:00"))
    calendar = Calendar(tariff_of(*periods, holidays=(fourth,), versions=versions))
    starts = [edge for edge, name in edges_of(calendar, "2025-01-02T00:00", "2028-01-01T00:00") if name == "free"]
    assert starts == ["2025-07-04T07:00", "2027-07-07T07:00"]


def test_a_holiday_years_away_is_the_next_edge():
    # 4 July on a Monday, the only day on which a Monday's hours give way: next in 2033 after 2022
    fourth = Holiday(name="x", on="07-04", observed=Observance.NONE)
    periods = tuple(period("a", "00:00", "24:00", day) for day in ("tue", "wed", "thu", "fri", "weekend", "mon"))
    rest = period("a", "00:00", "24:00", "holiday")
    calendar = Calendar(tariff_of(*periods, rest, holidays=(fourth,)))
    assert calendar.next_edge_us(us("2026-01-01T00:00")) == NO_EDGE_US
    leap = Holiday(name="x", on="02-29", observed=Observance.NONE)
    free = (period("free", "00:00", "24:00", "holiday"), period("off", "00:00", "24:00"))
    calendar = Calendar(tariff_of(*free, zone="Etc/UTC", holidays=(leap,)))
    assert calendar.next_edge_us(us("2096-03-01T12:00")) == us("2104-02-29T00:00")  # 2100 has none


def test_a_version_may_bring_its_own_hours():
    versions = (
        Version(effective=date(2026, 1, 1), source="a"),
        Version(effective=date(2026, 7, 2), source="b", period=(period("peak", "17:00", "20:00"),)),
    )
    calendar = Calendar(tariff_of(period("peak", "16:00", "21:00"), versions=versions))
    assert edges_of(calendar, "2026-07-01T12:00", "2026-07-03T12:00") == [
        ("2026-07-01T23:00", "peak"),
        ("2026-07-02T04:00", "unassigned"),
        ("2026-07-03T00:00", "peak"),
        ("2026-07-03T03:00", "unassigned"),
    ]


def test_a_time_that_the_clock_jumps_over_is_the_instant_of_the_jump():
    calendar = Calendar(tariff_of(period("early", "02:30", "05:00"), period("off", "00:00", "24:00")))
    assert edges_of(calendar, "2026-03-07T20:00", "2026-03-09T11:00") == [
        ("2026-03-08T10:00", "early"),  # 02:30 does not exist: 02:00 PST is 03:00 PDT
        ("2026-03-08T12:00", "off"),
        ("2026-03-09T09:30", "early"),
    ]


@pytest.mark.parametrize(
    ("sunday", "begins", "ends"),
    [
        ("2026-03-08", "2026-03-08T08:00", "2026-03-09T07:00"),  # 23 hours
        ("2026-03-15", "2026-03-15T07:00", "2026-03-16T07:00"),  # 24 hours
        ("2026-11-01", "2026-11-01T07:00", "2026-11-02T08:00"),  # 25 hours
    ],
)
def test_a_whole_day_lasts_as_long_as_the_clock_takes_from_midnight_to_midnight(sunday, begins, ends):
    calendar = Calendar(tariff_of(period("sunday", "00:00", "24:00", "sun"), period("off", "00:00", "24:00")))
    from_friday, to_tuesday = us(f"{sunday}T00:00") - 2 * 86_400_000_000, us(f"{sunday}T00:00") + 2 * 86_400_000_000
    assert list(calendar.edges(from_friday, to_tuesday).edges_us)[1:] == [us(begins), us(ends)]


def test_a_period_inside_the_jump_does_not_happen():
    calendar = Calendar(tariff_of(period("short", "02:15", "02:45"), period("off", "00:00", "24:00")))
    assert edges_of(calendar, "2026-03-07T12:00", "2026-03-09T09:00") == []


def test_a_time_that_comes_twice_has_its_bucket_twice():
    calendar = Calendar(tariff_of(period("early", "01:30", "05:00"), period("off", "00:00", "24:00")))
    assert edges_of(calendar, "2026-11-01T01:00", "2026-11-01T20:00") == [
        ("2026-11-01T08:30", "early"),  # 01:30 PDT
        ("2026-11-01T09:00", "off"),  # 01:00 PST: the clock shows 01:00 again
        ("2026-11-01T09:30", "early"),  # 01:30 PST
        ("2026-11-01T13:00", "off"),
    ]


def test_standard_time_all_year_knows_no_summer():
    calendar = Calendar(
        tariff_of(period("on", "14:00", "18:00"), period("off", "00:00", "24:00"), clock=ClockKind.STANDARD)
    )
    for day in ("2026-01-10", "2026-07-10"):
        assert edges_of(calendar, f"{day}T12:00", f"{day}T23:00") == [(f"{day}T22:00", "on")]  # 14:00 at UTC-8


def test_one_price_for_all_hours_has_no_next_edge():
    calendar = Calendar(tariff_of(period("flat", "00:00", "24:00")))
    assert calendar.next_edge_us(us("2026-07-01T00:00")) == NO_EDGE_US
    assert calendar.bucket_names == ("unassigned", "flat")
    assert edges_of(calendar, "2026-01-01T00:00", "2028-01-01T00:00") == []


def test_the_next_edge_may_be_years_away():
    versions = (
        Version(effective=date(2026, 1, 1), source="a"),
        Version(effective=date(2035, 1, 1), source="b", period=(period("other", "00:00", "24:00"),)),
    )
    calendar = Calendar(tariff_of(period("flat", "00:00", "24:00"), versions=versions))
    assert calendar.next_edge_us(us("2026-07-01T00:00")) == us("2035-01-01T08:00")


@pytest.mark.parametrize(("start", "end"), [(5, 5), (6, 5)])
def test_an_empty_stretch_is_refused(start, end):
    with pytest.raises(ValueError, match="empty stretch"):
        Calendar(tariff_of(period("flat", "00:00", "24:00"))).edges(start, end)


@pytest.mark.parametrize("instant_us", [-1, -(2**62), 2**62, us("2200-01-02T00:00")])
def test_years_without_a_calendar_are_refused(instant_us):
    calendar = Calendar(tariff_of(period("flat", "00:00", "24:00"), zone="Etc/UTC"))
    with pytest.raises(ValueError, match="is outside the years 1970 to 2199"):
        calendar.bucket_at(instant_us)


def test_asking_in_any_order_gives_the_same_answers():
    instants = [us(f"{year}-{month:02}-15T23:30") for year in (2025, 2031, 2022, 2026, 2019) for month in (7, 1)]
    periods = (period("peak", "16:00", "21:00"), period("off", "00:00", "24:00"))
    asked = Calendar(tariff_of(*periods))
    for instant_us in instants:
        fresh = Calendar(tariff_of(*periods))
        assert asked.bucket_at(instant_us) == fresh.bucket_at(instant_us)
        assert asked.next_edge_us(instant_us) == fresh.next_edge_us(instant_us)
