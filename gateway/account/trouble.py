"""What keeps an account from being reckoned once its file is read: energy, prices or dates that do not go together.

The message says what and the mend; `at` is the key of the account's file that it is about, so that whoever prints it
can name file and line. Nothing here prints or reads a file.
"""

from drivers.toml_lines import line_of

from ..config.document import Document
from ..config.problem import Problem, TomlPath


class NotReckonedError(Exception):
    """`at` is None where the message names its own place (another file's row, an option); empty: the whole file."""

    def __init__(self, message: str, at: TomlPath | None = None) -> None:
        super().__init__(message)
        self.at = at


def placed(document: Document, error: NotReckonedError, *, table: bool = True) -> str:
    """The message behind file and line of what it is about. `table`: and behind the table's name."""
    if error.at is None:
        return str(error)
    line = line_of(document.lines, error.at) if error.at else 0
    message, where = str(error), document.where(error.at) if table else ""
    return str(Problem(document.file, line, "" if message.startswith(where) else where, "", None, message))
