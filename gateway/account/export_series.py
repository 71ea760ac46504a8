"""A table of export prices laid out over time: each hour of the local clock one step of a price series.

On the autumn night the clock shows an hour twice, and its second time has the row that the table's header names; on
the spring night an hour is not there. Nothing here rounds, and nothing outside the table's days has a price.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from ..tariff.walltime import offset_stretches, to_datetime, wall_to_us
from .energy import EnergyError
from .export_table import AutumnHour, ExportTable
from .price_series import PriceSeries

HOUR_US = 3_600_000_000
_DAY_US = 24 * HOUR_US
_EPOCH = date(1970, 1, 1)
_ONE_DAY = timedelta(days=1)


def hours_between(table: ExportTable, start_us: int, end_us: int) -> Iterator[tuple[int, date, int]]:
    """(beginning in UTC microseconds, local day, the hour whose row holds) of each hour of the local clock."""
    zone = ZoneInfo(table.header.zone)
    shown_until_us = 0
    for from_us, to_us, offset_us in offset_stretches(start_us - 3 * HOUR_US, end_us, zone):
        wall_us = (from_us + offset_us) // HOUR_US * HOUR_US
        while wall_us - offset_us < to_us:
            begin_us = max(wall_us - offset_us, from_us)
            day, hour = divmod(wall_us, _DAY_US)
            label = hour // HOUR_US
            if wall_us < shown_until_us and table.header.autumn_hour is AutumnHour.NEXT_HOUR:
                label += 1
            if begin_us + HOUR_US > start_us:
                yield begin_us, _EPOCH + timedelta(days=int(day)), int(label)
            wall_us += HOUR_US
        shown_until_us = to_us + offset_us


def price_series(
    table: ExportTable, start_us: int, end_us: int, until: date | None = None
) -> Mapping[str, PriceSeries]:
    """The prices of each component within [start_us, end_us).

    `until`: the last local day on which they hold for this customer, where that is before the table's last one.
    Raises EnergyError where the table has no hour of that time at all.
    """
    header, zone = table.header, ZoneInfo(table.header.zone)
    last = header.last_day if until is None else min(header.last_day, until)
    locked = ", where this customer's price lock ends" if until is not None and last == until else ""
    source = f"the table of export prices {header.id} ({header.first_day} to {last}{locked})"
    first_us, last_us = wall_to_us(header.first_day, 0, zone), wall_to_us(last + _ONE_DAY, 0, zone)
    begin_us, end_us = max(start_us, first_us), min(end_us, last_us)
    if begin_us >= end_us:
        day = to_datetime(start_us, zone).date()
        raise EnergyError(f"{source}: there is none of {day}; name a table that has it as export_prices")
    hours = [one for one in hours_between(table, begin_us, end_us) if one[0] < end_us]
    starts = np.array([max(one[0], begin_us) for one in hours], dtype=np.int64)
    weekend = {day: table.is_weekend(day) for day in {one[1] for one in hours}}
    return {
        name: PriceSeries(
            source,
            starts,
            np.array(
                [table.hours[(day.year, day.month, weekend[day], name)][label] for _, day, label in hours],
                dtype=np.int64,
            ),
            end_us,
        )
        for name in table.components
    }
