"""A household from a seed: what it draws and what its array gives in every house second, integer milliwatts.

Power is constant within a house second, so energy over seconds is exact in integers. A pure function of (seed, second):
no state, no float; two processes with one seed live in the same house. US split-phase, 240 V. Knows the local hour
(people cook in the evening) and no tariff.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from .chance import between, name_key
from .sun import array_milliw

ZONE = ZoneInfo("America/Los_Angeles")
WEEKDAYS = frozenset(range(5))
EVERY_DAY = frozenset(range(7))


class Feed(StrEnum):
    """The place in the house where a meter sits."""

    GRID = "grid"
    """Between house and grid: import is what the array does not cover."""
    PRODUCTION = "production"
    """The array's own line: generation counts as export, the night's standby as import."""
    LOAD = "load"
    """Behind the array: all that the household draws."""


@dataclass(frozen=True, slots=True)
class Appliance:
    """Something that goes on and off: `on_s` of every `period_s`, within a window of local minutes of the day."""

    name: str
    power_w: int
    period_s: int
    on_s: int
    from_min: int = 0
    until_min: int = 1440
    weekdays: frozenset[int] = EVERY_DAY


APPLIANCES = (
    Appliance("fridge", 160, 2400, 900),
    Appliance("air conditioner", 4200, 780, 400, 12 * 60, 22 * 60),
    Appliance("dryer", 5400, 330, 170, 15 * 60 + 30, 17 * 60, WEEKDAYS),
    # The charger pauses under load management.
    Appliance("car", 7200, 660, 470, 16 * 60 + 10, 19 * 60, WEEKDAYS),
    Appliance("oven", 2400, 300, 190, 17 * 60 + 30, 18 * 60 + 45),
    Appliance("lights and screens", 420, 3600, 3300, 18 * 60 + 30, 23 * 60 + 30),
    Appliance("water heater", 4500, 3000, 600, 6 * 60, 8 * 60),
)
BASE_MILLIW = 330_000
NOISE_S = 10
_NOISE = name_key("noise")
_KEYS = {appliance.name: name_key(appliance.name) for appliance in APPLIANCES}


@dataclass(frozen=True, slots=True)
class Household:
    """One house. Seconds are whole seconds of UTC since 1970; powers are milliwatts."""

    seed: int

    def load_milliw(self, utc_s: int) -> int:
        """What the household draws in this second; above zero."""
        local_s = utc_s + _offset_s(utc_s // 900)
        minute, weekday = local_s % 86_400 // 60, (local_s // 86_400 + 3) % 7  # 1970-01-01 was a Thursday
        total = BASE_MILLIW + _noise_milliw(self.seed, utc_s // NOISE_S)
        for appliance in APPLIANCES:
            if (
                appliance.from_min <= minute < appliance.until_min
                and weekday in appliance.weekdays
                and _is_on(self.seed, appliance, utc_s)
            ):
                total += appliance.power_w * 1000
        return total

    def pv_milliw(self, utc_s: int) -> int:
        """What the array gives in this second; a few watts below zero at night."""
        return array_milliw(self.seed, utc_s)

    def flow_milliw(self, feed: Feed, utc_s: int) -> int:
        """Power through a meter at `feed`: positive = import, negative = export."""
        if feed is Feed.PRODUCTION:
            return -self.pv_milliw(utc_s)
        if feed is Feed.LOAD:
            return self.load_milliw(utc_s)
        return self.load_milliw(utc_s) - self.pv_milliw(utc_s)


def _is_on(seed: int, appliance: Appliance, utc_s: int) -> bool:
    index, into_s = divmod(utc_s, appliance.period_s)
    start_s, end_s = _on_span_s(seed, appliance, index)
    return start_s <= into_s < end_s


@lru_cache(maxsize=64)
def _on_span_s(seed: int, appliance: Appliance, index: int) -> tuple[int, int]:
    """When in its `index`-th period the appliance runs: its usual time give or take a fifth, anywhere in the period."""
    key = _KEYS.get(appliance.name, 0)
    on_s = min(appliance.period_s, appliance.on_s * between(80, 120, seed, key, index, 0) // 100)
    start_s = between(0, appliance.period_s - on_s, seed, key, index, 1)
    return start_s, start_s + on_s


@lru_cache(maxsize=8)
def _noise_milliw(seed: int, index: int) -> int:
    return between(-40_000, 60_000, seed, _NOISE, index)


@lru_cache(maxsize=8)
def _offset_s(quarter_hour: int) -> int:
    """Local minus UTC, seconds; zone rules change on quarter hours only."""
    offset = datetime.fromtimestamp(quarter_hour * 900, UTC).astimezone(ZONE).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())
