"""Tables of export prices: what is refused, with which line; and PG&E's as shipped against PG&E's own rows."""

import csv
import os
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.account.export_series import price_series
from gateway.account.export_table import ExportTableError, read_export_table, shipped_table, shipped_tables
from gateway.account.programmes.nbt_banks import Purse

from .net_billing import HEADER, flat, write_table

ROWS = Path(os.environ.get("NETMETER_TARIFFS", Path(__file__).parents[2].parent / "shared/data/tariffs")) / "nbt_export"
ONE_MONTH = HEADER.replace("first_day = 2025-01-01", "first_day = 2026-01-15").replace(
    "last_day = 2027-12-31", "last_day = 2026-01-20"
)


def us(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp()) * 1_000_000


def spoiled(folder: Path, old: str, new: str) -> str:
    """What reading says of a table of one January whose CSV has one piece replaced; line 2 is its first row."""
    path = write_table(folder, flat("0.05", "0.01"), ONE_MONTH, range(2026, 2027))
    text = (folder / "made.csv").read_text(encoding="utf-8")
    assert old in text
    (folder / "made.csv").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ExportTableError) as raised:
        read_export_table(path)
    return str(raised.value)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("2026,1,weekday,generation,0.05,", "2026,1,weekday,generation,,", "made.csv:2: hour 00 has no price"),
        (
            "2026,1,weekday,generation,0.05,",
            "2026,1,weekday,generation,1e-2,",
            'made.csv:2: hour 00: "1e-2" is no price',
        ),
        ("2026,1,weekend,delivery", "2026,1,weekday,delivery", "made.csv:5: 2026,1,weekday,delivery comes twice"),
        ("2026,1,weekday,generation", "2025,1,weekday,generation", "there is no row 2026,1,weekday,generation"),
        ("2026,1,weekday,generation", "2026,13,weekday,generation", 'made.csv:2: month "13" is no month'),
        ("2026,1,weekday,generation", "2026,1,holiday,generation", 'made.csv:2: day_type "holiday"'),
        ("2026,1,weekday,generation", "2026,1,weekday,bonus", 'made.csv:2: component "bonus"'),
        ("year,month", "Year,Month", "made.csv:1: the columns are not"),
    ],
)
def test_a_table_that_lacks_an_hour_is_refused_with_its_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert told in spoiled(tmp_path, old, new)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("America/Los_Angeles", "Mars/Olympus", "no such time zone"),
        ("pge-nbt-export", "pge-nbt-exports", 'did you mean "pge-nbt-export"?'),
        ('autumn_hour = "next_hour"\n', "", '"autumn_hour" is missing'),
        ('holidays = "pge-nbt-export"\n', "", '"holidays" is missing'),
        ("last_day = 2027-12-31", "last_day = 2024-12-31", "before first_day"),
        ('file = "made.csv"', 'file = "gone.csv"', "gone.csv: cannot be read"),
        ("first_day = 2025-01-01", "first_day = 2024-12-31", "there is no row 2024,12,weekday,delivery"),
    ],
)
def test_a_header_that_leaves_something_open_is_refused(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in HEADER
    path = write_table(tmp_path, flat(), HEADER.replace(old, new))
    with pytest.raises(ExportTableError) as raised:
        read_export_table(path)
    assert told in str(raised.value)


def test_a_whole_one_is_read(tmp_path: Path) -> None:
    """The control of both tables above."""
    table = read_export_table(write_table(tmp_path, flat("0.05", "0.01")))
    assert table.price("generation", date(2026, 1, 1), 0) == Decimal("0.05")


@pytest.mark.parametrize("vintage", ["24", "00"])
def test_the_shipped_prices_are_pges_rows_of_both_dst_nights_and_a_holiday(vintage: str) -> None:
    """PG&E's own rows by UTC: 2025-03-09, 07-04, 09-03, 11-02 and 12-31."""
    rows = ROWS / f"PGE_NBT{vintage}_raw_rows_sample.csv"
    if not rows.is_file():
        pytest.skip(f"{rows} is not here (NETMETER_TARIFFS)")
    series = price_series(shipped_table(f"pge-nbt{vintage}"), us("2025-01-01T08:00Z"), us("2026-01-01T08:00Z"))
    seen = 0
    with rows.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            moment = datetime.strptime(f"{row['DateStart']} {row['TimeStart']}", "%m/%d/%Y %H:%M:%S").replace(
                tzinfo=UTC
            )
            one = series["delivery" if "PGXX" in row["RIN"] else "generation"]
            at = int(one.start_us.searchsorted(us(moment.isoformat())))
            assert one.start_us[at] == us(moment.isoformat()), row
            assert Decimal(int(one.price_nano[at])).scaleb(-9) == Decimal(row["Value"]), row
            seen += 1
    assert seen == 240


@pytest.mark.parametrize("vintage", ["24", "00"])
def test_every_shipped_cell_is_the_one_of_the_other_reading(vintage: str) -> None:
    """A reading of the same file by its ValueName, month, day type and hour (its extremes among them)."""
    cells = ROWS / f"PGE_NBT{vintage}_eec_month_daytype_hour.csv"
    if not cells.is_file():
        pytest.skip(f"{cells} is not here (NETMETER_TARIFFS)")
    table, seen = shipped_table(f"pge-nbt{vintage}"), 0
    with cells.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            key = (int(row["year"]), int(row["month"]), row["daytype"] != "wd")
            for name in ("delivery", "generation"):
                if (*key, name) not in table.hours:
                    continue
                price = Decimal(table.hours[(*key, name)][int(row["hour_start_local"])]).scaleb(-9)
                assert price == Decimal(row[f"{name}_usd_per_kwh"]), row
                seen += 1
    assert seen == 2 * 12 * 2 * 24 * (4 if vintage == "24" else 2)


def test_the_days_of_the_published_holiday_list() -> None:
    """2026-07-03 and 2027-12-31 are Fridays that PG&E's file counts as holidays; 2026-07-04 is a Saturday anyway."""
    table = shipped_table("pge-nbt26")
    assert [table.is_weekend(date(2026, 7, day)) for day in (2, 3, 4, 5, 6)] == [False, True, True, True, False]
    assert table.is_weekend(date(2027, 12, 31))
    assert table.is_weekend(date(2026, 11, 11))
    assert not table.is_weekend(date(2026, 11, 27))  # the day after Thanksgiving


def test_every_shipped_table_can_be_read() -> None:
    assert {name: shipped_table(name).components for name in shipped_tables()} == dict.fromkeys(
        ("pge-nbt00", "pge-nbt23", "pge-nbt24", "pge-nbt25", "pge-nbt26"), ("delivery", "generation")
    )


def test_a_bank_below_zero_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="bank delivery is -1"):
        Purse(delivery=Decimal(-1))
