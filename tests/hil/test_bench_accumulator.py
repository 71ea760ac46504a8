"""`netmeter-hil bench accumulator`: that all book the same and the right thing, and that one that does not is named.

How fast anything is, is not tested.
"""

import json
import os

import pytest
from click.testing import CliRunner, Result

from hil.bench import books
from hil.cli import main
from tests.oracle.split import split as oracle_split
from tests.pipeline.kernel_builds import builds_here

ROWS = 40_000  # two days and seven hours, with an edge at 16:00 and at 21:00 each day


def bench(*options: str) -> Result:
    return CliRunner().invoke(main, ["bench", "accumulator", "--rows", str(ROWS), *options])


@pytest.mark.parametrize("intervals", [False, True])
def test_what_is_expected_is_the_oracles(intervals: bool) -> None:
    rows = books.make_rows(3000, intervals)
    table = list(zip(rows.edges_us, rows.bucket_ids, strict=True))
    for register, expected in zip((rows.import_milliwh, rows.export_milliwh), rows.expected(), strict=True):
        readings = list(zip(rows.time_us.tolist(), register.tolist(), strict=True))
        totals, _ = oracle_split(readings, table[0][1], table[1:])
        assert {bucket: total for bucket, total in enumerate(expected) if total} == totals


@pytest.mark.parametrize("options", [(), ("--intervals",)], ids=["tariff edges", "quarter hours"])
def test_all_that_are_installed_book_what_was_made(options: tuple[str, ...]) -> None:
    done = bench("--json", *options)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["wrong"] == []
    assert told["edges"] > (200 if options else 4)
    assert {"kernel jit", "kernel python", "numpy by edges", "numpy by rows"} <= set(told["mrows_a_second"])
    assert all(len(times) == 5 for times in told["processor_seconds"].values())
    left_out = " ".join(told["not_installed"])
    for name in ("polars", "pandas", "duckdb"):
        assert name in told["mrows_a_second"] or name in left_out


def test_table_names_everybody_and_the_floor() -> None:
    done = bench()
    assert done.exit_code == 0, done.output
    for word in ("reading (", "100.0 %", "kernel jit", "kernel python", "on 1600 rows"):
        assert word in done.stdout
    assert len(builds_here()) >= 2


def test_who_books_wrong_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    right, missing = books.contestants()

    def off_by_one(rows: books.Rows) -> books.Sums:
        imported, exported = right["numpy by edges"](rows)
        return [imported[0] + 1, *imported[1:]], exported

    monkeypatch.setattr(books, "contestants", lambda: ({**right, "off by one": off_by_one}, missing))
    done = bench("--only", "off by one", "--only", "kernel jit")
    assert done.exit_code == 1
    assert "did not book what was made: off by one" in done.output


@pytest.mark.parametrize("name", ["numpy by edges", "numpy by rows", "kernel jit", "polars", "pandas", "duckdb"])
@pytest.mark.parametrize("column", [0, 1, 2])
def test_every_contestant_proves_the_order(name: str, column: int) -> None:
    """Else it would be compared with programs that do more."""
    field, _ = books.contestants()
    if name not in field:
        pytest.skip(f"{name} is not installed")
    rows = books.make_rows(5000, intervals=False)
    field[name](rows)
    rows.columns[column][4000] = rows.columns[column][3999] - 1
    with pytest.raises(ValueError, match=r"order|rise|falls|went_backwards|not_advanced"):
        field[name](rows)


def test_more_rows_than_memory_are_refused_with_what_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = {"SC_AVPHYS_PAGES": 1000, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(os, "sysconf", pages.__getitem__)
    done = bench()
    assert done.exit_code == 1
    assert "need 0.0 GB of memory" in done.output


def test_unknown_contestant_is_told_the_known_ones() -> None:
    done = bench("--only", "excel")
    assert done.exit_code == 2
    assert "no contestant excel; there is kernel jit" in done.output
