"""A new time-zone database between two runs: told once; intervals go on without a hole, an overlap or a second word.

The old rules have no daylight saving time in California, the new ones do: the same hours lie an hour apart.
"""

from dataclasses import replace
from datetime import UTC, timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.bookkeeping.zone_rules import rules_of
from gateway.ledger.schema import migrate
from gateway.timeline import Timeline

from .test_books import LIFE, Desk
from .world import MIN, NOON_US, HandCalendar, S, reading

PACIFIC = ZoneInfo("America/Los_Angeles")
FOREVER_STANDARD = timezone(timedelta(hours=-8), "America/Los_Angeles")


def test_rules_differ_where_an_offset_does() -> None:
    zones: list[tzinfo] = [UTC, PACIFIC, FOREVER_STANDARD, ZoneInfo("Europe/Berlin"), ZoneInfo("America/Phoenix")]
    assert len({rules_of(zone) for zone in zones}) == 5
    assert rules_of(ZoneInfo("Europe/Berlin")) == rules_of(ZoneInfo("Europe/Paris"))
    assert rules_of(ZoneInfo("UTC")) == rules_of(UTC)


class ZonedDesk(Desk):
    """A desk whose price rises an hour apart by old and new rules."""

    zone: tzinfo = FOREVER_STANDARD

    def timeline(self) -> Timeline:
        edge_us = NOON_US + (60 * MIN if self.zone is FOREVER_STANDARD else 0)
        return Timeline(replace(HandCalendar(1, ((edge_us, 2),)), zone=self.zone), 60)


@pytest.mark.parametrize("restart_s", [-1800, 600, 1800])
def test_a_database_update_is_told_and_intervals_go_on(tmp_path: Path, restart_s: int) -> None:
    migrate(tmp_path / "ledger.sqlite")
    desk = ZonedDesk(tmp_path / "ledger.sqlite")
    for second in range(-3600, 7400, 200):
        if second == restart_s:
            desk.zone = PACIFIC
            desk.reopen()
        desk.take(reading(NOON_US + second * S, LIFE + 4000 + second))
        desk.commit()
    intervals = desk.sent("interval")
    assert [one["revision"] for one in intervals] == [0] * len(intervals)
    ends = [one["end_utc_us"] for one in intervals]
    assert [one["start_utc_us"] for one in intervals[1:]] == ends[:-1]
    assert sum(one["import_milliwh"] for one in intervals) == (ends[-1] - NOON_US) // S + 3600
    assert [event["zone"] for event in desk.sent("event") if event["event"] == "zone_rules"] == ["America/Los_Angeles"]
    record = desk.books.state_record()
    assert record is not None
    # By the old rules until the restart, by the new ones after it: `high` from noon, or from when they came.
    high_s = 7200 - max(0, restart_s - 200)
    assert record["import_bucket_high_milliwh"] == high_s
    desk.store.close()
