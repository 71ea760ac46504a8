"""What is wrong with a CSV of export prices, and the mend."""


class RowError(Exception):
    """The file cannot be used: place and reason, and `mend`."""

    def __init__(self, message: str, mend: str = "") -> None:
        super().__init__(message)
        self.mend = mend
