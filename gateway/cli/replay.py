"""`netmeter replay`: recorded registers through the daemon's validation and accumulation, years in one command.

Reads a table, a tariff and perhaps a config; no daemon, no store, no broker. Writes nothing but the file of intervals.
"""

import csv
import json
import os
import stat
from pathlib import Path
from typing import Any

import click

from ..buckets.accumulate import LawBrokenError
from ..config.rules import INTERVALS_MIN
from ..config.types import GapPolicy
from ..replay import OnBadRow, Replay, read_table
from ..replay import replay as replay_table
from ..replay.report import INTERVAL_COLUMNS, as_json, interval_rows
from ..replay.source import STANDARD_INPUT
from .errors import any_path, calendar_of, config_of, fail
from .progress import Progress
from .replay_terms import tariff_of, terms_of
from .replay_text import print_result, troubles_of

EXIT_REFUSED, EXIT_LAW_BROKEN = 3, 4


@click.command()
@click.option("--readings", metavar="FILE", required=True, help="The table, CSV or CSV.gz; - for standard input.")
@click.option("--tariff", metavar="NAME", help="A shipped tariff's name or the path of a tariff file.")
@click.option("--config", "config_path", metavar="PATH", type=any_path, help="The daemon's gateway.toml, if any.")
@click.option("--meter", metavar="NAME", help="With --config: the meter that the table is of.")
@click.option("--service-amps", type=click.IntRange(1, 10_000), help="Size of the main breaker.")
@click.option("--service-volts", type=click.IntRange(1, 100_000), help="Voltage of the service, such as 240.")
@click.option("--service-phases", type=click.IntRange(1, 3), help="Default 1.")
@click.option("--production-amps", type=click.IntRange(1, 10_000), help="The array's breaker; default: the service's.")
@click.option("--resolution-wh", metavar="WH", help="The meter's last digit; default: as the values show it.")
@click.option("--rounded", is_flag=True, help="Registers were rounded to that digit, not cut off.")
@click.option("--clock-error-s", metavar="S", help="How far the table's times can be off; default 9.")
@click.option("--window-s", metavar="S", help="How long before or after its time a row was read, besides; default 0.")
@click.option("--poll-s", metavar="S", help="Time from row to row; default: the median. Three of them are a gap.")
@click.option("--interval-min", type=click.Choice([str(one) for one in INTERVALS_MIN]), help="Default 15.")
@click.option(
    "--gap", type=click.Choice([one.value for one in GapPolicy]), help="Energy of long gaps; default pro_rata."
)
@click.option("--max-gap-s", metavar="S", help="From here on a gap is long; default 3600.")
@click.option("--good-status", multiple=True, metavar="WORD", help="A status that stands for a good reading.")
@click.option("--ignore-column", multiple=True, metavar="NAME", help="A column to leave out.")
@click.option(
    "--on-bad-row",
    type=click.Choice([one.value for one in OnBadRow]),
    default=OnBadRow.STOP.value,
    show_default=True,
    help="A row that is no reading ends the replay, or is told and counted.",
)
@click.option("--intervals", metavar="FILE", type=any_path, help="Write all intervals to FILE as CSV.")
@click.option("--json", "as_json_", is_flag=True, help="Print one JSON object.")
def replay(readings: str, config_path: Path | None, **options: Any) -> None:
    """Book a table of recorded registers as the daemon would have: buckets, intervals, what is uncertain, events, and
    whether every watt-hour is accounted for.

    The table has a line for each reading, oldest first, below the header
    time,import_wh,export_wh[,production_wh][,status]; times are ISO 8601 with offset or Z, registers cumulative
    watt-hours as decimal text.

    \b
    Example:
      netmeter replay --readings house.csv --tariff pge-e-tou-c --service-amps 200 --service-volts 240
      netmeter replay --readings house.csv.gz --config gateway.toml --intervals intervals.csv --json

    \b
    Exit codes:
      0  every row is booked, and the law holds
      1  the table, the tariff or the config cannot be used, or FILE not be written: it is said which
      2  the command line is wrong
      3  reckoned, but rows were rejected or quarantined: they are told and counted
      4  the law does not hold: a fault of this program, do not use the figures; no FILE is written
    """
    intervals_path: Path | None = options["intervals"]
    if intervals_path is not None and _same_file(readings, intervals_path):
        raise click.UsageError("--intervals would overwrite the readings")
    if intervals_path is not None and not os.access(intervals_path.parent, os.W_OK | os.X_OK):
        fail(f"{intervals_path}: its folder does not exist or may not be written")
    config = None if config_path is None else config_of(config_path)
    calendar = calendar_of(tariff_of(config, options))
    terms = terms_of(config, options)
    progress = Progress("rows")
    try:
        table = read_table(
            readings,
            on_bad_row=OnBadRow(options["on_bad_row"]),
            good_status=options["good_status"],
            ignored=options["ignore_column"],
            tell=progress,
        )
        result = replay_table(table, calendar, terms, tell=progress)
    except LawBrokenError as error:
        click.echo(f"Error: the law is broken, which is a fault of this program: {error}", err=True)
        raise SystemExit(EXIT_LAW_BROKEN) from error
    finally:
        progress.end()
    if options["as_json_"]:
        click.echo(json.dumps(as_json(result, calendar.tariff_id), indent=2))
    else:
        print_result(result, calendar)
    for trouble in troubles_of(result, calendar):
        click.echo(f"! {trouble}", err=True)
    if intervals_path is not None and result.law_holds:
        _write_intervals(result, intervals_path)
    raise SystemExit(exit_code(result))


def exit_code(result: Replay) -> int:
    """The exit code that a result means."""
    if not result.law_holds:
        return EXIT_LAW_BROKEN
    return 0 if result.is_whole else EXIT_REFUSED


def _same_file(readings: str, intervals_path: Path) -> bool:
    try:
        source = os.fstat(0) if readings == STANDARD_INPUT else Path(readings).stat()
        return stat.S_ISREG(source.st_mode) and os.path.samestat(source, intervals_path.stat())
    except OSError:
        return False


def _write_intervals(result: Replay, path: Path) -> None:
    progress = Progress("intervals")
    total = sum(len(meter.intervals) for meter in result.meters)
    try:
        with path.open("w", encoding="utf-8", newline="") as target:
            writer = csv.writer(target, lineterminator="\n")
            writer.writerow(INTERVAL_COLUMNS)
            for number, row in enumerate(interval_rows(result)):
                writer.writerow(row)
                if number % 16_384 == 0:
                    progress("writing", number, total)
    except OSError as error:
        fail(f"{path}: cannot be written, what is there of it is not whole: {os.strerror(error.errno or 0)}")
    finally:
        progress.end()
