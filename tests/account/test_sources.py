"""Energy from files and stores: what rows make, how meters add up, and each row that cannot be, told with its place."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.account.energy import EnergyError, EnergyTable, Stretch
from gateway.account.interval_csv import read_intervals
from gateway.account.rows import Row, added, coarse_step_milliwh, followed, table_of
from gateway.account.sources import energy_of
from gateway.account.terms import AccountMeter, EnergyFrom
from gateway.config.types import RegisterOwner, Role

QUARTER_US = 900_000_000
HEAD = "meter,start,end,import_milliwh,export_milliwh"


def row(
    number: int, taken: int | None = 1000, given: int | None = 0, quarters: int = 1, quality: str = "measured"
) -> Row:
    start_us = number * QUARTER_US
    sure = [(None, None, None) if one is None else (one, 0, 0) for one in (taken, given)]
    return Row(start_us, start_us + quarters * QUARTER_US, quality, *sure[0], *sure[1])


def write(folder: Path, *lines: str, head: str = HEAD) -> Path:
    path = folder / "i.csv"
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return path


def stretch(first: int, last: int) -> Stretch:
    return Stretch(first * QUARTER_US, last * QUARTER_US)


def no_store(_meter: AccountMeter) -> tuple[str, Sequence[Row]]:
    raise AssertionError("no store was named")


def test_a_file_of_replay_is_read(tmp_path) -> None:
    path = write(
        tmp_path,
        "grid,2025-01-01T00:00:00Z,2025-01-01T00:15:00Z,250000,7",
        "pv,2025-01-01T00:00:00Z,2025-01-01T00:15:00Z,,9",
    )
    found = read_intervals(path)
    assert found["grid"] == [
        Row(1735689600000000, 1735690500000000, "measured", 250000, 0, 0, 7, 0, 0, 2),
    ]
    assert found["pv"][0].import_milliwh is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("grid,2025-01-01T00:00:00Z,2025-01-01T00:15:00Z,1.5,0", "i.csv:3: import_milliwh '1.5' is no whole number"),
        ("grid,2025-01-01T00:00:00,2025-01-01T00:15:00Z,1,0", "i.csv:3: time '2025-01-01T00:00:00' has no offset"),
        (
            "grid,2025-01-01T00:00:00Z,2025-01-01T00:15:00Z,1000000000000,0",
            "'1000000000000' is no whole number .*twelve",
        ),
        ("grid,soon,2025-01-01T00:15:00Z,1,0", "i.csv:3: 'soon' is no time"),
        ("grid,2025-01-01T00:00:00Z,2025-01-01T00:15:00Z,1", "i.csv:3: does not have 5 fields"),
        ("grid,2025-01-01T00:00:00Z,2025-01-01T00:15:00Z,1,0,0", "i.csv:3: does not have 5 fields"),
    ],
)
def test_a_cell_that_is_nothing_is_told(tmp_path, line: str, said: str) -> None:
    path = write(tmp_path, "grid,2024-12-31T23:45:00Z,2025-01-01T00:00:00Z,1,0", line)
    with pytest.raises(EnergyError, match=said):
        read_intervals(path)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            ["2025-01-01T00:00:00Z,2025-01-01T00:15:00Z,-5,0"],
            "i.csv:2, grid, interval 2025-01-01T00:00:00Z .*negative import energy; what flows the other way",
        ),
        (["2025-01-01T00:15:00Z,2025-01-01T00:00:00Z,5,0"], "i.csv:2.*ends before it begins"),
        (
            ["2025-01-01T00:00:00Z,2025-01-01T00:15:00Z,5,0", "2025-01-01T00:10:00Z,2025-01-01T00:25:00Z,5,0"],
            "i.csv:2.*overlaps the next, or comes after it; give each interval once",
        ),
        (
            ["2025-01-01T00:00:00Z,2025-01-01T00:15:00Z,5,0"] * 2,
            "i.csv:2.*overlaps the next, or comes after it; give each interval once",
        ),
    ],
)
def test_energy_that_cannot_be_is_told_with_its_line(tmp_path, lines: list[str], said: str) -> None:
    path = write(tmp_path, *(f"grid,{one}" for one in lines))
    with pytest.raises(EnergyError, match=said):
        energy_of([AccountMeter(name="grid", source=EnergyFrom.CSV, file="i.csv")], path.parent, no_store)


def test_an_unknown_quality_and_an_unknown_meter_are_told(tmp_path) -> None:
    path = write(
        tmp_path,
        "2025-01-01T00:00:00Z,2025-01-01T00:15:00Z,1,0,guess",
        head="start,end,import_milliwh,export_milliwh,quality",
    )
    with pytest.raises(EnergyError, match='quality "guess" is none of corrected, estimated'):
        read_intervals(path)
    write(tmp_path, "house,2025-01-01T00:00:00Z,2025-01-01T00:15:00Z,1,0")
    with pytest.raises(EnergyError, match="there is no meter grid in it; its meters: house"):
        energy_of([AccountMeter(name="grid", source=EnergyFrom.CSV, file="i.csv")], tmp_path, no_store)


def test_a_model_without_a_meter_column_is_the_only_meters(tmp_path) -> None:
    write(tmp_path, "2025-01-01T00:00:00Z,2025-01-01T00:15:00Z,1,2", head="start,end,import_milliwh,export_milliwh")
    meter = AccountMeter(name="grid", source=EnergyFrom.STORE)
    made = energy_of([meter], tmp_path, no_store, override=tmp_path / "i.csv")
    assert (made.table.flow_import.milliwh.tolist(), made.table.flow_export.milliwh.tolist()) == ([1], [2])


def test_two_one_way_meters_add_up() -> None:
    """The one counts what is taken, the other what is given: together they are the house."""
    taking = table_of("in", "a", [row(0, 100, None), row(1, 200, None)])
    giving = table_of("out", "b", [row(0, None, 7), row(1, None, 9)])
    both = added([taking, giving])
    assert (both.meter, both.source) == ("in + out", "a, b")
    assert both.flow_import.milliwh.tolist() == [100, 200]
    assert both.flow_export.milliwh.tolist() == [7, 9]
    assert both.holes(0, 2 * QUARTER_US) == ()


def test_meters_with_other_intervals_add_up_on_the_edges_they_share() -> None:
    quarters = table_of("a", "a", [row(number, 10 + number) for number in range(4)])
    halves = table_of("b", "b", [row(0, 100, quarters=2), row(2, 200, quarters=2)])
    both = added([quarters, halves])
    assert both.start_us.tolist() == [0, 2 * QUARTER_US]
    assert both.end_us.tolist() == [2 * QUARTER_US, 4 * QUARTER_US]
    assert both.flow_import.milliwh.tolist() == [121, 225]


def test_a_hole_of_one_meter_is_a_hole_of_the_sum() -> None:
    whole = table_of("a", "a", [row(number) for number in range(4)])
    torn = table_of("b", "b", [row(0), row(3)])
    assert added([whole, torn]).holes(0, 4 * QUARTER_US) == (stretch(1, 3),)


def test_a_direction_that_is_missing_for_a_while_is_unknown() -> None:
    torn = table_of("a", "a", [row(0, 1, 2), row(1, 1, None), row(2, 1, 2)])
    assert torn.holes(0, 3 * QUARTER_US) == (stretch(1, 2),)
    never = table_of("a", "a", [row(0, 1, None), row(1, 1, None)])
    assert never.holes(0, 2 * QUARTER_US) == ()


def test_an_interval_in_which_registers_began_anew_is_unknown() -> None:
    torn = table_of("a", "a", [row(0), row(1, quality="incomplete")])
    assert torn.holes(0, 2 * QUARTER_US) == (stretch(1, 2),)
    assert torn.estimated.tolist() == [False, True]


def test_earlier_months_come_before_the_source() -> None:
    earlier, later = [row(0), row(1), row(2)], [row(2, 5), row(3, 5)]
    assert [one.start_us // QUARTER_US for one in followed(earlier, later)] == [0, 1, 2, 3]
    assert [one.import_milliwh for one in followed(earlier, later)] == [1000, 1000, 5, 5]


def test_only_meters_that_face_the_grid_are_billed(tmp_path) -> None:
    start = "2025-01-01T00:00:00Z,2025-01-01T00:15:00Z"
    write(tmp_path, f"grid,{start},5,0", f"production,{start},,900")
    meters = [
        AccountMeter(name="grid", source=EnergyFrom.CSV, file="i.csv", register=RegisterOwner.UTILITY),
        AccountMeter(name="production", role=Role.PRODUCTION, source=EnergyFrom.CSV, file="i.csv"),
    ]
    made = energy_of(meters, tmp_path, no_store)
    assert made.table.flow_export.milliwh.tolist() == [0]
    assert made.notes == ()


@pytest.mark.parametrize(
    ("step", "found"),
    [(1_000_000, 1_000_000), (100_000, 100_000), (10_000, 0), (1, 0)],
    ids=["1 kWh", "0.1", "0.01", "1 mWh"],
)
def test_coarse_registers_are_seen(step: int, found: int) -> None:
    rows = [row(number, step * (number % 7)) for number in range(40)]
    assert coarse_step_milliwh(table_of("a", "a", rows)) == found


def test_coarse_registers_are_said(tmp_path) -> None:
    write(tmp_path, *(f"grid,2025-01-01T0{hour}:00:00Z,2025-01-01T0{hour}:15:00Z,{hour}000000,0" for hour in range(5)))
    made = energy_of([AccountMeter(name="grid", source=EnergyFrom.CSV, file="i.csv")], tmp_path, no_store)
    assert "grid counts in steps of 1 kWh: what is priced by the interval is no finer than that" in made.notes


def test_nothing_in_it_is_told(tmp_path) -> None:
    write(tmp_path)
    with pytest.raises(EnergyError, match="there is no meter grid in it: it has no row"):
        energy_of([AccountMeter(name="grid", source=EnergyFrom.CSV, file="i.csv")], tmp_path, no_store)
    empty: EnergyTable = table_of("grid", "store", [])
    with pytest.raises(EnergyError, match="there is no interval of grid"):
        empty.first_and_last_us()
