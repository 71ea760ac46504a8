"""How uncertain the registers booked at many edges are: `gateway.uncertainty` over columns, the same integers.

Every row has the same half window, so the marks around an edge are rows by number: the last that surely ended before
it, the first that surely began after it, and all between, whose windows contain it.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..clock import DRIFT_PPM
from ..clock_steps import STEP_US
from ..kernels.split import INT64_MAX
from ..uncertainty import MICROWATT_HOUR_DIVISOR, most_energy_milliwh

Column = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Around:
    """Edges with the rows around them, and what a mark of these rows is worth."""

    edges_us: Column
    times_us: Column
    before: Column
    """For each edge, the last row whose window ended by then."""
    after: Column
    """For each edge, the first row whose window began then or later."""
    reach_us: int
    """Half a window and the clock's error: how far a mark extends on either side of its row."""
    limit_milliw: int

    def only(self, count: int) -> "Around":
        """The first `count` edges alone."""
        return replace(self, edges_us=self.edges_us[:count], before=self.before[:count], after=self.after[:count])


def marks_around(edges_us: Column, times_us: Column, reach_us: int, limit_milliw: int) -> Around:
    """Find the rows around each edge. Where none is after it, `after` is the number of rows."""
    before = np.searchsorted(times_us, edges_us - reach_us, side="right") - 1
    after = np.searchsorted(times_us, edges_us + reach_us, side="left")
    crossing = np.searchsorted(times_us, edges_us, side="left")
    # A row sharp on the edge is not yet known when the edge is crossed: it is the one after it.
    return Around(edges_us, times_us, np.minimum(before, crossing - 1), after, reach_us, limit_milliw)


def bounds_milliwh(
    around: Around, registers: Column, resolution_milliwh: int, rounding_milliwh: int
) -> tuple[Column, Column]:
    """`edge_bounds` for each edge; both its marks have to exist."""
    edges_us, times_us, reach_us = around.edges_us, around.times_us, around.reach_us
    first, last = registers[around.before], registers[around.after]
    high = first + resolution_milliwh + _most(around, edges_us - times_us[around.before] + reach_us)
    low = np.maximum(0, last - rounding_milliwh - _most(around, times_us[around.after] + reach_us - edges_us))
    for step in range(1, int((around.after - around.before).max(initial=1))):
        rows = around.before + step
        there = rows < around.after
        rows = np.minimum(rows, around.after)
        upper = registers[rows] + resolution_milliwh + _most(around, edges_us - times_us[rows] + reach_us)
        lower = registers[rows] - rounding_milliwh - _most(around, times_us[rows] + reach_us - edges_us)
        high = np.where(there, np.minimum(high, upper), high)
        low = np.where(there, np.maximum(low, lower), low)
    floor, ceiling = first - rounding_milliwh, last + resolution_milliwh
    low, high = np.maximum(low, floor), np.minimum(high, ceiling)
    apart = low > high
    return np.where(apart, floor, low), np.where(apart, ceiling, high)


def most_in_intervals_milliwh(around: Around, milliwh: Column, lengths_us: Column) -> Column:
    """`swing.most_in_interval_milliwh` for each edge and the interval that it ends."""
    unread_us = around.times_us[around.after] - around.times_us[around.before] + 2 * around.reach_us
    durations_us = lengths_us + 2 * STEP_US + unread_us * DRIFT_PPM // 1_000_000
    if around.limit_milliw * int(durations_us.max(initial=0)) > INT64_MAX:  # an hour of two and a half gigawatts
        carried = np.array([most_energy_milliwh(around.limit_milliw, one) for one in durations_us.tolist()], np.int64)
    else:
        carried = _most(around, durations_us)
    most: Column = np.maximum(milliwh, carried - milliwh)
    return most


def measured(around: Around, tolerance_us: int) -> Flags:
    """Whether some row around each edge lies, with all its window, within the tolerance of it."""
    found: Flags = np.zeros(len(around.edges_us), dtype=np.bool_)
    for step in range(int((around.after - around.before).max(initial=-1)) + 1):
        rows = np.minimum(around.before + step, around.after)
        since_us = around.edges_us - around.times_us[rows] + around.reach_us
        until_us = around.times_us[rows] + around.reach_us - around.edges_us
        found |= (since_us <= tolerance_us) & (until_us <= tolerance_us)
    return found


def _most(around: Around, durations_us: Column) -> Column:
    """`most_energy_milliwh`; the caller has seen to it that the products fit."""
    product: Column = around.limit_milliw * np.maximum(durations_us, 0)
    return -(-product // MICROWATT_HOUR_DIVISOR)
