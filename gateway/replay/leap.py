"""Years of plain rows in one go: what `Walk.step` would do for each of them, done over columns.

Not a second way to reckon: the kernel splits, `doubt` is the formula of `uncertainty`, and the state left behind is the
one that stepping leaves, to the last key (tests/pipeline/test_replay_leap.py). Where anything is not plain (readings in
quarantine, a direction lost, an edge within an edge's window) `leap` does nothing, and the caller steps.
"""

from collections.abc import Iterator

import numpy as np

from ..buckets import step_doubt
from ..buckets.swing import Swing, swing_through
from ..energy import AccumulatorState, Direction, EdgeShare, PendingEdge
from ..kernels import Kernel
from ..timeline import Timeline
from ..uncertainty import Mark
from .block import IntervalBlock, PartColumns
from .crossing import Edges, Rows, Shares, edges_of, shares_of, touched_buckets
from .doubt import Column, Flags, bounds_milliwh, measured, most_in_intervals_milliwh
from .feed import Feed
from .walk import Walk


class Leaper:
    """Leaps for one meter's walk over its feed."""

    def __init__(self, walk: Walk, feed: Feed, timeline: Timeline, kernel: Kernel) -> None:
        self._walk, self._feed, self._timeline, self._kernel = walk, feed, timeline, kernel
        self._rules = feed.terms.rules(feed.meter)
        self._times: Column = np.frombuffer(feed.time_us, dtype=np.int64)
        self._registers: dict[Direction, Column] = {
            direction: np.frombuffer(column, dtype=np.int64) for direction, column in feed.registers.items()
        }

    def leap(self, first: int, start: int, last: int) -> bool:
        """Book the plain rows after `start` up to `last`. False: nothing was done, go step by step.

        `start` is the last that was taken; each after `first` up to it was plain, and accepted.
        """
        reach_us = self._feed.terms.half_window_us + self._feed.terms.clock_error_us
        registers = {direction: column[first : last + 1] for direction, column in self._registers.items()}
        rows = Rows(self._times[first : last + 1], registers, start - first, reach_us)
        account = self._walk.account
        if not self._is_calm(rows, account):
            return False
        edges = edges_of(rows, account, self._timeline, self._rules.limit_milliw)
        if edges is None:
            return False
        shares = shares_of(rows, edges, account, self._timeline, self._kernel)
        self._book(rows, edges, shares)
        self._close(rows, edges, shares)
        self._arrive(rows, edges, shares)
        self._walk.land(self._feed.reading(last), last - start)
        return True

    def _is_calm(self, rows: Rows, account: AccumulatorState) -> bool:
        """Whether the books are such that, of what was before, only these rows matter to what comes."""
        present = {direction for direction, one in account.directions.items() if one.present and one.proven}
        if account.frontier_us or account.repeated or account.again or account.estimated:
            return False
        if any(edge.estimated or edge.repeated for edge in account.pending):
            return False
        if present != set(rows.registers) or present != set(account.directions) or len(account.pending) > 1:
            return False
        since_us = account.pending[0].edge_us if account.pending else account.instant_us
        return int(rows.times_us[0]) + rows.reach_us <= since_us

    def _book(self, rows: Rows, edges: Edges, shares: dict[Direction, Shares]) -> None:
        """Add to the buckets."""
        names = self._timeline.calendar.bucket_names
        touched = touched_buckets(rows, edges)
        for direction, one in shares.items():
            account = self._walk.account.directions[direction]
            for bucket in touched:
                account.add(names[bucket], 0)
            for bucket, milliwh in enumerate(one.totals):
                if milliwh:
                    account.add(names[bucket], milliwh)

    def _close(self, rows: Rows, edges: Edges, shares: dict[Direction, Shares]) -> None:
        """Tell what is uncertain at the closed edges, and write the intervals that end there."""
        if not edges.closed:
            return
        parts = {direction: self._close_direction(rows, edges, direction, one) for direction, one in shares.items()}
        names, state = self._timeline.calendar.bucket_names, self._walk.account
        closed = slice(edges.closed)
        self._walk.runs.append(
            IntervalBlock(
                starts_us=edges.starts_us[closed],
                ends_us=edges.ends_us[closed],
                bucket_ids=edges.buckets[closed],
                bucket_names=names,
                tariff_versions=edges.versions[closed],
                register_epoch=state.register_epoch,
                measured=self._measured(edges),
                incomplete=edges.incomplete[closed],
                parts=parts,
            )
        )

    def _close_direction(self, rows: Rows, edges: Edges, direction: Direction, one: Shares) -> PartColumns:
        state, account, closed = self._walk.account, self._walk.account.directions[direction], slice(edges.closed)
        digit_milliwh = self._feed.digits[direction].milliwh
        rounding_milliwh = self._feed.rounding_milliwh(direction)
        around = edges.around.only(edges.closed)
        booked, milliwh = one.booked[closed], one.milliwh[closed]
        low, high = bounds_milliwh(around, rows.registers[direction], digit_milliwh, rounding_milliwh)
        doubts = np.maximum(np.maximum(high - booked, booked - low), 0)
        carried = np.concatenate(([state.carried_milliwh.get(direction, 0)], doubts[:-1]))
        state.carried_milliwh[direction] = int(doubts[-1])
        for swings in self._swings(edges, booked, low, high, doubts):
            for bucket, swing in swings.items():
                account.doubt(bucket, swing.uncertain_milliwh)
        most = most_in_intervals_milliwh(around, milliwh, edges.ends_us[closed] - edges.starts_us[closed])
        told = one.uncertain[closed] + np.minimum(carried + doubts, most)
        return PartColumns(milliwh, one.unassigned[closed], told, booked)

    def _swings(
        self, edges: Edges, booked: Column, low: Column, high: Column, doubts: Column
    ) -> Iterator[dict[str, Swing]]:
        """What the buckets have to be told of the edges that one row confirms together, run by run."""
        names = self._timeline.calendar.bucket_names
        changes = np.flatnonzero(edges.buckets[: edges.closed] != edges.next_buckets[: edges.closed])
        sides = (edges.around.after, edges.buckets, edges.next_buckets, booked, low, high, doubts)
        run, swings = -1, dict[str, Swing]()
        for after, before, behind, *register in zip(*(column[changes].tolist() for column in sides), strict=True):
            if after != run:
                yield swings
                run, swings = after, {}
            swing_through(swings, (names[before], names[behind]), register[0], (register[1], register[2]), register[3])
        yield swings

    def _measured(self, edges: Edges) -> Flags:
        """Whether both edges of each closed interval were read; every direction is read in the same rows."""
        state = self._walk.account
        ends = measured(edges.around.only(edges.closed), self._rules.edge_tolerance_us)
        begun = np.concatenate(([not state.begun_unread], ends[:-1]))
        state.begun_unread = [] if ends[-1] else list(state.directions)
        both: Flags = ends & begun
        return both

    def _pass_edges(self, edges: Edges) -> None:
        """Remember the bucket edges that were passed; one that waited before has been remembered then."""
        names, state = self._timeline.calendar.bucket_names, self._walk.account
        sides = zip(edges.ends_us.tolist(), edges.buckets.tolist(), edges.next_buckets.tolist(), strict=True)
        for edge_us, before, after in list(sides)[len(state.pending) :]:
            step_doubt.pass_edge(state, edge_us, names[before], names[after])

    def _arrive(self, rows: Rows, edges: Edges, shares: dict[Direction, Shares]) -> None:
        """Leave the account as the last row's step would have left it."""
        state, at_us = self._walk.account, int(rows.times_us[-1])
        kept = int(np.searchsorted(rows.times_us, at_us - rows.reach_us, side="right")) - 1
        for direction, one in shares.items():
            account = state.directions[direction]
            account.last_milliwh = int(rows.registers[direction][-1])
            account.marks = [self._mark(rows, direction, row) for row in range(kept, len(rows.times_us))]
            if len(edges.table_us) > 1:
                account.interval_first_milliwh = int(one.booked[-1])
                account.interval_extra_milliwh = account.interval_unassigned_milliwh = 0
                account.interval_uncertain_milliwh = 0
        state.instant_us = at_us
        self._pass_edges(edges)
        state.pending = [self._pending(rows, edges, shares)] if edges.closed < len(edges.ends_us) else []
        if len(edges.table_us) > 1:
            state.interval_start_us, state.incomplete = int(edges.ends_us[-1]), False

    def _pending(self, rows: Rows, edges: Edges, shares: dict[Direction, Shares]) -> PendingEdge:
        """The last edge, which no row is surely after."""
        names, before = self._timeline.calendar.bucket_names, int(edges.around.before[-1])
        return PendingEdge(
            edge_us=int(edges.ends_us[-1]),
            start_us=int(edges.starts_us[-1]),
            bucket=names[int(edges.buckets[-1])],
            next_bucket=names[int(edges.next_buckets[-1])],
            tariff_version=edges.versions[-1],
            register_epoch=self._walk.account.register_epoch,
            incomplete=bool(edges.incomplete[-1]),
            shares={
                direction: EdgeShare(
                    booked_milliwh=int(one.booked[-1]),
                    milliwh=int(one.milliwh[-1]),
                    unassigned_milliwh=int(one.unassigned[-1]),
                    uncertain_milliwh=int(one.uncertain[-1]),
                    before=self._mark(rows, direction, before),
                    containing=[self._mark(rows, direction, row) for row in range(before + 1, len(rows.times_us))],
                )
                for direction, one in shares.items()
            },
        )

    def _mark(self, rows: Rows, direction: Direction, row: int) -> Mark:
        return rows.mark(direction, row, self._feed.digits[direction].milliwh, self._feed.rounding_milliwh(direction))
