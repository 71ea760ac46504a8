"""Booking what flowed around an exchange of meters that was noticed before anybody said what the registers were.

Both epochs are closed or running, and their intervals are history: so it goes into the interval that is open now, into
its bucket where there is no other that it can have flowed in, else to `unassigned`. The law holds after it.
"""

from .energy import AccumulatorState
from .exchange import Restated
from .tariff.calendar import UNASSIGNED_NAME
from .timeline import Calendar


def restate(state: AccumulatorState, said: Restated, calendar: Calendar) -> str:
    """Add what the old meter counted after its last reading and the new one before its first. Returns the bucket."""
    from_us, to_us = said.opened.previous.earliest_us, said.opened.first.latest_us
    buckets = {calendar.bucket_at(one) for one in (from_us, to_us, state.instant_us)}
    is_known = len(buckets) == 1 and calendar.next_edge_us(from_us) > to_us
    bucket = calendar.bucket_names[buckets.pop()] if is_known else UNASSIGNED_NAME
    for direction, both_milliwh in said.booked_milliwh.items():
        account = state.directions[direction]
        account.earlier_epochs_milliwh += said.old_milliwh[direction]
        account.epoch_first_milliwh -= said.new_milliwh[direction]
        account.add(bucket, both_milliwh)
        account.interval_extra_milliwh += both_milliwh
        account.interval_uncertain_milliwh += both_milliwh  # it may all have flowed in an interval that is closed
        if bucket == UNASSIGNED_NAME:
            account.interval_unassigned_milliwh += both_milliwh
    return bucket
