"""Which readings may go so that booking the others again gives the same account, to the last bit. Pure.

A register is cumulative: between two readings with no edge between them, those in the middle say nothing that the last
does not say. What stays: the readings on both sides of an edge and those whose windows hold it, every reading that did
anything but count on, its neighbours, and of many refused alike the first and the last. In doubt a reading stays.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..bookkeeping.acts import ACCEPTED

REFUSED = ("rejected", "quarantined")


@dataclass(frozen=True, slots=True)
class ThinRow:
    """What thinning looks at of a reading. The window is as wide as the wall clock can be wrong. UTC microseconds."""

    reading_id: int
    decision: str
    has_acts: bool
    earliest_us: int
    latest_us: int
    instant_us: int
    directions: tuple[bool, bool]

    @property
    def is_refused(self) -> bool:
        """Whether the account knows nothing of it."""
        return not self.has_acts and self.decision.startswith(REFUSED)


def droppable(rows: Sequence[ThinRow], edges_us: Sequence[int]) -> list[int]:
    """The ids that may go. `rows`: of one meter, in order, with rows around those that are meant; those at both ends
    stay. `edges_us`: all edges that the account has crossed or will cross in their time, sorted.
    """
    gone = [
        here.reading_id
        for before, here, after in zip(rows, rows[1:], rows[2:], strict=False)
        if here.is_refused and before.decision == here.decision == after.decision
    ]
    booked = [row for row in rows if not row.is_refused]
    special = [True, *(_is_special(before, row) for before, row in pairwise(booked))]
    for place in range(1, len(booked) - 1):
        if any(special[place - 1 : place + 2]) or not _is_forgotten(booked, special, place):
            continue
        near = booked[place - 1 : place + 2]
        first_us = min(row.earliest_us for row in near)
        last_us = max(row.latest_us for row in near)
        edge = bisect_left(edges_us, first_us)
        if edge == len(edges_us) or edges_us[edge] > last_us:
            gone.append(booked[place].reading_id)
    return gone


def _is_special(before: ThinRow, row: ThinRow) -> bool:
    """Whether a booked row did anything but count on from the one before it."""
    return (
        row.has_acts
        or row.decision != ACCEPTED
        or row.directions != before.directions
        or row.instant_us <= before.instant_us
        or row.earliest_us < before.earliest_us
        or row.latest_us < before.latest_us
    )


def _is_forgotten(booked: Sequence[ThinRow], special: Sequence[bool], place: int) -> bool:
    """Whether the account had let go of a row's window before anything special came behind it.

    It keeps the last window that surely ended, and those that overlap the newest reading.
    """
    ends_us = booked[place + 1].latest_us
    for later in range(place + 1, len(booked)):
        if special[later]:
            return False
        if booked[later].instant_us >= ends_us:
            return True
    return False
