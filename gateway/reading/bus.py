"""Whose turn it is on a line that several meters share. Pure; all times UTC microseconds of the pipeline.

The earliest deadline first, in three ranks: readings that bracket an edge, then polls, then probes of dead meters. A
turn cannot be broken off, so none begins that would run into a window that other meters need for an edge. A meter that
fails takes its edge turns last; one that is dead has none and costs one probe a round at most.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from .schedule import LEAD_US, Edges, Schedule

REACH_US = 9_000_000
"""A reading farther than this from an edge does not count as one at the edge (1 % of 15 min, PTB-A 50.8)."""
MARGIN_US = 250_000
DEAD_AFTER = 3
"""Failures in a row."""
STARVED_US = 60_000_000
"""A probe that has been due for so long goes before the polls: on a crowded line there is always one."""
LOOK_AGAIN_US = 1_000_000


class Rank(enum.Enum):
    """What a turn is for."""

    EDGE = "edge"
    POLL = "poll"
    PROBE = "probe"


@dataclass(frozen=True, slots=True)
class Seat:
    """A meter's place on its line."""

    name: str
    schedule: Schedule
    edges: Edges
    takes_us: int
    """How long a reading usually takes."""
    silent_us: int
    """What it costs the line when it does not answer, the quiet time after it included."""
    failures: int = 0
    """In a row."""
    is_shaky: bool = False
    """It answers, but has failed not long ago."""
    begun_us: int = 0
    """When its last turn began; 0: it had none."""
    heard_us: int = 0
    """When the turn began that brought its last reading."""
    is_asked: bool = False
    """Somebody waits for it."""
    takes_at_edge_us: int = 0
    """How long a reading takes at an edge, where less is asked for; 0: not known, as long as any."""

    @property
    def is_dead(self) -> bool:
        return self.failures >= DEAD_AFTER

    @property
    def is_doubtful(self) -> bool:
        return self.is_shaky or self.failures > 0

    @property
    def at_edge_us(self) -> int:
        return self.takes_at_edge_us or self.takes_us

    @property
    def reserved_us(self) -> int:
        """What a poll is reckoned at: an eighth more than usual, or a silence where one is likely."""
        return self.silent_us if self.is_doubtful else self.takes_us + self.takes_us // 8

    @property
    def reserved_at_edge_us(self) -> int:
        """The same for a reading at an edge."""
        return self.silent_us if self.is_doubtful else self.at_edge_us + self.at_edge_us // 8

    @property
    def due_us(self) -> int:
        """When it is to be polled or probed; a dead one also once an edge is over, lest its pause cost precision."""
        if not self.begun_us:
            return 0
        due_us = self.schedule.poll_due_us(self.begun_us, self.failures)
        if self.failures and self.heard_us:
            # What was there a moment ago may soon be back: it is left alone for half as long as it has been away.
            due_us = min(due_us, self.begun_us + max(self.schedule.poll_us, (self.begun_us - self.heard_us) // 2))
        if not self.is_dead:
            return due_us
        settle_us = self.schedule.settle_us
        return min(due_us, self.edges.next_edge_us(self.begun_us - settle_us) + settle_us)


@dataclass(frozen=True, slots=True)
class Choice:
    """Whose turn it is and what for; or nobody's, and when to look again."""

    name: str | None
    rank: Rank | None
    until_us: int


@dataclass(frozen=True, slots=True)
class _EdgeTurn:
    """A reading wanted for an edge: it may begin from `opens_us`, and must by `last_us` to be over by `closes_us`."""

    seat: Seat
    opens_us: int
    last_us: int
    closes_us: int


def choose(seats: Sequence[Seat], now_us: int, clock_error_us: int = 0) -> Choice:
    """The next turn of the line, if one may begin now."""
    living = [seat for seat in seats if not seat.is_dead]
    dead = [seat for seat in seats if seat.is_dead]
    lead_us = lead_of(living, clock_error_us)
    wanted = [turn for seat in living for turn in _edge_turns(seat, now_us, lead_us, clock_error_us)]
    ready = [turn for turn in wanted if _may_begin(turn, now_us)]
    if ready:
        first = min(ready, key=lambda turn: (turn.seat.is_doubtful, turn.closes_us, turn.seat.heard_us))
        return Choice(first.seat.name, Rank.EDGE, now_us)
    ahead = [turn for turn in wanted if turn.opens_us > now_us]
    poll = _poll(living, ahead, now_us)
    probe = _probe(dead, living, ahead, now_us)
    if probe is not None and (poll is None or probe.is_asked or probe.due_us + STARVED_US < now_us):
        return Choice(probe.name, Rank.PROBE, now_us)
    if poll is not None:
        return Choice(poll.name, Rank.POLL, now_us)
    moments = [*(turn.opens_us for turn in ahead), *(seat.due_us for seat in seats)]
    later = [moment for moment in moments if moment > now_us]
    return Choice(None, None, min(later, default=now_us + LOOK_AGAIN_US))


def lead_of(living: Sequence[Seat], clock_error_us: int = 0) -> int:
    """How long before an edge the line turns to it: time for each meter once, and never less than for one alone."""
    if not living:
        return 0
    rate = living[0].schedule.rate
    wanted_us = MARGIN_US * rate + sum(seat.reserved_at_edge_us for seat in living)
    return min(max(LEAD_US * rate, wanted_us), REACH_US * rate) + clock_error_us


def _edge_turns(seat: Seat, now_us: int, lead_us: int, clock_error_us: int) -> list[_EdgeTurn]:
    """What the nearest edges want of a meter: a reading before, and one when its registers show a moment after."""
    turns = []
    settle_us = seat.schedule.settle_us + clock_error_us
    behind_us = seat.edges.next_edge_us(seat.heard_us - settle_us)
    closes_us = behind_us + settle_us + REACH_US * seat.schedule.rate
    if now_us < closes_us:
        turns.append(_EdgeTurn(seat, behind_us + settle_us, closes_us - seat.at_edge_us, closes_us))
    ahead_us = seat.edges.next_edge_us(now_us)
    opens_us, closes_us = ahead_us - lead_us, ahead_us - clock_error_us
    if seat.heard_us < opens_us:
        turns.append(_EdgeTurn(seat, opens_us, closes_us - seat.at_edge_us, closes_us))
    return turns


def _may_begin(turn: _EdgeTurn, now_us: int) -> bool:
    """Whether it is time; what has failed is tried once more, if its silence would not outlast the window."""
    if not turn.opens_us <= now_us <= turn.last_us:
        return False
    was_tried = turn.seat.begun_us >= turn.opens_us
    return not was_tried or (turn.seat.failures == 1 and now_us + turn.seat.silent_us <= turn.closes_us)


def _poll(living: Sequence[Seat], ahead: Sequence[_EdgeTurn], now_us: int) -> Seat | None:
    """The living meter whose poll is due first and is over before anybody's edge."""
    for seat in sorted(living, key=lambda one: (not one.is_asked, one.due_us)):
        others = [turn.opens_us for turn in ahead if turn.seat.name != seat.name]
        own = [turn.last_us for turn in ahead if turn.seat.name == seat.name]
        is_due = seat.is_asked or seat.due_us <= now_us
        if is_due and now_us + seat.reserved_us <= min([*others, *own], default=now_us + seat.reserved_us):
            return seat
    return None


def _probe(dead: Sequence[Seat], living: Sequence[Seat], ahead: Sequence[_EdgeTurn], now_us: int) -> Seat | None:
    """The dead meter to be tried: one a round, that is, not before every living one had a turn since the last."""
    last_us = max((one.begun_us for one in dead), default=0)
    is_new_round = all(one.begun_us > last_us for one in living)
    due = [one for one in dead if one.is_asked or (is_new_round and one.due_us <= now_us)]
    if not due:
        return None
    seat = min(due, key=lambda one: (not one.is_asked, one.failures, one.due_us))  # the one that was alive last
    over_us = now_us + seat.silent_us
    return seat if over_us <= min((turn.opens_us for turn in ahead), default=over_us) else None
