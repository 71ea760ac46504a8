"""`netmeter-hil bench accumulator`: years of rows into buckets, beside other programs and the machine's own memory.

All book the same columns in the same run, in turns (A B C A B C), one thread each. Each has to prove that time rises
and no register falls, and their sums must agree to the milliwatt-hour. The middle value of the processor time counts:
it is the wall's where nothing else runs, and does not grow with what a busy machine does besides.
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from .books import Rows, Sums

DEFAULT_ROWS = 50_000_000
BYTES_A_ROW = 3 * 8
NEEDED_BYTES_A_ROW = 8 * 24  # what the hungriest takes on top of the columns (pandas, seen)
TWIN_PART = 25  # plain Python books every 25th part of the rows: it would take minutes


@dataclass(slots=True)
class Contestant:
    """One way to do it, and how long each turn took: processor time, which counts, and by the wall's clock."""

    name: str
    rows: int
    work: "Callable[[], Sums]"
    times_s: list[float] = field(default_factory=list)
    wall_s: list[float] = field(default_factory=list)
    answers: "list[Sums]" = field(default_factory=list)

    @property
    def mrows_a_second(self) -> float:
        return self.rows / median(self.times_s) / 1e6


@click.command(
    epilog="Example: netmeter-hil bench accumulator --rows 5000000 --json > bench.json.  Progress goes to standard "
    "error. polars, pandas and duckdb take part where they are installed (pip install polars pandas duckdb). Targets "
    "and a run are in docs/benchmarks.md.  Exit code: 0 measured; 1 could not, or one booked wrong; 2 wrong options."
)
@click.option(
    "--rows", type=click.IntRange(1000, 200_000_000), default=DEFAULT_ROWS, show_default=True, help="Rows, 5 s apart."
)
@click.option("--repeats", type=click.IntRange(5, 100), default=5, show_default=True, help="Turns of each.")
@click.option("--intervals", is_flag=True, help="Book at quarter hours as well, not at tariff edges alone.")
@click.option("--only", multiple=True, help="Only these contestants (besides the reader); repeatable.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def accumulator(rows: int, repeats: int, intervals: bool, only: tuple[str, ...], as_json: bool) -> None:
    """The accumulator kernel over years of rows: million rows a second, of what reading the columns alone allows."""
    free_bytes = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if rows * NEEDED_BYTES_A_ROW > free_bytes:
        most = free_bytes // NEEDED_BYTES_A_ROW // 1_000_000 * 1_000_000
        raise click.ClickException(
            f"{rows} rows need {rows * NEEDED_BYTES_A_ROW / 1e9:.1f} GB of memory; try --rows {most}"
        )
    # Before polars is imported: it asks once. The others are told by their own settings.
    os.environ.update(POLARS_MAX_THREADS="1", OMP_NUM_THREADS="1")
    from . import books, readers

    _say(f"making {rows} rows")
    made = books.make_rows(rows, intervals)
    part = made.first(max(1000, rows // TWIN_PART))
    book, missing = books.contestants()
    unknown = set(only) - book.keys() - {"kernel python"}
    if unknown:
        raise click.UsageError(
            f"no contestant {', '.join(sorted(unknown))}; there is {', '.join([*book, 'kernel python'])}"
        )
    booking = [Contestant(name, rows, _job(work, made)) for name, work in book.items() if not only or name in only]
    if not only or "kernel python" in only:
        booking.append(Contestant("kernel python", part.rows, _job(books.kernel_python, part)))
    reading = [Contestant(name, rows, _job(work, made)) for name, work in readers.readers().items()]
    _take_turns([*reading, *booking], repeats)
    wrong = _disagreeing(booking, made.expected(), part.expected())
    floor = max(reading, key=lambda one: one.mrows_a_second)
    if as_json:
        click.echo(json.dumps(_told(reading, booking, floor, made, missing, wrong), indent=2))
    else:
        _print(booking, floor, made, missing)
    if wrong:
        raise click.ClickException(f"did not book what was made: {', '.join(wrong)}")


def _job(work: "Callable[[Rows], Sums]", rows: "Rows") -> "Callable[[], Sums]":
    return lambda: work(rows)


def _take_turns(booking: list[Contestant], repeats: int) -> None:
    for turn in range(repeats):
        for one in booking:
            booking[0].work()  # whoever comes next finds the caches as a reader leaves them, not as the last one did
            begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
            answer = one.work()
            one.times_s.append(time.process_time() - begun_cpu_s)
            one.wall_s.append(time.perf_counter() - begun_s)
            one.answers.append(answer)
            _say(f"turn {turn + 1} of {repeats}: {one.name} {one.rows / one.times_s[-1] / 1e6:.1f} Mrows/s")


def _disagreeing(booking: list[Contestant], expected: "Sums", expected_of_part: "Sums") -> list[str]:
    """Who did not book what the rows were made of, in any turn; the twin has its part of them."""
    right = {"kernel python": expected_of_part}
    return [one.name for one in booking if any(answer != right.get(one.name, expected) for answer in one.answers)]


def _told(
    reading: list[Contestant],
    booking: list[Contestant],
    floor: Contestant,
    made: "Rows",
    missing: list[str],
    wrong: list[str],
) -> dict[str, object]:
    return {
        "rows": made.rows,
        "edges": len(made.edges_us),
        "read_mrows_a_second": {one.name: round(one.mrows_a_second, 1) for one in reading},
        "read_gigabytes_a_second": round(floor.mrows_a_second * BYTES_A_ROW / 1000, 2),
        "mrows_a_second": {one.name: round(one.mrows_a_second, 2) for one in booking},
        "of_read": {one.name: round(one.mrows_a_second / floor.mrows_a_second, 4) for one in booking},
        "processor_seconds": {one.name: [round(s, 4) for s in one.times_s] for one in [*reading, *booking]},
        "wall_seconds": {one.name: [round(s, 4) for s in one.wall_s] for one in [*reading, *booking]},
        "not_installed": missing,
        "wrong": wrong,
    }


def _print(booking: list[Contestant], floor: Contestant, made: "Rows", missing: list[str]) -> None:
    click.echo(f"{made.rows} rows, {len(made.edges_us) - 1} edges; median of {len(floor.times_s)} turns, one thread")
    click.echo(f"{'what':<22} {'Mrows/s':>9} {'of reading':>11}")
    read = f"{floor.mrows_a_second * BYTES_A_ROW / 1000:.1f} GB/s"
    click.echo(f"{'reading (' + floor.name + ')':<22} {floor.mrows_a_second:>9.1f} {'100.0 %':>11}   {read}")
    for one in sorted(booking, key=lambda one: -one.mrows_a_second):
        share = f"{100 * one.mrows_a_second / floor.mrows_a_second:.1f} %"
        part = "" if one.rows == made.rows else f"   on {one.rows} rows"
        click.echo(f"{one.name:<22} {one.mrows_a_second:>9.1f} {share:>11}{part}")
    if missing:
        click.echo(f"not installed: {', '.join(missing)}")


def _say(text: str) -> None:
    click.echo(text, err=True)
