"""A folder of our own for a simulated house. It is the caller's to remove."""

import tempfile
from pathlib import Path

LONGEST_PLACE_BYTES = 50


def make_folder(purpose: str) -> Path:
    """A new folder; not under a long TMPDIR, because a Unix socket's path has 107 bytes at most (unix(7))."""
    place = Path(tempfile.gettempdir())
    if len(bytes(place)) > LONGEST_PLACE_BYTES:
        place = Path("/tmp")
    return Path(tempfile.mkdtemp(prefix=f"netmeter-{purpose}-", dir=place))
