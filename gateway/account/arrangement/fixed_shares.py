"""vnem: each stored interval of the plant by the shares in force then, to the last milliwatt-hour.

Versions and vacancies hold from local midnights. What nobody has a share of (before the first version, or a vacant one
that is lost) is told as lost, never handed to a neighbour unasked. (net-metering-corrections A-13)
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np

from ...tariff.walltime import iso_utc
from ..energy import Column, EnergyError, EnergyTable
from .allocation import Allocation
from .shares import largest_remainder_rows
from .terms import ArrangementTerms, Shares, VacantShare

_ONE_DAY = timedelta(days=1)


def allocated_by_shares(terms: ArrangementTerms, plant: EnergyTable, midnight_us: Callable[[date], int]) -> Allocation:
    """Who gets how much of each row of `plant`. `midnight_us`: the UTC instant at which a local day begins."""
    members, count = len(terms.member), len(plant)
    given = np.zeros((count, members + 1), dtype=np.int64)
    doubt = np.zeros_like(given)
    for rows, weights in _segments(terms, plant, midnight_us):
        given[rows] = largest_remainder_rows(plant.flow_export.milliwh[rows], weights)
        doubt[rows] = _upwards(plant.flow_export.uncertain_milliwh[rows], weights)
    nothing = np.zeros((count, members), dtype=np.int64)
    return Allocation(plant, given[:, :members], nothing, given[:, members], doubt[:, :members])


def weights_on(terms: ArrangementTerms, day: date) -> list[int]:
    """Integer weights of all members in their order on a local day, and at the end that of what is lost."""
    version = next((one for one in reversed(terms.shares) if one.first <= day), None)
    if version is None:
        return [0] * len(terms.member) + [1]
    weights = dict(zip((one.id for one in terms.member), _integers(terms, version), strict=True))
    lost = 0
    for name in sorted({one.member for one in terms.vacant if _holds(one.first, one.last_day, day)}):
        share, weights[name] = weights[name], 0
        if terms.vacant_share is VacantShare.OWNER:
            weights[terms.owner] += share
        else:
            lost += share
    return [*weights.values(), lost]


def _integers(terms: ArrangementTerms, version: Shares) -> list[int]:
    """The version's numbers times the power of ten that makes all of them whole."""
    shares = [version.of.get(one.id, Decimal(0)) for one in terms.member]
    places = max(max(0, -int(one.normalize().as_tuple().exponent)) for one in shares)
    return [int(one.scaleb(places)) for one in shares]


def _holds(first: date, last_day: date | None, day: date) -> bool:
    return first <= day and (last_day is None or day <= last_day)


def _segments(
    terms: ArrangementTerms, plant: EnergyTable, midnight_us: Callable[[date], int]
) -> Iterator[tuple[slice, Sequence[int]]]:
    """Rows between two changes of shares, with the weights there. Raises EnergyError for a row across a change."""
    first_us, last_us = plant.first_and_last_us()
    changes = {one.first for one in terms.shares} | {one.first for one in terms.vacant}
    changes |= {one.last_day + _ONE_DAY for one in terms.vacant if one.last_day is not None}
    edges = sorted((midnight_us(day), day) for day in changes)
    inside = [(at_us, day) for at_us, day in edges if first_us < at_us < last_us]
    begin = max((day for at_us, day in edges if at_us <= first_us), default=date.min)
    for (from_us, day), (to_us, _) in pairwise([(first_us, begin), *inside, (last_us, date.max)]):
        rows = plant.rows_in(from_us, to_us)
        _refuse_crossing(plant, rows, to_us)
        yield rows, weights_on(terms, day)


def _refuse_crossing(plant: EnergyTable, rows: slice, edge_us: int) -> None:
    if rows.stop > rows.start and plant.end_us[rows.stop - 1] > edge_us and plant.flow_export.milliwh[rows.stop - 1]:
        raise EnergyError(
            f"{plant.place(rows.stop - 1)}: crosses {iso_utc(edge_us)}, where shares change, and cannot be taken "
            "apart; let shares change where an interval ends"
        )


def _upwards(uncertain: Column, weights: Sequence[int]) -> Column:
    """Each sharer's part of a doubt, rounded up: nobody's is understated."""
    total = sum(weights)
    parts: Column = -(-uncertain.astype(object)[:, None] * np.array(weights, dtype=object)[None, :] // total)
    return parts.astype(np.int64)
