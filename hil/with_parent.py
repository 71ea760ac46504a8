"""`python -m hil.with_parent COMMAND ...`: become COMMAND, bound to end with the process that started it.

The process id stays the same, so the starter can end it by pid. For programs that are not ours (the broker).
"""

import os
import sys

from .lifetime import die_with_parent


def main() -> None:
    """Replace this process by the command on its own command line."""
    die_with_parent()
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
