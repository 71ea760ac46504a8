"""Telling what a decision leaves open: the buckets and intervals that it touches become so much more uncertain.

No energy is moved here. What is open of a register's growth can have flowed between the two readings that it was booked
between, or, where the register stood still before, at any time since. Closed intervals are told anew, never changed.
"""

from collections.abc import Iterator, Sequence

import msgspec

from ..decision import Doubt
from ..energy import (
    NOTHING_TOLD,
    AccumulatorState,
    Direction,
    DirectionState,
    Interval,
    Part,
    Quality,
    ToldOnce,
    registers_of,
)
from ..reading.read import Reading
from ..timeline import Timeline
from ..uncertainty import most_energy_milliwh
from .swing import most_in_interval_milliwh

UNREAD_US = 86_400_000_000
"""A closed interval does not say between which readings it lies: so far apart they may have been."""


def tell(
    state: AccumulatorState,
    timeline: Timeline,
    limit_milliw: int,
    doubts: Sequence[Doubt],
    from_us: int,
    closed: list[Interval],
) -> list[Interval]:
    """Tell `doubts` of what was just booked from `from_us` on; `closed` has closed by it. Returns that, told so."""
    for doubt in doubts:
        account = state.directions.get(doubt.direction)
        if account is None or not account.counts_since(from_us):
            continue
        told = account.told_once if doubt.again and account.told_once is not None else NOTHING_TOLD
        in_buckets = _by_bucket(timeline, limit_milliw, doubt, from_us, state.instant_us)
        for bucket, milliwh in in_buckets.items():
            account.doubt(bucket, told.more_in_bucket(bucket, milliwh))
        in_open_milliwh, start_us = 0, state.interval_start_us
        if _bounds(doubt, start_us, start_us):
            in_open_milliwh = _of_open(state, account, doubt, from_us, limit_milliw)
            account.interval_uncertain_milliwh += told.more_in_interval(start_us, in_open_milliwh)
        for edge in state.pending:
            share = edge.shares.get(doubt.direction)
            if share is not None:
                open_milliwh = _of_interval(doubt, edge.start_us, edge.edge_us, from_us, told)
                if not edge.repeated:
                    length_us, unread_us = edge.edge_us - edge.start_us, state.instant_us - _since_us(doubt, from_us)
                    most_milliwh = most_in_interval_milliwh(share.milliwh, length_us, unread_us, limit_milliw)
                    open_milliwh = min(open_milliwh, most_milliwh)
                share.uncertain_milliwh += open_milliwh
        _tell_parked(timeline, state, account, doubt, limit_milliw)
        closed = [_told(one, doubt, from_us, state.instant_us, limit_milliw, told) for one in closed]
        state.again = [_told(one, doubt, from_us, state.instant_us, limit_milliw) for one in state.again]
        if doubt.once:
            # The same time again is another interval.
            account.told_once = told.with_told(in_buckets, 0 if state.repeated else start_us, in_open_milliwh)
    return closed


def _tell_parked(
    timeline: Timeline, state: AccumulatorState, account: DirectionState, doubt: Doubt, limit_milliw: int
) -> None:
    """The interval that was open when the clock was set back: a register may have stood in it already."""
    parked, start_us = account.parked, state.frontier_us + state.frontier_step_us
    end_us = timeline.next_edge_us(state.frontier_us) + state.frontier_step_us
    if (
        parked is None
        or not doubt.earlier_milliwh
        or end_us <= doubt.since_us
        or not _bounds(doubt, start_us, start_us)
    ):
        return
    most_milliwh = most_in_interval_milliwh(parked.milliwh, end_us - start_us, 0, limit_milliw)
    told_milliwh = parked.uncertain_milliwh + min(doubt.earlier_milliwh, most_milliwh)
    account.parked = msgspec.structs.replace(parked, uncertain_milliwh=told_milliwh)


def of_absence(state: AccumulatorState, reading: Reading, limit_milliw: int) -> list[Doubt]:
    """Of a direction that begins anew with `reading`: what flowed since it was lost is in no register."""
    found: list[Doubt] = []
    for direction in registers_of(reading.snapshot):
        account = state.directions.get(direction)
        if account is not None and not account.present and account.closed_epoch != state.register_epoch:
            since_us = account.marks[-1].earliest_us
            most_milliwh = most_energy_milliwh(limit_milliw, reading.latest_us - since_us)
            found.append(Doubt(direction, 0, most_milliwh, since_us))
    return found


def told_anew(interval: Interval, limit_milliw: int, doubts: Sequence[Doubt], step_us: int = 0) -> Interval | None:
    """The new word on a closed interval in which a register stood; None: it says nothing else than before.

    `step_us`: how far the clock was set since it closed; the doubts are by the one that holds now.
    """
    # One that was shown more than once was shown by a clock in between as well: it was set more than once.
    by_any_us = 0 if _times_shown(interval) != 1 else step_us
    found, start_us, end_us = interval, interval.start_us + step_us, interval.end_us + by_any_us
    for doubt in doubts:
        is_told = not _bounds(doubt, start_us, end_us)
        if doubt.earlier_milliwh and end_us > doubt.since_us and not is_told:
            passed_us = min(end_us - max(start_us, doubt.since_us), interval.end_us - interval.start_us)
            most_milliwh = _times_shown(interval) * most_energy_milliwh(limit_milliw, passed_us)
            open_milliwh = min(doubt.earlier_milliwh, most_milliwh) if most_milliwh else doubt.earlier_milliwh
            part = found.part(doubt.direction)
            if part is not None and _times_shown(interval) == 1 and not step_us:
                open_milliwh = _not_above(found, part, open_milliwh, UNREAD_US, limit_milliw)
            found = _doubted(found, doubt.direction, open_milliwh)
    if found is interval:
        return None
    quality = Quality.ESTIMATED if interval.quality is Quality.MEASURED else interval.quality
    return msgspec.structs.replace(found, quality=quality)


def _times_shown(interval: Interval) -> int:
    """How often a clock can have shown its time: 0 is any number of times."""
    return {Quality.REPEATED: 0, Quality.INCOMPLETE: 2}.get(interval.quality, 1)


def to_tell_anew(doubts: Sequence[Doubt], from_us: int, ahead_us: int, step_us: int) -> Iterator[tuple[int, int, int]]:
    """In which times ended the intervals that may have to be told anew: (since, to, how far the clock was set since).

    Up to `from_us` by the clock that holds now; up to `ahead_us` by one that was `step_us` ahead.
    """
    since_us = min((doubt.since_us for doubt in doubts if doubt.earlier_milliwh), default=None)
    if since_us is None:
        return
    yield since_us, from_us, 0
    if ahead_us > from_us:
        yield max(since_us, from_us), ahead_us, step_us


def _bounds(doubt: Doubt, start_us: int, end_us: int) -> bool:
    """Whether an edge at either has not told it itself."""
    return not doubt.until_us or any(doubt.since_us <= edge_us <= doubt.until_us for edge_us in (start_us, end_us))


def _of_open(state: AccumulatorState, account: DirectionState, doubt: Doubt, from_us: int, limit_milliw: int) -> int:
    """What is open of the interval that goes on: no more than its time so far can have carried."""
    open_milliwh = max(doubt.milliwh, doubt.earlier_milliwh)
    if doubt.until_us:  # what was lost before its first edge may still be booked in it; its last edge tells the rest
        return min(open_milliwh, most_energy_milliwh(limit_milliw, state.interval_start_us - doubt.since_us))
    if state.repeated:
        return open_milliwh
    passed_us, unread_us = state.instant_us - state.interval_start_us, state.instant_us - _since_us(doubt, from_us)
    return min(open_milliwh, most_in_interval_milliwh(account.interval_milliwh, passed_us, unread_us, limit_milliw))


def _of_interval(doubt: Doubt, start_us: int, end_us: int, from_us: int, told: ToldOnce) -> int:
    """What is open of an interval of that time, which was not closed before, beyond what was `told` of it."""
    if not _bounds(doubt, start_us, end_us):
        return 0
    if end_us > from_us:
        return told.more_in_interval(start_us, max(doubt.milliwh, doubt.earlier_milliwh))
    return doubt.earlier_milliwh if end_us > doubt.since_us else 0


def _by_bucket(timeline: Timeline, limit_milliw: int, doubt: Doubt, from_us: int, to_us: int) -> dict[str, int]:
    """What is open of each bucket: before `from_us` no more than the service carries in its time; of what only edges
    leave open, no more than it carries up to the last of them."""
    calendar = timeline.calendar
    earlier_us: dict[str, int] = {}
    found: dict[str, int] = {timeline.bucket_name(to_us): doubt.milliwh}
    open_buckets: set[str] = set()
    turned_us = doubt.since_us
    at_us = _since_us(doubt, from_us)
    while at_us < to_us:
        until_us, bucket = min(calendar.next_edge_us(at_us), to_us), timeline.bucket_name(at_us)
        if until_us > from_us:
            found[bucket] = doubt.milliwh
        then = timeline.bucket_name(until_us)
        if bucket != then and doubt.since_us < until_us <= doubt.until_us:
            open_buckets |= {bucket, then}
            turned_us = until_us
        earlier_us[bucket] = earlier_us.get(bucket, 0) + max(min(until_us, from_us) - at_us, 0)
        at_us = until_us
    for bucket, passed_us in earlier_us.items():
        milliwh = min(doubt.earlier_milliwh, most_energy_milliwh(limit_milliw, passed_us))
        found[bucket] = max(found.get(bucket, 0), milliwh)
    if not doubt.until_us:
        return found
    most_milliwh = most_energy_milliwh(limit_milliw, turned_us - doubt.since_us)
    return {bucket: min(milliwh, most_milliwh) for bucket, milliwh in found.items() if bucket in open_buckets}


def _since_us(doubt: Doubt, from_us: int) -> int:
    return min(doubt.since_us, from_us) if doubt.earlier_milliwh else from_us


def _told(
    interval: Interval, doubt: Doubt, from_us: int, to_us: int, limit_milliw: int, told: ToldOnce = NOTHING_TOLD
) -> Interval:
    """The interval, closed by what was booked until `to_us`: no more open than its time can have carried, if once."""
    open_milliwh = _of_interval(doubt, interval.start_us, interval.end_us, from_us, told)
    part = interval.part(doubt.direction)
    if part is not None and not interval.repeated:
        open_milliwh = _not_above(interval, part, open_milliwh, to_us - _since_us(doubt, from_us), limit_milliw)
    return _doubted(interval, doubt.direction, open_milliwh)


def _not_above(interval: Interval, part: Part, open_milliwh: int, unread_us: int, limit_milliw: int) -> int:
    """How much of that is more than was told of the interval, which can be no more wrong than by what it carries."""
    length_us = interval.end_us - interval.start_us
    most_milliwh = most_in_interval_milliwh(part.milliwh, length_us, unread_us, limit_milliw)
    return min(open_milliwh, max(most_milliwh - part.uncertain_milliwh, 0))


def _doubted(interval: Interval, direction: Direction, milliwh: int) -> Interval:
    part = interval.part(direction)
    if part is None or not milliwh:
        return interval
    told = Part(part.milliwh, part.unassigned_milliwh, part.uncertain_milliwh + milliwh, part.register_milliwh)
    if direction is Direction.IMPORT:
        return msgspec.structs.replace(interval, energy_import=told)
    return msgspec.structs.replace(interval, energy_export=told)
