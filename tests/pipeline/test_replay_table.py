"""The table of readings: what is read, to the milliwatt-hour, and what is wrong with it, by line.

Expected values are written by hand. Each way to be wrong is a line of a table.
"""

import gzip
import subprocess
import sys
from array import array
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.replay import OnBadRow, Readings, ReadingsError, read_table
from gateway.replay.digits import Digit, DigitSource, digit_of, usual_step_us
from gateway.replay.fields import BadReason, FieldError, milliwh, time_us
from gateway.replay.order import rows_to_keep
from gateway.replay.table import ABSENT, Column

from .world import MIN, S, tries, utc_us

HEAD = "time,import_wh,export_wh"
GOOD = "2026-07-01T00:00:00Z,1000,5\n2026-07-01T00:05:00Z,1001.5,5\n"


@pytest.fixture
def write(tmp_path: Path):
    def written(content: str | bytes, name: str = "t.csv") -> str:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return written


def rows(table: Readings) -> list[tuple[int, ...]]:
    return list(zip(table.lines, *(column.milliwh for column in table.columns.values()), strict=True))


FORMS = {
    "plain": f"{HEAD}\n{GOOD}",
    "no line end at the end": f"{HEAD}\n{GOOD}".rstrip("\n"),
    "CR LF": f"{HEAD}\n{GOOD}".replace("\n", "\r\n"),
    "CR CR LF": f"{HEAD}\n{GOOD}".replace("\n", "\r\r\n"),
    "byte order mark": b"\xef\xbb\xbf" + f"{HEAD}\n{GOOD}".encode(),
    "semicolons": f"{HEAD}\n{GOOD}".replace(",", ";"),
    "tabs": f"{HEAD}\n{GOOD}".replace(",", "\t"),
    "quotes": '"time","import_wh","export_wh"\n"2026-07-01T00:00:00Z","1000","5"\n2026-07-01T00:05:00Z,"1001.5",5\n',
    "blanks and capitals": f" Time , IMPORT_WH,Export_Wh \n{GOOD}".replace(",", " , "),
    "another order": "export_wh,time,import_wh\n5,2026-07-01T00:00:00Z,1000\n5,2026-07-01T00:05:00Z,1001.5\n",
    "offsets": f"{HEAD}\n2026-06-30T17:00:00-07:00,1000,5\n2026-07-01T05:50:00+05:45,1001.5,5\n",
    "gzip": gzip.compress(f"{HEAD}\n{GOOD}".encode()),
    "status": f"{HEAD},status\n2026-07-01T00:00:00Z,1000,5,\n2026-07-01T00:05:00Z,1001.5,5,OK\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_one_table_in_many_forms(write, form: str) -> None:
    table = read_table(write(FORMS[form]))
    assert list(table.time_us) == [utc_us("2026-07-01T00:00+00:00"), utc_us("2026-07-01T00:05+00:00")]
    assert rows(table) == [(2, 1_000_000, 5000), (3, 1_001_500, 5000)]


def test_lines_are_counted_over_empty_ones(write) -> None:
    table = read_table(write(f"{HEAD}\n\n{GOOD}\n  \n2026-07-01T00:10:00Z,1002,\n"))
    assert rows(table) == [(3, 1_000_000, 5000), (4, 1_001_500, 5000), (7, 1_002_000, ABSENT)]
    assert table.blank_lines == 3


def test_both_instants_of_the_hour_that_comes_twice(write) -> None:
    table = read_table(write(f"{HEAD}\n2026-11-01T01:30:00-07:00,1,1\n2026-11-01T01:30:00-08:00,2,1\n"))
    assert table.time_us[1] - table.time_us[0] == 60 * MIN


NUMBERS = [  # text, milliwatt-hours, places, cut off
    ("0", 0, 0, False),
    ("12345.678", 12_345_678, 3, False),
    ("12345.6", 12_345_600, 1, False),
    ("12345.", 12_345_000, 0, False),
    ("0012", 12_000, 0, False),
    ("1.0005", 1000, 4, True),
    ("1.9999999999999999999999999", 1999, 25, True),
    ("1.00000", 1000, 5, False),
    ("+5.25", 5250, 2, False),
    (".5", 500, 1, False),
    ("1.5e3", 1_500_000, 0, False),
    ("15e-4", 1, 4, True),
    ("1e-30", 0, 30, True),
    ("0e999", 0, 0, False),
    ("-0", 0, 0, False),
    ("9000000000000000", 9 * 10**18, 0, False),
    ("8999999999999999.9999999999999999999999", 8_999_999_999_999_999_999, 22, True),
]


@pytest.mark.parametrize(("text", "value", "places", "finer"), NUMBERS)
def test_decimal_text_is_exact_and_floored_at_a_milliwatt_hour(text, value, places, finer) -> None:
    found = milliwh(text)
    assert found[0] == value
    assert found[2] is finer
    if text not in ("1e-30", "0e999", "-0"):
        assert found[1] == places


@given(st.decimals(min_value=0, max_value=10**15, allow_nan=False, allow_infinity=False, places=None))
@tries(300)
def test_any_decimal_is_floored(number: Decimal) -> None:
    text = str(number)
    if len(text) <= 40:
        assert milliwh(text)[0] == int(number * 1000 // 1) if number.adjusted() > -20 else milliwh(text)[0] == 0


BAD_NUMBERS = [
    *(("text", BadReason.BAD_NUMBER), ("nan", BadReason.BAD_NUMBER), ("inf", BadReason.BAD_NUMBER)),
    *(("1,5", BadReason.BAD_NUMBER), ("1_000", BadReason.BAD_NUMBER), ("0x10", BadReason.BAD_NUMBER)),
    *(("1 000", BadReason.BAD_NUMBER), ("12kWh", BadReason.BAD_NUMBER), ("\u0661", BadReason.BAD_NUMBER)),
    *((".", BadReason.BAD_NUMBER), ("e5", BadReason.BAD_NUMBER), ("--1", BadReason.BAD_NUMBER)),
    *(("1e999999999", BadReason.BAD_NUMBER), ("1e-999999999", BadReason.BAD_NUMBER)),
    *(("9" * 60_000, BadReason.BAD_NUMBER), ("-5", BadReason.NEGATIVE), ("-1e-3", BadReason.NEGATIVE)),
    *(("1e999", BadReason.TOO_LARGE), ("9000000000000000.001", BadReason.TOO_LARGE), ("1e16", BadReason.TOO_LARGE)),
]


@pytest.mark.parametrize(("text", "reason"), BAD_NUMBERS, ids=lambda one: str(one)[:20])
def test_what_is_no_register_is_said(text: str, reason: BadReason) -> None:
    with pytest.raises(FieldError) as caught:
        milliwh(text)
    assert caught.value.reason is reason
    assert len(caught.value.message) < 120


BAD_TIMES = [
    *(("2026-02-30T00:00:00Z", BadReason.BAD_TIME), ("2026-07-01T25:00:00Z", BadReason.BAD_TIME)),
    *(("yesterday", BadReason.BAD_TIME), ("", BadReason.BAD_TIME), ("1782864000", BadReason.BAD_TIME)),
    *(("2026-07-01T00:00:60Z", BadReason.BAD_TIME), ("1970-06-01T00:00:00Z", BadReason.BAD_TIME)),
    *(("9999-12-31T23:59:59-23:59", BadReason.BAD_TIME), ("0001-01-01T00:00:00+23:59", BadReason.BAD_TIME)),
    *(("2026-11-01T01:30:00", BadReason.NAIVE_TIME), ("2026-11-01", BadReason.NAIVE_TIME)),
]


@pytest.mark.parametrize(("text", "reason"), BAD_TIMES)
def test_what_is_no_time_is_said(text: str, reason: BadReason) -> None:
    with pytest.raises(FieldError) as caught:
        time_us(text)
    assert caught.value.reason is reason


TABLES = {  # the whole table is refused, whatever is done with bad rows
    "an empty file": ("", 0, "the file is empty"),
    "a header alone": (f"{HEAD}\n", 1, "no row below the header"),
    "no header": (GOOD, 1, "is no header"),
    "a column is missing": ("time,import_wh\n2026-07-01T00:00:00Z,1\n", 1, "no column export_wh"),
    "no time": ("import_wh,export_wh\n1,1\n", 1, "no column time"),
    "another unit": ("time,import_kwh,export_wh\n", 1, "'import_kwh', is none that is known"),
    "a column twice": ("time,import_wh,import_wh,export_wh\n", 1, "two columns import_wh"),
    "a column too many": (f"{HEAD},volts\n", 1, "'volts', is none that is known"),
    "no name": (f"{HEAD},\n", 1, "'', is none that is known"),
    "UTF-16": (f"{HEAD}\n{GOOD}".encode("utf-16"), 1, "UTF-16"),
    "Latin 1": (f"{HEAD},status\n2026-07-01T00:00:00Z,1,1,\xfc\n".encode("latin1"), 2, "byte 0xfc at position 26"),
    "NUL": (f"{HEAD}\n2026-07-01T00:00:00Z,1\0,1\n", 2, "NUL"),
    "a long line": (f"{HEAD}\n{GOOD}" + "9" * 70_000 + "\n", 4, "longer than 65536 bytes"),
    "an open quote": (f'{HEAD}\n2026-07-01T00:00:00Z,"1,1\n{GOOD}', 2, "quote"),
    "a quote in between": (f'{HEAD}\n2026-07-01T00:00:00Z,"1"5,1\n', 2, "fields"),
    "an open quote at the end": (f'{HEAD}\n2026-07-01T00:00:00Z,1,"1\n', 2, "fields"),
    "CR alone": (f"{HEAD}\n{GOOD}".replace("\n", "\r"), 1, "carriage return"),
    "CR in between": (f"{HEAD}\n{GOOD}".replace("5\n2", "5\r2"), 2, "carriage return"),
    "damaged gzip": (gzip.compress(f"{HEAD}\n{GOOD}".encode())[:-9], None, "damaged or cut off"),
}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("on_bad_row", list(OnBadRow))
def test_a_table_that_cannot_be_used_is_refused_with_its_line(write, table: str, on_bad_row: OnBadRow) -> None:
    content, line, words = TABLES[table]
    with pytest.raises(ReadingsError) as caught:
        read_table(write(content), on_bad_row=on_bad_row)
    (problem,) = caught.value.problems
    assert words in problem.message
    assert line in (None, problem.line)


def test_a_file_that_is_not_there_or_a_folder_is_said(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "none.csv", "No such file"), (tmp_path, "directory")):
        with pytest.raises(ReadingsError, match=words):
            read_table(str(path))


ROWS = {  # a row between good ones: its reason
    "too few fields": ("2026-07-01T00:05:00Z,1001", BadReason.FIELD_COUNT),
    "too many fields": ("2026-07-01T00:05:00Z,1001,5,5", BadReason.FIELD_COUNT),
    "only commas": (",,", BadReason.BAD_TIME),
    "a day that is none": ("2026-02-30T00:05:00Z,1001,5", BadReason.BAD_TIME),
    "no offset": ("2026-07-01T00:05:00,1001,5", BadReason.NAIVE_TIME),
    "text": ("2026-07-01T00:05:00Z,1001,n/a", BadReason.BAD_NUMBER),
    "nan": ("2026-07-01T00:05:00Z,nan,5", BadReason.BAD_NUMBER),
    "a huge exponent": ("2026-07-01T00:05:00Z,1e999999999,5", BadReason.BAD_NUMBER),
    "negative": ("2026-07-01T00:05:00Z,-1001,5", BadReason.NEGATIVE),
    "the same time": ("2026-07-01T00:00:00Z,1001,5", BadReason.DUPLICATE_TIME),
    "the same time, written otherwise": ("2026-06-30T17:00:00-07:00,1001,5", BadReason.DUPLICATE_TIME),
    "a year later": ("2027-07-03T00:00:00Z,1001,5", BadReason.LEAPS_AHEAD),
    "earlier": ("2026-06-30T23:55:00Z,1001,5", BadReason.NOT_IN_ORDER),
}


def around(text: str) -> str:
    """A table with two good rows before the row and one after it."""
    before = "2026-06-30T23:58:00Z,999,5\n2026-07-01T00:00:00Z,1000,5"
    return f"{HEAD}\n{before}\n{text}\n2026-07-01T00:10:00Z,1002,5\n"


@pytest.mark.parametrize("row", ROWS)
def test_a_bad_row_stops_the_table_with_its_line(write, row: str) -> None:
    text, _ = ROWS[row]
    with pytest.raises(ReadingsError) as caught:
        read_table(write(around(text)))
    assert caught.value.problems[0].line == 4


@pytest.mark.parametrize("row", ROWS)
def test_a_bad_row_is_kept_beside_the_readings(write, row: str) -> None:
    text, reason = ROWS[row]
    table = read_table(write(around(text)), on_bad_row=OnBadRow.COUNT)
    assert rows(table) == [(2, 999_000, 5000), (3, 1_000_000, 5000), (5, 1_002_000, 5000)]
    assert [(bad.line, bad.reason) for bad in table.bad.listed] == [(4, reason)]


DISORDER = {  # the times of lines 2, 3 ... as they stand: the lines that are left out, with their reasons
    "one leaps ahead": ("00 2062 05 10", {3: BadReason.LEAPS_AHEAD}),
    "three leap ahead": ("00 05 2062 2063 2064 10 15 20 25", dict.fromkeys((4, 5, 6), BadReason.LEAPS_AHEAD)),
    "the first leaps ahead": ("2062 00 05", {2: BadReason.LEAPS_AHEAD}),
    "the last leaps ahead": ("00 05 10 2062", {5: BadReason.LEAPS_AHEAD}),
    "the first is from another age": ("1999 00 05", {2: BadReason.LEAPS_AHEAD}),
    "one falls back": ("00 05 1999 10", {4: BadReason.NOT_IN_ORDER}),
    "two are exchanged": ("00 10 05 15", {3: BadReason.LEAPS_AHEAD}),
    "one comes twice": ("00 05 05 10", {4: BadReason.DUPLICATE_TIME}),
    "an hour comes twice": ("00 05 10 15 05 10 20", dict.fromkeys((6, 7), BadReason.NOT_IN_ORDER)),
}


@pytest.mark.parametrize("case", DISORDER)
def test_the_fewest_lines_go_that_make_times_rise(write, case: str) -> None:
    times, bad = DISORDER[case]
    stamps = [f"{one}-07-01T00:00:00Z" if len(one) == 4 else f"2026-07-01T00:{one}:00Z" for one in times.split()]
    path = write(f"{HEAD}\n" + "".join(f"{stamp},{number},5\n" for number, stamp in enumerate(stamps)))
    table = read_table(path, on_bad_row=OnBadRow.COUNT)
    assert {row.line: row.reason for row in table.bad.listed} == bad
    kept = [line for line in range(2, len(stamps) + 2) if line not in bad]
    assert rows(table) == [(line, (line - 2) * 1000, 5000) for line in kept]
    with pytest.raises(ReadingsError):
        read_table(path)


@given(st.lists(st.integers(0, 40), max_size=14))
@tries(200)
def test_no_larger_choice_of_rising_rows_exists(times: list[int]) -> None:
    """Against every choice there is."""
    kept = rows_to_keep(array("q", times))
    values = [times[row] for row in kept]
    assert values == sorted(set(values))
    best = max((bin(mask).count("1") for mask in range(1 << min(len(times), 12)) if rises(times, mask)), default=0)
    assert len(kept) >= best


def rises(times: list[int], mask: int) -> bool:
    chosen = [at for number, at in enumerate(times) if mask >> number & 1]
    return all(one < other for one, other in pairwise(chosen))


def test_a_table_from_newest_to_oldest_is_told(write) -> None:
    with pytest.raises(ReadingsError, match="from the oldest reading to the newest"):
        read_table(write(f"{HEAD}\n2026-07-01T00:05:00Z,2,5\n2026-07-01T00:00:00Z,1,5\n"))


def test_of_many_bad_rows_all_are_counted_and_the_first_thousand_listed(write) -> None:
    """Lines 2 to 1501 alternate between no reading and one; then 600 rows come again."""
    good = [f"2026-07-0{1 + n // 1440}T{n // 60 % 24:02d}:{n % 60:02d}:00Z,{n},0" for n in range(750)]
    lines = [line for row in good for line in (row, "x")] + good[:600]
    table = read_table(write("\n".join([HEAD, *lines]) + "\n"), on_bad_row=OnBadRow.COUNT)
    assert (len(table), len(table.bad)) == (750, 1350)
    assert table.bad.counts == {BadReason.FIELD_COUNT: 750, BadReason.NOT_IN_ORDER: 600}
    assert [row.line for row in table.bad.listed] == [*range(3, 1502, 2), *range(1502, 1752)]


@pytest.mark.parametrize("name", ["import_kwh", "Export_MWh", "kwh"])
def test_another_unit_is_no_slip_of_the_pen(write, name: str) -> None:
    """To rename `import_kwh` would be a bill of a thousandth."""
    with pytest.raises(ReadingsError) as caught:
        read_table(write(f"{HEAD},{name}\n"))
    (problem,) = caught.value.problems
    assert problem.mend.startswith("registers are wanted in watt-hours: its values have to be converted")
    assert "did you mean" not in problem.mend


def test_a_slip_of_the_pen_is_guessed(write) -> None:
    with pytest.raises(ReadingsError) as caught:
        read_table(write("time,imports_wh,export_wh\n"))
    assert caught.value.problems[0].mend == 'did you mean "import_wh"? --ignore-column leaves it out'
    with pytest.raises(ReadingsError) as caught:
        read_table(write(f"{HEAD},note\n"))
    assert caught.value.problems[0].mend.endswith("production_wh, status. --ignore-column leaves it out")


def test_a_status_that_is_not_good_leaves_the_row_out_and_is_told_even_where_bad_rows_stop(write) -> None:
    path = write(
        f"{HEAD},status\n2026-07-01T00:00:00Z,1,1,ok\n2026-07-01T00:05:00Z,nan,,E7\n2026-07-01T00:10:00Z,2,1,\n"
    )
    table = read_table(path)
    assert [line for line, *_ in rows(table)] == [2, 4]
    assert [(bad.line, bad.reason) for bad in table.bad.listed] == [(3, BadReason.BAD_STATUS)]
    with pytest.raises(ReadingsError, match="'nan' is no number"):
        read_table(path, good_status=["e7"])


def test_a_column_can_be_left_out_by_name(write) -> None:
    path = write("time,volts,import_wh,export_wh\n2026-07-01T00:00:00Z,x,1000,5\n")
    assert rows(read_table(path, ignored=["Volts"])) == [(2, 1_000_000, 5000)]


def test_what_is_finer_than_a_milliwatt_hour_is_counted(write) -> None:
    table = read_table(write(f"{HEAD}\n2026-07-01T00:00:00Z,1.0001,2.0000\n2026-07-01T00:05:00Z,1.0009,3.5\n"))
    assert [column.finer for column in table.columns.values()] == [2, 0]
    assert rows(table)[0] == (2, 1000, 2000)


@pytest.mark.parametrize(
    ("step", "count", "places", "expected"),
    [
        (1, 500, 3, 1),
        (100_000, 500, 3, 100_000),  # 0.1 kWh, written with three places
        (100_000, 500, 0, 100_000),
        (1_000_000, 500, 0, 1_000_000),
        (250, 500, 3, 250),
        (8, 500, 3, 2),  # not in the series: what is finer is not claimed to be coarser
        (1000, 5, 3, 1),  # too few values to conclude anything
        (1000, 5, 0, 1000),
        (1000, 5, 1, 100),
        (1, 500, 9, 1),
    ],
)
def test_the_last_digit_is_found_in_the_values(step: int, count: int, places: int, expected: int) -> None:
    column = Column(places=places)
    column.milliwh.extend(step * (7 + number * number) for number in range(count))
    known_from = DigitSource.VALUES if count >= 20 else DigitSource.WRITTEN
    assert digit_of(column, None) == Digit(expected, known_from)
    assert digit_of(column, 12) == Digit(12, DigitSource.STATED)


def test_one_garbled_value_makes_no_meter_finer() -> None:
    column = Column(places=3)
    column.milliwh.extend([*(100_000 * number for number in range(1, 400)), 39_912_345])
    assert digit_of(column, None).milliwh == 100_000


def test_the_usual_step_is_the_median(write) -> None:
    times = ["00:00", "00:05", "00:10", "00:15", "09:00"]
    table = read_table(write(f"{HEAD}\n" + "".join(f"2026-07-01T{one}:00Z,1,1\n" for one in times)))
    assert usual_step_us(table.time_us) == 300 * S


def test_a_line_without_end_needs_no_memory(tmp_path: Path) -> None:
    """A gigabyte without a line end; a process that kept the line would be larger than that."""
    path = tmp_path / "long.csv"
    with path.open("wb") as target:
        target.write(f"{HEAD}\n".encode())
        target.truncate(1_000_000_000)  # a hole in the file: it takes no room on the disk
    code = (
        "import resource, sys\n"
        "from gateway.replay import ReadingsError, read_table\n"
        "try:\n    read_table(sys.argv[1])\nexcept ReadingsError as error:\n    print(error.problems[0].message)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    message, peak_kib = done.stdout.splitlines()
    assert message == "the line is longer than 65536 bytes"
    assert int(peak_kib) < 400_000
