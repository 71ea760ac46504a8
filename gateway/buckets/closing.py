"""Closing what ends at an edge: a pending edge becomes an interval, and its uncertainty is told.

An edge waits until a reading comes that cannot have been latched before it. Of an interval and of a bucket no more is
told than can have flowed (`swing`). Plain functions on the accumulator's state.
"""

from ..clock import LAST_CREDIBLE_US
from ..energy import AccumulatorState, Direction, EdgeShare, Interval, Part, PendingEdge, Quality
from ..uncertainty import Mark, edge_bounds, edge_uncertain_milliwh
from .swing import Swing, most_in_interval_milliwh, swing_through
from .unread import remember

Swings = dict[Direction, dict[str, Swing]]


def close_pending(
    state: AccumulatorState, marks: dict[Direction, Mark] | None, limit_milliw: int, tolerance_us: int
) -> list[Interval]:
    """Close the intervals whose edge these marks confirm; with None, all of them, with what is known."""
    closed: list[Interval] = []
    swings: Swings = {}
    first_us = min((mark.earliest_us for mark in (marks or {}).values()), default=LAST_CREDIBLE_US)
    for edge in state.pending:
        if marks and first_us < edge.edge_us:
            for direction, mark in marks.items():
                if mark.latest_us > edge.edge_us and direction in edge.shares:
                    edge.shares[direction].containing.append(mark)
            break
        closed.append(_close(state, edge, marks or {}, limit_milliw, tolerance_us, swings))
    passed = state.pending[: len(closed)]
    del state.pending[: len(closed)]
    turns = [edge for edge, interval in zip(passed, closed, strict=True) if _turns_unread(edge, interval)]
    for direction, by_bucket in swings.items():
        account = state.directions[direction]
        for bucket, swing in by_bucket.items():
            account.doubt(bucket, swing.uncertain_milliwh)
        if turns:
            remember(account, [edge for edge in passed if edge.bucket != edge.next_bucket], by_bucket)
    return closed


def _turns_unread(edge: PendingEdge, interval: Interval) -> bool:
    """Whether the bucket changes at an edge that was split by time, in a gap that a load profile may tell of."""
    return edge.bucket != edge.next_bucket and interval.quality is Quality.ESTIMATED and not edge.again


def _close(
    state: AccumulatorState,
    edge: PendingEdge,
    marks: dict[Direction, Mark],
    limit_milliw: int,
    tolerance_us: int,
    swings: Swings,
) -> Interval:
    parts: dict[Direction, Part | None] = {Direction.IMPORT: None, Direction.EXPORT: None}
    unread: list[Direction] = []
    for direction in [one for one in state.carried_milliwh if one not in edge.shares]:
        del state.carried_milliwh[direction]  # the meter lacks it: its next interval begins with no edge of its own
    for direction, share in edge.shares.items():
        after, booked_milliwh = marks.get(direction), share.booked_milliwh
        bounds = edge_bounds(edge.edge_us, share.before, after, tuple(share.containing), limit_milliw)
        doubt_milliwh = edge_uncertain_milliwh(bounds, booked_milliwh)
        edges_milliwh = state.carried_milliwh.get(direction, 0) + doubt_milliwh
        state.carried_milliwh[direction] = doubt_milliwh
        if edge.bucket != edge.next_bucket:
            sides = (edge.bucket, edge.next_bucket)
            swing_through(swings.setdefault(direction, {}), sides, booked_milliwh, bounds, doubt_milliwh)
        if state.directions[direction].proven or share.milliwh:  # what an earlier meter counted is known
            told_milliwh = share.uncertain_milliwh + _capped(edge, share, after, edges_milliwh, limit_milliw)
            parts[direction] = Part(share.milliwh, share.unassigned_milliwh, told_milliwh, booked_milliwh)
        if not _read_at(edge.edge_us, share, after, tolerance_us):
            unread.append(direction)
    measured = not edge.estimated and not unread and edge.shares.keys().isdisjoint(state.begun_unread)
    state.begun_unread = unread
    return Interval(
        start_us=edge.start_us,
        end_us=edge.edge_us,
        bucket=edge.bucket,
        tariff_version=edge.tariff_version,
        register_epoch=edge.register_epoch,
        quality=_quality(edge, measured),
        energy_import=parts[Direction.IMPORT],
        energy_export=parts[Direction.EXPORT],
        again=edge.again,
        repeated=edge.repeated,
    )


def _capped(edge: PendingEdge, share: EdgeShare, after: Mark | None, edges_milliwh: int, limit_milliw: int) -> int:
    """What is told of an interval for its two edges: no more than its time can have carried, if it came once."""
    if edge.repeated or after is None or share.before is None:
        return edges_milliwh
    unread_us = after.latest_us - share.before.earliest_us
    length_us = edge.edge_us - edge.start_us
    return min(edges_milliwh, most_in_interval_milliwh(share.milliwh, length_us, unread_us, limit_milliw))


def _quality(edge: PendingEdge, measured: bool) -> Quality:
    if edge.incomplete:
        return Quality.INCOMPLETE
    if edge.repeated and not edge.again:  # of one that was closed before its revision says so
        return Quality.REPEATED
    return Quality.MEASURED if measured else Quality.ESTIMATED


def _read_at(edge_us: int, share: EdgeShare, after: Mark | None, tolerance_us: int) -> bool:
    """Whether a reading surely lies within the tolerance of the edge: its whole window, on either side or across."""
    for mark in (share.before, after, *share.containing):
        if mark and edge_us - mark.earliest_us <= tolerance_us and mark.latest_us - edge_us <= tolerance_us:
            return True
    return False
