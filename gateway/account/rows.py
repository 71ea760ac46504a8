"""Interval records as a source gives them, and the table they make: the newest word on each, both directions.

A direction that a meter does not have is none in every row; one that is missing in some rows makes those unknown.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..energy import Quality
from .energy import Column, EnergyTable, Flags, Flow, Stretch, joined
from .leaks import leaking

ESTIMATED = frozenset({Quality.ESTIMATED, Quality.REPEATED, Quality.INCOMPLETE})
"""Qualities whose edges nobody read. What the meter's own load profile filled is `corrected`, and not among them."""
ALONE = frozenset({Quality.REPEATED, Quality.INCOMPLETE})
STEPS_MILLIWH = (1_000_000, 500_000, 200_000, 100_000)


Fields = tuple[
    int, int, str, int | None, int | None, int | None, int | None, int | None, int | None, int
]  # fmt: skip
"""A `Row` as a plain tuple: a year out of a store has 35,040 of them, and none needs a name."""


class Row(NamedTuple):
    """An interval record: [start_us, end_us) UTC; energies in milliwatt-hours, None where a direction is not there.

    `line`: where it stands in its file; 0 where that is no file.
    """

    start_us: int
    end_us: int
    quality: str
    import_milliwh: int | None
    import_unassigned_milliwh: int | None
    import_uncertain_milliwh: int | None
    export_milliwh: int | None
    export_unassigned_milliwh: int | None
    export_uncertain_milliwh: int | None
    line: int = 0


def table_of(meter: str, source: str, rows: Sequence[Fields]) -> EnergyTable:
    """The rows as columns. Raises EnergyError with the row that cannot be."""
    starts, ends, qualities, *energies, lines = zip(*rows, strict=True) if rows else ((),) * len(Row._fields)
    imported, exported = energies[:3], energies[3:]
    torn = {at for one in (imported[0], exported[0]) for at in _missing(one)}
    if Quality.INCOMPLETE in qualities:
        torn.update(at for at, one in enumerate(qualities) if one == Quality.INCOMPLETE)
    start_us, end_us = np.array(starts, dtype=np.int64), np.array(ends, dtype=np.int64)
    flows = Flow(*(_column(one) for one in imported)), Flow(*(_column(one) for one in exported))
    estimated, alone = _among(qualities, ESTIMATED), _among(qualities, ALONE)
    leaks = leaking(start_us, end_us, estimated & ~alone, flows)
    return EnergyTable(
        meter=meter,
        source=source,
        start_us=start_us,
        end_us=end_us,
        flow_import=flows[0],
        flow_export=flows[1],
        estimated=estimated,
        alone=alone if leaks is None else alone | leaks,
        lines=np.array(lines, dtype=np.int64) if any(lines) else None,
        unknown=joined(Stretch(starts[at], ends[at]) for at in torn),
    )


def followed(earlier: Sequence[Fields], rows: Sequence[Fields]) -> list[Fields]:
    """`rows` with those of `earlier` before them that end by the time they begin."""
    begin_us = rows[0][0] if rows else None
    return [one for one in earlier if begin_us is None or one[1] <= begin_us] + list(rows)


def added(tables: Sequence[EnergyTable]) -> EnergyTable:
    """Several meters of one account as one: their energy adds up.

    Where their intervals differ, the sum has the edges that all of them have. Time that only some of them cover is
    unknown in the sum.
    """
    if len(tables) == 1:
        return tables[0]
    starts = np.concatenate([one.start_us for one in tables])
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], np.concatenate([one.end_us for one in tables])[order]
    reach = np.maximum.accumulate(ends) if len(ends) else ends
    begins = np.flatnonzero(np.append(True, starts[1:] >= reach[:-1])) if len(starts) else np.zeros(0, dtype=np.int64)

    def summed(name: str, what: str) -> Column:
        column: Column = np.concatenate([getattr(getattr(one, name), what) for one in tables])[order]
        whole: Column = np.add.reduceat(column, begins) if len(begins) else column
        return whole

    flows = [Flow(*(summed(name, what) for what in Flow.__slots__)) for name in ("flow_import", "flow_export")]
    estimated = np.concatenate([one.estimated for one in tables])[order].astype(np.int64)
    alone = np.concatenate([np.zeros(len(one), bool) if one.alone is None else one.alone for one in tables])
    alone = alone[order].astype(np.int64)
    adjusted = None
    if any(one.adjusted_milliwh is not None for one in tables):
        each = [
            np.zeros(len(one), np.int64) if one.adjusted_milliwh is None else one.adjusted_milliwh for one in tables
        ]
        adjusted = np.add.reduceat(np.concatenate(each)[order], begins)
    return EnergyTable(
        meter=" + ".join(one.meter for one in tables),
        source=", ".join(dict.fromkeys(one.source for one in tables)),
        start_us=starts[begins],
        end_us=reach[np.append(begins[1:], len(reach)) - 1] if len(begins) else ends,
        flow_import=flows[0],
        flow_export=flows[1],
        estimated=np.add.reduceat(estimated, begins) > 0 if len(begins) else estimated > 0,
        alone=np.add.reduceat(alone, begins) > 0 if len(begins) else alone > 0,
        unknown=_unknown(tables),
        adjusted_milliwh=adjusted,
    )


def coarse_step_milliwh(table: EnergyTable) -> int:
    """The step of 0.1 kWh or more that nine tenths of what was measured are multiples of; 0 where there is none."""
    measured = ~table.estimated
    both = np.concatenate([table.flow_import.milliwh[measured], table.flow_export.milliwh[measured]])
    both = both[both > 0]
    shares = {step: np.count_nonzero(both % step == 0) * 10 for step in STEPS_MILLIWH}
    return next((step for step, share in shares.items() if len(both) and share >= len(both) * 9), 0)


def _unknown(tables: Sequence[EnergyTable]) -> tuple[Stretch, ...]:
    firsts, lasts = zip(*(one.first_and_last_us() for one in tables), strict=True)
    return joined(hole for one in tables for hole in one.holes(min(firsts), max(lasts)))


def _among(qualities: Sequence[str], wanted: frozenset[Quality]) -> Flags:
    """Which rows have one of the wanted qualities; most often none has."""
    if wanted.isdisjoint(set(qualities)):
        return np.zeros(len(qualities), dtype=bool)
    return np.array([one in wanted for one in qualities], dtype=bool)


def _missing(milliwh: Sequence[int | None]) -> Sequence[int]:
    """The rows without a direction that others have; none of a meter that never has it."""
    if None not in milliwh or not any(one is not None for one in milliwh):
        return ()
    return [at for at, one in enumerate(milliwh) if one is None]


def _column(milliwh: Sequence[int | None]) -> Column:
    return np.array([one or 0 for one in milliwh] if None in milliwh else milliwh, dtype=np.int64)
