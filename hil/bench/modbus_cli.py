"""`netmeter-hil bench modbus` and `bench line`: a line's own speed, many TCP meters, and edges on a long line.

Loads nothing heavy before a command needs it. Nothing here passes or fails.
"""

import json
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from .rtu import RtuRow
    from .tcp import TcpRow

BAUDS_BD = (9600, 19200, 115200)
T = TypeVar("T")


@click.command(
    epilog="Example: netmeter-hil bench modbus --json > bench.json.  Progress goes to standard error. Without --meters "
    "the serial line is measured, with it TCP meters alone. Nothing here passes or fails: targets and a run are in "
    "docs/benchmarks.md.  Exit code: 0 measured; 1 could not; 2 wrong options."
)
@click.option("--baud", "bauds", type=click.Choice([str(b) for b in BAUDS_BD]), multiple=True, help="Default: all.")
@click.option("--bits", type=click.Choice(["10", "11"]), default="11", show_default=True, help="Bits of a character.")
@click.option("--cycles", type=click.IntRange(5, 10_000), default=100, show_default=True, help="Questions in a turn.")
@click.option("--repeats", type=click.IntRange(1, 100), default=5, show_default=True, help="Turns of each master.")
@click.option("--meters", type=click.IntRange(1, 5000), multiple=True, help="So many TCP meters at 1 Hz; repeatable.")
@click.option("--seconds", type=click.FloatRange(2, 3600), default=30.0, show_default=True, help="TCP: how long.")
@click.option("--warm-up", type=click.FloatRange(0, 600), help="TCP: seconds before; default by the number of meters.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def modbus(
    bauds: tuple[str, ...],
    bits: str,
    cycles: int,
    repeats: int,
    meters: tuple[int, ...],
    seconds: float,
    warm_up: float | None,
    as_json: bool,
) -> None:
    """Modbus: cycle over the line's own limit, beside pymodbus's clients; or many TCP meters read by the daemon.

    On the serial line (a pty that takes the line's time) 60 registers are asked again and again. `early` are questions
    that came before 3.5 characters of silence: a device on a real line may miss them.
    """
    if meters and bauds:
        raise click.UsageError("--baud goes with the serial line, --meters with TCP: name one of them")
    if meters:
        tcp_rows = [_measured(partial(_tcp, n, seconds, warm_up)) for n in meters]
        _tell("tcp", [asdict(row) for row in tcp_rows], as_json)
        return
    chosen = tuple(int(baud) for baud in bauds) or BAUDS_BD
    rtu_rows = _measured(lambda folder: _rtu(chosen, int(bits), cycles, repeats, folder))
    _tell("rtu", [asdict(row) for row in rtu_rows], as_json)


@click.command(
    epilog="Example: netmeter-hil bench line --edges 3.  Progress: standard error.  Exit code: 0 measured; 1 could "
    "not; 2 wrong options."
)
@click.option("--units", type=click.IntRange(1, 60), default=16, show_default=True, help="Meters on the line.")
@click.option("--edges", type=click.IntRange(1, 100), default=3, show_default=True, help="Interval edges to judge.")
@click.option("--speed", type=click.IntRange(1, 20), default=5, show_default=True, help="House time; 5 min intervals.")
@click.option("--poll", "poll_s", type=click.IntRange(1, 180), default=10, show_default=True, help="Real seconds.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def line(units: int, edges: int, speed: int, poll_s: int, as_json: bool) -> None:
    """Many meters on one 9600 baud line: 3, 7 and 11 dead, 5 flapping. Is every edge of the others read in time?

    The whole daemon reads SDM630 on a pty that takes the line's time. House time runs faster than life, the line does
    not; `before_worst_ms` and `after_worst_ms` are real milliseconds between an edge and the readings next to it.
    """
    from .long_line import run_long_line

    rows = _measured(lambda folder: run_long_line(units, edges, speed, poll_s, folder, _say))
    _tell("line", [asdict(row) for row in rows], as_json)


def _rtu(bauds_bd: tuple[int, ...], bits: int, cycles: int, repeats: int, folder: Path) -> "list[RtuRow]":
    from .rtu import run_rtu

    return list(run_rtu(bauds_bd, bits, cycles, repeats, folder, _say))


def _tcp(meters: int, seconds: float, warm_up_s: float | None, folder: Path) -> "TcpRow":
    from .tcp import run_tcp

    # A poll of each that is not measured, and the time in which all of them are connected and found.
    return run_tcp(meters, 10 + meters / 50 if warm_up_s is None else warm_up_s, seconds, folder, _say)


def _measured(measure: Callable[[Path], T]) -> T:
    """Run in a folder of its own, which stays only if something went wrong."""
    from ..folder import make_folder
    from ..process import ChildError

    folder = make_folder("bench")
    try:
        result = measure(folder)
    except (ChildError, OSError) as error:
        raise click.ClickException(f"{error}\nkept: {folder}") from error
    except KeyboardInterrupt:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    return result


def _tell(what: str, rows: list[dict[str, object]], as_json: bool) -> None:
    if as_json:
        date = time.strftime("%Y-%m-%d", time.gmtime())
        click.echo(json.dumps({"bench": "modbus", "date": date, "machine": _machine(), what: rows}))
        return
    heads = list(rows[0])
    cells = [[str(row[head]) for head in heads] for row in rows]
    widths = [max(len(head), *(len(line[n]) for line in cells)) for n, head in enumerate(heads)]
    for line in (heads, *cells):
        click.echo("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))


def _machine() -> str:
    """What it ran on, without a name."""
    import os
    import platform

    load = os.getloadavg()[0]
    return f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}, load {load:.1f}"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
