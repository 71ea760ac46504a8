"""An account's file for tests, with what a test changes put in by line."""

from pathlib import Path

from gateway.account.account_file import AccountFile, read_account

PLAIN_ACCOUNT = """\
format = 1
id = "home"
name = "Home"
tariff = "pge-e-tou-c"
[customer]
utility = "pge"
baseline = "basic_x"
base_services_tier = "tier_3"
[[programme]]
name = "nem2"
from = 2025-01-01
[[meter]]
name = "grid"
from = "csv"
file = "intervals.csv"
[billing]
months = true
"""


def text(*changes: tuple[str, str], more: str = "") -> str:
    """The account with pieces replaced, each of which must be there."""
    made = PLAIN_ACCOUNT
    for old, new in changes:
        assert old in made
        made = made.replace(old, new)
    return made + more


def account(folder: Path, *changes: tuple[str, str], more: str = "") -> AccountFile:
    """The same, read."""
    path = folder / "home.toml"
    path.write_text(text(*changes, more=more), encoding="utf-8")
    return read_account(path)
