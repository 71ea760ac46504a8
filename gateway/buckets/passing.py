"""Passing edges: what grew over them is split by time, and the interval that ends at each waits to be confirmed.

Energy that flowed over more edges than an account can be told by (a year without a reading, a clock that leaps by
decades) is not split: the open interval ends at its edge, all that grew is `unassigned` in the one that is open
afterwards, and what lies between is left out. Plain functions on the accumulator's state; no energy is made or lost.
"""

from array import array
from dataclasses import dataclass

from ..config.types import GapPolicy
from ..energy import AccumulatorState, Direction, DirectionState, EdgeShare, PendingEdge
from ..kernels import Kernel
from ..tariff.calendar import UNASSIGNED, UNASSIGNED_NAME, EdgeTable
from ..timeline import Timeline
from ..uncertainty import Mark, start_uncertain_milliwh
from . import repeat, step_doubt
from .account_rules import Rules


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Time of which no interval is made, UTC microseconds: too long without a reading."""

    from_us: int
    to_us: int


@dataclass(frozen=True, slots=True)
class _Booking:
    """Edges in order, and which of a direction's registers is booked at each."""

    table: EdgeTable
    at_edges: dict[Direction, "array[int]"]
    whole_gap: frozenset[Direction] = frozenset()
    """Of these all of it goes to `unassigned`."""


def is_too_long(state: AccumulatorState, timeline: Timeline, rules: Rules, instant_us: int) -> bool:
    """Whether more intervals end by then than are made one by one."""
    return instant_us - state.instant_us > rules.intervals_most * timeline.interval_us


def split(
    state: AccumulatorState,
    timeline: Timeline,
    kernel: Kernel,
    rules: Rules,
    instant_us: int,
    registers: dict[Direction, int],
    since_us: dict[Direction, int],
) -> None:
    """Book growth over one or more edges, by time; the kernel gives the remainder to the later part.

    `since_us`: when each register was read last, before the last booking where it was lost then: no edge is between.
    """
    table = timeline.table(state.instant_us, instant_us)
    may_leave = rules.gap is GapPolicy.UNASSIGNED and len(set(table.bucket_ids)) > 1
    nowhere = array("q", [UNASSIGNED]) * len(table.bucket_ids)
    whole_gap: set[Direction] = set()
    names = timeline.calendar.bucket_names
    at_edges: dict[Direction, array[int]] = {}
    for direction, account in state.directions.items():
        read_us = min(since_us.get(direction, state.instant_us), state.instant_us)
        if may_leave and instant_us - read_us > rules.max_gap_us:
            whole_gap.add(direction)
        totals, at_edges[direction] = kernel.split_series(
            array("q", [read_us, instant_us]),
            array("q", [account.last_milliwh, registers.get(direction, account.last_milliwh)]),
            array("q", [read_us, *table.edges_us[1:]]),
            nowhere if direction in whole_gap else table.bucket_ids,
            len(names),
        )
        for bucket_id, milliwh in enumerate(totals):
            if milliwh:
                account.add(names[bucket_id], milliwh)
    _cross_all(state, timeline, _Booking(table, at_edges, frozenset(whole_gap)))
    for direction, account in state.directions.items():
        register = registers.get(direction, account.last_milliwh)
        if direction in whole_gap:
            account.interval_unassigned_milliwh += register - account.last_milliwh
        account.last_milliwh = register


def leave_out(
    state: AccumulatorState, timeline: Timeline, limit_milliw: int, instant_us: int, marks: dict[Direction, Mark]
) -> LeftOut:
    """Go over more edges than intervals are made of: nobody knows when what grew flowed."""
    edge_us, resumed_us = timeline.next_edge_us(state.instant_us), timeline.edge_at_or_before_us(instant_us)
    before, after = timeline.bucket_name(state.instant_us), timeline.bucket_name(instant_us)
    for account in state.directions.values():
        if account.present:
            account.doubt(before, start_uncertain_milliwh(account.marks[-1], state.instant_us, limit_milliw))
    state.incomplete = True
    registers = {direction: array("q", [0, account.last_milliwh]) for direction, account in state.directions.items()}
    _cross_all(state, timeline, _Booking(timeline.table(state.instant_us, edge_us), registers))
    repeat.pass_edge(state, resumed_us)
    state.interval_start_us, state.incomplete = resumed_us, True
    for direction, mark in marks.items():
        account, own_milliwh = state.directions[direction], start_uncertain_milliwh(mark, instant_us, limit_milliw)
        grown_milliwh, account.last_milliwh = mark.register_milliwh - account.last_milliwh, mark.register_milliwh
        account.add(UNASSIGNED_NAME, grown_milliwh)
        account.interval_unassigned_milliwh += grown_milliwh
        account.interval_uncertain_milliwh += grown_milliwh + own_milliwh
        for bucket in (UNASSIGNED_NAME, after):
            account.doubt(bucket, own_milliwh)
    return LeftOut(edge_us, resumed_us)


def _cross_all(state: AccumulatorState, timeline: Timeline, booking: _Booking) -> None:
    """Close the books of each interval that ends; it waits for confirmation as a pending edge."""
    table, names, calendar = booking.table, timeline.calendar.bucket_names, timeline.calendar
    for index in range(1, len(table.edges_us)):
        edge_us = table.edges_us[index]
        before, after = names[table.bucket_ids[index - 1]], names[table.bucket_ids[index]]
        shares: dict[Direction, EdgeShare] = {}
        for direction, account in state.directions.items():
            at_edge_milliwh = booking.at_edges[direction][index]
            if direction in booking.whole_gap:
                account.interval_unassigned_milliwh += at_edge_milliwh - account.last_milliwh
                account.last_milliwh = at_edge_milliwh
            if account.counts_since(state.interval_start_us):
                shares[direction] = _share(account, edge_us, at_edge_milliwh)
            account.begin_interval(at_edge_milliwh)
        state.pending.append(
            PendingEdge(
                edge_us=edge_us,
                start_us=state.interval_start_us,
                bucket=before,
                next_bucket=after,
                tariff_version=calendar.version_at(state.interval_start_us),
                register_epoch=state.register_epoch,
                incomplete=state.incomplete,
                shares=shares,
                estimated=state.estimated,
                repeated=state.repeated,
                again=state.frontier_us > 0,
            )
        )
        state.interval_start_us, state.incomplete, state.estimated = edge_us, False, False
        step_doubt.pass_edge(state, edge_us, before, after)
        repeat.pass_edge(state, edge_us)


def _share(account: DirectionState, edge_us: int, at_edge_milliwh: int) -> EdgeShare:
    before, containing = _around(account.marks, edge_us)
    return EdgeShare(
        booked_milliwh=at_edge_milliwh,
        milliwh=at_edge_milliwh - account.last_milliwh + account.interval_milliwh,
        unassigned_milliwh=account.interval_unassigned_milliwh,
        uncertain_milliwh=account.interval_uncertain_milliwh,
        before=before,
        containing=containing,
    )


def _around(marks: list[Mark], edge_us: int) -> tuple[Mark | None, list[Mark]]:
    """The last mark that surely ended before an edge, and those whose window contains it; marks in order of time."""
    if marks[-1].latest_us <= edge_us:  # so it is at all edges of a gap but the first ones
        return marks[-1], []
    before = next((mark for mark in reversed(marks) if mark.latest_us <= edge_us), None)
    return before, [mark for mark in marks if mark.earliest_us < edge_us < mark.latest_us]
