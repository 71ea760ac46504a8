"""The checks that a replay makes of itself can fail: an energy moved, an interval lost, energy made up are seen."""

from dataclasses import replace

import pytest

from gateway.buckets.accumulate import LawBrokenError
from gateway.cli.replay import EXIT_LAW_BROKEN, EXIT_REFUSED, exit_code
from gateway.energy import Direction
from gateway.replay import MeterReplay, Readings, Replay, Service, Terms
from gateway.replay import replay as replay_table
from gateway.replay.feed import feeds
from gateway.replay.fields import BadReason, FieldError
from gateway.replay.result import ListedRun
from gateway.replay.run import STEP_BY_STEP, walk_through
from gateway.replay.table import Column
from gateway.replay.total import sum_up

from .world import MIN, etouc, utc_us

TERMS = Terms(Service(40, 240))


def table() -> Readings:
    """A day at 1 kW, read every quarter."""
    readings = Readings("made", columns={"import": Column(), "export": Column()})
    for row in range(97):
        readings.time_us.append(utc_us("2026-07-01T00:00-07:00") + row * 15 * MIN)
        readings.lines.append(row + 2)
        readings.columns["import"].milliwh.append(row * 250_000)
        readings.columns["export"].milliwh.append(0)
    return readings


def stepped(spoil: str) -> MeterReplay:
    readings = table()
    (feed,) = feeds(readings, TERMS)
    walk = walk_through(feed, etouc(), STEP_BY_STEP)
    (run,) = walk.runs
    assert isinstance(run, ListedRun)
    if spoil == "an interval is lost":
        del run[7]
    if spoil == "an interval comes twice":
        run.append(run[7])
    if spoil == "a bucket has more":
        walk.account.directions[Direction.IMPORT].add("summer_peak", 1)
    if spoil == "energy changes its bucket":
        walk.account.directions[Direction.IMPORT].add("summer_peak", 1)
        walk.account.directions[Direction.IMPORT].add("summer_off_peak", -1)
    return sum_up(walk, feed)


def test_a_sound_replay_passes() -> None:
    result = replay_table(table(), etouc(), TERMS)
    assert (result.is_whole, result.law_holds, exit_code(result)) == (True, True, 0)
    assert stepped("").law_holds


@pytest.mark.parametrize(
    "spoil", ["an interval is lost", "an interval comes twice", "a bucket has more", "energy changes its bucket"]
)
def test_what_does_not_add_up_is_seen_and_has_its_exit_code(spoil: str) -> None:
    meter = stepped(spoil)
    assert not meter.law_holds
    assert exit_code(Replay(table(), TERMS, (meter,))) == EXIT_LAW_BROKEN


def test_rows_left_out_have_their_exit_code() -> None:
    readings = table()
    readings.bad.add(9, FieldError(BadReason.BAD_STATUS, "status 'x'"))
    assert exit_code(replay_table(readings, etouc(), TERMS)) == EXIT_REFUSED


def test_a_broken_law_ends_a_leap() -> None:
    readings = table()
    (feed,) = feeds(readings, TERMS)
    walk = walk_through(feed, etouc(), STEP_BY_STEP)
    walk.account.directions[Direction.IMPORT].last_milliwh += 1
    with pytest.raises(LawBrokenError):
        walk.land(feed.reading(96), 1)


def test_the_law_of_a_direction_is_of_its_own_figures() -> None:
    account = stepped("").directions[Direction.IMPORT]
    assert account.law_holds
    assert not replace(account, unassigned_milliwh=1).law_holds
    assert not replace(account, last_milliwh=account.last_milliwh + 1).law_holds
