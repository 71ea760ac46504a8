"""The meter's own tariff counters, held against our buckets: two that count the same must grow by the same.

Ours are booked by our clock and calendar, the meter's by its own. What they differ by beyond both last digits, what is
told as uncertain and what is in no bucket, is a wrong clock, a wrong calendar or a wrong counter: told once, until they
agree again. Nothing is corrected by it. Counted since the daemon's start or the register epoch's, whichever is later.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from drivers import Profile
from drivers.profile_register import ENERGY_UNITS_WH

from ..config.types import MeterSection
from ..energy import AccumulatorState, Direction
from ..ledger.records import Record
from ..reading.read import Reading
from ..tariff.calendar import UNASSIGNED_NAME
from ..uncertainty import most_energy_milliwh


@dataclass(frozen=True, slots=True)
class TariffCounter:
    """One counter of the meter. `milliwh_per_unit`: what one unit of its value means."""

    name: str
    direction: Direction
    buckets: tuple[str, ...]
    milliwh_per_unit: Fraction


@dataclass(frozen=True, slots=True)
class _Stand:
    """Where both stood. Milliwatt-hours; `told` is what was uncertain or in no bucket then."""

    register_epoch: int
    counter_milliwh: int
    booked_milliwh: int
    told_milliwh: int


def counters_of(section: MeterSection, profile: Profile) -> tuple[TariffCounter, ...]:
    """The counters that the config names, as the profile has them. A name the profile lacks was refused by `check`."""
    registers = {one.name: one for one in profile.registers if one.unit in ENERGY_UNITS_WH}
    found = []
    for one in section.counter:
        imports = one.name.startswith("energy_import_") is not section.swap_direction
        if (register := registers.get(one.name)) is not None:
            scale = int(ENERGY_UNITS_WH[register.unit] * 1000) * section.whole_ratio
            direction = Direction.IMPORT if imports else Direction.EXPORT
            found.append(TariffCounter(one.name, direction, one.buckets, scale))
    return tuple(found)


class CrossCheck:
    """Holds the counters of one meter against its account, after each booked reading."""

    def __init__(self, counters: Iterable[TariffCounter], limit_milliw: int) -> None:
        self._counters, self._limit_milliw = tuple(counters), limit_milliw
        self._stands: dict[str, _Stand] = {}
        self._disagree: set[str] = set()

    def look(self, reading: Reading, account: AccumulatorState) -> list[tuple[str, Record]]:
        """The events of a reading that is booked: (kind, detail). While an edge waits to be confirmed, none."""
        events: list[tuple[str, Record]] = []
        for counter in self._counters if not account.pending else ():
            value = reading.snapshot.others.get(counter.name)
            if value is None or counter.direction not in account.directions:
                continue
            stand = _stand(counter, value, account)
            first = self._stands.get(counter.name)
            if first is None or first.register_epoch != stand.register_epoch:
                self._stands[counter.name] = stand
                continue
            detail = self._compare(counter, first, stand, _digit_milliwh(counter, value), reading)
            if (detail is not None) is not (counter.name in self._disagree):
                agree: tuple[str, Record] = "counters_agree", {"counter": counter.name}
                events.append(agree if detail is None else ("counters_disagree", detail))
                self._disagree ^= {counter.name}
        return events

    def _compare(
        self, counter: TariffCounter, first: _Stand, now: _Stand, digit_milliwh: int, reading: Reading
    ) -> Record | None:
        """What to tell; None where both agree."""
        counted_milliwh = now.counter_milliwh - first.counter_milliwh
        booked_milliwh = now.booked_milliwh - first.booked_milliwh
        both = (reading.snapshot.energy_import, reading.snapshot.energy_export)
        register_milliwh = max(one.resolution_milliwh + one.rounding_milliwh for one in both if one is not None)
        window_milliwh = most_energy_milliwh(self._limit_milliw, reading.latest_us - reading.earliest_us)
        own_milliwh = digit_milliwh + register_milliwh + window_milliwh  # at each of both ends
        tolerance_milliwh = now.told_milliwh - first.told_milliwh + 2 * own_milliwh
        if abs(counted_milliwh - booked_milliwh) <= tolerance_milliwh:
            return None
        return {
            "counter": counter.name,
            "counted_milliwh": counted_milliwh,
            "booked_milliwh": booked_milliwh,
            "tolerance_milliwh": tolerance_milliwh,
        }


def _stand(counter: TariffCounter, value: Decimal, account: AccumulatorState) -> _Stand:
    ours = account.directions[counter.direction]
    return _Stand(
        account.register_epoch,
        int(Fraction(value) * counter.milliwh_per_unit),
        _sum(ours.totals_milliwh, counter.buckets),
        _sum(ours.uncertain_milliwh, (*counter.buckets, UNASSIGNED_NAME)) + ours.totals_milliwh.get(UNASSIGNED_NAME, 0),
    )


def _sum(by_bucket: Mapping[str, int], buckets: Iterable[str]) -> int:
    return sum(by_bucket.get(bucket, 0) for bucket in buckets)


def _digit_milliwh(counter: TariffCounter, value: Decimal) -> int:
    """The step of the last digit that the counter's value is written with."""
    exponent = value.as_tuple().exponent
    digit = Decimal(1).scaleb(exponent) if isinstance(exponent, int) else Decimal(1)
    return max(1, int(Fraction(digit) * counter.milliwh_per_unit))
