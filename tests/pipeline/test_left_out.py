"""A clock that leaps by decades, and a meter that nobody reads for years: told whole, not interval by interval.

The calendar is `low` until noon, then `high`; intervals of 15 minutes, of which 400 (four days and four hours) are made
at once here. 12 kW at most. One milliwatt-hour a second.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from gateway.buckets.account_rules import INTERVALS_MOST
from gateway.ledger.schema import migrate

from .test_books import Desk, assert_chain
from .test_clock_set_back import intervals, poll
from .world import MIN, NOON_US, H, S

DAY = 24 * H
MOST = 400
LONGEST = MOST * 15 * MIN
LEAP = 40 * 365 * DAY
FIFTY_DAYS_S = 50 * 86_400


class FewDesk(Desk):
    """A desk that makes 400 intervals at once."""

    def _open(self) -> None:
        super()._open()
        account = self.books._accumulator
        account._rules = replace(account._rules, intervals_most=MOST)


def test_a_gateway_makes_more_than_a_year_of_them() -> None:
    assert INTERVALS_MOST * 15 * MIN > 366 * DAY


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    migrate(tmp_path / "ledger.sqlite")
    one = FewDesk(tmp_path / "ledger.sqlite")
    yield one
    one.store.close()


def told(desk: Desk, kind: str) -> list[dict[str, object]]:
    return [event for event in desk.sent("event") if event["event"] == kind]


def bucket(desk: Desk, name: str, what: str = "bucket") -> int:
    record = desk.books.state_record()
    assert record is not None
    found = record[f"import_{what}_{name}_milliwh"]
    assert isinstance(found, int)
    return found


def leap(desk: Desk) -> None:
    """From a minute past noon the clock shows forty years later, and is believed after a minute."""
    desk.take(poll(-20), poll(-5), poll(60))
    desk.take(*(poll(60 + 5 * n, LEAP) for n in range(1, 14)))
    desk.commit()


def test_as_many_as_are_made_one_by_one(desk: Desk) -> None:
    desk.take(poll(10), poll(20))
    later_s = LONGEST // S
    desk.take(poll(20 + later_s))
    assert desk.books.state_record() is not None
    assert len(desk.batch.intervals) == MOST
    assert [row.kind for row in desk.batch.events] == ["epoch", "gap"]


def test_one_second_more_is_told_whole(desk: Desk) -> None:
    desk.take(poll(10), poll(20))
    later_s = LONGEST // S + 1
    desk.take(poll(20 + later_s))
    desk.commit()
    # The interval that was open closes with what it had; the one at the end of the time has all that grew.
    assert [row[2:] for row in intervals(desk)] == [(None, 10, 900, "incomplete", 10)]
    resumed_s = (20 + later_s) // 900 * 900
    (event,) = told(desk, "intervals_left_out")
    assert (event["from_utc_us"], event["to_utc_us"]) == (NOON_US + 900 * S, NOON_US + resumed_s * S)
    assert bucket(desk, "high") == 10
    record = desk.books.state_record()
    assert record is not None
    assert record["import_unassigned_milliwh"] == later_s
    desk.take(poll(resumed_s + 899), poll(resumed_s + 901), poll(resumed_s + 1799), poll(resumed_s + 1801))
    desk.commit()
    _, second, third = intervals(desk)
    assert second[3:6] == (resumed_s, resumed_s + 900, "incomplete")
    assert second[6] == resumed_s + 900 - 20
    assert third[3:] == (resumed_s + 900, resumed_s + 1800, "measured", 900)
    sent = desk.sent("interval")[1]
    assert sent["import_unassigned_milliwh"] == later_s
    assert sent["import_uncertain_milliwh"] >= later_s
    assert_chain(desk.sent("interval"), desk.store.store_epoch)


def test_a_clock_that_leaps_by_decades_makes_three_records_and_not_a_million(desk: Desk) -> None:
    leap(desk)
    made = intervals(desk)
    assert [row[3:6] for row in made] == [(-20, 0, "measured"), (0, 900, "incomplete")]
    (step,) = told(desk, "clock_step")
    (left_out,) = told(desk, "intervals_left_out")
    assert step["step_us"] == LEAP
    assert left_out["from_utc_us"] == NOON_US + 900 * S
    assert LEAP - H < int(str(left_out["to_utc_us"])) - NOON_US < LEAP + H
    assert sum(row[6] for row in made) == 20 + 60
    # No more can be in a wrong bucket than flowed since the account began: 145 s of 12 kW, and a bit.
    assert bucket(desk, "low", "uncertain") + bucket(desk, "high", "uncertain") < 3 * 12_000 * 145 * 1000 // 3600
    desk.reopen()
    assert desk.books.register_epoch == 1


def test_set_right_again_intervals_go_on_as_if_nothing_had_been(desk: Desk) -> None:
    """They are of no worse quality for decades, and what flowed by the wrong time is in a record of its own."""
    leap(desk)
    desk.take(*(poll(125 + 5 * n) for n in range(1, 17)))
    desk.commit()
    desk.reopen()
    for second in range(215, 5400, 5):
        desk.take(poll(second))
    desk.commit()
    made = intervals(desk)
    assert [row[0] for row in made] == list(range(1, len(made) + 1))
    newest = {row[4]: row for row in made}
    assert len(newest) == len(made) - 1
    ahead = [row for row in made if row[3] > FIFTY_DAYS_S]
    assert len(ahead) == 1
    assert ahead[0][5] == "incomplete"
    rest = sorted((row for row in newest.values() if row not in ahead), key=lambda row: row[4])
    assert [one[4] for one in rest[:-1]] == [other[3] for other in rest[1:]]
    # Noon's quarter was closed by the leap: it is told anew, and the later ones are as good as any.
    assert [row[5] for row in rest] == ["measured", "incomplete", *["measured"] * (len(rest) - 2)]
    assert [row[6] for row in rest[2:]] == [900] * (len(rest) - 2)
    assert sum(row[6] for row in newest.values()) == rest[-1][4] + 20
    assert all(one["seq"] + 1 == other["seq"] for one, other in pairwise(desk.sent("interval")))
    assert_chain(desk.sent("interval"), desk.store.store_epoch)


def test_the_wrong_time_once_more_makes_a_revision_and_no_second_record(desk: Desk) -> None:
    leap(desk)
    desk.take(*(poll(125 + 5 * n) for n in range(1, 17)))
    desk.take(*(poll(205 + 5 * n, LEAP) for n in range(1, 16)))
    desk.take(*(poll(280 + 5 * n) for n in range(1, 20)))
    desk.commit()
    made = intervals(desk)
    ends = [(row[4], row[1]) for row in made]
    assert len(set(ends)) == len(ends)
    ahead = [row for row in made if row[3] > FIFTY_DAYS_S]
    assert [row[1] for row in ahead] == list(range(len(ahead)))
