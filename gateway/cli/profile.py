"""`netmeter profile`: which meter profiles there are, whether one's own is right, and the page made from them all.

Only reads profile files; asks no device.
"""

import json
from pathlib import Path

import click

from drivers import ProfileError, load_profile, shipped_profiles
from drivers.profile_find import shipped_optical
from drivers.profile_trial import untrue

from ..config.document import read_document
from ..config.slips import other_kind


@click.group()
def profile() -> None:
    """List the meter profiles; check one of your own by its own vectors.

    \b
    Example:
      netmeter profile list
      netmeter profile check ./my-meter.toml

    Exit codes stand with each command.
    """


@profile.command("list", epilog="Example: netmeter profile list --json.  Exit code: 0 fine.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_profiles(as_json: bool) -> None:
    """Name the profiles that come with the program."""
    lines = {"modbus": shipped_profiles(), "optical": shipped_optical()}
    found = {line: [load_profile(name) for name in names] for line, names in lines.items()}
    if as_json:
        rows = [
            {"name": one.name, "line": line, "vendor": one.vendor, "title": one.title, "remark": one.remark}
            for line, profiles in found.items()
            for one in profiles
        ]
        click.echo(json.dumps({"profiles": rows}))
        return
    width = max(len(one.name) for profiles in found.values() for one in profiles)
    for line, profiles in found.items():
        click.echo({"modbus": "Modbus and SunSpec:", "optical": "On an optical port (IEC 62056-21):"}[line])
        for one in profiles:
            names_vendor = one.vendor == "any" or one.title.startswith(one.vendor)
            click.echo(f"  {one.name:{width}}  {one.title if names_vendor else f'{one.vendor} {one.title}'}")


@profile.command(
    epilog="Example: netmeter profile check ./my-meter.toml.  Exit code: 0 every vector holds; 1 the file is wrong or "
    "a vector does not hold; 2 wrong options."
)
@click.argument("names", metavar="NAME_OR_FILE...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(names: tuple[str, ...], as_json: bool) -> None:
    """Read a profile strictly, and try it on its own vectors."""
    results = {name: _tried(name) for name in names}
    if as_json:
        click.echo(json.dumps({"profiles": results}))
    else:
        for name, wrong in results.items():
            click.echo(f"{name}: " + ("every vector holds" if not wrong else "\n  ".join(["wrong", *wrong])))
    raise SystemExit(1 if any(results.values()) else 0)


def _tried(name: str) -> list[str]:
    try:
        return list(untrue(load_profile(name, (Path(),))))
    except ProfileError as error:
        document = read_document(Path(name))
        other = other_kind(document.table, ("family",)) if document.readable else None
        if other is not None:
            return [f"is {other[0]}, and another kind of file is wanted: {other[1]} {name}"]
        return [str(error)]


@profile.command(epilog="Example: netmeter profile table > docs/meters.md.  Exit code: 0 fine.")
def table() -> None:
    """Print docs/meters.md: every map with its registers, resolutions and sources."""
    from ..reading.meter_table import meter_table

    click.echo(meter_table([load_profile(name) for name in shipped_profiles()]), nl=False)
