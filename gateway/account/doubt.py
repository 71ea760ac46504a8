"""How much of a sum of intervals is uncertain: its two ends, not every edge between them.

An interval's `uncertain` is that of its two edges (docs/accounting.md). What one interval has too much at an edge its
neighbour lacks, so in a run of intervals one after the other only the first and the last count. Where each interval
is judged for itself, as by non-bypassable charges, the edges between them count where it may both take and give.
"""

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Sides:
    """Netting intervals one after the other: energy of both directions and its doubt, milliwatt-hours."""

    taken: Column
    given: Column
    taken_uncertain: Column
    given_uncertain: Column


def positive_uncertain(sides: Sides, connected: Flags) -> Column:
    """For each netting interval its part in what is uncertain of the sum of max(0, taken - given).

    That is taken - given where it takes, and what it gives too much is never above all that it gives: so in a run of
    intervals that hardly give, the ends of the run count, and of each at most what it may have given. One that hardly
    takes can owe no more than it may have taken. Else all its doubt counts. `connected`: it goes on from the one
    before.
    """
    doubt: Column = sides.taken_uncertain + sides.given_uncertain
    most_taken, most_given = sides.taken + sides.taken_uncertain, sides.given + sides.given_uncertain
    takes = (most_given < doubt) & (most_given <= most_taken)
    inner_left = connected & takes & np.append(False, takes[:-1])
    inner_right = np.append(inner_left[1:], False)
    ends: Column = np.where(takes & ~(inner_left & inner_right), doubt, 0)
    each: Column = np.where(takes, most_given, np.minimum(doubt, most_taken))
    made: Column = ends + each
    return made
