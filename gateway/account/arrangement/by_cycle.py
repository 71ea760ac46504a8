"""Sharing that goes by the billing cycle: by use since the Relevant Period began (nem_a), or host first (pa_virtual).

A cycle's parts are laid over that cycle's exports, row by row, so that time of use and netting interval follow. What a
share that falls takes back flowed in an earlier cycle: it moves at this cycle's prices, and no netting interval and no
non-bypassable charge sees it. Both are exact to the last milliwatt-hour. (net-metering-corrections A-11, A-12, F.1)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo

import numpy as np

from ...tariff.walltime import iso_utc, offset_stretches
from ..energy import Column, EnergyError, EnergyTable
from ..registry import PLAIN
from ..slices import table_of_rows
from ..timeline import Spell
from .allocation import Allocation, doubt_by_energy
from .shares import equally_up_to, largest_remainder, over_rows

DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Span:
    """One billing cycle. `credited`: whether exports earn anything yet; `outside`: members whose share would not."""

    start_us: int
    end_us: int
    credited: bool
    ends_year: bool
    outside: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Site:
    """The members' meters in their order; the plant is behind that of `host`."""

    tables: Sequence[EnergyTable]
    host: int

    @property
    def plant(self) -> EnergyTable:
        return self.tables[self.host]

    def used(self, span: Span) -> list[int]:
        """What each member's meter took in a cycle."""
        return [int(one.flow_import.milliwh[one.rows_in(span.start_us, span.end_us)].sum()) for one in self.tables]

    def given(self, span: Span) -> list[int]:
        """What each member's meter gave in it."""
        return [int(one.flow_export.milliwh[one.rows_in(span.start_us, span.end_us)].sum()) for one in self.tables]


def spans_of(spells: Sequence[Spell], members: Sequence[Sequence[Spell]], zone: tzinfo) -> list[Span]:
    """The cycles of the host, with what all members (who have the same cycles) are in each.

    A year ends where its true-up is, and where another programme or supplier begins.
    """
    made: list[Span] = []
    others = zip(*([slot for spell in one for slot in spell.slots] for one in members), strict=True)
    for spell in spells:
        for slot in spell.slots:
            start_us, end_us = slot.cycle.edges_us(zone)
            ends_year = slot.closes_year or slot is spell.slots[-1]
            outside = frozenset(at for at, other in enumerate(next(others)) if other.programme == PLAIN)
            made.append(Span(start_us, end_us, slot.programme != PLAIN, ends_year, outside))
    return made


def by_cumulative_use(site: Site, spans: Sequence[Span], zone: tzinfo) -> Allocation:
    """Cumulative generation as cumulative use is, less what the cycles before gave: may be below zero in one."""
    rows = _Rows(site)
    members = len(site.tables)
    made, used, before, begins_us = 0, [0] * members, [0] * members, None
    for span in spans:
        if span.credited:
            begins_us = span.start_us if begins_us is None else begins_us
            made += site.given(span)[site.host]
            used = [had + now for had, now in zip(used, site.used(span), strict=True)]
            until_now = largest_remainder(made, used) if any(used) else _all_to(site.host, made, members)
            parts = [now - had for now, had in zip(until_now, before, strict=True)]
            rows.lay(span, parts, _hours_of_exports(site.plant, begins_us, span, zone) if min(parts) < 0 else ())
            before = until_now
        if span.ends_year:
            made, used, before, begins_us = 0, [0] * members, [0] * members, None
    return rows.allocation()


def by_cumulative_use_per_bucket(
    site: Site, spans: Sequence[Span], zone: tzinfo, bucket_of: Callable[[EnergyTable], Column]
) -> Allocation:
    """The same in each bucket alone. `bucket_of`: the number of the bucket in which each row of a table lies."""
    buckets = [bucket_of(one) for one in site.tables]
    given = np.zeros((len(site.plant), len(site.tables)), dtype=np.int64)
    adjusted, uncertain = np.zeros_like(given), np.zeros_like(given)
    for bucket in np.unique(buckets[site.host]):
        tables = [table_of_rows(one, own == bucket) for one, own in zip(site.tables, buckets, strict=True)]
        part = by_cumulative_use(Site(tables, site.host), spans, zone)
        here = buckets[site.host] == bucket
        given[here], adjusted[here], uncertain[here] = part.given, part.adjusted, part.uncertain
    return Allocation(site.plant, given, adjusted, np.zeros(len(site.plant), dtype=np.int64), uncertain)


def _hours_of_exports(plant: EnergyTable, begins_us: int, span: Span, zone: tzinfo) -> list[int]:
    """For each row of a cycle what the Relevant Period gave so far at its time of day; all alike where that is nothing.

    Raises EnergyError for a cycle without a row: there is nowhere to lay what its shares take back.
    """
    before, rows = plant.rows_in(begins_us, span.start_us), plant.rows_in(span.start_us, span.end_us)
    if rows.start == rows.stop:
        raise EnergyError(
            f"{plant.source}, {plant.meter}: there is no interval in the billing cycle that begins "
            f"{iso_utc(span.start_us)}, and shares by use need it; give its energy (earlier = FILE)"
        )
    began_us = _time_of_day(plant, before, zone)
    order = np.argsort(began_us, kind="stable")
    until = np.append(0, np.cumsum(plant.flow_export.milliwh[before][order]))
    first_us = _time_of_day(plant, rows, zone)
    last_us = first_us + plant.end_us[rows] - plant.start_us[rows]
    places = (np.searchsorted(began_us[order], one, side="left") for one in (first_us, last_us))
    first, last = (until[one] for one in places)
    hours: list[int] = (last - first).tolist()
    return hours if any(hours) else [1] * len(hours)


def _time_of_day(plant: EnergyTable, rows: slice, zone: tzinfo) -> Column:
    """When each row begins by the local clock, microseconds since midnight."""
    started_us = plant.start_us[rows].copy()
    if len(started_us):
        for from_us, to_us, offset_us in offset_stretches(int(started_us[0]), int(started_us[-1]) + 1, zone):
            here = (plant.start_us[rows] >= from_us) & (plant.start_us[rows] < to_us)
            started_us[here] += offset_us
    of_day: Column = started_us % DAY_US
    return of_day


def by_host_first(site: Site, spans: Sequence[Span]) -> Allocation:
    """What the host's net export is goes equally to the others, none above its net use; the rest stays the host's.

    Who has no net metering in a cycle needs nothing of it: what it were given would be credited to nobody.
    """
    rows = _Rows(site)
    for span in spans:
        if not span.credited:
            continue
        used, given = site.used(span), site.given(span)
        nets = [taken - gave for taken, gave in zip(used, given, strict=True)]
        needs = [0 if at == site.host or at in span.outside else max(0, net) for at, net in enumerate(nets)]
        parts = equally_up_to(max(0, -nets[site.host]), needs)
        parts[site.host] = given[site.host] - sum(parts)
        rows.lay(span, parts)
    return rows.allocation()


def _all_to(at: int, whole: int, members: int) -> list[int]:
    return [whole if one == at else 0 for one in range(members)]


class _Rows:
    """Rows of the host's meter, shared out cycle by cycle. What no cycle shares stays the host's."""

    def __init__(self, site: Site) -> None:
        self._site = site
        exports = site.plant.flow_export.milliwh
        self._given = np.zeros((len(exports), len(site.tables)), dtype=np.int64)
        self._given[:, site.host] = exports
        self._adjusted = np.zeros_like(self._given)

    def lay(self, span: Span, parts: Sequence[int], hours: Sequence[int] = ()) -> None:
        """A cycle's parts over its exports. What one below zero gives up is adjusted, to those that gain by it.

        `hours`: a weight for each row of a cycle without exports, in which of its hours that stands.
        """
        rows = self._site.plant.rows_in(span.start_us, span.end_us)
        exports = self._site.plant.flow_export.milliwh[rows].tolist()
        if not exports:
            return
        back, got = [max(0, -one) for one in parts], [max(0, one) for one in parts]
        if not any(back):
            self._given[rows] = _columns(over_rows(exports, got))
            return
        again = largest_remainder(sum(back), exports if any(exports) else hours)
        own = largest_remainder(sum(exports), got)
        more = [whole - one for whole, one in zip(got, own, strict=True)]
        self._given[rows] = _columns(over_rows(exports, own))
        self._adjusted[rows] = _columns(over_rows(again, more)) - _columns(over_rows(again, back))

    def allocation(self) -> Allocation:
        plant = self._site.plant
        lost = np.zeros(len(plant), dtype=np.int64)
        return Allocation(plant, self._given, self._adjusted, lost, doubt_by_energy(plant, self._given, self._adjusted))


def _columns(rows: list[list[int]]) -> Column:
    return np.array(rows, dtype=np.int64)
