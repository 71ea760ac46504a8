"""The truth file holds every house second once, however often the meter was killed."""

from pathlib import Path

import pytest

from hil.counters import Opening
from hil.household import Feed, Household
from hil.truth import HEADER, TruthFile

START_S = 1_752_619_800
HOUSE = Household(3)
OPENING = Opening(3_600_000, 7_200_000)  # 1000 and 2000 mWh


def write(path: Path, house_us: int) -> None:
    with TruthFile(path, HOUSE, Feed.GRID, START_S, OPENING) as truth:
        truth.write_until(house_us)


def test_a_row_a_second_up_to_the_present(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", START_S * 1_000_000 + 2_999_999)
    lines = (tmp_path / "t.csv").read_text().splitlines()
    assert lines[0] == HEADER
    assert [line.split(",")[0] for line in lines[1:]] == [str(START_S + i) for i in range(3)]
    assert lines[1] == f"{START_S},1000,2000,{HOUSE.load_milliw(START_S)},{HOUSE.pv_milliw(START_S)}"


def test_rows_are_the_integral_of_their_own_powers(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", (START_S + 400) * 1_000_000)
    rows = [list(map(int, line.split(","))) for line in (tmp_path / "t.csv").read_text().splitlines()[1:]]
    assert len(rows) == 401
    imported = exported = 0
    for _second, import_milliwh, export_milliwh, load, pv in rows:
        assert (import_milliwh, export_milliwh) == (1000 + imported // 3600, 2000 + exported // 3600)
        imported += max(load - pv, 0)
        exported += max(pv - load, 0)
    assert imported > 3600
    assert exported > 3600


@pytest.mark.parametrize("kept", [0, 10, len(HEADER) + 1, len(HEADER) + 20, -7, -1])
def test_a_killed_meter_goes_on_without_a_gap_or_a_double(tmp_path: Path, kept: int) -> None:
    """The file is cut at several places: nothing, in the header, after it, in a row, before the last line end."""
    write(tmp_path / "whole.csv", (START_S + 30) * 1_000_000)
    write(tmp_path / "cut.csv", (START_S + 20) * 1_000_000)
    text = (tmp_path / "cut.csv").read_bytes()
    (tmp_path / "cut.csv").write_bytes(text[:kept])
    write(tmp_path / "cut.csv", (START_S + 30) * 1_000_000)
    assert (tmp_path / "cut.csv").read_text() == (tmp_path / "whole.csv").read_text()
