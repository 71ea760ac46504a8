"""Streams of one meter in unlike steps, such as quarters beside hours and days: each time is told once, by the finest.

An hour serves where no quarter is there. What is longer than an hour serves only where nothing finer is in the feed: it
may lie over an edge between prices, and a hole that is told is less than a bill that is none.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import accumulate

from .espi import Reading, Stream

HOUR_S = 3600


class _Covered:
    """Time that readings lie in."""

    def __init__(self, readings: Iterable[Reading]) -> None:
        spans = sorted((one.start_s, one.start_s + one.duration_s) for one in readings)
        self._starts_s = [start_s for start_s, _ in spans]
        self._reach_s = list(accumulate((end_s for _, end_s in spans), max))

    def meets(self, one: Reading) -> bool:
        at = bisect_left(self._starts_s, one.start_s + one.duration_s)
        return at > 0 and self._reach_s[at - 1] > one.start_s


def finest(delivered: Sequence[Stream], received: Sequence[Stream]) -> tuple[list[Stream], list[Stream]]:
    """Both directions without what a finer stream of the same one covers, and with no step over the other's finer one.

    The second is only where the direction itself has a finer stream: an interval of it that is missing stays missing.
    """
    return _kept(delivered, received), _kept(received, delivered)


def _kept(own: Sequence[Stream], other: Sequence[Stream]) -> list[Stream]:
    steps_s = sorted({_step_s(one) for one in own})
    kept: list[Stream] = []
    for step_s in steps_s:
        same = [one for one in own if _step_s(one) == step_s]
        if step_s == steps_s[0]:
            kept += same
        elif step_s <= HOUR_S:
            finer = [one for one in (*own, *other) if _step_s(one) < step_s]
            covered = _Covered(each for one in finer for each in one.readings)
            left = [
                replace(one, readings=tuple(each for each in one.readings if not covered.meets(each))) for one in same
            ]
            kept += [one for one in left if one.readings]
    return kept


def _step_s(stream: Stream) -> int:
    """The length of most of its intervals; a day has 23, 24 or 25 hours, and the first one may be cut."""
    lengths_s = sorted(one.duration_s for one in stream.readings)
    return lengths_s[len(lengths_s) // 2]
