"""What the store says was read and booked, in the oracle's own terms: nothing of `gateway` or `drivers` is imported."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from hil.house import House
from tests.oracle.account import DIRECTIONS, Account, Kept
from tests.oracle.truth import Poll, Register

# A 100 A service at 240 V and a 50 A one, each with a quarter more. The SunSpec meter shows whole Wh; the SDM630
# 0.01 kWh in a float32, whose step below 65,536 kWh is 1/256 kWh.
METERS = {
    "grid": ("grid", Register(1_000, 0, 1_000, 0, 30_000_000)),
    "array": ("production", Register(12_000, 2_000, 14_000, 2_000, 15_000_000)),
}
_ROWS = (
    "SELECT earliest_us, latest_us, monotonic_us, import_milliwh, export_milliwh FROM reading JOIN meter USING"
    " (meter_id) WHERE name = ? AND decision IN"
    " ('quarantined: first_reading', 'newepoch: first_reading', 'accepted') ORDER BY reading_id"
)


def kept_readings(house: House, meter: str) -> list[Kept]:
    """The readings that were booked, the first of all with them.

    When they truly were is told by the machine's monotonic time, which is the house's in every boot that is played.
    """
    anchor = house.anchor
    kept = []
    with closing(sqlite3.connect(house.store)) as store:
        for earliest_us, latest_us, monotonic_us, imported, exported in store.execute(_ROWS, (meter,)):
            true_us = anchor.start_utc_us + monotonic_us - anchor.anchor_monotonic_us * anchor.speed
            true = Poll(true_us - (latest_us - earliest_us), true_us)
            kept.append(Kept(Poll(earliest_us, latest_us), true, {"import": imported, "export": exported}))
    return kept


def account_of(intervals: Sequence[Mapping[str, Any]], state: Mapping[str, Any]) -> Account:
    """An account from the messages that the broker handed out."""
    buckets, uncertain = {}, {}
    for key, value in state.items():
        for direction in DIRECTIONS:
            prefix = f"{direction}_bucket_"
            if key.startswith(prefix):
                name = key.removeprefix(prefix).removesuffix("_milliwh")
                buckets[direction, name] = value
                uncertain[direction, name] = state[f"{direction}_uncertain_{name}_milliwh"]
    return Account(intervals, buckets, uncertain)
