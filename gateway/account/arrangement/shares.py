"""Integers shared out to the last one: by largest remainder, equally up to a need, and over rows by what is left.

What is shared out always adds up to what there was. Ties go by the order in which the sharers are listed. No floating
point, no time, no meters. (net-metering-corrections A-11, A-13, F.1)
"""

from collections.abc import Sequence

import numpy as np

from ..energy import Column

_INT64 = 2**63 - 1


def largest_remainder(whole: int, weights: Sequence[int]) -> list[int]:
    """`whole` in parts as `weights` are to each other. Raises ValueError where no weight is above zero."""
    total = sum(weights)
    if whole < 0 or total <= 0 or min(weights) < 0:
        raise ValueError(f"{whole} cannot be shared by weights {list(weights)[:8]}")
    parts = [whole * one // total for one in weights]
    order = sorted(range(len(parts)), key=lambda at: -(whole * weights[at] % total))
    for at in order[: whole - sum(parts)]:
        parts[at] += 1
    return parts


def largest_remainder_rows(wholes: Column, weights: Sequence[int]) -> Column:
    """The same for each of many wholes at once: a row each, a column a sharer."""
    total = sum(weights)
    if total <= 0 or min(weights) < 0 or (len(wholes) and int(wholes.min()) < 0):
        raise ValueError(f"rows cannot be shared by weights {list(weights)[:8]}")
    if len(wholes) and int(wholes.max()) > _INT64 // total:
        rows = [largest_remainder(whole, weights) for whole in wholes.tolist()]
        return np.array(rows, dtype=np.int64)
    products = wholes[:, None] * np.array(weights, dtype=np.int64)[None, :]
    parts: Column = products // total
    missing = wholes - parts.sum(axis=1)
    # The rank of each sharer's remainder within its row; a stable sort leaves ties in the listed order.
    order = np.argsort(-(products % total), axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(len(weights), dtype=order.dtype)[None, :], axis=1)
    whole_parts: Column = parts + (ranks < missing[:, None])
    return whole_parts


def equally_up_to(whole: int, needs: Sequence[int]) -> list[int]:
    """Equal parts, none above its need; what one leaves is divided equally again. Less than `whole` if needs end."""
    parts = [0] * len(needs)
    left = whole
    while left > 0:
        wanting = [at for at, need in enumerate(needs) if parts[at] < need]
        each = left // len(wanting) if wanting else 0
        if not each:
            # Fewer units than sharers: one each, by the listed order.
            for at in wanting[:left]:
                parts[at] += 1
            break
        for at in wanting:
            given = min(needs[at] - parts[at], each)
            parts[at] += given
            left -= given
    return parts


def over_rows(wholes: Sequence[int], parts: Sequence[int]) -> list[list[int]]:
    """Parts laid over rows as the rows are large: a list for each row, a number for each sharer.

    Each row adds up to its whole and each sharer to its part, which must come to the same sum. Row after row goes by
    what every sharer has still to get, so that nobody gets below zero. Raises ValueError where the sums differ.
    """
    if sum(wholes) != sum(parts):
        raise ValueError(f"{sum(parts)} cannot be laid over rows of {sum(wholes)}")
    left = list(parts)
    laid: list[list[int]] = []
    for whole in wholes:
        row = largest_remainder(whole, left) if whole else [0] * len(left)
        left = [had - given for had, given in zip(left, row, strict=True)]
        laid.append(row)
    return laid
