"""The split of a register's growth over edges, reading by reading, in exact fractions.

The register at an edge is the straight line between the readings around it, cut to the whole milliwatt-hour; so
what is left over goes to the later part. Imports nothing of the program under test.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise


def register_on_line(t0: int, r0: int, t1: int, r1: int, at: int) -> int:
    """floor(r0 + (r1 - r0) * (at - t0) / (t1 - t0))"""
    exact = r0 + Fraction(r1 - r0) * Fraction(at - t0, t1 - t0)
    return exact.numerator // exact.denominator


def split(
    readings: Sequence[tuple[int, int]], first_bucket: int, edges: Sequence[tuple[int, int]]
) -> tuple[dict[int, int], dict[int, int]]:
    """(energy per bucket, register at each edge) of readings (instant, register) over edges (instant, bucket from it).

    `first_bucket` holds before the first edge. Edges before or at the first reading only choose the bucket.
    """
    totals: dict[int, int] = {}
    at_edges: dict[int, int] = {}
    bucket = first_bucket
    for at, later in edges:
        if at <= readings[0][0]:
            bucket = later
    for (t0, r0), (t1, r1) in pairwise(readings):
        booked = r0
        for at, later in edges:
            if t0 < at <= t1:
                at_edges[at] = register_on_line(t0, r0, t1, r1, at)
                totals[bucket] = totals.get(bucket, 0) + at_edges[at] - booked
                booked, bucket = at_edges[at], later
        totals[bucket] = totals.get(bucket, 0) + r1 - booked
    return totals, at_edges
