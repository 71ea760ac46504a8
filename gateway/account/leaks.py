"""Estimated intervals of which more is in doubt than their edges can make: energy that no register may have.

Between two edges that were read a stretch holds what the registers grew, and each of its rows is off by two edges at
the most, each by no more than all of that. A register that stood still (`frozen`) may have lost what flowed: what its
rows tell no neighbour makes good. Such rows count alone. (docs/accounting.md)
"""

import numpy as np

from .energy import Column, Flags, Flow


def leaking(start_us: Column, end_us: Column, estimated: Flags, flows: tuple[Flow, ...]) -> Flags | None:
    """Which rows do; None where none does."""
    if not estimated.any():
        return None
    goes_on = estimated[1:] & estimated[:-1] & (start_us[1:] == end_us[:-1])
    firsts = np.flatnonzero(estimated & ~np.append(False, goes_on))
    lasts = np.flatnonzero(estimated & ~np.append(goes_on, False))
    touches = np.append(np.append(False, start_us[1:] == end_us[:-1]), False)
    found = np.zeros(len(estimated), dtype=bool)
    for flow in flows:
        if not flow.uncertain_milliwh.any():
            continue
        doubts, flowed = np.pad(flow.uncertain_milliwh, 1), np.append(0, np.cumsum(flow.milliwh))
        # A stretch without a neighbour has its own doubt at that end.
        before = np.where(touches[firsts], doubts[firsts], doubts[firsts + 1])
        after = np.where(touches[lasts + 1], doubts[lasts + 2], doubts[lasts + 1])
        most = 2 * (flowed[lasts + 1] - flowed[firsts] + before + after)
        for first, last, limit in zip(firsts.tolist(), lasts.tolist(), most.tolist(), strict=True):
            if flow.uncertain_milliwh[first : last + 1].max() > limit:
                found[first : last + 1] = True
    return found if found.any() else None
