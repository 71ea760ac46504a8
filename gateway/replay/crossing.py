"""The edges of a stretch of plain rows and what each register was booked at them: columns for many `PendingEdge`s.

An edge that was pending before the stretch stands in front, as its state tells it. Reckons no doubt, changes nothing.
"""

from dataclasses import dataclass

import numpy as np

from ..energy import AccumulatorState, Direction
from ..kernels import Kernel, KernelError
from ..timeline import Timeline
from ..uncertainty import Mark
from .doubt import Around, Column, Flags, marks_around
from .edges import edges_between, versions_at


@dataclass(frozen=True, slots=True)
class Rows:
    """Plain rows of one meter: those before `start` are booked and only known, those after it are to be booked."""

    times_us: Column
    registers: dict[Direction, Column]
    start: int
    reach_us: int
    """Half a window and the clock's error."""

    def mark(self, direction: Direction, row: int, resolution_milliwh: int, rounding_milliwh: int) -> Mark:
        """The mark that an accepted row leaves."""
        at_us, register = int(self.times_us[row]), int(self.registers[direction][row])
        return Mark(at_us - self.reach_us, at_us + self.reach_us, register, resolution_milliwh, rounding_milliwh)


@dataclass(frozen=True, slots=True)
class Edges:
    """The edges in order, each with the interval that it ends."""

    around: Around
    buckets: Column
    next_buckets: Column
    starts_us: Column
    versions: list[str]
    incomplete: Flags
    table_us: Column
    """The calendar's edges alone, the time of the starting row first; `table_buckets` holds from each."""
    table_buckets: Column
    closed: int
    """So many have a row that is surely after them; one more may be left."""

    @property
    def ends_us(self) -> Column:
        return self.around.edges_us


@dataclass(frozen=True, slots=True)
class Shares:
    """One direction at the edges, as `energy.EdgeShare`; and what its buckets get. Milliwatt-hours."""

    booked: Column
    milliwh: Column
    unassigned: Column
    uncertain: Column
    totals: list[int]


def edges_of(rows: Rows, account: AccumulatorState, timeline: Timeline, limit_milliw: int) -> Edges | None:
    """The edges that the rows cross. None where columns do not do: see `edges`, and edges as near as one window."""
    found = edges_between(timeline, int(rows.times_us[rows.start]), int(rows.times_us[-1]))
    if found is None:
        return None
    table_us, table_buckets = found
    ends_us, buckets, next_buckets = table_us[1:], table_buckets[:-1], table_buckets[1:]
    starts_us = _shifted(account.interval_start_us, ends_us)
    versions = versions_at(timeline, starts_us)
    incomplete: Flags = np.zeros(len(ends_us), dtype=np.bool_)
    incomplete[:1] = account.incomplete
    if account.pending:
        (edge,) = account.pending
        names = timeline.calendar.bucket_names
        ends_us, starts_us = _led(edge.edge_us, ends_us), _led(edge.start_us, starts_us)
        buckets, next_buckets = (
            _led(names.index(name), column)
            for name, column in ((edge.bucket, buckets), (edge.next_bucket, next_buckets))
        )
        versions, incomplete = [edge.tariff_version, *versions], np.concatenate(([edge.incomplete], incomplete))
    if len(ends_us) > 1 and int((ends_us[1:] - ends_us[:-1]).min()) <= 2 * rows.reach_us:
        return None
    around = marks_around(ends_us, rows.times_us, rows.reach_us, limit_milliw)
    closed = int(np.count_nonzero(around.after < len(rows.times_us)))
    if closed < len(account.pending) or bool((around.before < 0).any()):
        return None
    return Edges(around, buckets, next_buckets, starts_us, versions, incomplete, table_us, table_buckets, closed)


def shares_of(
    rows: Rows, edges: Edges, account: AccumulatorState, timeline: Timeline, kernel: Kernel
) -> dict[Direction, Shares]:
    """Split the registers' growth over the edges."""
    times_us = rows.times_us[rows.start :]
    registers = [column[rows.start :] for column in rows.registers.values()]
    first, second = registers[0], registers[-1]  # one register: the kernel takes it twice
    count = len(timeline.calendar.bucket_names)
    booked = kernel.accumulate_rows(times_us, first, second, edges.table_us, edges.table_buckets, count)
    if booked.rows != len(times_us):
        raise KernelError(f"row {booked.rows} of plain rows is not in order")
    totals = (booked.import_totals_milliwh, booked.export_totals_milliwh)
    at_edges = (booked.import_at_edges_milliwh, booked.export_at_edges_milliwh)
    return {
        direction: _shares(account, direction, np.frombuffer(column, dtype=np.int64)[1:], sums.tolist())
        for direction, column, sums in zip(rows.registers, at_edges, totals, strict=False)
    }


def _shares(account: AccumulatorState, direction: Direction, booked: Column, totals: list[int]) -> Shares:
    state = account.directions[direction]
    milliwh = booked - _shifted(state.interval_first_milliwh, booked)
    unassigned, uncertain = np.zeros_like(milliwh), np.zeros_like(milliwh)
    milliwh[:1] += state.interval_extra_milliwh
    unassigned[:1], uncertain[:1] = state.interval_unassigned_milliwh, state.interval_uncertain_milliwh
    for edge in account.pending:
        share = edge.shares[direction]
        booked, milliwh = _led(share.booked_milliwh, booked), _led(share.milliwh, milliwh)
        unassigned, uncertain = _led(share.unassigned_milliwh, unassigned), _led(share.uncertain_milliwh, uncertain)
    return Shares(booked, milliwh, unassigned, uncertain, totals)


def touched_buckets(rows: Rows, edges: Edges) -> list[int]:
    """The buckets that a row is booked to without an edge since the row before it, be it with nothing."""
    segments = np.searchsorted(edges.table_us, rows.times_us[rows.start :], side="right") - 1
    inside = segments[1:][segments[1:] == segments[:-1]]
    return [int(bucket) for bucket in np.unique(edges.table_buckets[inside])]


def _led(first: int, column: Column) -> Column:
    return np.concatenate((np.array([first], dtype=np.int64), column))


def _shifted(first: int, column: Column) -> Column:
    """`first`, then all of the column but its last."""
    return _led(first, column)[: len(column)]
