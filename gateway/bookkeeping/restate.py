"""Booking what flowed around a change of registers that was noticed before anybody knew what the registers were:
the operator states an exchange, or the old registers come back.

Both epochs are closed or running, and their intervals are history: so it goes into the interval that is open now, into
its bucket where there is no other that it can have flowed in, else to `unassigned`. The law holds after it.
"""

from collections.abc import Mapping

from ..energy import AccumulatorState, Direction
from ..registers.exchange import Restated
from ..tariff.calendar import UNASSIGNED_NAME
from ..timeline import Calendar


def restate(state: AccumulatorState, said: Restated, calendar: Calendar) -> str:
    """Add what the old meter counted after its last reading and the new one before its first. Returns the bucket."""
    from_us, to_us = said.opened.previous.earliest_us, said.opened.first.latest_us
    return _book_between(state, calendar, from_us, to_us, said.old_milliwh, said.new_milliwh)


def restore(
    state: AccumulatorState, calendar: Calendar, from_us: int, to_us: int, missing_milliwh: Mapping[Direction, int]
) -> str:
    """Add to the open epoch what its register tells of a time before its first reading. Returns the bucket."""
    return _book_between(state, calendar, from_us, to_us, {}, missing_milliwh)


def _book_between(
    state: AccumulatorState,
    calendar: Calendar,
    from_us: int,
    to_us: int,
    old_milliwh: Mapping[Direction, int],
    new_milliwh: Mapping[Direction, int],
) -> str:
    buckets = {calendar.bucket_at(one) for one in (from_us, to_us, state.instant_us)}
    is_known = len(buckets) == 1 and calendar.next_edge_us(from_us) > to_us
    bucket = calendar.bucket_names[buckets.pop()] if is_known else UNASSIGNED_NAME
    for direction in sorted(old_milliwh.keys() | new_milliwh.keys()):
        account = state.directions[direction]
        old, new = old_milliwh.get(direction, 0), new_milliwh.get(direction, 0)
        account.earlier_epochs_milliwh += old
        account.epoch_first_milliwh -= new
        account.add(bucket, old + new)
        account.interval_extra_milliwh += old + new
        account.interval_uncertain_milliwh += old + new  # it may all have flowed in an interval that is closed
        if bucket == UNASSIGNED_NAME:
            account.interval_unassigned_milliwh += old + new
    return bucket
