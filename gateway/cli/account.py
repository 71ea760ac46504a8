"""`netmeter account`: what the running bill has come to, and what its year will. The daemon publishes the same record.

Writes nothing. Which energy is counted is said by `--at`; nothing here asks for the time.
"""

import contextlib
import json
import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from ..account.account_file import AccountFile, read_account
from ..account.cost_dates import cost_dates
from ..account.energy import EnergyTable
from ..account.projection import Method, project, year_on
from ..account.running import known_until, running
from ..account.running_json import date_json, dates_record, projection_record, running_record
from ..account.sources import Energy
from ..account.statement_json import SCHEMA
from ..account.trouble import NotReckonedError, placed
from ..publish.account import BANK_PREFIX, KEYS
from ..tariff.calendar import Calendar
from ..tariff.walltime import parse_time, to_datetime
from .account_energy import energy_for
from .account_text import account_text
from .errors import any_path, fail
from .statement import EXIT_INCOMPLETE, METHODS
from .statement_project import read_profile


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
@click.option("--at", "at", metavar="TIME", help="Count energy up to then, as 2026-07-15T16:00; default: all there is.")
@click.option(
    "--project",
    "method",
    type=click.Choice(METHODS),
    default="to_date",
    show_default=True,
    help="How to fill the days to come.",
)
@click.option("--profile", "profile_path", metavar="FILE", type=any_path, help="A year of intervals, for profile.")
@click.option("--json", "json_", is_flag=True, help="Print one JSON object.")
@click.option("--gently", is_flag=True, hidden=True, help="Give way to other processes.")
def account(account_path: Path, json_: bool, gently: bool, **options: Any) -> None:
    """The running bill to date (energy to the last interval, charges to the end of that day), banks, what the bill and
    the true-up will come to, and the dates ahead that cost money. What `netmeter run` publishes for an [[account]].

    \b
    Example:
      netmeter account --account home.toml
      netmeter account --account home.toml --at 2026-07-15T16:00 --json
      netmeter account --account home.toml --project same_days_last_year

    \b
    Exit codes:
      0  reckoned
      1  account, tariff or energy cannot be used: it is said where, and what to do
      2  the command line is wrong
      3  reckoned, but energy of the running bill or of its year is missing, or what --project asks for could not be
         computed: it says why
    """
    if gently:
        with contextlib.suppress(OSError):  # a service may be forbidden to
            os.nice(19)
    if options["method"] == Method.PROFILE and options["profile_path"] is None:
        raise click.UsageError("--project profile needs --profile FILE, with a year of intervals")
    known = read_account(account_path)
    try:
        told = _told(known, options)
    except NotReckonedError as error:
        fail(placed(known.document, error))
    if json_:
        click.echo(json.dumps(told, indent=2))
    else:
        for text in account_text(told, Calendar(known.tariff).zone):
            click.echo(text)
    failed = told["projection_why_not"] and told["projection"] != Method.TO_DATE
    raise SystemExit(EXIT_INCOMPLETE if failed or not told["year_is_whole"] else 0)


def _told(known: AccountFile, options: Mapping[str, Any]) -> dict[str, Any]:
    until_us = _instant(known, options["at"])
    energy = energy_for(known, options["config_path"], options["energy_path"])
    profile = None if options["profile_path"] is None else read_profile(options["profile_path"])
    return reckoned(known, energy, until_us, Method(options["method"]), profile)


def reckoned(
    known: AccountFile, energy: Energy, until_us: int | None, method: Method, profile: EnergyTable | None = None
) -> dict[str, Any]:
    """The record of `publish.account`, with `dates` besides. Raises what `running` raises."""
    now = running(known, energy, until_us)
    counted = Energy(known_until(energy.table, now.until_us), energy.notes, energy.export_prices, energy.import_prices)
    zone = Calendar(known.tariff).zone
    # A projection sees whole days: up to the last one that has ended.
    seen = to_datetime(now.until_us, zone).date() - timedelta(days=1)
    year = year_on(known, counted, now.day)
    found = project(known, counted, seen, method, profile, on=now.day)
    dates = cost_dates(known, counted, now, year, found)
    projected = projection_record(known.terms, now.day, year, found)
    record = {**running_record(known, now), **projected, **dates_record(dates)}
    banks = {key: value for key, value in record.items() if key.startswith(BANK_PREFIX)}
    return {
        "schema": SCHEMA,
        "account": known.terms.id,
        **{key: record.get(key) for key in KEYS},
        **banks,
        "dates": [date_json(one, now.day) for one in dates],
    }


def _instant(known: AccountFile, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_time(text, Calendar(known.tariff).zone)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--at") from error
