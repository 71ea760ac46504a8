"""A tariff drawn by lot: buckets that change at odd hours, and interval edges on the quarters of a zone's wall clock.

Knows nothing of the gateway; `play` lends it to the pipeline as a calendar, so that tariff and clock changes meet.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTE_US = 60_000_000
NAMES = ("unassigned", "low", "mid", "high")
NEVER_US = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Tariff:
    """`changes`: (from_us, bucket number) in order, neighbours differ; the first one holds before it too."""

    zone: str
    changes: tuple[tuple[int, int], ...]
    interval_min: int
    from_us: int
    to_us: int
    """What anybody can ask about lies between these two."""
    _changes_us: tuple[int, ...] = field(init=False, repr=False)
    _edges_us: tuple[int, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        changes_us = tuple(at_us for at_us, _ in self.changes)
        object.__setattr__(self, "_changes_us", changes_us)
        minutes = range(self.from_us // MINUTE_US + 1, self.to_us // MINUTE_US + 1)
        grid = {one * MINUTE_US for one in minutes if minute_of_day(self.zone, one) % self.interval_min == 0}
        object.__setattr__(self, "_edges_us", tuple(sorted(grid.union(changes_us[1:]))))

    def bucket(self, utc_us: int) -> int:
        """The number of the bucket that holds at an instant."""
        return self.changes[max(bisect_right(self._changes_us, utc_us) - 1, 0)][1]

    def next_change_us(self, utc_us: int) -> int:
        """The first instant after `utc_us` at which the bucket changes."""
        index = max(bisect_right(self._changes_us, utc_us), 1)
        return self._changes_us[index] if index < len(self._changes_us) else NEVER_US

    def edges(self, from_us: int, to_us: int) -> tuple[int, ...]:
        """Every interval and bucket edge in (from, to]."""
        assert self.from_us <= from_us
        assert to_us <= self.to_us
        return self._edges_us[bisect_right(self._edges_us, from_us) : bisect_right(self._edges_us, to_us)]

    def next_edge_us(self, utc_us: int) -> int:
        """The first interval or bucket edge after an instant."""
        return self._edges_us[bisect_right(self._edges_us, utc_us)]


@lru_cache(maxsize=200_000)
def minute_of_day(zone: str, minute: int) -> int:
    """What the wall clock in a zone shows at a minute counted in UTC since 1970; read minute by minute."""
    local = datetime.fromtimestamp(minute * 60, UTC).astimezone(ZoneInfo(zone))
    return local.hour * 60 + local.minute
