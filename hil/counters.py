"""A meter's own energy counters: exact integers, second by second, from a flow of power.

Energy is kept in milliwatt-seconds (1 mWh = 3600 mW s), so nothing is ever rounded before the meter's display does it.
A counter is a pure function of (flow, origin, opening, time): a meter process that is started anew counts on as if it
had never been away. Time goes forward only.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .chance import between, name_key
from .house_time import US_PER_S

MILLIW_S_PER_MILLIWH = 3600


@dataclass(frozen=True, slots=True)
class Count:
    """Both directions at one instant."""

    import_milliwh: int
    """Floored to the milliwatt-hour."""
    export_milliwh: int
    power_milliw: int
    """Positive = import."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What the counters show at the origin, milliwatt-seconds."""

    import_milliw_s: int
    export_milliw_s: int

    @classmethod
    def from_seed(cls, seed: int, name: str, import_kwh: int = 14_000, export_kwh: int = 14_000) -> "Opening":
        """A meter with some years behind it: between half and all of so many kWh, not on a round digit."""
        key, milliw_s_per_kwh = name_key(name), 1_000_000 * MILLIW_S_PER_MILLIWH
        most_import, most_export = import_kwh * milliw_s_per_kwh, export_kwh * milliw_s_per_kwh
        return cls(
            between(most_import // 2, most_import, seed, key, 0), between(most_export // 2, most_export, seed, key, 1)
        )


class Counters:
    """Import and export of one metering point.

    `flow_milliw(utc_s)` is the power through it in each whole second from `origin_s` on, positive = import.
    """

    def __init__(self, flow_milliw: Callable[[int], int], origin_s: int, opening: Opening) -> None:
        self._flow_milliw = flow_milliw
        self._second = origin_s
        self._power_milliw = flow_milliw(origin_s)
        self._import_milliw_s = opening.import_milliw_s
        self._export_milliw_s = opening.export_milliw_s

    def at(self, house_us: int) -> Count:
        """The counters at an instant, UTC microseconds. Raises ValueError for one before the last second asked for."""
        second, into_us = divmod(house_us, US_PER_S)
        if second < self._second:
            raise ValueError(f"counters stand at second {self._second}, asked for {second}")
        while self._second < second:
            self._import_milliw_s += max(self._power_milliw, 0)
            self._export_milliw_s += max(-self._power_milliw, 0)
            self._second += 1
            self._power_milliw = self._flow_milliw(self._second)
        return Count(
            _milliwh(self._import_milliw_s, max(self._power_milliw, 0), into_us),
            _milliwh(self._export_milliw_s, max(-self._power_milliw, 0), into_us),
            self._power_milliw,
        )


def _milliwh(whole_milliw_s: int, power_milliw: int, into_us: int) -> int:
    return (whole_milliw_s * US_PER_S + power_milliw * into_us) // (MILLIW_S_PER_MILLIWH * US_PER_S)
