"""Years with a hole of days over the end of a month: what the gateway books of it, and what may truly have flowed.

All energy of the hole stands in its first quarter of an hour; every edge within it may be off by all of that. The truth
lays it into its quarters at random. Other energy is one quarter of an hour a month that takes and one that gives.
"""

import random
from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from gateway.account.energy import EnergyTable, Flow

from .doubted import KWH, MONTHS, QUARTER_US, Pair, us


def holed(seed: int, first: date, months: int = MONTHS) -> Pair:
    """A hole about the end of one of the first months, of one to five days."""
    dice = random.Random(seed)
    holed_month, quarters = dice.randrange(4), dice.randrange(120, 480)
    # (start, length, booked taken and given, true taken and given, number of edges within the hole)
    rows: list[tuple[int, int, int, int, int, int, int]] = []
    day, until_us, flowed = first, 0, (0, 0)
    for month in range(months):
        following = (day + timedelta(days=31)).replace(day=1)
        for start_us in (us(day, 0), us(day.replace(day=10), 600), us(day.replace(day=10), 720)):
            taken, given = (dice.randrange(60) * KWH * (start_us == us(day.replace(day=10), at)) for at in (600, 720))
            if start_us >= until_us:
                rows.append((start_us, QUARTER_US, taken, given, taken, given, 0))
        if month == holed_month:
            start_us = us(following - timedelta(days=2), dice.randrange(24) * 60)
            flowed = tuple(dice.choice((0, 5, 40, 90)) * KWH + dice.randrange(KWH) for _ in range(2))
            rows += hole_rows(dice, start_us, quarters, (flowed[0], flowed[1]))
            until_us = start_us + quarters * QUARTER_US + QUARTER_US
        last_us = us(following, 0) - QUARTER_US
        if last_us >= until_us:
            rows.append((last_us, QUARTER_US, 0, 0, 0, 0, 0))
        day = following
    booked = _table(rows, (2, 3), flowed)
    return Pair(booked, _table(rows, (4, 5), (0, 0)))


def hole_rows(
    dice: random.Random, start_us: int, quarters: int, flowed: tuple[int, int]
) -> list[tuple[int, int, int, int, int, int, int]]:
    """A read quarter of an hour on either side, and the hole."""
    true = [_laid(dice, whole, quarters) for whole in flowed]
    rows = [(start_us - QUARTER_US, QUARTER_US, 0, 0, 0, 0, 0)]
    for at in range(quarters):
        booked = flowed if at == 0 else (0, 0)
        edges = 1 if at == quarters - 1 else 2
        rows.append((start_us + at * QUARTER_US, QUARTER_US, *booked, true[0][at], true[1][at], edges))
    return [*rows, (start_us + quarters * QUARTER_US, QUARTER_US, 0, 0, 0, 0, 0)]


def _laid(dice: random.Random, whole: int, quarters: int) -> list[int]:
    made, left = [0] * quarters, whole
    for at in dice.sample(range(quarters), dice.choice((1, 2, quarters // 2))):
        made[at] = dice.choice((left, dice.randrange(left + 1)))
        left -= made[at]
    made[dice.randrange(quarters)] += left
    return made


def _table(
    rows: Sequence[tuple[int, int, int, int, int, int, int]], columns: tuple[int, int], doubt: tuple[int, int]
) -> EnergyTable:
    starts, lengths, edges = (np.array([one[at] for one in rows], dtype=np.int64) for at in (0, 1, 6))
    nothing = np.zeros(len(rows), dtype=np.int64)
    flows = [
        Flow(np.array([one[at] for one in rows], dtype=np.int64), nothing, edges * off)
        for at, off in zip(columns, doubt, strict=True)
    ]
    return EnergyTable("grid", "made", starts, starts + lengths, flows[0], flows[1], edges > 0)
