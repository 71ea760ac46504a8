"""Surplus kWh on their way into the next cycle: to the bucket that is in force there at the same hour of the clock.

As the SAM engine does it: on a working day the clock is looked at four times, and the first hour at which the surplus's
bucket was in force decides. A bucket that is in force at none of them loses its surplus. (net-metering 3.1; ssc,
rate_data::transfer_surplus)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from ...tariff.cycles import Cycle
from ...tariff.days import DayRules
from ..money import kwh

LOOKED_AT_MINUTES = (0, 5 * 60, 11 * 60, 17 * 60)
"""The engine names them 12, 6, 12 and 6 o'clock and looks at these."""
_WEDNESDAY = 2
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Transfer:
    """Surplus that leaves its bucket. An empty target: it is lost."""

    source: str
    target: str
    milliwh: int

    def __str__(self) -> str:
        amount = f"{kwh(self.milliwh):f} kWh of surplus in {self.source}"
        if self.target:
            return f"{amount} go over to {self.target}, which is in force at the same hour of the clock"
        return f"{amount} are lost: at 0, 5, 11 and 17 o'clock of a working day that bucket was not in force"


@dataclass(frozen=True, slots=True)
class SameClockHour:
    """The rule `surplus_to = same_clock_hour`."""

    rules: DayRules

    def target(self, bucket: str, cycle: Cycle) -> str:
        """Where surplus goes that `bucket` had when the cycle before this one ended; empty: nowhere."""
        before = self._looked_at(_working_day(cycle.first_day - 28 * _ONE_DAY, cycle.first_day - _ONE_DAY, self.rules))
        now = self._looked_at(_working_day(cycle.first_day, cycle.last_day, self.rules))
        return now[before.index(bucket)] if bucket in before else ""

    def _looked_at(self, day: date) -> tuple[str, ...]:
        pieces = self.rules.pieces(day)
        return tuple([one.bucket for one in pieces if one.minute <= minute][-1] for minute in LOOKED_AT_MINUTES)


def transfers(banks_milliwh: Mapping[str, int], rule: SameClockHour | None, cycle: Cycle) -> tuple[Transfer, ...]:
    """Which surplus leaves its bucket as a cycle begins."""
    if rule is None:
        return ()
    targets = {bucket: rule.target(bucket, cycle) for bucket, held in banks_milliwh.items() if held}
    return tuple(
        Transfer(bucket, target, banks_milliwh[bucket]) for bucket, target in targets.items() if target != bucket
    )


def _working_day(first: date, last: date, rules: DayRules) -> date:
    """A Wednesday that is no holiday, the last one; else another such day from Monday to Friday; else the last day."""
    days = [last - number * _ONE_DAY for number in range((last - first).days + 1)]
    usual = [day for day in days if day.weekday() < 5 and rules.holiday_on(day) is None]
    wednesdays = [day for day in usual if day.weekday() == _WEDNESDAY]
    return (wednesdays or usual or days)[0]
