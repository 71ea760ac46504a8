"""Progress of work that takes longer than two seconds, on standard error: one line that changes on a terminal, else a
line now and then. Silent before that, so that quick work says nothing.
"""

import sys
from collections.abc import Callable

import click

from ..clock import SystemClock

SILENT_US = 2_000_000
TERMINAL_EVERY_US = 250_000
LOG_EVERY_US = 10_000_000
CLEAR_LINE = "\r\x1b[K"


class Progress:
    """Called with what is done, how much, and of how much (0: not known)."""

    def __init__(self, what: str, real_us: Callable[[], int] | None = None) -> None:
        """`real_us`: monotonic microseconds; None: the machine's."""
        self._what = what
        self._real_us = SystemClock().real_us if real_us is None else real_us
        self._next_us = self._real_us() + SILENT_US
        self._terminal = sys.stderr.isatty()
        self._dirty = False

    def __call__(self, doing: str, done: int, total: int) -> None:
        now_us = self._real_us()
        if now_us < self._next_us:
            return
        self._next_us = now_us + (TERMINAL_EVERY_US if self._terminal else LOG_EVERY_US)
        share = f" of {total:,} ({done * 100 // total} %)" if total else ""
        line = f"{doing}: {done:,}{share} {self._what}"
        click.echo(f"{CLEAR_LINE}{line}" if self._terminal else line, err=True, nl=not self._terminal)
        self._dirty = self._terminal

    def end(self) -> None:
        """Clear the line; what follows stands alone."""
        if self._dirty:
            click.echo(CLEAR_LINE, err=True, nl=False)
        self._dirty = False
