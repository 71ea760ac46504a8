"""Sharing that goes by the billing cycle: by use since the Relevant Period began (nem_a), or host first (pa_virtual).

A cycle's parts are laid over that cycle's exports, row by row, so that time of use and netting interval follow. Both
are exact to the last milliwatt-hour. (net-metering-corrections A-11, A-12, F.1)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

import numpy as np

from ..energy import Column, EnergyTable
from ..registry import PLAIN
from ..timeline import Spell
from .allocation import Allocation, doubt_by_energy
from .shares import equally_up_to, largest_remainder, over_rows


@dataclass(frozen=True, slots=True)
class Span:
    """One billing cycle. `credited`: whether exports earn anything yet."""

    start_us: int
    end_us: int
    credited: bool
    ends_year: bool


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


def spans_of(spells: Sequence[Spell], zone: tzinfo) -> list[Span]:
    """The cycles of an account. A year ends where its true-up is, and where another programme or supplier begins."""
    made: list[Span] = []
    for spell in spells:
        for slot in spell.slots:
            start_us, end_us = slot.cycle.edges_us(zone)
            ends_year = slot.closes_year or slot is spell.slots[-1]
            made.append(Span(start_us, end_us, slot.programme != PLAIN, ends_year))
    return made


def by_cumulative_use(site: Site, spans: Sequence[Span]) -> Allocation:
    """Cumulative generation as cumulative use is, less what the cycles before gave: may be below zero in one."""
    rows = _Rows(site)
    members = len(site.tables)
    made, used, before = 0, [0] * members, [0] * members
    for span in spans:
        if span.credited:
            made += site.given(span)[site.host]
            used = [had + now for had, now in zip(used, site.used(span), strict=True)]
            until_now = largest_remainder(made, used) if any(used) else _all_to(site.host, made, members)
            rows.lay(span, [now - had for now, had in zip(until_now, before, strict=True)])
            before = until_now
        if span.ends_year:
            made, used, before = 0, [0] * members, [0] * members
    return rows.allocation()


def by_host_first(site: Site, spans: Sequence[Span]) -> Allocation:
    """What the host's net export is goes equally to the others, none above its net use; the rest stays the host's."""
    rows = _Rows(site)
    for span in spans:
        if not span.credited:
            continue
        used, given = site.used(span), site.given(span)
        nets = [taken - gave for taken, gave in zip(used, given, strict=True)]
        needs = [0 if at == site.host else max(0, net) for at, net in enumerate(nets)]
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
        self._taken = np.zeros_like(self._given)

    def lay(self, span: Span, parts: Sequence[int]) -> None:
        """A cycle's parts over its exports; one below zero is taken back in the same hours, and goes to the others."""
        rows = self._site.plant.rows_in(span.start_us, span.end_us)
        exports = self._site.plant.flow_export.milliwh[rows].tolist()
        back = [max(0, -one) for one in parts]
        again = [0] * len(exports)
        if any(back):
            again = largest_remainder(sum(back), exports if any(exports) else [1] * len(exports))
        got = [max(0, one) for one in parts]
        self._given[rows] = _columns(over_rows([one + more for one, more in zip(exports, again, strict=True)], got))
        self._taken[rows] = _columns(over_rows(again, back))

    def allocation(self) -> Allocation:
        plant = self._site.plant
        lost = np.zeros(len(plant), dtype=np.int64)
        return Allocation(plant, self._given, self._taken, lost, doubt_by_energy(plant, self._given, self._taken))


def _columns(rows: list[list[int]]) -> Column:
    return np.array(rows, dtype=np.int64)
