"""The `account` topic of a running gateway is what `netmeter statement` says of the same data, at each edge of a week.

The real daemon reads simulated meters on a clock that runs 7,200 times as fast. What it published is laid beside bills
that `statement` makes of a file: the intervals that a reader of its own received up to that edge, and an account whose
meter was read that evening. Nothing asserts how fast anything was.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema
import pytest
from click.testing import CliRunner

from gateway.cli import main
from hil.house import House

from .rig import MICRO, ROOT, Reader, make_house, netmeter

PACIFIC = ZoneInfo("America/Los_Angeles")
FIRST_DAY, DAYS = date(2025, 7, 15), 7
SPEED = 7_200
SCHEMA = Path(__file__).parents[2] / "gateway" / "publish" / "schemas" / "account.json"
ACCOUNT = """\
format = 1
id = "elm"
name = "Elm Street 5"
tariff = "pge-e-tou-c"

[customer]
utility = "pge"
baseline = "basic_x"
base_services_tier = "tier_3"

[[programme]]
name = "nem2"
from = 2021-09-15

[generator]
technology = "solar"
size_kw = "9"
application = 2021-08-01
pto = 2021-09-15

[[meter]]
name = "grid"

[billing]
read_dates = {read_dates}
read_day = "first_day"

[opening]
as_of = 2025-07-15
last_true_up = 2024-09-16
cycles = 9
energy_charges = "182.40"
non_bypassable_charges = "61.07"
import_kwh = "2914.310"
export_kwh = "3120.775"

[[charge]]
name = "Utility users' tax"
percent = "7.5"
from = 2025-07-01
source = "city"

[[charge]]
name = "Energy Commission tax"
per_kwh = "0.00030"
of = "import"
from = 2025-07-01
source = "state"
"""
READ_ON = date(2025, 7, 21)
READ_DATES = (FIRST_DAY, READ_ON, date(2025, 8, 18), date(2025, 9, 16))
SECTION = """
[[account]]
name = "home"
file = "elm.toml"
every_min = 1440
"""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """At a speed at which a week is a minute and a half; all but the broker is started by the test."""
    made = make_house(tmp_path, speed=SPEED)
    try:
        yield made
    finally:
        made.stop()


def us(day: date, hour: int) -> int:
    """A local hour in California, UTC microseconds."""
    moment = datetime(day.year, day.month, day.day, hour, tzinfo=PACIFIC)
    return round(moment.timestamp()) * MICRO


def edges_us(reader: Reader) -> list[int]:
    """A week's edges from the first interval on: where E-TOU-C changes its price (4 and 9 p.m., daily), and midnight.

    The house does not wait for the daemon: how late the first interval is says how busy the machine was.
    """
    first_us = reader.intervals("grid")[0]["end_utc_us"]
    days = [FIRST_DAY + timedelta(days=number) for number in range(DAYS + 5)]
    found = [one for day in days for one in (us(day, 16), us(day, 21), us(day + timedelta(days=1), 0))]
    return [one for one in found if one > first_us][: 3 * DAYS]


def with_account(house: House) -> None:
    """The grid's meter alone, polled no oftener than its intervals end, and an account."""
    text = house._config_text(int(house.start_grid_meter().rpartition(":")[2]))
    text = "[[meter]]".join(text.split("[[meter]]")[:2])
    slow = "\n".join("poll_s = 900" if one.startswith("poll_s") else one for one in text.splitlines())
    house.config.write_text(slow + "\n" + SECTION, encoding="utf-8")
    (house.folder / "elm.toml").write_text(account_text(READ_DATES), encoding="utf-8")


def account_text(read_dates: Sequence[date]) -> str:
    return ACCOUNT.format(read_dates="[" + ", ".join(map(str, read_dates)) + "]")


def published(reader: Reader) -> dict[int, dict[str, Any]]:
    """The last word of the topic on each instant."""
    records = [one.content for one in reader.records if one.topic == f"{ROOT}/account/home"]
    return {one["as_of_utc_us"]: one for one in records if one["why_not"] is None}


def has_ended_by(reader: Reader, last_us: int) -> bool:
    """Whether the interval that was heard last ends there or later; looks at the newest message alone."""
    last = reader.records[-1:]
    return bool(last) and last[0].topic == f"{ROOT}/meter/grid/interval" and last[0].content["end_utc_us"] >= last_us


def has_all(house: House, reader: Reader, wanted: Sequence[int]) -> bool:
    """Whether every edge has its word; fails at once where a process of the house has ended."""
    house.check()
    last = reader.records[-1:]
    is_new = bool(last) and last[0].topic == f"{ROOT}/account/home"
    return is_new and published(reader).keys() >= set(wanted)


def bills(folder: Path, intervals: Sequence[dict[str, Any]], edge_us: int) -> list[dict[str, Any]]:
    """What `netmeter statement` makes of the intervals up to an edge, the meter read on the evening of that day."""
    day = datetime.fromtimestamp(edge_us // MICRO - 1, PACIFIC).date()
    columns = [f"{way}_{what}milliwh" for way in ("import", "export") for what in ("", "unassigned_", "uncertain_")]
    rows = [["start", "end", "meter", "quality", *columns]]
    for one in intervals:
        if one["end_utc_us"] <= edge_us:
            times = [iso(one["start_utc_us"]), iso(one["end_utc_us"])]
            rows.append([*times, "grid", one["quality"], *(str(one[name]) for name in columns)])
    at_us, midnight_us = edge_us, us(day + timedelta(days=1), 0)
    while at_us < midnight_us:
        rows.append([iso(at_us), iso(at_us + 900 * MICRO), "grid", "measured", *("0" for _ in columns)])
        at_us += 900 * MICRO
    (folder / "energy.csv").write_text("\n".join(map(",".join, rows)) + "\n", encoding="ascii")
    read = [*(one for one in READ_DATES if one <= day), day + timedelta(days=1)]
    (folder / "read.toml").write_text(account_text(read), encoding="utf-8")
    command = ["statement", "--account", str(folder / "read.toml"), "--energy", str(folder / "energy.csv"), "--json"]
    done = CliRunner().invoke(main, command)
    assert done.exit_code in (0, 3), done.output
    found = json.loads(done.stdout)["statements"]
    assert isinstance(found, list)
    return found


def iso(utc_us: int) -> str:
    return f"{datetime.fromtimestamp(utc_us // MICRO, UTC):%Y-%m-%dT%H:%M:%SZ}"


def of_statement(bills_: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The last bill and the one before it, by the keys of the topic."""
    bill, last = bills_[-1], bills_[-2] if len(bills_) > 1 else None
    return {
        "period_first_day": bill["first_day"],
        "period_days": bill["days"],
        "is_whole": int(bill["is_whole"]),
        "import_milliwh": bill["import_milliwh"],
        "export_milliwh": bill["export_milliwh"],
        "due_cents": cents(bill["due_now"]),
        "uncertain_cents": cents(str(Decimal(bill["uncertain_amount"]).quantize(Decimal("0.01"), "ROUND_CEILING"))),
        "carried_cents": cents(bill["carried_to_true_up"]),
        "carried_in_year_cents": cents(bill["carried_in_year"]),
        "last_bill_first_day": None if last is None else last["first_day"],
        "last_bill_last_day": None if last is None else last["last_day"],
        "last_bill_due_cents": None if last is None else cents(last["due_now"]),
        **{f"bank_{one['name']}_cents": cents(one["after"]) for one in bill["banks"] if one["unit"] == "money"},
    }


def cents(amount: str) -> int:
    whole = Decimal(amount) * 100
    assert whole == int(whole)
    return int(whole)


@pytest.mark.whole
def test_the_topic_is_the_statement_at_every_edge_of_a_week(house: House, reader: Reader, tmp_path: Path) -> None:
    with_account(house)
    house.start_daemon()
    reader.until(lambda r: bool(r.intervals("grid")), "the first interval")
    wanted = edges_us(reader)
    last_us = wanted[-1]
    reader.until(lambda r: has_ended_by(r, last_us), "a week of intervals", patience_s=300)
    house.stop_child("grid")  # a busy machine reckons more slowly than this clock makes edges: no more of them
    reader.until(lambda r: has_all(house, r, wanted), "the account at every edge of a week", patience_s=400)
    intervals = reader.intervals("grid")
    assert all(one["revision"] == 0 for one in intervals), "a correction came, and earlier words do not have it"
    found = published(reader)
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    for edge_us in wanted:
        expected = of_statement(bills(tmp_path, intervals, edge_us))
        said = found[edge_us]
        assert {key: said[key] for key in expected} == expected, iso(edge_us)
        jsonschema.validate(said, schema, cls=jsonschema.Draft202012Validator)
    # The controls: a bill ended in that week, the first one lacks what was before the gateway, and figures move.
    has_ended = [one > us(READ_ON, 0) for one in wanted]
    assert {True, False} == set(has_ended)
    ended = [found[one]["last_bill_last_day"] for one in wanted]
    assert ended == ["2025-07-20" if one else None for one in has_ended]
    assert [found[one]["is_whole"] for one in wanted] == [int(one) for one in has_ended]
    assert {found[one]["year_is_whole"] for one in wanted} == {0}
    assert len({found[one]["carried_in_year_cents"] for one in wanted}) > len(wanted) // 2
    # The year's twelfth bill ends with 15 September, sixty days from the 17th on: told once, by all these reckonings.
    events = [one.content for one in reader.of("event", "grid") if one.content["event"] == "account_date"]
    assert [(one["account"], one["what"], one["day"]) for one in events] == [("home", "true_up", "2025-09-15")]
    # The command says what the daemon said, while it runs.
    at = iso(wanted[-1])
    told = netmeter(house, "account", "--account", str(house.folder / "elm.toml"), "--config", str(house.config),
                    "--at", at, "--json")  # fmt: skip
    assert told.returncode == 3, told.stderr  # the year's first bill lacks what was before the gateway
    answer = json.loads(told.stdout)
    assert {key: answer[key] for key in found[wanted[-1]] if key not in ("gateway", "account")} == {
        key: value for key, value in found[wanted[-1]].items() if key not in ("gateway", "account")
    }
