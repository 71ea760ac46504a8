"""Starts the daemon with a bug: one loop that hangs for ever once a file exists. A prefix for `House.start_daemon`.

    python hung.py LOOP FILE python -P -u -m hil.gateway_process OPTIONS

The loops' own deadlines are cut to seconds, so that a test need not wait for those of a slow machine.
"""

import runpy
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway import pulse
from gateway.daemon import bookkeeper, control
from gateway.publish import publisher
from gateway.reading import turns

QUICK_S = 2.0
LOOPS: dict[str, tuple[type, str]] = {
    "line": (turns.Turns, "_plan"),
    "ledger": (bookkeeper.Bookkeeper, "_offer_health"),
    "publisher": (publisher.Publisher, "_keep_time"),
    "control": (control.Control, "_take_caller"),
}


def hang_here(inner: Callable[..., Any], trigger: Path) -> Callable[..., Any]:
    def hanging(*arguments: Any) -> Any:
        if trigger.exists():
            threading.Event().wait()
        return inner(*arguments)

    return hanging


def main() -> None:
    loop, trigger = sys.argv[1], Path(sys.argv[2])
    owner, method = LOOPS[loop]
    setattr(owner, method, hang_here(getattr(owner, method), trigger))
    bookkeeper.TURN_WITHIN_S = QUICK_S
    pulse.Pulse.__init__.__defaults__ = (QUICK_S,)
    module, *options = sys.argv[sys.argv.index("-m") + 1 :]
    sys.argv = [module, *options]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
