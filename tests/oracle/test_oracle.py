"""The oracle stands alone and is right in cases that can be checked by hand."""

import ast
import subprocess
import sys
from datetime import UTC, date
from pathlib import Path

import pytest

from tests.oracle.etouc import bucket_of_minute, edges, stretches
from tests.oracle.flow import Flow
from tests.oracle.meter import CountingMeter, Display
from tests.oracle.split import register_on_line, split
from tests.oracle.tariff import Hours, Sheet, SlowTariff, moved, nth_weekday

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FILES = sorted(path for path in HERE.glob("*.py") if not path.name.startswith("test_"))
OURS = {"gateway", "drivers", "hil"}
HOUR_US = 3_600_000_000


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_oracle_names_nothing_of_the_program(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "." for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names}.isdisjoint(OURS)
    assert not any(name.startswith("tests.") and not name.startswith("tests.oracle.") for name in names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_oracle_loads_nothing_of_the_program(path: Path) -> None:
    code = f"import tests.oracle.{path.stem}, sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {name.split(".")[0] for name in done.stdout.split()}.isdisjoint(OURS)


def test_flow_of_one_kilowatt_for_half_an_hour_then_none_is_half_a_kilowatt_hour() -> None:
    flow = Flow(((0, 1_000_000), (HOUR_US // 2, 0)))
    assert flow.energy_until(HOUR_US // 4) == 250_000
    assert flow.energy_until(HOUR_US) == 500_000
    assert flow.energy_between(HOUR_US // 4, 10 * HOUR_US) == 250_000


def test_meter_shows_old_whole_digits() -> None:
    # 3600 W are 1000 mWh a second. Refreshed at whole seconds, in steps of 300 mWh, from 5000 on.
    flow = Flow(((0, 3_600_000),))
    cut = CountingMeter(flow, Display(300, 1_000_000), first_milliwh=5000)
    rounded = CountingMeter(flow, Display(300, 1_000_000, nearest=True), first_milliwh=5000)
    assert [cut.shown(us) for us in (0, 999_999, 1_000_000, 2_500_000)] == [4800, 4800, 6000, 6900]
    assert [rounded.shown(us) for us in (0, 1_000_000, 2_000_000)] == [5100, 6000, 6900]
    assert cut.ask(2_400_000, 2_500_000, 2_600_000).earliest_us == 1_400_000


def test_line_between_readings_is_cut_to_the_milliwatt_hour() -> None:
    assert register_on_line(0, 100, 3, 110, 1) == 103  # 103.33
    assert register_on_line(0, 100, 3, 110, 2) == 106  # 106.67


def test_split_gives_the_remainder_to_the_later_part() -> None:
    totals, at_edges = split([(0, 100), (3, 110)], 7, [(1, 8), (2, 9)])
    assert totals == {7: 3, 8: 3, 9: 4}
    assert at_edges == {1: 103, 2: 106}


def minute(text: str) -> int:
    """UTC minute of a moment written with its offset."""
    from datetime import datetime

    return int(datetime.fromisoformat(text).timestamp()) // 60


@pytest.mark.parametrize(
    ("moment", "bucket"),
    [
        ("2026-07-01T15:59-07:00", "summer_off_peak"),
        ("2026-07-01T16:00-07:00", "summer_peak"),
        ("2026-07-04T20:59-07:00", "summer_peak"),  # a Saturday and a holiday: every day is alike
        ("2026-07-04T21:00-07:00", "summer_off_peak"),
        ("2026-09-30T23:59-07:00", "summer_off_peak"),
        ("2026-10-01T00:00-07:00", "winter_off_peak"),
        ("2026-11-01T16:00-08:00", "winter_peak"),  # the day of the change: 16:00 is standard time
        ("2026-11-01T16:00-07:00", "winter_off_peak"),
    ],
)
def test_bucket_by_the_wall_clock(moment: str, bucket: str) -> None:
    assert bucket_of_minute(minute(moment)) == bucket


@pytest.mark.parametrize(
    ("day", "start", "end", "quarters"),
    [
        ("a plain day", "2026-07-01T00:00-07:00", "2026-07-02T00:00-07:00", 96),
        ("spring", "2026-03-08T00:00-08:00", "2026-03-09T00:00-07:00", 92),
        ("autumn", "2026-11-01T00:00-07:00", "2026-11-02T00:00-08:00", 100),
    ],
)
def test_day_has_its_quarters_and_three_stretches(day: str, start: str, end: str, quarters: int) -> None:
    start_us, end_us = minute(start) * 60_000_000, minute(end) * 60_000_000
    assert len(edges(start_us, end_us, 15)) == quarters
    pieces = stretches(start_us, end_us)
    assert [bucket.split("_", 1)[1] for _, _, bucket in pieces] == ["off_peak", "peak", "off_peak"]
    assert pieces[1][1] - pieces[1][0] == 5 * HOUR_US
    assert sum(end - start for start, end, _ in pieces) == end_us - start_us


# Nights of weekdays, a holiday on Thursday 26 November 2026, a season that ends on the 28th; UTC.
SLOW = SlowTariff(
    UTC,
    (
        Sheet(
            date(2026, 11, 2),
            date(2026, 11, 29),
            (("autumn", "09-01", "11-28"),),
            (Hours("night", 1320, 360, ("weekday",)), Hours("day", 0, 1440, ("every",), months=(11,))),
            frozenset({date(2026, 11, 26)}),
        ),
    ),
)


@pytest.mark.parametrize(
    ("moment", "bucket"),
    [
        ("2026-11-01T23:59+00:00", "unassigned"),  # before the first sheet
        ("2026-11-02T05:59+00:00", "autumn_day"),  # Monday; Sunday has no night
        ("2026-11-02T22:00+00:00", "autumn_night"),
        ("2026-11-26T05:59+00:00", "autumn_night"),  # Wednesday's
        ("2026-11-26T22:00+00:00", "autumn_day"),  # the holiday has none
        ("2026-11-28T05:59+00:00", "autumn_night"),  # Friday's
        ("2026-11-29T12:00+00:00", "unassigned"),  # no season
        ("2026-11-30T12:00+00:00", "unassigned"),  # the sheet has ended
    ],
)
def test_slow_tariff_by_hand(moment: str, bucket: str) -> None:
    assert SLOW.bucket(minute(moment)) == bucket


def test_holidays_counted_by_hand() -> None:
    assert nth_weekday(2026, 11, "thu", 4) == date(2026, 11, 26)
    assert nth_weekday(2027, 5, "mon", -1) == date(2027, 5, 31)
    assert nth_weekday(2026, 2, "mon", 5) is None
    assert [moved(date(2026, 7, 4), -1, 1), moved(date(2027, 7, 4), -1, 1)] == [date(2026, 7, 3), date(2027, 7, 5)]
