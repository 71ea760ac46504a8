"""What an [[account]] of gateway.toml must fulfil beyond its types. The account's own file is read by who reckons it:
its read dates change every month, and a gateway that reads meters does not stop for a slip in them.
"""

from .convert import Converter, Fields
from .document import Document
from .hosts import mode_of, resolved
from .problem import TomlPath
from .rules import NAME, NAME_MEND
from .types import ProjectionMethod, Role


def check_accounts(document: Document, converter: Converter) -> None:
    """Names, files and the meter that is billed. Notes problems; changes nothing."""
    tables = converter.tables
    accounts = {path: fields for path, fields in tables.items() if path[:1] == ("account",) and len(path) == 2}
    names: set[str] = set()
    for path, fields in accounts.items():
        _check_name(document, path, fields, names)
        for key in ("file", "profile"):
            _check_file(document, path, fields, key)
        _check_profile(document, path, fields)
    roles = [fields.values.get("role") for path, fields in tables.items() if path[:1] == ("meter",) and len(path) == 2]
    if accounts and roles and Role.GRID not in roles:
        mend = 'give the meter that the utility bills role = "grid"'
        document.add(next(iter(accounts)), "no meter of this gateway faces the grid, so no account can be kept", mend)


def _check_name(document: Document, path: TomlPath, fields: Fields, names: set[str]) -> None:
    name = fields.text("name")
    if name is None:
        return
    if not NAME.fullmatch(name):
        document.add((*path, "name"), f'name "{name}" cannot be used', NAME_MEND, value=name)
    if name in names:
        document.add((*path, "name"), f"there are two accounts {name}", "each needs a topic of its own", value=name)
    names.add(name)


def _check_file(document: Document, path: TomlPath, fields: Fields, key: str) -> None:
    name = fields.text(key)
    if name and mode_of(resolved(document.folder, name)) is None:
        mend = "paths are relative to this file's folder; docs/account.md tells how to write one"
        document.add((*path, key), f"{key} {name} is not there", mend, value=name)
    if name == "" and key == "file":
        document.add((*path, key), 'file = "" names no account', "name the account's TOML file", value=name)


def _check_profile(document: Document, path: TomlPath, fields: Fields) -> None:
    is_profile = fields.values.get("project") == ProjectionMethod.PROFILE
    if is_profile != bool(fields.text("profile")):
        message = 'project = "profile" and profile = FILE go together'
        mend = "name a CSV file with a year of intervals, or choose to_date or same_days_last_year"
        document.add((*path, "project"), message, mend)
