"""Intervals in which a register stood, and may have lost what flowed: their doubt stays, by hand; a gap's does not.

Quarters of an hour off-peak; what is read is off by 2 Wh, at its two edges.
"""

from datetime import date

from gateway.account.cells import energy_of_cycles
from gateway.account.energy import EnergyTable
from gateway.account.netting import NettingInterval
from gateway.account.rows import Row, table_of
from gateway.tariff.cycles import Cycle

from .energies import us
from .test_gaps import KWH, QUARTER_US, calendar

READ = ("measured", 1000, 2000)


def table(*rows: tuple[str, int, int]) -> EnergyTable:
    """(quality, import, its doubt) of quarters one after the other from 10:00 on; nothing is given."""
    start_us = us("2026-07-10T10:00")
    return table_of(
        "grid",
        "made",
        [
            Row(start_us + at * QUARTER_US, start_us + (at + 1) * QUARTER_US, quality, taken, 0, off, 0, 0, 0)
            for at, (quality, taken, off) in enumerate(rows)
        ],
    )


def off_milliwh(of: EnergyTable) -> tuple[int, int]:
    """Of the one cell, and of all together."""
    (found,) = energy_of_cycles(of, [Cycle(date(2026, 7, 1), date(2026, 7, 31))], calendar(), NettingInterval.QUARTER)
    (cell,) = found.cells
    return cell.import_uncertain_milliwh, found.import_uncertain_milliwh


def test_what_a_register_that_stood_may_have_lost_stays_in_doubt() -> None:
    """Three quarters booked as nothing, of which each may have had 1 kWh: 3 kWh, and each run beside them two ends."""
    stood = [("estimated", 0, KWH)] * 3
    assert off_milliwh(table(READ, READ, *stood, READ, READ)) == (3 * KWH + 8000, 3 * KWH + 8000)


def test_one_quarter_that_stood_is_no_edge_either() -> None:
    assert off_milliwh(table(READ, READ, ("estimated", 0, KWH), READ, READ)) == (KWH + 8000, KWH + 8000)


def test_a_gap_that_the_register_counted_through_is_off_by_its_ends() -> None:
    """All 2 kWh stand in its first quarter, which tells them twice: when they flowed, and its edge; as after a card."""
    gap = [("estimated", 2 * KWH, 4 * KWH + 3000), ("estimated", 0, 4 * KWH), ("estimated", 0, 2 * KWH + 1000)]
    assert off_milliwh(table(READ, *gap, READ)) == (4000, 4000)
