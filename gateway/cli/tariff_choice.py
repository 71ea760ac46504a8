"""Which tariff a `netmeter tariff` command means: the one named, else the config's."""

from pathlib import Path

import click

from ..config.problem import ProblemsError
from ..tariff.tariff_file import TariffFile, is_path, read_tariff, shipped_tariffs
from .errors import chosen_config, config_of, fail, told


def chosen_tariff(name: str | None, config_path: Path | None, *, explain: bool = True) -> TariffFile:
    """The tariff with its file; a usage error for two of them. Its mistakes end the command with a message, unless
    the caller wants to tell them itself (`explain` False): then ProblemsError."""
    if name is not None and config_path is not None:
        raise click.UsageError("either TARIFF or --config")
    if name is None:
        name = config_of(chosen_config(config_path)).accounting.tariff
    elif not is_path(name) and name not in shipped_tariffs() and Path(name).is_file():
        fail(f"there is no tariff {name} in the program; to mean the file, write ./{name}")
    try:
        return read_tariff(name)
    except ProblemsError as error:
        if not explain:
            raise
        fail(told(error))
