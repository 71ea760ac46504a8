"""The accumulator kernel: one source, compiled by numba or run as it stands. int64 in, int64 out.

It splits the growth of a cumulative register over calendar edges. It never allocates, raises, prints or
branches on units. Inside one segment the energy is last minus first; an edge between two readings is
reached by linear interpolation, floored, so the remainder goes to the later segment and the sum is exact.
All values must fit int64; what does not is a status code, never a wrap.
"""

from array import array
from typing import TypeAlias

Int64s: TypeAlias = "array[int]"
"""What the twin is given; compiled, it is the address of the first item."""

OK = 0
NOT_IN_ORDER = 1
"""Times are not strictly increasing, or the table starts after the first reading."""
WENT_BACKWARDS = 2
"""A register is below zero or smaller than the one before."""
OVERFLOW = 3
"""A total would pass int64, or two readings lie 2**62 microseconds or more apart."""
EDGES_NOT_IN_ORDER = 4
"""The calendar's edges are not strictly increasing."""
NO_SUCH_BUCKET = 5
"""A bucket id is below zero or not below the number of buckets."""

INT64_MAX = 9_223_372_036_854_775_807
LONGEST_STEP_US = 4_611_686_018_427_387_903
SMALL_FACTOR = 2_147_483_647  # 2 MWh a step
LARGE_FACTOR = 4_294_967_295  # 71 minutes; times SMALL_FACTOR it is below 2**63


def muldiv(a: int, b: int, c: int) -> int:
    """floor(a * b / c) for 0 <= a < 2**63, 0 <= b <= c < 2**62, c > 0, without a wider integer type.

    Where the product fits int64 it is simply divided; else schoolbook: a's bits from the top, quotient and remainder
    doubled at each.
    """
    if a <= SMALL_FACTOR and b <= LARGE_FACTOR:
        return a * b // c
    quotient = 0
    remainder = 0
    for bit in range(62, -1, -1):
        quotient *= 2
        remainder *= 2
        if remainder >= c:
            remainder -= c
            quotient += 1
        if (a >> bit) & 1:
            remainder += b
            if remainder >= c:
                remainder -= c
                quotient += 1
    return quotient


def add_growth(totals: Int64s, bucket: int, growth: int) -> int:
    """Add growth, which is not negative, to a bucket's total. Returns OK, or OVERFLOW and leaves the total alone."""
    if totals[bucket] > INT64_MAX - growth:
        return OVERFLOW
    totals[bucket] += growth
    return OK


def split_series(
    times_us: Int64s,
    registers: Int64s,
    n: int,
    edges_us: Int64s,
    bucket_ids: Int64s,
    n_edges: int,
    totals: Int64s,
    edge_registers: Int64s,
) -> int:
    """Book a series of readings of one register into buckets.

    times_us[n], registers[n]: strictly increasing instants, never-falling registers (milliwatt-hours).
    edges_us[n_edges], bucket_ids[n_edges]: bucket_ids[i] holds from edges_us[i] on; edges_us[0] <= times_us[0].
    totals[bucket] is added to. edge_registers[i] is set to the register booked at edges_us[i], for every edge in
    (times_us[0], times_us[n - 1]]; others are left alone. Returns a status code; totals are unfinished unless OK.
    """
    if n < 1 or n_edges < 1 or edges_us[0] > times_us[0] or registers[0] < 0:
        return WENT_BACKWARDS if n >= 1 and registers[0] < 0 else NOT_IN_ORDER
    segment = 0
    while segment + 1 < n_edges and edges_us[segment + 1] <= times_us[0]:
        segment += 1
    booked = registers[0]
    for i in range(1, n):
        t0 = times_us[i - 1]
        t1 = times_us[i]
        r0 = registers[i - 1]
        r1 = registers[i]
        if t1 <= t0:
            return NOT_IN_ORDER
        if r1 < r0:
            return WENT_BACKWARDS
        while segment + 1 < n_edges and edges_us[segment + 1] <= t1:
            edge = edges_us[segment + 1]
            if edge <= edges_us[segment]:
                return EDGES_NOT_IN_ORDER
            # t1 - t0 may itself wrap at the extremes: t0 is negative then, and the sum of the parts tells.
            if t0 < 0 and t1 > LONGEST_STEP_US + t0:
                return OVERFLOW
            if t1 - t0 > LONGEST_STEP_US:
                return OVERFLOW
            at_edge = r0 + muldiv(r1 - r0, edge - t0, t1 - t0)
            if add_growth(totals, bucket_ids[segment], at_edge - booked) != OK:
                return OVERFLOW
            edge_registers[segment + 1] = at_edge
            booked = at_edge
            segment += 1
        if add_growth(totals, bucket_ids[segment], r1 - booked) != OK:
            return OVERFLOW
        booked = r1
    return OK
