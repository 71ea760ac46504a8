"""Any rules, in any zone, at any time: the compiled calendar against a walk over the minutes (tests/oracle/tariff)."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.tariff.calendar import NO_EDGE_US, Calendar
from gateway.tariff.types import ClockKind, DayClass, Holiday, Observance, Period, Season, Tariff, Version
from tests.oracle.tariff import Hours, Sheet, SlowTariff, moved, nth_weekday

MINUTE_US = 60_000_000
# Those with the strangest clocks first, then all there are.
STRANGE = [
    "Africa/Cairo", "Africa/Casablanca", "America/Havana", "America/Nuuk", "America/Santiago", "America/Sao_Paulo",
    "America/St_Johns", "Antarctica/Troll", "Asia/Beirut", "Asia/Gaza", "Asia/Jerusalem", "Asia/Kathmandu",
    "Atlantic/Azores", "Australia/Lord_Howe", "Europe/Dublin", "Pacific/Apia", "Pacific/Chatham", "Pacific/Kiritimati",
]  # fmt: skip
ZONES = [*STRANGE, *sorted(available_timezones() - {"localtime", "posixrules", "Factory"})]
OBSERVED = {  # by how many days a Saturday's and a Sunday's holiday move
    Observance.NONE: (0, 0),
    Observance.SUNDAY_TO_MONDAY: (0, 1),
    Observance.SATURDAY_TO_FRIDAY: (-1, 0),
    Observance.NEAREST_WEEKDAY: (-1, 1),
}
NTH = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "last": -1}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
CLASSES = ["every", "weekday", "weekend", "holiday", "mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


hours = st.builds(
    Hours,
    name=st.sampled_from(["a", "b", "c"]),
    start=st.integers(0, 1439),
    end=st.integers(1, 1440),
    days=st.lists(st.sampled_from(CLASSES), min_size=1, max_size=3).map(tuple),
    months=st.one_of(st.just(()), st.lists(st.integers(1, 12), min_size=1, max_size=3).map(tuple)),
).filter(lambda one: one.start != one.end)

fixed = st.tuples(st.dates(date(2000, 1, 1), date(2000, 12, 31)), st.sampled_from(list(OBSERVED)), st.booleans())
weekday = st.tuples(
    st.sampled_from(list(NTH)), st.sampled_from(CLASSES[4:]), st.integers(1, 12), st.integers(-3, 3)
)  # first mon of mar + 2


def our_holiday(rule: tuple) -> Holiday:
    if len(rule) == 3:
        day, observed, keep = rule
        return Holiday(name="x", on=f"{day:%m-%d}", observed=observed, keep_day=keep)
    nth, name, month, offset = rule
    written = f" {'-' if offset < 0 else '+'} {abs(offset)}" if offset else ""
    return Holiday(name="x", on=f"{nth} {name} of {MONTHS[month - 1]}{written}")


def slow_days(rule: tuple, years: range) -> set[date]:
    """The days of one rule, found without the program."""
    found: set[date] = set()
    for year in years:
        if len(rule) == 3:
            day, observed, keep = rule
            try:
                day = day.replace(year=year)
            except ValueError:  # 29 February
                continue
            found |= {moved(day, *OBSERVED[observed])} | ({day} if keep else set())
        elif (day := nth_weekday(year, rule[2], rule[1], NTH[rule[0]])) is not None:
            found.add(day + timedelta(days=rule[3]))
    return found


@st.composite
def tariffs(draw, first_year: int) -> tuple[Tariff, SlowTariff]:
    """The same tariff twice: as the program takes it, and as the slow walk does."""
    zone = draw(st.sampled_from(ZONES))
    versions, sheets, first = [], [], date(first_year, 1, 1) + timedelta(days=draw(st.integers(0, 300)))
    for _ in range(draw(st.integers(1, 2))):
        rules = draw(st.lists(hours, min_size=1, max_size=4))
        holidays = draw(st.lists(st.one_of(fixed, weekday), max_size=3))
        turn = draw(st.one_of(st.none(), st.tuples(st.integers(2, 11), st.integers(1, 28))))
        seasons: tuple[tuple[str, str, str], ...] = ()
        if turn is not None:  # two seasons, with a hole of some days between them
            month, day = turn
            seasons = (("s", f"{month:02}-{day:02}", "12-25"), ("w", "12-27", f"{month - 1:02}-28"))
        length = draw(st.integers(20, 500))
        last = draw(st.sampled_from([None, first + timedelta(days=length - 5), first + timedelta(days=length + 5)]))
        years = range(first.year - 2, first.year + 8)
        days = frozenset(day for rule in holidays for day in slow_days(rule, years))
        sheets.append(Sheet(first, last, seasons, tuple(rules), days))
        versions.append(
            Version(
                effective=first,
                last_day=last,
                source="x",
                season=tuple(Season(name=name, first=one, last=two) for name, one, two in seasons),
                period=tuple(
                    Period(
                        name=one.name,
                        start=clock(one.start),
                        end=clock(one.end),
                        days=tuple(DayClass(name) for name in one.days),
                        months=one.months,
                    )
                    for one in rules
                ),
                holiday=tuple(our_holiday(rule) for rule in holidays),
            )
        )
        first += timedelta(days=length)
    tariff = Tariff(
        format=1, id="x", name="x", utility="x", zone=zone, currency="X", source="x", version=tuple(versions)
    )
    return tariff, SlowTariff(ZoneInfo(zone), tuple(sheets))


def agree(tariff: Tariff, slow: SlowTariff, start: datetime, minutes: int) -> None:
    """Edges, buckets, next edges and reasons of a stretch are those of the slow walk."""
    calendar = Calendar(tariff)
    first = round(start.timestamp()) // 60
    buckets = [slow.bucket(first + offset) for offset in range(minutes)]
    changes = [0, *(offset for offset in range(1, minutes) if buckets[offset] != buckets[offset - 1])]
    table = calendar.edges(first * MINUTE_US, (first + minutes) * MINUTE_US)
    assert list(table.edges_us) == [(first + offset) * MINUTE_US for offset in changes]
    assert [calendar.bucket_names[bucket] for bucket in table.bucket_ids] == [buckets[offset] for offset in changes]
    fresh = Calendar(tariff)
    for offset in {0, minutes // 3, minutes - 1, *changes[:20]}:
        at_us = (first + offset) * MINUTE_US
        assert fresh.bucket_names[fresh.bucket_at(at_us)] == buckets[offset]
        assert fresh.explain(at_us).startswith(f"{buckets[offset]}:")
        later = [change for change in changes if change > offset]
        next_us = fresh.next_edge_us(at_us)
        assert next_us == (first + later[0]) * MINUTE_US if later else next_us >= (first + minutes) * MINUTE_US


def interesting(slow: SlowTariff) -> list[date]:
    """Days about which rules speak: versions begin and end, seasons turn, holidays are."""
    found: list[date] = []
    for one in slow.sheets:
        found += [one.first, *([one.last] if one.last is not None else [])]
        years = (one.first.year, one.first.year + 1)
        found += [date.fromisoformat(f"{year}-{day}") for year in years for season in one.seasons for day in season[1:]]
        found += [day for day in sorted(one.holidays) if day.year in years]
    return found


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from([1974, 1999, 2009, 2023, 2030]), st.sampled_from([40, 60, 90]))
def test_any_rules_in_any_zone_agree_with_the_slow_walk(data, first_year, hours_long):
    tariff, slow = data.draw(tariffs(first_year))
    any_day = st.dates(date(first_year, 1, 2), date(first_year + 2, 1, 1))
    day = data.draw(st.one_of(st.sampled_from(interesting(slow)), any_day))
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=data.draw(st.integers(-30, 0)))
    agree(tariff, slow, start, hours_long * 60)


NASTY = (
    Hours("a", 0, 15, ("weekday", "holiday")),
    Hours("b", 97, 141, ("every",)),
    Hours("a", 150, 181, ("weekend",)),
    Hours("c", 1410, 60, ("sat", "sun", "mon")),
    Hours("b", 33, 1425, ("every",)),
)


def jumps_of(zone: str, years: range) -> list[datetime]:
    """The hours within which the offset of a zone changes."""
    first = datetime(years[0], 1, 1, tzinfo=UTC)
    instants = [first + timedelta(hours=hour) for hour in range(len(years) * 366 * 24)]
    offsets = [one.astimezone(ZoneInfo(zone)).utcoffset() for one in instants]
    return [instants[at] for at in range(1, len(instants)) if offsets[at] != offsets[at - 1]]


def nasty(zone: str) -> tuple[Tariff, SlowTariff]:
    periods = tuple(
        Period(name=one.name, start=clock(one.start), end=clock(one.end), days=tuple(map(DayClass, one.days)))
        for one in NASTY
    )
    version = Version(effective=date(1990, 1, 1), source="x", period=periods)
    tariff = Tariff(format=1, id="x", name="x", utility="x", zone=zone, currency="X", source="x", version=(version,))
    return tariff, SlowTariff(ZoneInfo(zone), (Sheet(date(1990, 1, 1), None, (), NASTY),))


@pytest.mark.parametrize("zone", STRANGE)
def test_every_change_of_a_strange_clock_agrees_with_the_slow_walk(zone):
    # 2026 is now; in 2007 to 2011 clocks were set at 00:01, and Samoa left a day out
    jumps = [*jumps_of(zone, range(2026, 2027)), *jumps_of(zone, range(2010, 2012))]
    for jump in jumps or [datetime(2026, 3, 29, tzinfo=UTC)]:
        agree(*nasty(zone), jump - timedelta(hours=30), 60 * 60)


def test_standard_time_agrees_with_a_clock_that_nobody_sets():
    tariff, slow = nasty("America/New_York")
    standard = Tariff(
        **{name: getattr(tariff, name) for name in tariff.__struct_fields__} | {"clock": ClockKind.STANDARD}
    )
    never_set = SlowTariff(timezone(timedelta(hours=-5)), slow.sheets)
    for month in (3, 7, 11):
        agree(standard, never_set, datetime(2026, month, 1, tzinfo=UTC), 15 * 24 * 60)
    # Control: by the clock on the wall the summer is another one.
    with pytest.raises(AssertionError):
        agree(standard, slow, datetime(2026, 7, 1, tzinfo=UTC), 24 * 60)


def test_a_calendar_without_an_edge_says_so():
    flat = Period(name="a", start="00:00", end="24:00")
    version = Version(effective=date(1990, 1, 1), source="x", period=(flat,))
    tariff = Tariff(format=1, id="x", name="x", utility="x", zone="UTC", currency="X", source="x", version=(version,))
    assert Calendar(tariff).next_edge_us(0) == 631_152_000_000_000  # 1990-01-01: 7305 days after 1970
    assert Calendar(tariff).next_edge_us(631_152_000_000_000) == NO_EDGE_US
