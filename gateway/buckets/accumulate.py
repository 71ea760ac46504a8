"""The accumulate step: the growth of a meter's registers becomes energy in buckets and closed intervals.

One `Accumulator` a meter, run by one thread. It knows no clock, no store and no broker. The law holds in it
after every call:   sum(buckets, unassigned among them) == earlier_epochs + last - epoch_first   in milliwatt-hours.
An edge's energy is booked when the first reading after it comes; its interval closes, and its uncertainty is
told, when a reading comes that cannot have been latched before the edge. Readings come in order of time; where the
wall clock was set back, `go_back` says so first, and what closed intervals had is not touched (`repeat`).
"""

from collections.abc import Mapping, Sequence

from drivers import EnergyRegister

from ..decision import Doubt
from ..energy import AccumulatorState, Direction, DirectionState, Interval, registers_of
from ..kernels import Kernel
from ..reading.read import Reading
from ..timeline import Timeline
from ..uncertainty import Mark, most_energy_milliwh, start_uncertain_milliwh
from . import passing, presence, repeat, step_doubt, unread
from .account_rules import EDGE_TOLERANCE_US, Rules
from .bridge import Detail, bridge
from .closing import close_pending
from .doubts import tell
from .passing import LeftOut

__all__ = ["EDGE_TOLERANCE_US", "Accumulator", "LawBrokenError", "Rules"]


class LawBrokenError(Exception):
    """Buckets and registers disagree: a fault in this program. Nothing may be committed after it."""


class Accumulator:
    """Books one meter's readings; `state` may be stored at any moment between calls and handed in again."""

    def __init__(self, state: AccumulatorState, timeline: Timeline, kernel: Kernel, rules: Rules) -> None:
        self.state = state
        self._timeline = timeline
        self._kernel = kernel
        self._rules = rules
        self.left_out: LeftOut | None = None
        """The time of which the last booking made no intervals, until somebody has told it and takes it away."""

    @property
    def started(self) -> bool:
        """Whether a register epoch is open."""
        return self.state.register_epoch > 0

    @property
    def present(self) -> frozenset[Direction]:
        """The directions that the meter has now."""
        return frozenset(direction for direction, account in self.state.directions.items() if account.present)

    @property
    def limit_milliw(self) -> int:
        """The most that the service carries."""
        return self._rules.limit_milliw

    @property
    def counted_milliwh(self) -> dict[Direction, int]:
        """What each register has counted in the open epoch."""
        return {
            one: account.last_milliwh - account.epoch_first_milliwh for one, account in self.state.directions.items()
        }

    def leave_open(self, doubts: Sequence[Doubt], from_us: int, closed: list[Interval]) -> list[Interval]:
        """Tell what is open of what was booked last, from `from_us` on; `closed` has closed by it. Returns that."""
        return tell(self.state, self._timeline, self._rules.limit_milliw, doubts, from_us, closed)

    def start_epoch(self, register_epoch: int, reading: Reading) -> list[Interval]:
        """Open a register epoch with its first reading; the old one's last register stays where it was.

        What flowed between the two epochs is in no register: it is told as uncertain. Returns what closed.
        """
        state = self.state
        closed: list[Interval] = []
        instant_us = reading.instant_us
        if self.started:
            self._pass_unread_edges(instant_us)
            closed = self._close_pending(None)
            state.incomplete = True
        else:
            state.interval_start_us = state.set_us = state.began_us = instant_us
        registers = registers_of(reading.snapshot)
        for direction, account in state.directions.items():
            if account.present and direction not in registers:
                presence.end(account, state.register_epoch, instant_us)
        state.register_epoch, state.instant_us = register_epoch, instant_us
        for direction, register in registers.items():
            self._open_direction(direction, register, _mark(reading, register), instant_us)
        self._check()
        return closed

    def add(self, reading: Reading, estimated: bool = False) -> list[Interval]:
        """Book an accepted reading of the open epoch. Returns the intervals that it closes, oldest first.

        `estimated`: one of its registers stands still although power flows, so no edge is known by reading it.
        """
        state = self.state
        state.estimated = state.estimated or estimated
        instant_us = reading.instant_us
        if instant_us <= state.instant_us:
            raise ValueError(f"reading at {instant_us} is not after {state.instant_us}")
        marks: dict[Direction, Mark] = {}
        since_us: dict[Direction, int] = {}
        for direction, register in registers_of(reading.snapshot).items():
            marks[direction] = _mark(reading, register)
            since_us[direction] = self._admit(direction, register, marks[direction], instant_us)
        for direction, account in state.directions.items():
            if account.present and direction not in marks:
                state.incomplete = True
                last_bucket = self._bucket_name(state.instant_us)
                presence.lose(account, state.register_epoch, state.instant_us, last_bucket, self._rules.limit_milliw)
        if instant_us < self._timeline.next_edge_us(state.instant_us):
            bucket = self._bucket_name(instant_us)
            for direction, mark in marks.items():
                account = state.directions[direction]
                account.add(bucket, mark.register_milliwh - account.last_milliwh)
                account.last_milliwh = mark.register_milliwh
        else:
            self._pass_edges(instant_us, marks, since_us)
        state.instant_us = instant_us
        closed = self._close_pending(marks)
        for direction, mark in marks.items():
            self._remember(state.directions[direction], mark, instant_us)
        self._check()
        return closed

    def doubt_clock_step(self, step_us: int, passed_us: int | None = None) -> None:
        """The wall clock was set by `step_us` since the last booked reading: tell what that leaves unknown.

        `passed_us`: how long ago that was by monotonic time; None: nobody knows.
        """
        if self.started:
            self.state.frontier_step_us += step_us if self.state.frontier_us else 0
            step_doubt.doubt_step(self.state, self._timeline, step_us, self._rules.limit_milliw, passed_us)

    def go_back(self, step_us: int) -> list[Interval]:
        """The wall clock was set back: the last booked reading stands at `step_us` (below zero) from where it was.

        The next call books what has flowed since, by the clock that holds now. Returns what closed: what waited for
        its edge to be confirmed, which no reading by this clock can do.
        """
        if not self.started:
            return []
        closed = self._close_pending(None)
        most_us = self._rules.intervals_most * self._timeline.interval_us
        repeat.go_back(self.state, self._timeline, step_us, self._rules.limit_milliw, most_us)
        self._check()
        return closed

    def book_unplaced(self, reading: Reading) -> None:
        """Book growth of which nobody knows over how long a time it was: to `unassigned`. Before `add`."""
        marks = {direction: _mark(reading, one) for direction, one in registers_of(reading.snapshot).items()}
        bucket = self._bucket_name(self.state.instant_us)
        repeat.book_unplaced(self.state, marks, bucket, self._rules.limit_milliw)
        self._check()

    def bridge(self, reading: Reading, counts_on: bool) -> Detail | None:
        """Before the first booking of a store epoch that goes on from another. Returns what to tell of it, if it is."""
        detail = bridge(self.state, reading, counts_on)
        self._check()
        return detail

    def move(
        self,
        direction: Direction,
        gains_milliwh: Mapping[str, int],
        doubts_milliwh: Mapping[str, int],
        stretch_us: tuple[int, int] = (0, 0),
    ) -> None:
        """Move booked energy between buckets, as a correction of closed intervals has it; the gains add up to 0.

        `doubts_milliwh`: how uncertain the edges inside of `stretch_us` are now, in place of what they were.
        """
        account = self.state.directions[direction]
        for bucket, milliwh in gains_milliwh.items():
            account.add(bucket, milliwh)
        unread.tell_anew(account, *stretch_us, dict(doubts_milliwh))
        self._check()

    def _bucket_name(self, utc_us: int) -> str:
        return self._timeline.bucket_name(utc_us)

    def _open_direction(self, direction: Direction, register: EnergyRegister, mark: Mark, instant_us: int) -> None:
        bucket = self._bucket_name(instant_us)
        presence.begin(self.state, direction, register, mark, instant_us, bucket, self._rules.limit_milliw)

    def _admit(self, direction: Direction, register: EnergyRegister, mark: Mark, instant_us: int) -> int:
        """Before an accepted register is booked: open a direction that is new, go on with one that is back. Returns
        since when it has grown."""
        state, account = self.state, self.state.directions.get(direction)
        since_us: int | None = None
        if account is None or not (account.present or account.closed_epoch == state.register_epoch):
            state.incomplete = True
            self._open_direction(direction, register, mark, instant_us)
        elif not account.present:
            state.incomplete = True
            bucket = self._bucket_name(instant_us)
            limit_milliw = self._rules.limit_milliw
            since_us = presence.find(account, mark, state.interval_start_us, instant_us, bucket, limit_milliw)
        if not register.unproven:
            state.directions[direction].proven = True
        return state.instant_us if since_us is None else since_us

    def _pass_edges(self, instant_us: int, marks: dict[Direction, Mark], since_us: dict[Direction, int]) -> None:
        """Book growth over one or more edges."""
        state, timeline, rules = self.state, self._timeline, self._rules
        if passing.is_too_long(state, timeline, rules, instant_us):
            self.left_out = passing.leave_out(state, timeline, rules.limit_milliw, instant_us, marks)
        else:
            registers = {direction: mark.register_milliwh for direction, mark in marks.items()}
            passing.split(state, timeline, self._kernel, rules, instant_us, registers, since_us)

    def _pass_unread_edges(self, instant_us: int) -> None:
        """Close the intervals between an epoch's last reading and the next epoch's first: nothing is booked there.

        All that can have flowed meanwhile is told: up to an edge by the edge itself when it closes, and from the last
        edge (of the bucket, of the interval) on here; without an edge, the old register's own digit and window too.
        """
        state, limit_milliw = self.state, self._rules.limit_milliw
        since_us = bucket_since_us = last_us = state.instant_us
        if instant_us >= self._timeline.next_edge_us(last_us):
            state.incomplete = True
            self._pass_edges(instant_us, {}, {})
            passed = [edge for edge in state.pending if edge.edge_us > last_us]
            for edge in passed:
                edge.incomplete = True
            since_us = state.interval_start_us
            bucket_since_us = max((e.edge_us for e in passed if e.bucket != e.next_bucket), default=last_us)
        bucket = self._bucket_name(instant_us)
        for account in state.directions.values():
            if not account.present:
                continue
            own_milliwh = start_uncertain_milliwh(account.marks[-1], last_us, limit_milliw)
            bucket_milliwh, interval_milliwh = (
                most_energy_milliwh(limit_milliw, instant_us - open_us) + (own_milliwh if open_us == last_us else 0)
                for open_us in (bucket_since_us, since_us)
            )
            account.doubt(bucket, bucket_milliwh)
            account.interval_uncertain_milliwh += interval_milliwh

    def _close_pending(self, marks: dict[Direction, Mark] | None) -> list[Interval]:
        closed = close_pending(self.state, marks, self._rules.limit_milliw, self._rules.edge_tolerance_us)
        self.state.again += [interval for interval in closed if interval.again]
        return [interval for interval in closed if not interval.again]

    def _remember(self, account: DirectionState, mark: Mark, instant_us: int) -> None:
        """Keep the marks that a later edge can need: the last that surely ended, and those that overlap now."""
        account.marks.append(mark)
        while len(account.marks) > 1 and account.marks[1].latest_us <= instant_us:
            account.marks.pop(0)

    def _check(self) -> None:
        for direction, account in self.state.directions.items():
            if not account.law_holds:
                raise LawBrokenError(
                    f"{direction}: buckets {account.totals_milliwh} against earlier {account.earlier_epochs_milliwh}"
                    f" + last {account.last_milliwh} - first {account.epoch_first_milliwh} mWh"
                )


def _mark(reading: Reading, register: EnergyRegister) -> Mark:
    """The window in true UTC: as wide as the wall clock can be wrong."""
    return Mark(
        reading.earliest_us - reading.clock_error_us,
        reading.latest_us + reading.clock_error_us,
        register.milliwh,
        register.resolution_milliwh,
        register.rounding_milliwh,
    )
