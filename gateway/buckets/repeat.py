"""Time that comes twice: the wall clock was set back, and shows what closed intervals have had already.

A closed interval is never opened and never repeated. The interval that is open is parked; what flows while its
predecessors' time is shown again is counted by interval, and becomes new revisions of them; when the clock comes to
where it was, the parked one goes on. Buckets are lifetime counters and need none of this. No energy is made or lost
here: the sum of parked, repeated and open parts is what it was. Plain functions on the accumulator's state.
"""

import msgspec

from ..energy import AccumulatorState, Direction, DirectionState, Interval, OpenPart, Part, Quality
from ..tariff.calendar import UNASSIGNED_NAME
from ..timeline import Timeline
from ..uncertainty import Mark, most_energy_milliwh, start_uncertain_milliwh


def go_back(state: AccumulatorState, timeline: Timeline, step_us: int, limit_milliw: int, most_us: int) -> None:
    """Place the last booked reading `step_us` (below zero) from where it was, by the clock that holds now.

    From further ahead than `most_us` no interval is parked: it would not go on in years. It closes with what it has.
    No edge may wait for confirmation. What stands between the buckets of both places is the last register: it is
    known to its digit and its window.
    """
    old_us, new_us = state.instant_us, timeline.credible(state.instant_us + step_us)
    leaves_interval = new_us < timeline.edge_at_or_before_us(state.interval_start_us)
    if leaves_interval and state.frontier_us:
        state.again.append(_so_far(state, timeline, limit_milliw))
    elif leaves_interval and old_us - new_us > most_us:
        state.incomplete = True
        state.again.append(_so_far(state, timeline, limit_milliw))
        state.frontier_us = timeline.next_edge_us(state.interval_start_us)
        state.frontier_step_us = new_us - old_us
    elif leaves_interval:
        _park(state, timeline, limit_milliw)
        state.frontier_step_us = new_us - old_us
    before, after = timeline.bucket_name(old_us), timeline.bucket_name(new_us)
    for account in state.directions.values():
        if not leaves_interval and not account.counts_since(state.interval_start_us):
            # What it lacks of the open interval is longer than that shows by now: its time comes twice.
            account.interval_uncertain_milliwh += most_energy_milliwh(limit_milliw, old_us - new_us)
        account.marks = [_moved(mark, new_us - old_us) for mark in account.marks]
        if account.closed_us is not None:
            had_part = not leaves_interval and account.counts_since(state.interval_start_us)
            account.closed_us = max(account.closed_us + new_us - old_us, state.interval_start_us * had_part)
        own_milliwh = start_uncertain_milliwh(account.marks[-1], new_us, limit_milliw) if account.present else 0
        if before != after and own_milliwh:
            account.doubt(before, own_milliwh)
            account.doubt(after, own_milliwh)
        if leaves_interval:
            account.begin_interval(account.last_milliwh)
            account.interval_uncertain_milliwh = own_milliwh
    state.repeated, state.instant_us = True, new_us
    state.interval_start_us = min(state.interval_start_us, new_us)  # the first interval of all begins within its grid
    if leaves_interval:
        state.incomplete, state.carried_milliwh = False, {}


def pass_edge(state: AccumulatorState, edge_us: int) -> None:
    """An edge was passed, the next interval is open: it is the parked one, if time has come to where that began."""
    state.repeated = state.frontier_us > 0
    if not state.frontier_us or edge_us < state.frontier_us:
        return
    state.incomplete = state.frontier_incomplete
    state.frontier_us, state.frontier_incomplete, state.frontier_step_us = 0, False, 0
    for account in state.directions.values():
        if (parked := account.parked) is None:
            continue
        account.parked = None
        account.interval_extra_milliwh += parked.milliwh
        account.interval_unassigned_milliwh += parked.unassigned_milliwh
        account.interval_uncertain_milliwh += parked.uncertain_milliwh
        if account.closed_us is not None and not parked.lacked:
            account.closed_us = max(account.closed_us, edge_us)


def book_unplaced(state: AccumulatorState, marks: dict[Direction, Mark], bucket_now: str, limit_milliw: int) -> None:
    """Book growth over a stretch of which nobody knows when it began or how long it was: to `unassigned`.

    The clock was set back while the machine was off: its monotonic time began anew. Of a direction that is lost the
    same holds when it is found again.
    """
    for direction, had in state.directions.items():
        had.closed_unplaced = not had.present or direction not in marks
    for direction, mark in marks.items():
        account = state.directions.get(direction)
        if account is None or not account.present:
            continue
        grown_milliwh = mark.register_milliwh - account.last_milliwh
        own_milliwh = start_uncertain_milliwh(mark, state.instant_us, limit_milliw)
        account.add(UNASSIGNED_NAME, grown_milliwh)
        account.last_milliwh = mark.register_milliwh
        account.interval_unassigned_milliwh += grown_milliwh
        account.interval_uncertain_milliwh += grown_milliwh + own_milliwh
        for bucket in (UNASSIGNED_NAME, bucket_now):
            account.doubt(bucket, own_milliwh)
        account.marks = [mark]


def merged(closed: Interval | None, again: Interval, limit_milliw: int) -> Interval:
    """The new word on an interval whose time was shown again: both energies, and that either may belong elsewhere.

    None: no interval has had this time; what came is its first word. Of a direction that the meter lacked in one of
    the two times nobody knows what flowed then: it is told.
    """
    if closed is None:
        return again.as_written()
    lacking_us = max(closed.end_us - closed.start_us, again.end_us - again.start_us)
    lacking_milliwh = most_energy_milliwh(limit_milliw, lacking_us)
    qualities = (closed.quality, again.quality)
    return msgspec.structs.replace(
        closed,
        start_us=min(closed.start_us, again.start_us),
        quality=Quality.INCOMPLETE if Quality.INCOMPLETE in qualities else Quality.REPEATED,
        register_epoch=max(closed.register_epoch, again.register_epoch),
        energy_import=_sum(closed.energy_import, again.energy_import, lacking_milliwh),
        energy_export=_sum(closed.energy_export, again.energy_export, lacking_milliwh),
    )


def _sum(one: Part | None, other: Part | None, lacking_milliwh: int) -> Part | None:
    """`lacking_milliwh`: what can have flowed in the time of which a direction has no part."""
    if one is None or other is None:
        part = one if other is None else other
        if part is None:
            return None
        told_milliwh = part.uncertain_milliwh + lacking_milliwh
        return Part(part.milliwh, part.unassigned_milliwh, told_milliwh, part.register_milliwh)
    return Part(
        one.milliwh + other.milliwh,
        one.unassigned_milliwh + other.unassigned_milliwh,
        # By the clock that is right, one of the two flowed at another time.
        one.uncertain_milliwh + other.uncertain_milliwh + max(one.milliwh, other.milliwh),
        other.register_milliwh,
    )


def _park(state: AccumulatorState, timeline: Timeline, limit_milliw: int) -> None:
    state.frontier_us = timeline.edge_at_or_before_us(state.interval_start_us)
    state.frontier_incomplete = state.incomplete
    for direction, account in state.directions.items():
        account.parked = _open_part(state, direction, account, limit_milliw)
        if not account.counts_since(state.interval_start_us):  # found again, it has a part of what it lacked till now
            shown_us = state.instant_us - state.interval_start_us
            lacking_us = state.instant_us - account.marks[-1].earliest_us
            lacked_milliwh = account.interval_uncertain_milliwh + most_energy_milliwh(limit_milliw, shown_us)
            most_milliwh = most_energy_milliwh(limit_milliw, lacking_us)
            account.parked = OpenPart(0, 0, min(lacked_milliwh, most_milliwh), lacked=True)


def _open_part(
    state: AccumulatorState, direction: Direction, account: DirectionState, limit_milliw: int
) -> OpenPart | None:
    """What the open interval has, told with what its beginning and its last register leave unknown."""
    milliwh = account.interval_milliwh
    if not account.counts_since(state.interval_start_us) or not (account.proven or milliwh):
        return None
    # Of a direction that is lost, all that can have flowed since.
    end_milliwh = start_uncertain_milliwh(account.marks[-1], state.instant_us, limit_milliw)
    return OpenPart(
        milliwh,
        account.interval_unassigned_milliwh,
        account.interval_uncertain_milliwh + state.carried_milliwh.get(direction, 0) + end_milliwh,
    )


def _so_far(state: AccumulatorState, timeline: Timeline, limit_milliw: int) -> Interval:
    """What has flowed in a repeated interval that the clock leaves before its end."""
    parts: dict[Direction, Part | None] = {}
    for direction, account in state.directions.items():
        part = _open_part(state, direction, account, limit_milliw)
        if part is not None:
            words = (part.milliwh, part.unassigned_milliwh, part.uncertain_milliwh)
            parts[direction] = Part(*words, account.last_milliwh)
    return Interval(
        start_us=state.interval_start_us,
        end_us=timeline.next_edge_us(state.interval_start_us),
        bucket=timeline.bucket_name(state.interval_start_us),
        tariff_version=timeline.calendar.version_at(state.interval_start_us),
        register_epoch=state.register_epoch,
        quality=Quality.INCOMPLETE if state.incomplete else Quality.REPEATED,
        energy_import=parts.get(Direction.IMPORT),
        energy_export=parts.get(Direction.EXPORT),
        again=True,
        repeated=state.repeated,
    )


def _moved(mark: Mark, step_us: int) -> Mark:
    return msgspec.structs.replace(mark, earliest_us=mark.earliest_us + step_us, latest_us=mark.latest_us + step_us)
