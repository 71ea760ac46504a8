"""The directions that a meter has: one begins, is lost, is found again, or ends with its meter.

A closed direction keeps its totals: no edge adds doubt to it, and later intervals have no part of it. Found again in
the same register epoch, it counts on: the register tells what flowed meanwhile, only not when, so that goes to
`unassigned`. In a later epoch it begins anew. The law of the accumulator holds after each. Plain functions.
"""

from drivers import EnergyRegister

from ..energy import AccumulatorState, Direction, DirectionState
from ..tariff.calendar import UNASSIGNED_NAME
from ..uncertainty import Mark, most_energy_milliwh, start_uncertain_milliwh


def begin(
    state: AccumulatorState,
    direction: Direction,
    register: EnergyRegister,
    mark: Mark,
    instant_us: int,
    bucket: str,
    limit_milliw: int,
) -> None:
    """Begin to count at a first register, and tell what it leaves unknown: its own digit and window."""
    account = state.directions.get(direction)
    if account is None:
        account = state.directions[direction] = DirectionState(
            epoch_first_milliwh=register.milliwh,
            last_milliwh=register.milliwh,
            earlier_epochs_milliwh=0,
            totals_milliwh={UNASSIGNED_NAME: 0},
            uncertain_milliwh={},
            marks=[mark],
            proven=not register.unproven,
            interval_first_milliwh=register.milliwh,
            # A direction that the meter did not have when the interval began can have carried anything until now.
            interval_uncertain_milliwh=most_energy_milliwh(limit_milliw, instant_us - state.interval_start_us),
        )
    else:
        if not account.present:
            _tell_absence(account, state.interval_start_us, instant_us, bucket, limit_milliw)
        account.earlier_epochs_milliwh += account.last_milliwh - account.epoch_first_milliwh
        account.interval_extra_milliwh += account.last_milliwh - account.interval_first_milliwh
        account.epoch_first_milliwh = account.last_milliwh = account.interval_first_milliwh = register.milliwh
        account.marks = [mark]
        account.proven = not register.unproven
        account.closed_us, account.closed_unplaced = None, False
    doubt_milliwh = start_uncertain_milliwh(mark, instant_us, limit_milliw)
    account.doubt(bucket, doubt_milliwh)
    account.interval_uncertain_milliwh += doubt_milliwh


def _tell_absence(
    account: DirectionState, interval_start_us: int, instant_us: int, bucket: str, limit_milliw: int
) -> None:
    """What can have flowed since the last mark is in no register that we have; of it in the open interval its time."""
    since_us = account.marks[-1].earliest_us
    account.doubt(bucket, most_energy_milliwh(limit_milliw, instant_us - since_us))
    if not account.counts_since(interval_start_us):
        since_us = interval_start_us
    account.interval_uncertain_milliwh += most_energy_milliwh(limit_milliw, instant_us - since_us)


def lose(account: DirectionState, register_epoch: int, last_us: int, bucket: str, limit_milliw: int) -> None:
    """Close a direction that the meter no longer tells, as of the last reading that had it, and tell its last digit.

    The interval that was open then still has a part of it, whose end is as uncertain as the time without a reading.
    """
    account.closed_us, account.closed_epoch = last_us, register_epoch
    account.doubt(bucket, start_uncertain_milliwh(account.marks[-1], last_us, limit_milliw))


def end(account: DirectionState, register_epoch: int, instant_us: int) -> None:
    """Close a direction that the next meter lacks. What flowed until `instant_us` has been told with the exchange."""
    last = account.marks[-1]
    account.marks = [Mark(instant_us, instant_us, account.last_milliwh, last.resolution_milliwh, last.rounding_milliwh)]
    account.closed_us, account.closed_epoch = instant_us, register_epoch


def find(
    account: DirectionState, mark: Mark, interval_start_us: int, instant_us: int, bucket: str, limit_milliw: int
) -> int | None:
    """Go on with a direction that is back and counts on from its last register.

    Within the interval that it was lost in, the next booking carries all: returned is since when that flowed. Later,
    or where the clock was set back over a restart since, no time is known for what flowed.
    """
    closed_us, account.closed_us = account.closed_us, None
    unplaced, account.closed_unplaced = account.closed_unplaced, False
    if closed_us is None or (closed_us >= interval_start_us and not unplaced):
        return closed_us
    grown_milliwh = mark.register_milliwh - account.last_milliwh
    own_milliwh = start_uncertain_milliwh(mark, instant_us, limit_milliw)
    both_milliwh = own_milliwh + start_uncertain_milliwh(account.marks[-1], closed_us, limit_milliw)
    account.add(UNASSIGNED_NAME, grown_milliwh)
    account.last_milliwh = mark.register_milliwh
    account.interval_unassigned_milliwh += grown_milliwh
    account.interval_uncertain_milliwh += grown_milliwh + both_milliwh
    account.doubt(UNASSIGNED_NAME, both_milliwh)
    account.doubt(bucket, own_milliwh)
    return None
