"""Where other people's tariff figures are, and how they are read: exactly, as decimals.

NETMETER_TARIFFS names the folder with the collected figures; default ../shared/data/tariffs beside the checkout.
"""

import csv
import json
import os
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STAGED = Path(os.environ.get("NETMETER_TARIFFS", ROOT / "../shared/data/tariffs"))


def staged(relative: str) -> pytest.MarkDecorator:
    """Skips, with the reason, where the collected figures are not here."""
    place = STAGED / relative
    return pytest.mark.skipif(not place.exists(), reason=f"no collected figures at {place} (NETMETER_TARIFFS)")


def sheet(relative: str) -> dict[str, object]:
    """A collected sheet in TOML."""
    with (STAGED / relative).open("rb") as file:
        return tomllib.load(file, parse_float=Decimal)


def record(relative: str) -> dict[str, object]:
    """A collected record in JSON."""
    return json.loads((STAGED / relative).read_text(encoding="utf-8"), parse_float=Decimal)


def rows(relative: str) -> list[dict[str, str]]:
    """A collected table."""
    with (STAGED / relative).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
