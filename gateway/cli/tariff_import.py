"""`netmeter tariff import-urdb`: a record of the Utility Rate Database becomes a tariff file.

What URDB cannot say is asked for by options; as long as a question is open nothing is written. Reads one file and
writes at most one; never goes to the network.
"""

import json
import os
import re
from datetime import date, datetime
from pathlib import Path
from typing import NoReturn

import click

from ..config.problem import ProblemsError
from ..tariff.urdb_file import read_urdb
from ..tariff.urdb_questions import LAST, NONE, UNKNOWN, Answers, Question, Service, non_bypassable_of, open_questions
from ..tariff.urdb_record import UrdbRate, parse_rate
from ..tariff.urdb_shape import inner_edges, runs_of
from ..tariff.urdb_text import Imported, import_rate
from .errors import any_path, told

EXIT_REFUSED = 1
EXIT_QUESTIONS = 3
_EDGE = re.compile(r"(\d\d):00=(\d\d):(\d\d)")


def _edge(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """`16:00=16:30` -> (16, 990)."""
    made: dict[int, int] = {}
    for value in values:
        found = _EDGE.fullmatch(value)
        hour, minute = (int(found[1]), int(found[2]) * 60 + int(found[3])) if found else (0, 0)
        if found is None or int(found[3]) > 59 or abs(minute - hour * 60) >= 60:
            raise click.BadParameter(f"{value!r} is no edge: write 16:00=16:30, less than an hour apart")
        made[hour] = minute
    return tuple(made.items())


def _tier(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and value != LAST and not re.fullmatch(r"[1-9]\d?", value):
        raise click.BadParameter(f"{value!r} is neither {LAST} nor a number from 1")
    return value


@click.command("import-urdb")
@click.argument("file", type=any_path, metavar="FILE.json")
@click.option("--label", metavar="ID", help="Which record, where the file has several.")
@click.option("--out", type=any_path, metavar="FILE.toml", help="Where to write it; default: standard output.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.option("--zone", metavar="ZONE", help="Time zone of the hours, such as America/Los_Angeles.")
@click.option("--standard-time", is_flag=True, help="The hours go by standard time all year, not by the wall's clock.")
@click.option("--holidays", metavar="NAME", help=f'"{NONE}", or a list of days with the hours of a weekend.')
@click.option("--whole-hours", is_flag=True, help="The sheet, too, changes at whole hours.")
@click.option("--edge", "edges", multiple=True, callback=_edge, metavar="HH:00=HH:MM", help="It changes there instead.")
@click.option("--non-bypassable", metavar="PRICE", help=f'USD per kWh that no export can offset, or "{UNKNOWN}".')
@click.option("--tier", metavar="N", callback=_tier, help=f'Which tier\'s price stands for all: 1, 2 ... or "{LAST}".')
@click.option("--service", type=click.Choice([one.value for one in Service]), help="What the price is for.")
@click.option("--fixed-per", type=click.Choice(["day", "month", "year"]), help="How often the fixed charge is due.")
@click.option("--effective", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="The first day on which it holds.")
@click.option("--id", "tariff_id", metavar="NAME", help="The tariff's id; default: made from its name.")
@click.option("--name", metavar="TEXT", help="The tariff's name; default: the record's.")
@click.option("--utility", metavar="TEXT", help="The utility; default: the record's.")
@click.option("--json", "as_json", is_flag=True, help="Tell what happened as one JSON object on standard output.")
def import_urdb(
    file: Path,
    label: str | None,
    out: Path | None,
    force: bool,
    zone: str | None,
    standard_time: bool,
    holidays: str | None,
    whole_hours: bool,
    edges: tuple[tuple[int, int], ...],
    non_bypassable: str | None,
    tier: str | None,
    service: str | None,
    fixed_per: str | None,
    effective: datetime | None,
    tariff_id: str | None,
    name: str | None,
    utility: str | None,
    as_json: bool,
) -> None:
    """Make a tariff file of a record of the Utility Rate Database (URDB, version 3 or later, JSON).

    URDB knows no holidays, half hours, time zone or non-bypassable part of a price. Where the record leaves a
    question open, the command says which options answer it, and writes nothing. Tiers, demand charges and what is
    paid for export are not imported: they are told, and stand in the file as not_included.

    \b
    Example:
      netmeter tariff import-urdb rate.json
      netmeter tariff import-urdb rate.json --zone America/New_York --holidays none --whole-hours \\
          --non-bypassable unknown --service bundled --out my-tariff.toml
      netmeter tariff check ./my-tariff.toml

    \b
    Exit codes:
      0  imported
      1  the record cannot become a tariff, or the file cannot be written
      2  the command line is wrong
      3  questions are open: nothing is written
    """
    answers = Answers(
        zone=zone,
        holidays=holidays,
        whole_hours=whole_hours,
        edges=edges,
        non_bypassable=non_bypassable,
        tier=tier,
        service=None if service is None else Service(service),
        fixed_per=fixed_per,
        effective=None if effective is None else date(effective.year, effective.month, effective.day),
        id=tariff_id,
        name=name,
        utility=utility,
        standard_time=standard_time,
    )
    try:
        non_bypassable_of(answers)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--non-bypassable") from None
    try:
        rate = parse_rate(read_urdb(file, label))
        _check_edges(rate, answers)
        questions = open_questions(rate, answers)
        if questions:
            _ask(file, rate, questions, as_json)
        imported = import_rate(rate, answers)
    except ProblemsError as error:
        _refuse(error, as_json)
    if out is not None:
        _write(out, imported.text, force)
    _tell(imported, out, as_json)


def _check_edges(rate: UrdbRate, answers: Answers) -> None:
    runs = runs_of(rate)
    there = inner_edges(runs)
    for hour, _ in answers.edges:
        if hour not in there:
            listed = ", ".join(f"{one:02d}:00" for one in there) or "none"
            raise click.BadParameter(f"nothing changes at {hour:02d}:00; edges are {listed}", param_hint="--edge")
    moved = dict(answers.edges)
    for run in runs:
        if moved.get(run.start_hour, run.start_hour * 60) >= moved.get(run.end_hour, run.end_hour * 60):
            message = f"the change at {run.start_hour:02d}:00 is moved beyond the one at {run.end_hour:02d}:00"
            raise click.BadParameter(f"{message}: the hours between them would be gone", param_hint="--edge")


def _ask(file: Path, rate: UrdbRate, questions: tuple[Question, ...], as_json: bool) -> NoReturn:
    if as_json:
        asked = [{"option": one.option, "question": one.question} for one in questions]
        click.echo(json.dumps({"imported": False, "label": rate.text("label"), "questions": asked}, indent=2))
    else:
        click.echo(f"Error: {file}: URDB leaves {_counted(len(questions))} open; nothing is written", err=True)
        for one in questions:
            click.echo(f"  {one}", err=True)
    raise click.exceptions.Exit(EXIT_QUESTIONS)


def _counted(count: int) -> str:
    return "1 question" if count == 1 else f"{count} questions"


def _refuse(error: ProblemsError, as_json: bool) -> NoReturn:
    if as_json:
        problems = [one.as_json() for one in error.problems]
        click.echo(json.dumps({"imported": False, "problems": problems}, indent=2))
    else:
        click.echo(f"Error: {told(error)}", err=True)
    raise click.exceptions.Exit(EXIT_REFUSED)


def _write(out: Path, text: str, force: bool) -> None:
    """Whole or not at all: written beside and put in place."""
    if out.exists() and not force:
        raise click.ClickException(f"{out} is there already: choose another name, or --force to write over it")
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(out)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise click.ClickException(f"{out} cannot be written: {error.strerror}") from None


def _tell(imported: Imported, out: Path | None, as_json: bool) -> None:
    if as_json:
        made = {
            "imported": True,
            "tariff": imported.tariff_id,
            "file": None if out is None else str(out),
            "flags": list(imported.flags),
            "not_included": list(imported.not_included),
            "notes": list(imported.notes),
        }
        click.echo(json.dumps(made if out is not None else made | {"text": imported.text}, indent=2))
        return
    if out is None:
        click.echo(imported.text, nl=False)
    else:
        click.echo(f"wrote {out}: look at it with netmeter tariff check {_as_path(out)}")
    for words, lines in (("read", imported.notes), ("not included", imported.not_included), ("flag", imported.flags)):
        for line in lines:
            click.echo(f"{words}: {line}", err=True)


def _as_path(out: Path) -> str:
    return str(out) if out.is_absolute() or "/" in str(out) else f"./{out}"
