"""From a meter's books at the end of a table to the frozen result, with the law checked in a second way.

The accumulator checks buckets against registers as it goes. Here the closed intervals and the open one are added up
beside it: what a statement would be made from has to be what the buckets hold.
"""

from bisect import bisect_left
from collections.abc import Mapping

from ..energy import AccumulatorState, Direction, DirectionState
from ..registers.validate import Reason
from ..tariff.calendar import UNASSIGNED_NAME
from .digits import Digit, usual_step_us
from .feed import Feed
from .result import DirectionReplay, Event, Intervals, MeterReplay, OpenInterval, Refusal, added
from .walk import Walk


def sum_up(walk: Walk, feed: Feed) -> MeterReplay:
    """The result of one meter, once its walk is finished."""
    intervals = Intervals(tuple(walk.runs))
    rest = _open_interval(walk)
    directions = {
        direction: _direction(direction, account, intervals, rest, feed.digits[direction], feed.finer[direction])
        for direction, account in walk.account.directions.items()
    }
    return MeterReplay(
        meter=walk.section.name,
        usual_step_us=usual_step_us(feed.time_us),
        accepted=walk.counters.accepted,
        refusals=tuple(_refusals(walk, feed)),
        register_epochs=walk.account.register_epoch,
        directions=directions,
        intervals=intervals,
        open_interval=rest,
        events=tuple(Event(row.at_us, _line(feed, row.at_us), row) for row in walk.events),
    )


def _open_interval(walk: Walk) -> OpenInterval | None:
    account: AccumulatorState = walk.account
    bucket = walk.running_bucket()
    if bucket is None:
        return None
    energy = {
        direction: one.last_milliwh - one.interval_first_milliwh + one.interval_extra_milliwh
        for direction, one in account.directions.items()
    }
    unassigned = {direction: one.interval_unassigned_milliwh for direction, one in account.directions.items()}
    return OpenInterval(account.interval_start_us, bucket, energy, unassigned)


def _direction(
    direction: Direction,
    account: DirectionState,
    intervals: Intervals,
    rest: OpenInterval | None,
    digit: Digit,
    finer_cells: int,
) -> DirectionReplay:
    sums = [intervals.booked_milliwh(direction)]
    if rest is not None:
        unassigned_milliwh = rest.unassigned_milliwh[direction]
        sums.append({rest.bucket: rest.energy_milliwh[direction] - unassigned_milliwh})
        sums.append({UNASSIGNED_NAME: unassigned_milliwh})
    totals = account.totals_milliwh
    return DirectionReplay(
        digit=digit,
        epoch_first_milliwh=account.epoch_first_milliwh,
        last_milliwh=account.last_milliwh,
        earlier_epochs_milliwh=account.earlier_epochs_milliwh,
        buckets_milliwh={name: milliwh for name, milliwh in sorted(totals.items()) if name != UNASSIGNED_NAME},
        unassigned_milliwh=totals.get(UNASSIGNED_NAME, 0),
        uncertain_milliwh=dict(sorted(account.uncertain_milliwh.items())),
        finer_cells=finer_cells,
        intervals_add_up=_without_zeros(added(sums)) == _without_zeros(totals),
    )


def _refusals(walk: Walk, feed: Feed) -> list[Refusal]:
    found = [
        Refusal(kind, reason.value, len(times_us), _line(feed, times_us[0]))
        for (kind, reason), times_us in walk.refused.items()
    ]
    if not walk.account.register_epoch and walk.counters.quarantined:
        found.append(Refusal("quarantined", Reason.FIRST_READING.value, 1, feed.lines[0]))
    return found


def _line(feed: Feed, latest_us: int) -> int:
    """The line of the reading whose window ends at `latest_us`."""
    row = bisect_left(feed.time_us, latest_us - feed.terms.half_window_us)
    return feed.lines[min(row, len(feed) - 1)]


def _without_zeros(sums: Mapping[str, int]) -> dict[str, int]:
    return {name: milliwh for name, milliwh in sums.items() if milliwh}
