"""The accumulator over years of rows: one source, compiled by numba or run as it stands. int64 in, int64 out.

A register is cumulative, so inside one segment of the calendar the energy is last minus first: rows are read once,
in blocks that fit a cache, only to prove that time rises and no register falls. A block that fails is searched row
by row for the first that breaks the rule; all before it is booked, and the caller decides what that row is.
Never allocates, raises, prints or branches on units; what does not fit int64 is a status code, never a wrap.
Edge for edge and bit for bit the same split as `split.split_series`.
"""

from .split import (
    EDGES_NOT_IN_ORDER,
    LONGEST_STEP_US,
    NO_SUCH_BUCKET,
    NOT_IN_ORDER,
    OK,
    OVERFLOW,
    WENT_BACKWARDS,
    Int64s,
    add_growth,
    muldiv,
)

BLOCK_ROWS = 4096  # three columns of it are 96 KiB: they stay in a second-level cache until their edges are looked for
STRIDE_ROWS = 64
AHEAD_ROWS = 256  # memory is asked for so far ahead: proving alone would wait for it (measured: docs/benchmarks.md)
LINE_ROWS = 8  # 64 bytes, the line of a cache


def prefetch(_column: Int64s, _row: int) -> None:
    """A hint to the processor that a row is needed soon; it may lie beyond the column. Changes no result."""


def rows_break_order(time_us: Int64s, import_milliwh: Int64s, export_milliwh: Int64s, first: int, last: int) -> int:
    """1 if any row in (first, last] is not later than the one before it, or counts less; else 0. No branch inside."""
    broken = 0
    for row in range(first + 1, last + 1):
        broken |= (
            (time_us[row] <= time_us[row - 1])
            | (import_milliwh[row] < import_milliwh[row - 1])
            | (export_milliwh[row] < export_milliwh[row - 1])
        )
    return broken


def block_breaks_order(time_us: Int64s, import_milliwh: Int64s, export_milliwh: Int64s, first: int, last: int) -> int:
    """As `rows_break_order`, at the speed of memory."""
    broken = 0
    while first < last:
        end = min(first + STRIDE_ROWS, last)
        for row in range(first + AHEAD_ROWS, end + AHEAD_ROWS, LINE_ROWS):
            prefetch(time_us, row)
            prefetch(import_milliwh, row)
            prefetch(export_milliwh, row)
        broken |= rows_break_order(time_us, import_milliwh, export_milliwh, first, end)
        first = end
    return broken


def row_before(times_us: Int64s, instant_us: int, low: int, high: int) -> int:
    """The last row in [low, high) that lies before the instant, given that `low` does and times rise."""
    while high - low > 1:
        middle = low + (high - low) // 2
        if times_us[middle] < instant_us:
            low = middle
        else:
            high = middle
    return low


def booked_before(registers: Int64s, segment: int, at_edges: Int64s) -> int:
    """The register up to which is booked: that at the segment's own edge, or the first of all."""
    return at_edges[segment] if at_edges[segment] >= 0 else registers[0]


def cross_edges(
    time_us: Int64s,
    registers: Int64s,
    row: int,
    last: int,
    edges_us: Int64s,
    bucket_ids: Int64s,
    n_edges: int,
    bucket_count: int,
    segment: int,
    totals: Int64s,
    at_edges: Int64s,
    edge_rows: Int64s,
) -> int:
    """Book one register at every edge in (time of `row`, time of `last`], between which rows are in order.

    Returns the segment that holds after the last of them, or a status code, made negative.
    """
    while segment + 1 < n_edges and edges_us[segment + 1] <= time_us[last]:
        edge = edges_us[segment + 1]
        if edge <= edges_us[segment]:
            return -EDGES_NOT_IN_ORDER
        known = edge_rows[segment + 1]  # by the other register
        row = known - 1 if known > 0 else row_before(time_us, edge, row, last)
        t0 = time_us[row]
        t1 = time_us[row + 1]
        # t1 - t0 may itself wrap at the extremes: t0 is negative then, and the sum of the parts tells.
        if t0 < 0 and t1 > LONGEST_STEP_US + t0:
            return -OVERFLOW
        if t1 - t0 > LONGEST_STEP_US:
            return -OVERFLOW
        if bucket_ids[segment] < 0 or bucket_ids[segment] >= bucket_count:
            return -NO_SUCH_BUCKET
        at_edge = registers[row] + muldiv(registers[row + 1] - registers[row], edge - t0, t1 - t0)
        if add_growth(totals, bucket_ids[segment], at_edge - booked_before(registers, segment, at_edges)) != OK:
            return -OVERFLOW
        segment += 1
        at_edges[segment] = at_edge
        edge_rows[segment] = row + 1
    return segment


def accumulate_rows(
    time_us: Int64s,
    import_milliwh: Int64s,
    export_milliwh: Int64s,
    n: int,
    edges_us: Int64s,
    bucket_ids: Int64s,
    n_edges: int,
    bucket_count: int,
    import_totals: Int64s,
    export_totals: Int64s,
    import_at_edges: Int64s,
    export_at_edges: Int64s,
    edge_rows: Int64s,
    rows_booked: Int64s,
) -> int:
    """Book rows of two registers into buckets until the end, or until the first row that breaks the order.

    time_us[n], import_milliwh[n], export_milliwh[n]: cumulative registers of one meter at strictly rising instants.
    edges_us[n_edges], bucket_ids[n_edges]: bucket_ids[i] holds from edges_us[i] on; edges_us[0] <= time_us[0].
    import_totals[bucket_count], export_totals[bucket_count] are added to.
    For every edge in (time_us[0], last booked row's time] import_at_edges[i] and export_at_edges[i] are set to the
    register booked there, edge_rows[i] to the first row at or after it; all three must be preset to -1.
    rows_booked[0] is set to how many rows are booked: the index of the row that broke the order, or n.

    Returns OK; NOT_IN_ORDER or WENT_BACKWARDS for that row, all before it being booked (in a row that breaks both,
    time speaks first); OVERFLOW, EDGES_NOT_IN_ORDER or NO_SUCH_BUCKET, after which nothing written may be used.
    """
    rows_booked[0] = 0
    if n < 1 or n_edges < 1 or edges_us[0] > time_us[0]:
        return NOT_IN_ORDER
    if import_milliwh[0] < 0 or export_milliwh[0] < 0:
        return WENT_BACKWARDS
    segment = row_before(edges_us, time_us[0], 0, n_edges)
    if segment + 1 < n_edges and edges_us[segment + 1] <= time_us[0]:
        segment += 1
    status = OK
    last = 0
    while last < n - 1 and status == OK:
        row = last
        last = min(row + BLOCK_ROWS, n - 1)
        if block_breaks_order(time_us, import_milliwh, export_milliwh, row, last) != 0:
            last = row
            while rows_break_order(time_us, import_milliwh, export_milliwh, last, last + 1) == 0:
                last += 1
            status = NOT_IN_ORDER if time_us[last + 1] <= time_us[last] else WENT_BACKWARDS
        before = (row, last, edges_us, bucket_ids, n_edges, bucket_count, segment)
        segment = cross_edges(time_us, import_milliwh, *before, import_totals, import_at_edges, edge_rows)
        if segment >= 0:
            segment = cross_edges(time_us, export_milliwh, *before, export_totals, export_at_edges, edge_rows)
        if segment < 0:
            return -segment
    bucket = bucket_ids[segment]
    if bucket < 0 or bucket >= bucket_count:
        return NO_SUCH_BUCKET
    imported = import_milliwh[last] - booked_before(import_milliwh, segment, import_at_edges)
    exported = export_milliwh[last] - booked_before(export_milliwh, segment, export_at_edges)
    if add_growth(import_totals, bucket, imported) != OK or add_growth(export_totals, bucket, exported) != OK:
        return OVERFLOW
    rows_booked[0] = last + 1
    return status
