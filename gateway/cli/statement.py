"""`netmeter statement`: an account's bills and true-ups from its intervals. Writes nothing but the HTML file."""

import json
import os
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

import click

from ..account.account_file import AccountFile, read_account
from ..account.explain import LineUnknownError, explain, explain_text, having
from ..account.reckon import make_statements
from ..account.sources import Energy
from ..account.statement import Statement, Statements
from ..account.statement_diff import AgainstError, difference_text, differences, read_against
from ..account.statement_json import as_json
from ..account.statement_text import statement_text, summary_text
from ..account.trouble import NotReckonedError, placed
from .account_energy import energy_for, fetcher
from .errors import any_path, fail

EXIT_INCOMPLETE = 3
METHODS = ("to_date", "same_days_last_year", "profile")
"""Of account.projection, which is loaded when it is asked for."""


@click.command()
@click.option(
    "--account", "account_path", metavar="FILE", required=True, type=any_path, help="The account's TOML file."
)
@click.option(
    "--energy",
    "energy_path",
    metavar="FILE",
    type=any_path,
    help="Intervals as CSV or Green Button XML, instead of its sources.",
)
@click.option(
    "--config", "config_path", metavar="PATH", type=any_path, help="Whose store: gateway.toml, if not the usual."
)
@click.option("--period", metavar="N|YYYY-MM", help="One bill: by number, or by the month it ends in; default: all.")
@click.option("--as-of", metavar="DATE", help="Only bills that had ended by that day.")
@click.option(
    "--explain", "explained", metavar="LINE", help="Where each kWh and price of a line came from, by its key."
)
@click.option(
    "--html", "html_path", metavar="FILE", type=any_path, help="Write the bills to FILE, to lay beside the paper."
)
@click.option(
    "--against", "against_path", metavar="FILE", type=any_path, help="Tell what changed since FILE, from --json."
)
@click.option(
    "--compare",
    "compared",
    metavar="PROGRAMME:TARIFF,...",
    help="The newest whole year under other programmes, each with its tariff.",
)
@click.option(
    "--project", "method", type=click.Choice(METHODS), help="What the running year will come to, by this method."
)
@click.option("--profile", "profile_path", metavar="FILE", type=any_path, help="A year of intervals, for profile.")
@click.option(
    "--certificates", "certified", is_flag=True, help="Energy credits of the plant's own meter (Pennsylvania)."
)
@click.option("--json", "json_", is_flag=True, help="Print one JSON object.")
def statement(account_path: Path, **options: Any) -> None:
    """The bills of a net-metering account, from measured intervals: energy by bucket, each line with quantity, rate and
    source, credits before and after, what is due, and at the year's end the true-up.

    The energy comes from where the account says: the gateway's store (also while it runs), or CSV files as
    `netmeter replay --intervals` writes them. Only cycles that have ended are billed. docs/account.md

    \b
    Example:
      netmeter statement --account home.toml
      netmeter statement --account home.toml --period 2026-07 --html july.html
      netmeter statement --account home.toml --energy intervals.csv --json > bills.json
      netmeter statement --account home.toml --period 7 --explain energy.2026-07-01.summer_peak
      netmeter statement --account home.toml --compare nem2:pge-e-tou-c,nbt:pge-e-elec
      netmeter statement --account home.toml --project same_days_last_year --as-of 2026-05-31
      netmeter statement --account home.toml --certificates

    \b
    Exit codes:
      0  reckoned
      1  account, tariff or energy cannot be used: it is said where, and what to do
      2  the command line is wrong
      3  reckoned, but a statement that was asked for is incomplete: energy is missing, and told; or a column of
         --compare, or what --project asks for, could not be computed, which says why; or energy of the projected
         year is missing
    """
    _refuse_overwriting(options["html_path"], account_path, options["energy_path"], options["against_path"])
    account = read_account(account_path)
    as_of = _day(options["as_of"])
    if options["compared"] is not None:
        _compare_programmes(account, as_of, options)
    if options["certified"]:
        _certificates(account, options)
    try:
        energy = energy_for(account, options["config_path"], options["energy_path"])
        if options["method"] is not None:
            _project(account, energy, as_of, options)
        made = make_statements(account, energy, as_of)
        chosen = _chosen(made, options["period"])
        if options["explained"] is not None:
            _explain(made, energy, chosen, options["explained"], options["json_"])
        elif options["against_path"] is not None:
            _compare(made, chosen, options["against_path"], options["json_"])
        else:
            _print(made, chosen, options["period"], options["json_"])
    except NotReckonedError as error:
        fail(placed(account.document, error))
    except (LineUnknownError, AgainstError) as error:
        fail(str(error))
    if options["html_path"] is not None:
        from ..account.statement_html import statement_html

        _write(options["html_path"], statement_html(made, chosen))
    raise SystemExit(0 if all(one.is_whole for one in chosen) else EXIT_INCOMPLETE)


def _project(account: AccountFile, energy: Energy, as_of: date | None, options: Mapping[str, Any]) -> NoReturn:
    from . import statement_project

    for name in ("period", "explained", "against_path", "html_path"):
        if options[name] is not None:
            raise click.UsageError("--project tells the running year alone: leave the other options out")
    told = statement_project.projected(account, energy, as_of, options["method"], options["profile_path"])
    statement_project.show(told, json_=options["json_"])
    is_whole = told["is_whole"] and not (told["why_not"] or told["came_to_why_not"])
    raise SystemExit(0 if is_whole else EXIT_INCOMPLETE)


def _certificates(account: AccountFile, options: Mapping[str, Any]) -> NoReturn:
    from . import statement_certificates

    for name in ("period", "explained", "against_path", "html_path", "method", "as_of"):
        if options[name] is not None:
            raise click.UsageError("--certificates counts the plant's own meter alone: leave the other options out")
    try:
        told = statement_certificates.certified(account, options["config_path"], options["energy_path"])
    except NotReckonedError as error:
        fail(placed(account.document, error))
    statement_certificates.show(told, json_=options["json_"])
    raise SystemExit(0 if told["is_whole"] else EXIT_INCOMPLETE)


def _compare_programmes(account: AccountFile, as_of: date | None, options: Mapping[str, Any]) -> NoReturn:
    from . import statement_compare

    for name in ("period", "explained", "against_path", "method"):
        if options[name] is not None:
            raise click.UsageError("--compare is of a whole year, and of all its lines: leave the other options out")
    wanted = statement_compare.wanted_of(options["compared"])
    try:
        fetch = fetcher(options["config_path"], account.folder)
        made = statement_compare.comparison(account, wanted, fetch, options["energy_path"], as_of)
    except NotReckonedError as error:
        fail(placed(account.document, error))
    except statement_compare.CompareError as error:
        fail(str(error))
    statement_compare.show(made, json_=options["json_"])
    if options["html_path"] is not None:
        _write(options["html_path"], statement_compare.as_html(made))
    raise SystemExit(EXIT_INCOMPLETE if any(one.why_not for one in made.columns) else 0)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(f"{text} is no date; write it as 2026-07-31", param_hint="--as-of") from error


def _chosen(made: Statements, period: str | None) -> Sequence[Statement]:
    """The bill that was asked for, or all of them."""
    if period is None:
        return made.statements
    if period.isascii() and period.isdigit() and len(period) < 5:
        found = [one for one in made.statements if one.number == int(period)]
    else:
        found = [one for one in made.statements if one.slot.cycle.last_day.isoformat()[:7] == period]
    if not found:
        first, last = made.statements[0], made.statements[-1]
        raise click.BadParameter(
            f"there is no bill {period}; there are 1 to {last.number}, which end from "
            f"{first.slot.cycle.last_day:%Y-%m} to {last.slot.cycle.last_day:%Y-%m}",
            param_hint="--period",
        )
    return found


def _print(made: Statements, chosen: Sequence[Statement], period: str | None, json_: bool) -> None:
    if json_:
        click.echo(json.dumps(as_json(made, chosen), indent=2))
        return
    if period is None:
        for text in summary_text(made):
            click.echo(text)
        click.echo()
    for one in chosen if period is not None else chosen[-1:]:
        for text in statement_text(made, one):
            click.echo(text)
        click.echo()
    for note in made.notes:
        click.echo(f"! {note}", err=True)


def _explain(made: Statements, energy: Energy, chosen: Sequence[Statement], key: str, json_: bool) -> None:
    """Of all bills the newest that has the line."""
    told = explain(made, energy, having(chosen, key), key)
    if json_:
        click.echo(json.dumps(told, indent=2))
        return
    for text in explain_text(told):
        click.echo(text)


def _compare(made: Statements, chosen: Sequence[Statement], path: Path, json_: bool) -> None:
    changes = differences(read_against(path, made.account.terms.id), as_json(made, chosen))
    if json_:
        click.echo(json.dumps({"schema": 1, "account": made.account.terms.id, "changes": changes}, indent=2))
        return
    for text in difference_text(changes):
        click.echo(text)


def _refuse_overwriting(html_path: Path | None, *read: Path | None) -> None:
    for one in read:
        try:
            if html_path is not None and one is not None and html_path.samefile(one):
                raise click.UsageError(f"--html would overwrite {one}")
        except OSError:
            continue


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{path}: cannot be written: {os.strerror(error.errno or 0)}")
    click.echo(f"wrote {path}", err=True)
