"""`netmeter-hil card`: the verb. Loads nothing heavy before it runs."""

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click


@click.command(
    epilog="Example: netmeter-hil card --days 365 --dies-on-day 183 --interval 15.  Progress goes to standard error, "
    "text or one JSON object to standard output.  Exit code: 0 all agree; 1 something does not, or a process broke; 2 "
    "wrong options."
)
@click.option("--days", type=click.IntRange(10, 365), default=62, show_default=True, help="Of the year 2025.")
@click.option("--dies-on-day", type=int, default=36, show_default=True, help="When the card is heard of last.")
@click.option("--interval", type=click.Choice(["15", "30", "60"]), default="60", show_default=True, help="Minutes.")
@click.option("--seed", type=int, default=7, show_default=True, help="Another house.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, resolve_path=True, path_type=Path),
    help="Fill this empty folder, and keep it.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
def card(days: int, dies_on_day: int, interval: str, seed: int, keep: Path | None, as_json: bool) -> None:
    """A card destroyed in mid-year and made again from the collector: does the year come out the same?

    The daemon without wires (house time runs as fast as its ledger takes readings), a real mosquitto and the real
    collector. Two and a half days before its end the card loses the broker; a day after it new hardware goes on. Judged
    are the collector's database, both ledgers and the bills, against what the meters counted and against a twin that
    nothing happened to.
    """
    from ..process import ChildError
    from .year import Plan

    try:
        plan = Plan(days, dies_on_day, int(interval), seed)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise click.UsageError(f"{keep} is not empty")
    try:
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            told = play(plan, keep)
        else:
            with tempfile.TemporaryDirectory(prefix="card-") as name:
                told = play(plan, Path(name))
    except ChildError as error:
        more = "" if keep is not None else "; --keep FOLDER keeps the logs"
        raise click.ClickException(f"{error}{more}") from error
    except OSError as error:
        raise click.ClickException(f"{error.filename or keep}: {error.strerror}") from error
    click.echo(json.dumps(told, indent=2) if as_json else _text(told))
    raise SystemExit(1 if told["findings"] else 0)


def play(plan: Any, folder: Path) -> dict[str, Any]:
    """The year, and what the judge says of it. Raises ChildError."""
    from .bills import compare_bills
    from .judge import judge_collected, judge_restored
    from .life import CardYear
    from .year import METERS

    year = CardYear(plan, folder, lambda line: click.echo(line, err=True))
    year.run()
    verdict = judge_collected(year.database, plan)
    judge_restored(year, verdict)
    differences = compare_bills(year, verdict)
    return {
        "days": plan.days,
        "records": verdict.counts["records"],
        "delivered_before": sum(len(year.delivered[one]) for one in METERS),
        "died_with_the_card": sum(len(year.dead[one]) - len(year.delivered[one]) for one in METERS),
        "unassigned_milliwh": verdict.counts["unassigned_milliwh"],
        "bills": verdict.counts["bills"],
        "bills_that_differ": [asdict(one) for one in differences],
        "findings": [str(one) for one in verdict.findings],
    }


def _text(told: dict[str, Any]) -> str:
    lines = [
        f"{told['records']} records of {told['days']} days, each once; {told['died_with_the_card']} died with the card",
        f"{told['unassigned_milliwh']} mWh flowed unheard and are told as unassigned; all else is in its bucket",
    ]
    for one in told["bills_that_differ"]:
        told_of = f"told as off by up to {one['told_cents']}"
        lines.append(f"bill to {one['last_day']}: {one['cents']} cents from the twin's, {told_of}")
    same = told["bills"] - len(told["bills_that_differ"])
    lines.append(f"{same} of {told['bills']} bills are the twin's to the cent")
    return "\n".join([*lines, *(f"FOUND {one}" for one in told["findings"])])
