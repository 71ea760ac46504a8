"""A gap over an edge of a price: what each side may have of it, by hand; and that it holds whatever truly flowed.

An interval in a gap is told no more uncertain than its own time carries, here 5 kWh: so its two ends say too little of
many of them together, and adding them all says too much.
"""

import random
import tempfile
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gateway.account.cells import CycleEnergy, energy_of_cycles
from gateway.account.energy import EnergyTable, Flow
from gateway.account.netting import NettingInterval
from gateway.tariff.calendar import Calendar
from gateway.tariff.cycles import Cycle
from gateway.tariff.tariff_file import load_tariff

from ..pipeline.world import tries
from .energies import us
from .simple_tariff import simple_tariff

QUARTER_US = 900_000_000
KWH = 1_000_000
CARRIES = 5 * KWH
"""What a quarter of an hour carries at the most."""


def gap_table(taken: list[int], given: list[int], edge_milliwh: int = 0) -> EnergyTable:
    """A read quarter, a gap from 12:15 of 10 July on, a read quarter; energy of the gap as it was booked."""
    count = len(taken)
    starts = us("2026-07-10T12:00") + QUARTER_US * np.arange(count + 2, dtype=np.int64)
    estimated = np.array([False, *[True] * count, False])
    flows = [_flow(one, edge_milliwh) for one in (taken, given)]
    return EnergyTable("grid", "made", starts, starts + QUARTER_US, flows[0], flows[1], estimated)


def _flow(booked: list[int], edge_milliwh: int) -> Flow:
    nothing = np.zeros(len(booked) + 2, dtype=np.int64)
    doubts = [min(sum(booked), max(CARRIES - one, one)) for one in booked]
    return Flow(
        np.array([0, *booked, 0], dtype=np.int64),
        nothing,
        np.array([edge_milliwh, *doubts, edge_milliwh], dtype=np.int64),
    )


@cache
def calendar() -> Calendar:
    with tempfile.TemporaryDirectory() as name:
        return Calendar(load_tariff(simple_tariff(Path(name))))


def july(table: EnergyTable) -> CycleEnergy:
    cycle = Cycle(date(2026, 7, 1), date(2026, 7, 31))
    (found,) = energy_of_cycles(table, [cycle], calendar(), NettingInterval.QUARTER)
    return found


def test_a_part_of_a_gap_has_at_most_all_that_flowed_in_it() -> None:
    """32 quarters from 12:15 to 20:15 of 1 kWh each: 15 off-peak and 17 of peak, which begins at 16:00. Off-peak may
    have had none or all: 15 booked, of 32; so may peak. The sum is sure."""
    energy = july(gap_table([KWH] * 32, [0] * 32))
    by_bucket = {cell.bucket: cell for cell in energy.cells}
    peak, rest = by_bucket["summer_peak"], by_bucket["summer_off_peak"]
    assert (rest.import_milliwh, rest.import_uncertain_milliwh) == (15 * KWH, 17 * KWH)
    assert (peak.import_milliwh, peak.import_uncertain_milliwh) == (17 * KWH, 17 * KWH)
    assert energy.uncertain_milliwh == 0


def test_what_a_gap_takes_net_is_no_more_than_it_takes() -> None:
    """Each quarter of 1 kWh in and 1 kWh out may have been any of them: but no bucket took more than all 32."""
    for cell in july(gap_table([KWH] * 32, [KWH] * 32)).cells:
        assert cell.positive_net_milliwh == 0
        assert cell.positive_net_uncertain_milliwh <= 32 * KWH


def test_a_gap_within_one_price_is_off_by_its_two_ends() -> None:
    """Fourteen quarters to 15:45; the read quarters beside them are off by 2 Wh each, at their own two edges."""
    energy = july(gap_table([KWH] * 14, [0] * 14, edge_milliwh=2000))
    assert [cell.import_uncertain_milliwh for cell in energy.cells] == [4000]


@tries(60)
@given(st.integers(0, 2**32), st.integers(2, 60), st.integers(0, 6), st.booleans())
def test_whatever_flowed_is_within_what_is_told(seed: int, count: int, most_kwh: int, lumps: bool) -> None:
    """Registers are read exactly on both sides; in between anything may have flowed that a quarter carries."""
    dice = random.Random(seed)
    true = [
        [dice.choice((0, CARRIES)) if lumps else dice.randrange(min(CARRIES, most_kwh * KWH) + 1) for _ in range(count)]
        for _ in range(2)
    ]
    booked = [even(sum(one), count) for one in true]
    told, real = july(gap_table(*booked)), july(gap_table(*true))
    for one, other in zip(told.cells, real.cells, strict=True):
        assert abs(one.import_milliwh - other.import_milliwh) <= one.import_uncertain_milliwh
        assert abs(one.export_milliwh - other.export_milliwh) <= one.export_uncertain_milliwh
        assert abs(one.positive_net_milliwh - other.positive_net_milliwh) <= one.positive_net_uncertain_milliwh


def even(total: int, count: int) -> list[int]:
    return [total * (at + 1) // count - total * at // count for at in range(count)]
