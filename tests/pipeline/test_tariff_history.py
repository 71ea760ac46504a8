"""A customer who changed schedule: several tariffs one after the other in one file. Instants by hand, in UTC."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.tariff.calendar import Calendar
from gateway.tariff.coverage import coverage
from gateway.tariff.flags import Need
from gateway.tariff.history import History, Stint, joined
from gateway.tariff.prices import part_per_kwh, price_total
from gateway.tariff.tariff_file import TariffError, TariffFile, load_tariff, read_tariff

HEAD = 'format = 1\nid = "my-house"\nname = "my schedules"\n'


def tariff(name: str, hours: str, versions: str, *, zone: str = "America/Los_Angeles", more: str = "") -> str:
    return (
        f'format = 1\nid = "{name}"\nname = "{name}"\nutility = "u {name}"\nzone = "{zone}"\ncurrency = "USD"\n'
        f'source = "s"\n{more}\n{hours}\n{versions}\n'
    )


def period(name: str, start: str, end: str, days: str = "every") -> str:
    return f'[[period]]\nname = "{name}"\nfrom = "{start}"\nto = "{end}"\ndays = ["{days}"]\n'


def version(first: str, last: str = "") -> str:
    return f'[[version]]\neffective = {first}\nsource = "sheet"\n' + (f"last_day = {last}\n" if last else "")


FLAT = tariff("flat", period("all", "00:00", "24:00"), version("2025-01-01") + version("2026-03-01"))
TOU = tariff(
    "tou",
    period("peak", "16:00", "21:00", "weekday") + period("off", "00:00", "24:00"),
    version("2026-01-01") + version("2026-09-01"),
    more='holidays = "pge-tou"',
)


def schedule(*stints: tuple[str, str]) -> str:
    return HEAD + "".join(f'\n[[schedule]]\ntariff = "{name}"\nfrom = {first}\n' for name, first in stints)


@pytest.fixture
def read(tmp_path):
    (tmp_path / "flat.toml").write_text(FLAT, encoding="utf-8")
    (tmp_path / "tou.toml").write_text(TOU, encoding="utf-8")

    def from_text(text: str) -> TariffFile:
        path = tmp_path / "house.toml"
        path.write_text(text, encoding="utf-8")
        return read_tariff(str(path))

    return from_text


def us(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def edges_of(file: TariffFile, start: str, end: str) -> list[tuple[str, str]]:
    calendar = Calendar(file.tariff)
    table = calendar.edges(us(start), us(end))
    instants = [datetime.fromtimestamp(edge // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M") for edge in table.edges_us]
    return list(zip(instants, (calendar.bucket_names[one] for one in table.bucket_ids), strict=True))[1:]


MOVED = schedule(("./flat.toml", "2026-02-01"), ("./tou.toml", "2026-07-02"))


def test_a_schedule_changes_at_local_midnight_of_its_day(read):
    file = read(MOVED)
    # 2 July 2026 is a Thursday; Friday the 3rd is no holiday of PG&E's; midnight is 07:00 UTC, 16:00 is 23:00
    assert edges_of(file, "2026-07-01T00:00", "2026-07-04T12:00") == [
        ("2026-07-02T07:00", "off"),
        ("2026-07-02T23:00", "peak"),
        ("2026-07-03T04:00", "off"),
        ("2026-07-03T23:00", "peak"),
        ("2026-07-04T04:00", "off"),
    ]
    assert edges_of(file, "2026-01-01T00:00", "2026-07-01T00:00") == [("2026-02-01T08:00", "all")]


def test_each_tariff_keeps_its_own_holidays_and_versions(read):
    file = read(MOVED)
    # Labor Day, 7 September: no peak
    assert edges_of(file, "2026-09-07T07:00", "2026-09-08T07:00") == []
    assert [one.id for one in file.tariff.version] == ["2026-02-01", "2026-03-01", "2026-07-02", "2026-09-01"]
    assert [str(one.last_day) for one in file.tariff.version] == ["None", "2026-07-01", "None", "None"]
    assert [one.source for one in file.tariff.version][1:3] == [
        "flat, version 2026-03-01: sheet",
        "tou, version 2026-01-01: sheet",
    ]


def test_the_rule_is_told_where_it_stands(read, tmp_path):
    file = read(MOVED)
    version = file.tariff.version[2]
    # the second [[period]] of tou.toml: 7 lines of head, the list, an empty line, five of the first
    assert file.place_of_period(version, version.period[1]) == f"{tmp_path / 'tou.toml'}:14"


def test_shipped_tariffs_are_joined_with_their_prices(read):
    file = read(schedule(("pge-e-1", "2026-03-01"), ("pge-e-tou-c", "2026-05-08")))
    calendar = Calendar(file.tariff)
    for instant, name, sheet in (
        ("2026-05-08T06:59", "pge-e-1", "winter_all"),
        ("2026-05-08T07:00", "pge-e-tou-c", "winter_off_peak"),
        ("2026-05-09T00:00", "pge-e-tou-c", "winter_peak"),
    ):
        bucket = calendar.bucket_names[calendar.bucket_at(us(instant))]
        held, alone = calendar.version_in_force(us(instant)), load_tariff(name)
        assert bucket == sheet
        assert held is not None
        assert price_total(held, bucket) == price_total(alone.version[-1], bucket)
        assert held.source == f"{name}, version 2026-03-01: Advice Letter 7846-E"
    assert calendar.version_in_force(us("2026-05-09T00:00")).published_per_kwh["winter_peak"] == Decimal("0.39757")


FLAT_THEN_LATE = schedule(("./flat.toml", "2025-01-01"), ("./late.toml", "2026-07-02"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (schedule(("./flat.toml", "2024-12-01")), "no version holds from 2024-12-01 to 2024-12-31"),
        (FLAT_THEN_LATE, "no version holds from 2026-07-02 to 2026-12-31"),
    ],
)
def test_days_without_a_version_are_warned_of(read, tmp_path, text, words):
    late = tariff("late", period("all", "00:00", "24:00"), version("2027-01-01"))
    (tmp_path / "late.toml").write_text(late, encoding="utf-8")
    told = [str(one) for one in coverage(read(text)) if "warning" in str(one)]
    assert len(told) == 1
    assert words in told[0]


def test_what_is_hardly_meant_in_a_named_file_is_told_there(read, tmp_path):
    hole = tariff("flat", period("all", "00:00", "23:00"), version("2025-01-01"))
    (tmp_path / "flat.toml").write_text(hole, encoding="utf-8")
    told = [str(one) for one in coverage(read(MOVED)) if "warning" in str(one)]
    assert told == [
        f"{tmp_path / 'flat.toml'}:9: warning: no period covers 23:00 to 24:00 on all days: such as 2025-01-01;"
        " a last period for the whole day takes what is left"
    ]


EAST = tariff("east", period("all", "00:00", "24:00"), version("2025-01-01"), zone="America/New_York")


ON_ONE_DAY = schedule(("./flat.toml", "2026-02-01"), ("./tou.toml", "2026-02-01"))
TWO_ZONES = schedule(("./flat.toml", "2026-02-01"), ("./east.toml", "2026-03-01"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (HEAD + "schedule = []\n", "house.toml:4: there is no [[schedule]]"),
        (ON_ONE_DAY, "house.toml:11: [[schedule]] number 2: schedules must be in order of time"),
        (
            TWO_ZONES,
            "house.toml:10: [[schedule]] number 2: east has zone America/New_York, flat has America/Los_Angeles",
        ),
        (schedule(("./none.toml", "2026-02-01")), "none.toml does not exist"),
        (
            schedule(("./flat.toml", "2026-02-01"), ("./tou.toml", "9999-12-31")),
            "house.toml:11: [[schedule]] number 2: 9999-12-31 is outside the years 1970 to 2198",
        ),
        (schedule(("pge-e-tuo-c", "2026-02-01")), 'there is no tariff "pge-e-tuo-c": did you mean "pge-e-tou-c"?'),
        (schedule(("./house.toml", "2026-02-01")), "./house.toml is a history itself: name the tariffs that it names"),
        (
            schedule(("./flat.toml", '"2026-02-01"')),
            'house.toml:7: [[schedule]] number 1: from = "2026-02-01" is not a date',
        ),
        (MOVED.replace("from = 2026-02-01", "effective = 2026-02-01"), 'unknown key "effective": did you mean "from"?'),
        (MOVED.replace('"my-house"', '"My House"'), 'house.toml:2: id "My House" cannot be used'),
        (schedule(("./ended.toml", "2026-02-01")), "none of these tariffs holds on any of these days"),
        (schedule(("./broken.toml", "2026-02-01")), "broken.toml:12: [[period]] all: begins and ends at 00:30"),
    ],
)
def test_a_history_that_is_wrong_is_told_with_its_line(read, tmp_path, text, told):
    (tmp_path / "east.toml").write_text(EAST, encoding="utf-8")
    ended = tariff("ended", period("all", "00:00", "24:00"), version("2025-01-01", "2025-12-31"))
    (tmp_path / "ended.toml").write_text(ended, encoding="utf-8")
    (tmp_path / "broken.toml").write_text(
        ended.replace('"00:00"', '"00:30"').replace('"24:00"', '"00:30"'), encoding="utf-8"
    )
    with pytest.raises(TariffError) as error:
        read(text)
    assert told in str(error.value)


# name, components, what [parts] calls supply, the supply part by hand
TAGGED = [
    ("a", {"energy": "1"}, "energy", "1"),
    ("b", {"generation": "2", "lines": "4"}, "generation", "2"),
    ("c", {"generation": "8", "lines": "16"}, "lines", "16"),  # the same names, tagged the other way round
]


def test_each_tariff_keeps_its_own_parts(read, tmp_path):
    for name, components, supply, _ in TAGGED:
        prices = "[version.energy_per_kwh.all]\n" + "".join(f'{one} = "{usd}"\n' for one, usd in components.items())
        text = tariff(name, period("all", "00:00", "24:00"), version("2025-01-01") + prices)
        (tmp_path / f"{name}.toml").write_text(text + f'[parts]\nsupply = ["{supply}"]\n', encoding="utf-8")
    whole = read(schedule(*((f"./{row[0]}.toml", f"2026-0{month}-01") for month, row in enumerate(TAGGED, 1)))).tariff
    for held, (_, _, _, usd) in zip(whole.version, TAGGED, strict=True):
        assert part_per_kwh(whole, held, "all", Need.SUPPLY) == Decimal(usd)


def test_shipped_tariffs_with_other_components_keep_their_parts(read):
    # MCE has a credit that PG&E does not know; PG&E's winter supply is 0.11042 - 0.01011, MCE's 0.11042 - 0.00620
    whole = read(schedule(("pge-e-tou-c", "2026-03-01"), ("mce-e-tou-c", "2026-05-08"))).tariff
    supply = [part_per_kwh(whole, one, "winter_off_peak", Need.SUPPLY) for one in whole.version[:2]]
    assert supply == [Decimal("0.10031"), Decimal("0.10422")]


SHIPPED = {name: load_tariff(name) for name in ("pge-e-tou-c", "pge-ev2-a", "pge-e-elec", "pge-e-1")}
CALENDARS = {name: Calendar(one) for name, one in SHIPPED.items()}


@given(
    st.lists(st.tuples(st.sampled_from(sorted(SHIPPED)), st.integers(1, 300)), min_size=1, max_size=4),
    st.lists(st.integers(-10, 900 * 24 * 4), min_size=1, max_size=20),
)
def test_at_any_instant_a_history_says_what_the_tariff_in_force_says(stints, quarters):
    day, schedule_of = date(2025, 1, 1), []
    for name, days in stints:
        schedule_of.append(Stint(tariff=name, first=day))
        day += timedelta(days=days)
    history = History(format=1, id="x", name="x", schedule=tuple(schedule_of))
    whole, _ = joined(history, [SHIPPED[name] for name, _ in stints])
    assume(whole.version)
    calendar = Calendar(whole)
    for quarter in quarters:
        instant_us = us("2025-01-01T08:00") + quarter * 900_000_000
        local = datetime.fromtimestamp(instant_us // 1_000_000, UTC).astimezone(calendar.zone).date()
        begun = [one for one in schedule_of if one.first <= local]
        expected = "unassigned"
        if begun:
            own = CALENDARS[begun[-1].tariff]
            expected = own.bucket_names[own.bucket_at(instant_us)]
        assert calendar.bucket_names[calendar.bucket_at(instant_us)] == expected


def test_a_path_is_looked_up_beside_the_history(read, tmp_path, monkeypatch):
    monkeypatch.chdir(Path("/"))
    assert read(MOVED).tariff.utility == "u flat, u tou"
