"""The hours of a URDB record as periods of a tariff file: runs of hours with their days and months, each hour once.

A bucket is a URDB period, so that the price of every hour can be held against the record's own matrix. Pure.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .urdb_record import UrdbRate

_UNFIT = re.compile(r"[^a-z0-9]+")
_LONGEST_NAME = 32


@dataclass(frozen=True, slots=True)
class Run:
    """Hours of a day that belong to one URDB period, `start_hour` to `end_hour`, in some months."""

    period: int
    days: str
    """`every`, `weekday` or `weekend`."""
    start_hour: int
    end_hour: int
    months: tuple[int, ...]
    """1 .. 12."""


def runs_of(rate: UrdbRate) -> tuple[Run, ...]:
    """All runs, by URDB period. They cover each hour of each month once for weekdays and once for weekends."""
    found: dict[tuple[int, str, int, int], list[int]] = {}
    for month, (weekday, weekend) in enumerate(zip(rate.weekday, rate.weekend, strict=True), 1):
        rows = [("every", weekday)] if weekday == weekend else [("weekday", weekday), ("weekend", weekend)]
        for days, row in rows:
            for period, start, end in _stretches(row):
                found.setdefault((period, days, start, end), []).append(month)
    for (period, days, start, end), months in list(found.items()):
        if days == "weekday" and found.get((period, "weekend", start, end)) == months:
            del found[period, "weekday", start, end], found[period, "weekend", start, end]
            found[period, "every", start, end] = sorted({*months, *found.get((period, "every", start, end), ())})
    return tuple(
        Run(period, days, start, end, tuple(months)) for (period, days, start, end), months in sorted(found.items())
    )


def inner_edges(runs: tuple[Run, ...]) -> tuple[int, ...]:
    """The hours within a day at which the period changes."""
    return tuple(sorted({hour for run in runs for hour in (run.start_hour, run.end_hour)} - {0, 24}))


def names_of(rate: UrdbRate) -> Mapping[int, str]:
    """A name for each URDB period: the record's own label where all have different ones, else `rate_0` and so on.

    Which is peak and which off-peak is not concluded from prices.
    """
    labels = rate.document.keys.get("energytoulabels")
    plain = {position: f"rate_{position}" for position in rate.used}
    if not isinstance(labels, list) or len(labels) != len(rate.periods):
        return plain
    made = {position: _UNFIT.sub("_", str(labels[position]).lower()).strip("_") for position in rate.used}
    fit = all(0 < len(name) <= _LONGEST_NAME and name != "unassigned" for name in made.values())
    return made if fit and len(set(made.values())) == len(made) else plain


def _stretches(row: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """(period, first hour, hour after the last) of neighbours that are alike."""
    made: list[tuple[int, int, int]] = []
    for hour, period in enumerate(row):
        if made and made[-1][0] == period:
            made[-1] = (period, made[-1][1], hour + 1)
        else:
            made.append((period, hour, hour + 1))
    return made
