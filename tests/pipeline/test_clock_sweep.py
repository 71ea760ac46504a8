"""The wall clock is set by -2 h to +2 h at every 10 s phase of an interval: nothing overlaps, repeats or goes untold.

The clock is wrong first and set right, so that at the end the truth is known too: a price edge lies within reach of
each step. Judged by the oracle of histories: integers of every bucket and interval, and what is told of the truth.
"""

import pytest

from hil.histories.judge import judge
from hil.histories.plan import LIMIT_MILLIW, Ask, Happening, History, Kind
from hil.histories.play import Player
from hil.histories.tariff import Tariff
from hil.histories.truth import Flow, Meter

from .world import MIN, NOON_US, S

STEPS_S = (1, 5, 9, 10, 30, 59, 61, 90, 299, 300, 600, 601, 899, 900, 901, 1800, 3599, 3600, 5400, 7200)
START_US = NOON_US - 40 * MIN
PHASES = range(0, 15 * 60, 10)


def set_right(step_s: int, phase_s: int) -> History:
    """A clock that is wrong by as much is set right, so far after noon. Forty minutes before and after are read."""
    at_us = NOON_US + phase_s * S + S // 2
    end_us = at_us + (max(-step_s, 0) + 45 * 60) * S
    near = [at_us + second * S for second in (*range(-60, 0, 10), *range(0, 90, 12))]
    far = range(START_US, end_us, 5 * MIN)
    sent = sorted({START_US + 10 * S, *near, *(one for one in far if not at_us - 60 * S <= one < at_us + 90 * S)})
    changes = tuple((START_US + (30 * index - 240) * MIN, 1 + index % 3) for index in range(24))
    flows = Flow(((START_US - MIN, 3_600_000), (at_us - 7 * MIN, LIMIT_MILLIW))), Flow(((at_us, 7_654_321),))
    meters = [Meter(flow, START_US - MIN, 10**9, 1, 0) for flow in flows]
    return History(
        seed=step_s,
        number=phase_s,
        tariff=Tariff("UTC", changes, 15, START_US - 240 * MIN, end_us + 240 * MIN),
        imports=(meters[0],),
        exports=(meters[1],),
        swaps_us=(),
        asks=tuple(Ask(one, one + 20_000, one + 50_000) for one in sent),
        happenings=(Happening(START_US - S, Kind.STEP, -step_s * S), Happening(at_us, Kind.STEP, 0)),
        unassigned=False,
        max_gap_us=60 * MIN,
        error_us=0,
    )


@pytest.mark.parametrize("step_s", [sign * one for one in STEPS_S for sign in (1, -1)])
def test_a_step_at_every_phase_of_an_interval(step_s: int) -> None:
    for phase_s in PHASES:
        one = set_right(step_s, phase_s)
        played = Player(one).play()
        verdict = judge(one, played)
        assert [str(finding) for finding in verdict.findings] == [], (step_s, phase_s)
        assert verdict.counts["truths"] > 0
        steps = [event for event in played.events if event["event"] == "clock_step"]
        assert [event["step_us"] for event in steps] == [step_s * S]
        assert ("repeats_from_utc_us" in steps[0]) is (step_s < 0)
        ends = [interval["end_utc_us"] for interval in played.intervals if interval["revision"] == 0]
        assert len(ends) == len(set(ends))
        # Time that comes again makes revisions of the quarters that had closed, and of no others.
        until_us = NOON_US + phase_s * S - step_s * S
        again = {interval["end_utc_us"] for interval in played.intervals if interval["revision"]}
        least_us = NOON_US + (phase_s - 11) * S  # where the last reading by the old clock stands by the new one
        assert all(least_us < end_us <= until_us + MIN for end_us in again), (step_s, phase_s)
        assert bool(again) or step_s > -900
