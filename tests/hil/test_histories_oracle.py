"""The oracle of histories in cases that can be checked by hand, and that it knows nothing of the gateway."""

import ast
from pathlib import Path

import pytest

from hil.histories import oracle, plan, record, tariff, truth
from hil.histories.judge import judge
from hil.histories.oracle import Oracle, measured_step_us
from hil.histories.plan import History, Kind, history
from hil.histories.record import Fate, Played, Taken
from hil.histories.tariff import Tariff
from hil.histories.truth import MILLIWH, Flow, Meter

S = 1_000_000
MIN = 60 * S
DAY_US = 1_782_864_000_000_000  # 2026-07-01 00:00 UTC
NOON_US = DAY_US + 12 * 60 * MIN
FLOW = Flow(((DAY_US, 3_600_000),))  # a milliwatt-hour a millisecond


def world(unassigned: bool = False) -> History:
    """Bucket 1 until noon, then 2; quarters."""
    meter = Meter(FLOW, DAY_US, 0, 1, 0)
    calendar = Tariff("UTC", ((DAY_US, 1), (NOON_US, 2)), 15, DAY_US, DAY_US + 24 * 60 * MIN)
    return History(0, 0, calendar, (meter,), (meter,), (), (), (), unassigned, 60 * S, 0)


def taken(wall_us: int, shown: int, *, true_us: int | None = None, boot: str = "a", fate: Fate = Fate.BOOKED) -> Taken:
    at_us = wall_us if true_us is None else true_us
    both = {"import": shown, "export": 0}
    return Taken(0, False, both, wall_us, wall_us, at_us, boot, at_us, at_us, wall_us - at_us, fate)


def reckon(*kept: Taken, unassigned: bool = False) -> Oracle:
    one = Oracle(world(unassigned))
    assert len(list(one.walk(list(kept)))) == len(kept) - 1
    return one


def test_a_straight_line_is_cut_at_the_edge_and_the_rest_goes_to_the_later_part() -> None:
    found = reckon(taken(NOON_US - S, 1000, fate=Fate.OPENED), taken(NOON_US + 2 * S, 1010)).reckoning
    assert (found.totals["import", 1], found.totals["import", 2]) == (3, 7)  # 10 over 3 s, a third before
    assert found.share("import", NOON_US).milliwh == 3
    assert found.share("import", NOON_US + 15 * MIN).milliwh == 7
    # 3.6 kW for a second, and for two
    assert found.share("import", NOON_US).true == 1000 * MILLIWH
    assert found.share("import", NOON_US + 15 * MIN).true == 2000 * MILLIWH
    assert found.steps_us == []


def test_a_long_gap_over_a_bucket_edge_is_unassigned_where_the_user_wants_it() -> None:
    rows = taken(NOON_US - 100 * S, 0, fate=Fate.OPENED), taken(NOON_US + 100 * S, 1000)
    found = reckon(*rows, unassigned=True).reckoning
    assert found.totals["import", 0] == 1000
    share = found.share("import", NOON_US)
    assert (share.milliwh, share.unassigned_milliwh) == (500, 500)


def test_a_clock_that_is_set_back_books_by_the_new_time_and_the_quarter_has_both() -> None:
    """At noon + 60 s it is set back by 90 s; 30 s later the next reading stands at noon."""
    first = taken(NOON_US - 60 * S, 0, fate=Fate.OPENED)
    second = taken(NOON_US + 60 * S, 120_000)
    third = taken(NOON_US, 150_000, true_us=NOON_US + 90 * S)
    fourth = taken(NOON_US + 60 * S, 210_000, true_us=NOON_US + 150 * S)
    found = reckon(first, second, third, fourth).reckoning
    assert found.steps_us == [-90 * S]
    # 60 s before noon, 60 after; then from noon - 30 s: 30 before, 60 after
    assert found.totals["import", 1] == 90_000
    assert found.totals["import", 2] == 120_000
    assert found.share("import", NOON_US).true == 90_000 * MILLIWH


def test_a_step_that_was_seen_before_a_restart_is_known_after_it() -> None:
    """Set back by 90 s, which a reading shows that is not booked; a minute after that the machine is started anew."""
    first = taken(NOON_US, 0, fate=Fate.OPENED)
    seen = taken(NOON_US - 60 * S, 30_000, true_us=NOON_US + 30 * S, fate=Fate.NOT_BOOKED)
    last = taken(NOON_US + 60 * S, 150_000, true_us=NOON_US + 150 * S, boot="b")
    one = Oracle(world())
    assert len(list(one.walk([first, last], [first, seen, last]))) == 1
    assert one.reckoning.steps_us == [-90 * S]
    assert not one.reckoning.has_hidden_step
    assert (one.reckoning.totals["import", 1], one.reckoning.totals["import", 2]) == (90_000, 60_000)
    # Without that reading nothing shows it.
    assert reckon(first, last).reckoning.has_hidden_step


def test_a_restart_with_a_clock_set_back_leaves_all_unassigned() -> None:
    found = reckon(taken(NOON_US, 0, fate=Fate.OPENED), taken(NOON_US - 60 * S, 500, boot="b")).reckoning
    assert found.steps_us == [None]
    assert found.has_unplaced
    assert found.totals["import", 0] == 500
    assert found.share("import", NOON_US).unassigned_milliwh == 500


def test_half_a_second_and_what_may_be_slewed_is_no_step() -> None:
    first = taken(NOON_US, 0)
    # 1000 s at 500 ppm are half a second more
    assert measured_step_us(first, taken(NOON_US + 1001 * S, 0, true_us=NOON_US + 1000 * S)) == 0
    assert measured_step_us(first, taken(NOON_US + 1001 * S + 1, 0, true_us=NOON_US + 1000 * S)) == S + 1


def test_truth_by_bucket_and_the_meters_digits() -> None:
    one = Oracle(world())
    assert one.true_bucket("import", 1, NOON_US - 5 * S, NOON_US + 5 * S) == 5000 * MILLIWH
    assert Meter(FLOW, DAY_US, 7, 10, 2 * S).shown(DAY_US + 3 * S) == 2000  # 7 + 2000 at the refresh, cut to tens


@pytest.mark.parametrize(
    ("zone", "minute", "shown"),
    [("Asia/Kathmandu", 0, 345 - 15), ("UTC", 75, 75), ("Australia/Lord_Howe", 0, 600)],
)
def test_the_wall_clock_of_a_zone(zone: str, minute: int, shown: int) -> None:
    """In January 1970 Kathmandu was 5:30 ahead, Lord Howe 10:00."""
    assert tariff.minute_of_day(zone, minute) == shown


def test_a_history_is_the_same_each_time_and_its_clock_is_right_at_the_end() -> None:
    for number in range(1, 60):
        one = history(3, number)
        assert one == history(3, number)
        steps = [thing for thing in one.happenings if thing.kind is Kind.STEP]
        assert not steps or steps[-1].size_us == 0
        last = one.happenings[-1]
        over_us = last.at_us + last.size_us * (last.kind is not Kind.STEP)
        # Five readings are held before a clock is believed.
        assert sum(ask.sent_us > over_us for ask in one.asks) >= 5
    assert len({str(history(3, number)) for number in range(1, 60)}) > 50


def test_a_judge_that_is_given_nothing_finds_that() -> None:
    assert [one.what for one in judge(history(3, 1), Played()).findings] == ["register"]


@pytest.mark.parametrize("module", [oracle, plan, record, tariff, truth])
def test_it_imports_nothing_of_the_gateway(module: object) -> None:
    source = Path(str(getattr(module, "__file__", ""))).read_text(encoding="utf-8")
    names = [
        name
        for node in ast.walk(ast.parse(source))
        for name in (
            [one.name for one in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    ]
    assert names
    assert not [name for name in names if name.split(".")[0] in ("gateway", "drivers")]
