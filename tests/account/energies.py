"""Energy tables for the account's tests, made without anything that the account reckons with."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from gateway.account.energy import EnergyTable, Flow

PACIFIC = ZoneInfo("America/Los_Angeles")
HOUR_US = 3_600_000_000


def us(text: str) -> int:
    """A wall time in California, UTC microseconds; with an offset where the hour comes twice."""
    one = datetime.fromisoformat(text)
    return round((one if one.tzinfo else one.replace(tzinfo=PACIFIC)).timestamp()) * 1_000_000


def table(start: str, step_min: int, wh: Sequence[tuple[int, int]], uncertain_milliwh: int = 0) -> EnergyTable:
    """Steps one after the other from `start`, each with its (import, export) watt-hours."""
    first_us, step_us = us(start), step_min * 60_000_000
    starts = np.array([first_us + step_us * at for at in range(len(wh))], dtype=np.int64)
    doubt = np.full(len(wh), uncertain_milliwh, dtype=np.int64)
    nothing = np.zeros(len(wh), dtype=np.int64)

    def flow(side: int) -> Flow:
        return Flow(np.array([one[side] * 1000 for one in wh], dtype=np.int64), nothing, doubt)

    return EnergyTable("grid", "made", starts, starts + step_us, flow(0), flow(1), np.zeros(len(wh), dtype=bool))
