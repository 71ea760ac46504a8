"""Two meters, two bills: the grid meter takes the whole load, a production meter gives the whole production.

For buy_all_sell_all and feed_in, in the days of such a contract; before and after it the grid meter nets as ever and
what the plant makes is on no bill. A grid meter that also gives then is a net meter and cannot say what the load was:
refused, as is a production meter that only takes, because nobody may guess which of its registers counts the
production. (A-16)
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, product

import numpy as np

from ..tariff.types import Tariff
from ..tariff.walltime import wall_to_us, zone_of
from .energy import EnergyError, EnergyTable, Flags, Flow, Stretch
from .registry import SOLD_APART
from .rows import added
from .slices import table_between
from .terms import AccountTerms

_FIRST_US, _LAST_US = -(2**62), 2**62
ALWAYS = (Stretch(_FIRST_US, _LAST_US),)


def spans_of(terms: AccountTerms, tariff: Tariff) -> tuple[Stretch, ...]:
    """When all that is made is sold apart, oldest first, by the tariff's days; empty where it never is."""
    zone = zone_of(tariff.zone, tariff.clock, tariff.version[0].effective.year)
    starts = [_FIRST_US, *(wall_to_us(one.first, 0, zone) for one in terms.programme[1:]), _LAST_US]
    return tuple(
        Stretch(start, end)
        for one, (start, end) in zip(terms.programme, pairwise(starts), strict=True)
        if one.name in SOLD_APART
    )


def load_alone(table: EnergyTable, spans: Sequence[Stretch] = ALWAYS) -> EnergyTable:
    """A grid meter, which takes alone within `spans`. Raises EnergyError where it gave energy then."""
    within, given = _within(table, spans), table.flow_export
    wrong = (given.milliwh > 0) & within
    if wrong.any():
        raise EnergyError(
            f"{table.place(int(wrong.argmax()))}: {table.meter} gave energy to the grid, so it is a net meter, "
            "and who sells all needs a meter of the whole load; with a net meter the programme is net_billing"
        )
    kept = Flow(*(np.where(within, 0, getattr(given, name)) for name in Flow.__slots__))
    return replace(table, flow_export=kept)


def production_alone(table: EnergyTable) -> EnergyTable:
    """A production meter's exports; what its plant takes at night is told by nobody's bill here and left out."""
    if table.flow_import.milliwh.any() and not table.flow_export.milliwh.any():
        raise EnergyError(
            f"{table.source}, {table.meter}: a production meter gives energy (its export register counts), and "
            "this one only takes; turn its registers round (docs/profiles.md)"
        )
    return replace(table, flow_import=Flow.none(len(table)))


def two_meters(
    grid: Sequence[EnergyTable], production: Sequence[EnergyTable], spans: Sequence[Stretch] = ALWAYS
) -> list[EnergyTable]:
    """What is taken and what is sold, to be added up; outside `spans` what the grid meters take and give."""
    if not production:
        raise EnergyError(
            'who sells all that is made needs a [[meter]] with role = "production": what it gives is sold',
            at=("meter",),
        )
    loads = [load_alone(one, spans) for one in grid]
    makers = [production_alone(one) for one in production]
    if tuple(spans) == ALWAYS:
        return [*loads, *makers]
    return [*loads, *(_sold(one, spans, added(loads)) for one in makers)]


def _sold(maker: EnergyTable, spans: Sequence[Stretch], grid: EnergyTable) -> EnergyTable:
    """What a production meter gave within `spans`, and nothing in every other interval that the grid meters have."""
    pieces = [table_between(maker, one.start_us, one.end_us) for one in spans]
    for start_us, end_us in _between(spans):
        rows = table_between(grid, start_us, end_us)
        nothing = Flow.none(len(rows))
        pieces.append(replace(rows, end_us=np.minimum(rows.end_us, end_us), flow_import=nothing, flow_export=nothing))
    pieces = sorted((one for one in pieces if len(one)), key=lambda one: int(one.start_us[0]))
    exports = [one.flow_export for one in pieces]
    return EnergyTable(
        meter=maker.meter,
        source=maker.source,
        start_us=np.concatenate([one.start_us for one in pieces]),
        end_us=np.concatenate([one.end_us for one in pieces]),
        flow_import=Flow.none(sum(len(one) for one in pieces)),
        flow_export=Flow(*(np.concatenate([getattr(one, name) for one in exports]) for name in Flow.__slots__)),
        estimated=np.concatenate([one.estimated for one in pieces]),
        alone=np.concatenate([np.zeros(len(one), bool) if one.alone is None else one.alone for one in pieces]),
        unknown=tuple(_common(maker.unknown, spans)),
    )


def _common(unknown: Sequence[Stretch], spans: Sequence[Stretch]) -> Iterator[Stretch]:
    for one, span in product(unknown, spans):
        start_us, end_us = max(one.start_us, span.start_us), min(one.end_us, span.end_us)
        if start_us < end_us:
            yield Stretch(start_us, end_us)


def _within(table: EnergyTable, spans: Sequence[Stretch]) -> Flags:
    found: Flags = np.zeros(len(table), dtype=bool)
    for one in spans:
        found[table.rows_in(one.start_us, one.end_us)] = True
    return found


def _between(spans: Sequence[Stretch]) -> Iterator[tuple[int, int]]:
    edges = [_FIRST_US, *(edge for one in spans for edge in (one.start_us, one.end_us)), _LAST_US]
    yield from ((start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end)
