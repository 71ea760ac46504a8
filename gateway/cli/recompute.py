"""`netmeter recompute`: the stored readings booked again, by the config's tariff or another one, beside the ledger.

Asks the running gateway, which alone opens its store; without one the store is opened here, under its lock.
"""

import json
from pathlib import Path
from typing import Any

import click

from ..config.types import Config
from ..tariff.tariff_file import is_path
from .daemon import ask_daemon
from .errors import calendar_of, chosen_config, config_of, config_option, fail
from .progress import Progress
from .text import kwh

EXIT_DIFFERS = 3
DIFFERENCES_SHOWN = 5


@click.command()
@click.option("--tariff", metavar="NAME", help="By another tariff, a shipped one or a file; not with --apply.")
@click.option(
    "--apply", is_flag=True, help="Make the ledger what was found: a new revision of each record that differs."
)
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def recompute(tariff: str | None, apply: bool, config_path: Path | None, as_json: bool) -> None:
    """Book all stored readings again and hold the result against the ledger: every bucket, every interval.

    By the tariff that it was booked with, it is the same to the last bit, thinned or not. By a tariff that was
    corrected it tells what would change. Without --apply nothing is written. To correct a ledger: correct the tariff,
    restart the gateway, look at `netmeter recompute`, then say --apply. Nothing is overwritten: each record that
    differs gets a revision that supersedes it.

    \b
    Example:
      netmeter recompute
      netmeter recompute --tariff corrected.toml --json
      netmeter recompute --apply

    \b
    Exit codes:
      0  the ledger is what its readings say; with --apply: it is now
      1  it cannot be reckoned: the message says why
      2  the command line is wrong
      3  the ledger differs: it is told
    """
    if tariff is not None and apply:
        raise click.UsageError(
            "--apply goes by the config's tariff: name the corrected one there, restart the gateway, then apply"
        )
    path = chosen_config(config_path)
    config = config_of(path)
    found = _found(config, path.resolve().parent, tariff, apply)
    if found.get("error"):
        fail(str(found["error"]))
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        for meter in found["meters"]:
            _print(meter)
        _print_end(found, apply)
    if found.get("warning"):
        fail(str(found["warning"]))
    raise SystemExit(0 if found["same"] or apply else EXIT_DIFFERS)


def _found(config: Config, folder: Path, tariff: str | None, apply: bool) -> dict[str, Any]:
    progress = Progress("readings")
    if tariff is not None:
        calendar_of(tariff)  # its mistakes are told here, as everywhere
    name = str(Path(tariff).resolve()) if tariff is not None and is_path(tariff) else tariff or ""
    try:
        answer = ask_daemon(config, {"command": "recompute", "tariff": name, "apply": apply})
        while answer is not None and "result" not in answer and "error" not in answer:
            progress("booking again", answer["done"], answer["total"])
            answer = ask_daemon(config, {"command": "recompute", "job": answer["job"]})
            if answer is None:
                fail("the gateway ended meanwhile; nothing is known of what it found")
        if answer is not None:
            result: dict[str, Any] = answer.get("result", answer)
            return result
        return _in_store(config, folder, tariff, apply, progress)
    finally:
        progress.end()


def _in_store(config: Config, folder: Path, tariff: str | None, apply: bool, progress: Progress) -> dict[str, Any]:
    """No gateway runs."""
    from drivers import DriverError

    from ..daemon.recompute_desk import DeskError, recompute_in_store

    calendar = calendar_of(tariff or config.accounting.tariff)

    def tell(done: int, total: int) -> None:
        progress("booking again", done, total)

    try:
        return recompute_in_store(config, folder, calendar, apply=apply, tell=tell)
    except (DeskError, DriverError) as error:
        return {"error": str(error)}


def _print(meter: dict[str, Any]) -> None:
    click.echo(
        f"meter {meter['meter']}: {meter['readings']:,} readings and {meter['intervals']:,} intervals booked again:"
        f" {'the same, to the last bit' if meter['same'] else 'NOT the same'}"
    )
    if not meter["since_the_beginning"]:
        click.echo(
            "  from where the account stood when its store was made or repaired; earlier readings tell too little"
        )
    if meter["same"]:
        return
    if meter["records_changed"] or meter["edges_gone"]:
        click.echo(f"  {meter['records_changed']:,} records would change, {meter['edges_gone']:,} would be emptied")
    if meter["new_edges"]:
        click.echo(
            f"  {meter['new_edges']:,} edges are new inside old intervals: what flowed on either side of them is"
            " estimated from the readings around them, and told as uncertain"
        )
    for one in meter["buckets"]:
        grown = one["recomputed_milliwh"] - one["ledger_milliwh"]
        doubt = one["recomputed_uncertain_milliwh"] - one["ledger_uncertain_milliwh"]
        if grown or doubt:
            sign, doubt_sign = "+" if grown >= 0 else "-", "+" if doubt >= 0 else "-"
            click.echo(
                f"  {one['direction']:<7} {one['bucket']:<24} {sign}{kwh(abs(grown)):>16}"
                f"   uncertain {doubt_sign}{kwh(abs(doubt))}"
            )
    if meter["corrections_left_out"]:
        click.echo(f"  {meter['corrections_left_out']} corrections by a load profile are not in it")


def _print_end(found: dict[str, Any], apply: bool) -> None:
    if apply:
        click.echo(f"applied: {found['applied']:,} records have a new revision, by tariff {found['tariff']}")
    elif found["same"]:
        click.echo(f"the ledger is what its readings say, by tariff {found['tariff']}")
    else:
        click.echo(f"by tariff {found['tariff']} the ledger would be another; nothing was written")
