"""Asking the running daemon, from a command. None where no daemon runs for this config."""

from collections.abc import Mapping
from typing import Any

import click

from .. import places
from ..config.types import Config
from ..daemon.control import NoDaemonError, ask


def ask_daemon(config: Config, request: Mapping[str, Any]) -> dict[str, Any] | None:
    """The daemon's answer; None where none is running. A daemon that may not be asked is a ClickException."""
    for path in places.socket_candidates(config):
        try:
            return ask(path, request)
        except NoDaemonError:
            continue
        except PermissionError as error:
            raise click.ClickException(
                f"{path}: this user may not ask the gateway; join the group netmeter or use sudo"
            ) from error
        except (OSError, ValueError) as error:
            raise click.ClickException(f"{path}: the gateway does not answer: {error}") from error
    return None
