"""`netmeter-hil bench projection`: how far off a projected year was, by the month in which it was asked for.

Simulated houses over some years; the last of them is projected at the end of each of its months with nothing but what
was known then, and held against what it came to. Every range that was given counts as hit or missed.
"""

import json
import tempfile
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

import click

LAST_YEAR = 2026
PROGRAMMES = ("nem2", "nbt")


@dataclass
class Month:
    """What was found for one month of asking: errors in dollars and as a share of the year, and the ranges."""

    errors: list[Decimal] = field(default_factory=list)
    shares: list[Decimal] = field(default_factory=list)
    ranges: int = 0
    hits: int = 0

    def json(self, programme: str, month: int) -> dict[str, Any]:
        """One row of the table."""
        return {
            "programme": programme,
            "asked_at_the_end_of": month,
            "median_error": f"{median(map(abs, self.errors)):.2f}",
            "worst_error": f"{max(map(abs, self.errors)):.2f}",
            "mean_error": f"{sum(self.errors) / len(self.errors):.2f}",
            "median_percent": f"{median(map(abs, self.shares)):.1f}",
            "ranges": self.ranges,
            "hits": self.hits,
        }


@click.command(
    epilog="Example: netmeter-hil bench projection --houses 10 --json > projection.json.  Figures are in "
    "docs/benchmarks.md.  Exit code: 0 measured; 2 wrong options."
)
@click.option("--houses", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many, by seed.")
@click.option("--years", type=click.IntRange(2, 6), default=4, show_default=True, help="Simulated; the last is asked.")
@click.option(
    "--programme", "programmes", type=click.Choice(PROGRAMMES), multiple=True, default=PROGRAMMES, help="Which; both."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def projection(houses: int, years: int, programmes: tuple[str, ...], as_json: bool) -> None:
    """Projections of a running year (same_days_last_year) against what it came to, by month of asking."""
    found: dict[tuple[str, int], Month] = {}
    with tempfile.TemporaryDirectory(prefix="bench-projection-") as name:
        for seed in range(1, houses + 1):
            click.echo(f"house {seed} of {houses}", err=True)
            _house(Path(name), seed, years, programmes, found)
    rows = [one.json(programme, month) for (programme, month), one in sorted(found.items())]
    if as_json:
        click.echo(json.dumps({"schema": 1, "houses": houses, "years": years, "rows": rows}, indent=2))
        return
    click.echo(
        f"{'':<6} {'asked':>6} {'median USD':>11} {'worst USD':>10} {'mean USD':>9} {'median %':>9} {'in range':>9}"
    )
    for row in rows:
        click.echo(
            f"{row['programme']:<6} {row['asked_at_the_end_of']:>6} {row['median_error']:>11} {row['worst_error']:>10} "
            f"{row['mean_error']:>9} {row['median_percent']:>9} {row['hits']:>4} of {row['ranges']}"
        )


def _house(
    folder: Path, seed: int, years: int, programmes: tuple[str, ...], found: dict[tuple[str, int], Month]
) -> None:
    from gateway.account.projection import Method, came_to, project
    from gateway.account.sources import Energy

    from .projection_house import account_in, energy_of

    first = LAST_YEAR - years + 1
    energy = Energy(energy_of(seed, first, LAST_YEAR), ())
    for programme in programmes:
        account = account_in(folder, programme, first, LAST_YEAR)
        for month in range(1, 12):
            as_of = date(LAST_YEAR, month + 1, 1) - timedelta(days=1)
            told = project(account, energy, as_of, Method.SAME_DAYS_LAST_YEAR)
            outcome = came_to(account, energy, told)
            actual = outcome.year_due
            assert told.year_due is not None, told.why_not
            assert actual is not None, outcome.why_not
            row = found.setdefault((programme, month), Month())
            row.errors.append(told.year_due - actual)
            row.shares.append(100 * (told.year_due - actual) / abs(actual))
            if told.low is not None and told.high is not None:
                row.ranges += 1
                row.hits += told.low <= actual <= told.high
