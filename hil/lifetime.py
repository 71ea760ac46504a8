"""How long a helper process lives: until SIGTERM or SIGINT, and never longer than the process that started it.

Linux only (prctl). Nothing here starts or stops another process.
"""

import ctypes
import signal
import sys
from types import FrameType

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def die_with_parent() -> None:
    """Ask the kernel for SIGTERM when the parent ends, however it ends. Survives exec, not a change of user."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)


def end_on_signal() -> None:
    """Turn SIGTERM and SIGINT into SystemExit(0), so that `finally` clauses run."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        sys.exit(0)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
