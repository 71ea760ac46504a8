"""What a step of the wall clock leaves unknown: the service limit times the time by which an edge was missed.

A clock that is set may have been wrong by the step since it was last set. So each bucket edge passed meanwhile was
passed that much too early or too late, and each one that the step jumps over is passed only now. Edges are remembered
after a step too: a clock that is set in several steps was wrong by their sum, and is never told less than that. A step
that drift explains settles all edges before it: a clock that loses a second a day is never wrong by a year's.
A step that is told may be half a second shorter than the clock was wrong: as much nobody notices.
Plain functions on the accumulator's state; closed intervals are not changed.
"""

from collections import Counter

import msgspec

from ..clock import LAST_CREDIBLE_US
from ..clock_steps import STEP_US, drift_us
from ..energy import AccumulatorState, EdgeAtRisk
from ..timeline import Timeline
from ..uncertainty import most_energy_milliwh

EDGES_KEPT = 8
"""One by one: four days of two a day. The state is written with every commit, and more of them take a second
page of the store, 15 MB a day; older ones are only counted. A clock that is set back beyond them tells them twice."""
KINDS_KEPT = 100
NEAR_MOST = 400
"""Edges that one step is followed over: a clock that was wrong by more than half a year has lost its account anyway."""


def pass_edge(state: AccumulatorState, edge_us: int, before: str, after: str) -> None:
    """A bucket edge was passed by the clock that holds now."""
    if before != after:
        while len(state.at_risk) >= EDGES_KEPT:
            _count(state.at_risk_before, state.at_risk.pop(0))
        state.at_risk.append(EdgeAtRisk(edge_us, before, after))


def _count(kinds: list[EdgeAtRisk], edge: EdgeAtRisk) -> None:
    """Add an edge to those that fare alike with each step to come: the same buckets, wrong and told by as much."""
    for kind in kinds:
        if _kind(kind) == _kind(edge):
            kind.count += edge.count
            return
    del kinds[: len(kinds) + 1 - KINDS_KEPT]
    kinds.append(edge)


def _kind(edge: EdgeAtRisk) -> tuple[str, str, int, int, bool]:
    return edge.before, edge.after, edge.net_us, edge.told_us, edge.settled


def doubt_step(
    state: AccumulatorState, timeline: Timeline, step_us: int, limit_milliw: int, passed_us: int | None = None
) -> None:
    """The wall clock was set by `step_us` since the last booked reading: tell what may lie in a wrong bucket.

    `passed_us`: how long ago that was. A clock that leaps by years misplaces no more than has flowed since the account
    began: of each bucket, for all its edges, and of each interval.
    """
    reach_us, age_us = abs(step_us), _age_us(state, passed_us)
    doubts_us: Counter[str] = Counter()
    _doubt_open_intervals(state, most_energy_milliwh(limit_milliw, min(reach_us, age_us)))
    since_us = abs(state.instant_us - state.set_us) if state.set_us else 0
    jumped = reach_us > drift_us(since_us)
    if step_us > 0:
        for _, before, after in _near(timeline, state.instant_us, step_us):
            _add(doubts_us, before, after, reach_us)  # passed by the next booking, so much too late
    else:
        _remember_behind(state, timeline, state.instant_us, step_us)
    if jumped:
        if step_us < 0:  # the account may have begun on the other side of an edge
            _remember_behind(state, timeline, state.began_us, step_us)
        state.began_us += step_us
    for edge in (*state.at_risk_before, *state.at_risk):
        if not jumped and edge.settled:
            continue
        edge.net_us += step_us
        wrong_us = abs(edge.net_us) + STEP_US * jumped
        _add(doubts_us, edge.before, edge.after, edge.count * max(wrong_us - edge.told_us, 0))
        edge.told_us = max(wrong_us, edge.told_us)
        edge.settled = not jumped
    for bucket, doubt_us in doubts_us.items():
        _tell(state, bucket, most_energy_milliwh(limit_milliw, min(doubt_us, age_us)), reach_us)
    state.set_us = state.instant_us + step_us


def _age_us(state: AccumulatorState, passed_us: int | None) -> int:
    """How long the account has gone on; where nobody knows, for ever."""
    if passed_us is None or not state.began_us:
        return LAST_CREDIBLE_US
    return max(state.instant_us - state.began_us, 0) + passed_us + drift_us(passed_us) + STEP_US


def _remember_behind(state: AccumulatorState, timeline: Timeline, instant_us: int, step_us: int) -> None:
    """Take the edges behind an instant, as far as the step, among those at risk."""
    known = {edge.edge_us for edge in state.at_risk}
    for edge_us, before, after in _near(timeline, instant_us, step_us):
        if edge_us not in known and before != after:
            state.at_risk.append(EdgeAtRisk(edge_us, before, after))


def _doubt_open_intervals(state: AccumulatorState, doubt_milliwh: int) -> None:
    """The open interval, the parked one, and those that wait for their edge to be confirmed."""
    for waiting in state.pending:
        for share in waiting.shares.values():
            share.uncertain_milliwh += doubt_milliwh
    for account in state.directions.values():
        if account.counts_since(state.interval_start_us):
            account.interval_uncertain_milliwh += doubt_milliwh
        if (parked := account.parked) is not None:
            told_milliwh = parked.uncertain_milliwh + doubt_milliwh
            account.parked = msgspec.structs.replace(parked, uncertain_milliwh=told_milliwh)


def _near(timeline: Timeline, instant_us: int, step_us: int) -> list[tuple[int, str, str]]:
    """The bucket edges between an instant and the one that the clock is set to: (edge, before, after)."""
    names, calendar = timeline.calendar.bucket_names, timeline.calendar
    found: list[tuple[int, str, str]] = []
    low_us, high_us = (timeline.credible(one) for one in sorted((instant_us, instant_us + step_us)))
    before, edge_us = names[calendar.bucket_at(low_us)], calendar.next_edge_us(low_us)
    while edge_us <= high_us and len(found) < NEAR_MOST:
        after = names[calendar.bucket_at(edge_us)]
        found.append((edge_us, before, after))
        before, edge_us = after, calendar.next_edge_us(edge_us)
    return found


def _add(doubts_us: Counter[str], before: str, after: str, duration_us: int) -> None:
    if duration_us:
        doubts_us[before] += duration_us
        doubts_us[after] += duration_us


def _tell(state: AccumulatorState, bucket: str, doubt_milliwh: int, reach_us: int) -> None:
    """Of each direction that is there, or was when one of the edges was passed; a set clock may have moved its end."""
    for account in state.directions.values():
        closed_us = account.closed_us
        if closed_us is None or any(edge.edge_us <= closed_us + reach_us for edge in state.at_risk):
            account.doubt(bucket, doubt_milliwh)
