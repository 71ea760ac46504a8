"""`netmeter-hil bench ledger`: what keeping the books costs the disk, and whether they can be kept again.

Runs days of one meter through the real books into a real store in virtual time; then one day of the same readings in
the way of a plain program with sqlite-utils' defaults. Bytes and syncs are counted by the kernel, not by us.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from .ledger_days import Day, Ledger, Plan

TOLD_DAYS = (1, 2, 3, 10, 20, 30, 40, 50, 60, 90, 120, 180, 240, 300, 365)


@dataclass(slots=True)
class Again:
    """Booking the store's readings again."""

    readings: int
    same: bool
    seconds: float


@click.command(
    epilog="Example: netmeter-hil bench ledger --days 30 --poll 5 --json > ledger.json.  A run of 30 days at 5 s takes "
    "some minutes. Figures are in docs/store.md.  Exit code: 0 measured; 1 a recompute was not the ledger, or it could "
    "not be measured; 2 wrong options."
)
@click.option("--days", type=click.IntRange(1, 3660), default=30, show_default=True, help="Days of the house.")
@click.option("--poll", "poll_s", type=click.IntRange(1, 3600), default=5, show_default=True, help="Seconds.")
@click.option("--keep-days", type=click.IntRange(1, 3660), default=40, show_default=True, help="As in the config.")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), help="Where; its disk is what is measured.")
@click.option("--peer/--no-peer", default=True, help="Also write a day with sqlite-utils' defaults.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
def ledger(days: int, poll_s: int, keep_days: int, folder: Path | None, peer: bool, as_json: bool) -> None:
    """The store over days and years: its size and slope, bytes and syncs a day, its start, and the same bits again."""
    from .ledger_days import Plan

    with tempfile.TemporaryDirectory(prefix="bench-ledger-", dir=folder) as name:
        result = measure(Plan(days, poll_s, keep_days), Path(name), lambda line: click.echo(line, err=True))
        if peer:
            result["ways"] = [_traced(way, Path(name), poll_s) for way in ("netmeter", "sqlite-utils")]
    if as_json:
        click.echo(json.dumps(result, indent=2))
    else:
        _print(result)
    raise SystemExit(0 if result["whole"]["same"] and result["thinned"]["same"] else 1)


def measure(plan: "Plan", folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Run all days, book them again, thin to the last day, book that again."""
    from .ledger_days import Ledger

    one, days = Ledger(folder / "ledger.sqlite", plan), []
    for day in one.run():
        days.append(day)
        if day.day in TOLD_DAYS or day.day == plan.days:
            say(_line(day))
    whole = _again(one)
    before = one.store.retention.sizes()
    gone = one.thin(1)
    thinned, after = _again(one), one.store.retention.sizes()
    one.store.close()
    return {
        "plan": asdict(plan),
        "days": [asdict(day) for day in days],
        "slope_bytes_a_day": _slope(days),
        "whole": asdict(whole),
        "thinned_readings": gone,
        "used_bytes_before": before.used_bytes,
        "used_bytes_after": after.used_bytes,
        "thinned": asdict(thinned),
        "start_ms": [_start_ms(one.path) for _ in range(5)],
    }


def _again(one: "Ledger") -> Again:
    from_s = perf_counter()
    meter = one.again()
    return Again(meter.readings, one.is_same(meter), perf_counter() - from_s)


def _slope(days: "list[Day]") -> int:
    """What the file grows by a day, over the last fifth of the days."""
    part = days[-max(2, len(days) // 5) :]
    return (part[-1].file_bytes - part[0].file_bytes) // max(1, len(part) - 1)


def _start_ms(path: Path) -> int:
    """A process of its own that opens the store and loads the meter, without what it takes to start Python."""
    code = (
        "import sys, time; from pathlib import Path; from gateway.ledger.store import Store;"
        " t = time.perf_counter(); s = Store(Path(sys.argv[1])); s.load_meter('grid');"
        " print(round(1e6 * (time.perf_counter() - t)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    return int(done.stdout) // 1000


def _traced(way: str, folder: Path, poll_s: int) -> dict[str, Any]:
    """A day written one way, in a process of its own; its syncs as strace counts them, None without strace."""
    command = [sys.executable, "-m", "hil.bench.ledger_ways", way, str(folder / f"{way}.sqlite"), str(poll_s)]
    strace, counts = shutil.which("strace"), folder / f"{way}.counts"
    if strace is not None:
        command = [strace, "-f", "-c", "-e", "trace=fsync,fdatasync", "-o", str(counts), *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"{way}: {done.stderr.strip()}")
    measured: dict[str, Any] = json.loads(done.stdout)
    syncs = None
    if counts.exists():
        rows = [line.split() for line in counts.read_text().splitlines()]
        syncs = sum(int(row[3]) for row in rows if row and row[-1] in ("fsync", "fdatasync"))
    return {"way": way, **measured, "syncs": syncs}


def _line(day: "Day") -> str:
    return (
        f"day {day.day}: file {day.file_bytes / 1e6:.1f} MB, {day.used_bytes / 1e6:.1f} MB in use, written"
        f" {day.written_bytes / 1e6:.1f} MB in {day.commits} commits, {day.thinned} readings thinned"
    )


def _print(result: dict[str, Any]) -> None:
    whole, thinned = result["whole"], result["thinned"]
    click.echo(f"the file grows by {result['slope_bytes_a_day'] / 1e3:.0f} kB a day at the end")
    click.echo(f"opened and loaded in {sorted(result['start_ms'])[2]} ms (median of five)")
    for name, one in (("all readings", whole), ("thinned to the last day", thinned)):
        word = "the same bits" if one["same"] else "NOT THE SAME"
        click.echo(f"booked again, {name}: {one['readings']:,} readings, {word}, {one['seconds']:.1f} s")
    click.echo(f"in use {result['used_bytes_before'] / 1e6:.1f} MB, thinned {result['used_bytes_after'] / 1e6:.1f} MB")
    for way in result.get("ways", ()):
        click.echo(
            f"a day by {way['way']}: {way['readings']:,} readings, {way['written_bytes'] / 1e6:.1f} MB written,"
            f" {way['written_bytes'] // way['readings']:,} bytes a reading, {way['syncs']} syncs"
        )
