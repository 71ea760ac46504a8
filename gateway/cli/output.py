"""Output that cannot be written: a full disk behind `>`, a reader that has gone. A message, exit code 1, no traceback.

Holds for every command of a group, its help included. An error that names a file is not one of output: whoever wrote
that file tells it.
"""

import contextlib
import errno
import os
import sys
from pathlib import Path
from typing import Any

import click

EXIT_FAILED = 1
_NO_OUTPUT = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EPIPE}


class OutputGroup(click.Group):
    """A group of commands that end with a message where their output cannot be written."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the command line. Raises SystemExit, as click's own does."""
        try:
            try:
                return super().main(*args, **kwargs)
            finally:
                # Python would try at its very end, where nobody can tell of it.
                if sys.stdout is not None:
                    sys.stdout.flush()
        except OSError as error:
            if error.errno not in _NO_OUTPUT or error.filename is not None:
                raise
            name = Path(sys.argv[0]).name
            with contextlib.suppress(OSError):
                click.echo(f"{name}: the output could not be written whole: {error.strerror}", err=True)
            _give_up_output()
            raise SystemExit(EXIT_FAILED) from error


def _give_up_output() -> None:
    """What is still in the buffer goes nowhere: at its end Python would fail on it once more."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
