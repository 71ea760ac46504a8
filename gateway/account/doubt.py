"""How much of a sum of intervals is uncertain: its two ends, not every edge between them.

An interval's `uncertain` is that of its two edges (docs/accounting.md). What one interval has too much at an edge its
neighbour lacks, so in a run of intervals one after the other only the first and the last count. Where each interval
is judged for itself, as by non-bypassable charges, the edges between them count too.
"""

import numpy as np

from .energy import Column, EnergyTable, Flags


def run_begins(table: EnergyTable, rows: slice, segments: Column) -> Column:
    """Where runs begin among `rows`: another segment, time without a row, and around rows whose doubt stands alone."""
    starts, ends = table.start_us[rows], table.end_us[rows]
    cut: Flags = np.append(True, (np.diff(segments) != 0) | (starts[1:] != ends[:-1]))
    if table.alone is not None:
        alone = table.alone[rows]
        cut |= alone
        cut[1:] |= alone[:-1]
    return np.flatnonzero(cut)


def run_uncertain(uncertain_milliwh: Column, begins: Column) -> Column:
    """For each run what its first and its last interval say; not more than that, and not less."""
    lasts = np.append(begins[1:], len(uncertain_milliwh)) - 1
    made: Column = uncertain_milliwh[begins] + np.where(lasts > begins, uncertain_milliwh[lasts], 0)
    return made


def positive_uncertain(net_milliwh: Column, uncertain_milliwh: Column, connected: Flags) -> Column:
    """For each netting interval its part in what is uncertain of the sum of positive nets.

    One that gives beyond doubt has none. Of those that take beyond doubt, one after the other, the first and the last
    count. Where the sign is in doubt each counts. `connected`: it goes on from the one before, in the same segment.
    """
    takes = net_milliwh > uncertain_milliwh
    gives = net_milliwh < -uncertain_milliwh
    inner_left = connected & takes & np.append(False, takes[:-1])
    inner_right = np.append(inner_left[1:], False)
    made: Column = np.where(gives | (inner_left & inner_right), 0, uncertain_milliwh)
    return made
