"""Opens a store as the daemon does, and closes it. Usage: open_runner STORE. For tests that kill it half way."""

import sys
from pathlib import Path

from gateway.ledger.epochs import Machine, Owner
from gateway.ledger.opening import Opener
from gateway.ledger.schema import migrate
from tests.pipeline.world import NOON_US


def make(path: Path) -> None:
    migrate(path)


if __name__ == "__main__":
    opened = Opener(Path(sys.argv[1]), Owner("home", Machine("m1", "b1"), NOON_US), ["grid"], make).open()
    print(opened.store.epoch.reason)
    opened.store.close()
