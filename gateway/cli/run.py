"""`netmeter run`: the daemon. It has no clock option."""

from pathlib import Path

import click

from .errors import chosen_config, config_of, config_option


@click.command()
@config_option
def run(config_path: Path | None) -> None:
    """Read the meters, book their energy, deliver it; until told to stop.

    \b
    Example:
      netmeter run --config /etc/netmeter-gateway/gateway.toml

    \b
    Exit codes:
      0   stopped by SIGTERM or Ctrl-C
      1   it cannot start: the message says why
      2   the command line is wrong
      70  a fault of its own: the supervisor starts it again
    """
    path = chosen_config(config_path)
    config = config_of(path)
    from ..app import run as run_app

    raise SystemExit(run_app(config, config_path=path))
