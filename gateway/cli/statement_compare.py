"""`netmeter statement --compare`: one year of an account under several programmes. Writes nothing but the HTML file."""

import json
from datetime import date
from pathlib import Path

import click

from ..account.account_file import AccountFile
from ..account.compare import CompareError, Comparison, Wanted, compare
from ..account.compare_html import compare_html
from ..account.compare_text import compare_json, compare_text
from ..account.energy import EnergyError, EnergyTable
from ..account.programme_file import shipped_programmes
from ..account.registry import ALIASES, MAKERS
from ..account.sources import Fetch, energy_of, production_of
from ..config.hints import did_you_mean

HINT = "--compare"
__all__ = ["CompareError", "as_html", "comparison", "show", "wanted_of"]


def wanted_of(text: str) -> list[Wanted]:
    """`nem1:pge-e-1,nbt:pge-e-elec` as columns. Raises click.BadParameter."""
    found: list[Wanted] = []
    known = sorted({*ALIASES, *(name for name in shipped_programmes() if name in MAKERS)})
    for part in text.split(","):
        programme, colon, tariff = (one.strip() for one in part.partition(":"))
        if not (programme and colon and tariff):
            message = f'"{part.strip()}" is no PROGRAMME:TARIFF, such as nem2:pge-e-tou-c'
            raise click.BadParameter(message, param_hint=HINT)
        if programme not in known:
            mend = did_you_mean(programme, known) or "one of " + ", ".join(known)
            raise click.BadParameter(f'there is no programme "{programme}"; {mend}', param_hint=HINT)
        found.append(Wanted(programme, tariff))
    return found


def comparison(
    account: AccountFile, wanted: list[Wanted], fetch: Fetch, override: Path | None, as_of: date | None
) -> Comparison:
    """Energy fetched, and the year under each programme."""
    terms = account.terms
    energy = energy_of(
        terms.meter,
        account.folder,
        fetch,
        override,
        export_prices=terms.export_prices,
        import_prices=terms.import_prices,
    )
    production: EnergyTable | None = None
    try:
        production = production_of(terms.meter, account.folder, fetch, override)
    except EnergyError:
        if override is None:
            raise
        # A file given for the grid meter alone: then the production is not known, which the comparison tells.
    return compare(account, energy, wanted, production, as_of)


def show(made: Comparison, *, json_: bool) -> None:
    """On standard output."""
    if json_:
        click.echo(json.dumps(compare_json(made), indent=2))
        return
    for text in compare_text(made):
        click.echo(text)


def as_html(made: Comparison) -> str:
    """For --html."""
    return compare_html(made)
