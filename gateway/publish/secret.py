"""A secret that is not in the config: out of a file, or handed over by systemd as a credential. Never logged.

`credential:NAME` is a file in the service's own credentials folder (systemd.exec(5), LoadCredential=).
"""

from pathlib import Path

from .. import places
from ..config.types import CREDENTIAL


def secret_path(name: str) -> Path:
    """Where it lies. Raises ValueError for a credential that this process was not given."""
    if not name.startswith(CREDENTIAL):
        return Path(name)
    wanted = name.removeprefix(CREDENTIAL)
    folder = places.credentials_folder()
    if folder is None:
        raise ValueError(f"{name}: this process was given no credentials; LoadCredential={wanted}:/path in the unit")
    return folder / wanted


def read_secret(name: str) -> str:
    """The text alone, without the line's end. Raises OSError, ValueError."""
    return secret_path(name).read_text(encoding="utf-8").strip()
