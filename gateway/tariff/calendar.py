"""A tariff as a compiled calendar: sorted UTC edges with the bucket that holds from each.

Bucket 0 is always `unassigned`: hours that no rule covers, and energy whose hour is not known.
"""

from array import array
from dataclasses import dataclass

UNASSIGNED = 0
UNASSIGNED_NAME = "unassigned"


@dataclass(frozen=True, slots=True)
class EdgeTable:
    """A stretch of compiled calendar.

    `bucket_ids[i]` holds from `edges_us[i]` (inclusive) to `edges_us[i + 1]` (exclusive), the last one to
    `end_us`. `edges_us[0]` is the start asked for, which need not be a true edge. UTC microseconds, int64.
    """

    edges_us: "array[int]"
    bucket_ids: "array[int]"
    end_us: int
