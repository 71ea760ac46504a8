"""Leaping over plain rows leaves what stepping leaves: every total, doubt, interval, event and mark, to the last key.

Tables from hypothesis: nights of the clock change, digits and clocks of all sizes, and between good rows whatever a
meter can do. What stepping itself does is judged elsewhere (test_accumulate*.py, test_replay_oracle.py).
"""

import random
from dataclasses import dataclass
from types import FunctionType
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.types import GapPolicy
from gateway.replay.edges import edges_between, versions_at
from gateway.replay.feed import feeds
from gateway.replay.fields import FIRST_US
from gateway.replay.plain import plain_rows
from gateway.replay.run import STEP_BY_STEP, Pace, walk_through
from gateway.replay.table import ABSENT, Column, Readings
from gateway.replay.terms import Service, Terms
from gateway.replay.walk import Walk
from gateway.timeline import Calendar, Timeline

from .world import MIN, H, HandCalendar, S, etouc, tries, utc_us

EAGER = Pace(least_rows=3, most_rows=40, patience_rows=2)
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # its clocks change by half an hour
HOWE_US = utc_us("2026-04-05T01:30+11:00")
STARTS = [
    utc_us("2026-03-08T00:00-08:00"),
    utc_us("2026-11-01T00:00-07:00"),
    utc_us("2026-07-01T14:00-07:00"),
    utc_us("2026-02-28T20:00-08:00"),  # the tariff's version changes at midnight
    utc_us("2024-12-31T22:00-08:00"),  # its first version begins
]
ODD = HandCalendar(1, ((HOWE_US + 7 * S, 2), (HOWE_US + 20 * MIN, 1), (HOWE_US + 90 * MIN + 1, 2)), zone=LORD_HOWE)
TROUBLES = [
    "back",
    "fell",
    "zero",
    "reset",
    "spike",
    "blank",
    "gap",
    "jump",
    "both_blank",
    "crawl",
    "brink",
    "brink",
    "still",
]


@dataclass(frozen=True)
class Case:
    readings: Readings
    calendar: Calendar
    terms: Terms


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    return Terms(
        Service(draw(st.sampled_from([40, 200, 10_000])), 240),
        interval_min=draw(st.sampled_from([5, 15, 60])),
        gap=draw(st.sampled_from(list(GapPolicy))),
        max_gap_us=draw(st.sampled_from([10 * MIN, H])),
        half_window_us=draw(st.sampled_from([0, 0, 1, 2 * S, 40 * S])),
        clock_error_us=draw(st.sampled_from([0, 0, 1, 9 * S, 60 * S, 400 * S])),
        resolution_milliwh=draw(st.sampled_from([1, 10, 1000, 100_000])),
        rounded=draw(st.booleans()),
    )


@st.composite
def cases(draw: st.DrawFn, troubled: bool = True) -> Case:
    chance = random.Random(draw(st.integers(0, 2**32)))
    calendar: Calendar = draw(st.sampled_from([etouc(), etouc(), ODD]))
    at_us = HOWE_US - H if calendar is ODD else draw(st.sampled_from(STARTS))
    step_us = draw(st.sampled_from([20 * S, MIN, 5 * MIN, 15 * MIN, 437 * S + 1, H]))
    jitter_us = draw(st.sampled_from([0, 1, step_us // 3]))
    count = draw(st.integers(8, 160))
    troubles = draw(st.dictionaries(st.integers(1, 150), st.sampled_from(TROUBLES), max_size=3)) if troubled else {}
    imported, exported, production = (Column() for _ in range(3))
    readings = Readings("made", columns={"import": imported, "export": exported, "production": production})
    registers = [chance.randrange(10**9), 0, chance.randrange(10**12)]
    under, still = draw(terms()), False
    for row in range(count):
        trouble = troubles.get(row)
        if trouble == "gap":
            at_us += chance.choice([20 * MIN, 3 * H, 30 * H])
        if trouble == "fell":  # by a last digit, or less, or more; held until it has passed the old value
            registers[0] = max(0, registers[0] - chance.choice([1, 10, 1000, 100_000]))
        if trouble == "reset":
            registers = [chance.randrange(1000) for _ in registers]
        readings.time_us.append(at_us + (chance.randrange(-jitter_us, jitter_us + 1) if jitter_us > 1 else 0))
        readings.lines.append(row + 2)
        if trouble == "brink" and row:
            registers = brink(under, readings, [imported, exported, production], chance)
        still = still != (trouble == "still")
        shown = list(registers)
        if trouble == "back":
            shown[0] = max(0, shown[0] - chance.choice([1, under.resolution_milliwh or 1]))
        if trouble == "zero":
            shown = [0, 0, 0]
        if trouble == "spike":
            shown[0] += 10**12
        if trouble == "jump":
            registers[0] += 10**12
        if trouble == "both_blank" or (trouble == "blank" and chance.random() < 0.5):
            shown = [ABSENT] * 3
        elif trouble == "blank":
            shown[chance.randrange(2)] = ABSENT
        for column, value in zip((imported, exported, production), shown, strict=True):
            column.milliwh.append(value)
        most = 9_600_000 * step_us // 3_600_000_000
        for side in range(3):
            registers[side] += 0 if still else chance.choice([0, 0, 1, chance.randrange(most + 1), most])
        at_us += step_us
    return Case(readings, calendar, under)


def brink(under: Terms, readings: Readings, columns: list[Column], chance: random.Random) -> list[int]:
    """Registers about as far on from the row before as the service can have carried them: by hand, limit = A V 1.25."""
    digit_milliwh = under.resolution_milliwh or 1
    limit_milliw = under.service.amps * under.service.volts * 1250
    elapsed_us = readings.time_us[-1] - readings.time_us[-2] + 2 * under.half_window_us
    most_milliwh = digit_milliwh - (-limit_milliw * elapsed_us // 3_600_000_000)
    most_milliwh += (digit_milliwh + 1) // 2 if under.rounded else 0
    return [max(0, column.milliwh[-1]) + max(0, most_milliwh + chance.choice([-2, -1, -1, 0])) for column in columns]


def walks(case: Case, pace: Pace) -> list[Walk]:
    return [walk_through(feed, case.calendar, pace) for feed in feeds(case.readings, case.terms)]


SHARED = {"leaps", "runs", "_accumulator", "_timeline"}
"""How it was done; or told below by what it holds."""


def left_behind(walk: Walk) -> dict[str, object]:
    """Everything that a walk leaves, whatever its books hold: what it told, and what it would go on from."""
    rest = {name: held_by(value) for name, value in vars(walk).items() if name not in SHARED}
    return {"account": walk.account, "intervals": [interval for run in walk.runs for interval in run], **rest}


def held_by(value: object) -> object:
    """The value itself, or what it holds where it is compared by identity alone."""
    if type(value).__eq__ is not object.__eq__ or isinstance(value, FunctionType) or not hasattr(value, "__dict__"):
        return value
    return {name: held_by(one) for name, one in vars(value).items() if name not in SHARED}


@given(case=cases())
@tries(250)
def test_leaping_leaves_what_stepping_leaves(case: Case) -> None:
    for stepped, leapt in zip(walks(case, STEP_BY_STEP), walks(case, EAGER), strict=True):
        assert stepped.leaps == 0
        one, other = left_behind(stepped), left_behind(leapt)
        for what, value in one.items():
            assert other[what] == value, what


@given(case=cases(troubled=False))
@tries(60)
def test_both_go_on_alike_after_a_leap(case: Case) -> None:
    """The last rows are stepped through in either case, so that all that was left behind is used."""
    late = Pace(least_rows=len(case.readings) // 2, most_rows=max(1, len(case.readings) - 6), patience_rows=1)
    for stepped, leapt in zip(walks(case, STEP_BY_STEP), walks(case, late), strict=True):
        assert left_behind(stepped) == left_behind(leapt)


def plain_day(step_us: int, clock_error_us: int) -> Case:
    """A summer's day of good rows, nine o'clock to nine."""
    column, exported = Column(), Column()
    readings = Readings("made", columns={"import": column, "export": exported})
    for row in range(12 * H // step_us):
        readings.time_us.append(utc_us("2026-07-01T09:00-07:00") + row * step_us)
        readings.lines.append(row + 2)
        column.milliwh.append(row * 20_000)
        exported.milliwh.append(row * 3)
    return Case(readings, etouc(), Terms(Service(200, 240), clock_error_us=clock_error_us))


@pytest.mark.parametrize("clock_error_us", [0, 9 * S, 60 * S])
@pytest.mark.parametrize("step_us", [MIN, 5 * MIN, 15 * MIN])
def test_plain_rows_are_leapt_over(step_us: int, clock_error_us: int) -> None:
    """Else the tests above would compare stepping with stepping."""
    (walk,) = walks(plain_day(step_us, clock_error_us), EAGER)
    blocks = [run for run in walk.runs if type(run).__name__ == "IntervalBlock"]
    assert walk.leaps >= 1
    assert sum(len(block) for block in blocks) >= 40


def test_two_years_of_hours_at_the_daemons_own_pace() -> None:
    """Longer than the 1000 bucket edges that the books keep: two of them a day, and four changes of the clock."""
    column, exported = Column(), Column()
    readings = Readings("made", columns={"import": column, "export": exported})
    for row in range(2 * 365 * 24 + 12):
        readings.time_us.append(utc_us("2025-06-01T00:07-07:00") + row * H)
        readings.lines.append(row + 2)
        column.milliwh.append(row * 20_001)
        exported.milliwh.append(row // 9 * 70_000)
    case = Case(readings, etouc(), Terms(Service(40, 240), interval_min=60, resolution_milliwh=10))
    for stepped, leapt in zip(walks(case, STEP_BY_STEP), walks(case, Pace()), strict=True):
        assert (stepped.leaps, leapt.leaps) == (0, 1)
        assert left_behind(stepped) == left_behind(leapt)


BRINKS = [  # digit mWh, rounded, half window s, the most that can have flowed in 15 minutes: 12 kW is 3 kWh
    (1, False, 0, 3_000_000),
    (1000, False, 0, 3_000_999),
    (1000, True, 0, 3_001_499),
    (1, False, 2, 3_013_334),  # 904 s of 12 kW: 3,013,333.3
]


@pytest.mark.parametrize(("digit_milliwh", "rounded", "half_s", "most_milliwh"), BRINKS)
def test_a_row_is_plain_up_to_what_the_service_can_carry_and_validate_agrees(
    digit_milliwh: int, rounded: bool, half_s: int, most_milliwh: int
) -> None:
    """To the milliwatt-hour: else a limit that `validate` draws tighter would be leapt over in silence."""
    under = Terms(Service(40, 240), half_window_us=half_s * S, resolution_milliwh=digit_milliwh, rounded=rounded)
    for more_milliwh, accepted in ((0, True), (1, False)):
        column = Column()
        readings = Readings("made", columns={"import": column})
        for row, milliwh in enumerate((5, 5, 5 + most_milliwh + more_milliwh)):
            readings.time_us.append(utc_us("2026-07-01T09:00-07:00") + row * 15 * MIN)
            readings.lines.append(row + 2)
            column.milliwh.append(milliwh)
        (feed,) = feeds(readings, under)
        walk = walk_through(feed, etouc(), STEP_BY_STEP)
        assert plain_rows(feed, H).tolist() == [False, True, accepted]
        assert walk.last_decision == ("accepted" if accepted else "quarantined: impossible_jump")


def test_a_long_gap_just_before_a_leap_does_not_pass_int64() -> None:
    """30 hours at 10,000 A are 3e20 mW us; the row after the gap lies on an edge that waits for the next row."""
    case = plain_day(5 * MIN, 1)
    for row in range(3, len(case.readings)):
        case.readings.time_us[row] += 30 * H
    case = Case(case.readings, case.calendar, Terms(Service(10_000, 240), interval_min=5, clock_error_us=1))
    for stepped, leapt in zip(walks(case, STEP_BY_STEP), walks(case, EAGER), strict=True):
        assert leapt.leaps
        assert left_behind(stepped) == left_behind(leapt)


def test_a_difference_of_one_would_be_seen() -> None:
    case = plain_day(5 * MIN, 9 * S)
    (stepped,) = walks(case, STEP_BY_STEP)
    case.readings.columns["import"].milliwh[70] += 1
    (leapt,) = walks(case, EAGER)
    assert left_behind(stepped)["account"] == left_behind(leapt)["account"]  # the last register is the same ...
    assert left_behind(stepped)["intervals"] != left_behind(leapt)["intervals"]  # ... and one interval is not


@given(
    start_us=st.sampled_from([*STARTS, HOWE_US - 3 * H, FIRST_US]),
    length_us=st.integers(1, 60 * H),
    interval_min=st.sampled_from([5, 15, 30, 60]),
    calendar=st.sampled_from([etouc(), ODD]),
)
@tries(150)
def test_edges_at_once_are_the_edges_one_by_one(
    start_us: int, length_us: int, interval_min: int, calendar: Calendar
) -> None:
    timeline = Timeline(calendar, interval_min, FIRST_US)
    found = edges_between(timeline, start_us, start_us + length_us)
    if found is None:
        assert calendar is ODD  # half an hour's change
        assert interval_min == 60
        return
    table = timeline.table(start_us, start_us + length_us)
    assert found[0].tolist() == table.edges_us.tolist()
    assert found[1].tolist() == table.bucket_ids.tolist()
    versions = versions_at(timeline, found[0])
    assert versions == [calendar.version_at(edge_us) for edge_us in table.edges_us]


class Lapsed(HandCalendar):
    """Its one version holds for three hours."""

    def version_at(self, utc_us: int) -> str:
        return "v1" if HOWE_US <= utc_us < HOWE_US + 3 * H else ""


def test_a_version_between_times_without_one_is_found() -> None:
    timeline = Timeline(Lapsed(1, ()), 15, FIRST_US)
    instants = np.arange(HOWE_US - 9 * H, HOWE_US + 9 * H, 15 * MIN, dtype=np.int64)
    assert versions_at(timeline, instants) == [""] * 36 + ["v1"] * 12 + [""] * 24
