"""Intervals become cells by block and bucket, netted at the programme's own interval, or are refused by place."""

import random
from datetime import date

import pytest

from gateway.account.cells import Cell, CycleEnergy, energy_of_cycles
from gateway.account.energy import EnergyError, EnergyTable
from gateway.account.netting import NettingInterval
from gateway.tariff.calendar import Calendar
from gateway.tariff.cycles import Cycle
from gateway.tariff.tariff_file import load_tariff

from .energies import table, us


def only(energy: EnergyTable, first: str, last: str, netting: NettingInterval = NettingInterval.QUARTER) -> CycleEnergy:
    cycle = Cycle(date.fromisoformat(first), date.fromisoformat(last))
    (found,) = energy_of_cycles(energy, [cycle], Calendar(load_tariff("pge-e-tou-c")), netting)
    return found


def by_bucket(energy: CycleEnergy) -> dict[tuple[str, str], Cell]:
    return {(one.block.first_day.isoformat(), one.bucket): one for one in energy.cells}


def test_an_hour_that_imports_then_exports_has_another_base_at_15_than_at_60_minutes() -> None:
    """A-1 of the corrections: I=1,X=0 then I=0,X=1 in one hour: 1 kWh of non-bypassable base at 15 min, 0 at 60."""
    energy = table("2026-07-01T10:00", 15, [(1000, 0), (0, 1000), (0, 0), (0, 0)])
    bases = {
        netting: [one.positive_net_milliwh for one in only(energy, "2026-07-01", "2026-07-01", netting).cells]
        for netting in (NettingInterval.QUARTER, NettingInterval.HOUR, NettingInterval.MONTH)
    }
    assert bases == {NettingInterval.QUARTER: [1_000_000], NettingInterval.HOUR: [0], NettingInterval.MONTH: [0]}


def test_without_netting_each_stored_interval_keeps_what_it_metered() -> None:
    energy = table("2026-07-01T10:00", 15, [(700, 200), (100, 400)])
    (cell,) = only(energy, "2026-07-01", "2026-07-01", NettingInterval.NONE).cells
    assert (cell.import_milliwh, cell.export_milliwh, cell.positive_net_milliwh) == (800_000, 600_000, 500_000)


def test_five_minute_intervals_are_summed_to_quarters_before_they_are_netted() -> None:
    energy = table("2026-07-01T10:00", 5, [(90, 0), (0, 40), (0, 30), (0, 50), (10, 0), (10, 0)])
    (cell,) = only(energy, "2026-07-01", "2026-07-01").cells
    assert cell.positive_net_milliwh == 20_000  # 90 - 40 - 30; the second quarter is -30


def test_the_hour_that_comes_twice_is_two_netting_intervals() -> None:
    energy = table("2026-11-01T01:00-07:00", 30, [(500, 0), (500, 0), (0, 400), (0, 400)])
    (cell,) = only(energy, "2026-11-01", "2026-11-01", NettingInterval.HOUR).cells
    assert cell.positive_net_milliwh == 1_000_000


def test_a_cycle_over_the_season_and_both_prices_of_a_day_has_a_cell_for_each() -> None:
    energy = table("2026-09-30T15:00", 60, [(1, 0), (2, 0), *[(0, 0)] * 21, (0, 0), (4, 0), (8, 16)])
    cells = by_bucket(only(energy, "2026-09-30", "2026-10-01", NettingInterval.HOUR))
    assert {key: one.import_milliwh for key, one in cells.items() if one.import_milliwh} == {
        ("2026-09-30", "summer_off_peak"): 1000,
        ("2026-09-30", "summer_peak"): 2000,
        ("2026-10-01", "winter_off_peak"): 4000,
        ("2026-10-01", "winter_peak"): 8000,
    }
    assert cells["2026-10-01", "winter_peak"].net_milliwh == -8000


@pytest.mark.parametrize(
    ("start", "step_min", "netting", "told"),
    [
        ("2026-07-01T10:00", 60, NettingInterval.QUARTER, "does not lie within one 15min netting interval"),
        ("2026-07-01T10:00", 10, NettingInterval.QUARTER, "does not lie within one 15min netting interval"),
        ("2026-07-01T10:10", 15, NettingInterval.QUARTER, "does not lie within one 15min netting interval"),
        ("2026-07-01T15:30", 60, NettingInterval.NONE, "crosses 2026-07-01T23:00:00Z"),
        ("2026-07-01T23:30", 60, NettingInterval.NONE, "crosses 2026-07-02T07:00:00Z"),
    ],
)
def test_an_interval_that_cannot_be_taken_apart_is_refused_with_its_place(
    start: str, step_min: int, netting: NettingInterval, told: str
) -> None:
    with pytest.raises(EnergyError, match=told) as error:
        only(table(start, step_min, [(1, 1)] * 3), "2026-07-01", "2026-07-01", netting)
    assert "made, grid, interval 2026-07-0" in str(error.value)


def test_time_without_an_interval_is_a_hole_of_its_own_and_never_filled() -> None:
    whole = only(table("2026-07-01T00:00", 60, [(1, 0)] * 24), "2026-07-01", "2026-07-01", NettingInterval.HOUR)
    late = only(table("2026-07-01T02:00", 60, [(1, 0)] * 20), "2026-07-01", "2026-07-01", NettingInterval.HOUR)
    assert whole.holes == ()
    assert [(one.start_us, one.end_us) for one in late.holes] == [
        (us("2026-07-01T00:00"), us("2026-07-01T02:00")),
        (us("2026-07-01T22:00"), us("2026-07-02T00:00")),
    ]


@pytest.mark.parametrize("wh", [(-1, 0), (0, -1)])
def test_negative_energy_is_refused(wh: tuple[int, int]) -> None:
    with pytest.raises(EnergyError, match="negative"):
        table("2026-07-01T00:00", 15, [(1, 1), wh])


def test_sums_are_those_of_plain_integers() -> None:
    made = random.Random(11)
    wh = [(made.randrange(4000), made.randrange(3000)) for _ in range(96 * 30)]
    found = only(table("2026-09-20T00:00", 15, wh), "2026-09-20", "2026-10-19")
    assert found.import_milliwh == sum(one[0] for one in wh) * 1000
    assert found.export_milliwh == sum(one[1] for one in wh) * 1000
    assert sum(one.positive_net_milliwh for one in found.cells) == sum(max(0, i - x) for i, x in wh) * 1000
