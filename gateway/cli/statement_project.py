"""`netmeter statement --project`: what the running year will come to, and on own history how far off that was."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from ..account.account_file import AccountFile
from ..account.energy import EnergyError, EnergyTable
from ..account.projection import Method, Projection, came_to, last_day_of, project
from ..account.rows import table_of
from ..account.sources import Energy
from ..account.statement_json import plain

SCHEMA = 1


def projected(
    account: AccountFile, energy: Energy, as_of: date | None, method: str, profile_path: Path | None
) -> dict[str, Any]:
    """The projection as JSON, with what the year came to where the energy after `as_of` tells it."""
    profile = None if profile_path is None else read_profile(profile_path)
    day = last_day_of(account, energy) if as_of is None else min(as_of, last_day_of(account, energy))
    found = project(account, energy, day, Method(method), profile)
    outcome = came_to(account, energy, found)
    actual = outcome.year_due
    return {
        "schema": SCHEMA,
        "account": account.terms.id,
        "currency": account.tariff.currency,
        **_json(found),
        "came_to": None if actual is None else plain(actual),
        "came_to_why_not": outcome.why_not or None,
        "error": None if actual is None or found.year_due is None else plain(found.year_due - actual),
    }


def project_text(told: dict[str, Any]) -> Iterator[str]:
    """The same for a person."""
    yield f"{told['account']}   seen on {told['as_of']}   method {told['method']}"
    if told["why_not"]:
        yield f"  none: {told['why_not']}"
        return
    currency = told["currency"]
    closes = f" to {told['closes']}" if told["closes"] else ", the bills that have ended"
    yield f"  year from {told['first_day']}{closes}; {told['days_estimated']} of {told['days']} days estimated"
    yield f"  due in the year        {told['year_due']:>12} {currency}{'' if told['is_whole'] else ' INCOMPLETE'}"
    if told["low"] is not None:
        yield f"    by earlier years     {told['low']:>12} to {told['high']}"
    if told["true_up_due"] is not None:
        yield f"  the closing bill       {told['true_up_due']:>12} {currency}"
    yield f"  energy charges         {told['energy_charges']:>12} {currency}"
    yield f"  non-bypassable charges {told['non_bypassable']:>12} {currency}"
    if told["came_to"] is not None:
        yield f"  it came to             {told['came_to']:>12} {currency}, off by {told['error']}"
    if told["came_to_why_not"]:
        yield f"  what it came to: none: {told['came_to_why_not']}"
    for note in told["notes"]:
        yield f"  note: {note}"


def show(told: dict[str, Any], *, json_: bool) -> None:
    """On standard output."""
    if json_:
        click.echo(json.dumps(told, indent=2))
        return
    for text in project_text(told):
        click.echo(text)


def read_profile(path: Path) -> EnergyTable:
    """A year of intervals of one meter. Raises EnergyError."""
    from ..account.interval_csv import read_intervals  # brings replay along, which no other way needs

    found = read_intervals(path)
    if len(found) != 1:
        raise EnergyError(f"{path}: a profile has one meter, and this has {', '.join(found) or 'none'}")
    name, rows = next(iter(found.items()))
    return table_of(name or "profile", str(path), rows)


def _json(found: Projection) -> dict[str, Any]:
    money = ("year_due", "true_up_due", "energy_charges", "non_bypassable", "low", "high")
    amounts: dict[str, Decimal | None] = {name: getattr(found, name) for name in money}
    return {
        "method": found.method.value,
        "as_of": found.as_of.isoformat(),
        "why_not": found.why_not,
        "first_day": None if found.first_day is None else found.first_day.isoformat(),
        "closes": None if found.closes is None else found.closes.isoformat(),
        **{name: None if amount is None else plain(amount) for name, amount in amounts.items()},
        "days_estimated": found.days_estimated,
        "days": found.days,
        "is_whole": found.is_whole,
        "notes": list(found.notes),
    }
