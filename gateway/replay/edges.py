"""The edges of `gateway.timeline` over a long stretch at once: the same instants, thousands of times faster.

Interval edges lie on a lattice of local time. As long as every change of the zone's offset is a whole number of
intervals the lattice stays where it is; where one is not (half an hour's change under hourly intervals), None is
returned and the caller goes edge by edge.
"""

from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from ..timeline import Timeline

Column = npt.NDArray[np.int64]
DAY_US = 86_400_000_000


def edges_between(timeline: Timeline, start_us: int, end_us: int) -> tuple[Column, Column] | None:
    """As `Timeline.table(start_us, end_us)`: the start, each edge in (start, end], and the bucket from each on."""
    phase_us = _phase_us(timeline, start_us, end_us)
    if phase_us is None:
        return None
    interval_us = timeline.interval_us
    first_us = ((start_us + phase_us) // interval_us + 1) * interval_us - phase_us
    table = timeline.calendar.edges(start_us, end_us + 1)
    changes_us: Column = np.frombuffer(table.edges_us, dtype=np.int64)
    edges_us: Column = np.union1d(np.arange(first_us, end_us + 1, interval_us, dtype=np.int64), changes_us)
    positions = np.searchsorted(changes_us, edges_us, side="right") - 1
    buckets: Column = np.frombuffer(table.bucket_ids, dtype=np.int64)[positions]
    return edges_us, buckets


def _phase_us(timeline: Timeline, start_us: int, end_us: int) -> int | None:
    """Where the lattice lies, as an offset from UTC modulo the interval; None where it moves."""
    days = {*range(start_us, end_us, DAY_US), end_us}
    phases = {_offset_us(timeline, at_us) % timeline.interval_us for at_us in days}
    return phases.pop() if len(phases) == 1 else None


def _offset_us(timeline: Timeline, utc_us: int) -> int:
    offset = datetime.fromtimestamp(utc_us // 1_000_000, UTC).astimezone(timeline.calendar.zone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds()) * 1_000_000


def versions_at(timeline: Timeline, instants_us: Column) -> list[str]:
    """The tariff version at each of some rising instants. A version holds once, so few have to be asked; that none
    holds can come more than once, before and after.
    """
    found: list[str] = [""] * len(instants_us)
    todo = [(0, len(instants_us) - 1)] if len(instants_us) else []
    while todo:
        low, high = todo.pop()
        found[low] = timeline.calendar.version_at(int(instants_us[low]))
        found[high] = timeline.calendar.version_at(int(instants_us[high]))
        if found[low] == found[high] != "":
            found[low : high + 1] = [found[low]] * (high + 1 - low)
        elif high - low > 1:
            middle = (low + high) // 2
            todo += [(low, middle), (middle, high)]
    return found
