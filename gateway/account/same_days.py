"""Energy for days that have not been yet, from days that have: the same local times, day by day.

Where the clock is set on one of the two days an hour is left out, or the hour before stands for one that is missing,
so that each made day has all its hours once. Never invents a quantity: each made row is a copy of a measured one.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta, tzinfo

import numpy as np

from ..tariff.walltime import wall_to_us
from .energy import Column, EnergyTable, Flow

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
_ONE_DAY = timedelta(days=1)
Pair = tuple[date, date]
"""(the day to be made, the day that it is made from)"""


def with_days(table: EnergyTable, source: EnergyTable, pairs: Iterable[Pair], zone: tzinfo) -> EnergyTable:
    """`table` followed by the days of the pairs, which are in order and after its last row."""
    made = [one for day, model in pairs for one in _day(source, day, model, zone)]
    if not made:
        return table
    starts, ends, taken = (np.array(column, dtype=np.int64) for column in zip(*made, strict=True))
    return EnergyTable(
        meter=table.meter,
        source=table.source,
        start_us=np.concatenate([table.start_us, starts]),
        end_us=np.concatenate([table.end_us, ends]),
        flow_import=_joined(table.flow_import, source.flow_import, taken),
        flow_export=_joined(table.flow_export, source.flow_export, taken),
        estimated=np.concatenate([table.estimated, np.ones(len(taken), dtype=bool)]),
        unknown=table.unknown,
        adjusted_milliwh=None
        if table.adjusted_milliwh is None
        else np.append(table.adjusted_milliwh, np.zeros(len(taken), dtype=np.int64)),
    )


def lacks(source: EnergyTable, days: Iterable[date], zone: tzinfo) -> date | None:
    """The first of some days of which not all energy is known; None where all of it is."""
    for day in days:
        if source.holes(*_edges_us(day, zone)):
            return day
    return None


def _day(source: EnergyTable, day: date, model: date, zone: tzinfo) -> Iterator[tuple[int, int, int]]:
    """(start, end, row of `source`) of each made row, in order."""
    start_us, end_us = _edges_us(day, zone)
    model_us, model_end_us = _edges_us(model, zone)
    rows = source.rows_in(model_us, model_end_us)
    made: dict[int, tuple[int, int]] = {}
    longer_us, model_longer_us = end_us - start_us - 24 * HOUR_US, model_end_us - model_us - 24 * HOUR_US
    for row in range(rows.start, rows.stop):
        since_us, length_us = int(source.start_us[row]) - model_us, int(source.end_us[row] - source.start_us[row])
        for at_us in _places(since_us, longer_us, model_longer_us):
            made.setdefault(start_us + at_us, (length_us, row))
    for at_us in sorted(made):
        length_us, row = made[at_us]
        yield at_us, min(at_us + length_us, end_us), row


def _places(since_us: int, longer_us: int, model_longer_us: int) -> Iterator[int]:
    """Where, since the made day's midnight, a row stands that began `since_us` after its own day's midnight.

    Clocks here are set at 2: a day that is an hour longer shows 1 to 2 twice, a shorter one has no 2 to 3.
    """
    two_us = 2 * HOUR_US
    if longer_us == model_longer_us:
        yield since_us
        return
    wall_us = since_us if since_us < two_us else since_us - model_longer_us
    if model_longer_us > 0 and two_us <= since_us < two_us + model_longer_us:
        return  # the second time of an hour that the made day has once
    if longer_us < 0 and two_us <= wall_us < two_us - longer_us:
        return  # an hour that the made day does not have
    yield wall_us if wall_us < two_us else wall_us + longer_us
    if two_us - HOUR_US <= wall_us < two_us:
        if longer_us > 0:
            yield wall_us + longer_us  # the made day has this hour twice
        if model_longer_us < 0 <= longer_us:
            yield wall_us + longer_us - model_longer_us  # it stands for the hour that the model day lacks


def _edges_us(day: date, zone: tzinfo) -> tuple[int, int]:
    return wall_to_us(day, 0, zone), wall_to_us(day + _ONE_DAY, 0, zone)


def _joined(flow: Flow, source: Flow, taken: Column) -> Flow:
    return Flow(
        np.concatenate([flow.milliwh, source.milliwh[taken]]),
        np.concatenate([flow.unassigned_milliwh, np.zeros(len(taken), dtype=np.int64)]),
        np.concatenate([flow.uncertain_milliwh, np.zeros(len(taken), dtype=np.int64)]),
    )
