"""`netmeter-hil bench statement`: a year of 15-minute data to twelve bills, beside NREL's engine on the same case.

Both begin with arrays in memory and the rate already read; turns alternate (A B A B), the middle of the processor times
counts, and bills that differ by more than a millionth fail the command. The calendar is compiled anew in each turn, as
the engine lays out its schedule, and once more kept from before. Then the whole command, from a store.
"""

import gc
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from .statement_year import Year

TOLERANCE = Decimal("0.000001")
WIDTHS = {"netmeter": 9, "calendar_kept": 14}


@click.command(
    epilog="Example: netmeter-hil bench statement --json > statement.json.  PySAM takes part where it is installed "
    "(pip install nrel-pysam). Figures are in docs/benchmarks.md.  Exit code: 0 measured; 1 could not, or the two "
    "billed otherwise; 2 wrong options."
)
@click.option("--repeats", type=click.IntRange(5, 1000), default=15, show_default=True, help="Turns of each.")
@click.option("--store/--no-store", default=True, help="Also the whole command, from a store (it is filled first).")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def statement(repeats: int, store: bool, as_json: bool) -> None:
    """Statements: the reckoning of an account-year against PySAM's execute, and the whole command."""
    from .statement_year import OPTIONS, make_year

    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="bench-statement-") as name:
        folder, year = Path(name), make_year()
        result["reckoning"] = [_measured(folder, year, option, repeats) for option in range(len(OPTIONS))]
        if store:
            result["command_s"] = _command(folder)
    if as_json:
        click.echo(json.dumps(result, indent=2))
    else:
        _print(result)


def _measured(folder: Path, year: "Year", option: int, repeats: int) -> dict[str, object]:
    """Both on one of SAM's metering options; milliseconds."""
    from gateway.tariff.calendar import Calendar

    from .statement_year import OPTIONS, account_in, bills_of, energy_of, engine_for

    account, energy = account_in(folder, OPTIONS[option]), energy_of(year)
    kept = Calendar(account.tariff)
    work: dict[str, Callable[[], object]] = {
        "netmeter": lambda: bills_of(account, energy),
        "calendar_kept": lambda: bills_of(account, energy, kept),
    }
    found = bills_of(account, energy, kept)
    try:
        engine = engine_for(year, option)
    except ImportError:
        click.echo("PySAM is not installed (nrel-pysam): measured alone", err=True)
    else:
        _refuse_others(engine, found, OPTIONS[option])
        work["pysam"] = lambda: engine.execute(0)
    middle = _take_turns(work, repeats)
    engine_ms = middle.get("pysam")
    ratio = {name: None if engine_ms is None else round(middle[name] / engine_ms, 2) for name in list(work)[:2]}
    return {"programme": OPTIONS[option], "milliseconds": middle, "ratio": ratio}


def _refuse_others(engine: Any, found: list[Decimal], programme: str) -> None:
    """Who bills otherwise is not measured."""
    from .statement_year import bills_of_engine

    engine.execute(0)
    pairs = enumerate(zip(found, bills_of_engine(engine), strict=True), 1)
    wrong = [month for month, (one, other) in pairs if abs(one - other) > TOLERANCE]
    if wrong:
        raise click.ClickException(f"{programme}: the bills of months {wrong} are not the engine's")


def _take_turns(work: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """The middle of each one's processor times, milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(repeats):
        for name, one in work.items():
            gc.collect()
            begun_s = time.process_time()
            one()
            times[name].append((time.process_time() - begun_s) * 1000)
    return {name: round(median(taken), 2) for name, taken in times.items()}


def _command(folder: Path) -> dict[str, list[float]]:
    from .statement_year import command_s, stored_year

    click.echo("filling a store with a year of quarter hours", err=True)
    stored_year(folder)
    try:
        times = [command_s(folder) for _ in range(6)][1:]  # the first one may have to compile
    except subprocess.CalledProcessError as error:
        raise click.ClickException(f"netmeter statement: {error.stderr.decode(errors='replace')}") from error
    return {"wall": [round(one, 3) for one, _ in times], "processor": [round(one, 3) for _, one in times]}


def _print(result: dict[str, Any]) -> None:
    click.echo("a year of 15-minute data to twelve bills; middle of the turns, milliseconds of processor time")
    click.echo(f"{'programme':<24} {'PySAM':>8} {'netmeter':>9} {'ratio':>6} {'calendar kept':>14} {'ratio':>6}")
    for row in result["reckoning"]:
        taken, ratio = row["milliseconds"], row["ratio"]
        anew, kept = (f"{taken[name]:>{width}} {ratio[name] or '-':>6}" for name, width in WIDTHS.items())
        click.echo(f"{row['programme']:<24} {taken.get('pysam', '-'):>8} {anew} {kept}")
    if whole := result.get("command_s"):
        wall, used = median(whole["wall"]), median(whole["processor"])
        click.echo(f"netmeter statement, from a store: {wall:.2f} s by the wall's clock, {used:.2f} s of the processor")
