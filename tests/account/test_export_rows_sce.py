"""SCE's table of export credits as it is downloaded is read without a change, and refused with its line."""

import csv
import os
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.account.export_table import ExportTableError, read_export_table

from .energies import table
from .net_billing import HEADER, account_text, amounts, bills

SAMPLE = (
    Path(os.environ.get("NETMETER_TARIFFS", Path(__file__).parents[2].parent / "shared/data/tariffs"))
    / "nbt_export/SCE_EEC_example.csv"
)
HEAD = (
    "Price Effective Date,Month,Hour,Delivery - Weekday EEC,Delivery - Weekend/Holiday EEC,"
    "SCE Gen - Weekday EEC,SCE Gen - Weekend/Holiday EEC"
)
OF_SCE = HEADER.replace('"pge"', '"sce"').replace("pge-nbt-export", "none").replace("next_hour", "same_hour")


def written(folder: Path, years: tuple[int, ...] = (2026,), *changes: tuple[str, str]) -> Path:
    """Prices that say where they stand: 0.0MMHH, then 0.1MMHH to 0.3MMHH. A blank row ends each year."""
    lines = [HEAD]
    for year in years:
        for month in range(1, 13):
            for hour in range(1, 25):
                prices = ",".join(f"0.{column}{month:02}{hour:02}" for column in range(4))
                lines.append(f"{year},{month},{hour},{prices}")
        lines.append(",,,,,,")
    text = "\n".join(lines) + "\n"
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    (folder / "made.csv").write_text(text, encoding="utf-8-sig")
    header = OF_SCE.replace("2025-01-01", f"{years[0]}-01-01").replace("2027-12-31", f"{years[-1]}-12-31")
    (folder / "made.toml").write_text(header, encoding="utf-8")
    return folder / "made.toml"


def test_each_price_is_that_of_its_column_and_hour(tmp_path: Path) -> None:
    """Hour 1 ends at 01:00: it is the price of 00; hour 24 that of 23."""
    made = read_export_table(written(tmp_path, (2026, 2027)))
    assert made.components == ("delivery", "generation")
    for column, (weekend, component) in enumerate(
        ((False, "delivery"), (True, "delivery"), (False, "generation"), (True, "generation"))
    ):
        for month, hour in ((1, 1), (1, 24), (7, 18), (12, 9)):
            nano = made.hours[2027, month, weekend, component][hour - 1]
            assert Decimal(nano).scaleb(-9) == Decimal(f"0.{column}{month:02}{hour:02}")


def test_a_bill_by_it(tmp_path: Path) -> None:
    """10 kWh given from noon to one on Monday, 5 January 2026, hour 13: at 0.00113 and 0.20113."""
    written(tmp_path)
    text = account_text(tmp_path, utility="sce")
    made = [(0, 0)] * (31 * 24)
    made[4 * 24 + 12] = (0, 10_000)
    found = amounts(bills(tmp_path, text, table("2026-01-01T00:00", 60, made))[0])
    given = {key: amount for key, amount in found.items() if key.startswith("credit.")}
    assert sorted(given.values()) == ["-0.01", "-2.01"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("2026,1,24,", "2026,1,25,", 'made.csv:25: Hour "25" is no hour'),
        ("2026,1,24,", "2026,1,0,", 'made.csv:25: Hour "0" is no hour'),
        ("2026,1,2,", "2026,1,1,", "made.csv:3: hour 1 of 2026,1 comes twice"),
        ("2026,3,7,0.00307", "2026,3,7,", "hour 06 has no price"),
        ("2026,3,7,0.00307", "2026,3,7,$0.003", 'hour 06: "$0.003" is no price'),
        ("2026,2,1,0.00201,0.10201,0.20201,0.30201\n", "", "hour 00 has no price"),
        ("2026,12,", "2026,13,", 'month "13" is no month'),
        ("SCE Gen - Weekday EEC", "CCA Gen - Weekday EEC", "nor SCE's own"),
    ],
)
def test_what_is_wrong_in_it_is_told_with_its_place(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(ExportTableError) as raised:
        read_export_table(written(tmp_path, (2026,), (old, new)))
    assert told in str(raised.value)


def test_a_real_one(tmp_path: Path) -> None:
    """Every cell of a download of SCE's, 2024 to 2034, against the file itself."""
    if not SAMPLE.is_file():
        pytest.skip(f"{SAMPLE} is not here (NETMETER_TARIFFS)")
    (tmp_path / "made.csv").write_bytes(SAMPLE.read_bytes())
    header = OF_SCE.replace("2025-01-01", "2024-01-01").replace("2027-12-31", "2034-12-31")
    (tmp_path / "made.toml").write_text(header, encoding="utf-8")
    made, seen = read_export_table(tmp_path / "made.toml"), 0
    with SAMPLE.open(encoding="utf-8-sig") as file:
        for row in csv.reader(file):
            if not row[0].isdigit():
                continue
            year, month, hour = map(int, row[:3])
            for at, (weekend, component) in enumerate(
                ((False, "delivery"), (True, "delivery"), (False, "generation"), (True, "generation")), start=3
            ):
                assert Decimal(made.hours[year, month, weekend, component][hour - 1]).scaleb(-9) == Decimal(row[at])
                seen += 1
    assert seen == 11 * 12 * 24 * 4
