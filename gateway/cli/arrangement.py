"""`netmeter arrangement`: the statements of all accounts that share one plant, in one go. Writes HTML files alone."""

import json
import os
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import click

from ..account.arrangement.arrange import SHARE_NOTE, Arranged, arranged
from ..account.arrangement.arrangement_file import read_arrangement
from ..account.arrangement.arrangement_json import arrangement_json
from ..account.arrangement.arrangement_text import arrangement_text, lease_text
from ..account.explain import LineUnknownError, explain, explain_text, having
from ..account.statement_text import statement_text, summary_text
from ..account.trouble import NotReckonedError, placed
from ..config.types import Role
from .account_energy import fetcher
from .errors import any_path, fail
from .progress import Progress

EXIT_INCOMPLETE = 3
NOT_BILLED = "not billed"
"""So begins the sentence of a cycle that has not ended; each member has figures of its own in it."""


@click.command()
@click.argument("path", metavar="FILE", type=any_path)
@click.option("--member", metavar="ID", help="The statements of this member alone, the newest one whole.")
@click.option(
    "--explain", "explained", metavar="LINE", help="With --member: where each kWh and price of a line came from."
)
@click.option("--as-of", metavar="DATE", help="Only bills that had ended by that day.")
@click.option(
    "--html", "html_folder", metavar="FOLDER", type=any_path, help="Write each member's bills to FOLDER/ID.html."
)
@click.option(
    "--config", "config_path", metavar="PATH", type=any_path, help="Whose store: gateway.toml, if not the usual."
)
@click.option("--json", "json_", is_flag=True, help="One JSON object, for programs.")
def arrangement(
    path: Path,
    member: str | None,
    explained: str | None,
    as_of: str | None,
    html_folder: Path | None,
    config_path: Path | None,
    json_: bool,
) -> None:
    """Reckon the bills of all accounts that share one plant: flats under one array, a farm's meters, a host and others.

    FILE names the plant, its members, and who gets how much since when (docs/arrangements.md). A member is an account
    with a meter of its own: on any gateway, in a collector's database, in a CSV file.

    \b
    Examples:
      netmeter arrangement building.toml
      netmeter arrangement building.toml --member unit-07
      netmeter arrangement building.toml --member unit-07 --explain energy.2026-07-01.summer_peak
      netmeter arrangement building.toml --html bills
      netmeter arrangement building.toml --as-of 2026-06-30 --json > june.json

    \b
    Exit codes:
      0  reckoned
      1  arrangement, account, tariff or energy cannot be used: it is said where, and what to do
      2  the command line is wrong
      3  reckoned, but a statement is incomplete: energy is missing, and told
    """
    file = read_arrangement(path)
    if member is not None and member not in file.accounts:
        raise click.BadParameter(f"{member} is no member; there are " + ", ".join(file.accounts), param_hint="--member")
    if explained is not None and member is None:
        raise click.UsageError("--explain is of one member's line: say whose with --member")
    progress = Progress("members")
    try:
        made = arranged(file, lambda folder: fetcher(config_path, folder), _day(as_of), progress)
    except NotReckonedError as error:
        fail(placed(file.document, error))
    finally:
        progress.end()
    if not any(one.statements for one in made.statements.values()):
        fail("no member has a bill: " + "; ".join(dict.fromkeys(_of_members(made))))
    if member is not None and (explained or not json_) and not made.statements[member].statements:
        fail(f"{member}: {'; '.join(made.statements[member].notes)}")
    chosen = [member] if member is not None else list(file.accounts)
    if explained is not None and member is not None:
        _explain(made, member, explained, json_)
    elif json_:
        click.echo(json.dumps(arrangement_json(made, chosen), indent=2))
    else:
        _print(made, member)
    if html_folder is not None:
        _write_all(made, chosen, html_folder)
    raise SystemExit(0 if made.is_whole_of(chosen) else EXIT_INCOMPLETE)


def _explain(made: Arranged, member: str, key: str, json_: bool) -> None:
    statements = made.statements[member]
    try:
        one = having(statements.statements, key)
        told = explain(statements, made.energies[member], one, key)
    except LineUnknownError as error:
        fail(str(error))
    if json_:
        click.echo(json.dumps(told, indent=2))
        return
    for text in explain_text(told):
        click.echo(text)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(f"{text} is no date; write it as 2026-07-31", param_hint="--as-of") from error


def _print(made: Arranged, member: str | None) -> None:
    if member is None:
        for text in arrangement_text(made):
            click.echo(text)
    else:
        statements = made.statements[member]
        for text in summary_text(statements):
            click.echo(text)
        click.echo()
        for text in statement_text(statements, statements.statements[-1]):
            click.echo(text)
    owed = list(lease_text(made, member))
    for text in ["", *owed] if owed else []:
        click.echo(text)
    notes = [*made.notes, *(_of_members(made) if member is None else made.statements[member].notes)]
    for note in dict.fromkeys(notes):
        click.echo(f"! {note}", err=True)


def _of_members(made: Arranged) -> Iterator[str]:
    """What is told of members, once where it is told of many in the same words."""
    by_note: dict[str, list[str]] = {}
    for name, statements in made.statements.items():
        meters = " + ".join(one.name for one in statements.account.terms.meter if one.role is Role.GRID)
        for note in statements.notes:
            same = note.replace(f"{meters} ", "its meter ", 1) if note.startswith(f"{meters} ") else note
            if note.startswith(NOT_BILLED):
                same = f"{note.partition(',')[0]}; --member tells each one's energy"
            if SHARE_NOTE not in note:
                by_note.setdefault(same, []).append(name)
    for note, names in by_note.items():
        whom = f"{len(names)} members" if len(names) > 3 else ", ".join(names)
        yield f"{whom}: {note}"


def _write_all(made: Arranged, chosen: Sequence[str], folder: Path) -> None:
    from ..account.statement_html import statement_html

    billed = [name for name in chosen if made.statements[name].statements]
    try:
        folder.mkdir(exist_ok=True)
        for name in billed:
            statements = made.statements[name]
            path = folder / f"{name}.html"
            path.write_text(statement_html(statements, statements.statements), encoding="utf-8")
    except OSError as error:
        fail(f"{folder}: cannot be written: {os.strerror(error.errno or 0)}")
    click.echo(f"wrote {len(billed)} {'page' if len(billed) == 1 else 'pages'} into {folder}", err=True)
