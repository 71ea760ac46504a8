"""`netmeter statement --certificates`: the energy credits that a plant's own meter has counted. Writes nothing."""

import json
from pathlib import Path
from typing import Any

import click

from ..account.account_file import AccountFile
from ..account.certificates import MILLIWH_PER_WH, certificates_of, must_be_metered
from ..account.energy import EnergyError
from ..account.money import kwh_text
from ..account.pa_checks import tier_of
from ..account.sources import production_of
from ..tariff.calendar import Calendar
from .account_energy import fetcher


def certified(account: AccountFile, config_path: Path | None, override: Path | None) -> dict[str, Any]:
    """All that is told. Raises EnergyError with the mend."""
    stated = None if account.terms.pennsylvania is None else account.terms.pennsylvania.certificates
    generator = account.terms.generator
    if stated is None or generator is None:
        raise EnergyError(
            "the account says nothing of its energy credits: add [generator], and [pennsylvania.certificates] with "
            "owner and installed (docs/programmes.md)",
            at=(),
        )
    production = production_of(account.terms.meter, account.folder, fetcher(config_path, account.folder), override)
    if production is None:
        raise EnergyError(
            'energy credits need a [[meter]] with role = "production": a net meter does not see what the house used of '
            "its own production",
            at=("meter",),
        )
    found = certificates_of(production, Calendar(account.tariff).zone, stated.before_wh * MILLIWH_PER_WH)
    metered, why = must_be_metered(generator, stated)
    return {
        "account": account.terms.id,
        "meter": production.meter,
        "owner": stated.owner,
        "tier": tier_of(generator.technology),
        "must_be_metered": metered,
        "why": why,
        "years": [
            {
                "first_day": one.first_day.isoformat(),
                "last_day": one.last_day.isoformat(),
                "production_milliwh": one.production_milliwh,
                "credits": one.credits,
            }
            for one in found.years
        ],
        "carried_milliwh": found.carried_milliwh,
        "is_whole": found.is_whole,
    }


def show(told: dict[str, Any], *, json_: bool) -> None:
    """On standard output."""
    if json_:
        click.echo(json.dumps(told, indent=2))
        return
    tier = f"tier {told['tier']}" if told["tier"] else "of no tier that the rules list"
    click.echo(f"{told['account']}   energy credits of {told['meter']}, {tier}, owner: {told['owner']}")
    click.echo(f"{'energy year':<24} {'production kWh':>16} {'credits':>8}")
    for one in told["years"]:
        days = f"{one['first_day']} to {one['last_day']}"
        click.echo(f"{days:<24} {kwh_text(one['production_milliwh']):>16} {one['credits']:>8}")
    click.echo(f"carried towards the next: {kwh_text(told['carried_milliwh'])} kWh")
    click.echo(told["why"])
    if not told["is_whole"]:
        click.echo("incomplete: for a part of this time the production is not known", err=True)
