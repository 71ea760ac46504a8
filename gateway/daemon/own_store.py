"""The daemon's own store: found, opened in whatever state it is, made and migrated by a process of its own.

What had to be done for it is logged. Where it cannot be opened the daemon does not start, and the store stays as it is.
"""

import subprocess
import sys
from pathlib import Path

from .. import places
from ..clock import Clock
from ..config.types import Config
from ..ledger.epochs import Owner
from ..ledger.lock import StoreLockedError
from ..ledger.opening import Opener
from ..ledger.store import Store
from ..ledger.store_error import EXIT_DAMAGED, DamagedError, StoreError
from ..log import event_line, logger
from ..machine import this_machine


class StartError(Exception):
    """The daemon cannot start; the message says why and what to do."""


def open_store(config: Config, clock: Clock) -> Store:
    """The store of a config, locked. Raises StartError."""
    try:
        path = places.store_path(config)
    except places.PlaceError as error:
        raise StartError(str(error)) from error
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = Owner(config.gateway.id, this_machine(), clock.wall_us())
        if not (owner.machine.machine or owner.machine.board):
            logger.info(event_line("machine_unknown", why="neither machine-id nor board serial: no clone is noticed"))
        opened = Opener(path, owner, [section.name for section in config.meter], make_or_migrate).open()
        for event, detail in opened.told:
            logger.warning(event_line(event, **detail))
        return opened.store
    except (StoreLockedError, StoreError) as error:
        raise StartError(str(error)) from error
    except OSError as error:
        raise StartError(
            f"store {path}: {error.filename or path}: {error.strerror}; see to that, or set [store] path to a file"
            " in a folder that this user can write"
        ) from error


def make_or_migrate(path: Path) -> None:
    """In a process of its own: sqlite-utils brings numpy, which must not stay here. Raises DamagedError, StartError."""
    command = [sys.executable, "-m", "gateway.cli", "migrate", str(path)]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    told = (outcome.stderr.strip() or outcome.stdout.strip()).removeprefix("Error: ")
    if outcome.returncode == EXIT_DAMAGED:
        raise DamagedError(told)
    if outcome.returncode:
        raise StartError(f"cannot make the store {path}: {told}")
