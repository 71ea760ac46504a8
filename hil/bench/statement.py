"""`netmeter-hil bench statement`: a year of 15-minute data to twelve bills, beside NREL's engine on the same case.

Both begin with arrays in memory and the rate already read; turns alternate (A B A B), the middle of the processor times
counts, and bills that differ by more than a millionth fail the command. Then the whole command, from a store.
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
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from .statement_year import Year

TOLERANCE = Decimal("0.000001")


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

    result: dict[str, object] = {}
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
    from .statement_year import OPTIONS, account_in, bills_of, bills_of_engine, energy_of, engine_for

    account, energy = account_in(folder, OPTIONS[option]), energy_of(year)
    work: dict[str, Callable[[], object]] = {"netmeter": lambda: bills_of(account, energy)}
    found = bills_of(account, energy)
    try:
        engine = engine_for(year, option)
    except ImportError:
        click.echo("PySAM is not installed (nrel-pysam): measured alone", err=True)
    else:
        engine.execute(0)
        wrong = [at for at, (one, other) in enumerate(zip(found, bills_of_engine(engine), strict=True), 1)
                 if abs(one - other) > TOLERANCE]  # fmt: skip
        if wrong:
            raise click.ClickException(f"{OPTIONS[option]}: the bills of months {wrong} are not the engine's")
        work["pysam"] = lambda: engine.execute(0)
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(repeats):
        for name, one in work.items():
            gc.collect()
            begun_s = time.process_time()
            one()
            times[name].append((time.process_time() - begun_s) * 1000)
    middle = {name: round(median(taken), 2) for name, taken in times.items()}
    ratio = round(middle["netmeter"] / middle["pysam"], 2) if "pysam" in middle else None
    return {"programme": OPTIONS[option], "milliseconds": middle, "ratio": ratio}


def _command(folder: Path) -> list[float]:
    from .statement_year import command_s, stored_year

    click.echo("filling a store with a year of quarter hours", err=True)
    stored_year(folder)
    try:
        return [round(command_s(folder), 3) for _ in range(5)]
    except subprocess.CalledProcessError as error:
        raise click.ClickException(f"netmeter statement: {error.stderr.decode(errors='replace')}") from error


def _print(result: dict[str, object]) -> None:
    rows = result["reckoning"]
    assert isinstance(rows, list)
    click.echo("a year of 15-minute data to twelve bills; middle of the turns, milliseconds of processor time")
    click.echo(f"{'programme':<24} {'netmeter':>9} {'PySAM':>9} {'ratio':>7}")
    for row in rows:
        taken = row["milliseconds"]
        engine, ratio = taken.get("pysam", "-"), row["ratio"] if row["ratio"] is not None else "-"
        click.echo(f"{row['programme']:<24} {taken['netmeter']:>9} {engine:>9} {ratio:>7}")
    whole = result.get("command_s")
    if isinstance(whole, list):
        click.echo(
            f"netmeter statement, from a store: {median(whole):.2f} s by the wall's clock (middle of {len(whole)})"
        )
