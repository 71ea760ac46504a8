"""Closing what ends at an edge: a pending edge becomes an interval, and its uncertainty is told.

An edge waits until a reading comes that cannot have been latched before it. Plain functions on the accumulator's state.
"""

from .energy import AccumulatorState, Direction, Interval, Part, PendingEdge, Quality
from .uncertainty import Mark, edge_uncertain_milliwh


def close_pending(
    state: AccumulatorState, marks: dict[Direction, Mark] | None, limit_milliw: int, tolerance_us: int
) -> list[Interval]:
    """Close the intervals whose edge these marks confirm; with None, all of them, with what is known."""
    closed: list[Interval] = []
    while state.pending:
        edge = state.pending[0]
        if marks is not None and any(mark.earliest_us < edge.edge_us for mark in marks.values()):
            for direction, mark in marks.items():
                if mark.latest_us > edge.edge_us and direction in edge.shares:
                    edge.shares[direction].containing.append(mark)
            break
        state.pending.pop(0)
        closed.append(_close(state, edge, marks or {}, limit_milliw, tolerance_us))
    return closed


def _close(
    state: AccumulatorState, edge: PendingEdge, marks: dict[Direction, Mark], limit_milliw: int, tolerance_us: int
) -> Interval:
    parts: dict[Direction, Part | None] = {Direction.IMPORT: None, Direction.EXPORT: None}
    measured = not edge.estimated
    for direction in state.carried_milliwh.keys() - edge.shares.keys():
        del state.carried_milliwh[direction]  # the meter lacks it: its next interval begins with no edge of its own
    for direction, share in edge.shares.items():
        after = marks.get(direction)
        doubt_milliwh = edge_uncertain_milliwh(
            edge.edge_us, share.booked_milliwh, share.before, after, tuple(share.containing), limit_milliw
        )
        carried_milliwh = state.carried_milliwh.get(direction, 0)
        state.carried_milliwh[direction] = doubt_milliwh
        account = state.directions[direction]
        if edge.bucket != edge.next_bucket:
            account.doubt(edge.bucket, doubt_milliwh)
            account.doubt(edge.next_bucket, doubt_milliwh)
        if account.proven or share.milliwh:  # what an earlier meter counted is known
            parts[direction] = Part(
                share.milliwh,
                share.unassigned_milliwh,
                share.uncertain_milliwh + carried_milliwh + doubt_milliwh,
                share.booked_milliwh,
            )
        measured = measured and _read_at(edge.edge_us, (share.before, *share.containing, after), tolerance_us)
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
    )


def _quality(edge: PendingEdge, measured: bool) -> Quality:
    if edge.incomplete:
        return Quality.INCOMPLETE
    if edge.repeated:
        return Quality.REPEATED
    return Quality.MEASURED if measured else Quality.ESTIMATED


def _read_at(edge_us: int, marks: tuple[Mark | None, ...], tolerance_us: int) -> bool:
    """Whether a reading surely lies within the tolerance of the edge: its whole window, on either side or across."""
    return any(
        mark is not None and edge_us - mark.earliest_us <= tolerance_us and mark.latest_us - edge_us <= tolerance_us
        for mark in marks
    )
